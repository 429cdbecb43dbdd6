"""The same reads in every form give the same alerts and the same dead letters."""

import json
from collections.abc import Sequence
from typing import Any

import batch_records
import pyarrow as pa
import strategies
from batch_records import ARROW, AVRO, MANY_READS, NDJSON, ONE_READ, framed
from hypothesis import given
from hypothesis import strategies as st

from anpr_engine.pipeline.batches.avro_schema import compile_schema
from anpr_engine.pipeline.batches.records_in import Incoming, reads_in
from anpr_engine.pipeline.batches.rules import RecordRules, schemas_from
from anpr_engine.pipeline.columns import Circumstances
from anpr_engine.pipeline.core import StepRules, step
from anpr_engine.pipeline.match import MatchRules
from anpr_engine.records.watchlist_entry import WatchlistEntry
from anpr_engine.watchlist.snapshot import snapshot_of
from anpr_engine.wire import Header

HERE = Circumstances("be", int(strategies.NOW.timestamp() * 1e6), 0, watchlist_stale=False)
RECORDS = RecordRules(schemas=schemas_from({"1": "plate_read.v1", "2": "plate_reads.v1"}))
RULES = StepRules(MatchRules(near=False), records=RECORDS)
LATEST_US = HERE.now_us

Record = tuple[bytes, tuple[Header, ...]]

words = st.text(max_size=6)
shares = strategies.shares
wrong_shares = st.one_of(shares, st.sampled_from([-0.1, 1.5, 2.0]))


def doubts(name: str, texts: st.SearchStrategy[str]) -> st.SearchStrategy[object]:
    """Draw a list of texts with confidences, now and then a wrong one."""
    return st.lists(st.fixed_dictionaries({name: texts, "confidence": wrong_shares}), max_size=4)


optional: dict[str, st.SearchStrategy[object]] = {
    "country": st.sampled_from(["BE", "NL", "be", "B", "B3", ""]),
    "confidence": wrong_shares,
    "country_confidence": shares,
    "characters": doubts("char", st.sampled_from(["1", "Ä", "", '"', "12345"])),
    "candidates": doubts("plate", strategies.plates),
    "position": st.fixed_dictionaries({"lat": st.sampled_from([51.5, -91.0]), "lon": shares}),
    "vehicle": st.fixed_dictionaries(
        {}, optional={"make": words, "colour": st.sampled_from(["red", "x" * 65])}
    ),
    "lane": st.sampled_from(["left", "", "y" * 65]),
    "heading_deg": st.sampled_from([0.0, 360.0, 361.0]),
    "passage_id": st.sampled_from(["p1", "p" * 65]),
    "sent_at": strategies.times.map(lambda time: time.isoformat().replace("+00:00", "Z")),
}


@st.composite
def plain_reads(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a read that every form can hold, lawful or not."""
    late = draw(st.sampled_from([0, 0, 0, 400_000_000]))
    time = draw(strategies.times)
    read = {
        "read_id": draw(st.sampled_from(["r1", "r2", "", "r" * 65, "é" * 40])),
        "camera_id": "BE-E19-014",
        "captured_at": time.replace(year=time.year + (1 if late else 0)).isoformat()[:19] + "Z",
        "plate": draw(strategies.plates),
    }
    names = draw(st.sets(st.sampled_from(sorted(optional)), max_size=4))
    return read | {name: draw(optional[name]) for name in sorted(names)}


def told(records: Sequence[Record], entries: Sequence[WatchlistEntry]) -> tuple[list[Any], ...]:
    """Work on records; give the alerts, and why each refused read was refused."""
    values = [value for value, _ in records]
    headers = {row: given for row, (_, given) in enumerate(records) if given}
    result = step(Incoming(values, headers), snapshot_of(list(entries)), RULES, HERE)
    alerts = [decided.alert.model_dump_json() for decided in result.alerts]
    return alerts, [(row, reason, detail) for row, reason, detail in sorted(result.rejects)]


@given(
    st.lists(plain_reads(), min_size=1, max_size=8),
    st.lists(strategies.entries(), max_size=12),
    st.integers(0, 7),
)
def test_every_form_gives_the_same_alerts_and_dead_letters(
    reads: list[dict[str, Any]], entries: list[WatchlistEntry], cut: int
) -> None:
    """JSON, lines, Avro one by one and many at a time, Arrow; in one record, and in two."""
    json_values = [json.dumps(read).encode() for read in reads]
    plain: list[Record] = [(value, ()) for value in json_values]
    halves = [half for half in (reads[:cut], reads[cut:]) if half]
    one_by_one = [framed(1, batch_records.avro(ONE_READ, read)) for read in reads]
    forms: list[list[Record]] = [
        [(batch_records.lines(reads), NDJSON)],
        [(batch_records.lines(half), NDJSON) for half in halves],
        [(value, ()) for value in one_by_one],
        [(framed(2, batch_records.avro(MANY_READS, half)), AVRO) for half in halves],
        [(batch_records.arrow(half), ARROW) for half in halves],
        [
            *((value, ()) for value in json_values[:cut]),
            *((batch_records.arrow(half), ARROW) for half in [reads[cut:]] if half),
        ],
    ]
    expected = told(plain, entries)
    for form in forms:
        assert told(form, entries) == expected


GOOD = {
    "read_id": "r1",
    "camera_id": "c1",
    "captured_at": "2026-11-22T08:00:00Z",
    "plate": "1-ABC-123",
    "country": "BE",
    "confidence": 0.9,
    "candidates": [{"plate": "1ABC12Z", "confidence": 0.5}],
}
WHOLE: dict[str, Record] = {
    "lines": (batch_records.lines([GOOD, GOOD]), NDJSON),
    "avro": (framed(2, batch_records.avro(MANY_READS, [GOOD, GOOD])), ()),
    "arrow": (batch_records.arrow([GOOD, GOOD]), ARROW),
    "arrow, compressed": (
        batch_records.arrow_stream(
            pa.Table.from_pylist([batch_records.with_times(GOOD)] * 2), compression="zstd"
        ),
        ARROW,
    ),
}
JSON_RECORD: Record = (json.dumps(GOOD).encode(), ())


def rows_of(records: Sequence[Record]) -> dict[int, list[str]]:
    """Give what became of each record: its reads, and the reasons of those refused."""
    headers = {row: given for row, (_, given) in enumerate(records) if given}
    reads = reads_in(Incoming([value for value, _ in records], headers), RECORDS, LATEST_US)
    refused = {reject.row: reject.reason.value for reject in reads.rejects}
    found: dict[int, list[str]] = {row: [] for row in range(len(records))}
    for row in range(len(reads)):
        found[reads.record_of(row)].append(refused.get(row, "read"))
        assert reads.values[row] is not None
    return found


def test_a_record_cut_at_any_byte_is_refused_and_costs_the_others_nothing() -> None:
    """Cut short, Avro and Arrow give one named reject; lines lose no more than one."""
    for name, (value, headers) in WHOLE.items():
        assert rows_of([(value, headers)])[0] == ["read", "read"]
        for end in range(len(value)):
            found = rows_of([JSON_RECORD, (value[:end], headers), JSON_RECORD])
            assert found[0] == found[2] == ["read"]
            if name == "lines":
                # Only the line feed at the very end is nothing but white space.
                assert "read" not in found[1][1:] or end == len(value) - 1
            elif end or headers:
                assert len(found[1]) == 1
                assert found[1] != ["read"]


@given(
    st.sampled_from(sorted(WHOLE)),
    st.lists(st.tuples(st.integers(0, 10**6), st.integers(1, 255)), min_size=1, max_size=4),
)
def test_flipped_bytes_never_stop_the_batch(name: str, flips: list[tuple[int, int]]) -> None:
    """Whatever is damaged, the record gives reads or named rejects, and its neighbours theirs."""
    value, headers = WHOLE[name]
    data = bytearray(value)
    for place, mask in flips:
        data[place % len(data)] ^= mask
    found = rows_of([JSON_RECORD, (bytes(data), headers), JSON_RECORD])
    assert found[0] == found[2] == ["read"]
    assert found[1]


@given(st.binary(max_size=300), st.sampled_from([(), NDJSON, AVRO, ARROW]), st.booleans())
def test_random_bytes_are_refused_by_name(
    data: bytes,
    headers: tuple[Header, ...],
    framed_too: bool,  # noqa: FBT001 - drawn
) -> None:
    """Bytes that are no record of any form are dead letters."""
    value = framed(1, data) if framed_too else data
    found = rows_of([(value, headers), JSON_RECORD])
    assert found[1] == ["read"]
    assert found[0]
    assert "read" not in found[0]


texts = st.one_of(st.none(), strategies.plates, st.sampled_from(["BE", "x" * 70, "y" * 300]))


@given(st.lists(st.tuples(texts, texts, shares), min_size=1, max_size=6), st.integers(0, 3))
def test_every_arrow_type_of_text_is_taken_alike(
    rows: list[tuple[str | None, str | None, float]], kind: int
) -> None:
    """Plain, large, view and dictionary texts; slices of a larger table."""
    types = [
        pa.string(),
        pa.large_string(),
        pa.string_view(),
        pa.dictionary(pa.int8(), pa.string()),
    ]
    read_ids = [f"r{row}" for row in range(len(rows))]
    table = pa.table(
        {
            "read_id": pa.array(read_ids, types[kind]),
            "camera_id": pa.array(["c1"] * len(rows), types[kind]),
            "captured_at": pa.array(["2026-11-22T08:00:00Z"] * len(rows), types[kind]),
            "plate": pa.array([plate for plate, _, _ in rows], types[kind]),
            "country": pa.array([other for _, other, _ in rows], types[kind]),
            "confidence": pa.array([share for _, _, share in rows], pa.float32()),
        }
    )
    json_rows: list[Record] = [
        (json.dumps({k: v for k, v in row.items() if v is not None}).encode(), ())
        for row in table.to_pylist()
    ]
    padded = pa.concat_tables([table, table]).slice(len(rows))
    found = rows_of([(batch_records.arrow_stream(padded), ARROW)])[0]
    assert found == [each[0] for each in rows_of(json_rows).values()]


def test_the_shipped_schemas_are_programs() -> None:
    """Both compile, and one of them is of many reads."""
    one, many = (compile_schema(json.dumps(each), "test") for each in (ONE_READ, MANY_READS))
    assert len(many.steps) == len(one.steps) + 2
