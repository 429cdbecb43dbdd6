"""Three lines in a notebook: files, rows, frames and tables in, hits out."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import anpr_engine as anpr
from anpr_engine.errors import InputFileError, UsageError
from anpr_engine.records.watchlist_entry import WatchlistEntry

ROWS = [
    {"plate": "1-ABC-123", "country": "BE", "list_id": "be-drugs", "entry_id": "e1"},
    {"plate": "GB-001-B", "list_id": "nl-atm", "category": "atm-attack"},
    {"plate": "???", "list_id": "nl-atm"},
]
READS = [
    {"read_id": "r1", "camera_id": "c", "captured_at": "2026-11-01T08:00:00Z", "plate": "1abc123"},
    {
        "read_id": "r2",
        "camera_id": "c",
        "captured_at": "2026-11-01T09:00:00+01:00",
        "plate": "GB001B",
    },
    {"read_id": "r3", "camera_id": "c", "captured_at": "2026-11-01T08:00:00Z", "plate": "FREE1"},
    {"read_id": "r4", "camera_id": "c", "plate": "1ABC123"},
]


def files(folder: Path) -> tuple[str, str]:
    """Write rows and reads as files."""
    watchlist, reads = folder / "entries.csv", folder / "reads.jsonl"
    watchlist.write_text(
        "plate,country,list_id,entry_id,category\n"
        "1-ABC-123,BE,be-drugs,e1,\nGB-001-B,,nl-atm,,atm-attack\n???,,nl-atm,,\n"
    )
    reads.write_text("\n".join(json.dumps(read) for read in READS) + "\n")
    return str(watchlist), str(reads)


def found(hits: anpr.Hits) -> list[tuple[str, str]]:
    """Name read and listed plate of each hit."""
    return [(hit.read_id, hit.watchlist_plate) for hit in hits]


EXPECTED = [("r1", "1-ABC-123"), ("r2", "GB-001-B")]


def test_files_in_hits_out(tmp_path: Path) -> None:
    """Paths are enough; refused rows and reads are named, the rest is done."""
    watchlist, reads = files(tmp_path)
    engine = anpr.Engine(watchlist=watchlist)
    hits = engine.match(reads)
    assert found(hits) == EXPECTED
    assert [problem.row for problem in engine.problems] == [4]
    assert [reject.row for reject in hits.rejects] == [3]
    assert hits[0].captured_at == "2026-11-01T08:00:00Z"
    assert "1-ABC-123" in hits[0].explain()
    assert all(0 < hit.probability <= 1 for hit in hits)


def test_rows_tables_and_entries_are_taken_alike(tmp_path: Path) -> None:
    """Rows, an Arrow table, a Parquet pattern and entries give the same hits as files."""
    table = pa.Table.from_pylist(READS)
    pq.write_table(table, tmp_path / "reads-1.parquet")
    entries = [WatchlistEntry.model_validate({"entry_id": "x", **row}) for row in ROWS[:2]]
    for watchlist in (ROWS, pa.Table.from_pylist(ROWS), entries):
        engine = anpr.Engine(watchlist=watchlist)
        for reads in (READS, table, str(tmp_path / "reads-*.parquet")):
            assert found(engine.match(reads)) == EXPECTED


def test_times_without_zone_are_taken_as_utc() -> None:
    """A table's timestamps become RFC 3339 in UTC."""
    rows = [{**READS[0], "captured_at": datetime(2026, 11, 1, 8, tzinfo=UTC).replace(tzinfo=None)}]
    hits = anpr.Engine(ROWS).match(pa.Table.from_pylist(rows))
    assert hits[0].captured_at == "2026-11-01T08:00:00Z"


def test_hits_are_a_table_to_arrow_libraries(tmp_path: Path) -> None:
    """Any library that speaks Arrow takes the hits with their field names."""
    watchlist, reads = files(tmp_path)
    hits = anpr.Engine(watchlist).match(reads)
    assert pa.table(hits).num_rows == len(hits) == 2
    assert hits.to_arrow().column_names[:2] == ["read_id", "camera_id"]
    assert [batch[0].read_id for batch in anpr.Engine(watchlist).stream(reads)] == ["r1"]


@pytest.mark.parametrize("wrong", [3, None])
def test_objects_without_entries_are_refused(wrong: object) -> None:
    """The error says what was given and what is allowed."""
    with pytest.raises(UsageError, match="Give a path"):
        anpr.Engine(wrong)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """The error names the file."""
    with pytest.raises(InputFileError, match="nothing"):
        anpr.Engine(str(tmp_path / "nothing.csv"))


def test_the_public_interface_is_complete() -> None:
    """Everything listed can be used, and nothing else is offered."""
    assert {name for name in anpr.__all__ if hasattr(anpr, name)} == set(anpr.__all__)
    with pytest.raises(AttributeError):
        _ = anpr.Matcher
