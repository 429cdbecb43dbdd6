"""Record batches in Arrow streams of a schema that is known, found without an object for each.

Reads the frames of the IPC streaming format and their metadata (FlatBuffers), and believes no
position that it has not looked at. A stream that is not wholly as expected (another schema,
dictionaries, compression, a damaged or missing part, too many reads) is left to the careful path,
which alone refuses records.

Why: looking at one stream of some hundred reads in Python costs as much as taking its columns.

Source: Apache Arrow, Columnar Format, "IPC Streaming Format", and `Message.fbs`.
"""

import numpy as np
from numpy.typing import NDArray

from anpr_engine.kernels._jit import Word, given, helper, i64, kernel, u8, written
from anpr_engine.kernels._memory import eight_bytes

STREAM, ROWS, FIRST, NODES_AT, BUFFERS_AT, BODY_AT, SOUND = range(7)
FRAME_WORDS = 7
"""Of a record batch: its stream, its reads, the number of the first of them in the whole, where the
sizes of its columns and of their buffers are told, where its body begins, and whether all of it can
be taken."""

NODES, BUFFERS, ROWS_MAX, BYTES_MAX = range(4)
LIMITS = 4
"""What a record batch must have, and a stream may have at most."""

NODE_BYTES = BUFFER_BYTES = 16
_CONTINUES = 0xFFFFFFFF
_LOW_HALF, _LOW_SHORT, _LOW_BYTE = 0xFFFFFFFF, 0xFFFF, 0xFF
_VERSION_5, _RECORD_BATCH = 4, 3
_END_BYTES = 8
"""The mark at the end of a stream, behind everything that is looked at."""


@helper
def long_at(buffer: NDArray[np.uint8], at: Word) -> Word:
    """Read a signed number of eight bytes."""
    return np.int64(eight_bytes(buffer, at))


@helper
def word_at(buffer: NDArray[np.uint8], at: Word) -> Word:
    """Read a signed number of four bytes, which four more must follow."""
    return np.int64(np.int32(long_at(buffer, at) & _LOW_HALF))


@helper
def _short_at(buffer: NDArray[np.uint8], at: Word) -> Word:
    return long_at(buffer, at) & _LOW_SHORT


@helper
def _field(buffer: NDArray[np.uint8], table: Word, within: tuple[Word, Word], field: Word) -> Word:
    # Where a table's field stands, 0 where it is not told, -1 where that is outside.
    begin, end = within
    if not begin <= table <= end - _END_BYTES:
        return -1
    places = table - word_at(buffer, table)
    entry = 4 + 2 * field
    if not begin <= places <= end - _END_BYTES:
        return -1
    if entry + 2 > _short_at(buffer, places):
        return 0
    if places + entry > end - _END_BYTES:
        return -1
    offset = _short_at(buffer, places + entry)
    at = table + offset
    return 0 if offset == 0 else (at if at <= end - _END_BYTES else -1)


@helper
def _vector(buffer: NDArray[np.uint8], at: Word, within: tuple[Word, Word], count: Word) -> Word:
    # Where the pairs of numbers of a vector begin, -1 unless there are so many.
    begin, end = within
    if at <= 0:
        return -1
    at += word_at(buffer, at)
    if not begin <= at <= end - _END_BYTES or word_at(buffer, at) != count:
        return -1
    return at + 4 if at + 4 + NODE_BYTES * count <= end - _END_BYTES else -1


@helper
def _pairs_fit(
    buffer: NDArray[np.uint8], nodes: Word, buffers: Word, limits: NDArray[np.int64], body: Word
) -> Word:
    # The bytes of all buffers, -1 where a size cannot be.
    for node in range(limits[NODES]):
        length = long_at(buffer, nodes + NODE_BYTES * node)
        missing = long_at(buffer, nodes + NODE_BYTES * node + 8)
        if not 0 <= missing <= length:
            return -1
    size: Word = np.int64(0)
    for place in range(limits[BUFFERS]):
        at = long_at(buffer, buffers + BUFFER_BYTES * place)
        length = long_at(buffer, buffers + BUFFER_BYTES * place + 8)
        if at % 8 or not 0 <= at <= body or not 0 <= length <= body - at:
            return -1
        size += length
    return size


@helper
def _batch(
    buffer: NDArray[np.uint8],
    message: tuple[Word, Word, Word],
    limits: NDArray[np.int64],
    frame: NDArray[np.int64],
) -> Word:
    # One message, from its metadata on: the bytes of its buffers, -1 where it is not plain.
    begin, body, end = message
    within = begin, body + _END_BYTES
    root = begin + (long_at(buffer, begin) & _LOW_HALF)
    version = _field(buffer, root, within, 0)
    kind = _field(buffer, root, within, 1)
    header = _field(buffer, root, within, 2)
    size = _field(buffer, root, within, 3)
    if version <= 0 or kind <= 0 or header <= 0 or size < 0:
        return -1
    if _short_at(buffer, version) != _VERSION_5:
        return -1
    if long_at(buffer, kind) & _LOW_BYTE != _RECORD_BATCH:
        return -1
    body_bytes = long_at(buffer, size) if size else 0
    if body_bytes < 0 or body_bytes % 8 or body_bytes > end - _END_BYTES - body:
        return -1
    table = header + word_at(buffer, header)
    rows = _field(buffer, table, within, 0)
    nodes = _vector(buffer, _field(buffer, table, within, 1), within, limits[NODES])
    buffers = _vector(buffer, _field(buffer, table, within, 2), within, limits[BUFFERS])
    # Compressed, or with buffers that no other count tells of.
    if _field(buffer, table, within, 3) != 0 or _field(buffer, table, within, 4) != 0:
        return -1
    if rows <= 0 or nodes < 0 or buffers < 0:
        return -1
    frame[ROWS] = long_at(buffer, rows)
    if not 1 <= frame[ROWS] <= limits[ROWS_MAX]:
        return -1
    frame[NODES_AT], frame[BUFFERS_AT], frame[BODY_AT] = nodes, buffers, body
    # The body's end, until the number of the first read is known.
    frame[FIRST] = body + body_bytes
    return _pairs_fit(buffer, nodes, buffers, limits, body_bytes)


@helper
def _stream(
    buffer: NDArray[np.uint8],
    at: Word,
    end: Word,
    limits: NDArray[np.int64],
    frames: NDArray[np.int64],
) -> tuple[Word, Word]:
    # A stream's record batches and reads, from its second message on; none where it is not plain.
    rows: Word = np.int64(0)
    size: Word = np.int64(0)
    found = 0
    while at + _END_BYTES <= end:
        mark = eight_bytes(buffer, at)
        metadata = np.int64(mark >> np.uint64(32))
        at += 8
        if mark & np.uint64(_LOW_HALF) != np.uint64(_CONTINUES):
            return 0, 0
        if metadata == 0:
            return (found, rows) if at == end else (0, 0)
        if metadata % 8 or not 0 < metadata <= end - _END_BYTES - at or found == frames.shape[0]:
            return 0, 0
        frame = frames[found]
        bytes_found = _batch(buffer, (at, at + metadata, end), limits, frame)
        if bytes_found < 0:
            return 0, 0
        at, found = frame[FIRST], found + 1
        rows += frame[ROWS]
        size += bytes_found
        if rows > limits[ROWS_MAX] or size > limits[BYTES_MAX]:
            return 0, 0
    return 0, 0


@kernel(given(u8), given(i64, 2), given(u8), given(i64), written(i64, 2), written(i64, 2))
def find_frames(
    buffer: NDArray[np.uint8],
    streams: NDArray[np.int64],
    schema: NDArray[np.uint8],
    limits: NDArray[np.int64],
    frames: NDArray[np.int64],
    found: NDArray[np.int64],
) -> None:
    """Find the record batches of streams that begin with a schema.

    Args:
        buffer: uint8 (bytes,).
        streams: int64 (m, 2), where each begins and ends.
        schema: uint8, the first message, as it must be to the byte.
        limits: int64 (LIMITS,), columns and buffers of a record batch, reads and bytes at most.
        frames: int64 (room, FRAME_WORDS), written in order of streams; see above.
        found: int64 (m, 2), written: record batches and reads of each; 0 where it is not plain, or
            there is no room.
    """
    total = 0
    first: Word = np.int64(0)
    for stream in range(streams.shape[0]):
        begin, end = streams[stream, 0], streams[stream, 1]
        found[stream] = 0
        alike = end - begin >= schema.shape[0]
        for at in range(schema.shape[0] if alike else 0):
            alike &= buffer[begin + at] == schema[at]
        if not alike:
            continue
        batches, rows = _stream(buffer, begin + schema.shape[0], end, limits, frames[total:])
        found[stream, 0], found[stream, 1] = batches, rows
        for frame in range(total, total + batches):
            frames[frame, STREAM], frames[frame, FIRST], frames[frame, SOUND] = stream, first, 0
            first += frames[frame, ROWS]
        total += batches
