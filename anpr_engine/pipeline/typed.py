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
    owners: list[NDArray[np.int64]] = []
    found: list[NDArray[np.uint64]] = []
    base = np.uint64(KEY_BASE)
    for place in range(KEY_CHARACTERS_EXACT - 1):
        power = np.uint64(KEY_BASE**place)
        right = keys // power % base
        left = keys // power // base % base
        rows = np.flatnonzero((left != 0) & (left != right) & (keys < np.uint64(LONG_KEYS_FROM)))
        # Unsigned arithmetic wraps, and wraps back.
        change = (left[rows] - right[rows]) * power + (right[rows] - left[rows]) * power * base
        owners.append(rows.astype(np.int64))
        found.append(keys[rows] + change)
    return np.concatenate(owners), np.concatenate(found)
