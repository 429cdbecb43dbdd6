"""Hits into a file that appears whole or not at all: JSON lines, Parquet by its ending."""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import msgspec

from anpr_engine.errors import InputFileError
from anpr_engine.records.hit import Hit
from anpr_engine.replay.sources import STDIN, arrow_door

_ENCODER = msgspec.json.Encoder()


class HitWriter(Protocol):
    """Takes hits batch by batch."""

    def write(self, hits: Sequence[Hit]) -> None:
        """Add a batch."""
        ...

    def close(self) -> None:
        """Finish the file."""
        ...


class JsonHits:
    """Writes hits as JSON lines."""

    def __init__(self, path: Path | None) -> None:
        """Open a file, or stdout for None."""
        self._stream = sys.stdout.buffer if path is None else path.open("wb")
        self._own = path is not None

    def write(self, hits: Sequence[Hit]) -> None:
        """Add a batch."""
        self._stream.write(b"".join(_ENCODER.encode(hit) + b"\n" for hit in hits))

    def close(self) -> None:
        """Finish."""
        self._stream.flush()
        if self._own:
            self._stream.close()


@contextmanager
def hit_writer(path: str) -> Iterator[HitWriter]:
    """Open an output; a file gets its name only when everything has been written.

    Raises:
        InputFileError: the file cannot be made.

    """
    if path == STDIN:
        out = JsonHits(None)
        yield out
        out.close()
        return
    part = Path(f"{path}.part")
    try:
        parquet = path.endswith(".parquet")
        writer: HitWriter = arrow_door().ParquetHits(part) if parquet else JsonHits(part)
        try:
            yield writer
            writer.close()
            os.replace(part, path)  # noqa: PTH105 - one atomic step, as its name says
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise InputFileError(
            f"The output {path} cannot be written: {error.strerror}.", "Give another path."
        ) from None
