"""Hits into a file that appears whole or not at all: JSON lines, Parquet by its ending."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import msgspec

from anpr_engine.errors import UsageError
from anpr_engine.records.hit import Hit
from anpr_engine.replay.sources import STDIN, arrow_door
from anpr_engine.whole_files import whole_file

_ENCODER = msgspec.json.Encoder()
GROUP_HITS = 65_536
"""Hits a row group of Parquet has at least, but for the last."""


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


ENDINGS = (".jsonl", ".parquet")
OTHER_PATH = "Give another path."


def check_output(out: str) -> None:
    """Refuse a name whose ending promises what is not written, and one of what is no file.

    Raises:
        UsageError: neither JSON lines nor Parquet, or a device: a file would take its place.

    """
    if out == STDIN:
        return
    if Path(out).exists() and not Path(out).is_file():
        raise UsageError(f"The output {out} is no file.", "Give a path, or - for stdout.")
    ending = Path(out).suffix.lower()
    if not ending or ending in ENDINGS:
        return
    what = f"The output {out} ends in {ending}; hits are written as {' or '.join(ENDINGS)}."
    raise UsageError(what, "Give a name that ends so, or - for stdout.")


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
    with whole_file(Path(path), f"The output {path}", OTHER_PATH) as part:
        parquet = path.endswith(".parquet")
        writer: HitWriter = arrow_door().ParquetHits(part) if parquet else JsonHits(part)
        yield writer
        writer.close()


def write_lines(out: str, batches: Iterator[list[bytes]], part: Path) -> None:
    """Put hits, each a line of JSON, into an output that appears whole or not at all.

    Args:
        out: a path, `.parquet` or JSON lines; `-` for stdout.
        batches: the lines in order.
        part: where the file is written first, on the output's own disk.

    Raises:
        InputFileError: the file cannot be made.

    """
    if out == STDIN:
        for lines in batches:
            sys.stdout.buffer.write(b"".join(lines))
        sys.stdout.buffer.flush()
        return
    with whole_file(Path(out), f"The output {out}", OTHER_PATH, part):
        if out.endswith(".parquet"):
            _write_parquet(part, batches)
        else:
            with part.open("wb") as file:
                for lines in batches:
                    file.write(b"".join(lines))


def _write_parquet(part: Path, batches: Iterator[list[bytes]]) -> None:
    door = arrow_door()
    writer = door.ParquetHits(part)
    try:
        waiting: list[bytes] = []
        for lines in batches:
            waiting += lines
            if len(waiting) >= GROUP_HITS:
                writer.write(door.hits_of(waiting))
                waiting = []
        if waiting:
            writer.write(door.hits_of(waiting))
    finally:
        writer.close()
