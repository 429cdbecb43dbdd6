"""What a running engine says of itself: the samples of its metrics page."""

import socket
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.request import urlopen

ANSWER_S = 10.0

Samples = Mapping[str, float]
"""Sample, labels included, to its value."""


def free_port() -> int:
    """Give a port that nobody listens on now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def samples_of(text: str) -> Samples:
    """Read a page in the Prometheus text format."""
    lines = (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, _, value in lines if name}


@dataclass(frozen=True, slots=True)
class EnginePage:
    """The page of one engine, which is told where to serve it by `told`."""

    port: int

    @property
    def told(self) -> dict[str, str]:
        """Give the variables that make an engine serve it."""
        return {"ANPR_HTTP__PORT": str(self.port)}

    def read(self) -> Samples:
        """Fetch it."""
        with urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=ANSWER_S) as page:
            return samples_of(page.read().decode())


def gained(before: Samples, after: Samples, name: str) -> float:
    """Say by how much one sample grew."""
    return after.get(name, 0.0) - before.get(name, 0.0)
