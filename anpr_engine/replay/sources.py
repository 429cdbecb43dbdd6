"""Reads from files and from a notebook's own tables, as batches of record values.

Every source ends in the same JSON values that Kafka brings, so that the same code decides on them
and the same mistakes get the same names.
"""

import glob
import importlib
import sys
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any, BinaryIO

import msgspec

from anpr_engine.errors import AnprError, InputFileError, UsageError

BATCH_READS = 32_768
STDIN = "-"

_ENCODER = msgspec.json.Encoder(enc_hook=str)


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


def row_value(row: Mapping[str, Any]) -> bytes:
    """Write one row as a read's JSON; empty cells are left out, times without zone are UTC."""
    filled = {name: _cell(cell) for name, cell in row.items() if not _is_empty(cell)}
    return _ENCODER.encode(filled)


def _is_empty(cell: object) -> bool:
    # pandas writes a missing number or text as NaN, which is not equal to itself.
    return cell is None or cell != cell  # noqa: PLR0124 - see above


def _cell(cell: Any) -> Any:  # noqa: ANN401 - rows hold what JSON holds
    if isinstance(cell, datetime):
        zoned = cell if cell.tzinfo else cell.replace(tzinfo=UTC)
        return zoned.astimezone(UTC).isoformat().replace("+00:00", "Z")
    item = getattr(cell, "item", None)
    return item() if callable(item) and getattr(cell, "shape", None) == () else cell


def read_values(reads: Any) -> Iterator[list[bytes]]:  # noqa: ANN401 - whatever a notebook holds
    """Give reads in batches, from a path or pattern, rows, a DataFrame or an Arrow table.

    Raises:
        InputFileError: no file has that name.
        UsageError: the object holds no reads.

    """
    if isinstance(reads, str | Path):
        yield from _pattern_values(str(reads))
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


def _pattern_values(pattern: str) -> Iterator[list[bytes]]:
    paths = sorted(glob.glob(pattern)) if set("*?[") & set(pattern) else [pattern]  # noqa: PTH207
    if not paths:
        raise InputFileError(f"No file is called {pattern}.", "Check the pattern.")
    for path in paths:
        yield from file_values(path)
