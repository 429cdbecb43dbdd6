"""Files that only their owner may read: written new, replaced, and written over when they go."""

import os
from pathlib import Path
from typing import BinaryIO

from anpr_engine.audit.key_modules import key_module
from anpr_engine.errors import InputFileError, UsageError

PRIVATE = 0o600


def read_secret_file(file: Path) -> bytes:
    """Read a file that others may not read.

    Raises:
        UsageError: they may, or a package is missing.
        InputFileError: it cannot be read.

    """
    text: bytes = key_module("signing").secret_bytes(file)
    return text


def read_whole(file: Path) -> bytes:
    """Read a file that came; raises `InputFileError` where it cannot be read."""
    try:
        return file.read_bytes()
    except OSError as error:
        what = f"{file} cannot be read: {error.strerror}."
        raise InputFileError(what, "Give the file that the other side sent.") from None


def require_new(*files: Path) -> None:
    """Refuse to write over files; raises `UsageError` where one is there."""
    for file in files:
        if file.exists():
            raise UsageError(f"{file} is there already.", "Give another name.")


def write_private(file: Path, data: bytes) -> None:
    """Write a new file that only its owner may read.

    Raises:
        UsageError: it is there already.
        InputFileError: it cannot be written.

    """
    try:
        number = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE)
        with os.fdopen(number, "wb") as out:
            out.write(data)
            _sync(out)
    except FileExistsError:
        raise UsageError(f"{file} is there already.", "Give another name.") from None
    except OSError as error:
        what = f"{file} cannot be written: {error.strerror}."
        raise InputFileError(what, "Check the folder and its permissions.") from None


def replace_private(file: Path, data: bytes) -> None:
    """Put new content in the place of a secret file, at once, and write over the old one.

    Raises:
        InputFileError: it cannot be written.

    """
    new = file.with_name(f"{file.name}.new")
    try:
        new.unlink(missing_ok=True)
        with file.open("rb+") as old:
            write_private(new, data)
            new.replace(file)
            _write_over(old)
    except OSError as error:
        what = f"{file} cannot be replaced: {error.strerror}."
        raise InputFileError(what, "Check the folder and its permissions.") from None


def destroy(file: Path) -> None:
    """Write over a file and take it away; what the disk or a copy keeps of it is out of reach.

    Raises:
        InputFileError: it cannot be written.

    """
    try:
        with file.open("rb+") as held:
            _write_over(held)
        file.unlink()
    except OSError as error:
        what = f"{file} cannot be destroyed: {error.strerror}."
        raise InputFileError(what, "Take it away yourself: it holds a secret.") from None


def _write_over(held: BinaryIO) -> None:
    held.write(bytes(os.fstat(held.fileno()).st_size))
    _sync(held)


def _sync(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())
