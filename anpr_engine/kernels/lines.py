"""Lines of records that hold many JSON texts: where each begins, without an object per line.

A line keeps its line feed, which is white space to JSON; a line of white space alone belongs to
the line before it, or to the one after it at the beginning of a record. So all bytes of a record
belong to some line, and lines lie one after another as records do.
"""

import numpy as np
from numpy.typing import NDArray

from anpr_engine.kernels._jit import Word, given, helper, i64, kernel, u8, written
from anpr_engine.kernels.byte_words import next_byte

_LINE_FEED = 0x0A


@helper
def _is_blank(buffer: NDArray[np.uint8], position: Word, end: Word) -> Word:
    while position < end and buffer[position] in (0x20, 0x09, 0x0A, 0x0D):
        position += 1
    return position >= end


@kernel(given(u8), given(i64), given(u8), written(i64), written(i64))
def split_lines(
    buffer: NDArray[np.uint8],
    bounds: NDArray[np.int64],
    of_lines: NDArray[np.uint8],
    line_bounds: NDArray[np.int64],
    counts: NDArray[np.int64],
) -> None:
    """Write where each line begins, and the end of the last.

    Args:
        buffer: uint8 (bytes,), the records one after another.
        bounds: int64 (records + 1,), where each begins, and the end of the last.
        of_lines: uint8 (records,), 0 for a record that is one text whatever it holds.
        line_bounds: int64 (room,), written as far as there is room: with more lines than room less
            one, call again with more.
        counts: int64 (records,), written: lines of each record, at least 1.

    """
    line = 0
    for record in range(counts.shape[0]):
        begin, end = bounds[record], bounds[record + 1]
        if line < line_bounds.shape[0]:
            line_bounds[line] = begin
        found = 0
        while of_lines[record] != 0 and begin < end:
            after = min(next_byte(buffer, begin, end, _LINE_FEED) + 1, end)
            if not _is_blank(buffer, begin, after):
                if found:
                    line += 1
                    if line < line_bounds.shape[0]:
                        line_bounds[line] = begin
                found += 1
            begin = after
        counts[record] = max(found, 1)
        line += 1
    if line < line_bounds.shape[0]:
        line_bounds[line] = bounds[counts.shape[0]]
