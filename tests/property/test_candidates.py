"""What a reader doubted, out of JSON: nested values, other readings, single characters."""

import json
from collections.abc import Sequence

import numpy as np
import oracle_doubts
import pytest
import strategies
from hypothesis import given
from hypothesis import strategies as st

from anpr_engine.kernels.json_candidates import (
    CANDIDATE_PPM,
    CANDIDATES_MAX,
    RANK,
    READ,
    WORDS,
    offering_rows,
    scan_candidates,
)
from anpr_engine.kernels.json_fields import FIELDS
from anpr_engine.kernels.json_nested import FIELD_NODES, LEVELS_MAX, UNKNOWN, nested_end
from anpr_engine.kernels.json_values import SPAN_CANDIDATES, SPANS
from anpr_engine.pipeline.decode import decode
from anpr_engine.pipeline.doubts import candidates_of, characters_of
from anpr_engine.records.columns import CandidateColumns

FAR_US = 2**62
NODES = {"anything": UNKNOWN} | {
    name: int(node)
    for (name, *_), node in zip(FIELDS, FIELD_NODES, strict=True)
    if name in strategies.lawful_nested
}
any_reads = st.lists(
    st.one_of(strategies.read_values(), strategies.odd_read_values(), strategies.damaged_values()),
    max_size=10,
)


def end_of(value: bytes, field: str) -> int:
    """Call the kernel on a value of a field."""
    found = np.zeros(1, dtype=np.int64)
    nested_end(np.frombuffer(value, dtype=np.uint8), 0, len(value), NODES[field], found)
    return int(found[0])


@st.composite
def nested_texts(draw: st.DrawFn) -> tuple[str, bytes]:
    """Draw a field and JSON text for it, lawful or not, whole or damaged, and what follows."""
    field = draw(st.sampled_from(sorted(NODES)))
    fitting = strategies.lawful_nested.get(field, strategies.unknown_values)
    value = draw(st.one_of(fitting, strategies.unlawful_nested))
    spaces = draw(st.sampled_from([(",", ":"), (" , ", " : ")]))
    text = json.dumps(value, ensure_ascii=draw(st.booleans()), separators=spaces)
    raw = bytearray(text.encode(errors="surrogatepass"))
    if draw(st.booleans()):
        place = draw(st.integers(0, len(raw) - 1))
        raw[place : place + draw(st.integers(0, 2))] = draw(
            st.sampled_from([b"", b'"', b"\\", b"\\u00e9", b"]", b"}", b",", b"-", b"9", b"\xc3"])
        )
    return field, bytes(raw) + draw(st.sampled_from([b"", b",", b"}"]))


@given(nested_texts())
def test_a_nested_value_ends_where_the_careful_path_says(drawn: tuple[str, bytes]) -> None:
    """What the kernel accepts, a parser and the model accept too, up to the same byte."""
    field, raw = drawn
    if raw[:1] in (b"{", b"["):
        end = end_of(raw, field)
        assert end == -1 or end == oracle_doubts.nested_end(raw, field)


CHARACTER = '{"char":"A","confidence":1}'
CANDIDATE = '{"plate":"1ABC123","confidence":0.5}'
ACCEPTED = [
    ("anything", "[]"),
    ("anything", "{ }"),
    ("anything", '{"a":[1,-2.5,null,true,false,"x"],"":{"b":{}}}'),
    ("anything", r'["\"\\\/\b\f\n\r\t\u00e9\uFFFF\u0000"]'),
    ("anything", "[" * LEVELS_MAX + "]" * LEVELS_MAX),
    ("anything", '{"lat":91,"lat":92,"plate":5}'),
    ("position", '{"lat":-90,"lon":180.0}'),
    ("position", '{"lon":4.7,"lat":51,"fix":{"lat":[],"hdop":1.2}}'),
    ("vehicle", "{}"),
    ("vehicle", r'{"class":null,"make":"Citro\u00ebn","model":"","colour":"grün"}'),
    ("characters", "[]"),
    ("characters", f"[{','.join([CHARACTER] * 32)}]"),
    ("candidates", f"[{','.join([CANDIDATE] * 64)}]"),
    ("candidates", '[ {"confidence":0, "region":["be",{"plate":1}], "plate":"Ä"} ]'),
]


@pytest.mark.parametrize(("field", "text"), ACCEPTED)
def test_a_lawful_nested_value_is_taken_whole(field: str, text: str) -> None:
    """Members in any order, unknown ones and full lists are taken without the careful path."""
    raw = text.encode()
    assert end_of(raw + b"}", field) == len(raw) == oracle_doubts.nested_end(raw, field)


LEFT = [
    ("anything", "[1,]"),
    ("anything", "[,1]"),
    ("anything", "[1 2]"),
    ("anything", '{"a":1,}'),
    ("anything", '{"a" 1}'),
    ("anything", "{1:2}"),
    ("anything", "[1}"),
    ("anything", '{"a":1]'),
    ("anything", "[[1]"),
    ("anything", "["),
    ("anything", '["\\x"]'),
    ("anything", '["\\u12g4"]'),
    ("anything", '["\\ud800"]'),
    ("anything", '["\\uDFFF"]'),
    ("anything", '["\t"]'),
    ("anything", "[01]"),
    ("anything", "[nul]"),
    ("anything", "[" * (LEVELS_MAX + 1) + "]" * (LEVELS_MAX + 1)),
    ("position", "[]"),
    ("position", '{"lat":1}'),
    ("position", '{"lat":1,"lon":null}'),
    ("position", '{"lat":91,"lon":1}'),
    ("position", '{"lat":1,"lon":180.5}'),
    ("position", '{"lat":1,"lon":"1"}'),
    ("position", '{"lat":1,"lat":2,"lon":3}'),
    ("position", '{"l\\u0061t":1,"lat":2,"lon":3}'),
    ("vehicle", "[]"),
    ("vehicle", '{"make":1}'),
    ("vehicle", '{"make":["x"]}'),
    ("vehicle", '{"vehicle_class":"car"}'),
    ("vehicle", f'{{"colour":"{"x" * 65}"}}'),
    ("characters", "{}"),
    ("characters", CHARACTER),
    ("characters", '["A"]'),
    ("characters", "[[]]"),
    ("characters", '[{"char":"","confidence":1}]'),
    ("characters", '[{"char":"ABCDE","confidence":1}]'),
    ("characters", '[{"char":"A","confidence":1.01}]'),
    ("characters", '[{"char":"A","confidence":-0.1}]'),
    ("characters", '[{"char":"A"}]'),
    ("characters", f"[{','.join([CHARACTER] * 33)}]"),
    ("candidates", f"[{','.join([CANDIDATE] * 65)}]"),
    ("candidates", f"[{CANDIDATE},{CHARACTER}]"),
    ("candidates", '[{"plate":null,"confidence":1}]'),
    ("candidates", '[{"plate":"\\u0041","confidence":1}]'),
    ("candidates", f'[{{"plate":"{"1" * 257}","confidence":1}}]'),
    ("candidates", "[null]"),
]


@pytest.mark.parametrize(("field", "text"), LEFT)
def test_a_doubtful_nested_value_is_left_to_the_careful_path(field: str, text: str) -> None:
    """Broken JSON, a broken rule, a member twice, too deep: the kernel takes none of them."""
    assert end_of(text.encode(), field) == -1


def run_scan_candidates(values: Sequence[bytes]) -> list[oracle_doubts.Candidate]:
    """Call the kernel on the candidate arrays alone, laid one after another."""
    arrays = [
        json.dumps(json.loads(value).get("candidates") or [], ensure_ascii=False).encode()
        for value in values
    ]
    ends = np.cumsum([0, *map(len, arrays)])
    spans = np.stack([ends[:-1], np.diff(ends)], axis=1).astype(np.int32)
    buffer = np.frombuffer(b"".join(arrays), dtype=np.uint8)
    texts = np.zeros((len(values) * CANDIDATES_MAX, 2), dtype=np.int32)
    found = np.zeros((WORDS, len(texts)), dtype=np.int64)
    count = np.zeros(1, dtype=np.int64)
    scan_candidates(buffer, spans, texts, found, count)
    return [
        oracle_doubts.Candidate(
            read=int(found[READ, place]),
            rank=int(found[RANK, place]),
            confidence_ppm=int(found[CANDIDATE_PPM, place]),
            text=json.loads(b'"' + buffer[start : start + length].tobytes() + b'"'),
        )
        for place, (start, length) in enumerate(texts[: count[0]].tolist())
    ]


@given(st.lists(strategies.read_values(), max_size=8))
def test_the_kernel_lists_the_candidates_that_a_parser_finds(values: list[bytes]) -> None:
    """Row, rank, confidence and text of the first ten candidates of each read, in order."""
    reads = [value for value in values if oracle_doubts.is_read(value)]
    assert run_scan_candidates(reads) == oracle_doubts.scan_candidates(reads)


@given(st.lists(st.integers(0, 3), max_size=9))
def test_reads_with_an_array_of_candidates_are_listed(lengths: list[int]) -> None:
    """Those alone, in order, whatever else a read has."""
    spans = np.full((len(lengths), SPANS, 2), 7, np.int32)
    spans[:, SPAN_CANDIDATES, 1] = lengths
    rows = np.empty(len(lengths) + 1, np.int64)
    offering_rows(spans, rows)
    wanted = oracle_doubts.offering_rows(lengths)
    assert rows[: rows[0] + 1].tolist() == [len(wanted), *wanted]


def rows_of(columns: CandidateColumns) -> list[tuple[int, int, float, int]]:
    """Give the columns as rows."""
    parts = (columns.read, columns.rank, columns.confidence, columns.key)
    return list(zip(*(part.tolist() for part in parts), strict=True))


@given(any_reads, st.integers(1, 6))
def test_candidates_are_those_of_the_naive_reading(
    values: list[bytes], characters_min: int
) -> None:
    """Scanned and careful reads give their candidates alike, in order of rows and ranks."""
    found = candidates_of(decode(values, FAR_US), characters_min)
    assert rows_of(found) == oracle_doubts.candidates_of(values, characters_min)
    assert len(found) == len(found.key)


@given(any_reads)
def test_characters_are_those_of_the_naive_reading(values: list[bytes]) -> None:
    """Characters come with the reader's confidence, whichever path the read took."""
    reads = decode(values, FAR_US)
    for row, value in enumerate(values):
        expected = oracle_doubts.characters_of(value) if oracle_doubts.is_read(value) else []
        assert characters_of(reads, row) == expected
