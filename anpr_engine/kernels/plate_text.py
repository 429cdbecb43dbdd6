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
    routine,
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

_TIMES, _ADD_AT, _COUNT_AT, _GAP_AT, _RARE_AT = 0xFF, 8, 16, 17, 18
_SHORT_BYTES_MAX = 32


def _byte_steps() -> NDArray[np.uint64]:
    steps = np.ones(256, dtype=np.uint64)
    for byte, code in enumerate(_CODES.tolist()):
        if code < _SKIP:
            steps[byte] = KEY_BASE | code << _ADD_AT | 1 << _COUNT_AT
        elif code != _SKIP:
            steps[byte] |= np.uint64(1 << (_GAP_AT if code == _GAP else _RARE_AT))
    return steps


_STEPS = _byte_steps()
"""What a byte does to a key: times what, plus what, whether it counts, parts, or is rare."""


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


@routine
def _any_text_key(buffer: NDArray[np.uint8], start: Word, length: Word, least: int) -> Word:
    # The key, the status and the gaps of one text; least: fewest characters that may match.
    key: Word = np.uint64(0)
    count = 0
    gaps = 0
    outcome = USABLE
    position: Word = np.int64(start)
    end = position + length
    if length > RAW_BYTES_MAX:
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
    outcome = _judge(outcome, count, least)
    if outcome != USABLE:
        key = np.uint64(0)
    elif count > KEY_CHARACTERS_EXACT:
        key = np.uint64(LONG_KEYS_FROM) + key % np.uint64(LONG_KEYS)
    return key, outcome, _inner(gaps, count)


@helper
def _inner(gaps: Word, count: Word) -> Word:
    # Separators at the ends separate nothing.
    inside = gaps & ((1 << min(count, KEY_CHARACTERS_EXACT)) - 2)
    return inside | (gaps & GAPS_UNKNOWN) if count > 0 else 0


@helper
def _text_key(buffer: NDArray[np.uint8], span: NDArray[np.int32], least: int) -> Word:
    # The same, without a branch a byte where all are plain: which plate has its separators where
    # no processor can foresee.
    start: Word = np.int64(span[0])
    length: Word = np.int64(span[1])
    key: Word = np.uint64(0)
    count: Word = np.uint64(0)
    gaps: Word = np.uint64(0)
    seen: Word = np.uint64(0)
    for place in range(min(length, _SHORT_BYTES_MAX)):
        step: Word = _STEPS[buffer[start + place]]
        key = key * (step & np.uint64(_TIMES)) + (step >> np.uint64(_ADD_AT) & np.uint64(0xFF))
        gaps |= (step >> np.uint64(_GAP_AT) & np.uint64(1)) << count
        count += step >> np.uint64(_COUNT_AT) & np.uint64(1)
        seen |= step
    rare = seen >> np.uint64(_RARE_AT) != 0 or length > _SHORT_BYTES_MAX
    if rare or count > KEY_CHARACTERS_EXACT or count < max(least, 1):
        return _any_text_key(buffer, start, length, least)
    return key, USABLE, _inner(np.int64(gaps), np.int64(count))


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


@kernel(given(u8), given(i32, 3), i64, written(u64), written(u8), written(u16))
def read_keys_and_gaps(
    buffer: NDArray[np.uint8],
    spans: NDArray[np.int32],
    place: int,
    keys: NDArray[np.uint64],
    status: NDArray[np.uint8],
    gaps: NDArray[np.uint16],
) -> None:
    """Do the same for plates of any length that stand among the other spans of reads.

    Args:
        buffer: as for `plate_keys`.
        spans: int32 (reads, spans, 2).
        place: of the plate among a read's spans.
        keys: as for `plate_keys`.
        status: likewise.
        gaps: as for `plate_keys_and_gaps`.

    """
    for row in range(spans.shape[0]):
        keys[row], status[row], gaps[row] = _text_key(buffer, spans[row, place], 1)
