"""A batch of JSON reads to columns, without an object per read.

The scanner takes what nearly all readers send: one object of plain strings and numbers. It accepts
only what it has checked in full, syntax, types and bounds; everything else (escapes, nested
values, odd times, errors) stays `UNDECIDED` for the careful path, which alone refuses reads.

Why: per-message parsing in Python costs 1 to 8 microseconds a read, this 0.2.
"""

import numpy as np
from numpy.typing import NDArray

from anpr_engine.kernels._jit import Word, given, helper, i32, i64, kernel, u8, written
from anpr_engine.kernels.json_fields import (
    CAMERA_ID,
    CAPTURED_AT,
    CONFIDENCE,
    COUNTRY,
    HIGHEST,
    KINDS,
    LANE,
    LOWEST,
    NAME_BYTES_MAX,
    NAME_BYTES_MIN,
    NAME_LENGTHS,
    NAMES,
    NUMBER,
    PLATE,
    READ_ID,
    REQUIRED,
    SLOT_FIELDS,
    TEXT,
    TIME,
)
from anpr_engine.kernels.json_text import NO_TIME, number, skip_space, string_end, time_us

DECODED = 1
UNDECIDED = 0

SPAN_READ_ID = 0
SPAN_CAMERA_ID = 1
SPAN_PLATE = 2
"""Places in the `spans` that `scan_reads` writes."""

CAPTURED_AT_US = 0
COUNTRY_CODE = 1
CONFIDENCE_PPM = 2
"""Places in the `numbers` that `scan_reads` writes."""

_NUMBERS = 6
ROW_WORDS = _NUMBERS + 3
"""Words of the room that `scan_reads` works in."""
_QUOTE = 0x22
_NULL = np.frombuffer(b"null", dtype=np.uint8)
_TRUE = np.frombuffer(b"true", dtype=np.uint8)
_FALSE = np.frombuffer(b"false", dtype=np.uint8)


@helper
def _known_field(buffer: NDArray[np.uint8], start: int, length: int) -> Word:
    if not NAME_BYTES_MIN <= length <= NAME_BYTES_MAX:
        return -1
    # The hash of json_fields.name_slot.
    slot = (length + np.int64(buffer[start]) + np.int64(buffer[start + 1]) * 10) % 64
    field = SLOT_FIELDS[slot]
    if field < 0 or NAME_LENGTHS[field] != length:
        return -1
    for step in range(length):
        if buffer[start + step] != NAMES[field, step]:
            return -1
    return field


@helper
def _word_end(buffer: NDArray[np.uint8], position: int, end: int, word: NDArray[np.uint8]) -> Word:
    if position + word.shape[0] > end:
        return -1
    for step in range(word.shape[0]):
        if buffer[position + step] != word[step]:
            return -1
    return position + word.shape[0]


@helper
def _upper(byte: Word) -> Word:
    return np.int64(byte) - 0x20 if 0x61 <= byte <= 0x7A else np.int64(byte)


@helper
def _country_code(buffer: NDArray[np.uint8], start: int, length: int) -> Word:
    # Two letters as one number, 0 when they are none; see records.columns.country_code.
    if length != 2:
        return 0
    first, second = _upper(buffer[start]), _upper(buffer[start + 1])
    if not (0x41 <= first <= 0x5A and 0x41 <= second <= 0x5A):
        return 0
    return first * 256 + second


@helper
def _take_text(
    buffer: NDArray[np.uint8], start: int, end: int, field: int, row: NDArray[np.int64]
) -> Word:
    # One string value of a known field; row: three spans, then the numbers of `scan_reads`.
    kind = KINDS[field]
    length = end - start
    if kind in (TEXT, LANE):
        if not LOWEST[field] <= length <= HIGHEST[field]:
            return False
        place = -1
        if field == READ_ID:
            place = SPAN_READ_ID
        elif field == CAMERA_ID:
            place = SPAN_CAMERA_ID
        elif field == PLATE:
            place = SPAN_PLATE
        if place >= 0:
            row[2 * place] = start
            row[2 * place + 1] = length
        return True
    if kind == TIME:
        instant = time_us(buffer, start, end)
        if field == CAPTURED_AT:
            row[_NUMBERS + CAPTURED_AT_US] = instant
        return instant != NO_TIME
    if kind == COUNTRY:
        code = _country_code(buffer, start, length)
        row[_NUMBERS + COUNTRY_CODE] = code
        return code != 0
    return False


@helper
def _value_end(
    buffer: NDArray[np.uint8], position: int, end: int, field: int, row: NDArray[np.int64]
) -> Word:
    if position >= end:
        return -1
    byte = buffer[position]
    if byte == _QUOTE:
        closing = string_end(buffer, position + 1, end)
        if closing < 0:
            return -1
        if field >= 0 and not _take_text(buffer, position + 1, closing, field, row):
            return -1
        return closing + 1
    if byte == 0x6E:
        # null means absent, which a required field must not be.
        return -1 if 0 <= field <= PLATE else _word_end(buffer, position, end, _NULL)
    if byte in (0x74, 0x66):
        word = _TRUE if byte == 0x74 else _FALSE
        return -1 if field >= 0 else _word_end(buffer, position, end, word)
    after, value, whole = number(buffer, position, end)
    if after < 0 or field < 0:
        return after
    if KINDS[field] == NUMBER:
        if field == CONFIDENCE:
            row[_NUMBERS + CONFIDENCE_PPM] = np.int64(value * 1e6 + 0.5)
        return after if LOWEST[field] <= value <= HIGHEST[field] else -1
    return after if KINDS[field] == LANE and whole else -1


@helper
def _scan_one(buffer: NDArray[np.uint8], begin: int, end: int, row: NDArray[np.int64]) -> Word:
    position = skip_space(buffer, begin, end)
    if position >= end or buffer[position] != 0x7B:
        return False
    seen = 0
    while True:
        position = skip_space(buffer, position + 1, end)
        if position >= end or buffer[position] != _QUOTE:
            return False
        closing = string_end(buffer, position + 1, end)
        if closing < 0:
            return False
        field = _known_field(buffer, position + 1, closing - position - 1)
        if field >= 0:
            if (seen >> field) & 1:
                return False
            seen |= 1 << field
        position = skip_space(buffer, closing + 1, end)
        if position >= end or buffer[position] != 0x3A:
            return False
        position = skip_space(buffer, position + 1, end)
        position = _value_end(buffer, position, end, field, row)
        if position < 0:
            return False
        position = skip_space(buffer, position, end)
        if position >= end:
            return False
        if buffer[position] == 0x2C:
            continue
        complete = buffer[position] == 0x7D and (seen & REQUIRED) == REQUIRED
        return complete and skip_space(buffer, position + 1, end) == end


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
        spans: int32 (reads, 3, 2), written: start and length in bytes of read_id, camera_id,
            plate.
        numbers: int64 (reads, 3), written: captured_at in microseconds since 1970 UTC, country
            as one number (0 when not given), confidence in millionths (-1 when not given).
        status: uint8 (reads,), written: `DECODED` or `UNDECIDED`.
        row: int64 (ROW_WORDS,), room to work in.

    """
    for read in range(bounds.shape[0] - 1):
        row[:] = 0
        row[_NUMBERS + CONFIDENCE_PPM] = -1
        decoded = _scan_one(buffer, bounds[read], bounds[read + 1], row)
        status[read] = DECODED if decoded else UNDECIDED
        if not decoded:
            row[:] = 0
        for place in range(3):
            spans[read, place, 0] = row[2 * place]
            spans[read, place, 1] = row[2 * place + 1]
        for place in range(3):
            numbers[read, place] = row[_NUMBERS + place]
