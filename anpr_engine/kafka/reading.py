"""One partition of a topic's past, read by the ordinary client: what `history` goes through.

Partitions are assigned by hand. A reading tells what it has fetched, and how far nothing else can
come: ranges end at markers of transactions, of which only events at the end of what there is tell.
"""

from collections.abc import Sequence
from typing import Protocol

from confluent_kafka import Consumer, KafkaError, Message, TopicPartition

from anpr_engine.kafka.batch import KafkaBatch
from anpr_engine.kafka.client import Fault
from anpr_engine.kafka.errors import PASSING
from anpr_engine.ports import DamagedRecord, RecordBatch

LOOK_S = 0.1
FIRST_RECORDS, RECORDS_MAX, BATCH_BYTES = 256, 8192, 8 * 1024 * 1024
"""Records asked for at once: few until their size is known, then about so many bytes."""
AT_END = KafkaError._PARTITION_EOF  # noqa: SLF001 - the library's own name


class Reading(Protocol):
    """Records fetched and not yet taken; `known`: every record before it was, or there is none."""

    @property
    def known(self) -> int:
        """The offset that nothing unknown lies before."""
        ...

    def go_to(self, offset: int) -> None:
        """Read from an offset on; what was fetched from before it stays."""
        ...

    def has_before(self, end: int) -> bool:
        """Say whether there is a record to take."""
        ...

    def fetch(self) -> Fault | None:
        """Fetch once, up to the first fault, which is given; what comes after it is no worth."""
        ...

    def take(self, end: int, damaged: Sequence[DamagedRecord]) -> RecordBatch:
        """Take what was fetched and lies before an offset; the rest is for later."""
        ...

    def close(self) -> None:
        """Release what this reading alone uses."""
        ...


def room_for(size_bytes: int) -> int:
    """Give how many records of a size to ask for at once."""
    return max(1, min(RECORDS_MAX, BATCH_BYTES // max(size_bytes, 1)))


class PlainReading:
    """`Reading` on the library's Python objects."""

    def __init__(self, consumer: Consumer, place: TopicPartition) -> None:
        """Read a place's partition with a consumer that stays the caller's."""
        self._consumer, self._place = consumer, place
        self._fetched: list[Message] = []
        self._room = FIRST_RECORDS
        self.known = 0

    def go_to(self, offset: int) -> None:
        """Read from an offset on; what was fetched from before it stays."""
        self._fetched = [each for each in self._fetched if _offset(each) < offset]
        self.known = offset
        place = TopicPartition(self._place.topic, self._place.partition, offset)
        self._consumer.assign([place])

    def has_before(self, end: int) -> bool:
        """Say whether there is a record to take."""
        return bool(self._fetched) and _offset(self._fetched[0]) < end

    def fetch(self) -> Fault | None:
        """Fetch once, up to the first fault, which is given."""
        for message in self._consumer.consume(self._room, LOOK_S):
            error, offset = message.error(), _offset(message)
            if error is None:
                self._fetched.append(message)
                self.known = offset + 1
            elif error.code() == AT_END:
                self.known = max(self.known, offset)
            elif error.code() not in PASSING:
                return Fault(self._place.partition, offset, error)
        if self._fetched:
            self._room = room_for(sum(map(len, self._fetched)) // len(self._fetched))
        return None

    def take(self, end: int, damaged: Sequence[DamagedRecord]) -> KafkaBatch:
        """Take what was fetched and lies before an offset."""
        count = sum(_offset(each) < end for each in self._fetched)
        taken, self._fetched = self._fetched[:count], self._fetched[count:]
        return KafkaBatch(taken, damaged)

    def close(self) -> None:
        """Release nothing: the consumer is the caller's."""


def _offset(message: Message) -> int:
    found = message.offset()
    return -1 if found is None else found
