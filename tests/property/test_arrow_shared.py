"""Arrow streams that a crew shares: what comes of them is what one worker alone gives."""

import json
from typing import Any

import batch_records
import numpy as np
import pyarrow as pa
import pytest
from batch_records import ARROW
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from anpr_engine.pipeline import crew as crews
from anpr_engine.pipeline.batches.arrow_stream import check_stream
from anpr_engine.pipeline.batches.records_in import Incoming, reads_in
from anpr_engine.pipeline.batches.rules import RecordRefused, RecordRules
from anpr_engine.pipeline.crew import ALONE, Crew
from anpr_engine.records.columns import ReadColumns

LATEST_US = 2**62
CREW = Crew(3)
LONE_FIELDS: tuple[dict[str, Any], ...] = (
    {},
    {"country": "BE", "confidence": 0.5},
    {"candidates": [{"plate": "1ABC12Z", "confidence": 0.5}]},
    {"vehicle": {"make": "VOLVO"}},
    {"confidence": 2.0},
    {"image_ref": "x" * 3000},
    {"lane": "left", "direction": "in"},
)
"""What a read may say beside the required fields; some are refused, some looked at with care."""


@pytest.fixture
def small_stretches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let stretches be as small as a test's batch needs them."""
    monkeypatch.setattr(crews, "ROWS_MIN", 2)


def rows_of(number: int, reads: list[int]) -> list[dict[str, Any]]:
    """Make the reads of one record; each says what stands at its place in `LONE_FIELDS`."""
    return [
        {
            "read_id": f"r{number}-{place}",
            "camera_id": f"c{number}",
            "captured_at": "2026-11-22T08:00:00Z",
            "plate": f"1-ABC-{place}",
            **LONE_FIELDS[chosen],
        }
        for place, chosen in enumerate(reads)
    ]


def stream(number: int, reads: list[int]) -> bytes:
    """Write one record."""
    return batch_records.arrow(rows_of(number, reads))


def told(reads: ReadColumns) -> list[Any]:
    """Give all that a batch of reads says, row by row."""
    texts = [
        [
            reads.buffer[begin : begin + length].tobytes() if length >= 0 else length
            for begin, length in spans
        ]
        for spans in reads.spans.tolist()
    ]
    columns = (reads.captured_at_us, reads.country, reads.confidence, reads.country_confidence)
    rows = [
        column.tolist() for column in (*columns, reads.record, reads.place) if column is not None
    ]
    values = [reads.values[row] for row in range(len(reads))]
    return [texts, repr(rows), values, reads.careful, sorted(reads.rejects)]


def taken(records: list[bytes], crew: Crew) -> ReadColumns:
    """Decode records of Arrow."""
    headers = dict.fromkeys(range(len(records)), ARROW)
    return reads_in(Incoming(records, headers), RecordRules(), LATEST_US, crew)


sizes = st.lists(st.integers(0, len(LONE_FIELDS) - 1), min_size=1, max_size=9)


@given(st.lists(sizes, min_size=1, max_size=8), st.sets(st.integers(0, 7), max_size=2))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.usefixtures("small_stretches")
def test_any_number_of_workers_gives_the_same_reads(
    records: list[list[int]], cut_short: set[int]
) -> None:
    """Columns, texts, what was looked at with care, and refusals; damaged records among them."""
    values = [stream(number, reads) for number, reads in enumerate(records)]
    values = [
        value[: len(value) // 2] if number in cut_short else value
        for number, value in enumerate(values)
    ]
    assert told(taken(values, CREW)) == told(taken(values, ALONE))


@pytest.mark.usefixtures("small_stretches")
def test_a_stream_that_fails_once_opened_is_refused_alone() -> None:
    """The worker that meets it does not spoil the reads of the others."""
    wrong = stream(1, [0]).replace(b"1-ABC-0", b"1-\xff\xff\xff-0")
    values = [stream(0, [0] * 9), wrong, stream(2, [0] * 9)]
    shared = taken(values, CREW)
    assert told(shared) == told(taken(values, ALONE))
    assert [shared.record_of(reject.row) for reject in shared.rejects] == [1]
    assert len(shared) == 19


@pytest.mark.usefixtures("small_stretches")
def test_one_long_stream_is_taken_by_one_worker() -> None:
    """The others find no stream that begins within their rows."""
    values = [stream(0, [0] * 30)]
    assert told(taken(values, CREW)) == told(taken(values, ALONE))


def test_a_known_schema_is_believed_only_where_its_bytes_are_the_same() -> None:
    """A stream with another schema is looked at from its first byte; both are found as alone."""
    other = pa.table({"read_id": ["r"], "plate": ["p"]})
    streams = [stream(0, [0]), stream(1, [1, 2]), batch_records.arrow_stream(other)]
    rules, known = RecordRules(), b""
    for value in [*streams, *reversed(streams)]:
        found = check_stream(value, rules, known)
        assert found == check_stream(value, rules)
        known = found.schema


@given(st.integers(0, 10**6), st.integers(1, 255))
def test_what_is_known_changes_no_refusal(place: int, mask: int) -> None:
    """A stream with one byte changed, anywhere: the same reason, or the same stream."""
    good = stream(0, [0, 2])
    data = bytearray(good)
    data[place % len(data)] ^= mask
    known = check_stream(good, RecordRules()).schema

    def outcome(before: bytes) -> object:
        try:
            return check_stream(bytes(data), RecordRules(), before)
        except RecordRefused as refusal:
            return refusal.reason, refusal.detail

    assert outcome(known) == outcome(b"")


def test_a_column_without_any_value_is_as_if_it_were_not_there() -> None:
    """A required one refuses each row, any other none; both are judged before they are left."""
    rows = [{"read_id": "r", "camera_id": "c", "captured_at": "2026-11-22T08:00:00Z"}] * 2
    found = taken([batch_records.arrow(rows), stream(1, [0])], ALONE)
    assert [(reject.row, reject.reason.value) for reject in found.rejects] == [
        (0, "field-missing"),
        (1, "field-missing"),
    ]
    assert json.loads(found.values[2])["plate"] == "1-ABC-0"
    assert np.isnan(found.confidence).all()
