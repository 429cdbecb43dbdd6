"""The one door to pyarrow: Parquet and Arrow tables in, tables of hits out."""

import hashlib
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from anpr_engine.errors import InputFileError, UsageError
from anpr_engine.pipeline.batches.arrow import ERRORS, is_text, known_columns, without_empty
from anpr_engine.pipeline.batches.arrow_reads import NEEDED, columns_of
from anpr_engine.pipeline.batches.rules import RecordRefused
from anpr_engine.records.hit import Hit

HIT_SCHEMA = pa.schema(
    [
        ("read_id", pa.string()),
        ("camera_id", pa.string()),
        ("captured_at", pa.string()),
        ("plate", pa.string()),
        ("watchlist_plate", pa.string()),
        ("entry_id", pa.string()),
        ("list_id", pa.string()),
        ("category", pa.string()),
        ("probability", pa.float64()),
        ("tier", pa.string()),
        ("edits", pa.int32()),
    ]
)

_HITS = msgspec.json.Decoder(Hit)


def table_rows(table: Any, size: int) -> Iterator[list[dict[str, Any]]]:  # noqa: ANN401 - any frame
    """Give the rows of an Arrow table or DataFrame in batches of a size."""
    arrow = table if isinstance(table, pa.Table) else pa.table(table)
    for batch in arrow.to_batches(max_chunksize=size):
        yield batch.to_pylist()


MATCH_COLUMNS = (
    "read_id",
    "camera_id",
    "captured_at",
    "plate",
    "country",
    "country_confidence",
    "confidence",
    "characters",
    "candidates",
    "vehicle",
)
"""What a match looks at, or tells of a hit."""
_REPEATED = ("camera_id", "country")
"""Columns of few different texts, read as dictionaries."""


def parquet_columns(path: str, size: int) -> Iterator[partial[Any]]:
    """Give a Parquet file's reads as columns to be taken, in batches of a size.

    Raises:
        InputFileError: the file cannot be read, or its columns are no reads.

    """
    yield from (take for _, take in sized_columns(path, size))


def sized_columns(
    path: str, size: int, groups: Sequence[int] | None = None
) -> Iterator[tuple[int, partial[Any]]]:
    """Give batches of a Parquet file's reads, each with the number of its rows.

    Args:
        path: the file.
        size: rows at a time.
        groups: row groups by number, read by the caller's own thread; None for all.

    Raises:
        InputFileError: the file cannot be read, or its columns are no reads.

    """
    with _parquet(path) as file:
        schema = file.schema_arrow
        found = [name for name in MATCH_COLUMNS if name in schema.names]
        known_columns(schema.empty_table().select(found))
        told = _told_columns(file.metadata, groups)
    found = [name for name in found if name in told or name in NEEDED]
    repeated = [name for name in _REPEATED if name in found and is_text(schema.field(name).type)]
    with _parquet(path, repeated) as file:
        alone = groups is not None
        batches = file.iter_batches(size, row_groups=groups, columns=found, use_threads=not alone)
        for batch in batches:
            table = pa.Table.from_batches([batch])
            yield table.num_rows, partial(columns_of, _checked(table))


def _told_columns(footer: Any, groups: Sequence[int] | None) -> set[str]:  # noqa: ANN401
    # The columns that hold anything, as far as the footer says: reading empty lists costs as much
    # as reading texts.
    told: set[str] = set()
    for group in range(footer.num_row_groups) if groups is None else groups:
        for place in range(footer.num_columns):
            chunk = footer.row_group(group).column(place)
            found = chunk.statistics
            if found is None or not found.has_null_count or found.null_count < chunk.num_values:
                told.add(chunk.path_in_schema.partition(".")[0])
    return told


def row_group_reads(path: str) -> list[int]:
    """Count the reads of each row group of a Parquet file, as its footer says.

    Raises:
        InputFileError: the file cannot be read.

    """
    with _parquet(path) as file:
        footer = file.metadata
        return [footer.row_group(place).num_rows for place in range(footer.num_row_groups)]


def footer_digest(path: str) -> str:
    """Name a Parquet file by its footer: 32 hexadecimal digits.

    Raises:
        InputFileError: the file cannot be read.

    """
    with _parquet(path) as file:
        sink = io.BytesIO()
        file.metadata.write_metadata_file(sink)
    return hashlib.blake2b(sink.getvalue(), digest_size=16).hexdigest()


def hits_of(lines: Sequence[bytes]) -> list[Hit]:
    """Read hits from their lines of JSON."""
    return [_HITS.decode(line) for line in lines]


@contextmanager
def _parquet(path: str, repeated: Sequence[str] = ()) -> Iterator[Any]:
    try:
        with pq.ParquetFile(path, read_dictionary=list(repeated)) as file:
            yield file
    except RecordRefused as refusal:
        raise InputFileError(
            f"The Parquet file {path} holds no reads: {refusal.detail}.",
            "Name and fill its columns as the fields of a read.",
        ) from None
    except ERRORS as error:
        raise InputFileError(
            f"The Parquet file {path} cannot be read: {type(error).__name__}.",
            "Check its name and that it is complete.",
        ) from None


def table_columns(table: Any, size: int) -> Iterator[partial[Any]]:  # noqa: ANN401 - any frame
    """Give the reads of an Arrow table or DataFrame as columns to be taken, likewise.

    Raises:
        UsageError: its columns are no reads.

    """
    try:
        arrow = table if isinstance(table, pa.Table) else pa.table(table)
        arrow = arrow.select([name for name in arrow.column_names if name in MATCH_COLUMNS])
        for start in range(0, arrow.num_rows, size):
            yield partial(columns_of, _checked(arrow.slice(start, size)))
    except RecordRefused as refusal:
        raise UsageError(
            f"The table holds no reads: {refusal.detail}.",
            "Name and fill its columns as the fields of a read.",
        ) from None
    except ERRORS as error:
        raise UsageError(
            f"The table cannot be read: {type(error).__name__}.", "Give an Arrow table of reads."
        ) from None


def _checked(table: Any) -> Any:  # noqa: ANN401 - pyarrow is untyped
    known = known_columns(table)
    known.validate(full=True)
    return without_empty(known)


def hits_table(hits: Sequence[Hit]) -> Any:  # noqa: ANN401 - pyarrow is untyped
    """Make an Arrow table of hits, one column per field."""
    columns = {name: [getattr(hit, name) for hit in hits] for name in HIT_SCHEMA.names}
    return pa.table(columns, schema=HIT_SCHEMA)


class ParquetHits:
    """Writes hits to a Parquet file, batch by batch."""

    def __init__(self, path: Path) -> None:
        """Open the file."""
        self._writer = pq.ParquetWriter(path, HIT_SCHEMA, compression="zstd")

    def write(self, hits: Sequence[Hit]) -> None:
        """Add a batch."""
        self._writer.write_table(hits_table(hits))

    def close(self) -> None:
        """Write the footer."""
        self._writer.close()
