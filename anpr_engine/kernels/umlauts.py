"""Other spellings of a text's first letters, where German districts have umlauts.

Readers without umlauts read the vowel under the dots; registers and people write AE, OE, UE. Only
districts have umlauts, so only the first three letters are looked at.
"""

import numpy as np
from numpy.typing import NDArray

from anpr_engine.kernels._jit import given, i64, kernel, u64, written
from anpr_engine.kernels.plate_text import (
    KEY_BASE,
    KEY_CHARACTERS_EXACT,
    LONG_KEYS_FROM,
    count_characters,
)

SPELLED_CHARACTERS = 3
SPELLINGS_MAX = 2 * SPELLED_CHARACTERS
"""Most spellings of one text."""
_UMLAUT_OF = np.zeros(KEY_BASE, dtype=np.int64)
_UMLAUT_OF[[11, 25, 31]] = (37, 38, 39)
_VOWEL_OF = np.zeros(KEY_BASE, dtype=np.uint64)
_VOWEL_OF[[37, 38, 39]] = (11, 25, 31)
_LETTER_E = 15
_POWERS = np.array([KEY_BASE**power for power in range(KEY_CHARACTERS_EXACT)], dtype=np.uint64)


@kernel(given(u64), written(u64, 2), written(i64))
def umlaut_keys(
    keys: NDArray[np.uint64], found: NDArray[np.uint64], count: NDArray[np.int64]
) -> None:
    """Write the keys with an umlaut for a vowel, and for a vowel and E.

    Args:
        keys: uint64 (n,).
        found: uint64 (2, room), written: the row and the key; room for `SPELLINGS_MAX` a row.
        count: int64 (1,), written: how many.

    """
    count[0] = 0
    base = np.uint64(KEY_BASE)
    for row in range(keys.shape[0]):
        key = keys[row]
        if key == np.uint64(0) or key >= np.uint64(LONG_KEYS_FROM):
            continue
        length = count_characters(key)
        power = _POWERS[length - 1]
        # One division by what is not known beforehand; most texts have no vowel there.
        head = key // _POWERS[max(length - SPELLED_CHARACTERS, 0)]
        vowels = 0
        for _ in range(SPELLED_CHARACTERS):
            vowels |= _UMLAUT_OF[np.int64(head % base)]
            head = head // base
        if vowels == 0:
            continue
        for _ in range(SPELLED_CHARACTERS):
            code = np.int64((key // power) % base)
            umlaut = _UMLAUT_OF[code]
            if umlaut > 0:
                high, low = key // (power * base), key % power
                found[0, count[0]] = row
                found[1, count[0]] = (high * base + np.uint64(umlaut)) * power + low
                count[0] += 1
                if power >= base and np.int64(low // (power // base)) == _LETTER_E:
                    after = power // base
                    found[0, count[0]] = row
                    found[1, count[0]] = (high * base + np.uint64(umlaut)) * after + low % after
                    count[0] += 1
            if power < base:
                break
            power = power // base


@kernel(given(u64), written(u64), written(i64))
def plain_keys(
    keys: NDArray[np.uint64], found: NDArray[np.uint64], count: NDArray[np.int64]
) -> None:
    """Write the keys of which `umlaut_keys` makes these: a vowel, or a vowel and E, for an umlaut.

    Args:
        keys: uint64 (n,), of listed plates.
        found: uint64 (room,), written; room for `SPELLINGS_MAX` a key.
        count: int64 (1,), written: how many.

    """
    count[0] = 0
    base = np.uint64(KEY_BASE)
    for row in range(keys.shape[0]):
        key = keys[row]
        if key == np.uint64(0) or key >= np.uint64(LONG_KEYS_FROM):
            continue
        length = count_characters(key)
        for place in range(min(SPELLED_CHARACTERS, length)):
            power = _POWERS[length - 1 - place]
            head, low = key // power, key % power
            vowel = _VOWEL_OF[np.int64(head % base)]
            if vowel == np.uint64(0):
                continue
            head = head - head % base + vowel
            found[count[0]] = head * power + low
            count[0] += 1
            if length < KEY_CHARACTERS_EXACT:
                found[count[0]] = (head * base + np.uint64(_LETTER_E)) * power + low
                count[0] += 1
