"""Reads as Arrow tables: to write Parquet files, and records of many reads."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.json as pj
import pyarrow.parquet as pq

_TIME = pa.timestamp("us", "UTC")
_NUMBER = pa.float64()


def _listed(part: str) -> Any:  # noqa: ANN401 - pyarrow is untyped
    return pa.list_(pa.struct([(part, pa.string()), ("confidence", _NUMBER)]))


READ_SCHEMA = pa.schema(
    [
        ("read_id", pa.string()),
        ("camera_id", pa.string()),
        ("captured_at", _TIME),
        ("plate", pa.string()),
        ("country", pa.string()),
        ("country_confidence", _NUMBER),
        ("confidence", _NUMBER),
        ("characters", _listed("char")),
        ("candidates", _listed("plate")),
        ("position", pa.struct([("lat", _NUMBER), ("lon", _NUMBER)])),
        ("lane", pa.int64()),
        ("direction", pa.string()),
        ("heading_deg", _NUMBER),
        ("speed_kmh", _NUMBER),
        (
            "vehicle",
            pa.struct([(name, pa.string()) for name in ("class", "make", "model", "colour")]),
        ),
        ("image_ref", pa.string()),
        ("passage_id", pa.string()),
        ("sent_at", _TIME),
    ]
)
"""The fields of a read, each of the plainest type that holds it."""


def reads_table(values: Sequence[bytes]) -> Any:  # noqa: ANN401 - pyarrow is untyped
    """Make a table of reads that are well-formed JSON; fields that are none of a read's are left.

    Lanes are whole numbers here.
    """
    if not values:
        return READ_SCHEMA.empty_table()
    options = pj.ParseOptions(explicit_schema=READ_SCHEMA, unexpected_field_behavior="ignore")
    # In one block, so that no read is cut in two.
    text = b"\n".join(values)
    whole = pj.ReadOptions(use_threads=False, block_size=len(text) + 1)
    found = pj.read_json(io.BytesIO(text), whole, options)
    return found.select(READ_SCHEMA.names)


def arrow_record(values: Sequence[bytes]) -> bytes:
    """Write reads as one record: an Arrow stream."""
    table = reads_table(values)
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    return sink.getvalue()


class ParquetReads:
    """Writes reads to a Parquet file that gets its name when it is whole."""

    def __init__(self, path: Path) -> None:
        """Open the file."""
        self._path, self._part = path, Path(f"{path}.part")
        self._writer = pq.ParquetWriter(self._part, READ_SCHEMA, compression="zstd")

    def write(self, values: Sequence[bytes]) -> None:
        """Add reads as a row group."""
        self._writer.write_table(reads_table(values))

    def close(self) -> None:
        """Write the footer, and give the file its name."""
        self._writer.close()
        self._part.replace(self._path)

    def discard(self) -> None:
        """Leave no file behind."""
        self._writer.close()
        self._part.unlink(missing_ok=True)
