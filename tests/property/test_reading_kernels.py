"""The kernels that weigh misreads, each against its naive twin."""

import itertools

import numpy as np
import oracle_reading
import strategies
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from oracle_reading import Tokens
from reading_rows import few_tokens, rows_of, run_pairs

from anpr_engine.kernels.channel import (
    CHANNEL_COLUMNS,
    CHANNEL_ROWS,
    INSERTED,
    QUALITIES,
)
from anpr_engine.kernels.channel_counts import (
    COUNT_COLUMNS,
    COUNT_ROOM_SHAPE,
    COUNT_ROWS,
    channel_counts,
)
from anpr_engine.kernels.plate_text import ALPHABET
from anpr_engine.kernels.tokens import (
    SEPARATOR,
    TOKENS,
    TOKENS_MAX,
    key_tokens,
    without_separators,
)
from anpr_engine.plates.error_fit import text_tokens
from anpr_engine.plates.reading import shipped_reading

FEW = "0O1IÄ"
short_rows = st.lists(few_tokens, max_size=6).map(tuple)
seeds = st.integers(0, 2**32 - 1)


def any_rates(seed: int) -> NDArray[np.float64]:
    """Give the rates of a reader as bad as can be, no two cells alike."""
    draw = np.random.default_rng(seed)
    rates = draw.random((CHANNEL_ROWS, CHANNEL_COLUMNS, QUALITIES)) * 0.6
    rates[: INSERTED + 1] /= rates[: INSERTED + 1, :TOKENS].sum(axis=1, keepdims=True)
    return rates


@given(st.lists(st.one_of(strategies.plates, st.text(FEW + "- .\x1f", max_size=24)), max_size=12))
def test_reads_become_the_tokens_that_plain_python_finds(texts: list[str]) -> None:
    """Characters, gaps, junk: the same tokens; what needs the Unicode tables is left to them."""
    texts = [text for text in texts if text.isprintable() or text.isascii()]
    tokens, lengths = text_tokens(texts) if texts else (rows_of([]), np.zeros(0, np.int64))
    for row, expected in enumerate(oracle_reading.read_tokens(texts)):
        assert lengths[row] == (-1 if expected is None else len(expected))
        if expected is not None:
            assert tokens[row].tolist() == rows_of([expected])[0].tolist()


@given(st.lists(st.text(ALPHABET, min_size=1, max_size=12), max_size=12), st.integers(0, 2**40))
def test_keys_become_the_tokens_of_their_text(texts: list[str], above: int) -> None:
    """Base 40 and back; a hashed key and no key have no tokens."""
    keys = [sum((ALPHABET.index(c) + 1) * 40**p for p, c in enumerate(t[::-1])) for t in texts]
    keys += [0, 40**12 + above]
    tokens = np.zeros((len(keys), TOKENS_MAX), dtype=np.int8)
    lengths = np.zeros(len(keys), dtype=np.int64)
    key_tokens(np.array(keys, dtype=np.uint64), tokens, lengths)
    expected = oracle_reading.key_tokens(keys)
    assert lengths.tolist() == [len(each) for each in expected]
    assert tokens.tolist() == rows_of(expected).tolist()
    assert [oracle_reading.text_of(each) for each in expected[:-2]] == texts


@given(st.lists(st.lists(few_tokens, max_size=6).map(tuple), max_size=4))
def test_separators_are_left_out_of_tokens(rows: list[Tokens]) -> None:
    """What stays moves up, in its order; a row without tokens stays so."""
    lengths = np.array([*(len(row) for row in rows), -1], dtype=np.int64)
    bare, fewer = without_separators(rows_of([*rows, ()]), lengths)
    expected = oracle_reading.bare_tokens(rows)
    assert fewer.tolist() == [*(len(row) for row in expected), -1]
    assert bare.tolist() == rows_of([*expected, ()]).tolist()


@given(st.lists(st.tuples(short_rows, short_rows), min_size=1, max_size=3), seeds)
def test_pair_likelihoods_sum_over_every_way(pairs: list[tuple[Tokens, Tokens]], seed: int) -> None:
    """The forward pass equals the recursion over all alignments, in every state at once."""
    rates = any_rates(seed)
    plates, reads = zip(*pairs, strict=True)
    found = run_pairs(plates, reads, rates)
    for row, (plate, read) in enumerate(pairs):
        expected = oracle_reading.pair_likelihoods(plate, read, rates)
        np.testing.assert_allclose(found[row], expected, rtol=1e-9)


@given(st.lists(few_tokens, max_size=3).map(tuple))
@settings(max_examples=10)
def test_the_likelihoods_of_all_reads_of_a_plate_make_no_more_than_one(plate: Tokens) -> None:
    """Whatever is printed, the reads of up to four tokens of a few share out at most 1."""
    rates = shipped_reading().channel.rates
    marks = (0, 24, SEPARATOR)
    reads = [read for size in range(5) for read in itertools.product(marks, repeat=size)]
    total = run_pairs([plate] * len(reads), reads, rates).sum(axis=0)
    assert (total > 0).all()
    assert (total <= 1 + 1e-9).all()


@given(
    st.lists(
        st.tuples(*[st.lists(few_tokens, max_size=4).map(tuple)] * 2, st.floats(0.01, 1)),
        min_size=1,
        max_size=3,
    ),
    seeds,
)
def test_counts_are_what_listing_every_way_gives(
    pairs: list[tuple[Tokens, Tokens, float]], seed: int
) -> None:
    """Forward and backward tables count each error by the share of the ways that hold it."""
    rates = np.ascontiguousarray(any_rates(seed)[:, :, 0])
    plates, reads, weights = zip(*pairs, strict=True)
    both = np.stack([rows_of(plates), rows_of(reads)], axis=1)
    lengths = np.array([(len(one), len(two)) for one, two, _ in pairs], dtype=np.int64)
    counts = np.zeros((COUNT_ROWS, COUNT_COLUMNS))
    channel_counts(both, lengths, np.array(weights), rates, np.zeros(COUNT_ROOM_SHAPE), counts)
    expected = np.zeros_like(counts)
    for plate, read, weight in pairs:
        for cell, value in oracle_reading.channel_counts(plate, read, weight, rates).items():
            expected[cell] += value
    np.testing.assert_allclose(counts, expected, rtol=1e-9, atol=1e-12)
