"""Columns of a Parquet file that its footer says are empty are not read, and change nothing."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import anpr_engine as anpr
from anpr_engine.errors import InputFileError
from anpr_engine.replay.arrow import sized_columns
from anpr_engine.replay.read_tables import reads_table

READ: dict[str, Any] = {
    "read_id": "r1",
    "camera_id": "c1",
    "captured_at": "2026-11-22T08:00:00Z",
    "plate": "1-ABC-124",
}
OFFERED = READ | {"read_id": "r2", "candidates": [{"plate": "1-ABC-123", "confidence": 0.9}]}


def written(path: Path, groups: list[list[dict[str, Any]]]) -> str:
    """Write reads, a row group for each list."""
    tables = [reads_table([json.dumps(read).encode() for read in group]) for group in groups]
    with pq.ParquetWriter(path, tables[0].schema) as writer:
        for table in tables:
            writer.write_table(table)
    return str(path)


def test_a_column_that_one_row_group_fills_is_read_of_all(tmp_path: Path) -> None:
    """The candidate in the second group is found, by the file as by its rows."""
    path = written(tmp_path / "reads.parquet", [[READ], [OFFERED]])
    engine = anpr.Engine([{"entry_id": "e1", "list_id": "l", "plate": "1-ABC-123"}])
    found = [(hit.read_id, hit.tier) for hit in engine.match(path)]
    assert ("r2", "candidate") in found
    assert found == [(hit.read_id, hit.tier) for hit in engine.match([READ, OFFERED])]
    offered = [take(2**62).spans[:, 4, 1].any() for _, take in sized_columns(path, 9, [1])]
    assert offered == [True]


def test_an_empty_column_is_still_of_a_type_that_a_read_has(tmp_path: Path) -> None:
    """Whether a file is one of reads does not depend on what happens to be in it."""
    table = reads_table([json.dumps(READ).encode()])
    place = table.schema.get_field_index("candidates")
    wrong = table.set_column(place, "candidates", pa.nulls(1, pa.string()))
    pq.write_table(wrong, tmp_path / "wrong.parquet")
    with pytest.raises(InputFileError, match="candidates"):
        list(sized_columns(str(tmp_path / "wrong.parquet"), 9))
