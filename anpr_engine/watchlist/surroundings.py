"""The filter of what is within two edits of a block's keys, where the keys are few."""

import numpy as np
from numpy.typing import NDArray

from anpr_engine.kernels.bloom import LANES, filter_words
from anpr_engine.kernels.surroundings import ROOM_WORDS, add_surroundings

ENTRIES_MAX = 32_768
"""Of more keys one is near most texts; the filter would only cost."""
TEXTS_A_KEY = 40
"""A key of seven characters becomes 29 texts, one of eight 37; many of them are alike."""


def surroundings(keys: NDArray[np.uint64]) -> NDArray[np.uint32]:
    """Build the filter over sorted keys, uint64 (n,): uint32 (blocks, 8); no block for too many."""
    if not 0 < len(keys) <= ENTRIES_MAX:
        return np.zeros((0, LANES), dtype=np.uint32)
    words = filter_words(len(keys) * TEXTS_A_KEY)
    add_surroundings(keys, np.empty(ROOM_WORDS, dtype=np.uint64), words)
    return words
