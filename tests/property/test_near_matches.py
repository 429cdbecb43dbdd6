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
from reading_rows import mixture_of, rows_of, run_pairs

from anpr_engine.kernels.neighbours import (
    BOUND_COLUMNS,
    HEAD_LENGTHS,
    LENGTH_CODES,
    NEED,
    NEXT_READ,
    PROGRESS_WORDS,
    TAIL_CODE,
    WRITTEN,
    HalfIndex,
    mark_halves,
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
