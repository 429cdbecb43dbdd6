"""The gate before near matching: how common is a plate with exactly this text?

A read that a country's grammar allows is most likely that country's own vehicle, read right: the
more plates of its kind drive about, the less a listed look-alike can be worth. This kernel looks
that share up in some nanoseconds; it may be too low (formats left out), never too high, so that a
read kept out by it could not have become a hit.

The formats of one length are the bits of a row set. A text belongs to those that are set for each
of its characters: as many ANDs as it has characters.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from anpr_engine.kernels._jit import (
    Word,
    f64,
    given,
    helper,
    i32,
    kernel,
    record,
    u8,
    u64,
    written,
)
from anpr_engine.kernels._memory import lowest_bit
from anpr_engine.kernels.plate_text import KEY_BASE, count_characters

GATE_CHARACTERS_MAX = 9
GATE_PAIRS = (GATE_CHARACTERS_MAX + 1) // 2
PAIR_BASE = KEY_BASE**2
"""Pairs of characters that hold the longest text, and the keys of a pair."""
SET_WORDS = 3
"""Words of a row set: at most 192 formats of one length."""
SET_BITS = 64
WORD_CHARACTERS_MAX = 3
WORDS_SHAPE = KEY_BASE**WORD_CHARACTERS_MAX
GAP_MASKS = 1 << GATE_CHARACTERS_MAX
"""Ways to place separators: bit k stands for one after k characters."""
SHARE = 0
COUNTRY = 1
WORD_LENGTH = 2
WORD_TABLE = 3
VALUE_COLUMNS = 4
"""Columns of a row's values: a single plate's share of the traffic, the place of its country, and
the word list (and the length of its words, 0 for none) that the plate must begin with."""
KEYS_BELOW = np.uint64(KEY_BASE**GATE_CHARACTERS_MAX)
_POWERS = np.array([KEY_BASE**power for power in range(GATE_CHARACTERS_MAX)], dtype=np.uint64)


class GateTables(NamedTuple):
    """The formats as row sets; all arrays read-only.

    sets: uint64 (GATE_CHARACTERS_MAX + 1, GATE_CHARACTERS_MAX, KEY_BASE, SET_WORDS), by length,
        position and character code: the rows that allow it there.
    pairs: uint64 (GATE_CHARACTERS_MAX + 1, GATE_PAIRS, PAIR_BASE), by length, place of a pair of
        characters from the end and its value as a key: the first word of the rows that allow it.
    gaps: uint64 (GATE_CHARACTERS_MAX + 1, GAP_MASKS, SET_WORDS), by length and separators shown:
        the rows printed so; all rows where none are shown.
    first: int32 (GATE_CHARACTERS_MAX + 1,), the row of a length's first bit; rows of one length
        stand in order of their share.
    values: float64 (rows, VALUE_COLUMNS).
    words: uint8 (tables, WORDS_SHAPE), 1 where a key of up to three characters is a word.
    """

    sets: NDArray[np.uint64]
    pairs: NDArray[np.uint64]
    gaps: NDArray[np.uint64]
    first: NDArray[np.int32]
    values: NDArray[np.float64]
    words: NDArray[np.uint8]


GATE = record(
    GateTables, given(u64, 4), given(u64, 3), given(u64, 3), given(i32), given(f64, 2), given(u8, 2)
)
"""The tables as a kernel declares them."""


@helper
def take_row(left: Word, word: Word, length: Word, tables: GateTables) -> Word:
    """Take the likeliest row out of a word of a row set.

    Args:
        left: the word's bits, not 0.
        word: which word of the row set.
        length: characters of the rows' plates.
        tables: the formats.

    Returns the row, and the bits without it.

    """
    row = tables.first[length] + word * SET_BITS + lowest_bit(left)
    return row, left & (left - np.uint64(1))


@helper
def begins_with_word(key: Word, count: Word, row: Word, tables: GateTables) -> Word:
    """Say whether the first characters are a word of the row's list; so where it has no list.

    Args:
        key: of the text.
        count: characters of the text.
        row: of the values.
        tables: the formats.

    """
    if tables.values[row, WORD_LENGTH] == 0.0:
        return True
    letters = np.int64(tables.values[row, WORD_LENGTH])
    key = key // _POWERS[count - letters]
    return tables.words[np.int64(tables.values[row, WORD_TABLE]), np.int64(key)] != 0


@helper
def _rows_of(key: Word, count: Word, gap: Word, tables: GateTables) -> Word:
    # The formats that a text follows, as the words of a row set.
    gaps, sets = tables.gaps[count, gap], tables.sets[count]
    first, second, third = gaps[0], gaps[1], gaps[2]
    for place in range(count - 1, -1, -1):
        allowed = sets[place, np.int64(key % np.uint64(KEY_BASE))]
        key = key // np.uint64(KEY_BASE)
        first &= allowed[0]
        second &= allowed[1]
        third &= allowed[2]
    return first, second, third


@kernel(given(u64), GATE, written(f64, 2))
def plate_densities(
    keys: NDArray[np.uint64], tables: GateTables, found: NDArray[np.float64]
) -> None:
    """Look up what share of the traffic has exactly this plate.

    Args:
        keys: uint64 (n,).
        tables: the formats.
        found: float64 (n, countries), written: the plate's share by country.

    """
    found[:] = 0.0
    for read in range(keys.shape[0]):
        key = keys[read]
        if key == np.uint64(0) or key >= KEYS_BELOW:
            continue
        count = count_characters(key)
        rows = _rows_of(key, count, 0, tables)
        for word in range(SET_WORDS):
            left = rows[word]
            while left != np.uint64(0):
                row, left = take_row(left, word, count, tables)
                if begins_with_word(key, count, row, tables):
                    country = np.int64(tables.values[row, COUNTRY])
                    found[read, country] += tables.values[row, SHARE]
