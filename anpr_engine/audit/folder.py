"""A record in a folder: lines as they stand in the log, heads, public keys, and digests of all.

    manifest.json  records-<partition>.jsonl  heads.jsonl  keys/<key id>.pub

Why a folder: whoever gets it needs no broker and nothing of ours but the public keys, which he
must have from elsewhere; those in the folder only say which ones are meant. The manifest is not
signed: it finds what a disk or a mail lost, and the chain and the heads find the rest.
"""

import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import msgspec

from anpr_engine.audit.findings import Finding, Kind, Place
from anpr_engine.audit.heads import HeadLine, read_head
from anpr_engine.audit.verify import AuditLine
from anpr_engine.errors import InputFileError, UsageError

MANIFEST, HEADS, KEYS = "manifest.json", "heads.jsonl", "keys"
_READ_BYTES = 1 << 20


class FileOf(msgspec.Struct, frozen=True):
    """One file of an export."""

    name: str
    size_bytes: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What an export holds; `begins` and `ends` are empty where all there was went out."""

    version: int
    site: str
    made_at: str
    package: str
    begins: str
    ends: str
    lines: int
    files: tuple[FileOf, ...]


class ExportFolder:
    """Writes an export that appears whole or not at all; a context manager."""

    def __init__(self, out: Path) -> None:
        """Prepare beside the place where the folder will be.

        Raises:
            UsageError: there is something already.
            InputFileError: nothing can be written there.

        """
        self._out, self._part = out, out.with_name(f"{out.name}.part")
        if out.exists() or self._part.exists():
            what = f"{out if out.exists() else self._part} is there already."
            raise UsageError(what, "Give --out another name, or take it away.")
        self._files: dict[str, BinaryIO] = {}
        self.lines = 0

    def __enter__(self) -> Self:
        """Make the folder under a passing name."""
        try:
            (self._part / KEYS).mkdir(parents=True)
        except OSError as error:
            what = f"{self._part} cannot be made: {error.strerror}."
            raise InputFileError(what, "Give --out another place.") from None
        return self

    def add(self, partition: int, line: bytes) -> None:
        """Add one line of the record."""
        self.write(f"records-{partition}.jsonl", line + b"\n")
        self.lines += 1

    def write(self, name: str, text: bytes) -> None:
        """Add to a file by its name in the folder."""
        file = self._files.get(name)
        if file is None:
            file = self._files[name] = (self._part / name).open("wb")
        file.write(text)

    def finish(self, manifest: Manifest) -> Manifest:
        """Write the manifest with every file's digest, and give the folder its name."""
        for file in self._files.values():
            file.flush()
            os.fsync(file.fileno())
            file.close()
        files = tuple(_file_of(self._part, name) for name in sorted(self._files))
        whole = msgspec.structs.replace(manifest, files=files, lines=self.lines)
        with (self._part / MANIFEST).open("wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(whole), indent=2) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        self._part.rename(self._out)
        return whole

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Take away what was not finished."""
        for file in self._files.values():
            file.close()
        shutil.rmtree(self._part, ignore_errors=True)


def _file_of(folder: Path, name: str) -> FileOf:
    digest, size = hashlib.sha256(), 0
    with (folder / name).open("rb") as file:
        while part := file.read(_READ_BYTES):
            digest.update(part)
            size += len(part)
    return FileOf(name, size, digest.hexdigest())


def read_manifest(folder: Path) -> Manifest:
    """Read what an export says of itself.

    Raises:
        InputFileError: the folder is no export.

    """
    try:
        return msgspec.json.decode((folder / MANIFEST).read_bytes(), type=Manifest)
    except (OSError, msgspec.DecodeError):
        what = f"{folder} is no export: it has no {MANIFEST} of this version."
        raise InputFileError(what, "Name a folder made by `anpr audit export`.") from None


def check_files(folder: Path, manifest: Manifest) -> list[Finding]:
    """Compare every file with its digest; files that are missing or were added count too."""
    findings = []
    told = {each.name: each for each in manifest.files}
    there = {path.name for path in folder.glob("*.jsonl")}
    for name in sorted(told.keys() | there):
        place = Place(source=name)
        if name not in told:
            findings.append(Finding(Kind.FILE_CHANGED, place, "not in the manifest"))
        elif not (folder / name).is_file():
            findings.append(Finding(Kind.FILE_CHANGED, place, "it is missing"))
        elif (found := _file_of(folder, name)) != told[name]:
            sizes = f"{found.size_bytes} bytes of {told[name].size_bytes}"
            findings.append(Finding(Kind.FILE_CHANGED, place, sizes))
    return findings


def record_files(folder: Path) -> list[Path]:
    """Give the files of lines, by partition."""
    found = folder.glob("records-*.jsonl")
    return sorted(found, key=lambda path: (len(path.name), path.name))


def lines_of(files: Iterable[Path]) -> Iterator[AuditLine]:
    """Give the lines of files; partition stands for the file, offset for the line, both from 0.

    Raises:
        InputFileError: a file cannot be read.

    """
    for number, path in enumerate(files):
        try:
            with path.open("rb") as file:
                for at, line in enumerate(file):
                    yield AuditLine(number, at, line.rstrip(b"\r\n"))
        except OSError as error:
            what = f"{path} cannot be read: {error.strerror}."
            raise InputFileError(what, "Name files of audit lines.") from None


def heads_of(path: Path) -> tuple[list[HeadLine], list[Finding]]:
    """Read a file of heads; lines that are none are findings.

    Raises:
        InputFileError: the file cannot be read.

    """
    heads, findings = [], []
    for found in lines_of([path]):
        source = f"{path.name} line {found.offset + 1}"
        head = read_head(found.value, source)
        if head is not None:
            heads.append(head)
        elif found.value:
            findings.append(Finding(Kind.NOT_A_HEAD, Place(source=source)))
    return heads, findings
