"""What a replay has done so far, in a folder beside its output.

A unit is kept in a file of its own, under its final name only once it is whole and on disk. So a
replay that was interrupted, or killed, goes on with the units that are missing, and counts no
unit by half. `manifest.json` says what the units belong to; a lock keeps a second replay away.

Why hits lie there as lines of JSON, and the output is put together at the end: the output is then
the same to the byte, however often the replay was interrupted and however many workers it had.
"""

import fcntl
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from anpr_engine.errors import AnprError, InputFileError, UsageError
from anpr_engine.replay.tally import Tally, digest_of
from anpr_engine.replay.units import InputFile, Plan
from anpr_engine.whole_files import whole_file

VERSION_OF_PARTS = 1
_MANIFEST, _LOCK = "manifest.json", "lock"
_RESTART = "Give --restart to begin anew, or another --out."


class Identity(msgspec.Struct, frozen=True):
    """What a replay is of; units of two replays may be put together only if these agree.

    asked: options by name, as they were given. files: empty for Kafka.
    lists: version or digest of the watchlists. package: the engine's version.
    """

    package: str
    asked: dict[str, str]
    lists: str
    files: list[InputFile] = msgspec.field(default_factory=list[InputFile])


class Manifest(msgspec.Struct, frozen=True):
    """A replay: what it is of, when it began, its units."""

    version: int
    begun_us: int
    identity: Identity
    plan: Plan


class Parts:
    """The folder of one replay, locked as long as it is open."""

    def __init__(self, folder: Path) -> None:
        """Open or make the folder.

        Raises:
            UsageError: another replay works there.
            InputFileError: the folder cannot be made.

        """
        self.folder = folder
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
            self._lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            what = f"The folder {folder} for the replay's parts cannot be made: {error.strerror}."
            raise InputFileError(what, "Give another --out.") from None
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._lock)
            what = f"Another replay works in {folder}."
            raise UsageError(what, "Wait for its end, or give another --out.") from None

    def __enter__(self) -> Self:
        """Give the parts themselves."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Unlock; leave no folder behind in which nothing was done."""
        if self.is_empty():
            self.remove()
        os.close(self._lock)

    def is_empty(self) -> bool:
        """Say whether no unit was kept."""
        return not any(self.folder.glob("*.unit"))

    def begun(self) -> Manifest | None:
        """Give the replay that was begun here, None when there is none.

        Raises:
            UsageError: it is of another version.

        """
        try:
            found = msgspec.json.decode((self.folder / _MANIFEST).read_bytes(), type=Manifest)
        except FileNotFoundError:
            return None
        except msgspec.MsgspecError:
            found = None
        if found is None or found.version != VERSION_OF_PARTS:
            what = f"What was begun in {self.folder} is of another version of this command."
            raise UsageError(what, _RESTART)
        return found

    def begin(self, manifest: Manifest) -> None:
        """Write down what the units to come belong to."""
        _write_whole(self.folder / _MANIFEST, msgspec.json.encode(manifest))

    def clear(self) -> None:
        """Forget what was begun; the manifest first, so that no unit is without one."""
        (self.folder / _MANIFEST).unlink(missing_ok=True)
        for path in self.folder.iterdir():
            if path.name != _LOCK:
                path.unlink()

    def kept(self) -> dict[int, Tally]:
        """Give the tallies of the units that are done, by number."""
        found: dict[int, Tally] = {}
        for path in self.folder.glob("*.unit"):
            with path.open("rb") as file:
                found[int(path.stem)] = self._tally(path, file.readline())
        return found

    def keep(self, number: int, tally: Tally, lines: Sequence[bytes]) -> None:
        """Keep a unit: its tally, and its hits as lines of JSON."""
        head = msgspec.json.encode(tally) + b"\n"
        _write_whole(self._unit(number), head + b"".join(lines))

    def lines(self, number: int) -> list[bytes]:
        """Give a kept unit's hits.

        Raises:
            AnprError: they are not what was kept.

        """
        path = self._unit(number)
        head, *lines = path.read_bytes().splitlines(keepends=True)
        tally = self._tally(path, head)
        if len(lines) != tally.hits or digest_of(lines) != tally.digest:
            raise _damaged(path)
        return lines

    def all_lines(self, plan: Plan) -> Iterator[list[bytes]]:
        """Give all hits, unit by unit in order."""
        for unit in plan.units:
            lines = self.lines(unit.number)
            if lines:
                yield lines

    def remove(self) -> None:
        """Remove the folder; the output stands."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _unit(self, number: int) -> Path:
        return self.folder / f"{number:06d}.unit"

    def _tally(self, path: Path, head: bytes) -> Tally:
        try:
            return msgspec.json.decode(head, type=Tally)
        except msgspec.MsgspecError:
            raise _damaged(path) from None


def refuse_other(begun: Identity, now: Identity, folder: Path) -> None:
    """Stop where what was begun is not what is asked for now.

    Raises:
        UsageError: names what differs.

    """
    differing = list(_differences(begun, now))
    if differing:
        what = f"In {folder} another replay was begun; different is: {'; '.join(differing)}."
        raise UsageError(what, _RESTART)


def _differences(begun: Identity, now: Identity) -> Iterator[str]:
    if begun.package != now.package:
        yield f"the engine's version (then {begun.package}, now {now.package})"
    yield from _options(begun.asked, now.asked)
    if begun.lists != now.lists:
        yield f"the watchlists (then {begun.lists}, now {now.lists})"
    was = {file.path: file for file in begun.files}
    is_now = {file.path: file for file in now.files}
    for path in sorted(was.keys() | is_now.keys()):
        if path not in is_now:
            yield f"{path} is not among the reads any more"
        elif path not in was:
            yield f"{path} is new among the reads"
        elif was[path] != is_now[path]:
            yield f"{path} was changed"


def _options(was: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    for name in sorted(was.keys() | now.keys()):
        then, given = was.get(name, "not given"), now.get(name, "not given")
        if then != given:
            yield f"{name} (then {then}, now {given})"


def _damaged(path: Path) -> AnprError:
    return AnprError(f"{path} is not as it was written.", _RESTART)


def _write_whole(path: Path, data: bytes) -> None:
    remedy = "What is done so far is kept; the same command goes on."
    with whole_file(path, str(path), remedy) as part:
        part.write_bytes(data)
