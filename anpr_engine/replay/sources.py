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
    """Load the one module that knows Arrow.

    Raises:
        AnprError: pyarrow is not installed.

    """
    try:
        return importlib.import_module("anpr_engine.replay.arrow")
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


def file_values(path: str) -> Iterator[list[bytes]]:
    """Give a file's reads in batches: JSON lines, Parquet by its ending, `-` for stdin.

    Raises:
        InputFileError: the file cannot be read.

    """
    if path == STDIN:
        yield from batched(_lines(sys.stdin.buffer))
        return
    if path.endswith(".parquet"):
        for batch in arrow_door().parquet_rows(path, BATCH_READS):
            yield [row_value(row) for row in batch]
        return
    try:
        with Path(path).open("rb") as stream:
            yield from batched(_lines(stream))
    except OSError as error:
        raise InputFileError(
            f"The reads file {path} cannot be read: {error.strerror}.", "Check its name."
        ) from None


def read_values(reads: Any) -> Iterator[list[bytes]]:  # noqa: ANN401 - whatever a notebook holds
    """Give reads in batches, from a path or pattern, rows, a DataFrame or an Arrow table.

    Raises:
        InputFileError: no file has that name.
        UsageError: the object holds no reads.

    """
    if isinstance(reads, str | Path):
        for path in _paths(str(reads)):
            yield from file_values(path)
    elif hasattr(reads, "__arrow_c_stream__") or hasattr(reads, "__dataframe__"):
        for batch in arrow_door().table_rows(reads, BATCH_READS):
            yield [row_value(row) for row in batch]
    elif isinstance(reads, Iterable):
        yield from batched(row if isinstance(row, bytes) else row_value(row) for row in reads)
    else:
        raise UsageError(
            f"Reads cannot be taken from a {type(reads).__name__}.",
            "Give a path, rows, a DataFrame or an Arrow table.",
        )


def _paths(pattern: str) -> list[str]:
    paths = sorted(glob.glob(pattern)) if set("*?[") & set(pattern) else [pattern]  # noqa: PTH207
    if not paths:
        raise InputFileError(f"No file is called {pattern}.", "Check the pattern.")
    return paths


def read_columns(reads: Any) -> Iterator[TakeReads]:  # noqa: ANN401 - whatever a notebook holds
    """Give reads in batches to be decoded, as `read_values` takes them.

    Of Parquet and tables only the columns are read that a match looks at.

    Raises:
        InputFileError: no file has that name, or a file cannot be read.
        UsageError: the object holds no reads.

    """
    if isinstance(reads, str | Path):
        for path in _paths(str(reads)):
            if path.endswith(".parquet"):
                yield from arrow_door().parquet_columns(path, TABLE_READS)
            else:
                yield from (partial(decode, values) for values in file_values(path))
    elif hasattr(reads, "__arrow_c_stream__") or hasattr(reads, "__dataframe__"):
        yield from arrow_door().table_columns(reads, TABLE_READS)
    else:
        yield from (partial(decode, values) for values in read_values(reads))
