"""Wildcards against read keys: which of thousands of patterns a plate fits, position by position.

A plate's characters stand six bits each in two words, the first ten in the lower one, so that
one mask leaves of a plate what a pattern fixes. A read is probed by three or four of its
characters at a time: a small filter says `maybe`, and a table which patterns have them; each of
those is then compared in full.

Why not by all the characters that a pattern fixes: every set of fixed positions would be a probe
of its own for every read. Two thousand patterns of thirty such sets need about eleven probes a read
instead of twenty.
"""

import numpy as np
from numpy.typing import NDArray

from anpr_engine.kernels._jit import Word, given, helper, i64, kernel, u64, written
from anpr_engine.kernels.plate_text import KEY_BASE, KEY_CHARACTERS_EXACT, LONG_KEYS_FROM
from anpr_engine.kernels.table import FOUND, MAYBE, PROBED, REFUTED

CHARACTER_BITS = 6
WORD_CHARACTERS = 10
"""Characters of the lower word; a pattern has no more positions."""
READ_CHARACTERS_MAX = KEY_CHARACTERS_EXACT
"""Longest read that is compared: the key of a longer one does not tell its characters."""

MASK = 0
SALT = 1
SHIFT = 2
"""Columns of a probe: the bits looked at (0 ends the row), the group's name, how far to shift."""
VALUE = 0
FIXED = 1
GROUP = 2
ENTRY = 3
"""Columns of a table slot: what a pattern fixes and where, its group, its row + 1 (0: free)."""

_WORD_BITS = CHARACTER_BITS * WORD_CHARACTERS
_LOWER = 2**_WORD_BITS - 1
_TOP_CHARACTER = _WORD_BITS - CHARACTER_BITS
_SPREAD = 0x9E3779B97F4A7C15


@helper
def _place_of(mixed: Word, places: int) -> Word:
    # The upper half of a product depends on every bit of both factors.
    return np.int64(((mixed >> np.uint64(32)) * np.uint64(places)) >> np.uint64(32))


@helper
def _bits_of(mixed: Word) -> Word:
    first = np.uint64(1) << ((mixed >> np.uint64(26)) & np.uint64(63))
    return first | (np.uint64(1) << ((mixed >> np.uint64(20)) & np.uint64(63)))


@kernel(given(u64), given(u64), i64, written(i64), written(u64))
def wildcard_homes(
    values: NDArray[np.uint64],
    salts: NDArray[np.uint64],
    slots: int,
    homes: NDArray[np.int64],
    words: NDArray[np.uint64],
) -> None:
    """Enter patterns into the filter, and say where in the table each is looked for.

    Args:
        values: uint64 (patterns,), the characters looked at, six bits each, the others 0.
        salts: uint64 (patterns,), the name of each pattern's group.
        slots: how many homes the table has.
        homes: int64 (patterns,), written.
        words: uint64 (words,), bits are set in place.

    """
    for row in range(values.shape[0]):
        mixed: Word = (values[row] ^ salts[row]) * np.uint64(_SPREAD)
        homes[row] = _place_of(mixed, slots)
        words[_place_of(mixed, words.shape[0])] |= _bits_of(mixed)


@helper
def _characters(key: Word) -> Word:
    # Lower word, upper word and number of characters; the first character in the lowest bits.
    low = np.uint64(0)
    high = np.uint64(0)
    count = 0
    while key != np.uint64(0):
        rest = key // np.uint64(KEY_BASE)
        code = key - rest * np.uint64(KEY_BASE)
        high = high << np.uint64(CHARACTER_BITS) | low >> np.uint64(_TOP_CHARACTER)
        low = (low << np.uint64(CHARACTER_BITS) | code) & np.uint64(_LOWER)
        key = rest
        count += 1
    return low, high, count


@kernel(given(u64), given(u64, 3), given(u64), given(u64, 2), written(i64, 2), written(i64))
def find_wildcards(
    keys: NDArray[np.uint64],
    probes: NDArray[np.uint64],
    words: NDArray[np.uint64],
    table: NDArray[np.uint64],
    found: NDArray[np.int64],
    tally: NDArray[np.int64],
) -> None:
    """Find the patterns that a batch of keys fits; a pattern free at both ends may come twice.

    Args:
        keys: uint64 (reads,); 0 and keys that are hashes fit nothing.
        probes: uint64 (13, most + 1, 3), by number of characters, see `MASK`.
        words: uint64 (words,), the filter.
        table: uint64 (3 n + 1, 4), see `VALUE`: 2 n homes, and room for what is moved on.
        found: int64 (2, room), written: read row and entry row, in order of reads.
        tally: int64 (4,), written, as in `kernels.table`: pairs, `maybe`s, refuted, keys probed.

    """
    tally[:] = 0
    homes = table.shape[0] // 3 * 2
    for read in range(keys.shape[0]):
        if keys[read] == 0 or keys[read] >= np.uint64(LONG_KEYS_FROM):
            continue
        low, high, count = _characters(keys[read])
        tally[PROBED] += 1
        for place in range(probes.shape[1]):
            mask: Word = probes[count, place, MASK]
            if mask == 0:
                break
            shift: Word = probes[count, place, SHIFT]
            window: Word = low >> shift | high << (np.uint64(_WORD_BITS) - shift)
            salt: Word = probes[count, place, SALT]
            mixed: Word = (window & mask ^ salt) * np.uint64(_SPREAD)
            bits: Word = _bits_of(mixed)
            if words[_place_of(mixed, words.shape[0])] & bits != bits:
                continue
            tally[MAYBE] += 1
            before = tally[FOUND]
            slot = _place_of(mixed, homes)
            while table[slot, ENTRY] != 0:
                fixed = window & table[slot, FIXED]
                if fixed == table[slot, VALUE] and table[slot, GROUP] == salt:
                    if tally[FOUND] < found.shape[1]:
                        found[0, tally[FOUND]] = read
                        found[1, tally[FOUND]] = np.int64(table[slot, ENTRY]) - 1
                    tally[FOUND] += 1
                slot += 1
            tally[REFUTED] += tally[FOUND] == before
