"""Plate text to its 64-bit key, for the texts that need no Unicode tables.

A key is the canonical text itself, written in base 40: digits 1-10, letters 11-36, Ä Ö Ü 37-39.
No code is 0, so texts of different length never share a key, and 40**12 < 2**64, so keys of up to
twelve characters are the text and cannot collide. Longer ones carry a hash above that range and
are compared as text when they hit. The uppermost keys are no read's: listed wildcards have them.
"""

import numpy as np
from numpy.typing import NDArray

from anpr_engine.kernels._jit import (
    Word,
    given,
    helper,
    i32,
    i64,
    kernel,
    u8,
    u16,
    u64,
    written,
)

KEY_BASE = 40
KEY_CHARACTERS_EXACT = 12
"""Longest text whose key is the text itself."""
PLATE_CHARACTERS_MAX = 16
"""Longest canonical text that can match."""
RAW_BYTES_MAX = 1024
"""Longer raw texts are no plates; looking at each of their characters would cost time."""
LONG_KEYS_FROM = KEY_BASE**KEY_CHARACTERS_EXACT
"""Keys from here on are hashes of texts of 13 to 16 characters."""
WILDCARD_KEYS_FROM = 2**64 - 2**40
"""Keys from here on are hashes of wildcard texts, so that these end every sorted block."""
LONG_KEYS = WILDCARD_KEYS_FROM - LONG_KEYS_FROM
"""How many keys there are for long texts."""

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÜ"

USABLE = 0
UNDECIDED = 1
UNREAD_POSITION = 2
EMPTY = 3
TOO_SHORT = 4
TOO_LONG = 5
BAD_CHARACTER = 6
"""What a plate text is good for; every value but `USABLE` comes with key 0."""

SEPARATORS = "-_ .,:;'\"/|"
"""ASCII marks that readers write between groups, or see in screws and frames between them."""
GAPS_UNKNOWN = 1 << 15
"""What stands between the characters is more, or other, than separators."""

_SKIP = 248
_GAP = 249
_MARK = 250
_UNREAD = 251
_BEYOND = 252


def _byte_codes() -> NDArray[np.uint8]:
    codes = np.full(256, _MARK, dtype=np.uint8)
    codes[:0x20] = _SKIP
    for character in SEPARATORS:
        codes[ord(character)] = _GAP
    for code, character in enumerate(ALPHABET[:36], start=1):
        codes[ord(character)] = codes[ord(character.lower())] = code
    codes[ord("?")] = codes[ord("*")] = _UNREAD
    codes[0x80:] = _BEYOND
    return codes


_CODES = _byte_codes()
_POWERS = np.array([KEY_BASE**power for power in range(KEY_CHARACTERS_EXACT)], dtype=np.uint64)


@helper
def count_characters(key: Word) -> Word:
    """Count the characters of a key below 40**12."""
    count = 0
    # Comparisons do not wait for each other, as divisions would.
    for power in range(KEY_CHARACTERS_EXACT):
        count += 1 if key >= _POWERS[power] else 0
    return count


@helper
def _umlaut(second: Word) -> int:
    # U+00C4 U+00D6 U+00DC and their lower-case forms, as the byte after 0xC3 in UTF-8.
    if second in (0x84, 0xA4):
        return 37
    if second in (0x96, 0xB6):
        return 38
    if second in (0x9C, 0xBC):
        return 39
    return 0


@helper
def _long_key(key: Word, code: int) -> Word:
    # FNV-1a step; the key of a text of 13 to 16 characters is a hash, see the module's text.
    return (key ^ np.uint64(code)) * np.uint64(1099511628211)


@helper
def _judge(outcome: int, count: int, characters_min: int) -> int:
    if outcome != USABLE:
        return outcome
    if count == 0:
        return EMPTY
    if count < characters_min:
        return TOO_SHORT
    if count > PLATE_CHARACTERS_MAX:
        return TOO_LONG
    return USABLE


@helper
def _umlaut_code(buffer: NDArray[np.uint8], second: int, end: int) -> Word:
    # The code of an umlaut whose second byte stands at a position, 0 for anything else.
    if second >= end or buffer[second - 1] != 0xC3:
        return 0
    return _umlaut(buffer[second])


@helper
def _other_byte(code: Word, count: Word, outcome: Word, gaps: Word) -> Word:
    # What a byte that is no character does to the outcome and to the gaps.
    if code == _UNREAD:
        return UNREAD_POSITION, gaps | GAPS_UNKNOWN
    if code == _GAP:
        return outcome, gaps | 1 << min(count, KEY_CHARACTERS_EXACT)
    return outcome, gaps | GAPS_UNKNOWN if code == _MARK else gaps


@helper
def _text_key(buffer: NDArray[np.uint8], span: NDArray[np.int32], characters_min: int) -> Word:
    # The key, the status and the gaps of one text.
    key: Word = np.uint64(0)
    count = 0
    gaps = 0
    outcome = USABLE
    position = span[0]
    end = position + span[1]
    if span[1] > RAW_BYTES_MAX:
        outcome = UNDECIDED
        position = end
    while position < end:
        code: Word = _CODES[buffer[position]]
        position += 1
        if code >= _SKIP:
            if code != _BEYOND:
                outcome, gaps = _other_byte(code, count, outcome, gaps)
                continue
            code = _umlaut_code(buffer, position, end)
            position += 1
            if code == 0:
                outcome = UNDECIDED
                break
        count += 1
        if count <= KEY_CHARACTERS_EXACT:
            key = key * np.uint64(KEY_BASE) + np.uint64(code)
        else:
            key = _long_key(key, code)
    outcome = _judge(outcome, count, characters_min)
    if outcome != USABLE:
        key = np.uint64(0)
    elif count > KEY_CHARACTERS_EXACT:
        key = np.uint64(LONG_KEYS_FROM) + key % np.uint64(LONG_KEYS)
    # Separators at the ends separate nothing.
    inside = gaps & ((1 << min(count, KEY_CHARACTERS_EXACT)) - 2)
    return key, outcome, inside | (gaps & GAPS_UNKNOWN) if count > 0 else 0


@kernel(given(u8), given(i32, 2), i64, written(u64), written(u8))
def plate_keys(
    buffer: NDArray[np.uint8],
    spans: NDArray[np.int32],
    characters_min: int,
    keys: NDArray[np.uint64],
    status: NDArray[np.uint8],
) -> None:
    """Turn plate texts into keys; what needs Unicode tables is left `UNDECIDED`.

    Args:
        buffer: uint8 (bytes,), UTF-8 text.
        spans: int32 (plates, 2), start and length of each plate in the buffer, in bytes.
        characters_min: fewest canonical characters that may match.
        keys: uint64 (plates,), written; 0 where the status is not `USABLE`.
        status: uint8 (plates,), written.

    """
    for row in range(spans.shape[0]):
        keys[row], status[row], _ = _text_key(buffer, spans[row], characters_min)


@kernel(given(u8), given(i32, 2), i64, written(u64), written(u8), written(u16))
def plate_keys_and_gaps(
    buffer: NDArray[np.uint8],
    spans: NDArray[np.int32],
    characters_min: int,
    keys: NDArray[np.uint64],
    status: NDArray[np.uint8],
    gaps: NDArray[np.uint16],
) -> None:
    """Turn plate texts into keys, and say where separators stand in them.

    Args:
        buffer: as for `plate_keys`.
        spans: likewise.
        characters_min: likewise.
        keys: likewise.
        status: likewise.
        gaps: uint16 (plates,), written: bit k for separators after k characters, and
            `GAPS_UNKNOWN` where other marks are read.

    """
    for row in range(spans.shape[0]):
        keys[row], status[row], gaps[row] = _text_key(buffer, spans[row], characters_min)
