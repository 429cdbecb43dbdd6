"""The two worlds that the stream's contract is held to: memory, and a real broker."""

import uuid
from collections.abc import Sequence
from typing import Protocol

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from fakes.memory_stream import MemoryBroker, MemoryReadStream

from anpr_engine.clock import SystemClock
from anpr_engine.kafka.client_settings import ClientName, StreamSettings
from anpr_engine.kafka.stream import KafkaReadStream
from anpr_engine.metrics.table import Metrics
from anpr_engine.ports import BatchLimits, ReadStream, RecordBatch

READS, ALERTS, MISSING = "reads", "alerts", "missing"
PARTITIONS = 2
CLIENTS: tuple[ClientName, ...] = ("plain", "native")
WAIT_S = 15.0


class SkippingClock:
    """The machine's clock, which a test can put forward."""

    def __init__(self) -> None:
        """Start at the real time."""
        self._ahead_s = 0.0
        self._real = SystemClock()

    def skip(self, seconds: float) -> None:
        """Put the clock forward."""
        self._ahead_s += seconds

    def now_us(self) -> int:
        """Give the time of day."""
        return self._real.now_us() + round(self._ahead_s * 1e6)

    def monotonic_s(self) -> float:
        """Give the seconds that only grow."""
        return self._real.monotonic_s() + self._ahead_s


class World(Protocol):
    """What a contract test needs around a stream."""

    clock: SkippingClock

    def topic(self, name: str) -> str:
        """Give the full name of a topic."""
        ...

    def write(self, partition: int, values: Sequence[bytes | None]) -> None:
        """Append reads."""
        ...

    def open(self) -> ReadStream:
        """Open a stream of the one group; one that is open already is left as by a crash."""
        ...

    def published(self) -> list[bytes]:
        """Give the alerts that a reader of committed records sees."""
        ...

    def tear_down(self) -> None:
        """Close what is open."""
        ...


class MemoryWorld:
    """Topics in memory."""

    def __init__(self) -> None:
        """Make the topics."""
        self.clock = SkippingClock()
        self._broker = MemoryBroker()
        self._broker.add_topic(READS, PARTITIONS)
        self._broker.add_topic(ALERTS, 1)

    def topic(self, name: str) -> str:
        """Give the name as it is."""
        return name

    def write(self, partition: int, values: Sequence[bytes | None]) -> None:
        """Append reads."""
        self._broker.write(READS, partition, values)

    def open(self) -> ReadStream:
        """Open a stream where the group stopped."""
        return MemoryReadStream(self._broker, READS, "group", self.clock)

    def published(self) -> list[bytes]:
        """Give what was committed."""
        return [record.value for record in self._broker.published]

    def tear_down(self) -> None:
        """Leave nothing."""


class KafkaWorld:
    """Topics on a broker, with names of their own."""

    def __init__(
        self, bootstrap: str, client: ClientName = "auto", partitions: int = PARTITIONS
    ) -> None:
        """Make the topics; the streams read by one kind of client."""
        self.clock = SkippingClock()
        self.bootstrap = bootstrap
        self.client: ClientName = client
        self.metrics = Metrics()
        self._tag = uuid.uuid4().hex[:12]
        self._streams: list[KafkaReadStream] = []
        # Idempotent: else a retry at a topic just made changes the order the tests look at.
        self._producer = Producer(
            {"bootstrap.servers": bootstrap, "linger.ms": 0, "enable.idempotence": True}
        )
        wanted = [NewTopic(self.topic(READS), partitions, 1), NewTopic(self.topic(ALERTS), 1, 1)]
        admin = AdminClient({"bootstrap.servers": bootstrap})
        for made in admin.create_topics(wanted).values():
            made.result()

    def topic(self, name: str) -> str:
        """Give a name that no other test uses."""
        return f"contract.{name}.{self._tag}"

    def write(self, partition: int, values: Sequence[bytes | None]) -> None:
        """Append reads."""
        for value in values:
            self._producer.produce(self.topic(READS), value, partition=partition)
        assert self._producer.flush(WAIT_S) == 0

    def settings(self, slot: int = 0) -> StreamSettings:
        """Give the settings of one slot."""
        return StreamSettings(
            bootstrap=self.bootstrap,
            topic=self.topic(READS),
            group_id=f"contract.{self._tag}",
            transactional_id=f"contract.{self._tag}.{slot}",
            slot=slot,
            client=self.client,
        )

    def open(self, slot: int = 0) -> KafkaReadStream:
        """Open a stream of one slot."""
        stream = KafkaReadStream(self.settings(slot), self.metrics, self.clock)
        self._streams.append(stream)
        return stream

    def published(self) -> list[bytes]:
        """Read the alerts to their end, committed ones only."""
        config = {
            "bootstrap.servers": self.bootstrap,
            "group.id": f"look.{self._tag}",
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "enable.partition.eof": True,
        }
        found: list[bytes] = []
        with Consumer(config) as consumer:
            consumer.assign([TopicPartition(self.topic(ALERTS), 0, 0)])
            while (message := consumer.poll(WAIT_S)) is not None and message.error() is None:
                found.append(message.value() or b"")
            assert message is not None
        return found

    def tear_down(self) -> None:
        """Close what is open; the newest first, for it has fenced off the others."""
        for stream in reversed(self._streams):
            stream.close()


def poll_some(stream: ReadStream, limits: BatchLimits | None = None) -> RecordBatch:
    """Poll until there is a batch."""
    clock = SystemClock()
    deadline_s = clock.monotonic_s() + WAIT_S
    while clock.monotonic_s() < deadline_s:
        batch = stream.poll(limits or BatchLimits())
        if batch is not None:
            return batch
    message = "no batch in time"
    raise AssertionError(message)


def poll_values(stream: ReadStream, count: int) -> list[bytes]:
    """Poll until that many reads have come."""
    found: list[bytes] = []
    while len(found) < count:
        found += poll_some(stream).values
    return found
