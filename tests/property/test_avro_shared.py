"""Avro records that a crew shares: what comes of them is what one worker alone gives."""

import batch_records
import pytest
from batch_records import MANY_READS, framed
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_arrow_shared import CREW, LATEST_US, LONE_FIELDS, rows_of, told

from anpr_engine.pipeline import crew as crews
from anpr_engine.pipeline.batches import avro
from anpr_engine.pipeline.batches.records_in import reads_in
from anpr_engine.pipeline.batches.rules import RecordRules, schemas_from
from anpr_engine.pipeline.crew import ALONE, Crew
from anpr_engine.records.columns import ReadColumns

RULES = RecordRules(schemas=schemas_from({"2": "plate_reads.v1"}))


@pytest.fixture
def small_stretches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let stretches be as small as a test's batch needs them."""
    monkeypatch.setattr(crews, "ROWS_MIN", 2)


def record(number: int, reads: list[int]) -> bytes:
    """Write one record."""
    return framed(2, batch_records.avro(MANY_READS, rows_of(number, reads)))


def taken(records: list[bytes], crew: Crew) -> ReadColumns:
    """Decode records of Avro."""
    return reads_in(records, RULES, LATEST_US, crew)


sizes = st.lists(st.integers(0, len(LONE_FIELDS) - 1), max_size=9)


@given(st.lists(sizes, min_size=1, max_size=8), st.sets(st.integers(0, 7), max_size=2))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.usefixtures("small_stretches")
def test_any_number_of_workers_gives_the_same_reads(
    records: list[list[int]], cut_short: set[int]
) -> None:
    """Columns, texts, what was looked at with care, and refusals; damaged records among them."""
    values = [record(number, reads) for number, reads in enumerate(records)]
    values = [
        value[: len(value) // 2] if number in cut_short else value
        for number, value in enumerate(values)
    ]
    assert told(taken(values, CREW)) == told(taken(values, ALONE))


@pytest.mark.usefixtures("small_stretches")
def test_a_run_that_outgrows_its_share_is_written_with_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Room is shared between workers, and yet no record is refused that one would have taken."""
    monkeypatch.setattr(avro, "_ROOM_PER_BYTE", 0)
    monkeypatch.setattr(avro, "_ROOM_FREE", 1024)
    monkeypatch.setattr(avro, "BATCH_BYTES_MAX", 64 * 1024)
    values = [record(0, [0] * 9)] * 3 + [record(1, [2] * 150)]
    shared = taken(values, CREW)
    assert not shared.rejects
    assert told(shared) == told(taken(values, ALONE))
    assert len(shared) == 177
