"""Every kernel against its naive twin, compiled and interpreted."""

import json
from collections.abc import Sequence

import numpy as np
import oracle
import strategies
from hypothesis import given
from hypothesis import strategies as st
from kernel_pieces import alone
from numpy.typing import NDArray

from anpr_engine.kernels import hashing
from anpr_engine.kernels.bloom import filter_add, filter_rows, filter_words
from anpr_engine.kernels.json_scan import DECODED, ROW_WORDS, scan_reads
from anpr_engine.kernels.json_values import NUMBERS, SPANS
from anpr_engine.kernels.plate_forms import NO_FORM, plate_forms, written_plate
from anpr_engine.kernels.plate_text import LONG_KEYS_FROM, UNDECIDED, USABLE, plate_keys
from anpr_engine.kernels.table import FOUND, MAYBE, PROBED, find_listed, table_build, table_slots
from anpr_engine.pipeline.decode import read_numbers
from anpr_engine.plates.normaliser import normalise, plate_key

mix64 = alone(hashing.mix64)
keys_drawn = st.lists(st.integers(1, 2**64 - 1), max_size=200)
few_keys = st.lists(st.integers(0, 12), max_size=60)


def spans_of(texts: Sequence[str]) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """Put texts into one buffer, with their starts and lengths."""
    raw = [text.encode(errors="surrogatepass") for text in texts]
    ends = np.cumsum([0, *map(len, raw)])
    spans = np.stack([ends[:-1], np.diff(ends)], axis=1).astype(np.int32)
    return np.frombuffer(b"".join(raw), dtype=np.uint8), spans


def run_plate_keys(
    texts: Sequence[str], characters_min: int
) -> tuple[NDArray[np.uint64], NDArray[np.uint8]]:
    """Call the kernel on a list of texts."""
    buffer, spans = spans_of(texts)
    keys = np.zeros(len(texts), dtype=np.uint64)
    status = np.zeros(len(texts), dtype=np.uint8)
    plate_keys(buffer, spans, characters_min, keys, status)
    return keys, status


@given(st.lists(strategies.plates, max_size=30), st.integers(1, 6))
def test_plate_keys_agree_with_the_complete_normaliser(
    texts: list[str], characters_min: int
) -> None:
    """What the kernel decides, the complete path decides the same way, key and status."""
    keys, status = run_plate_keys(texts, characters_min)
    for row, expected in enumerate(oracle.plate_keys(texts, characters_min)):
        if status[row] != UNDECIDED:
            assert (int(status[row]), int(keys[row])) == (expected.status, expected.key)
        else:
            assert keys[row] == 0


@given(st.lists(st.one_of(strategies.belgian_plates(), strategies.dutch_plates()), max_size=30))
def test_plain_plates_never_need_the_complete_path(texts: list[str]) -> None:
    """Ordinary plates are decided by the kernel, by the text a regular expression finds."""
    keys, status = run_plate_keys(texts, 1)
    for row, text in enumerate(texts):
        assert status[row] == USABLE
        assert int(keys[row]) == oracle.key_of(oracle.plain_key(text) or "")


@given(st.text(alphabet=oracle.ALPHABET, min_size=1, max_size=12))
def test_short_keys_are_the_text_itself(text: str) -> None:
    """Up to twelve characters the key is the text in base 40, so two texts never share one."""
    assert plate_key(text) == oracle.key_of(text) < LONG_KEYS_FROM


@given(st.text(alphabet=oracle.ALPHABET, min_size=13, max_size=16))
def test_long_keys_lie_above_the_short_ones(text: str) -> None:
    """A hashed key can be told from one that is the text, and both paths agree on it."""
    keys, _ = run_plate_keys([text], 1)
    assert int(keys[0]) == normalise(text).key >= LONG_KEYS_FROM


@given(keys_drawn, keys_drawn)
def test_the_filter_never_says_no_to_a_member(members: list[int], others: list[int]) -> None:
    """Every member gets a maybe; an empty filter gives nobody one."""
    words = filter_words(len(members))
    filter_add(np.array(members, dtype=np.uint64), words)
    asked = members + others
    maybe = np.empty(len(asked) + 1, dtype=np.int64)
    filter_rows(np.array(asked, dtype=np.uint64), words, maybe)
    rows = maybe[1 : maybe[0] + 1].tolist()
    assert rows == sorted(set(rows))
    assert set(rows) <= set(range(len(asked)))
    assert set(rows) >= set(oracle.filter_rows(asked, oracle.filter_add(members)))
    if not members:
        assert not rows


def test_the_filter_refuses_nearly_all_strangers() -> None:
    """At 16 bits a member fewer than 3 in 1,000 strangers get a maybe."""
    draw = np.random.default_rng(7)
    members = draw.integers(1, 2**63, 4000, dtype=np.uint64)
    strangers = draw.integers(2**63, 2**64 - 1, 20_000, dtype=np.uint64)
    words = filter_words(len(members))
    filter_add(members, words)
    maybe = np.empty(len(strangers) + 1, dtype=np.int64)
    filter_rows(strangers, words, maybe)
    assert maybe[0] < 0.003 * len(strangers)


@given(few_keys, few_keys, st.integers(0, 5))
def test_search_finds_every_pair_and_no_other(
    asked: list[int], listed: list[int], room: int
) -> None:
    """Filter and table together give exactly the pairs that comparing everything gives."""
    column = np.array(sorted(key for key in listed if key), dtype=np.uint64)
    words, slots = filter_words(len(column)), table_slots(len(column))
    filter_add(column, words)
    table_build(column, slots)
    assert oracle.table_build(column.tolist()) == {
        int(column[slot - 1]): int(slot - 1) for slot in slots.astype(np.int64) if slot
    }
    wanted = oracle.find_listed(asked, column.tolist())
    found = np.zeros((2, len(wanted) + room), dtype=np.int64)
    tally = np.zeros(4, dtype=np.int64)
    find_listed(np.array(asked, dtype=np.uint64), words, slots, column, found, tally)
    assert [tuple(pair) for pair in found[:, : len(wanted)].T.tolist()] == wanted
    assert tally[FOUND] == len(wanted)
    assert tally[PROBED] == sum(key != 0 for key in asked) >= tally[MAYBE]


def test_search_counts_on_when_the_room_is_used_up() -> None:
    """With too little room the count tells how much is needed, and nothing is written past it."""
    column = np.full(5, 7, dtype=np.uint64)
    words, slots = filter_words(5), table_slots(5)
    filter_add(column, words)
    table_build(column, slots)
    found = np.full((2, 3), -1, dtype=np.int64)
    tally = np.zeros(4, dtype=np.int64)
    find_listed(np.array([7], dtype=np.uint64), words, slots, column, found[:, :2].copy(), tally)
    assert tally[FOUND] == 5


written_plates = st.one_of(
    strategies.plates,
    strategies.belgian_plates(),
    st.text(alphabet="1AZ9- .Ä?a", max_size=18),
    st.text(alphabet="1AZ9-", max_size=18),
)


@given(st.lists(written_plates, max_size=30), st.none() | st.integers(0, 2**64 - 1))
def test_a_form_gives_the_plate_back_letter_for_letter(texts: list[str], key: int | None) -> None:
    """Where there is a form, it is the oracle's, and with the key it gives the very same text."""
    buffer, spans = spans_of(texts)
    keys = [normalise(text).key if key is None else key for text in texts]
    forms = np.zeros(len(texts), dtype=np.uint32)
    plate_forms(buffer, spans, np.array(keys, dtype=np.uint64), forms)
    expected = oracle.plate_forms(texts, keys)
    for text, own_key, form, wanted in zip(texts, keys, forms.tolist(), expected, strict=True):
        if wanted is None:
            assert form == NO_FORM
        else:
            assert (form % 2**16, chr(form >> 16)) == wanted
            assert written_plate(own_key, form) == text


@given(st.sets(st.integers(0, 2**64 - 1), max_size=50))
def test_mixing_keeps_different_keys_different(keys: set[int]) -> None:
    """The mix is a bijection."""
    with np.errstate(over="ignore"):
        mixed = {int(mix64(np.uint64(key))) for key in keys}
    assert len(mixed) == len(keys)


any_values = st.one_of(
    strategies.read_values(), strategies.odd_read_values(), strategies.damaged_values()
)


def run_scan_reads(
    values: Sequence[bytes],
) -> tuple[NDArray[np.uint8], NDArray[np.int32], NDArray[np.int64], NDArray[np.uint8]]:
    """Call the kernel on record values; give buffer, spans, numbers, status."""
    bounds = np.cumsum([0, *map(len, values)]).astype(np.int64)
    buffer = np.frombuffer(b"".join(values), dtype=np.uint8)
    spans = np.zeros((len(values), SPANS, 2), dtype=np.int32)
    numbers = np.zeros((len(values), NUMBERS), dtype=np.int64)
    status = np.zeros(len(values), dtype=np.uint8)
    scan_reads(buffer, bounds, spans, numbers, status, np.empty(ROW_WORDS, dtype=np.int64))
    return buffer, spans, numbers, status


@given(st.one_of(st.lists(any_values, max_size=12), strategies.alike_values()))
def test_the_scanner_accepts_only_reads_and_reads_them_right(values: list[bytes]) -> None:
    """What is decoded is a read to the careful path too, with the same ids, plate and numbers."""
    buffer, spans, numbers, status = run_scan_reads(values)
    for row, read in enumerate(oracle.scan_reads(values)):
        if status[row] != DECODED:
            assert not spans[row].any()
            continue
        assert read is not None
        texts = [buffer[s : s + n].tobytes().decode() for s, n in spans[row].tolist()]
        assert texts[:3] == [read.read_id, read.camera_id, read.plate]
        assert tuple(numbers[row].tolist()) == read_numbers(read)
        parts = read.model_dump(include={"characters", "candidates"})
        assert known_members(texts[3], ("char", "confidence")) == parts["characters"]
        assert known_members(texts[4], ("plate", "confidence")) == parts["candidates"]


def test_a_refused_read_leaves_no_layout_behind() -> None:
    """What was known of it up to the fault must not let a read through that ends there."""
    good = b'{"read_id":"r1","camera_id":"c","captured_at":"2025-06-01T02:15:30Z","plate":"A"}'
    twice = good[:-1] + b',"plate":"A"}'
    cut = twice.removesuffix(b'"A"}')
    *_, status = run_scan_reads([good, good, twice, cut, twice, good])
    assert (status == DECODED).tolist() == [True, True, False, False, False, True]


@given(strategies.alike_values())
def test_what_a_read_says_does_not_depend_on_the_reads_before_it(values: list[bytes]) -> None:
    """Scanned among reads of one layout, each gives what it gives alone."""
    _, spans, numbers, status = run_scan_reads(values)
    begin = 0
    for row, value in enumerate(values):
        _, (alone,), (figures,), (state,) = run_scan_reads([value])
        alone[:, 0] += begin * (alone[:, 1] > 0)
        spans[row, :, 0] *= spans[row, :, 1] > 0
        alone[:, 0] *= alone[:, 1] > 0
        assert status[row] == state
        assert spans[row].tolist() == alone.tolist()
        assert numbers[row].tolist() == figures.tolist()
        begin += len(value)


def known_members(array: str, names: tuple[str, str]) -> list[dict[str, object]] | None:
    """Give an array of objects without the members that nobody knows; None for no array."""
    if not array:
        return None
    return [{name: each[name] for name in names} for each in json.loads(array)]


@given(strategies.read_values())
def test_lawful_reads_are_scanned_without_the_careful_path(value: bytes) -> None:
    """A read without escapes is decoded by the scanner, nested values included."""
    *_, status = run_scan_reads([value])
    if b"\\" not in value:
        assert status[0] == DECODED
