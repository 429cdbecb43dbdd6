"""Members of a read: which field a name is, and what its value says, checked in full.

A value goes to a row of whole numbers, laid out below, from which the scanner fills its columns.
"""

import numpy as np
from numpy.typing import NDArray

from anpr_engine.kernels._jit import Word, helper
from anpr_engine.kernels.byte_words import same_bytes
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
    SLOT_FIELDS,
    TEXT,
    TIME,
)
from anpr_engine.kernels.json_nested import FIELD_NODES, UNKNOWN, nested_end
from anpr_engine.kernels.json_text import number, string_end, word_end
from anpr_engine.kernels.json_times import MINUTE_BYTES, NO_TIME, SHORTEST_BYTES, minute_us, rest_us

SPAN_READ_ID = 0
SPAN_CAMERA_ID = 1
SPAN_PLATE = 2
SPAN_CHARACTERS = 3
SPAN_CANDIDATES = 4
SPANS = 5
"""Places among a read's spans, and how many."""

CAPTURED_AT_US = 0
COUNTRY_CODE = 1
CONFIDENCE_PPM = 2
COUNTRY_CONFIDENCE_PPM = 3
NUMBERS = 4
"""Places among a read's numbers, and how many."""

SPANS_AT = 1
NUMBERS_AT = SPANS_AT + 2 * SPANS
VALUE_WORDS = NUMBERS_AT + NUMBERS
_MINUTE_AT = VALUE_WORDS
_MINUTE_US = _MINUTE_AT + 1
KEPT_WORDS = 2
"""Words of a row: one for `nested_end`, the spans, the numbers; then what outlives a read.

That is where in the buffer the minute that was read last begins, 0 for none, and what it is.
"""

_QUOTE = 0x22
_TEXT_PLACES = np.full(len(KINDS), -1, dtype=np.int64)
"""Where in a row a text's span stands, -1 when it is not kept."""
for _field, _span in ((READ_ID, SPAN_READ_ID), (CAMERA_ID, SPAN_CAMERA_ID), (PLATE, SPAN_PLATE)):
    _TEXT_PLACES[_field] = SPANS_AT + 2 * _span
_TEXT_BYTES = np.stack([LOWEST, HIGHEST], axis=1).astype(np.int64)
"""Fewest and most bytes of a text."""
_NULL = np.frombuffer(b"null", dtype=np.uint8)
_TRUE = np.frombuffer(b"true", dtype=np.uint8)
_FALSE = np.frombuffer(b"false", dtype=np.uint8)


@helper
def known_field(buffer: NDArray[np.uint8], start: int, length: int) -> Word:
    """Give the number of the field that has a name, or -1."""
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
def country_code(buffer: NDArray[np.uint8], start: int, length: int) -> Word:
    """Give two letters as one number, 0 when they are none; see `records.columns.country_code`."""
    if length != 2:
        return 0
    first, second = _upper(buffer[start]), _upper(buffer[start + 1])
    if not (0x41 <= first <= 0x5A and 0x41 <= second <= 0x5A):
        return 0
    return first * 256 + second


@helper
def _time_us(buffer: NDArray[np.uint8], start: int, end: int, row: NDArray[np.int64]) -> Word:
    if end - start < SHORTEST_BYTES:
        return NO_TIME
    known = row[_MINUTE_AT]
    if known == 0 or not same_bytes(buffer, known, start, MINUTE_BYTES):
        row[_MINUTE_AT] = start
        row[_MINUTE_US] = minute_us(buffer, start)
    return rest_us(buffer, row[_MINUTE_US], start + MINUTE_BYTES, end)


@helper
def _take_text(
    buffer: NDArray[np.uint8], start: int, end: int, field: int, row: NDArray[np.int64]
) -> Word:
    # One string value of a known field; row: laid out as above.
    kind = KINDS[field]
    length = end - start
    if kind in (TEXT, LANE):
        place = _TEXT_PLACES[field]
        if place >= 0:
            row[place] = start
            row[place + 1] = length
        return _TEXT_BYTES[field, 0] <= length <= _TEXT_BYTES[field, 1]
    if kind == TIME:
        instant = _time_us(buffer, start, end, row)
        if field == CAPTURED_AT:
            row[NUMBERS_AT + CAPTURED_AT_US] = instant
        return instant != NO_TIME
    if kind == COUNTRY:
        code = country_code(buffer, start, length)
        row[NUMBERS_AT + COUNTRY_CODE] = code
        return code != 0
    return False


@helper
def value_end(
    buffer: NDArray[np.uint8], position: int, end: int, field: int, row: NDArray[np.int64]
) -> Word:
    """Give the position after a value that its field may have, or -1; what it says goes to `row`.

    field: as `known_field` gives it; -1 for any valid JSON.
    """
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
            row[SPANS_AT + 2 * place] = position
            row[SPANS_AT + 2 * place + 1] = after - position
        return after
    after, value, whole = number(buffer, position, end)
    if after < 0 or field < 0:
        return after
    if KINDS[field] == NUMBER:
        if field in (CONFIDENCE, COUNTRY_CONFIDENCE):
            place = CONFIDENCE_PPM if field == CONFIDENCE else COUNTRY_CONFIDENCE_PPM
            row[NUMBERS_AT + place] = np.int64(value * 1e6 + 0.5)
        return after if LOWEST[field] <= value <= HIGHEST[field] else -1
    return after if KINDS[field] == LANE and whole else -1
