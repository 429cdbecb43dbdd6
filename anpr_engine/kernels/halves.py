"""Listed keys filed by their halves: the arrays that near matching searches.

A half that no plate has is mostly known from one bit, without a look at the table.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from anpr_engine.kernels._jit import Word, given, helper, i64, kernel, record, u32, u64, written
from anpr_engine.kernels.hashing import mix64
from anpr_engine.kernels.plate_text import KEY_BASE
from anpr_engine.kernels.table import find_row
from anpr_engine.kernels.tokens import CHARACTERS

CHARACTERS_MIN = 4
"""Shorter plates and reads are no near match of anything."""
LENGTH_CODES = 16
TAIL_CODE = 1 << 63
"""A half's code is its text as a key, times `LENGTH_CODES`, plus the plate's length; and this bit
for the last half."""
HEAD_LENGTHS = np.array([(length + 1) // 2 for length in range(LENGTH_CODES)])
"""How many characters the first half of a plate of each length has."""


class HalfIndex(NamedTuple):
    """Listed keys filed by their halves; all arrays read-only.

    keys: uint64 (n,), sorted. codes: uint64 (halves,). slots: uint32, a table over the codes.
    maybe: uint64 (words,), a power of two of them: a bit for each code, see `mark_halves`.
    ranges: uint32 (halves, 2): rows of a first half; places in `order` of a last one.
    order: uint32 (n,), rows by last half. counts: int64 (LENGTH_CODES,), plates by length.
    """

    keys: NDArray[np.uint64]
    codes: NDArray[np.uint64]
    slots: NDArray[np.uint32]
    maybe: NDArray[np.uint64]
    ranges: NDArray[np.uint32]
    order: NDArray[np.uint32]
    counts: NDArray[np.int64]


HALF_INDEX = record(
    HalfIndex,
    given(u64),
    given(u64),
    given(u32),
    given(u64),
    given(u32, 2),
    given(u32),
    given(i64),
)
"""The index as a kernel declares it."""


@helper
def code_of(value: Word, length: Word, tail: Word) -> Word:
    """Give the code of a half, from its text as a key and the plate's length."""
    code = value * np.uint64(LENGTH_CODES) + np.uint64(length)
    return code | np.uint64(TAIL_CODE) if tail else code


@helper
def piece_of(read: NDArray[np.int8], first: Word, end: Word) -> Word:
    """Give a piece of a read as a key; 0 where it holds a token that is no character."""
    value: Word = np.uint64(0)
    for place in range(first, end):
        token = np.int64(read[place])
        if token >= CHARACTERS:
            return np.uint64(0)
        value = value * np.uint64(KEY_BASE) + np.uint64(token + 1)
    return value


@helper
def _word_of(mixed: Word, words: int) -> Word:
    # The word of the bits that a mixed code has its bit in.
    return np.int64((mixed >> np.uint64(6)) & np.uint64(words - 1))


@helper
def may_be_filed(code: Word, maybe: NDArray[np.uint64]) -> Word:
    """Say whether a half may be some plate's: never no for one that is.

    Args:
        code: the half's.
        maybe: see `HalfIndex`.

    """
    mixed = mix64(code)
    word = maybe[_word_of(mixed, maybe.shape[0])]
    return (word >> (mixed & np.uint64(63))) & np.uint64(1) != np.uint64(0)


@helper
def filed_under(code: Word, index: HalfIndex) -> Word:
    """Give the places of the plates with this half, from the first to behind the last.

    A first half's are rows of the keys, a last one's places in the order.
    """
    first, end = np.int64(0), np.int64(0)
    if may_be_filed(code, index.maybe):
        filed = find_row(code, mix64(code), index.slots, index.codes)
        if filed >= 0:
            first, end = np.int64(index.ranges[filed, 0]), np.int64(index.ranges[filed, 1])
    return first, end


@kernel(given(u64), written(u64))
def mark_halves(codes: NDArray[np.uint64], maybe: NDArray[np.uint64]) -> None:
    """Set a bit for each code: a half whose bit is not set is no plate's.

    Args:
        codes: uint64 (halves,).
        maybe: uint64 (words,), a power of two of them; bits are set in place.

    """
    for row in range(codes.shape[0]):
        mixed = mix64(codes[row])
        word = _word_of(mixed, maybe.shape[0])
        maybe[word] |= np.uint64(1) << (mixed & np.uint64(63))
