"""The keys of a block filed by their halves, for near matching; see `kernels.neighbours`.

Costs about 10 bytes a key beside the 4 of the order: the last halves of plates are few, the first
ones as many as a third of the keys.
"""

import numpy as np
from numpy.typing import NDArray

from anpr_engine.kernels._jit import kept
from anpr_engine.kernels.halves import (
    CHARACTERS_MIN,
    HEAD_LENGTHS,
    LENGTH_CODES,
    TAIL_CODE,
    HalfIndex,
    mark_halves,
)
from anpr_engine.kernels.plate_text import KEY_BASE, KEY_CHARACTERS_EXACT, LONG_KEYS_FROM
from anpr_engine.kernels.table import table_build, table_slots

_SMALLEST = [
    min((KEY_BASE**length - 1) // (KEY_BASE - 1), LONG_KEYS_FROM) for length in range(LENGTH_CODES)
]
"""The smallest key of each length: every character has at least code 1; hashes come behind."""


def half_index(keys: NDArray[np.uint64]) -> HalfIndex:
    """File sorted keys: uint64 (n,), those of hashed texts at the end are left out."""
    counts = np.zeros(LENGTH_CODES, dtype=np.int64)
    order = np.zeros(len(keys), dtype=np.uint32)
    codes: list[NDArray[np.uint64]] = []
    ranges: list[NDArray[np.uint32]] = []
    for length in range(CHARACTERS_MIN, KEY_CHARACTERS_EXACT + 1):
        first, end = np.searchsorted(
            keys, np.array([_SMALLEST[length], _SMALLEST[length + 1]], dtype=np.uint64)
        ).tolist()
        counts[length] = end - first
        if first == end:
            continue
        power = np.uint64(KEY_BASE ** (length - int(HEAD_LENGTHS[length])))
        tails = keys[first:end] % power
        by_tail = np.argsort(tails, kind="stable")
        order[first:end] = first + by_tail
        for halves, bit in ((keys[first:end] // power, 0), (tails[by_tail], TAIL_CODE)):
            starts = np.flatnonzero(np.r_[True, halves[1:] != halves[:-1]])
            ends = np.r_[starts[1:], end - first]
            code = halves[starts] * np.uint64(LENGTH_CODES) + np.uint64(length)
            codes.append(code | np.uint64(bit))
            ranges.append(np.column_stack([first + starts, first + ends]).astype(np.uint32))
    all_codes = np.concatenate([*codes, np.zeros(0, np.uint64)])
    slots = table_slots(len(all_codes))
    table_build(all_codes, slots)
    # Sixteen bits a half: one in sixteen strangers is looked up in vain.
    maybe = np.zeros(1 << max(0, (len(all_codes) // 4 - 1).bit_length()), dtype=np.uint64)
    mark_halves(all_codes, maybe)
    all_ranges = np.concatenate([*ranges, np.zeros((0, 2), np.uint32)])
    return HalfIndex(
        keys=kept(keys),
        codes=kept(all_codes),
        slots=kept(slots),
        maybe=kept(maybe),
        ranges=kept(all_ranges),
        order=kept(order),
        counts=kept(counts),
    )
