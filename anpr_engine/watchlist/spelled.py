"""The filter of what listed plates with an umlaut are read as by readers that know none.

Few plates have one: asked of this filter first, hardly a read is spelled out in vain.
"""

import numpy as np
from numpy.typing import NDArray

from anpr_engine.kernels.bloom import LANES, filter_add, filter_words
from anpr_engine.kernels.umlauts import SPELLINGS_MAX, plain_keys

_AT_ONCE = 2**16


def spelled_filter(keys: NDArray[np.uint64]) -> NDArray[np.uint32]:
    """Build the filter over a block's keys.

    Args:
        keys: uint64 (n,).

    Returns uint32 (blocks, 8), see `kernels.bloom`; no block where no plate has an umlaut.

    """
    parts = [np.zeros(0, dtype=np.uint64)]
    room = np.empty(min(len(keys), _AT_ONCE) * SPELLINGS_MAX, dtype=np.uint64)
    count = np.zeros(1, dtype=np.int64)
    for first in range(0, len(keys), _AT_ONCE):
        plain_keys(keys[first : first + _AT_ONCE], room, count)
        parts.append(room[: count[0]].copy())
    found = np.concatenate(parts)
    if not len(found):
        return np.zeros((0, LANES), dtype=np.uint32)
    words = filter_words(len(found))
    filter_add(found, words)
    return words
