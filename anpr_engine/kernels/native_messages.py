"""Messages of the Kafka client library to columns and one run of bytes, without an object each.

A message is known by its address; its layout and the functions asked about it are part of the
library's public interface (`rd_kafka_message_t` of rdkafka.h), for 64-bit machines.

Why: taking a million values a second out of the library as Python objects costs a core; copying
their bytes costs a tenth of one. Asking for headers is the dearest part of that (70 of 100 ns, for
the library unpacks even none), so it is done only where they could matter.
"""

import numpy as np
from numpy.typing import NDArray

from anpr_engine.kernels._jit import Word, given, helper, i64, kernel, u8, written
from anpr_engine.kernels._memory import call_foreign, copy_memory, peek_i32, peek_i64, peek_u8

ERROR_AT, PARTITION_AT, PAYLOAD_AT, LENGTH_AT, OFFSET_AT = 0, 16, 24, 32, 56
MESSAGE_BYTES = 72
"""Where the parts of a message stand, and its size, in bytes."""

ERROR, PARTITION, OFFSET, LENGTH = range(4)
COLUMNS = 4
"""Rows of the table that `describe_messages` writes, and how many."""

TIMESTAMP, HEADERS, HEADER_AT, DESTROY, SCRATCH = range(5)
FUNCTIONS = 5
"""Places in `functions`: the addresses of rd_kafka_message_timestamp, rd_kafka_message_headers,
rd_kafka_header_get_all, rd_kafka_message_destroy, and of 32 bytes to write to."""

_LOG_APPEND_TIME = 2
_LOW_HALF = 0xFFFFFFFF
_BRACE, _NEW_LINE = 0x7B, 0x0A


@helper
def _is_plain_object(buffer: NDArray[np.uint8], begin: Word, end: Word) -> Word:
    if begin == end or buffer[begin] != _BRACE:
        return False
    # To the end, over a slice, in bytes: so it compiles to vector instructions, 20 ns for 100.
    value = buffer[begin:end]
    found = np.uint8(0)
    for at in range(value.shape[0]):
        found |= np.uint8(value[at] == _NEW_LINE)
    return found == 0


@kernel(given(i64), written(i64, 2))
def describe_messages(messages: NDArray[np.int64], columns: NDArray[np.int64]) -> None:
    """Read what each message says of itself.

    Args:
        messages: int64 (messages,), their addresses.
        columns: int64 (COLUMNS, messages), written: error code (0 for a record), partition,
            offset, length of the value in bytes (0 for none).

    """
    for row in range(messages.shape[0]):
        message = messages[row]
        columns[ERROR, row] = peek_i32(message + ERROR_AT)
        columns[PARTITION, row] = peek_i32(message + PARTITION_AT)
        columns[OFFSET, row] = peek_i64(message + OFFSET_AT)
        present = peek_i64(message + PAYLOAD_AT) != 0
        columns[LENGTH, row] = peek_i64(message + LENGTH_AT) if present else 0


@kernel(given(i64), given(i64), given(i64), written(u8), written(i64), written(u8))
def take_messages(
    messages: NDArray[np.int64],
    bounds: NDArray[np.int64],
    functions: NDArray[np.int64],
    buffer: NDArray[np.uint8],
    appended_at_ms: NDArray[np.int64],
    headed: NDArray[np.uint8],
) -> None:
    """Copy the values of messages into one run of bytes.

    Args:
        messages: int64 (messages,), their addresses.
        bounds: int64 (messages + 1,), where each value goes, and the end of the last.
        functions: int64 (FUNCTIONS,).
        buffer: uint8 (bytes,), written.
        appended_at_ms: int64 (messages,), written: the broker's time of arrival, -1 when unknown.
        headed: uint8 (messages,), written: 1 for a message with headers whose value is not one
            line that begins with a brace.

    """
    scratch = functions[SCRATCH]
    for row in range(messages.shape[0]):
        message, begin, end = messages[row], bounds[row], bounds[row + 1]
        copy_memory(buffer, begin, peek_i64(message + PAYLOAD_AT), end - begin)
        at_ms = call_foreign(functions[TIMESTAMP], (message, scratch))
        appended_at_ms[row] = at_ms if peek_i32(scratch) == _LOG_APPEND_TIME else -1
        headed[row] = 0
        if not _is_plain_object(buffer, begin, end):
            missing = call_foreign(functions[HEADERS], (message, scratch)) & _LOW_HALF
            headed[row] = 0 if missing else 1


@kernel(given(i64), given(i64))
def destroy_messages(messages: NDArray[np.int64], functions: NDArray[np.int64]) -> None:
    """Give messages back to the library; their addresses mean nothing any more."""
    for row in range(messages.shape[0]):
        call_foreign(functions[DESTROY], (messages[row],))


@helper
def _text_length(address: Word) -> Word:
    length = np.int64(0)
    while peek_u8(address + length) != 0:
        length += 1
    return length


@kernel(given(i64), given(i64), written(i64, 2))
def measure_headers(
    messages: NDArray[np.int64], functions: NDArray[np.int64], sizes: NDArray[np.int64]
) -> None:
    """Say how much room the headers of messages take.

    Args:
        messages: int64 (messages,), the addresses of messages that have headers.
        functions: int64 (FUNCTIONS,).
        sizes: int64 (messages, 2), written: number of headers, bytes of their names and values.

    """
    scratch = functions[SCRATCH]
    for row in range(messages.shape[0]):
        call_foreign(functions[HEADERS], (messages[row], scratch))
        headers = peek_i64(scratch)
        count, size = np.int64(0), np.int64(0)
        while True:
            parts = (headers, count, scratch + 8, scratch + 16, scratch + 24)
            if call_foreign(functions[HEADER_AT], parts) & _LOW_HALF:
                break
            size += _text_length(peek_i64(scratch + 8)) + peek_i64(scratch + 24)
            count += 1
        sizes[row, 0] = count
        sizes[row, 1] = size


@kernel(given(i64), given(i64), given(i64, 2), written(u8), written(i64, 2))
def copy_headers(
    messages: NDArray[np.int64],
    functions: NDArray[np.int64],
    sizes: NDArray[np.int64],
    buffer: NDArray[np.uint8],
    ends: NDArray[np.int64],
) -> None:
    """Copy the headers of messages into one run of bytes, each name before its value.

    Args:
        messages: int64 (messages,), the addresses of messages that have headers.
        functions: int64 (FUNCTIONS,).
        sizes: int64 (messages, 2), as `measure_headers` wrote them.
        buffer: uint8 (bytes,), written.
        ends: int64 (headers, 2), written: where in the buffer each name and each value ends.

    """
    scratch = functions[SCRATCH]
    at, header = np.int64(0), 0
    for row in range(messages.shape[0]):
        call_foreign(functions[HEADERS], (messages[row], scratch))
        headers = peek_i64(scratch)
        for place in range(sizes[row, 0]):
            parts = (headers, place, scratch + 8, scratch + 16, scratch + 24)
            call_foreign(functions[HEADER_AT], parts)
            name, value = peek_i64(scratch + 8), peek_i64(scratch + 16)
            length = _text_length(name)
            copy_memory(buffer, at, name, length)
            ends[header, 0] = at + length
            at += length + peek_i64(scratch + 24)
            copy_memory(buffer, ends[header, 0], value, at - ends[header, 0])
            ends[header, 1] = at
            header += 1
