"""The exact table: open addressing over sorted keys, and the search of a batch in it.

A slot holds a row number plus one, 0 is free; the key itself stands in the sorted column, so a
member costs four bytes here. Equal keys are neighbours in the column, the slot names the first.
"""

import numpy as np
from numpy.typing import NDArray

from anpr_engine.kernels._jit import Word, given, helper, i64, kernel, u32, u64, written
from anpr_engine.kernels._memory import lowest_bit
from anpr_engine.kernels.bloom import KEYS_AT_ONCE, maybe_member, maybe_members
from anpr_engine.kernels.hashing import mix64

FOUND = 0
MAYBE = 1
REFUTED = 2
PROBED = 3
TALLY_WORDS = 4
"""Places in the tally that `find_listed` writes."""


def table_slots(members: int) -> NDArray[np.uint32]:
    """Make a free table for a number of rows: uint32 (slots,), at most five eighths full."""
    return np.zeros(max(8, members * 8 // 5 + 1), dtype=np.uint32)


@helper
def _slot_of(mixed: Word, slots: int) -> Word:
    # The lower half chooses the slot: the filter's block came from the upper one.
    return np.int64(((mixed & np.uint64(0xFFFFFFFF)) * np.uint64(slots)) >> np.uint64(32))


@kernel(given(u64), written(u32))
def table_build(keys: NDArray[np.uint64], slots: NDArray[np.uint32]) -> None:
    """Enter the first row of every distinct key.

    Args:
        keys: uint64 (rows,), sorted.
        slots: uint32 (slots,), more of them than distinct keys, all 0; written.

    """
    for row in range(keys.shape[0]):
        if row > 0 and keys[row] == keys[row - 1]:
            continue
        slot = _slot_of(mix64(keys[row]), slots.shape[0])
        while slots[slot] != 0:
            slot += 1
            if slot == slots.shape[0]:
                slot = 0
        slots[slot] = row + 1


@helper
def find_row(key: Word, mixed: Word, slots: NDArray[np.uint32], listed: NDArray[np.uint64]) -> Word:
    """Give the first row of a key, -1 for none."""
    slot = _slot_of(mixed, slots.shape[0])
    while slots[slot] != 0:
        row = np.int64(slots[slot]) - 1
        if listed[row] == key:
            return row
        slot += 1
        if slot == slots.shape[0]:
            slot = 0
    return -1


@kernel(given(u64), given(u32, 2), given(u32), given(u64), written(i64, 2), written(i64))
def find_listed(
    keys: NDArray[np.uint64],
    words: NDArray[np.uint32],
    slots: NDArray[np.uint32],
    listed: NDArray[np.uint64],
    found: NDArray[np.int64],
    tally: NDArray[np.int64],
) -> None:
    """Find the listed rows of a batch of keys: the filter first, the table for its `maybe`s.

    Args:
        keys: uint64 (reads,); 0 is never looked for.
        words: uint32 (blocks, 8), the filter over the listed keys.
        slots: uint32 (slots,), the table over the listed keys.
        listed: uint64 (rows,), the listed keys, sorted.
        found: int64 (2, room), written: read row and listed row, in order of reads.
        tally: int64 (4,), written: pairs found (more than the room means: call again with more),
            `maybe`s, `maybe`s refuted by the table, keys probed.

    """
    tally[:] = 0
    unusable = np.int64(0)
    for read in range(keys.shape[0]):
        unusable += np.int64(keys[read] == np.uint64(0))
    tally[PROBED] = keys.shape[0] - unusable
    for first in range(0, keys.shape[0], KEYS_AT_ONCE):
        end = min(first + KEYS_AT_ONCE, keys.shape[0])
        left = maybe_members(words, keys, (first, end))
        while left != np.uint64(0):
            read = first + lowest_bit(left)
            left = left & (left - np.uint64(1))
            key = keys[read]
            mixed = mix64(key)
            if key == 0 or not maybe_member(words, mixed):
                continue
            tally[MAYBE] += 1
            row = find_row(key, mixed, slots, listed)
            if row < 0:
                tally[REFUTED] += 1
                continue
            while row < listed.shape[0] and listed[row] == key:
                if tally[FOUND] < found.shape[1]:
                    found[0, tally[FOUND]] = read
                    found[1, tally[FOUND]] = row
                tally[FOUND] += 1
                row += 1
