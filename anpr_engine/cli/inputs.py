"""Files that commands read line by line, or stdin for `-`."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from anpr_engine.errors import InputFileError

STDIN = "-"


@contextmanager
def opened(path: str, what: str, option: str) -> Iterator[IO[bytes]]:
    """Open a file that an option names.

    Args:
        path: the file's; `-` for stdin.
        what: it holds, in the plural.
        option: with its hyphens.

    Raises:
        InputFileError: it cannot be read.

    """
    if path == STDIN:
        yield sys.stdin.buffer
        return
    try:
        file = Path(path).open("rb")  # noqa: SIM115 - closed below
    except OSError as error:
        told = f"The {what} {path} cannot be read: {error.strerror}."
        raise InputFileError(told, f"Give another file with {option}.") from None
    with file:
        yield file
