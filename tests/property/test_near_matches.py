"""The search for the listed plates a read may come from, against comparing it with all of them."""

from collections.abc import Sequence

import numpy as np
import oracle
import oracle_reading
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from oracle_reading import Tokens
from reading_rows import mixture_of, rows_of

from anpr_engine.kernels.halves import HEAD_LENGTHS, LENGTH_CODES, TAIL_CODE, HalfIndex, mark_halves
from anpr_engine.kernels.neighbours import (
    BOUND_COLUMNS,
    NEED,
    NEXT_READ,
    PROGRESS_WORDS,
    WRITTEN,
    near_rows,
)
from anpr_engine.kernels.plate_text import LONG_KEYS_FROM
from anpr_engine.kernels.tokens import JUNK
from anpr_engine.plates.reading import shipped_reading
from anpr_engine.watchlist.halves import half_index

FEW = (0, 24, 1, 18, 11, 8)
"""0 O 1 I B 8: look-alikes, so that equal neighbours and likely errors are frequent."""
bands = st.integers(0, 11)
seeds = st.integers(0, 2**32 - 1)
lengths = st.integers(4, 12)


def key_of(tokens: Tokens) -> int:
    """Give the key of a text."""
    return oracle.key_of(oracle_reading.text_of(tokens))


def edited(draw: np.random.Generator, text: Tokens, edits: int) -> Tokens:
    """Take some characters for others, lose some, add some."""
    made = list(text)
    for _ in range(edits):
        place = int(draw.integers(len(made)))
        new = [int(token) for token in draw.choice(FEW, 2)]
        kind = int(draw.integers(3))
        made[place : place + 1] = ([new[0]], [], [*made[place : place + 1], new[0]])[kind]
        made = made or new
    return tuple(made)


def listed_around(draw: np.random.Generator, read: Tokens, count: int) -> list[Tokens]:
    """Draw plates of 4 to 12 characters, most of them up to three edits from a read; sorted."""
    shown = [token if token < JUNK else int(draw.choice(FEW)) for token in read]
    texts = [edited(draw, tuple(shown), int(draw.integers(4))) for _ in range(count)]
    texts += [tuple(draw.choice(FEW, size).tolist()) for size in range(4, 13)]
    texts += texts[:2]
    return sorted((text for text in texts if 4 <= len(text) <= 12), key=key_of)


def index_of(listed: Sequence[Tokens]) -> HalfIndex:
    """File plates, and some keys that are hashes behind them."""
    hashed = [LONG_KEYS_FROM, LONG_KEYS_FROM + 7]
    return half_index(np.array([*map(key_of, listed), *hashed], dtype=np.uint64))


def run_near(
    reads: Sequence[Tokens], bounds: NDArray[np.float64], index: HalfIndex, room: int = 4096
) -> set[tuple[int, int]]:
    """Call the kernel until it is done; give all rows and places."""
    found = np.zeros((2, room), dtype=np.int64)
    progress = np.zeros(PROGRESS_WORDS, dtype=np.int64)
    pairs: set[tuple[int, int]] = set()
    before = -1
    while progress[NEXT_READ] < len(reads):
        if progress[NEXT_READ] == before:
            found = np.zeros((2, 2 * found.shape[1]), dtype=np.int64)
        before = int(progress[NEXT_READ])
        near_rows(rows_of(reads), bounds, index, shipped_reading().edits, found, progress)
        pairs.update(zip(*found[:, : progress[WRITTEN]].tolist(), strict=True))
    return pairs


def bounds_of(
    reads: Sequence[Tokens], mixture: NDArray[np.float64], part: float
) -> NDArray[np.float64]:
    """Give the bounds of reads of which a part of "all read right" is enough."""
    bounds = np.empty((len(reads), BOUND_COLUMNS))
    for row, read in enumerate(reads):
        bounds[row, :NEED] = mixture * shipped_reading().right[list(read)].prod(axis=0)
        bounds[row, NEED] = bounds[row, :NEED].sum() * part
    return bounds


def drawn_read(draw: np.random.Generator, length: int, junk: int) -> Tokens:
    """Draw a read, some of whose positions could not be read."""
    read = draw.choice(FEW, length)
    read[draw.choice(length, junk, replace=False)] = JUNK
    return tuple(read.tolist())


@pytest.mark.slow_interpreted
@given(seed=seeds, length=lengths, junk=st.integers(0, 2), band=bands, digits=st.floats(-7, 0))
@settings(max_examples=60)
def test_every_listed_plate_that_is_likely_enough_is_found(
    seed: int, length: int, junk: int, band: int, digits: float
) -> None:
    """Whatever edits part plate and read, wherever they are; and nothing is over two away."""
    draw = np.random.default_rng(seed)
    read = drawn_read(draw, length, junk)
    listed = listed_around(draw, read, 120)
    mixture = mixture_of(band, garbage=True)
    bounds = bounds_of([read], mixture, 10**digits)
    rates = shipped_reading().channel.rates
    found = {place for _, place in run_near([read], bounds, index_of(listed))}
    wanted = oracle_reading.near_rows(read, listed, bounds[0, NEED], rates, mixture)
    assert wanted <= found
    assert found <= oracle_reading.near_rows(read, listed, 0.0, rates, mixture)


@given(seed=seeds, length=lengths, band=bands)
@settings(max_examples=20)
def test_every_plate_within_two_edits_is_found_when_nothing_is_too_unlikely(
    seed: int, length: int, band: int
) -> None:
    """However the edits fall on the halves: the search itself leaves no gap."""
    draw = np.random.default_rng(seed)
    read = drawn_read(draw, length, 0)
    listed = listed_around(draw, read, 60)
    mixture = mixture_of(band, garbage=True)
    found = run_near([read], bounds_of([read], mixture, 1e-60), index_of(listed))
    rates = shipped_reading().channel.rates
    wanted = oracle_reading.near_rows(read, listed, 0.0, rates, mixture)
    assert {place for _, place in found} == wanted


@given(
    length=lengths,
    lost=st.integers(0, 11),
    added=st.integers(0, 11),
    band=bands,
    tokens=st.permutations(range(36)),
)
def test_one_lost_and_one_added_are_found_wherever_they_are(
    length: int, lost: int, added: int, band: int, tokens: list[int]
) -> None:
    """Both in the first half, both in the last, or one in each."""
    plate = tuple(tokens[:length])
    seen = list(plate)
    del seen[lost % length]
    seen.insert(added % length, tokens[-1])
    mixture = mixture_of(band, garbage=True)
    bounds = bounds_of([tuple(seen)], mixture, 1.0)
    rates = shipped_reading().channel.rates
    likely = oracle_reading.pair_likelihoods(plate, tuple(seen), rates, 2)
    bounds[0, NEED] = float(likely @ mixture)
    assert run_near([tuple(seen)], bounds, index_of([plate])) == {(0, 0)}


@given(seed=seeds, band=bands, room=st.integers(1, 9))
@settings(max_examples=25)
def test_a_tiny_room_gives_the_same_pairs(seed: int, band: int, room: int) -> None:
    """The search goes on where the room ended, and comes again with more when one read fills it."""
    draw = np.random.default_rng(seed)
    reads = [drawn_read(draw, int(draw.integers(4, 10)), 0) for _ in range(4)]
    listed = sorted((text for read in reads for text in listed_around(draw, read, 12)), key=key_of)
    bounds = bounds_of(reads, mixture_of(band, garbage=True), 1e-3)
    index = index_of(listed)
    assert run_near(reads, bounds, index, room) == run_near(reads, bounds, index)


@given(seed=seeds, length=st.one_of(st.integers(0, 3), st.integers(13, 15)))
def test_reads_too_short_or_too_long_find_nothing(seed: int, length: int) -> None:
    """Under four characters anything is near anything; over twelve a key is a hash."""
    draw = np.random.default_rng(seed)
    read = drawn_read(draw, length, 0)
    listed = sorted([read[:size] for size in (4, 11, 12) if size <= length] or [(0,) * 4])
    bounds = bounds_of([read], mixture_of(11, garbage=True), 1e-60)
    assert not run_near([read], bounds, index_of(sorted(listed, key=key_of)))


@given(st.lists(st.lists(st.sampled_from(FEW), min_size=1, max_size=12).map(tuple), max_size=40))
def test_every_plate_is_filed_under_its_two_halves(texts: list[Tokens]) -> None:
    """Plates of four to twelve characters, equal ones too, by first half and by last."""
    listed = sorted(texts, key=key_of)
    index = index_of(listed)
    ranges = dict(zip(index.codes.tolist(), index.ranges.tolist(), strict=True))
    for row, text in enumerate(listed):
        size = len(text)
        filed = size >= 4
        head = int(HEAD_LENGTHS[size])
        codes = (
            key_of(text[:head]) * LENGTH_CODES + size,
            key_of(text[head:]) * LENGTH_CODES + size + TAIL_CODE,
        )
        for code, rows in zip(codes, (list(range(len(texts))), index.order.tolist()), strict=True):
            first, end = ranges.get(code, (0, 0))
            assert (row in rows[first:end]) == filed
    sizes = [len(text) for text in texts if len(text) >= 4]
    assert index.counts.tolist() == np.bincount(sizes, minlength=LENGTH_CODES).tolist()


@given(st.lists(st.integers(0, 2**64 - 1), max_size=40), st.integers(0, 6))
def test_marked_halves_are_all_there(codes: list[int], power: int) -> None:
    """The bits set are those of the codes, each set alone, and no others."""
    maybe = np.zeros(1 << power, dtype=np.uint64)
    mark_halves(np.array(codes, dtype=np.uint64), maybe)
    together = np.zeros_like(maybe)
    for code in oracle_reading.mark_halves(codes):
        alone = np.zeros_like(maybe)
        mark_halves(np.array([code], dtype=np.uint64), alone)
        assert sum(map(int.bit_count, alone.tolist())) == 1
        together |= alone
    assert maybe.tolist() == together.tolist()
