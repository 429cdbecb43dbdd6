"""The kernels that take records of many reads apart, against their naive twins."""

import json
import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import batch_records
import numpy as np
import oracle_batches
from hypothesis import example, given
from hypothesis import strategies as st

from anpr_engine.kernels.json_times import NO_TIME
from anpr_engine.kernels.lines import split_lines
from anpr_engine.kernels.text_columns import PAIR_BYTES_MAX, doubt_texts, text_times
from anpr_engine.pipeline.batches.avro import written_texts
from anpr_engine.pipeline.batches.avro_schema import compile_schema
from anpr_engine.pipeline.batches.rules import RecordRules
from anpr_engine.ports import RecordValues

ODD_SCHEMA = {
    "type": "record",
    "name": "Odd",
    "namespace": "test",
    "fields": [
        {"name": "whole", "type": "int"},
        {"name": "far", "type": ["null", "long", "double", "string"]},
        {"name": "narrow", "type": "float"},
        {"name": "raw", "type": "bytes"},
        {"name": "fixed", "type": {"type": "fixed", "name": "Four", "size": 4}},
        {"name": "again", "type": "test.Four"},
        {"name": "kind", "type": {"type": "enum", "name": "Kind", "symbols": ["a", "b"]}},
        {"name": "sure", "type": "boolean"},
        {"name": "by", "type": {"type": "map", "values": {"type": "array", "items": "double"}}},
        {"name": "nothing", "type": "null"},
        {"name": "inner", "type": {"type": "array", "items": ["null", "Kind"]}},
    ],
}
numbers = st.one_of(
    st.floats(-1e6, 1e6).map(lambda value: round(value, 6)), st.integers(-(2**40), 2**40)
)
odd_values = st.fixed_dictionaries(
    {
        "whole": st.integers(-(2**31), 2**31 - 1),
        "far": st.one_of(st.none(), st.integers(-(2**63) + 1, 2**63 - 1), st.text(max_size=9)),
        "narrow": st.integers(-4096, 4096).map(lambda value: value / 8),
        "raw": st.binary(max_size=6),
        "fixed": st.binary(min_size=4, max_size=4),
        "again": st.binary(min_size=4, max_size=4),
        "kind": st.sampled_from(["a", "b"]),
        "sure": st.booleans(),
        "by": st.dictionaries(st.text(max_size=4), st.lists(numbers, max_size=3), max_size=3),
        "inner": st.lists(st.sampled_from([None, "a", "b"]), max_size=4),
    }
)
MANY = {"type": "array", "items": ODD_SCHEMA}
NAMES = {
    "test.Four": {"type": "fixed", "name": "Four", "size": 4},
    "Kind": {"type": "enum", "name": "Kind", "symbols": ["a", "b"]},
}
PLAIN_ODD = batch_records.inlined(ODD_SCHEMA, NAMES)
PLAIN_MANY = batch_records.inlined(MANY, NAMES)


def texts_of(values: Sequence[bytes], schema: object) -> list[list[Any] | None]:
    """Decode Avro data by the kernel, and read what it wrote as JSON."""
    packed = RecordValues.joined(values)
    bounds = np.column_stack([packed.bounds[:-1], packed.bounds[1:]])
    program = compile_schema(json.dumps(schema), "test")
    buffer = packed.buffer if len(packed.buffer) else np.zeros(1, dtype=np.uint8)
    text, rows = written_texts(buffer, bounds, program, RecordRules(reads_max=100))
    found: list[list[Any] | None] = [[] for _ in values]
    begin = 0
    for end, record, fault in rows.tolist():
        reads = found[record]
        if fault:
            assert reads == []
            found[record] = None
        elif reads is not None:
            reads.append(json.loads(text[begin:end].tobytes()))
        begin = end
    return found


@given(st.lists(odd_values, max_size=5))
def test_avro_becomes_the_json_that_it_says(values: list[dict[str, Any]]) -> None:
    """Every kind of value, by a schema that is none of ours."""
    data = [batch_records.avro(PLAIN_ODD, value) for value in values]
    expected = oracle_batches.avro_texts(data, PLAIN_ODD)
    for each in expected:
        assert each is not None
        each[0].pop("nothing")  # a field that can hold nothing is left out
    assert texts_of(data, ODD_SCHEMA) == expected


@given(st.lists(odd_values, min_size=1, max_size=5), st.integers(0, 400), st.integers(0, 255))
def test_damaged_avro_is_named_as_the_twin_names_it(
    values: list[dict[str, Any]], place: int, byte: int
) -> None:
    """One changed byte, or a cut: the same reads, or the same refusal; never anything else."""
    data = bytearray(batch_records.avro(PLAIN_MANY, values))
    cut = bytes(data[: place % len(data)])
    data[place % len(data)] = byte
    for damaged in (bytes(data), cut):
        try:
            expected = oracle_batches.avro_texts([damaged], PLAIN_MANY)[0]
        except (UnicodeDecodeError, OverflowError):
            continue
        found = texts_of_any(damaged)
        assert (found is None) == (expected is None)
        assert found is None or len(found) == len(expected or ())


def texts_of_any(value: bytes) -> list[bytes] | None:
    """Decode one datum that may hold texts that are no JSON."""
    program = compile_schema(json.dumps(MANY), "test")
    buffer = np.frombuffer(value or b"\0", dtype=np.uint8)
    bounds = np.array([[0, len(value)]])
    text, rows = written_texts(buffer, bounds, program, RecordRules())
    if rows[0, 2]:
        return None
    ends = [0, *rows[:, 0].tolist()]
    return [text[a:b].tobytes() for a, b in pairwise(ends)]


@given(st.binary(max_size=60))
def test_random_bytes_are_no_danger_to_the_avro_kernel(value: bytes) -> None:
    """Whatever stands there, it is taken or refused."""
    texts_of_any(value)


@given(st.floats(allow_nan=False, allow_infinity=False))
@example(0.1)
@example(5e-324)
@example(-0.0)
@example(1e300)
def test_numbers_keep_fifteen_digits(value: float) -> None:
    """A number of at most fifteen digits comes back as it was; a longer one nearly."""
    schema = {"type": "record", "name": "One", "fields": [{"name": "x", "type": "double"}]}
    found = texts_of([batch_records.avro(schema, {"x": value})], schema)[0]
    assert found is not None
    back = found[0]["x"]
    if abs(value) >= 2**53:
        assert back == math.copysign(1e99, value)
    elif float(f"{value:.15g}") == value and (value == 0 or abs(value) > 1e-2):
        assert back == value
    else:
        assert math.isclose(back, value, rel_tol=1e-14, abs_tol=1e-16)


line_texts = st.sampled_from([b"", b" ", b"{}", b"a b", b"\t\r", b"  x", b"\x0b"])


@given(
    st.lists(
        st.tuples(st.lists(line_texts, max_size=6).map(b"\n".join), st.booleans()), max_size=6
    ),
    st.integers(0, 9),
)
def test_lines_are_those_of_the_twin(records: list[tuple[bytes, bool]], room: int) -> None:
    """Lines of white space belong to their neighbours, and every record has a line.

    With too little room they are counted, and what there is room for is written.
    """
    values = RecordValues.joined([value for value, _ in records])
    flags = np.array([split for _, split in records], dtype=np.uint8)
    counts = np.empty(len(values), dtype=np.int64)
    few = np.empty(room, dtype=np.int64)
    split_lines(values.buffer, values.bounds, flags, few, counts)
    texts = [value for value, _ in records]
    expected = oracle_batches.split_lines(texts, flags.tolist())
    assert counts.tolist() == [len(each) for each in expected]
    bounds = np.empty(int(counts.sum()) + 1, dtype=np.int64)
    split_lines(values.buffer, values.bounds, flags, bounds, counts)
    assert few[: len(bounds)].tolist() == bounds[:room].tolist()
    lines = RecordValues(values.buffer, bounds)
    flat = [line for each in expected for line in each]
    assert [line.strip(b" \t\r\n") for line in lines] == [line.strip(b" \t\r\n") for line in flat]
    assert b"".join(lines) == b"".join(value for value, _ in records)


@given(
    st.lists(
        st.one_of(
            st.datetimes().map(lambda moment: moment.isoformat() + "Z"),
            st.from_regex(r"20[0-9]{2}-[0-9]{2}-[0-3][0-9]T[0-9]{2}:[0-6][0-9]:[0-6][0-9]"
                          r"(\.[0-9]{1,9})?(Z|\+0[0-9]:30)", fullmatch=True),
            st.text(max_size=30),
        ),
        max_size=8,
    )
)  # fmt: skip
def test_times_are_those_of_the_twin(texts: list[str]) -> None:
    """Plain RFC 3339 in microseconds; anything else is no time."""
    packed = RecordValues.joined([text.encode() for text in texts])
    spans = np.column_stack([packed.bounds[:-1], np.diff(packed.bounds)]).astype(np.int32)
    found = np.empty(len(texts), dtype=np.int64)
    text_times(packed.buffer, spans, found)
    expected = [NO_TIME if time is None else time for time in oracle_batches.text_times(texts)]
    assert found.tolist() == expected


confidences = st.floats(0, 1).map(lambda value: round(value, 6))


@given(st.lists(st.lists(st.tuples(st.text(max_size=5), confidences), max_size=4), max_size=5))
def test_doubts_are_the_json_of_the_twin(lists: list[list[tuple[str, float]]]) -> None:
    """Each list as JSON; one with a text that needs an escape is left to somebody else."""
    items = [item for each in lists for item in each]
    packed = RecordValues.joined([text.encode() for text, _ in items] + [b'{"plate":"'])
    named = np.column_stack([packed.bounds[:-1], np.diff(packed.bounds)])
    firsts = np.cumsum([0, *map(len, lists)])
    room = len(packed.buffer) * (len(items) + 1) + len(items) * PAIR_BYTES_MAX + 2 * len(lists)
    out, spans = np.empty(room, dtype=np.uint8), np.empty((len(lists), 2), dtype=np.int64)
    sure = np.array([confidence for _, confidence in items], dtype=np.float64)
    doubt_texts(packed.buffer, named, sure, firsts, out, spans)
    expected = oracle_batches.doubt_texts(lists, "plate")
    for each, wanted, (begin, length) in zip(lists, expected, spans.tolist(), strict=True):
        odd = any(char < " " or char in '"\\' for text, _ in each for char in text)
        assert (length < 0) == odd
        if not odd:
            assert json.loads(out[begin : begin + length].tobytes()) == wanted
