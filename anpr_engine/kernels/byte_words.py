"""Bytes looked at eight at once: where a run ends, how often one is there, whether runs are alike.

Words are unsigned and little endian. The formulas are the usual ones of words as vectors of bytes
(Warren, Hacker's Delight, 6-1): a borrow can make a mark wrong only above the first right one, and
only the first is used.
"""

import numpy as np
from numpy.typing import NDArray

from anpr_engine.kernels._jit import Word, helper
from anpr_engine.kernels._memory import eight_bytes

_EACH = np.uint64(0x0101010101010101)
_TOPS = np.uint64(0x8080808080808080)
_QUOTES = _EACH * np.uint64(0x22)
_BACKSLASHES = _EACH * np.uint64(0x5C)
_REST = np.uint64(0x7F7F7F7F7F7F7F7F)
_SPACES = _EACH * np.uint64(0x20)
_PLACES = np.uint64(0x0001020304050607)
"""Multiplied by 2 to the 8 times n, the highest byte is n."""
_TO_LOWEST, _TO_PLACE = np.uint64(7), np.uint64(56)
_ONE = np.uint64(1)


@helper
def _marks(word: Word) -> Word:
    # The top bit of each byte that is a quote, a backslash, a control character or beyond ASCII.
    quotes, backslashes = word ^ _QUOTES, word ^ _BACKSLASHES
    found = ((quotes - _EACH) & ~quotes) | ((backslashes - _EACH) & ~backslashes)
    return (found | ((word - _SPACES) & ~word) | word) & _TOPS


@helper
def _first(marks: Word) -> Word:
    # Which byte has the lowest mark.
    lowest = (marks & (~marks + _ONE)) >> _TO_LOWEST
    return np.int64((lowest * _PLACES) >> _TO_PLACE)


@helper
def plain_end(buffer: NDArray[np.uint8], position: Word, end: Word) -> Word:
    """Give the position of the first byte that does not stand for itself in a string, or `end`."""
    while position < end and position + 8 <= buffer.shape[0]:
        marks = _marks(eight_bytes(buffer, position))
        if marks:
            return min(position + _first(marks), end)
        position += 8
    while position < end and buffer[position] in range(0x20, 0x80):
        if buffer[position] in (0x22, 0x5C):
            return position
        position += 1
    return min(position, end)


@helper
def same_bytes(buffer: NDArray[np.uint8], one: Word, other: Word, length: Word) -> Word:
    """Whether two runs of one length in an array are the same; `one` stands before `other`."""
    at = np.int64(0)
    while at + 8 <= length:
        if eight_bytes(buffer, one + at) != eight_bytes(buffer, other + at):
            return False
        at += 8
    if at < length and other + at + 8 <= buffer.shape[0]:
        differ = eight_bytes(buffer, one + at) ^ eight_bytes(buffer, other + at)
        return (differ << np.uint64(64 - 8 * (length - at))) == 0
    while at < length and buffer[one + at] == buffer[other + at]:
        at += 1
    return at == length


@helper
def next_byte(buffer: NDArray[np.uint8], position: Word, end: Word, byte: Word) -> Word:
    """Give the position of the first byte of a value, or `end`."""
    wanted = _EACH * np.uint64(byte)
    while position < end and position + 8 <= buffer.shape[0]:
        differ = eight_bytes(buffer, position) ^ wanted
        marks = (differ - _EACH) & ~differ & _TOPS
        if marks:
            return min(position + _first(marks), end)
        position += 8
    while position < end and buffer[position] != byte:
        position += 1
    return min(position, end)


@helper
def count_byte(buffer: NDArray[np.uint8], position: Word, end: Word, byte: Word) -> Word:
    """Count the bytes of a value."""
    wanted, count = _EACH * np.uint64(byte), np.int64(0)
    while position + 8 <= end:
        differ = eight_bytes(buffer, position) ^ wanted
        # Exact in every byte: nothing is carried from one to the next.
        marks = ~(((differ & _REST) + _REST) | differ | _REST)
        count += np.int64(((marks >> _TO_LOWEST) * _EACH) >> _TO_PLACE)
        position += 8
    while position < end:
        count += 1 if buffer[position] == byte else 0
        position += 1
    return count
