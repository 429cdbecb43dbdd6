"""Records of many reads: what is refused, by which name, and what the limits are."""

import importlib
import json
import struct
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import batch_records
import pyarrow as pa
import pytest
from batch_records import ARROW, AVRO, MANY_READS, NDJSON, ONE_READ, framed

from anpr_engine.errors import UsageError
from anpr_engine.pipeline.batches import records_in
from anpr_engine.pipeline.batches.avro_schema import compile_schema
from anpr_engine.pipeline.batches.records_in import Incoming, reads_in
from anpr_engine.pipeline.batches.rules import RecordRules, schemas_from
from anpr_engine.records.columns import ReadColumns
from anpr_engine.records.rejected_read import RejectReason
from anpr_engine.wire import Header

LATEST_US = 2**62
GOOD: dict[str, Any] = {
    "read_id": "r1",
    "camera_id": "c1",
    "captured_at": "2026-11-22T08:00:00Z",
    "plate": "1-ABC-123",
}
TABLE = pa.Table.from_pylist([batch_records.with_times(GOOD)])
TIGHT = RecordRules(3, 4000, 60_000, schemas_from({"7": "plate_reads.v1"}))


def taken(
    value: bytes, headers: tuple[Header, ...] = (), rules: RecordRules | None = None
) -> ReadColumns:
    """Take one record."""
    return reads_in(
        Incoming([value], {0: headers} if headers else {}), rules or RecordRules(), LATEST_US
    )


def refusal(
    value: bytes, headers: tuple[Header, ...] = (), rules: RecordRules | None = None
) -> tuple[RejectReason, str]:
    """Give the reason why one record is refused as a whole."""
    found = taken(value, headers, rules)
    assert len(found) == len(found.rejects) == 1
    assert found.place_of(0) is None
    assert found.values[0] == value
    return found.rejects[0].reason, found.rejects[0].detail


def arrow(**columns: Any) -> bytes:  # noqa: ANN401 - arrays of any type
    """Write one good read as an Arrow stream, some columns changed."""
    table = TABLE
    for name, column in columns.items():
        place = table.schema.get_field_index(name)
        if column is None:
            table = table.drop_columns([name])
        elif place >= 0:
            table = table.set_column(place, name, column)
        else:
            table = table.append_column(name, column)
    return batch_records.arrow_stream(table)


UNREADABLE = RejectReason.UNREADABLE_RECORD
ONE = batch_records.avro(ONE_READ, GOOD)
REFUSED: list[tuple[str, bytes, tuple[Header, ...], RejectReason, str]] = [
    ("an empty Arrow record", b"", ARROW, RejectReason.EMPTY, "nothing"),
    ("no Arrow stream", b"PAR1" * 9, ARROW, UNREADABLE, "no Arrow stream"),
    ("an Arrow stream without end", arrow()[:-8], ARROW, UNREADABLE, "cut short"),
    ("bytes behind the end", arrow() + b"x", ARROW, UNREADABLE, "behind the end"),
    ("no reads", batch_records.arrow_stream(TABLE.slice(1)), ARROW, RejectReason.EMPTY, "no reads"),
    ("no plates", arrow(plate=None), ARROW, RejectReason.FIELD_MISSING, "no column plate"),
    ("plates of numbers", arrow(plate=pa.array([1])), ARROW, RejectReason.WRONG_TYPE, "plate"),
    ("days for times", arrow(captured_at=pa.array([1], pa.date32())), ARROW,
     RejectReason.WRONG_TYPE, "captured_at holds date32"),
    ("shares as texts", arrow(confidence=pa.array(["1"])), ARROW,
     RejectReason.WRONG_TYPE, "confidence holds string, wanted numbers"),
    ("a text for a place", arrow(position=pa.array(["x"])), ARROW,
     RejectReason.WRONG_TYPE, "position"),
    ("candidates of texts", arrow(candidates=pa.array([["x"]])), ARROW,
     RejectReason.WRONG_TYPE, "candidates holds string, wanted structs"),
    ("candidates without confidence", arrow(candidates=pa.array([[{"plate": "x"}]])), ARROW,
     RejectReason.WRONG_TYPE, "candidates has no confidence"),
    ("two columns of plates",
     batch_records.arrow_stream(TABLE.append_column("plate", pa.array(["x"]))), ARROW,
     RejectReason.DUPLICATE_FIELD, "two columns plate"),
    ("no magic byte", b"\1\0\0\0\1" + ONE, AVRO, UNREADABLE, "zero byte"),
    ("less than a frame", b"\0\0", (), UNREADABLE, "zero byte"),
    ("Avro cut short", framed(1, ONE[:-1]), (), UNREADABLE, "damaged"),
    ("Avro with more behind", framed(1, ONE + b"\0"), (), UNREADABLE, "damaged"),
    ("over ten megabytes", b" " * 10_000_000, NDJSON, RejectReason.OVERSIZED, "over 8388608"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("value", "headers", "reason", "detail"),
    [case[1:] for case in REFUSED],
    ids=[case[0] for case in REFUSED],
)
def test_a_record_that_cannot_be_opened_is_one_named_reject(
    value: bytes, headers: tuple[Header, ...], reason: RejectReason, detail: str
) -> None:
    """One row for the record, its reason, and what failed."""
    found_reason, found_detail = refusal(value, headers)
    assert (found_reason, detail in found_detail) == (reason, True), found_detail


def test_too_many_reads_are_refused_in_every_form() -> None:
    """The limit counts reads; at the limit all is well."""
    many = [GOOD | {"read_id": f"r{row}"} for row in range(4)]
    forms: list[tuple[Any, tuple[Header, ...]]] = [
        (batch_records.lines, NDJSON),
        (lambda reads: framed(7, batch_records.avro(MANY_READS, reads)), ()),
        (lambda reads: batch_records.arrow_stream(pa.Table.from_pylist(
            [batch_records.with_times(read) for read in reads])), ARROW),
    ]  # fmt: skip
    for write, headers in forms:
        assert len(taken(write(many[:3]), headers, TIGHT)) == 3
        assert refusal(write(many), headers, TIGHT) == (
            RejectReason.TOO_MANY_READS,
            "over 3 reads",
        )


def test_what_unpacks_too_large_is_refused_before_it_is_unpacked() -> None:
    """A compressed Arrow stream tells its sizes; Avro stops at the limit of its text."""
    zeros = pa.table({name: TABLE[name] for name in TABLE.column_names})
    zeros = zeros.append_column("direction", pa.array(["0" * 50_000_000]))
    bomb = batch_records.arrow_stream(zeros, compression="zstd")
    assert len(bomb) < 100_000
    assert refusal(bomb, ARROW, RecordRules(unpacked_bytes_max=1 << 20))[0] == (
        RejectReason.UNPACKS_TOO_LARGE
    )
    schema = {"type": "record", "name": "Bomb", "fields": [
        {"name": "x", "type": {"type": "array", "items": "null"}}]}  # fmt: skip
    program = compile_schema(json.dumps(schema), "test")
    datum = batch_records.avro("long", 2**50) + b"\0"
    rules = RecordRules(schemas={"*": program})
    assert refusal(framed(1, datum), (), rules)[0] == RejectReason.UNPACKS_TOO_LARGE


def test_a_dictionary_that_makes_much_of_little_is_refused_by_row() -> None:
    """Rows that no read can be as large as are not written out to be looked at."""
    long = pa.DictionaryArray.from_arrays(pa.array([0] * 3, pa.int8()), pa.array(["x" * 70_000]))
    rows = pa.concat_tables([TABLE] * 3)
    rows = rows.set_column(rows.schema.get_field_index("plate"), "plate", long)
    found = taken(batch_records.arrow_stream(rows), ARROW)
    assert [reject.reason for reject in found.rejects] == [RejectReason.OVERSIZED] * 3


def test_schema_ids_come_from_the_frame_or_from_a_header() -> None:
    """A number or a GUID; one that nobody named is refused by its number."""
    guid = uuid.UUID(int=5)
    rules = RecordRules(
        schemas=schemas_from({"7": "plate_read.v1", str(guid).upper(): "plate_read.v1"})
    )
    assert not taken(framed(7, ONE), (), rules).rejects
    for schema_id in (b"\1" + guid.bytes, b"\0" + struct.pack(">i", 7)):
        assert not taken(ONE, (("__value_schema_id", schema_id),), rules).rejects
    assert refusal(framed(8, ONE), (), rules) == (
        RejectReason.UNKNOWN_SCHEMA,
        "schema 8 is not in ingest.avro_schemas",
    )
    assert refusal(ONE, (("__value_schema_id", b"seven"),), rules)[0] == RejectReason.UNKNOWN_SCHEMA


def test_any_schema_of_reads_will_do(tmp_path: Path) -> None:
    """Fields in another order, of other types, among others: known by their names."""
    fields = [
        {"name": "plate", "type": "string"},
        {"name": "operator", "type": {"type": "map", "values": "int"}},
        {"name": "captured_at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "confidence", "type": "float"},
        {"name": "camera_id", "type": ["string", "null"]},
        {"name": "read_id", "type": {"type": "enum", "name": "Ids", "symbols": ["r9"]}},
    ]
    schema = {"type": "record", "name": "Theirs", "fields": fields}
    path = tmp_path / "theirs.avsc"
    path.write_text(json.dumps(schema), encoding="utf-8")
    rules = RecordRules(schemas=schemas_from({"3": str(path)}))
    read = {**GOOD, "operator": {"a": 1}, "captured_at": 1_795_334_400_250, "confidence": 0.9}
    found = taken(framed(3, batch_records.avro(schema, read | {"read_id": "r9"})), (), rules)
    assert json.loads(found.values[0]) == {
        "plate": "1-ABC-123",
        "operator": {"a": 1},
        "captured_at": "2026-11-22T08:00:00.250000Z",
        "confidence": 0.9,
        "camera_id": "c1",
        "read_id": "r9",
    }


RECURSIVE = {"type": "record", "name": "R", "fields": [{"name": "x", "type": ["null", "R"]}]}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "no Avro schema"),
        ('"string"', "neither a record nor an array of records"),
        ('{"type": "record", "name": "R", "fields": [{"name": "x", "type": "Y"}]}', "no Avro"),
        (json.dumps(RECURSIVE), "contains itself"),
        ("[" * 5000, "nested too deeply"),
    ],
)
def test_what_is_no_schema_of_reads_is_refused_at_the_start(text: str, problem: str) -> None:
    """The message names the file and what is wrong with it."""
    with pytest.raises(UsageError, match=problem) as caught:
        compile_schema(text, "their.avsc")
    assert "their.avsc" in str(caught.value)


def test_a_schema_file_that_is_not_there_is_named() -> None:
    """So is a shipped name that nobody ships."""
    with pytest.raises(UsageError, match=r"plate_read\.v9"):
        schemas_from({"7": "plate_read.v9"})


@pytest.fixture
def without_pyarrow(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Make the door to pyarrow as it is where that is not installed."""

    def missing(name: str) -> None:
        raise ModuleNotFoundError(name)

    records_in.arrow_door.cache_clear()
    monkeypatch.setattr(importlib, "import_module", missing)
    yield
    records_in.arrow_door.cache_clear()


@pytest.mark.usefixtures("without_pyarrow")
def test_without_pyarrow_arrow_is_refused_by_name_and_the_rest_works(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """One log line says what to install, however many records come."""
    for _ in range(2):
        assert refusal(arrow(), ARROW)[0] == RejectReason.FORMAT_NOT_INSTALLED
    assert not taken(batch_records.lines([GOOD]), NDJSON).rejects
    assert not taken(framed(1, ONE)).rejects
    assert capsys.readouterr().out.count("arrow_not_installed") == 1


def test_a_bad_stream_among_others_of_its_schema_is_refused_alone() -> None:
    """Streams of one schema are read together; a damaged text is still its own record's fault."""
    good = batch_records.arrow_stream(TABLE)
    place = good.rindex(b"1-ABC-123")
    bad = good[:place] + b"\xff\xff" + good[place + 2 :]
    found = reads_in(Incoming([good, bad, good], dict.fromkeys(range(3), ARROW)), TIGHT, LATEST_US)
    assert [found.record_of(row) for row in range(len(found))] == [0, 1, 2]
    assert [(each.row, each.reason) for each in found.rejects] == [(1, UNREADABLE)]


def dictionaries(words: list[str]) -> bytes:
    """Write a stream whose plates are a dictionary of its own."""
    plates = pa.DictionaryArray.from_arrays(pa.array([0, 1], pa.int8()), pa.array(words))
    rows = pa.concat_tables([TABLE, TABLE])
    return batch_records.arrow_stream(
        rows.set_column(rows.schema.get_field_index("plate"), "plate", plates)
    )


def test_each_stream_is_read_by_its_own_dictionary() -> None:
    """One without a dictionary does not borrow that of the record before it."""
    first, second = dictionaries(["1-ABC-123", "2-ABC-123"]), dictionaries(["X", "Y"])
    messages = [pa.ipc.read_message(pa.py_buffer(first))]
    schema_bytes = messages[0].serialize().size
    reader = pa.ipc.MessageReader.open_stream(first)
    sizes = [message.serialize().size for message in reader]
    lacking = first[:schema_bytes] + first[schema_bytes + sizes[1] :]
    values = [first, lacking, second]
    found = reads_in(Incoming(values, dict.fromkeys(range(3), ARROW)), TIGHT, LATEST_US)
    told = [(found.record_of(row), json.loads(found.values[row])["plate"])
            for row in range(len(found)) if found.record_of(row) != 1]  # fmt: skip
    assert told == [(0, "1-ABC-123"), (0, "2-ABC-123"), (2, "X"), (2, "Y")]
    assert [(found.record_of(each.row), each.reason) for each in found.rejects] == [(1, UNREADABLE)]
