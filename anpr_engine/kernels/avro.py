"""Avro records as JSON texts, by a program made of the schema they were written with.

A program is a list of steps, see `pipeline.batches.avro_schema`; what it writes is what the
scanner of JSON takes, so that every format is judged by the same rules.

Why: a read's fields are recognised by their names in either form, so that any writer's schema
will do, and no second set of bounds and reasons has to be kept equal to the first.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from anpr_engine.kernels._jit import Word, given, helper, i64, kernel, record, routine, u8, written
from anpr_engine.kernels.json_write import put_double, put_long, put_string, put_time

LITERAL, LONG, FLOAT, DOUBLE, STRING, BOOLEAN, TIME, SKIP_BYTES, SKIP = range(9)
CHOICE, JUMP, BLOCKS, LOOP, CLOSE, READ_END, DONE = range(9, 16)
"""What a step does; its two numbers are told in `_write` and `_move`."""

DAMAGED, TOO_MANY, TOO_LARGE, NO_READS = 1, 2, 3, 4
"""Faults of a record."""
NO_ROOM, NO_ROWS = 5, 6
"""Faults of what is written into: out, or rows, is full."""

RECORD, BYTES, ROWS, FAULT, POSITION, END, STEP, FIRST_ROW = range(8)
READS_MAX, RECORD_BYTES_MAX, BYTES_MAX = 8, 9, 10
_COUNTERS = 11
DEPTH_MAX = 16
STATE_WORDS = _COUNTERS + DEPTH_MAX
"""Places in the state: what is done, where the record under way stands, limits, counters."""

ROW_END, ROW_RECORD, ROW_FAULT = 0, 1, 2
"""Columns of the rows written: where a text ends, its record, and the fault of that."""

_UNPACKED_PER_BYTE = 16
_UNPACKED_FREE = 4096
"""Text that a record may become: so much by its own bytes, and so much whatever its size."""


class AvroProgram(NamedTuple):
    """Steps, int64 (steps, 3): kind and two numbers; and the bytes that `LITERAL` points into."""

    steps: NDArray[np.int64]
    literals: NDArray[np.uint8]


@helper
def _long(buffer: NDArray[np.uint8], state: NDArray[np.int64]) -> Word:
    # A zigzag number of at most ten bytes.
    raw: Word = np.int64(0)
    shift: Word = np.int64(0)
    while state[POSITION] < state[END] and shift < 64:
        byte = np.int64(buffer[state[POSITION]])
        state[POSITION] += 1
        raw |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return ((raw >> 1) & 0x7FFFFFFFFFFFFFFF) ^ -(raw & 1)
    state[FAULT] = DAMAGED
    return np.int64(0)


@helper
def _take(state: NDArray[np.int64], length: Word) -> Word:
    # Give where so many bytes begin and pass over them.
    begin = state[POSITION]
    if length < 0 or length > state[END] - begin:
        state[FAULT] = DAMAGED
        return begin
    state[POSITION] = begin + length
    return begin


@helper
def _little_endian(buffer: NDArray[np.uint8], begin: Word, length: Word) -> Word:
    bits: Word = np.int64(0)
    for step in range(length):
        bits |= np.int64(buffer[begin + step]) << np.int64(8 * step)
    return bits


@helper
def _step(steps: NDArray[np.int64], state: NDArray[np.int64]) -> tuple[int, int, int]:
    at = state[STEP]
    state[STEP] = at + 1
    return steps[at, 0], steps[at, 1], steps[at, 2]


@helper
def _put_literal(
    out: NDArray[np.uint8], at: Word, literals: NDArray[np.uint8], begin: Word, length: Word
) -> Word:
    if at + length > out.shape[0]:
        return -1
    for step in range(length):
        out[at + step] = literals[begin + step]
    return at + length


@helper
def _write(
    buffer: NDArray[np.uint8],
    program: AvroProgram,
    out: NDArray[np.uint8],
    state: NDArray[np.int64],
) -> None:
    # One step that reads a value and writes it; the numbers of a step: LITERAL begin, length;
    # TIME multiplier, divisor to microseconds; SKIP bytes.
    kind, first, second = _step(program.steps, state)
    at = state[BYTES]
    if kind == LITERAL:
        at = _put_literal(out, at, program.literals, first, second)
    elif kind == LONG:
        at = put_long(out, at, _long(buffer, state))
    elif kind == TIME:
        value = _long(buffer, state)
        # Past these bounds a multiplication would wrap around; both are far outside the calendar.
        value = min(max(value, -(2**52)), 2**52) if first > 1 else value
        at = put_time(out, at, value * first // second)
    elif kind == STRING:
        length = _long(buffer, state)
        begin = _take(state, length)
        if state[FAULT] == 0:
            at = put_string(out, at, buffer, begin, begin + length)
    elif kind in (SKIP, SKIP_BYTES):
        _take(state, first if kind == SKIP else _long(buffer, state))
    elif kind == BOOLEAN:
        begin = _take(state, 1)
        truth = state[FAULT] == 0 and buffer[begin] == 1
        if state[FAULT] == 0 and buffer[begin] > 1:
            state[FAULT] = DAMAGED
        at = _put_literal(out, at, program.literals, 0 if truth else 4, 4 if truth else 5)
    else:
        size = 4 if kind == FLOAT else 8
        begin = _take(state, size)
        if state[FAULT] == 0:
            bits = _little_endian(buffer, begin, size)
            if kind == FLOAT:
                at = put_double(out, at, np.float64(np.uint32(bits).view(np.float32)), 1)
            else:
                at = put_double(out, at, np.int64(bits).view(np.float64), 0)
    _settle(out, at, state)


@helper
def _settle(out: NDArray[np.uint8], at: Word, state: NDArray[np.int64]) -> None:
    if at > state[BYTES_MAX] or (at < 0 and out.shape[0] >= state[BYTES_MAX]):
        state[FAULT] = TOO_LARGE
    elif at < 0:
        state[FAULT] = NO_ROOM
    else:
        state[BYTES] = at


@helper
def _close(out: NDArray[np.uint8], closing: Word, state: NDArray[np.int64]) -> None:
    # The comma after the last member becomes the bracket.
    at = state[BYTES]
    if out[at - 1] == 0x2C:
        at -= 1
    if at >= out.shape[0]:
        state[FAULT] = NO_ROOM
        return
    out[at] = closing
    state[BYTES] = at + 1


@helper
def _move(
    buffer: NDArray[np.uint8],
    steps: NDArray[np.int64],
    out: NDArray[np.uint8],
    state: NDArray[np.int64],
) -> None:
    # One step that moves; its numbers: CHOICE how many JUMPs follow; JUMP where to; BLOCKS counter
    # and where its items are done; LOOP counter and where an item begins, before which stands the
    # step BLOCKS; CLOSE the bracket.
    kind, first, second = _step(steps, state)
    if kind == CHOICE:
        chosen = _long(buffer, state)
        if not 0 <= chosen < first:
            state[FAULT] = DAMAGED
            return
        # Straight to where the chosen JUMP leads.
        state[STEP] = steps[state[STEP] + chosen, 1]
    elif kind == JUMP:
        state[STEP] = first
    elif kind == BLOCKS:
        count = _long(buffer, state)
        if count < 0:
            count = -count
            _long(buffer, state)
        if count < 0:
            state[FAULT] = DAMAGED
        state[_COUNTERS + first] = count
        if count == 0:
            state[STEP] = second
    elif kind == LOOP:
        state[_COUNTERS + first] -= 1
        state[STEP] = second if state[_COUNTERS + first] > 0 else second - 1
    else:
        _close(out, first, state)


@helper
def _end_row(rows: NDArray[np.int64], state: NDArray[np.int64], fault: Word) -> None:
    row = state[ROWS]
    if row >= rows.shape[0]:
        state[FAULT] = NO_ROWS
    elif fault == 0 and row - state[FIRST_ROW] >= state[READS_MAX]:
        state[FAULT] = TOO_MANY
    else:
        rows[row, ROW_END] = state[BYTES]
        rows[row, ROW_RECORD] = state[RECORD]
        rows[row, ROW_FAULT] = fault
        state[ROWS] = row + 1


@routine
def _run(
    buffer: NDArray[np.uint8],
    program: AvroProgram,
    out: NDArray[np.uint8],
    rows: NDArray[np.int64],
    state: NDArray[np.int64],
) -> None:
    while state[FAULT] == 0:
        kind = program.steps[state[STEP], 0]
        if kind < CHOICE:
            _write(buffer, program, out, state)
        elif kind < READ_END:
            _move(buffer, program.steps, out, state)
        elif kind == READ_END:
            state[STEP] += 1
            _end_row(rows, state, 0)
        else:
            if state[POSITION] != state[END]:
                state[FAULT] = DAMAGED
            elif state[ROWS] == state[FIRST_ROW]:
                state[FAULT] = NO_READS
            return


@kernel(
    given(u8),
    given(i64, 2),
    record(AvroProgram, given(i64, 2), given(u8)),
    written(u8),
    written(i64, 2),
    written(i64),
)
def avro_texts(
    buffer: NDArray[np.uint8],
    bounds: NDArray[np.int64],
    program: AvroProgram,
    out: NDArray[np.uint8],
    rows: NDArray[np.int64],
    state: NDArray[np.int64],
) -> None:
    """Write Avro records as JSON texts, one a read, from the record in `state[RECORD]` on.

    Args:
        buffer: uint8 (bytes,).
        bounds: int64 (records, 2), where each record's datum begins and ends.
        program: what the schema says.
        out: uint8 (room,), written: the texts one after another.
        rows: int64 (room, 3), written, see `ROW_END`; a record with a fault has one empty row.
        state: int64 (STATE_WORDS,), zero but for the limits. Where out or rows are full, `FAULT` is
            `NO_ROOM` or `NO_ROWS`: call again with larger ones that begin with what was written.

    """
    while state[RECORD] < bounds.shape[0]:
        begin, end = bounds[state[RECORD], 0], bounds[state[RECORD], 1]
        bytes_before, rows_before = state[BYTES], state[ROWS]
        state[FAULT], state[STEP], state[FIRST_ROW] = 0, 0, rows_before
        state[POSITION], state[END] = begin, end
        allowed = min(state[RECORD_BYTES_MAX], _UNPACKED_FREE + _UNPACKED_PER_BYTE * (end - begin))
        state[BYTES_MAX] = bytes_before + allowed
        _run(buffer, program, out, rows, state)
        fault = state[FAULT]
        if fault != 0:
            state[BYTES], state[ROWS] = bytes_before, rows_before
            if fault < NO_ROOM:
                state[FAULT] = 0
                _end_row(rows, state, fault)
            if state[FAULT] != 0:
                return
        state[RECORD] += 1
