"""Pieces of JSON text: white space, strings, numbers; called by the scanner.

Each gives -1 for anything it is not sure about: an escape, a bad byte, a shape of
number that is rare. The scanner then leaves the whole read to the careful path, which
decides; so nothing here has to know why a read is wrong.
"""

import numpy as np
from numpy.typing import NDArray

from anpr_engine.kernels._jit import Word, helper
from anpr_engine.kernels.byte_words import plain_end

_QUOTE = 0x22
_BACKSLASH = 0x5C
_ZERO = 0x30
_MINUS = 0x2D
_POINT = 0x2E
_DIGITS_MAX = 15
"""Digits that a float64 holds without rounding."""
_ESCAPES = np.array([chr(byte) in '"\\/bfnrt' for byte in range(256)], dtype=np.bool_)
"""What may follow a backslash, beside `u`."""


@helper
def skip_space(buffer: NDArray[np.uint8], position: int, end: int) -> Word:
    """Give the position of the next byte that is no JSON white space."""
    while position < end and buffer[position] <= 0x20:
        if buffer[position] not in (0x20, 0x09, 0x0A, 0x0D):
            return position
        position += 1
    return position


@helper
def sequence_end(buffer: NDArray[np.uint8], position: int, end: int) -> Word:
    """Give the position after a character of several bytes of UTF-8, or -1.

    RFC 3629 table 3-7: the first continuation byte is narrower after E0, ED, F0 and F4.
    """
    lead = buffer[position]
    low, high = 0x80, 0xBF
    if 0xC2 <= lead <= 0xDF:
        more = 1
    elif 0xE0 <= lead <= 0xEF:
        more = 2
        low = 0xA0 if lead == 0xE0 else 0x80
        high = 0x9F if lead == 0xED else 0xBF
    elif 0xF0 <= lead <= 0xF4:
        more = 3
        low = 0x90 if lead == 0xF0 else 0x80
        high = 0x8F if lead == 0xF4 else 0xBF
    else:
        return -1
    if position + more >= end:
        return -1
    for step in range(1, more + 1):
        if not low <= buffer[position + step] <= high:
            return -1
        low, high = 0x80, 0xBF
    return position + more + 1


@helper
def string_end(buffer: NDArray[np.uint8], position: int, end: int) -> Word:
    """Give the position of the closing quote of a plain string, or -1.

    Plain: valid UTF-8, no escape, no control character.
    """
    while True:
        position = plain_end(buffer, position, end)
        if position >= end:
            return -1
        byte = buffer[position]
        if byte == _QUOTE:
            return position
        if byte < 0x80:
            return -1
        position = sequence_end(buffer, position, end)
        if position < 0:
            return -1


@helper
def _hex_digit(byte: Word) -> Word:
    return is_digit(byte) or 0x41 <= byte <= 0x46 or 0x61 <= byte <= 0x66


@helper
def _escape_end(buffer: NDArray[np.uint8], position: int, end: int) -> Word:
    # position: the byte after the backslash. Surrogates are left to the careful path.
    if position >= end:
        return -1
    if _ESCAPES[buffer[position]]:
        return position + 1
    if buffer[position] != 0x75 or position + 5 > end:
        return -1
    for step in range(1, 5):
        if not _hex_digit(buffer[position + step]):
            return -1
    # D800 to DFFF; the hexadecimal digits stand in ASCII in the order of their values.
    surrogate = buffer[position + 1] in (0x44, 0x64) and buffer[position + 2] >= 0x38
    return -1 if surrogate else position + 5


@helper
def any_string_end(buffer: NDArray[np.uint8], position: int, end: int) -> tuple[int, bool]:
    """Give the position of the closing quote of a string, or -1, and whether it holds an escape.

    Valid UTF-8, no control character, no escaped surrogate.
    """
    escaped = False
    while True:
        position = plain_end(buffer, position, end)
        if position >= end:
            return -1, escaped
        byte = buffer[position]
        if byte == _QUOTE:
            return position, escaped
        if byte == _BACKSLASH:
            escaped = True
            position = _escape_end(buffer, position + 1, end)
        elif byte < 0x80:
            return -1, escaped
        else:
            position = sequence_end(buffer, position, end)
        if position < 0:
            return -1, escaped


@helper
def word_end(buffer: NDArray[np.uint8], position: int, end: int, word: NDArray[np.uint8]) -> Word:
    """Give the position after a word such as `null`, or -1."""
    if position + word.shape[0] > end:
        return -1
    for step in range(word.shape[0]):
        if buffer[position + step] != word[step]:
            return -1
    return position + word.shape[0]


@helper
def is_digit(byte: Word) -> Word:
    """Whether a byte is one of 0 to 9."""
    return _ZERO <= byte <= _ZERO + 9


@helper
def number(buffer: NDArray[np.uint8], position: int, end: int) -> tuple[int, float, bool]:
    """Read a plain number: its end (or -1), its value, and whether it is an integer.

    Plain: at most 15 digits, no exponent, no leading zero.
    """
    negative = position < end and buffer[position] == _MINUS
    if negative:
        position += 1
    start = position
    mantissa: Word = 0
    while position < end and is_digit(buffer[position]):
        mantissa = mantissa * 10 + (np.int64(buffer[position]) - _ZERO)
        position += 1
        if position - start > _DIGITS_MAX:
            return -1, 0.0, False
    if position == start or (buffer[start] == _ZERO and position > start + 1):
        return -1, 0.0, False
    scale = 1
    whole = True
    if position < end and buffer[position] == _POINT:
        whole = False
        point = position
        position += 1
        while position < end and is_digit(buffer[position]):
            mantissa = mantissa * 10 + (np.int64(buffer[position]) - _ZERO)
            scale *= 10
            position += 1
            if position - start > _DIGITS_MAX:
                return -1, 0.0, False
        if position == point + 1:
            return -1, 0.0, False
    if position < end and buffer[position] in (0x45, 0x65):
        return -1, 0.0, False
    value = np.float64(mantissa) / np.float64(scale)
    return position, -value if negative else value, whole
