"""The one door to pyarrow: Parquet and Arrow tables in, tables of hits out."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from anpr_engine.errors import InputFileError
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


def parquet_rows(path: str, size: int) -> Iterator[list[dict[str, Any]]]:
    """Give a Parquet file's rows in batches of a size.

    Raises:
        InputFileError: the file cannot be read.

    """
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(size):
                yield batch.to_pylist()
    except (OSError, pa.ArrowException) as error:
        raise InputFileError(
            f"The Parquet file {path} cannot be read: {type(error).__name__}.",
            "Check its name and that it is complete.",
        ) from None


def table_rows(table: Any, size: int) -> Iterator[list[dict[str, Any]]]:  # noqa: ANN401 - any frame
    """Give the rows of an Arrow table or DataFrame in batches of a size."""
    arrow = table if isinstance(table, pa.Table) else pa.table(table)
    for batch in arrow.to_batches(max_chunksize=size):
        yield batch.to_pylist()


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
