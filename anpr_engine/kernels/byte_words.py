"""Bytes looked at many at once: where a run ends, where one stands, whether runs are alike.

Near the end of an array, where a whole register would reach beyond it, one after another.
"""

import numpy as np
from numpy.typing import NDArray

from anpr_engine.kernels._jit import Word, helper
from anpr_engine.kernels._memory import (
    VECTOR_BYTES,
    byte_marks,
    differing_marks,
    lowest_bit,
    odd_marks,
)


@helper
def plain_end(buffer: NDArray[np.uint8], position: Word, end: Word) -> Word:
    """Give the position of the first byte that does not stand for itself in a string, or `end`."""
    while position < end and position + VECTOR_BYTES <= buffer.shape[0]:
        marks = odd_marks(buffer, position)
        if marks:
            return min(position + lowest_bit(marks), end)
        position += VECTOR_BYTES
    while position < end and buffer[position] in range(0x20, 0x80):
        if buffer[position] in (0x22, 0x5C):
            return position
        position += 1
    return min(position, end)


@helper
def same_bytes(buffer: NDArray[np.uint8], one: Word, other: Word, length: Word) -> Word:
    """Whether two runs of one length in an array are the same; `one` stands before `other`."""
    at = np.int64(0)
    while at < length and other + at + VECTOR_BYTES <= buffer.shape[0]:
        marks = differing_marks(buffer, one + at, other + at)
        if marks:
            return at + lowest_bit(marks) >= length
        at += VECTOR_BYTES
    while at < length and buffer[one + at] == buffer[other + at]:
        at += 1
    return at >= length


@helper
def next_byte(buffer: NDArray[np.uint8], position: Word, end: Word, byte: Word) -> Word:
    """Give the position of the first byte of a value, or `end`."""
    while position < end and position + VECTOR_BYTES <= buffer.shape[0]:
        marks = byte_marks(buffer, position, byte)
        if marks:
            return min(position + lowest_bit(marks), end)
        position += VECTOR_BYTES
    while position < end and buffer[position] != byte:
        position += 1
    return min(position, end)
