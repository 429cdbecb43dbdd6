"""Records of the native client: addresses while a batch gathers, columns once it is closed.

Why: the library's messages stay where they are until the batch is closed. Only then is its size
known, so that every value is copied once, into memory that is neither too small nor too large.
Copying a large batch is shared with a second thread, which also gives the messages back, at 100 ns
each, while the batch is already worked on.
"""

import ctypes
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from anpr_engine.kafka.client import Fault
from anpr_engine.kafka.native_library import Library
from anpr_engine.kafka.progress import Offsets
from anpr_engine.kernels.native_messages import (
    COLUMNS,
    ERROR,
    LENGTH,
    OFFSET,
    PARTITION,
    PAYLOAD_AT,
    copy_headers,
    describe_messages,
    destroy_messages,
    measure_headers,
    take_messages,
)
from anpr_engine.ports import DamagedRecord, RecordOrigin, RecordValues
from anpr_engine.wire import Header

Words = NDArray[np.int64]

SHARED_BYTES_MIN = 1 << 20
"""A smaller batch is copied faster than a second thread wakes."""


class HeaderRun(NamedTuple):
    """The headers of a batch in one run of bytes.

    rows: those that have any. first: int64 (rows + 1,), the number of each row's first header.
    ends: int64 (headers, 2), where each name and each value ends.
    """

    rows: NDArray[np.intp]
    first: Words
    text: bytes
    ends: Words

    def of(self, row: int) -> tuple[Header, ...]:
        """Give the headers of one row."""
        place = int(np.searchsorted(self.rows, row))
        if place == len(self.rows) or self.rows[place] != row:
            return ()
        found: list[Header] = []
        for header in range(self.first[place], self.first[place + 1]):
            begin = int(self.ends[header - 1, 1]) if header else 0
            middle, end = self.ends[header].tolist()
            name = self.text[begin:middle].decode(errors="replace")
            found.append((name, self.text[middle:end]))
        return tuple(found)


class NativeBatch:
    """One poll's records in columns; `damaged` names what was passed over to get to them."""

    __slots__ = ("_appended_at_ms", "_columns", "_headers", "_topic", "damaged", "values")

    def __init__(
        self,
        topic: str,
        values: RecordValues,
        columns: tuple[Words, Words],
        headers: HeaderRun,
        damaged: Sequence[DamagedRecord],
    ) -> None:
        """Take what was copied; columns: as `describe_messages` writes them, times of arrival."""
        self._topic = topic
        self.values: Sequence[bytes] = values
        self._columns, self._appended_at_ms = columns
        self._headers = headers
        self.damaged: Sequence[DamagedRecord] = damaged

    @property
    def headed(self) -> NDArray[np.intp]:
        """The rows of records whose headers may say how to read them, ascending."""
        return self._headers.rows

    def origin(self, row: int) -> RecordOrigin:
        """Say where the record in a row came from."""
        at_ms = int(self._appended_at_ms[row])
        return RecordOrigin(
            self._topic,
            int(self._columns[PARTITION, row]),
            int(self._columns[OFFSET, row]),
            at_ms * 1000 if at_ms >= 0 else -1,
        )

    def headers(self, row: int) -> tuple[Header, ...]:
        """Give the headers of a row of `headed`; one without a value gets `b""`."""
        return self._headers.of(row)


class MessageTaker:
    """Reads one client's messages and gives each back to the library once."""

    def __init__(self, library: Library, topic: str) -> None:
        """Prepare for messages of one topic."""
        self.library, self._topic = library, topic
        self._functions, self._scratch = library.functions()
        # Two threads must not write to the same scratch.
        self._functions_beside, self._scratch_beside = library.functions()
        self._beside = ThreadPoolExecutor(1, "kafka-drain")
        self._held: set[NativeChunk] = set()

    def chunk(self, messages: Words) -> "NativeChunk":
        """Take messages over from the library."""
        made = NativeChunk(self, messages)
        if len(messages):
            self._held.add(made)
        return made

    def give_back(self, messages: Words) -> None:
        """Give messages back."""
        destroy_messages(messages, self._functions)

    def let_go(self, chunk: "NativeChunk") -> None:
        """Forget a chunk that holds nothing any more."""
        self._held.discard(chunk)

    def release(self) -> None:
        """Give back what no batch was made of; nothing of it may be used any more."""
        for chunk in self._held:
            self.give_back(chunk.messages)
            chunk.clear()
        self._held.clear()

    def close(self) -> None:
        """Wait until every message is given back; no batch can be made afterwards."""
        self.release()
        self._beside.shutdown()

    def batch(
        self, chunks: Sequence["NativeChunk"], damaged: Sequence[DamagedRecord]
    ) -> NativeBatch:
        """Copy the records of chunks without faults, and give their messages back."""
        parts = [self.chunk(np.empty(0, dtype=np.int64)), *chunks]
        messages = np.concatenate([chunk.messages for chunk in parts])
        columns = np.concatenate([chunk.columns for chunk in parts], axis=1)
        bounds = np.zeros(len(messages) + 1, dtype=np.int64)
        np.cumsum(columns[LENGTH], out=bounds[1:])
        values = RecordValues(np.empty(int(bounds[-1]), dtype=np.uint8), bounds)
        appended_at_ms = np.empty(len(messages), dtype=np.int64)
        headed = np.empty(len(messages), dtype=np.uint8)
        self._take(messages, values, appended_at_ms, headed)
        headers = self._headers(messages, np.flatnonzero(headed))
        self._give_back(messages, int(bounds[-1]))
        for chunk in chunks:
            chunk.clear()
        self._held.difference_update(chunks)
        return NativeBatch(self._topic, values, (columns, appended_at_ms), headers, damaged)

    def _take(
        self,
        messages: Words,
        values: RecordValues,
        appended_at_ms: Words,
        headed: NDArray[np.uint8],
    ) -> None:
        buffer, bounds, size = values.buffer, values.bounds, int(values.bounds[-1])

        def take(first: int, end: int, functions: Words) -> None:
            rows, found = slice(first, end), bounds[first : end + 1]
            take_messages(
                messages[rows], found, functions, buffer, appended_at_ms[rows], headed[rows]
            )

        half = int(np.searchsorted(bounds, size // 2)) if size >= SHARED_BYTES_MIN else 0
        beside = self._beside.submit(take, 0, half, self._functions_beside) if half else None
        take(half, len(messages), self._functions)
        if beside is not None:
            beside.result()

    def _give_back(self, messages: Words, size_bytes: int) -> None:
        if size_bytes >= SHARED_BYTES_MIN:
            self._beside.submit(self.give_back, messages)
        else:
            self.give_back(messages)

    def _headers(self, messages: Words, rows: NDArray[np.intp]) -> HeaderRun:
        chosen = messages[rows]
        sizes = np.zeros((len(rows), 2), dtype=np.int64)
        if len(rows):
            measure_headers(chosen, self._functions, sizes)
        count, size = sizes.sum(axis=0).tolist()
        text, ends = np.empty(size, dtype=np.uint8), np.empty((count, 2), dtype=np.int64)
        if count:
            copy_headers(chosen, self._functions, sizes, text, ends)
        first = np.zeros(len(rows) + 1, dtype=np.int64)
        np.cumsum(sizes[:, 0], out=first[1:])
        return HeaderRun(rows, first, text.tobytes(), ends)


class NativeChunk:
    """The messages of one poll, still the library's."""

    __slots__ = ("_taker", "columns", "messages")

    def __init__(self, taker: MessageTaker, messages: Words) -> None:
        """Read what each message says of itself."""
        self._taker, self.messages = taker, messages
        self.columns = np.empty((COLUMNS, len(messages)), dtype=np.int64)
        describe_messages(messages, self.columns)

    def __len__(self) -> int:
        """Count records and faults."""
        return len(self.messages)

    @property
    def size_bytes(self) -> int:
        """The length of all values."""
        return int(self.columns[LENGTH].sum())

    def faults(self) -> list[Fault]:
        """Give the faults in order."""
        return [self._fault(row) for row in np.flatnonzero(self.columns[ERROR]).tolist()]

    def starts(self) -> Offsets:
        """Give the first offset of each partition that has a record here."""
        records = self.columns[:, self.columns[ERROR] == 0]
        partitions, rows = np.unique(records[PARTITION], return_index=True)
        return dict(zip(partitions.tolist(), records[OFFSET, rows].tolist(), strict=True))

    def drop(self, ends: Mapping[int, int]) -> None:
        """Drop all faults, and the records of these partitions from these offsets on."""
        columns = self.columns
        kept = columns[ERROR] == 0
        for partition, end in ends.items():
            kept &= (columns[PARTITION] != partition) | (columns[OFFSET] < end)
        self._keep(kept)

    def drop_from(self, row: int) -> None:
        """Drop all faults, and the records from a row on."""
        kept = self.columns[ERROR] == 0
        kept[row:] = False
        self._keep(kept)

    def taken_before(self, offset: int) -> "NativeChunk":
        """Give the records before an offset, of one partition, and keep the others.

        Gives itself where there are no others.
        """
        count = int(np.searchsorted(self.columns[OFFSET], offset))
        if count == len(self):
            return self
        taken = self._taker.chunk(self.messages[:count])
        self.messages, self.columns = self.messages[count:], self.columns[:, count:]
        return taken

    def _keep(self, kept: NDArray[np.bool_]) -> None:
        if not kept.all():
            gone = self.messages[~kept]
            self.messages, self.columns = self.messages[kept], self.columns[:, kept]
            self._taker.give_back(gone)
            if not len(self):
                self._taker.let_go(self)

    def clear(self) -> None:
        """Forget the messages, which are no longer ours."""
        self.messages, self.columns = self.messages[:0], self.columns[:, :0]

    def _fault(self, row: int) -> Fault:
        code, partition, offset, length = self.columns[:, row].tolist()
        payload = ctypes.c_void_p.from_address(int(self.messages[row]) + PAYLOAD_AT).value
        text = ctypes.string_at(payload, length) if payload and length > 0 else None
        error = self._taker.library.fault(code, text)
        return Fault(partition, max(offset, -1), error)
