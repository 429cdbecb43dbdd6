"""A replay cut into units: each is worked off as a whole, kept, and never worked off again.

The cut depends on the input alone, not on workers or batches, so that a replay that goes on after
an interruption, or with more workers, comes to the same units.
"""

import glob
import os
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

import msgspec

from anpr_engine.errors import InputFileError
from anpr_engine.ports import DamagedRecord
from anpr_engine.records.columns import ReadColumns
from anpr_engine.replay.sources import STDIN, arrow_door

PARQUET, JSON_LINES, STREAM, KAFKA = "parquet", "json-lines", "stdin", "kafka"
UNIT_READS = 524_288
UNIT_BYTES = 64 * 1024 * 1024
READS, BYTES, RECORDS = "reads", "bytes", "records"
_FILES = (".jsonl", ".ndjson", ".parquet")


class Unit(msgspec.Struct, frozen=True):
    """One piece of the input.

    begin, end: row groups of a Parquet file, bytes of JSON lines, offsets of a partition.
    weight: how much it is, in what the plan measures by.
    """

    number: int
    kind: str
    name: str
    begin: int
    end: int
    weight: int
    partition: int = -1


Lane = Sequence[Unit]
"""Units that one worker takes in order, because each begins where the one before ends."""


class Plan(msgspec.Struct, frozen=True):
    """All units in order; weights are in `measure`."""

    measure: str
    units: list[Unit]

    def lanes(self) -> list[Lane]:
        """Give the units as workers take them: a partition in order, anything else alone."""
        found: dict[object, list[Unit]] = {}
        for unit in self.units:
            key = (unit.name, unit.partition) if unit.kind == KAFKA else unit.number
            found.setdefault(key, []).append(unit)
        return list(found.values())

    @property
    def weight(self) -> int:
        """The whole."""
        return sum(unit.weight for unit in self.units)


class Portion(NamedTuple):
    """One batch of a unit, yet to be decoded.

    take: decodes it; given the latest time that a read may have; None: it holds no reads.
    weight: its part of the unit's. where: names the record of a row; None: rows count through.
    damaged: what could not be read at all.
    """

    take: Callable[[int], ReadColumns] | None
    weight: int
    where: Callable[[ReadColumns, int], str] | None = None
    damaged: Sequence[DamagedRecord] = ()


class Source(Protocol):
    """Where the reads of units come from."""

    def portions(
        self, lane: Lane, stop: Callable[[], bool]
    ) -> Generator[tuple[Unit, Portion], None, None]:
        """Give the portions of a lane's units in order, each unit at least once.

        Ends early once `stop` says so.
        """
        ...


class InputFile(msgspec.Struct, frozen=True):
    """What a file was when its replay began."""

    path: str
    size: int
    changed_ns: int
    footer: str = ""


def found_files(wanted: Iterable[str]) -> list[str]:
    """Give the files of paths, patterns and folders, each once; `-` is standard input.

    Raises:
        InputFileError: nothing has such a name.

    """
    paths: dict[str, str] = {}
    for name in wanted:
        for path in _matching(name):
            paths.setdefault(path if path == STDIN else os.path.realpath(path), path)
    return list(paths.values())


def _matching(name: str) -> list[str]:
    if name == STDIN:
        return [name]
    if Path(name).is_dir():
        inside = (path for path in Path(name).rglob("*") if path.suffix in _FILES)
        paths = sorted(str(path) for path in inside if path.is_file())
    elif set("*?[") & set(name) and not Path(name).exists():
        paths = sorted(glob.glob(name, recursive=True))  # noqa: PTH207 - takes absolute patterns
    else:
        paths = [name]
    if not paths:
        raise InputFileError(f"No file of reads is called {name}.", "Check the name or pattern.")
    return paths


def file_as_it_is(path: str) -> InputFile:
    """Say what a file is now.

    Raises:
        InputFileError: it cannot be read.

    """
    try:
        found = Path(path).stat()
    except OSError as error:
        what = f"The reads file {path} cannot be read: {error.strerror}."
        raise InputFileError(what, "Check its name.") from None
    footer = arrow_door().footer_digest(path) if path.endswith(".parquet") else ""
    return InputFile(os.path.realpath(path), found.st_size, found.st_mtime_ns, footer)


def plan_files(paths: Sequence[str]) -> Plan:
    """Cut files into units, by their footers and sizes.

    Raises:
        InputFileError: a file cannot be read.

    """
    if all(path.endswith(".parquet") for path in paths):
        pieces = [piece for path in paths for piece in _row_groups(path)]
        return Plan(READS, numbered(pieces))
    pieces = []
    for path in paths:
        if path == STDIN:
            pieces.append(Unit(0, STREAM, path, 0, 0, 0))
        elif path.endswith(".parquet"):
            groups = list(_row_groups(path))
            reads = sum(unit.weight for unit in groups) or 1
            size = Path(path).stat().st_size
            pieces += [
                msgspec.structs.replace(unit, weight=size * unit.weight // reads) for unit in groups
            ]
        else:
            pieces += _byte_ranges(path)
    return Plan(BYTES, numbered(pieces))


def numbered(pieces: Iterable[Unit]) -> list[Unit]:
    """Number units in order."""
    return [msgspec.structs.replace(unit, number=at) for at, unit in enumerate(pieces)]


def _row_groups(path: str) -> Iterator[Unit]:
    sizes: list[int] = arrow_door().row_group_reads(path)
    begin = reads = 0
    for place, size in enumerate(sizes):
        if reads and reads + size > UNIT_READS:
            yield Unit(0, PARQUET, path, begin, place, reads)
            begin, reads = place, 0
        reads += size
    if reads:
        yield Unit(0, PARQUET, path, begin, len(sizes), reads)


def _byte_ranges(path: str) -> Iterator[Unit]:
    size = Path(path).stat().st_size
    for begin in range(0, size, UNIT_BYTES):
        end = min(begin + UNIT_BYTES, size)
        yield Unit(0, JSON_LINES, path, begin, end, end - begin)
