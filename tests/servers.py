"""The type of the `kafka` fixture, for tests to annotate with."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Broker:
    """Where the tests' broker listens, as `host:port`."""

    bootstrap: str
