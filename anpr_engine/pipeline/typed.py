"""Listed plates that were typed wrong: two neighbours changed places.

Readers never do that (Oliveira-Neto, Han, Jeong 2012); people who type a plate into a list do, a
few times in a thousand. A read of the vehicle then shows the right plate, which is one such swap
away from what is listed.
"""

import numpy as np
from numpy.typing import NDArray

from anpr_engine.kernels.plate_text import KEY_BASE, KEY_CHARACTERS_EXACT, LONG_KEYS_FROM
from anpr_engine.kernels.tokens import tokens_of_keys

SWAPPED = 0.002
"""The share of listed plates with two neighbours in each other's place."""
_POWERS = np.array([KEY_BASE**place for place in range(KEY_CHARACTERS_EXACT - 1)], dtype=np.uint64)


def swap_weights(
    read_keys: NDArray[np.uint64], listed_keys: NDArray[np.uint64]
) -> NDArray[np.float64]:
    """Give P(listed so | the plate that was read): float64 (p,), 0 if they are no swap apart.

    Args:
        read_keys: uint64 (p,), each pair's canonical text.
        listed_keys: uint64 (p,), likewise.

    """
    seen, lengths = tokens_of_keys(read_keys)
    listed, _ = tokens_of_keys(listed_keys)
    differ = seen != listed
    first = differ.argmax(axis=1)
    second = np.minimum(first + 1, seen.shape[1] - 1)
    pair = np.arange(len(seen))
    crossed = (seen[pair, first] == listed[pair, second]) & (
        seen[pair, second] == listed[pair, first]
    )
    swapped = (differ.sum(axis=1) == 2) & differ[pair, second] & crossed
    return np.where(swapped, SWAPPED / np.maximum(lengths - 1, 1), 0.0)


def swapped_keys(keys: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
    """Swap neighbours of texts in every way that changes them.

    Args:
        keys: uint64 (n,), canonical texts; hashes of long ones are left out.

    Returns int64 (k,), which text, and uint64 (k,), its key after one swap.

    """
    base = np.uint64(KEY_BASE)
    # All places at once: for the few texts of most batches the calls would cost more than the work.
    right = keys[:, None] // _POWERS
    left = right // base % base
    right %= base
    able = (left != 0) & (left != right) & (keys < np.uint64(LONG_KEYS_FROM))[:, None]
    owner, place = np.nonzero(able)
    # Unsigned arithmetic wraps, and wraps back.
    more = left[owner, place] - right[owner, place]
    return owner, keys[owner] + more * _POWERS[place] - more * _POWERS[place] * base
