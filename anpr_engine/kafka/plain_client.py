"""The ordinary client: records as the library's Python objects."""

from collections.abc import Iterable, Mapping, Sequence
from typing import cast

from confluent_kafka import Consumer, KafkaException, Message, TopicPartition
from confluent_kafka.admin._metadata import ClusterMetadata

from anpr_engine.kafka.batch import KafkaBatch
from anpr_engine.kafka.client import Chunk, Fault, Handlers
from anpr_engine.kafka.client_settings import Properties
from anpr_engine.kafka.errors import error_of
from anpr_engine.kafka.progress import Offsets
from anpr_engine.logs import get_logger
from anpr_engine.ports import DamagedRecord

CLOSING_RECORDS_MAX = 8192
LEAVE_LOOK_S, LEAVE_LOOKS_MAX = 0.01, 200
"""How often, and how many times, to look whether the group was left; without a broker in vain."""


class PlainChunk:
    """The messages of one poll."""

    __slots__ = ("messages",)

    def __init__(self, messages: list[Message]) -> None:
        """Take the messages as they came."""
        self.messages = messages

    def __len__(self) -> int:
        """Count records and faults."""
        return len(self.messages)

    @property
    def size_bytes(self) -> int:
        """The length of all values."""
        return sum(map(len, self.messages))

    def faults(self) -> list[Fault]:
        """Give the faults in order."""
        if not any(map(Message.error, self.messages)):
            return []
        return [
            Fault(_known(message.partition()), _known(message.offset()), error)
            for message in self.messages
            if (error := message.error()) is not None
        ]

    def starts(self) -> Offsets:
        """Give the first offset of each partition that has a record here."""
        found: Offsets = {}
        for message in self.messages:
            if message.error() is None:
                found.setdefault(_known(message.partition()), _known(message.offset()))
        return found

    def drop(self, ends: Mapping[int, int]) -> None:
        """Drop all faults, and the records of these partitions from these offsets on."""
        self.messages = [
            message
            for message in self.messages
            if message.error() is None and not _is_past(message, ends)
        ]


class PlainClient:
    """`client.ConsumerClient` on the library's own consumer."""

    def __init__(self, properties: Properties, topic: str) -> None:
        """Make a consumer of one topic; nothing is asked of the brokers yet."""
        self._topic = topic
        self._consumer = Consumer(properties)
        self._closed = False

    def list_topics(self, topic: str, timeout: float) -> ClusterMetadata:
        """Ask for one topic and its partitions."""
        found: ClusterMetadata = self._consumer.list_topics(topic, timeout=timeout)
        return found

    def get_watermark_offsets(self, partition: TopicPartition, timeout: float) -> tuple[int, int]:
        """Ask the broker for the first offset and the one after the last committed record."""
        return self._consumer.get_watermark_offsets(partition, timeout=timeout)

    def end_seen(self, partition: int) -> int:
        """Give the end as of the last fetch; negative when it is not known."""
        place = TopicPartition(self._topic, partition)
        return self._consumer.get_watermark_offsets(place, cached=True)[1]

    def subscribe(self, handlers: Handlers) -> None:
        """Join the group."""
        self._consumer.subscribe(
            [self._topic],
            on_assign=lambda _, places: handlers.on_assign(_partitions(places)),
            on_revoke=lambda _, places: handlers.on_revoke(_partitions(places)),
            on_lost=lambda _, places: handlers.on_lost(_partitions(places)),
        )

    def poll(self, room: int, wait_s: float) -> PlainChunk:
        """Take up to so many records; wait until they are there."""
        return PlainChunk(self._consumer.consume(room, wait_s))

    def batch(self, chunks: Sequence[Chunk], damaged: Sequence[DamagedRecord]) -> KafkaBatch:
        """Make one batch of what this client polled."""
        own = cast("Sequence[PlainChunk]", chunks)
        return KafkaBatch([message for chunk in own for message in chunk.messages], damaged)

    def restart(self, partition: int, offset: int) -> None:
        """Read a partition of ours again from an offset on, whatever state it is in."""
        place = TopicPartition(self._topic, partition, offset)
        self._consumer.incremental_unassign([place])
        self._consumer.incremental_assign([place])

    def pause(self, partitions: Iterable[int]) -> None:
        """Stop fetching these; they stay ours."""
        self._consumer.pause(self._places(partitions))

    def resume(self, partitions: Iterable[int]) -> None:
        """Fetch them again, from where they stood."""
        self._consumer.resume(self._places(partitions))

    def positions(self, partitions: Iterable[int]) -> Offsets:
        """Give the offset of the next record to come, where it is known."""
        found = self._consumer.position(self._places(partitions))
        return {place.partition: place.offset for place in found if place.offset >= 0}

    def committed(self, partitions: Iterable[int], timeout_s: float) -> Offsets:
        """Ask the broker what the group has saved; -1 where nothing is."""
        found = self._consumer.committed(self._places(partitions), timeout=timeout_s)
        return {place.partition: max(place.offset, -1) for place in found}

    def group_metadata(self) -> object:
        """Give the membership as `Producer.send_offsets_to_transaction` takes it."""
        return self._consumer.consumer_group_metadata()

    def close(self) -> None:
        """Leave the group; nothing may be asked of the consumer afterwards.

        Why: unsubscribing makes even a static member leave, so other engines go on with its
        partitions at once; only after a crash do they wait for it, one session timeout. The
        library's close() waits for ever on an assignment that comes while it runs, and makes a
        static member stay if it comes before that has left: it then has no member id any more.
        """
        if self._closed:
            return
        self._closed = True
        try:
            self._consumer.unsubscribe()
            self._consumer.consume(CLOSING_RECORDS_MAX, 0)
            for _ in range(LEAVE_LOOKS_MAX):
                if not self._consumer.memberid():
                    break
                self._consumer.consume(CLOSING_RECORDS_MAX, LEAVE_LOOK_S)
        except KafkaException as exception:
            get_logger().debug("kafka_unsubscribe_failed", code=error_of(exception).name())
        self._consumer.close()

    def _places(self, partitions: Iterable[int]) -> list[TopicPartition]:
        return [TopicPartition(self._topic, partition) for partition in partitions]


def _partitions(places: Iterable[TopicPartition]) -> set[int]:
    return {place.partition for place in places}


def _is_past(message: Message, ends: Mapping[int, int]) -> bool:
    end = ends.get(_known(message.partition()))
    return end is not None and _known(message.offset()) >= end


def _known(number: int | None) -> int:
    return -1 if number is None else number
