"""One partition of a topic's past, read by the native client: no Python object a record."""

from collections.abc import Sequence

import numpy as np

from anpr_engine.kafka.client import Fault
from anpr_engine.kafka.client_settings import Properties
from anpr_engine.kafka.errors import PASSING
from anpr_engine.kafka.native_batch import NativeBatch, NativeChunk
from anpr_engine.kafka.native_client import NativeClient
from anpr_engine.kafka.native_library import Library
from anpr_engine.kafka.reading import AT_END, BATCH_BYTES, FIRST_RECORDS, LOOK_S, room_for
from anpr_engine.kernels.native_messages import ERROR, OFFSET
from anpr_engine.ports import DamagedRecord

BATCH_RECORDS = 32_768


class NativeReading:
    """`reading.Reading` on the C library, with a client of its own."""

    def __init__(
        self, library: Library, properties: Properties, topic: str, partition: int
    ) -> None:
        """Make a client; nothing is asked of the brokers yet."""
        self._client = NativeClient(library, properties, topic)
        self._partition = partition
        self._chunks: list[NativeChunk] = []
        self._room = FIRST_RECORDS
        self.known = 0

    def go_to(self, offset: int) -> None:
        """Read from an offset on; what was fetched from before it stays."""
        for chunk in self._chunks:
            chunk.drop({self._partition: offset})
        self._chunks = [chunk for chunk in self._chunks if len(chunk)]
        self.known = offset
        self._client.read_from(self._partition, offset)

    def has_before(self, end: int) -> bool:
        """Say whether there is a record to take."""
        return bool(self._chunks) and int(self._chunks[0].columns[OFFSET, 0]) < end

    def fetch(self) -> Fault | None:
        """Fetch what is there, a batch at most, up to the first fault, which is given."""
        wait_s = LOOK_S
        while True:
            chunk = self._client.poll(self._room, wait_s)
            fault = self._keep(chunk)
            records = sum(map(len, self._chunks))
            size = sum(each.size_bytes for each in self._chunks)
            if records:
                self._room = room_for(size // records)
            full = records >= BATCH_RECORDS or size >= BATCH_BYTES
            if fault is not None or full or not len(chunk):
                return fault
            wait_s = 0

    def _keep(self, chunk: NativeChunk) -> Fault | None:
        # Keep the records that come before a fault; where the end of what there is was met, nothing
        # unknown lies before it.
        fault, end = None, len(chunk)
        rows = np.flatnonzero(chunk.columns[ERROR]).tolist()
        for row, each in zip(rows, chunk.faults(), strict=True):
            if each.error.code() == AT_END:
                self.known = max(self.known, each.offset)
            elif each.error.code() not in PASSING:
                fault, end = each, row
                break
        chunk.drop_from(end)
        if len(chunk):
            self.known = max(self.known, int(chunk.columns[OFFSET, -1]) + 1)
            self._chunks.append(chunk)
        return fault

    def take(self, end: int, damaged: Sequence[DamagedRecord]) -> NativeBatch:
        """Take what was fetched and lies before an offset."""
        taken: list[NativeChunk] = []
        while self.has_before(end):
            taken.append(self._chunks[0].taken_before(end))
            if taken[-1] is self._chunks[0]:
                self._chunks.pop(0)
        return self._client.batch(taken, damaged)

    def close(self) -> None:
        """Close the client; what was not taken goes with it."""
        self._chunks = []
        self._client.close()
