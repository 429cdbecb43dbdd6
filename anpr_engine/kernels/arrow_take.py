"""Columns of Arrow record batches to those of a batch of reads, where they lie.

What is taken was checked in full: sizes, offsets, missing values as many as told, UTF-8, and the
bounds of a read's fields. A record batch with anything else in it, be it one row, is left to the
careful path as a whole, which alone refuses reads and records.

Why: pyarrow makes an object of every column of every record, and looks at each for itself.
"""

import numpy as np
from numpy.typing import NDArray

from anpr_engine.kernels._jit import Word, given, helper, i32, i64, kernel, u8, written
from anpr_engine.kernels.arrow_buffers import (
    ALL_THERE,
    BUFFER,
    COUNTRY,
    FLOAT,
    HIGH,
    KIND,
    LIST,
    LOW,
    NEEDED,
    NODE,
    NOT_AS_TOLD,
    NULL,
    PARENT_BUFFER,
    PARENT_NODE,
    PLACE,
    TEXT,
    TIME,
    TIME_TEXT,
    WIDE,
    WORD,
    are_empty,
    bits_of,
    buffer_of,
    is_ascii,
    is_text,
    is_there,
    number_at,
)
from anpr_engine.kernels.arrow_frames import (
    FIRST,
    NODE_BYTES,
    NODES_AT,
    ROWS,
    SOUND,
    long_at,
    word_at,
)
from anpr_engine.kernels.json_times import NO_TIME, time_us
from anpr_engine.kernels.json_values import country_code
from anpr_engine.kernels.json_write import TIME_US_MAX, TIME_US_MIN

CHILDREN = 3
"""Nodes below a list of texts and confidences: a struct and its two parts."""

_CLIP = 2**52
"""A time beyond this in any unit is outside the calendar, and does not wrap around within it."""


@helper
def _take_text(
    buffer: NDArray[np.uint8],
    step: NDArray[np.int64],
    text: tuple[Word, Word],
    span: NDArray[np.int32],
    number: NDArray[np.int64],
) -> Word:
    # One text that is there, with the spans and numbers of its read; whether it is as it must be.
    start, length = text
    kind, place = step[KIND], step[PLACE]
    if kind == COUNTRY:
        code = country_code(buffer, start, length)
        number[place] = code
        return code != 0
    if kind == TIME_TEXT:
        instant = time_us(buffer, start, start + length)
        if place >= 0:
            number[place] = instant
        return instant != NO_TIME
    if place >= 0:
        span[place, 0] = start
        span[place, 1] = length
    return step[LOW] <= length <= step[HIGH]


@helper
def _take_texts(
    buffer: NDArray[np.uint8],
    column: tuple[NDArray[np.int64], NDArray[np.int64]],
    bits: tuple[Word, Word],
    spans: NDArray[np.int32],
    numbers: NDArray[np.int64],
) -> Word:
    frame, step = column
    rows, first_read = frame[ROWS], frame[FIRST]
    offsets, offset_bytes = buffer_of(buffer, frame, step[BUFFER] + 1)
    data, size = buffer_of(buffer, frame, step[BUFFER] + 2)
    first = word_at(buffer, offsets) if offset_bytes >= 4 * (rows + 1) else -1
    if not 0 <= first <= size:
        return False
    unseen = step[KIND] == TEXT and step[LOW] == 0 and step[PLACE] < 0
    if unseen and are_empty(buffer, offsets, rows):
        return True
    begin = first
    fine: Word = True
    for row in range(rows):
        end = word_at(buffer, offsets + 4 * row + 4)
        if not begin <= end <= size:
            return False
        if is_there(buffer, bits[0], row) and is_there(buffer, bits[1], row):
            read, text = first_read + row, (data + begin, end - begin)
            fine &= _take_text(buffer, step, text, spans[read], numbers[read])
        begin = end
    if not fine or is_ascii(buffer, data + first, data + begin):
        return fine
    # No character may reach from one text into the next.
    for row in range(rows):
        begin = data + word_at(buffer, offsets + 4 * row)
        end = data + word_at(buffer, offsets + 4 * row + 4)
        if is_there(buffer, bits[0], row) and not is_text(buffer, begin, end):
            return False
    return True


@helper
def _take_numbers(
    buffer: NDArray[np.uint8],
    column: tuple[NDArray[np.int64], NDArray[np.int64]],
    bits: tuple[Word, Word],
    data: Word,
    numbers: NDArray[np.int64],
) -> Word:
    frame, step = column
    kind, place, needed = step[KIND], step[PLACE], step[NEEDED]
    low, high = np.float64(step[LOW]), np.float64(step[HIGH])
    fine: Word = True
    for row in range(frame[ROWS]):
        there = is_there(buffer, bits[0], row)
        value = number_at(buffer, kind, data, row) if there else np.nan
        # A number that is none counts as missing.
        told = value == value  # noqa: PLR0124
        inside = low <= value <= high
        fine &= inside or not (told or (needed != 0 and is_there(buffer, bits[1], row)))
        if place >= 0 and inside:
            numbers[frame[FIRST] + row, place] = np.int64(value * 1e6 + 0.5)
    return fine


@helper
def _take_times(
    buffer: NDArray[np.uint8],
    column: tuple[NDArray[np.int64], NDArray[np.int64]],
    bits: Word,
    data: Word,
    numbers: NDArray[np.int64],
) -> Word:
    frame, step = column
    times, parts, place = step[LOW], step[HIGH], step[PLACE]
    fine: Word = True
    for row in range(frame[ROWS]):
        ticks = long_at(buffer, data + 8 * row)
        if times > 1:
            ticks = min(max(ticks, -_CLIP), _CLIP) * times
        instant = ticks // parts
        fine &= TIME_US_MIN <= instant <= TIME_US_MAX or not is_there(buffer, bits, row)
        if place >= 0:
            numbers[frame[FIRST] + row, place] = instant
    return fine


@helper
def _no_items(buffer: NDArray[np.uint8], frame: NDArray[np.int64], step: NDArray[np.int64]) -> Word:
    # Whether a column of lists, all missing, holds nothing that would have to be looked at.
    offsets, size = buffer_of(buffer, frame, step[BUFFER] + 1)
    for node in range(step[NODE] + 1, step[NODE] + 1 + CHILDREN):
        if long_at(buffer, frame[NODES_AT] + NODE_BYTES * node) != 0:
            return False
    enough = size >= 4 * (frame[ROWS] + 1) and word_at(buffer, offsets) == 0
    return enough and are_empty(buffer, offsets, frame[ROWS])


@helper
def _take(
    buffer: NDArray[np.uint8],
    frame: NDArray[np.int64],
    step: NDArray[np.int64],
    spans: NDArray[np.int32],
    numbers: NDArray[np.int64],
) -> Word:
    # One column of a record batch; whether all of it is as it must be.
    kind, rows = step[KIND], frame[ROWS]
    if kind == NULL:
        return long_at(buffer, frame[NODES_AT] + NODE_BYTES * step[NODE]) == rows
    bits, missing = bits_of(buffer, frame, step[NODE], step[BUFFER])
    around, without = np.int64(ALL_THERE), np.int64(0)
    if step[PARENT_NODE] >= 0:
        around, without = bits_of(buffer, frame, step[PARENT_NODE], step[PARENT_BUFFER])
    elif step[NEEDED] != 0 and missing > 0:
        return False
    if NOT_AS_TOLD in (bits, around):
        return False
    if kind == LIST:
        return missing == rows and _no_items(buffer, frame, step)
    if kind in (TEXT, COUNTRY, TIME_TEXT):
        return _take_texts(buffer, (frame, step), (bits, around), spans, numbers)
    data, size = buffer_of(buffer, frame, step[BUFFER] + 1)
    if 8 * size < rows * _width(step):
        return False
    nothing_told = missing == rows and (step[NEEDED] == 0 or without == rows)
    if kind == WIDE or nothing_told:
        return True
    if kind == TIME:
        return _take_times(buffer, (frame, step), bits, data, numbers)
    return _take_numbers(buffer, (frame, step), (bits, around), data, numbers)


@helper
def _width(step: NDArray[np.int64]) -> Word:
    # Bits of a value.
    if step[KIND] == WIDE:
        return step[LOW]
    return 32 if step[KIND] in (FLOAT, WORD) else 64


@kernel(given(u8), given(i64, 2), written(i64, 2), written(i32, 3), written(i64, 2))
def take_columns(
    buffer: NDArray[np.uint8],
    steps: NDArray[np.int64],
    frames: NDArray[np.int64],
    spans: NDArray[np.int32],
    numbers: NDArray[np.int64],
) -> None:
    """Take the columns of record batches that `find_frames` found.

    Args:
        buffer: uint8 (bytes,), the records one after another.
        steps: int64 (columns, STEP_WORDS), the columns of their schema, see `arrow_buffers`.
        frames: int64 (m, FRAME_WORDS); written: `SOUND`, 1 where all of a batch was taken.
        spans: int32 (n, SPANS, 2), 0 where nothing is told; written: start and length in bytes.
        numbers: int64 (n, NUMBERS), as for reads that tell nothing; written, as by `scan_reads`.

    """
    for number in range(frames.shape[0]):
        sound = True
        for place in range(steps.shape[0]):
            if sound:
                sound = _take(buffer, frames[number], steps[place], spans, numbers)
        frames[number, SOUND] = 1 if sound else 0
