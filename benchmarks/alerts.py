"""Reads what is on a topic, committed records only, to check the engine's answer."""

import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from confluent_kafka import Consumer, KafkaError, TopicPartition

from anpr_engine.kafka.client_settings import NO_SECURITY, follower
from anpr_engine.kafka.tail import Follower
from anpr_engine.wire import CROSS_BORDER_TOPIC
from benchmarks.lab import expect

ANSWER_S = 10.0
CONSUME_MAX = 10_000
LOOK_S = 0.05
PARTITION_EOF = KafkaError._PARTITION_EOF  # noqa: SLF001 - the library's public constant
Offsets = dict[int, int]


@dataclass(frozen=True, slots=True)
class Stored:
    """One record as it stands: partition, offset, when the broker stored it, and its value."""

    partition: int
    offset: int
    appended_ms: int
    value: bytes


class TopicReader:
    """Reads stretches of one topic; `close` it."""

    def __init__(self, kafka: str, topic: str = CROSS_BORDER_TOPIC) -> None:
        """Connect."""
        group = f"bench.reader.{uuid.uuid4().hex}"
        given = {**follower(group), "bootstrap.servers": kafka, "enable.partition.eof": True}
        self._kafka, self._topic = kafka, topic
        self._consumer = Consumer(given)

    def ends(self) -> Offsets:
        """Give each partition's end of committed records."""
        found = self._consumer.list_topics(self._topic, timeout=ANSWER_S)
        return {
            partition: self._end(partition) for partition in found.topics[self._topic].partitions
        }

    def since(self, starts: Offsets) -> list[Stored]:
        """Give the committed records from some offsets to the end."""
        self._consumer.assign([TopicPartition(self._topic, p, at) for p, at in starts.items()])
        ended: set[int | None] = set()
        records: list[Stored] = []
        while len(ended) < len(starts):
            for message in self._consumer.consume(CONSUME_MAX, LOOK_S):
                error = message.error()
                if error is not None:
                    expect("end of a partition", error.code(), PARTITION_EOF)
                    ended.add(message.partition())
                    continue
                at_ms = message.timestamp()[1]
                place = message.partition() or 0, message.offset() or 0
                records.append(Stored(*place, at_ms, message.value() or b""))
        return records

    def commit_ends(self, group: str) -> None:
        """Let a group begin behind what is there now."""
        places = [TopicPartition(self._topic, p, at) for p, at in self.ends().items()]
        consumer = Consumer({"bootstrap.servers": self._kafka, "group.id": group})
        try:
            consumer.commit(offsets=places, asynchronous=False)
        finally:
            consumer.close()

    def close(self) -> None:
        """Disconnect."""
        self._consumer.close()

    def _end(self, partition: int) -> int:
        place = TopicPartition(self._topic, partition)
        return self._consumer.get_watermark_offsets(place, timeout=ANSWER_S)[1]


def check_alerts(found: list[bytes], expected: frozenset[str]) -> None:
    """Check that alerts are exactly those of the expected reads, each once.

    Raises:
        WrongAnswer: says how many there are and how many there should be.

    """
    alerts = [json.loads(value) for value in found]
    expect("alerts committed", len(alerts), len(expected))
    expect("distinct alert ids", len({alert["alert_id"] for alert in alerts}), len(expected))
    strangers = {alert["read"]["read_id"] for alert in alerts} ^ expected
    expect("reads with an alert too many or too few", len(strangers), 0)


@contextmanager
def noted(kafka: str, topic: str, note: Callable[[bytes, int], None]) -> Iterator[None]:
    """Follow a topic in a thread for the length of a block.

    Args:
        kafka: the broker.
        topic: from now on, committed records only.
        note: told each record's value, and when it became visible, in nanoseconds since 1970.

    """
    stop = threading.Event()
    follower = Follower(kafka, NO_SECURITY, [topic])

    def follow() -> None:
        for record in follower.records(stop.is_set):
            note(record.value, time.time_ns())

    thread = threading.Thread(target=follow, name="noted", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
