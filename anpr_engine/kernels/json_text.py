"""Pieces of JSON text: white space, strings, numbers, times; called by the scanner.

Each gives -1 (or `NO_TIME`) for anything it is not sure about: an escape, a bad byte, a shape of
number or time that is rare. The scanner then leaves the whole read to the careful path, which
decides; so nothing here has to know why a read is wrong.
"""

import numpy as np
from numpy.typing import NDArray

from anpr_engine.kernels._jit import Word, helper

NO_TIME = -(2**63)

_QUOTE = 0x22
_BACKSLASH = 0x5C
_ZERO = 0x30
_MINUS = 0x2D
_POINT = 0x2E
_DIGITS_MAX = 15
"""Digits that a float64 holds without rounding."""
_PLAIN = np.array(
    [0x20 <= byte < 0x80 and byte not in (_QUOTE, _BACKSLASH) for byte in range(256)],
    dtype=np.bool_,
)
"""Bytes that stand for themselves in a string, and are neither its end nor beyond ASCII."""
_ESCAPES = np.array([chr(byte) in '"\\/bfnrt' for byte in range(256)], dtype=np.bool_)
"""What may follow a backslash, beside `u`."""
_MONTH_DAYS = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31], dtype=np.int64)


@helper
def skip_space(buffer: NDArray[np.uint8], position: int, end: int) -> Word:
    """Give the position of the next byte that is no JSON white space."""
    while position < end and buffer[position] <= 0x20:
        if buffer[position] not in (0x20, 0x09, 0x0A, 0x0D):
            return position
        position += 1
    return position


@helper
def _sequence_end(buffer: NDArray[np.uint8], position: int, end: int) -> Word:
    # RFC 3629 table 3-7: the first continuation byte is narrower after E0, ED, F0 and F4.
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
        while position < end and _PLAIN[buffer[position]]:
            position += 1
        if position >= end:
            return -1
        byte = buffer[position]
        if byte == _QUOTE:
            return position
        if byte < 0x80:
            return -1
        position = _sequence_end(buffer, position, end)
        if position < 0:
            return -1


@helper
def _hex_digit(byte: Word) -> Word:
    return _is_digit(byte) or 0x41 <= byte <= 0x46 or 0x61 <= byte <= 0x66


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
        while position < end and _PLAIN[buffer[position]]:
            position += 1
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
            position = _sequence_end(buffer, position, end)
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
def _is_digit(byte: Word) -> Word:
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
    while position < end and _is_digit(buffer[position]):
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
        while position < end and _is_digit(buffer[position]):
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


@helper
def _two(buffer: NDArray[np.uint8], position: int) -> Word:
    tens, ones = buffer[position], buffer[position + 1]
    if not (_is_digit(tens) and _is_digit(ones)):
        return -1
    return (np.int64(tens) - _ZERO) * 10 + (np.int64(ones) - _ZERO)


@helper
def _epoch_days(year: int, month: int, day: int) -> Word:
    # Days since 1970-01-01 in the proleptic Gregorian calendar, counted from 1 March year 0.
    if month <= 2:
        year -= 1
        month += 12
    days = 365 * year + year // 4 - year // 100 + year // 400
    return days + (153 * (month - 3) + 2) // 5 + day - 1 - 719468


@helper
def _day_us(buffer: NDArray[np.uint8], start: int) -> Word:
    # The 19 bytes YYYY-MM-DDThh:mm:ss, in microseconds since 1970.
    century, years = _two(buffer, start), _two(buffer, start + 2)
    month, day = _two(buffer, start + 5), _two(buffer, start + 8)
    hour, minute, second = (
        _two(buffer, start + 11),
        _two(buffer, start + 14),
        _two(buffer, start + 17),
    )
    shaped = (
        buffer[start + 4] == _MINUS
        and buffer[start + 7] == _MINUS
        and buffer[start + 10] == 0x54
        and buffer[start + 13] == 0x3A
        and buffer[start + 16] == 0x3A
    )
    if not shaped or min(century, years, month, day, hour, minute, second) < 0:
        return NO_TIME
    year = century * 100 + years
    if year < 1000 or not 1 <= month <= 12 or hour > 23 or minute > 59 or second > 59:
        return NO_TIME
    leap = month == 2 and year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    if not 1 <= day <= _MONTH_DAYS[month - 1] + (1 if leap else 0):
        return NO_TIME
    seconds = ((_epoch_days(year, month, day) * 24 + hour) * 60 + minute) * 60 + second
    return seconds * 1_000_000


@helper
def _offset_us(buffer: NDArray[np.uint8], position: int, end: int) -> Word:
    # "Z" or "+hh:mm"; the offset is what has to be taken away to reach UTC.
    if position + 1 == end and buffer[position] == 0x5A:
        return 0
    if position + 6 != end or buffer[position + 3] != 0x3A:
        return NO_TIME
    sign = buffer[position]
    hours, minutes = _two(buffer, position + 1), _two(buffer, position + 4)
    if sign not in (0x2B, _MINUS) or not (0 <= hours <= 23 and 0 <= minutes <= 59):
        return NO_TIME
    offset = (hours * 60 + minutes) * 60_000_000
    return offset if sign == 0x2B else -offset


@helper
def time_us(buffer: NDArray[np.uint8], start: int, end: int) -> Word:
    """Read an RFC 3339 time in microseconds since 1970 UTC, or `NO_TIME`.

    Digits past the sixth of a second's fraction are cut off.
    """
    if end - start < 20:
        return NO_TIME
    instant: Word = _day_us(buffer, start)
    if instant == NO_TIME:
        return NO_TIME
    position = start + 19
    if buffer[position] == _POINT:
        position += 1
        first = position
        unit = 100_000
        while position < end and _is_digit(buffer[position]):
            instant += unit * (np.int64(buffer[position]) - _ZERO)
            unit //= 10
            position += 1
        if position == first or position - first > 9:
            return NO_TIME
    offset = _offset_us(buffer, position, end) if position < end else NO_TIME
    return NO_TIME if offset == NO_TIME else instant - offset
