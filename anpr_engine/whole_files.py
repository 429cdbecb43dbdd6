"""Files that appear whole or not at all: written under a passing name, and given their own last."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from anpr_engine.errors import InputFileError


@contextmanager
def whole_file(path: Path, name: str, remedy: str, part: Path | None = None) -> Iterator[Path]:
    """Give the name to write a file under; it gets its own when the block ends without an error.

    Args:
        path: the file's own name.
        name: what it is called where it cannot be written, such as "The output hits.jsonl".
        remedy: what to do then.
        part: the passing name, on the same disk; `path` with `.part` behind it unless given.

    Raises:
        InputFileError: it cannot be written.

    """
    part = part or Path(f"{path}.part")
    try:
        try:
            yield part
            with part.open("rb+") as file:
                os.fsync(file.fileno())
            part.replace(path)
            _sync_folder(path.parent)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise InputFileError(f"{name} cannot be written: {error.strerror}.", remedy) from None


def _sync_folder(folder: Path) -> None:
    # Put a folder's names on disk.
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
