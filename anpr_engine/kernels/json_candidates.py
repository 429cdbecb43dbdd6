"""The other readings that a reader offers, out of arrays that the scanner has accepted.

Nothing is checked again: `scan_reads` gives a span only where the array is valid in full.
"""

import numpy as np
from numpy.typing import NDArray

from anpr_engine.kernels._jit import Word, given, helper, i32, i64, kernel, u8, written
from anpr_engine.kernels.json_nested import CANDIDATE_CONFIDENCE, CANDIDATE_PLATE, member_of
from anpr_engine.kernels.json_text import any_string_end, number, skip_space
from anpr_engine.kernels.json_values import SPAN_CANDIDATES

CANDIDATES_MAX = 10
"""Candidates of one read that are looked at; readers rank them, and the tail is noise."""

READ = 0
RANK = 1
CANDIDATE_PPM = 2
WORDS = 3
"""Places in the `found` that `scan_candidates` writes, and how many."""

_QUOTE = 0x22
_NO_MEMBER = -1


@helper
def _string_at(buffer: NDArray[np.uint8], position: int, end: int) -> tuple[Word, Word]:
    # Its closing quote, and whether a colon after it makes it a member's name.
    closing, _ = any_string_end(buffer, position + 1, end)
    if closing < 0:
        return end, False
    after = skip_space(buffer, closing + 1, end)
    return closing, after < end and buffer[after] == 0x3A


@kernel(given(i32, 3), written(i64))
def offering_rows(spans: NDArray[np.int32], rows: NDArray[np.int64]) -> None:
    """List the reads that offer candidates.

    Args:
        spans: int32 (n, SPANS, 2), see `kernels.json_values`.
        rows: int64 (n + 1,), written: how many there are, and their rows, rising.

    """
    count = 0
    for row in range(spans.shape[0]):
        if spans[row, SPAN_CANDIDATES, 1] > 0:
            count += 1
            rows[count] = row
    rows[0] = count


@kernel(given(u8), given(i32, 2), written(i32, 2), written(i64, 2), written(i64))
def scan_candidates(
    buffer: NDArray[np.uint8],
    spans: NDArray[np.int32],
    texts: NDArray[np.int32],
    found: NDArray[np.int64],
    count: NDArray[np.int64],
) -> None:
    """List the first `CANDIDATES_MAX` candidates of each read.

    Args:
        buffer: uint8 (bytes,), the records' values one after another.
        spans: int32 (reads, 2), start and length of each read's array; length 0 for none.
        texts: int32 (room, 2), written: start and length of each candidate's plate.
        found: int64 (WORDS, room), written: row of the read in `spans`, place in the reader's
            own order from 0, confidence in millionths. Room: `CANDIDATES_MAX` a read.
        count: int64 (1,), written: how many candidates.

    """
    total = 0
    for read in range(spans.shape[0]):
        position: Word = np.int64(spans[read, 0])
        end = position + spans[read, 1]
        rank, levels, member = 0, 0, _NO_MEMBER
        while position < end and rank < CANDIDATES_MAX:
            byte = buffer[position]
            if byte == _QUOTE:
                closing, is_name = _string_at(buffer, position, end)
                if levels == 2 and is_name:
                    start = position + 1
                    member = member_of(buffer, start, closing - start, CANDIDATE_PLATE)
                elif levels == 2 and member == CANDIDATE_PLATE:
                    texts[total, 0] = position + 1
                    texts[total, 1] = closing - position - 1
                position = closing
            elif byte in (0x5B, 0x7B):
                levels += 1
            elif byte in (0x5D, 0x7D):
                levels -= 1
                if levels == 1:
                    found[READ, total] = read
                    found[RANK, total] = rank
                    rank += 1
                    total += 1
            elif member == CANDIDATE_CONFIDENCE and levels == 2 and 0x2D <= byte <= 0x39:
                position, value, _ = number(buffer, position, end)
                found[CANDIDATE_PPM, total] = np.int64(value * 1e6 + 0.5)
                member = _NO_MEMBER
                continue
            position += 1
    count[0] = total
