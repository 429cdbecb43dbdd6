"""What an Arrow stream says of itself, before any of it is unpacked.

Reads the frames of the IPC streaming format and the few fields of their metadata (FlatBuffers)
that tell how much there is: rows, and bytes once decompressed. Nothing is trusted: every position
is looked at before it is used.

Why the schema's message is compared with the one before: a concentrator sends the same bytes in
front of every record, and what was found of them once holds again.

Source: Apache Arrow, Columnar Format, "IPC Streaming Format", and `Message.fbs`.
"""

import struct
from collections.abc import Iterator
from operator import add
from typing import NamedTuple

from anpr_engine.pipeline.batches.rules import (
    RecordRefused,
    RecordRules,
    too_large,
    too_many,
    unreadable,
)
from anpr_engine.records.rejected_read import RejectReason

_CONTINUES = 0xFFFFFFFF
_SCHEMA, _DICTIONARY, _BATCH = 1, 2, 3
_METADATA_BYTES_MAX = 1 << 20
_NODES_MAX = 4096
_ITEMS_PER_READ_MAX = 64
"""The longest list that a read may hold; no column is longer than this by its rows."""


_BYTE, _SHORT, _OFFSET, _WORD, _LONG = (struct.Struct(f"<{form}") for form in "BHiIq")
_FIELDS_MAX = 64
"""Bytes of a table's places that are looked at; no field asked for stands behind them."""


def _from(form: struct.Struct, data: bytes, at: int) -> int:
    # struct counts a negative position from the end.
    if at < 0:
        raise struct.error("before the beginning")
    number: int = form.unpack_from(data, at)[0]
    return number


class _Table:
    """One FlatBuffers table; raises `struct.error` where a position is outside."""

    def __init__(self, data: bytes, at: int) -> None:
        self._data, self._at = data, at
        fields = at - _from(_OFFSET, data, at)
        size = _from(_SHORT, data, fields)
        # Two of the places are sizes; a field is looked up behind them.
        count = min(size, _FIELDS_MAX) // 2
        self._places: tuple[int, ...] = struct.unpack_from(f"<{count}H", data, fields)

    def _place(self, field: int) -> int:
        # 0 where it is not told: there lies the root's position.
        entry = 2 + field
        if entry >= len(self._places) or not self._places[entry]:
            return 0
        return self._at + self._places[entry]

    def number(self, field: int, form: struct.Struct) -> int:
        """Give a number, 0 where it is not told."""
        at = self._place(field)
        return _from(form, self._data, at) if at else 0

    def table(self, field: int) -> "_Table | None":
        """Give a table, None where there is none."""
        at = self._place(field)
        return _Table(self._data, at + _from(_WORD, self._data, at)) if at else None

    def pairs(self, field: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Give a vector of pairs of 64-bit numbers: the first of each, and the second."""
        at = self._place(field)
        if not at:
            return (), ()
        at += _from(_WORD, self._data, at)
        count = _from(_WORD, self._data, at)
        if count > _NODES_MAX:
            raise struct.error("too many columns")
        end = at + 4 + 16 * count
        if end > len(self._data):
            raise struct.error("past the end")
        numbers = struct.unpack_from(f"<{2 * count}q", self._data, at + 4)
        return numbers[::2], numbers[1::2]


class Stream(NamedTuple):
    """One whole stream.

    schema: its first message. rest: the others, without the end mark. rows, size: reads, and bytes
    once unpacked. dictionaries: their ids, None where some come late or grow, so that the stream
    cannot be read behind another.
    """

    schema: bytes
    rest: memoryview
    rows: int
    size: int
    dictionaries: tuple[int, ...] | None


def check_stream(value: bytes | memoryview, rules: RecordRules, known: bytes = b"") -> Stream:
    """Make sure that a stream is whole, and unpacks to no more than is allowed.

    Args:
        value: the record, bytes.
        rules: what is allowed.
        known: the `schema` of a stream that was found whole, or nothing.

    Raises:
        RecordRefused: it is cut short or damaged, holds no or too many reads, or unpacks too large.

    """
    data = memoryview(value)
    rows = size = 0
    # The very object where the bytes are the same: it knows its hash.
    schema = known if bytes(data[: len(known)]) == known else b""
    first_end = end = len(schema)
    dictionaries: list[int] = []
    in_order = True
    try:
        for message, body, message_end in _messages(data, first_end):
            kind, header, end = message.number(1, _BYTE), message.table(2), message_end
            if (kind == _SCHEMA) != (first_end == 0) or header is None:
                raise unreadable("a message that does not belong here")
            if kind == _SCHEMA:
                first_end = message_end
                continue
            batch = header.table(1) if kind == _DICTIONARY else header
            if kind not in (_DICTIONARY, _BATCH) or batch is None:
                raise unreadable("a message that does not belong here")
            if kind == _DICTIONARY:
                dictionaries.append(header.number(0, _LONG))
                in_order &= rows == 0 and header.number(2, _BYTE) == 0
            rows += _rows_of(batch, rules) if kind == _BATCH else 0
            size += _unpacked_bytes(batch, body, rules)
            if rows > rules.reads_max:
                raise too_many(rules.reads_max)
            if size > rules.unpacked_bytes_max:
                raise too_large(rules.unpacked_bytes_max)
    except struct.error:
        raise unreadable("the metadata of an Arrow message is damaged") from None
    if rows == 0:
        raise RecordRefused(RejectReason.EMPTY, "the Arrow stream holds no reads")
    ids = tuple(dictionaries) if in_order else None
    return Stream(schema or bytes(data[:first_end]), data[first_end:end], rows, size, ids)


def schema_message(value: memoryview) -> bytes:
    """Give the first message of a stream, which is not looked at; nothing where there is none."""
    if len(value) < 8:
        return b""
    mark, size = struct.unpack_from("<Ii", value)
    whole = mark == _CONTINUES and 0 < size <= min(_METADATA_BYTES_MAX, len(value) - 8)
    return bytes(value[: 8 + size]) if whole else b""


def is_little_endian(message: bytes) -> bool:
    """Say whether a schema's message tells of numbers with their lowest byte first.

    Raises:
        struct.error: it is damaged.

    """
    metadata = message[8:]
    schema = _Table(metadata, _from(_WORD, metadata, 0)).table(2)
    return schema is not None and schema.number(0, _SHORT) == 0


def _rows_of(batch: _Table, rules: RecordRules) -> int:
    length = batch.number(0, _LONG)
    if not 0 <= length <= rules.reads_max:
        raise too_many(rules.reads_max)
    return length


def _messages(data: memoryview, at: int) -> Iterator[tuple[_Table, memoryview, int]]:
    # Metadata and body of each message, and its end. The end of all must be told: a stream cut
    # between two messages looks whole otherwise, and reads would be lost in silence.
    while True:
        if at + 8 > len(data):
            raise unreadable("the Arrow stream is cut short")
        mark, size = struct.unpack_from("<Ii", data, at)
        at += 8
        if mark != _CONTINUES:
            raise unreadable("no Arrow stream, or one of a form before version 1.0")
        if size == 0:
            break
        if not 0 < size <= _METADATA_BYTES_MAX or at + size > len(data) or size % 8:
            raise unreadable("the Arrow stream is cut short")
        metadata = bytes(data[at : at + size])
        at += size
        message = _Table(metadata, struct.unpack_from("<I", metadata)[0])
        body_bytes = message.number(3, _LONG)
        if body_bytes < 0 or at + body_bytes > len(data) or body_bytes % 8:
            raise unreadable("the Arrow stream is cut short")
        at += body_bytes
        yield message, data[at - body_bytes : at], at
    if at != len(data):
        raise unreadable("bytes behind the end of the Arrow stream")


def _unpacked_bytes(batch: _Table, body: memoryview, rules: RecordRules) -> int:
    # No column is longer than the longest lists of all reads. A compressed buffer begins with its
    # size without compression; -1 stands for none.
    items_max = rules.reads_max * _ITEMS_PER_READ_MAX
    counts, _ = batch.pairs(1)
    if counts and not 0 <= min(counts) <= max(counts) <= items_max:
        raise too_large(rules.unpacked_bytes_max)
    begins, lengths = batch.pairs(2)
    if not begins:
        return 0
    if min(begins) < 0 or min(lengths) < 0 or max(map(add, begins, lengths)) > len(body):
        raise unreadable("a buffer outside its Arrow message")
    if batch.table(3) is None:
        return sum(lengths)
    size = 0
    for at, length in zip(begins, lengths, strict=True):
        if length == 0:
            continue
        if length < 8:
            raise unreadable("a compressed buffer without its size")
        told = struct.unpack_from("<q", body, at)[0]
        if told < -1:
            raise unreadable("a compressed buffer without its size")
        size += length if told == -1 else told
    return size


NOT_INSTALLED = (
    RejectReason.FORMAT_NOT_INSTALLED,
    "Arrow needs the package pyarrow: anpr-engine[parquet]",
)
