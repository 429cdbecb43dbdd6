"""Values as JSON text, written by kernels that bring other formats into the scanner's form.

Each piece gives the position after what it wrote, or -1 when there is no room for it.
"""

import numpy as np
from numpy.typing import NDArray

from anpr_engine.kernels._jit import Word, routine

NUMBER_BYTES_MAX = 32
"""Room that any number or time needs at most."""
TIME_US_MIN = -30_610_224_000_000_000
TIME_US_MAX = 253_402_300_799_999_999
"""The years 1000 to 9999, in microseconds since 1970."""

_QUOTE = 0x22
_BACKSLASH = 0x5C
_EXACT_MAX = 9_007_199_254_740_992
"""Whole numbers up to here are float64 numbers too."""
_NARROW_MAX = 1_000_000_000
_POWERS = np.array([10**power for power in range(18)], dtype=np.int64)
_NAN = np.frombuffer(b"NaN", dtype=np.uint8)
_HUGE = np.frombuffer(b"1e99", dtype=np.uint8)
_NO_TIME = np.frombuffer(b'"?"', dtype=np.uint8)
_HEX = np.frombuffer(b"0123456789abcdef", dtype=np.uint8)


@routine
def put_bytes(out: NDArray[np.uint8], at: Word, text: NDArray[np.uint8]) -> Word:
    """Write bytes as they are."""
    if at + text.shape[0] > out.shape[0]:
        return -1
    for step in range(text.shape[0]):
        out[at + step] = text[step]
    return at + text.shape[0]


@routine
def _digits(out: NDArray[np.uint8], at: Word, value: Word, width: Word) -> Word:
    # A whole number of at least 0, with leading zeros up to a width.
    rest: Word = np.int64(value) // 10
    count: Word = 1
    while rest > 0:
        rest //= 10
        count += 1
    count = max(count, width)
    rest = np.int64(value)
    for step in range(count):
        out[at + count - 1 - step] = 0x30 + rest % 10
        rest //= 10
    return at + count


@routine
def put_long(out: NDArray[np.uint8], at: Word, value: Word) -> Word:
    """Write a whole number; the smallest of all is written one larger."""
    if at + NUMBER_BYTES_MAX > out.shape[0]:
        return -1
    if value < 0:
        out[at] = 0x2D
        at += 1
        value = -max(value, -(2**63 - 1))
    return _digits(out, at, value, 1)


@routine
def put_double(out: NDArray[np.uint8], at: Word, value: Word, narrow: Word) -> Word:
    """Write a number with the fewest digits that give it back, 15 at most.

    narrow: whether it was a float32, whose neighbours lie further apart. What is beyond the whole
    numbers of a float64 is written as 1e99, past every bound of a read.
    """
    if at + NUMBER_BYTES_MAX > out.shape[0]:
        return -1
    if value != value:  # noqa: PLR0124 - NaN alone is not equal to itself
        return put_bytes(out, at, _NAN)
    if value < 0:
        out[at] = 0x2D
        at += 1
        value = -value
    if value >= _EXACT_MAX:
        return put_bytes(out, at, _HUGE)
    most = _NARROW_MAX if narrow else _EXACT_MAX
    whole, places = np.int64(np.floor(value + 0.5)), 0
    for power in range(_POWERS.shape[0]):
        scaled = np.floor(value * np.float64(_POWERS[power]) + 0.5)
        if scaled >= most and power > 0:
            break
        whole, places = np.int64(scaled), power
        back = scaled / np.float64(_POWERS[power])
        if back == value or (narrow and np.float32(back) == np.float32(value)):
            break
    at = _digits(out, at, whole // _POWERS[places], 1)
    if places:
        out[at] = 0x2E
        at = _digits(out, at + 1, whole % _POWERS[places], places)
    return at


@routine
def put_time(out: NDArray[np.uint8], at: Word, time_us: Word) -> Word:
    """Write microseconds since 1970 as RFC 3339 in UTC; a year that has no such text as `?`."""
    if at + NUMBER_BYTES_MAX > out.shape[0]:
        return -1
    if not TIME_US_MIN <= time_us <= TIME_US_MAX:
        return put_bytes(out, at, _NO_TIME)
    days, rest = time_us // 86_400_000_000, time_us % 86_400_000_000
    # Counted in eras of 400 years from 1 March of the year 0.
    days += 719_468
    era, day = days // 146_097, days % 146_097
    year = (day - day // 1460 + day // 36_524 - day // 146_096) // 365
    day -= 365 * year + year // 4 - year // 100
    month = (5 * day + 2) // 153
    day = day - (153 * month + 2) // 5 + 1
    month = month + 3 if month < 10 else month - 9
    year += era * 400 + (1 if month <= 2 else 0)
    seconds, fraction = rest // 1_000_000, rest % 1_000_000
    out[at] = _QUOTE
    at = _digits(out, at + 1, year, 4)
    out[at] = 0x2D
    at = _digits(out, at + 1, month, 2)
    out[at] = 0x2D
    at = _digits(out, at + 1, day, 2)
    out[at] = 0x54
    at = _digits(out, at + 1, seconds // 3600, 2)
    out[at] = 0x3A
    at = _digits(out, at + 1, seconds // 60 % 60, 2)
    out[at] = 0x3A
    at = _digits(out, at + 1, seconds % 60, 2)
    if fraction:
        out[at] = 0x2E
        at = _digits(out, at + 1, fraction, 6)
    out[at] = 0x5A
    out[at + 1] = _QUOTE
    return at + 2


@routine
def put_string(
    out: NDArray[np.uint8], at: Word, buffer: NDArray[np.uint8], start: Word, end: Word
) -> Word:
    """Write the bytes of a text between quotes, escaped where JSON asks for it."""
    if at + 2 + (end - start) > out.shape[0]:
        return -1
    out[at] = _QUOTE
    at += 1
    for position in range(start, end):
        byte = buffer[position]
        if at + 7 > out.shape[0]:
            return -1
        if byte < 0x20:
            for step in range(4):
                out[at + step] = _HEX[0] if step > 1 else (0x75 if step else _BACKSLASH)
            out[at + 4] = _HEX[byte >> 4]
            out[at + 5] = _HEX[byte & 15]
            at += 6
            continue
        if byte in (_QUOTE, _BACKSLASH):
            out[at] = _BACKSLASH
            at += 1
        out[at] = byte
        at += 1
    out[at] = _QUOTE
    return at + 1
