"""Arrow streams taken by the kernel say what pyarrow says of them; what is odd is left to it."""

from typing import Any

import batch_records
import numpy as np
import oracle_arrow
import pyarrow as pa
import pytest
from batch_records import ARROW, ARROW_SCHEMA
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_arrow_shared import CREW, LONE_FIELDS, rows_of, told

from anpr_engine.kernels.arrow_frames import (
    FIRST,
    FRAME_WORDS,
    ROWS,
    STREAM,
    find_frames,
)
from anpr_engine.kernels.arrow_frames import (
    SOUND as TAKEN,
)
from anpr_engine.kernels.arrow_take import take_columns
from anpr_engine.kernels.json_values import NUMBERS
from anpr_engine.kernels.read_numbers import number_columns
from anpr_engine.pipeline import crew as crews
from anpr_engine.pipeline.batches import arrow_records
from anpr_engine.pipeline.batches.arrow_columns import Gathered
from anpr_engine.pipeline.batches.arrow_plain import plain_reads
from anpr_engine.pipeline.batches.arrow_schema import plain_schema
from anpr_engine.pipeline.batches.arrow_stream import schema_message
from anpr_engine.pipeline.batches.records_in import Incoming, reads_in
from anpr_engine.pipeline.batches.rules import RecordRules
from anpr_engine.pipeline.crew import ALONE, Crew
from anpr_engine.pipeline.normalise import normalise_plates
from anpr_engine.ports import RecordValues
from anpr_engine.records.columns import ReadColumns

LATEST_US = 2**62
FAR_US = 253_402_300_799_999_999

texts = st.sampled_from(["r1", "", "é" * 20, "r" * 65, "1-ABC-123", "AB-123-C", "ÄÖ 1", "\u20ac"])
shares = st.one_of(st.none(), st.sampled_from([0.0, 0.5, 1.0, 1.5, -0.0, float("nan"), 1e-7]))
times = st.one_of(st.none(), st.sampled_from([0, 1_764_000_000_123_456, FAR_US, FAR_US + 1, -1]))
rows = st.fixed_dictionaries(
    {
        "read_id": texts,
        "camera_id": st.sampled_from(["c1", "c2"]),
        "captured_at": st.sampled_from([1_764_000_000_123_456, 1_764_000_000_000_000]),
        "plate": texts,
    },
    optional={
        "country": st.sampled_from([None, "BE", "nl", "B", "B3"]),
        "country_confidence": shares,
        "confidence": shares,
        "lane": st.sampled_from([None, "left", ""]),
        "direction": st.one_of(st.none(), texts),
        "heading_deg": st.sampled_from([None, 12.5, 361.0]),
        "position": st.sampled_from([None, {"lat": 51.5, "lon": 4.5}, {"lat": 91.0, "lon": None}]),
        "vehicle": st.sampled_from([None, {"make": "VOLVO"}, {"colour": "x" * 65}, {}]),
        "sent_at": times,
        "image_ref": st.one_of(st.none(), texts),
    },
)
SOUND = rows_of(0, [0, 1, 3, 6])


def taken(records: list[bytes], crew: Crew = ALONE) -> ReadColumns:
    """Decode records of Arrow."""
    headers = dict.fromkeys(range(len(records)), ARROW)
    return reads_in(Incoming(records, headers), RecordRules(), LATEST_US, crew)


def with_care(records: list[bytes]) -> ReadColumns:
    """Decode them by pyarrow alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(arrow_records, "plain_reads", lambda _values, rows, *_: ([], rows))
        return taken(records)


def left_by_the_kernel(records: list[bytes]) -> list[int]:
    """Give the records that the kernel does not take."""
    values = RecordValues.joined(records)
    _, left = plain_reads(values, np.arange(len(records)), RecordRules(), LATEST_US, ALONE)
    return [int(row) for row in left]


def keys_of(reads: ReadColumns) -> list[Any]:
    """Give the plates' keys, and all else that is known of them."""
    plates = normalise_plates(reads, 4)
    return [plates.keys.tolist(), plates.status.tolist(), plates.gaps.tolist()]


def stream(reads: list[dict[str, Any]], schema: Any = ARROW_SCHEMA) -> bytes:  # noqa: ANN401
    """Write one record; times are whole numbers already."""
    return batch_records.arrow_stream(pa.Table.from_pylist(reads, schema=schema))


@pytest.fixture
def small_stretches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let stretches be as small as a test's batch needs them."""
    monkeypatch.setattr(crews, "ROWS_MIN", 2)


@given(st.lists(st.lists(rows, min_size=1, max_size=6), min_size=1, max_size=5))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.usefixtures("small_stretches")
def test_what_the_kernel_takes_is_what_pyarrow_takes(records: list[list[dict[str, Any]]]) -> None:
    """Every column, key, text as JSON and refusal; reads that are none and missing cells too."""
    values = [stream(reads) for reads in records]
    expected = with_care(values)
    for crew in (ALONE, CREW):
        found = taken(values, crew)
        assert told(found) == told(expected)
        assert keys_of(found) == keys_of(expected)


def test_sound_streams_are_taken_by_the_kernel() -> None:
    """Else the comparisons above would compare the careful path with itself."""
    values = [batch_records.arrow(SOUND), batch_records.arrow(SOUND[:1])]
    assert left_by_the_kernel(values) == []
    assert told(taken(values)) == told(with_care(values))


@pytest.mark.parametrize("chosen", range(len(LONE_FIELDS)))
def test_a_read_that_is_not_plain_leaves_its_stream_alone(chosen: int) -> None:
    """The one before and the one after are still taken."""
    values = [batch_records.arrow(rows_of(n, [0, chosen if n == 1 else 0])) for n in range(3)]
    assert set(left_by_the_kernel(values)) <= {1}
    assert told(taken(values)) == told(with_care(values))


KINDS: dict[str, list[Any]] = {
    "captured_at": [*(pa.timestamp(unit, "UTC") for unit in ("s", "ms", "ns")), pa.string()],
    "confidence": [pa.float32(), pa.int64(), pa.int32(), pa.null()],
    "lane": [pa.int8(), pa.int64(), pa.uint16(), pa.float64(), pa.null()],
    "plate": [pa.large_string(), pa.dictionary(pa.int32(), pa.string()), pa.string_view()],
    "country": [pa.null(), pa.dictionary(pa.int8(), pa.string())],
    "sent_at": [pa.timestamp("ms"), pa.string(), pa.null()],
    "heading_deg": [pa.float32(), pa.int32()],
    "characters": [pa.null()],
    "vehicle": [pa.null(), pa.struct([("make", pa.string()), ("year", pa.int32())])],
}


@pytest.mark.parametrize(
    ("name", "kind"), [(name, kind) for name, kinds in KINDS.items() for kind in kinds]
)
def test_every_type_of_a_column_is_taken_alike(name: str, kind: Any) -> None:  # noqa: ANN401
    """By the kernel where it knows the type, else with care; the rows that follow too."""
    place = ARROW_SCHEMA.get_field_index(name)
    read = {
        "read_id": "r1", "camera_id": "c1", "plate": "1-ABC-123", "country": "BE", "lane": None,
        "captured_at": 1_764_000_000, "sent_at": None, "confidence": 1, "heading_deg": 90,
    }  # fmt: skip
    if pa.types.is_string(kind) and name == "captured_at":
        read[name] = "2026-11-22T08:00:00.5+01:00"
    if pa.types.is_null(kind):
        read[name] = None
    elif name == "lane":
        read[name] = 2
    values = [stream([read, read], ARROW_SCHEMA.set(place, pa.field(name, kind)))]
    assert told(taken(values)) == told(with_care(values))


def test_columns_that_are_no_read_s_are_passed_over() -> None:
    """Before, between and behind the others, whatever they hold."""
    table = pa.Table.from_pylist([batch_records.with_times(read) for read in SOUND], ARROW_SCHEMA)
    for place, extra in enumerate([pa.array([b"\xff", None, b"", b"x"]), pa.array([[1]] * 4)]):
        table = table.add_column(3 * place, f"extra{place}", extra)
    values = [batch_records.arrow_stream(table)]
    assert left_by_the_kernel(values) == []
    assert told(taken(values)) == told(with_care(values))


def test_several_record_batches_are_one_record() -> None:
    """Places count through; a stream of one schema between two of another keeps its place."""
    table = pa.Table.from_pylist([batch_records.with_times(read) for read in SOUND], ARROW_SCHEMA)
    many = batch_records.arrow_stream(pa.concat_tables([table.slice(0, 1), table.slice(1)]))
    other = batch_records.arrow_stream(table.select(table.column_names[::-1]))
    values = [many, other, many]
    assert left_by_the_kernel(values) == []
    assert told(taken(values)) == told(with_care(values))
    assert taken(values).place is not None


@given(st.lists(st.integers(1, 5), min_size=1, max_size=4), st.integers(1, 3))
def test_frames_and_their_columns_are_those_of_the_twin(sizes: list[int], chunk: int) -> None:
    """Record batches one by one, the first read of each, and what is told of its reads."""
    table = pa.Table.from_pylist([batch_records.with_times(read) for read in SOUND], ARROW_SCHEMA)
    values = []
    for size in sizes:
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, table.schema) as written:
            written.write_table(table.slice(0, size), max_chunksize=chunk)
        values.append(sink.getvalue().to_pybytes())
    packed = RecordValues.joined(values)
    schema = plain_schema(schema_message(packed.text_view(0)))
    assert schema is not None
    bounds = np.column_stack([packed.bounds[:-1], packed.bounds[1:]])
    limits = np.array([schema.nodes, schema.buffers, 100, 1 << 20])
    frames = np.empty((20, FRAME_WORDS), dtype=np.int64)
    found = np.empty((len(values), 2), dtype=np.int64)
    find_frames(packed.buffer, bounds, schema.message, limits, frames, found)
    expected = oracle_arrow.find_frames(values)
    assert found.tolist() == [[len(each), sum(each)] for each in expected]
    flat = [(stream, rows) for stream, each in enumerate(expected) for rows in each]
    frames = frames[: len(flat)]
    assert frames[:, [STREAM, ROWS]].tolist() == [list(each) for each in flat]
    assert frames[:, FIRST].tolist() == np.cumsum([0, *(rows for _, rows in flat)])[:-1].tolist()
    taken_of = Gathered(sum(rows for _, rows in flat))
    take_columns(packed.buffer, schema.steps, frames, taken_of.spans, taken_of.numbers)
    assert frames[:, TAKEN].all()
    names = ("read_id", "camera_id", "plate")
    texts_found = [
        tuple(packed.buffer[at : at + length].tobytes().decode() for at, length in row[:3])
        for row in taken_of.spans.tolist()
    ]
    wanted = [row for value in values for row in oracle_arrow.take_columns(value, names)]
    assert texts_found == wanted


@given(
    st.lists(
        st.tuples(st.integers(-(2**62), 2**62), st.integers(0, 65_535),
                  st.integers(-1, 10**6), st.integers(-1, 10**6)),
        max_size=5,
    )
)  # fmt: skip
def test_numbers_are_parted_as_by_the_twin(rows_given: list[tuple[int, int, int, int]]) -> None:
    """Each to its own column."""
    size = len(rows_given)
    columns = np.empty(size, np.int64), np.empty(size, np.uint16), np.empty(size), np.empty(size)
    number_columns(np.array(rows_given, dtype=np.int64).reshape(-1, NUMBERS), *columns)
    found = list(zip(*(column.tolist() for column in columns), strict=True))
    assert repr(found) == repr(oracle_arrow.number_columns(rows_given))
