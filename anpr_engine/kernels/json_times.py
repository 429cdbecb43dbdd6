"""Times in JSON text, RFC 3339; called by the scanner.

`NO_TIME` is given for any shape that is not plain; the careful path then decides.
"""

import numpy as np
from numpy.typing import NDArray

from anpr_engine.kernels._jit import Word, helper
from anpr_engine.kernels.json_text import is_digit

NO_TIME = -(2**63)
MINUTE_BYTES = 16
SHORTEST_BYTES = MINUTE_BYTES + 4
"""Bytes of `YYYY-MM-DDThh:mm`, which reads of one minute share, and of the shortest time."""

_ZERO, _MINUS, _POINT, _COLON = 0x30, 0x2D, 0x2E, 0x3A
_MONTH_DAYS = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31], dtype=np.int64)


@helper
def _two(buffer: NDArray[np.uint8], position: int) -> Word:
    tens, ones = buffer[position], buffer[position + 1]
    if not (is_digit(tens) and is_digit(ones)):
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
def minute_us(buffer: NDArray[np.uint8], start: int) -> Word:
    """Read the bytes of a minute, in microseconds since 1970 as if they were UTC, or `NO_TIME`."""
    century, years = _two(buffer, start), _two(buffer, start + 2)
    month, day = _two(buffer, start + 5), _two(buffer, start + 8)
    hour, minute = _two(buffer, start + 11), _two(buffer, start + 14)
    shaped = (
        buffer[start + 4] == _MINUS
        and buffer[start + 7] == _MINUS
        and buffer[start + 10] == 0x54
        and buffer[start + 13] == _COLON
    )
    if not shaped or min(century, years, month, day, hour, minute) < 0:
        return NO_TIME
    year = century * 100 + years
    if year < 1000 or not 1 <= month <= 12 or hour > 23 or minute > 59:
        return NO_TIME
    leap = month == 2 and year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    if not 1 <= day <= _MONTH_DAYS[month - 1] + (1 if leap else 0):
        return NO_TIME
    return ((_epoch_days(year, month, day) * 24 + hour) * 60 + minute) * 60_000_000


@helper
def _offset_us(buffer: NDArray[np.uint8], position: int, end: int) -> Word:
    # "Z" or "+hh:mm"; the offset is what has to be taken away to reach UTC.
    if position + 1 == end and buffer[position] == 0x5A:
        return 0
    if position + 6 != end or buffer[position + 3] != _COLON:
        return NO_TIME
    sign = buffer[position]
    hours, minutes = _two(buffer, position + 1), _two(buffer, position + 4)
    if sign not in (0x2B, _MINUS) or not (0 <= hours <= 23 and 0 <= minutes <= 59):
        return NO_TIME
    offset = (hours * 60 + minutes) * 60_000_000
    return offset if sign == 0x2B else -offset


@helper
def rest_us(buffer: NDArray[np.uint8], minute: Word, position: int, end: int) -> Word:
    """Read what comes after a minute: a time in microseconds since 1970 UTC, or `NO_TIME`.

    Digits past the sixth of a second's fraction are cut off.

    Args:
        buffer: uint8 (bytes,).
        minute: what `minute_us` says of the bytes before.
        position: where the seconds' colon stands.
        end: where the time ends, at least four bytes later.

    """
    second = _two(buffer, position + 1)
    if minute == NO_TIME or buffer[position] != _COLON or not 0 <= second <= 59:
        return NO_TIME
    instant: Word = minute + second * 1_000_000
    position += 3
    if buffer[position] == _POINT:
        position += 1
        first = position
        unit = 100_000
        while position < end and is_digit(buffer[position]):
            instant += unit * (np.int64(buffer[position]) - _ZERO)
            unit //= 10
            position += 1
        if position == first or position - first > 9:
            return NO_TIME
    offset = _offset_us(buffer, position, end) if position < end else NO_TIME
    return NO_TIME if offset == NO_TIME else instant - offset


@helper
def time_us(buffer: NDArray[np.uint8], start: int, end: int) -> Word:
    """Read a time in microseconds since 1970 UTC, or `NO_TIME`."""
    if end - start < SHORTEST_BYTES:
        return NO_TIME
    return rest_us(buffer, minute_us(buffer, start), start + MINUTE_BYTES, end)
