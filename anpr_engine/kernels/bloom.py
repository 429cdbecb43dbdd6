"""A split-block bloom filter: it may say `maybe` to a stranger, never `no` to a member.

One key touches one block of 256 bits, eight words of 32 bits with one bit each, so a probe costs
one cache line (Putze, Sanders, Singler 2007; the layout of the Apache Parquet filter). At 16 bits
a key about 0.1 % of strangers get a `maybe`.
"""

import numpy as np
from numpy.typing import NDArray

from anpr_engine.kernels._jit import Word, given, helper, i64, kernel, u32, u64, written
from anpr_engine.kernels._memory import lowest_bit
from anpr_engine.kernels.hashing import mix64

LANES = 8
BLOCK_BITS = 32 * LANES
KEYS_AT_ONCE = 64
"""Most keys that `maybe_members` is asked for: a bit of a word for each."""
_SALTS = np.array(
    [
        0x47B6137B,
        0x44974D91,
        0x8824AD5B,
        0xA2B7289D,
        0x705495C7,
        0x2DF1424B,
        0x9EFC4947,
        0x5C6BFB31,
    ],
    dtype=np.uint32,
)


def filter_words(members: int, bits_per_member: int = 16) -> NDArray[np.uint32]:
    """Make an empty filter for a number of members: uint32 (blocks, 8), all zero."""
    blocks = max(1, -(-members * bits_per_member // BLOCK_BITS))
    return np.zeros((blocks, LANES), dtype=np.uint32)


@helper
def block_of(mixed: Word, blocks: int) -> Word:
    """Choose the block of a mixed key from its upper 32 bits, without a division."""
    return np.int64(((mixed >> np.uint64(32)) * np.uint64(blocks)) >> np.uint64(32))


@helper
def bit_of(mixed: Word, lane: int) -> Word:
    """Choose a lane's bit from the lower 32 bits: one set bit in 32."""
    return np.uint32(1) << (np.uint32(np.uint32(mixed) * _SALTS[lane]) >> np.uint32(27))


@helper
def maybe_member(words: NDArray[np.uint32], mixed: Word) -> Word:
    """Say whether the filter holds all eight bits of a mixed key."""
    block = block_of(mixed, words.shape[0])
    missing = np.uint32(0)
    for lane in range(LANES):
        missing |= bit_of(mixed, lane) & ~words[block, lane]
    return missing == np.uint32(0)


@helper
def maybe_members(words: NDArray[np.uint32], keys: NDArray[np.uint64], ends: Word) -> Word:
    """Look at two of the eight bits of up to 64 keys: a bit for each that may be a member.

    No look waits for the one before it, so the memory answers many of them at once; asked again
    one by one, a filter larger than a core's own cache would be waited for key by key.

    Args:
        words: the filter.
        keys: of which up to `KEYS_AT_ONCE` are asked for.
        ends: the place of the first of them, and the one behind the last.

    """
    found: Word = np.uint64(0)
    first, end = ends
    for place in range(first, end):
        mixed = mix64(keys[place])
        block = block_of(mixed, words.shape[0])
        missing = bit_of(mixed, 0) & ~words[block, 0]
        missing |= bit_of(mixed, 1) & ~words[block, 1]
        there = np.uint64(1) if missing == np.uint32(0) else np.uint64(0)
        found |= there << np.uint64(place - first)
    return found


@helper
def add_member(words: NDArray[np.uint32], mixed: Word) -> None:
    """Set all eight bits of a mixed key in its block."""
    block = block_of(mixed, words.shape[0])
    for lane in range(LANES):
        words[block, lane] |= bit_of(mixed, lane)


@kernel(given(u64), written(u32, 2))
def filter_add(keys: NDArray[np.uint64], words: NDArray[np.uint32]) -> None:
    """Add keys to a filter.

    Args:
        keys: uint64 (members,).
        words: uint32 (blocks, 8), bits are set in place.

    """
    for row in range(keys.shape[0]):
        add_member(words, mix64(keys[row]))


@kernel(given(u64), given(u32, 2), written(i64))
def filter_rows(
    keys: NDArray[np.uint64], words: NDArray[np.uint32], rows: NDArray[np.int64]
) -> None:
    """List which keys may be members; the others are none.

    Args:
        keys: uint64 (probes,).
        words: uint32 (blocks, 8).
        rows: int64 (probes + 1,), written: how many there are, and their rows, rising.

    """
    count = 0
    for first in range(0, keys.shape[0], KEYS_AT_ONCE):
        end = min(first + KEYS_AT_ONCE, keys.shape[0])
        left = maybe_members(words, keys, (first, end))
        while left != np.uint64(0):
            row = first + lowest_bit(left)
            left = left & (left - np.uint64(1))
            if maybe_member(words, mix64(keys[row])):
                count += 1
                rows[count] = row
    rows[0] = count


def fill_ratio(words: NDArray[np.uint32]) -> float:
    """Give the share of bits set; over one half the filter was sized too small."""
    return float(np.bitwise_count(words).sum(dtype=np.int64)) / (words.size * 32)
