"""Is any listed plate within two edits of a read? Asked of a filter, before anything is weighed.

Two texts within two edits of each other become equal when up to two characters are left out of
each (Bocek, Hunt, Stiller 2007, "FastSS"). So the filter holds every listed key with none, one and
two characters left out, and a read asks for its own. It may say yes to a stranger, never no.

Why only for small lists: 29 texts for a plate of seven characters, and of a hundred thousand
plates one or more lies within two edits of most texts anyway.
"""

import numpy as np
from numpy.typing import NDArray

from anpr_engine.kernels._jit import Word, given, kernel, routine, u8, u32, u64, written
from anpr_engine.kernels.bloom import add_member, maybe_member
from anpr_engine.kernels.hashing import mix64
from anpr_engine.kernels.plate_text import (
    KEY_BASE,
    KEY_CHARACTERS_EXACT,
    LONG_KEYS_FROM,
    count_characters,
)

SHORTENED_MAX = 1 + KEY_CHARACTERS_EXACT + KEY_CHARACTERS_EXACT * (KEY_CHARACTERS_EXACT - 1) // 2
"""Most texts that one key becomes."""
ROOM_WORDS = SHORTENED_MAX + 2 * (KEY_CHARACTERS_EXACT + 1)
"""Words of the room to work in: the shortened keys, then the characters and the ends of the key."""
_POWERS = np.array([KEY_BASE**power for power in range(KEY_CHARACTERS_EXACT + 1)], dtype=np.uint64)


@routine
def _shorten(key: Word, room: NDArray[np.uint64]) -> Word:
    # Write the key with none, one and two characters left out; gives how many there are.
    length = count_characters(key)
    codes = room[SHORTENED_MAX : SHORTENED_MAX + KEY_CHARACTERS_EXACT + 1]
    ends = room[SHORTENED_MAX + KEY_CHARACTERS_EXACT + 1 :]
    room[0] = key
    ends[length] = np.uint64(0)
    for place in range(length - 1, -1, -1):
        codes[place] = key % np.uint64(KEY_BASE)
        key = key // np.uint64(KEY_BASE)
        ends[place] = codes[place] * _POWERS[length - 1 - place] + ends[place + 1]
    count = 1
    before: Word = np.uint64(0)
    for first in range(length):
        room[count] = before * _POWERS[length - 1 - first] + ends[first + 1]
        count += 1
        both = before
        for second in range(first + 1, length):
            room[count] = both * _POWERS[length - 1 - second] + ends[second + 1]
            count += 1
            both = both * np.uint64(KEY_BASE) + codes[second]
        before = before * np.uint64(KEY_BASE) + codes[first]
    return count


@kernel(given(u64), written(u64), written(u32, 2))
def add_surroundings(
    keys: NDArray[np.uint64], room: NDArray[np.uint64], words: NDArray[np.uint32]
) -> None:
    """Add listed keys to the filter.

    Args:
        keys: uint64 (n,); hashes of long texts are left out.
        room: uint64 (ROOM_WORDS,), to work in.
        words: uint32 (blocks, 8), see `kernels.bloom`; bits are set in place.

    """
    for row in range(keys.shape[0]):
        if keys[row] == np.uint64(0) or keys[row] >= np.uint64(LONG_KEYS_FROM):
            continue
        for place in range(_shorten(keys[row], room)):
            add_member(words, mix64(room[place]))


@kernel(given(u64), given(u32, 2), written(u64), written(u8))
def maybe_near(
    keys: NDArray[np.uint64],
    words: NDArray[np.uint32],
    room: NDArray[np.uint64],
    maybe: NDArray[np.uint8],
) -> None:
    """Ask the filter for reads.

    Args:
        keys: uint64 (n,), of the texts read.
        words: uint32 (blocks, 8).
        room: uint64 (ROOM_WORDS,), to work in.
        maybe: uint8 (n,), written: 0 where no listed plate is within two edits, 1 where one may
            be, and for hashes of long texts.

    """
    for row in range(keys.shape[0]):
        maybe[row] = 0
        if keys[row] >= np.uint64(LONG_KEYS_FROM):
            maybe[row] = 1
            continue
        for place in range(_shorten(keys[row], room)):
            if maybe_member(words, mix64(room[place])):
                maybe[row] = 1
                break
