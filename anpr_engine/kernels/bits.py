"""The bits of 64-bit words."""

import numpy as np

from anpr_engine.kernels._jit import Word, helper

WORD_BITS = 64
_BIT_PLACES = np.zeros(WORD_BITS, dtype=np.int64)
_DE_BRUIJN = 0x03F79D71B4CB0A89
for _place in range(WORD_BITS):
    _BIT_PLACES[((_DE_BRUIJN << _place) & (2**64 - 1)) >> 58] = _place


@helper
def lowest_bit(word: Word) -> Word:
    """Give the place of the lowest bit of a word that is not 0."""
    alone = word & (np.uint64(0) - word)
    return _BIT_PLACES[np.int64((alone * np.uint64(_DE_BRUIJN)) >> np.uint64(58))]
