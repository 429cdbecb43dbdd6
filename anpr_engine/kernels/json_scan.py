"""A batch of JSON reads to columns, without an object per read.

The scanner takes what nearly all readers send: one object of plain strings and numbers, with
the reader's own doubts as nested values. It accepts only what it has checked in full, syntax,
types and bounds; everything else (escapes, odd times, errors) stays `UNDECIDED` for the careful
path, which alone refuses reads.

Why: per-message parsing in Python costs 1 to 8 microseconds a read, this 0.2.
"""

import numpy as np
from numpy.typing import NDArray

from anpr_engine.kernels._jit import Word, given, helper, i32, i64, kernel, u8, written
from anpr_engine.kernels.json_fields import (
    CAMERA_ID,
    CANDIDATES,
    CAPTURED_AT,
    CHARACTERS,
    CONFIDENCE,
    COUNTRY,
    COUNTRY_CONFIDENCE,
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
from anpr_engine.kernels.json_nested import FIELD_NODES, UNKNOWN, nested_end
from anpr_engine.kernels.json_text import (
    NO_TIME,
    number,
    skip_space,
    string_end,
    time_us,
    word_end,
)

DECODED = 1
UNDECIDED = 0

SPAN_READ_ID = 0
SPAN_CAMERA_ID = 1
SPAN_PLATE = 2
SPAN_CHARACTERS = 3
SPAN_CANDIDATES = 4
SPANS = 5
"""Places in the `spans` that `scan_reads` writes, and how many."""

CAPTURED_AT_US = 0
COUNTRY_CODE = 1
CONFIDENCE_PPM = 2
COUNTRY_CONFIDENCE_PPM = 3
NUMBERS = 4
"""Places in the `numbers` that `scan_reads` writes, and how many."""

_SPANS = 1
_NUMBERS = _SPANS + 2 * SPANS
ROW_WORDS = _NUMBERS + NUMBERS
"""Words of the room that `scan_reads` works in: one for `nested_end`, the spans, the numbers."""
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
    # One string value of a known field; row: as `scan_reads` lays it out.
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
            row[_SPANS + 2 * place] = start
            row[_SPANS + 2 * place + 1] = length
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
        return -1 if 0 <= field <= PLATE else word_end(buffer, position, end, _NULL)
    if byte in (0x74, 0x66):
        word = _TRUE if byte == 0x74 else _FALSE
        return -1 if field >= 0 else word_end(buffer, position, end, word)
    if byte in (0x7B, 0x5B):
        node = FIELD_NODES[field] if field >= 0 else UNKNOWN
        nested_end(buffer, position, end, node, row)
        after = row[0]
        if after >= 0 and field in (CHARACTERS, CANDIDATES):
            place = SPAN_CHARACTERS if field == CHARACTERS else SPAN_CANDIDATES
            row[_SPANS + 2 * place] = position
            row[_SPANS + 2 * place + 1] = after - position
        return after
    after, value, whole = number(buffer, position, end)
    if after < 0 or field < 0:
        return after
    if KINDS[field] == NUMBER:
        if field in (CONFIDENCE, COUNTRY_CONFIDENCE):
            place = CONFIDENCE_PPM if field == CONFIDENCE else COUNTRY_CONFIDENCE_PPM
            row[_NUMBERS + place] = np.int64(value * 1e6 + 0.5)
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
        spans: int32 (reads, SPANS, 2), written: start and length in bytes; of an array, with its
            brackets, and 0 when not given.
        numbers: int64 (reads, NUMBERS), written: captured_at in microseconds since 1970 UTC,
            country as one number (0 when not given), confidences in millionths (-1 likewise).
        status: uint8 (reads,), written: `DECODED` or `UNDECIDED`.
        row: int64 (ROW_WORDS,), room to work in.

    """
    for read in range(bounds.shape[0] - 1):
        row[:] = 0
        row[_NUMBERS + CONFIDENCE_PPM] = -1
        row[_NUMBERS + COUNTRY_CONFIDENCE_PPM] = -1
        decoded = _scan_one(buffer, bounds[read], bounds[read + 1], row)
        status[read] = DECODED if decoded else UNDECIDED
        if not decoded:
            row[:] = 0
        for place in range(SPANS):
            spans[read, place, 0] = row[_SPANS + 2 * place]
            spans[read, place, 1] = row[_SPANS + 2 * place + 1]
        for place in range(NUMBERS):
            numbers[read, place] = row[_NUMBERS + place]
