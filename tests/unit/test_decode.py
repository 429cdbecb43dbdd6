"""What is no read is named, and costs the others nothing."""

import json

import numpy as np
import pytest

from anpr_engine.pipeline.decode import decode
from anpr_engine.pipeline.doubts import candidates_of, characters_of
from anpr_engine.plates.normaliser import plate_key
from anpr_engine.records.rejected_read import RejectReason

GOOD = {
    "read_id": "r1",
    "camera_id": "c1",
    "captured_at": "2026-11-22T08:00:00Z",
    "plate": "1-ABC-123",
}
LATEST_US = 1_795_340_000_000_000


def changed(**fields: object) -> bytes:
    """Give the good read with some fields changed."""
    return json.dumps(GOOD | fields).encode()


def without(name: str) -> bytes:
    """Give the good read without one field."""
    return json.dumps({key: value for key, value in GOOD.items() if key != name}).encode()


CHAR = {"char": "1", "confidence": 0.9}
TWICE = changed(candidates=[])[:-1] + b',"candidates":[]}'
DEEP = b"[" * 400 + b"]" * 400
BAD: list[tuple[str, bytes, RejectReason]] = [
    ("nothing", b"", RejectReason.EMPTY),
    ("white space", b" \n ", RejectReason.EMPTY),
    ("over 64 KiB", changed(extra="x" * 65_536), RejectReason.OVERSIZED),
    ("latin-1", json.dumps(GOOD).encode()[:-1] + b',"x":"\xe9"}', RejectReason.NOT_UTF8),
    ("cut short", json.dumps(GOOD).encode()[:-1], RejectReason.NOT_JSON),
    ("two reads", json.dumps(GOOD).encode() * 2, RejectReason.NOT_JSON),
    ("byte order mark", b"\xef\xbb\xbf" + json.dumps(GOOD).encode(), RejectReason.NOT_JSON),
    ("not a number", b'{"confidence":NaN}', RejectReason.NOT_JSON),
    ("huge exponent", changed(confidence=0).replace(b": 0", b": 1e400"), RejectReason.OUT_OF_RANGE),
    ("lone surrogate", changed(plate="\ud800"), RejectReason.NOT_JSON),
    ("an array", b"[]", RejectReason.NOT_AN_OBJECT),
    ("a text", b'"1-ABC-123"', RejectReason.NOT_AN_OBJECT),
    ("400 levels", b'{"x":' + DEEP + b"}", RejectReason.TOO_DEEP),
    ("10,000 levels", b"[" * 10_000, RejectReason.TOO_DEEP),
    (
        "plate twice",
        json.dumps(GOOD).encode()[:-1] + b',"plate":"2"}',
        RejectReason.DUPLICATE_FIELD,
    ),
    ("no plate", without("plate"), RejectReason.FIELD_MISSING),
    ("no camera", without("camera_id"), RejectReason.FIELD_MISSING),
    ("no time", without("captured_at"), RejectReason.FIELD_MISSING),
    ("empty object", b"{}", RejectReason.FIELD_MISSING),
    ("plate a number", changed(plate=123), RejectReason.WRONG_TYPE),
    ("plate null", changed(plate=None), RejectReason.WRONG_TYPE),
    ("confidence a text", changed(confidence="0.9"), RejectReason.WRONG_TYPE),
    ("lane half", changed(lane=1.5), RejectReason.WRONG_TYPE),
    ("vehicle a text", changed(vehicle="Volvo"), RejectReason.WRONG_TYPE),
    ("candidate a text", changed(candidates=["1ABC123"]), RejectReason.WRONG_TYPE),
    ("candidate null", changed(candidates=[None]), RejectReason.WRONG_TYPE),
    ("candidate of half", changed(candidates=[{"plate": "1"}]), RejectReason.FIELD_MISSING),
    ("character empty", changed(characters=[CHAR | {"char": ""}]), RejectReason.OUT_OF_RANGE),
    ("33 characters", changed(characters=[CHAR] * 33), RejectReason.OUT_OF_RANGE),
    ("make a number", changed(vehicle={"make": 7}), RejectReason.WRONG_TYPE),
    ("class under its other name", changed(vehicle={"vehicle_class": 7}), RejectReason.WRONG_TYPE),
    ("half a position", changed(position={"lat": 51}), RejectReason.FIELD_MISSING),
    ("surrogate deep inside", changed(extra=[{"x": "\udc00"}]), RejectReason.NOT_JSON),
    ("comma deep inside", changed(extra=[1]).replace(b"[1]", b"[1,]"), RejectReason.NOT_JSON),
    ("candidates twice", TWICE, RejectReason.DUPLICATE_FIELD),
    ("confidence over 1", changed(confidence=1.5), RejectReason.OUT_OF_RANGE),
    ("id too long", changed(read_id="x" * 65), RejectReason.OUT_OF_RANGE),
    ("id empty", changed(read_id=""), RejectReason.OUT_OF_RANGE),
    ("latitude 91", changed(position={"lat": 91, "lon": 4}), RejectReason.OUT_OF_RANGE),
    ("no zone", changed(captured_at="2026-11-22T08:00:00"), RejectReason.BAD_TIME),
    ("30 February", changed(captured_at="2026-02-30T08:00:00Z"), RejectReason.BAD_TIME),
    ("a number as time", changed(captured_at=1_795_340_000), RejectReason.BAD_TIME),
    ("alpha-3", changed(country="BEL"), RejectReason.BAD_COUNTRY),
    ("no country at all", changed(country=""), RejectReason.BAD_COUNTRY),
    ("tomorrow", changed(captured_at="2026-11-23T08:00:00Z"), RejectReason.FUTURE_DATED),
]


@pytest.mark.parametrize(("value", "reason"), [(b, r) for _, b, r in BAD], ids=[n for n, *_ in BAD])
def test_each_bad_record_is_named(value: bytes, reason: RejectReason) -> None:
    """A bad record gets its reason; the good ones beside it are decoded."""
    good = json.dumps(GOOD).encode()
    reads = decode([good, value, good], LATEST_US)
    assert [(reject.row, reject.reason) for reject in reads.rejects] == [(1, reason)]
    assert reads.captured_at_us[0] == reads.captured_at_us[2] == 1_795_334_400_000_000


def test_a_batch_of_bad_records_is_named_in_full() -> None:
    """Every bad record of a batch gets exactly one reason, in order of rows."""
    reads = decode([value for _, value, _ in BAD], LATEST_US)
    by_row = sorted(reads.rejects)
    assert [(r.row, r.reason) for r in by_row] == [(n, r) for n, (*_, r) in enumerate(BAD)]


@pytest.mark.parametrize(
    "value",
    [
        changed(captured_at="2026-11-22T09:00:00+01:00"),
        changed(captured_at="2026-11-22t08:00:00.000000000z"),
        changed(unknown={"deep": [1, 2, {"x": "y"}]}, other=None),
        changed(plate="\u0041\u0308B-12"),
        changed(country=None, confidence=None, lane="left"),
        changed(vehicle={"class": "car", "wheels": 4}, position={"lat": 51.4, "lon": 4.7}),
        changed(read_id="é" * 64),
    ],
)
def test_rare_but_lawful_shapes_are_decoded(value: bytes) -> None:
    """Offsets, escapes, nested and unknown fields are reads, by whichever path."""
    reads = decode([value], LATEST_US)
    assert not reads.rejects
    assert reads.captured_at_us[0] == 1_795_334_400_000_000


def test_doubts_are_read_without_the_careful_path() -> None:
    """A read with characters, candidates, vehicle and position is scanned like a plain one."""
    doubts = [{"plate": "1-ABC-l23", "confidence": 0.25}, {"plate": "?", "confidence": 0.125}]
    vehicle, position = {"make": "Volvo", "class": None}, {"lat": 51.4, "lon": 4.7}
    value = changed(characters=[CHAR, CHAR], candidates=doubts, vehicle=vehicle, position=position)
    reads = decode([json.dumps(GOOD).encode(), value], LATEST_US)
    assert not reads.careful
    assert not reads.rejects
    found = candidates_of(reads)
    assert (found.read.tolist(), found.rank.tolist()) == ([1], [0])
    assert found.key.tolist() == [plate_key("1ABCL23")]
    assert found.confidence.tolist() == [0.25]
    assert characters_of(reads, 0) == []
    assert characters_of(reads, 1) == [("1", 0.9), ("1", 0.9)]


def test_refused_reads_offer_no_candidates() -> None:
    """A read that is dated ahead keeps its doubts to itself; ranks beyond ten are left out."""
    doubts = [{"plate": f"1-ABC-1{place:02d}", "confidence": 0.5} for place in range(12)]
    ahead = changed(candidates=doubts, captured_at="2026-11-23T08:00:00Z")
    found = candidates_of(decode([ahead, changed(candidates=doubts)], LATEST_US))
    assert found.read.tolist() == [1] * 10
    assert found.rank.tolist() == list(range(10))
    assert len(candidates_of(decode([ahead], LATEST_US))) == 0


def test_short_candidates_are_left_out() -> None:
    """A candidate with fewer characters than may match has no row."""
    doubts = [{"plate": plate, "confidence": 0.5} for plate in ("1A", "1ABC", "-")]
    reads = decode([changed(candidates=doubts)], LATEST_US)
    assert candidates_of(reads, 1).rank.tolist() == [0, 1]
    assert candidates_of(reads, 3).rank.tolist() == [1]


def test_country_confidence_is_a_column() -> None:
    """The reader's confidence in the country stands beside the one in the plate."""
    reads = decode([changed(country_confidence=0.75), changed(confidence=0.5)], LATEST_US)
    assert np.array_equal(reads.country_confidence, [0.75, np.nan], equal_nan=True)
    assert np.array_equal(reads.confidence, [np.nan, 0.5], equal_nan=True)


def test_no_refusal_quotes_the_record() -> None:
    """A detail names a field or place; it never repeats what stood there."""
    secret = "9-ZZZ-999"
    reads = decode([changed(plate=[secret]), changed(country=secret), secret.encode()], LATEST_US)
    assert len(reads.rejects) == 3
    assert all(secret not in reject.detail for reject in reads.rejects)
