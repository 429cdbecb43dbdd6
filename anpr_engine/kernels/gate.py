"""The gate before near matching: how common is a plate with exactly this text?

A read that a country's grammar allows is most likely that country's own vehicle, read right: the
more plates of its kind drive about, the less a listed look-alike can be worth. This kernel looks
that share up in some nanoseconds; it may be too low (formats left out), never too high, so that a
read kept out by it could not have become a hit.
"""

import numpy as np
from numpy.typing import NDArray

from anpr_engine.kernels._jit import Word, f64, given, helper, i32, kernel, u8, u64, written
from anpr_engine.kernels.plate_text import KEY_BASE

GATE_CHARACTERS_MAX = 9
SHAPES = 1 << (GATE_CHARACTERS_MAX + 1)
"""Shapes: a leading 1, then one bit a character, 1 for a letter."""
WORD_CHARACTERS_MAX = 3
WORDS_SHAPE = KEY_BASE**WORD_CHARACTERS_MAX
SHARE = 0
COUNTRY = 1
WORD_LENGTH = 2
WORD_TABLE = 3
VALUE_COLUMNS = 4
"""Columns of a row's values: a single plate's share of the traffic, the place of its country, and
the word list (and the length of its words, 0 for none) that the plate must begin with."""
_DIGITS = 10
_KEYS_BELOW = np.uint64(KEY_BASE**GATE_CHARACTERS_MAX)


@helper
def _shape(key: Word) -> Word:
    # The shape, and how many characters there are.
    shape = 0
    count = 0
    while key != np.uint64(0):
        code = np.int64(key % np.uint64(KEY_BASE))
        key = key // np.uint64(KEY_BASE)
        shape |= (1 if code > _DIGITS else 0) << count
        count += 1
    return shape | (1 << count), count


@helper
def _allowed(key: Word, count: Word, masks: NDArray[np.uint64]) -> Word:
    allowed = True
    for place in range(count - 1, -1, -1):
        code = key % np.uint64(KEY_BASE)
        key = key // np.uint64(KEY_BASE)
        allowed &= (masks[place] >> code) & np.uint64(1) == np.uint64(1)
    return allowed


@helper
def _begins(key: Word, count: Word, length: Word, words: NDArray[np.uint8]) -> Word:
    # Whether the first characters are a word of the list.
    for _ in range(count - length):
        key = key // np.uint64(KEY_BASE)
    return words[np.int64(key)] != 0


@kernel(given(u64), given(i32, 2), given(u64, 2), given(f64, 2), given(u8, 2), written(f64, 2))
def plate_densities(
    keys: NDArray[np.uint64],
    shape_rows: NDArray[np.int32],
    masks: NDArray[np.uint64],
    values: NDArray[np.float64],
    words: NDArray[np.uint8],
    found: NDArray[np.float64],
) -> None:
    """Look up what share of the traffic has exactly this plate.

    Args:
        keys: uint64 (n,).
        shape_rows: int32 (SHAPES, 2), the rows of a shape: first and end.
        masks: uint64 (rows, GATE_CHARACTERS_MAX), a bit for each key code that a position allows.
        values: float64 (rows, VALUE_COLUMNS).
        words: uint8 (tables, WORDS_SHAPE), 1 where a key of up to three characters is a word.
        found: float64 (n, countries + 2), written: the plate's share by country, the largest of
            one format, and the place of that one's country.

    """
    found[:] = 0.0
    best = found.shape[1] - 2
    for read in range(keys.shape[0]):
        key = keys[read]
        if key == np.uint64(0) or key >= _KEYS_BELOW:
            continue
        shape, count = _shape(key)
        for row in range(shape_rows[shape, 0], shape_rows[shape, 1]):
            if not _allowed(key, count, masks[row]):
                continue
            length = np.int64(values[row, WORD_LENGTH])
            table = words[np.int64(values[row, WORD_TABLE])]
            if length > 0 and not _begins(key, count, length, table):
                continue
            share, country = values[row, SHARE], values[row, COUNTRY]
            found[read, np.int64(country)] += share
            if share > found[read, best]:
                found[read, best] = share
                found[read, best + 1] = country
