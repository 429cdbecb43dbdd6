"""A batch of JSON reads to columns, without an object per read.

The scanner takes what nearly all readers send: one object of plain strings and numbers, with
the reader's own doubts as nested values. It accepts only what it has checked in full, syntax,
types and bounds; everything else (escapes, odd times, errors) stays `UNDECIDED` for the careful
path, which alone refuses reads.

A program writes what stands between values always alike, names included. Laid beside the layout
seen last, a read needs a look at its values only; where the bytes between differ it is scanned in
full from there, for a field may be missing; where they differ at once another layout is tried.

Why: per-message parsing in Python costs 1 to 8 microseconds a read, this 0.1 to 0.2.
"""

import numpy as np
from numpy.typing import NDArray

from anpr_engine.kernels._jit import Word, given, helper, i32, i64, kernel, routine, u8, written
from anpr_engine.kernels.byte_words import same_bytes
from anpr_engine.kernels.json_fields import REQUIRED
from anpr_engine.kernels.json_text import skip_space, string_end
from anpr_engine.kernels.json_values import (
    CONFIDENCE_PPM,
    COUNTRY_CONFIDENCE_PPM,
    KEPT_WORDS,
    NUMBERS,
    NUMBERS_AT,
    SPANS,
    SPANS_AT,
    VALUE_WORDS,
    known_field,
    value_end,
)

DECODED = 1
UNDECIDED = 0

_MEMBERS_MAX = 24
_GAP_BEGIN, _GAP_END, _FIELD, _SEEN = range(1, 5)
_MEMBER_WORDS = 4
_LAYOUT_WORDS = 1 + _MEMBER_WORDS * (_MEMBERS_MAX + 1)
_LAYOUTS = VALUE_WORDS + KEPT_WORDS
ROW_WORDS = _LAYOUTS + 2 * _LAYOUT_WORDS
"""Words of the room that `scan_reads` works in: a read's values, then two layouts.

A layout: how many members, 0 when there is none; of each where the gap before its value begins and
ends, which field it is, and which fields came before; the last gap is the one after all values.
"""
_ALIKE_MIN = 2
"""Members that make a read one of the same program."""
_WHOLE = -1
_QUOTE, _OPEN, _CLOSE, _COMMA, _COLON = 0x22, 0x7B, 0x7D, 0x2C, 0x3A


@helper
def _alike(
    buffer: NDArray[np.uint8],
    begin: int,
    end: int,
    row: NDArray[np.int64],
    layout: NDArray[np.int64],
) -> tuple[Word, Word]:
    # How many members are laid out so, `_WHOLE` for the whole read, and where the last one ends.
    position, members = begin, layout[0]
    for member in range(members):
        word = _MEMBER_WORDS * member
        gap = layout[word + _GAP_BEGIN]
        length = layout[word + _GAP_END] - gap
        if position + length > end or not same_bytes(buffer, gap, position, length):
            return member, position
        after = value_end(buffer, position + length, end, layout[word + _FIELD], row)
        if after < 0:
            return member, position
        position = after
    gap = layout[_MEMBER_WORDS * members + _GAP_BEGIN]
    length = layout[_MEMBER_WORDS * members + _GAP_END] - gap
    whole = members > 0 and position + length == end and same_bytes(buffer, gap, position, length)
    return _WHOLE if whole else members, position


@helper
def _keep(layout: NDArray[np.int64], member: Word, gap: tuple[Word, Word], of: Word) -> None:
    if member <= _MEMBERS_MAX:
        word = _MEMBER_WORDS * member
        layout[word + _GAP_BEGIN], layout[word + _GAP_END] = gap
        layout[word + _FIELD] = of


@routine
def _scan_on(
    buffer: NDArray[np.uint8],
    at: tuple[Word, Word],
    end: int,
    row: NDArray[np.int64],
    layout: NDArray[np.int64],
) -> Word:
    # Whether it is a read, whose first members are known; how it is laid out is written down.
    members, gap = at
    seen = layout[_MEMBER_WORDS * members + _SEEN] if members else 0
    layout[0] = 0
    while True:
        position = skip_space(buffer, gap, end)
        if position >= end:
            return False
        if members and buffer[position] == _CLOSE:
            break
        if buffer[position] != (_COMMA if members else _OPEN):
            return False
        position = skip_space(buffer, position + 1, end)
        if position >= end or buffer[position] != _QUOTE:
            return False
        closing = string_end(buffer, position + 1, end)
        if closing < 0:
            return False
        field = known_field(buffer, position + 1, closing - position - 1)
        position = skip_space(buffer, closing + 1, end)
        if position >= end or buffer[position] != _COLON:
            return False
        position = skip_space(buffer, position + 1, end)
        _keep(layout, members, (gap, position), field)
        gap = value_end(buffer, position, end, field, row)
        if gap < 0 or (field >= 0 and (seen >> field) & 1):
            return False
        seen |= 1 << field if field >= 0 else 0
        members += 1
        if members <= _MEMBERS_MAX:
            layout[_MEMBER_WORDS * members + _SEEN] = seen
    if (seen & REQUIRED) != REQUIRED or skip_space(buffer, position + 1, end) != end:
        return False
    _keep(layout, members, (gap, end), -1)
    layout[0] = members if members <= _MEMBERS_MAX else 0
    return True


@kernel(given(u8), given(i64), written(i32, 3), written(i64, 2), written(u8), written(i64))
def scan_reads(
    buffer: NDArray[np.uint8],
    bounds: NDArray[np.int64],
    spans: NDArray[np.int32],
    numbers: NDArray[np.int64],
    status: NDArray[np.uint8],
    row: NDArray[np.int64],
) -> None:
    """Scan a batch of JSON reads.

    Args:
        buffer: uint8 (bytes,), the records' values one after another.
        bounds: int64 (reads + 1,), where each begins, and the end of the last.
        spans: int32 (reads, SPANS, 2), written: start and length in bytes; of an array, with its
            brackets, and 0 when not given.
        numbers: int64 (reads, NUMBERS), written: captured_at in microseconds since 1970 UTC,
            country as one number (0 when not given), confidences in millionths (-1 likewise).
        status: uint8 (reads,), written: `DECODED` or `UNDECIDED`.
        row: int64 (ROW_WORDS,), room to work in.

    """
    row[:] = 0
    newest, other = row[_LAYOUTS : _LAYOUTS + _LAYOUT_WORDS], row[_LAYOUTS + _LAYOUT_WORDS :]
    for read in range(bounds.shape[0] - 1):
        begin, end = bounds[read], bounds[read + 1]
        row[:VALUE_WORDS] = 0
        row[NUMBERS_AT + CONFIDENCE_PPM] = row[NUMBERS_AT + COUNTRY_CONFIDENCE_PPM] = -1
        alike, position = 0, begin
        for _ in range(2):
            alike, position = _alike(buffer, begin, end, row, newest)
            if not 0 <= alike < _ALIKE_MIN:
                break
            newest, other = other, newest
            alike, position = 0, begin
        decoded = alike == _WHOLE or _scan_on(buffer, (alike, position), end, row, newest)
        status[read] = DECODED if decoded else UNDECIDED
        if not decoded:
            row[:VALUE_WORDS] = 0
        for place in range(SPANS):
            spans[read, place, 0] = row[SPANS_AT + 2 * place]
            spans[read, place, 1] = row[SPANS_AT + 2 * place + 1]
        for place in range(NUMBERS):
            numbers[read, place] = row[NUMBERS_AT + place]
