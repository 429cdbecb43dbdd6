"""Reads from files and from a notebook's own tables, in batches.

JSON lines and rows end in the values that Kafka brings, Parquet and tables in the columns that
those become: the same code decides on them, and the same mistakes get the same names.
"""

import glob
import importlib
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any, BinaryIO

from anpr_engine.errors import AnprError, InputFileError, UsageError
from anpr_engine.pipeline.batches.rows import row_value
from anpr_engine.pipeline.decode import decode
from anpr_engine.records.columns import ReadColumns

BATCH_READS = 32_768
TABLE_READS = 131_072
"""Rows of a table taken at once: columns cost less by the row the longer they are."""
STDIN = "-"

TakeReads = Callable[[int], ReadColumns]
"""Decodes one batch; given the latest time that a read may have, see `decode`."""


def arrow_door() -> ModuleType:
    """Load the module that knows Parquet and Arrow tables.

    Raises:
        AnprError: pyarrow is not installed.

    """
    return _door("anpr_engine.replay.arrow")


def read_tables_door() -> ModuleType:
    """Load the module that writes reads as Parquet and Arrow, likewise."""
    return _door("anpr_engine.replay.read_tables")


def _door(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        raise AnprError(
            "Parquet and Arrow need the package pyarrow, which is not installed.",
            "Install it with: pip install 'anpr-engine[parquet]'.",
        ) from None


def batched(values: Iterable[bytes], size: int = BATCH_READS) -> Iterator[list[bytes]]:
    """Cut a stream of values into lists of a size."""
    batch: list[bytes] = []
    for value in values:
        batch.append(value)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def _lines(stream: BinaryIO) -> Iterator[bytes]:
    for line in stream:
        stripped = line.strip()
        if stripped:
            yield stripped


def _file_values(path: str) -> Iterator[list[bytes]]:
    # A file's JSON lines in batches; `-` is stdin.
    if path == STDIN:
        yield from batched(_lines(sys.stdin.buffer))
        return
    try:
        with Path(path).open("rb") as stream:
            yield from batched(_lines(stream))
    except OSError as error:
        raise InputFileError(
            f"The reads file {path} cannot be read: {error.strerror}.", "Check its name."
        ) from None


def _paths(pattern: str) -> list[str]:
    paths = sorted(glob.glob(pattern)) if set("*?[") & set(pattern) else [pattern]  # noqa: PTH207
    if not paths:
        raise InputFileError(f"No file is called {pattern}.", "Check the pattern.")
    return paths


def read_columns(reads: Any) -> Iterator[TakeReads]:  # noqa: ANN401 - whatever a notebook holds
    """Give reads in batches to be decoded: of a path, `-` for stdin, a pattern, or of a table.

    A path ends in `.parquet`, or its file holds JSON lines. Of Parquet and tables only the columns
    are read that a match looks at.

    Raises:
        InputFileError: no file has that name, or a file cannot be read.
        UsageError: the object holds no reads.

    """
    if isinstance(reads, str | Path):
        for path in _paths(str(reads)):
            if path.endswith(".parquet"):
                yield from arrow_door().parquet_columns(path, TABLE_READS)
            else:
                yield from (partial(decode, values) for values in _file_values(path))
    elif hasattr(reads, "__arrow_c_stream__") or hasattr(reads, "__dataframe__"):
        yield from arrow_door().table_columns(reads, TABLE_READS)
    elif isinstance(reads, Iterable):
        values = (row if isinstance(row, bytes) else row_value(row) for row in reads)
        yield from (partial(decode, batch) for batch in batched(values))
    else:
        raise UsageError(
            f"Reads cannot be taken from a {type(reads).__name__}.",
            "Give a path, rows, a DataFrame or an Arrow table.",
        )
