"""How a plate is written around its key, so that a listed plate need not be kept as text.

Why: up to twelve characters the key is the plate's canonical text. What it lacks of a plate such
as `1-ABC-123` is the separator and its places; many plates share one such form, so ten million
plates cost ten bytes less each.
"""

import numpy as np
from numpy.typing import NDArray

from anpr_engine.kernels._jit import Word, given, i32, kernel, u8, u32, u64, written
from anpr_engine.kernels.plate_text import ALPHABET, KEY_BASE, KEY_CHARACTERS_EXACT

NO_FORM = 2**32 - 1
"""The form of a plate that has to be kept as text."""
WRITTEN_CHARACTERS_MAX = 16
"""Longest plate with a form, separators counted: one bit for each place."""
_SEPARATOR_SHIFT = 16


def _capital_codes() -> NDArray[np.uint8]:
    codes = np.zeros(256, dtype=np.uint8)
    for code, character in enumerate(ALPHABET[:36], start=1):
        codes[ord(character)] = code
    return codes


_CODES = _capital_codes()
_CHARACTERS = ["", *ALPHABET]
_PAIRS = tuple(one + other for one in _CHARACTERS for other in _CHARACTERS)
"""What two digits of a key stand for; the first character of an odd number stands alone."""


@kernel(given(u8), given(i32, 2), given(u64), written(u32))
def plate_forms(
    buffer: NDArray[np.uint8],
    spans: NDArray[np.int32],
    keys: NDArray[np.uint64],
    forms: NDArray[np.uint32],
) -> None:
    """Find the form of each plate whose key and form give it back letter for letter.

    Args:
        buffer: uint8 (bytes,), UTF-8 text.
        spans: int32 (plates, 2), start and length of each plate in the buffer, in bytes.
        keys: uint64 (plates,), each plate's key.
        forms: uint32 (plates,), written: bits 0 to 15 say where the separator stands, the upper
            half is its character; `NO_FORM` for several separators, small letters, umlauts and
            long plates.

    """
    for row in range(spans.shape[0]):
        start = spans[row, 0]
        length = spans[row, 1]
        key: Word = np.uint64(0)
        separator: Word = np.uint32(0)
        places: Word = np.uint32(0)
        count = 0
        plain = length <= WRITTEN_CHARACTERS_MAX
        for place in range(length if plain else 0):
            byte = np.uint32(buffer[start + place])
            code = _CODES[byte]
            if code != 0:
                key = key * np.uint64(KEY_BASE) + np.uint64(code)
                count += 1
                continue
            plain &= 0x20 <= byte < 0x7F and (places == 0 or byte == separator)
            separator = byte
            places |= np.uint32(1) << np.uint32(place)
        forms[row] = NO_FORM
        if plain and count <= KEY_CHARACTERS_EXACT and key == keys[row]:
            forms[row] = places | separator << np.uint32(_SEPARATOR_SHIFT)


def written_plate(key: int, form: int) -> str:
    """Give a plate as it was listed, from its key and its form."""
    text = ""
    while key:
        key, pair = divmod(key, len(_PAIRS))
        text = _PAIRS[pair] + text
    separator, places = chr(form >> _SEPARATOR_SHIFT), form % (1 << _SEPARATOR_SHIFT)
    while places:
        place = (places & -places).bit_length() - 1
        text = text[:place] + separator + text[place:]
        places &= places - 1
    return text
