"""What the columns of an Arrow record batch are made of: bits, offsets, bytes and numbers."""

import numpy as np
from numpy.typing import NDArray

from anpr_engine.kernels._jit import Word, helper, routine
from anpr_engine.kernels._memory import eight_bytes
from anpr_engine.kernels.arrow_frames import (
    BODY_AT,
    BUFFER_BYTES,
    BUFFERS_AT,
    NODE_BYTES,
    NODES_AT,
    ROWS,
    long_at,
    word_at,
)
from anpr_engine.kernels.json_text import sequence_end

NULL, WIDE, TEXT, COUNTRY, TIME_TEXT, DOUBLE, FLOAT, LONG, WORD, TIME, LIST = range(11)
"""What a column holds: nothing; values that nobody looks at; texts; numbers; times; lists."""

KIND, NODE, BUFFER, LOW, HIGH, PLACE, NEEDED, PARENT_NODE, PARENT_BUFFER = range(9)
STEP_WORDS = 9
"""Of a column: its kind, numbers of its node and its first buffer, bounds, its place among spans or
numbers or -1, whether every row must have it, and the struct it is part of or -1.

Bounds of a text are in bytes; of a time they are multiplier and divisor to microseconds; of values
that nobody looks at LOW is their width in bits."""

ALL_THERE, NOT_AS_TOLD = -1, -2
"""In place of where a column's bits begin."""
_TOPS = np.uint64(0x8080808080808080)


@helper
def buffer_of(buffer: NDArray[np.uint8], frame: NDArray[np.int64], place: Word) -> Word:
    """Give where a buffer begins, and its bytes."""
    told = frame[BUFFERS_AT] + BUFFER_BYTES * place
    return frame[BODY_AT] + long_at(buffer, told), long_at(buffer, told + 8)


@helper
def is_there(buffer: NDArray[np.uint8], bits: Word, row: Word) -> Word:
    """Say whether a row has a value, by what `bits_of` gave."""
    return bits == ALL_THERE or (buffer[bits + (row >> 3)] >> (row & 7)) & 1 != 0


@routine
def bits_of(
    buffer: NDArray[np.uint8], frame: NDArray[np.int64], node: Word, place: Word
) -> tuple[Word, Word]:
    """Give where the bits of a column's rows begin, and how many rows are missing.

    `ALL_THERE` where none is, `NOT_AS_TOLD` where they are not so many.
    """
    rows = frame[ROWS]
    told = frame[NODES_AT] + NODE_BYTES * node
    missing = long_at(buffer, told + 8)
    if long_at(buffer, told) != rows:
        return NOT_AS_TOLD, 0
    if missing == 0:
        return ALL_THERE, 0
    bits, size = buffer_of(buffer, frame, place)
    if 8 * size < rows:
        return NOT_AS_TOLD, 0
    there = 0
    for row in range(rows):
        there += (buffer[bits + (row >> 3)] >> (row & 7)) & 1
    return (bits if there == rows - missing else NOT_AS_TOLD), missing


@helper
def is_ascii(buffer: NDArray[np.uint8], begin: Word, end: Word) -> Word:
    """Say whether all bytes are of ASCII."""
    found = np.uint64(0)
    while begin + 8 <= end:
        found |= eight_bytes(buffer, begin)
        begin += 8
    while begin < end:
        found |= np.uint64(buffer[begin])
        begin += 1
    return found & _TOPS == 0


@routine
def is_text(buffer: NDArray[np.uint8], begin: Word, end: Word) -> Word:
    """Say whether bytes are UTF-8."""
    while begin < end:
        after = sequence_end(buffer, begin, end) if buffer[begin] >= 0x80 else begin + 1
        if after < 0:
            return False
        begin = after
    return True


@helper
def are_empty(buffer: NDArray[np.uint8], offsets: Word, rows: Word) -> Word:
    """Say whether all texts or lists are empty, and so lie where the first one does."""
    first, differ = word_at(buffer, offsets), np.int64(0)
    for row in range(rows):
        differ |= word_at(buffer, offsets + 4 * row + 4) ^ first
    return differ == 0


@helper
def _whole_at(buffer: NDArray[np.uint8], kind: Word, data: Word, row: Word) -> Word:
    return word_at(buffer, data + 4 * row) if kind == WORD else long_at(buffer, data + 8 * row)


@helper
def number_at(buffer: NDArray[np.uint8], kind: Word, data: Word, row: Word) -> Word:
    """Give the number in a row as float64."""
    if kind == DOUBLE:
        return np.int64(long_at(buffer, data + 8 * row)).view(np.float64)
    if kind == FLOAT:
        return np.float64(np.int32(word_at(buffer, data + 4 * row)).view(np.float32))
    return np.float64(_whole_at(buffer, kind, data, row))
