"""Following alerts, and writing reads, against a real broker."""

import statistics
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from confluent_kafka import Producer
from stream_worlds import ALERTS, CLIENTS, MISSING, READS, KafkaWorld, poll_values

from anpr_engine.clock import SystemClock
from anpr_engine.errors import BrokerError, BrokerUnavailable, TopicMissing
from anpr_engine.kafka.client_settings import NO_SECURITY
from anpr_engine.kafka.tail import Follower, TailedRecord, follow_alerts
from anpr_engine.kafka.writer import ReadWriter
from anpr_engine.wire import OutgoingRecord

if TYPE_CHECKING:
    from servers import Broker


@pytest.fixture(params=CLIENTS)
def world(request: pytest.FixtureRequest) -> Iterator[KafkaWorld]:
    """Give topics of the test's own on the real broker."""
    broker: Broker = request.getfixturevalue("kafka")
    made = KafkaWorld(broker.bootstrap, request.param)
    yield made
    made.tear_down()


def take(records: Iterator[TailedRecord], count: int) -> list[TailedRecord]:
    """Take so many records."""
    return [next(records) for _ in range(count)]


def test_follows_committed_records_only(world: KafkaWorld) -> None:
    """Rolled back records are never seen; key, headers, value and place are as written."""
    world.write(0, [b"a"])
    stream = world.open()
    poll_values(stream, 1)
    kept = OutgoingRecord(world.topic(ALERTS), b"key", b"kept", (("ce_id", b"7"),))
    lost = OutgoingRecord(world.topic(ALERTS), b"key", b"lost")
    assert not stream.commit([lost, OutgoingRecord(world.topic(MISSING), b"", b"")])
    poll_values(stream, 1)
    assert stream.commit([kept])
    records = follow_alerts(
        world.bootstrap, NO_SECURITY, [world.topic(ALERTS)], lambda: False, from_start=True
    )
    (found,) = take(records, 1)
    assert (found.topic, found.partition) == (world.topic(ALERTS), 0)
    assert (found.key, found.headers, found.value) == (b"key", (("ce_id", b"7"),), b"kept")


def test_follows_from_now(world: KafkaWorld) -> None:
    """What was there before the call is not shown; what comes after is, even before reading."""
    with ReadWriter(world.bootstrap) as writer:
        writer.write(world.topic(ALERTS), b"key", b"before")
        writer.flush()
        records = follow_alerts(world.bootstrap, NO_SECURITY, [world.topic(ALERTS)], lambda: False)
        writer.write(world.topic(ALERTS), b"key", b"after")
        writer.flush()
        assert take(records, 1)[0].value == b"after"


def test_records_that_are_there_together_are_given_together(world: KafkaWorld) -> None:
    """Each once, those of a partition in their order; nobody waits for more of them."""
    topics = [world.topic(ALERTS), world.topic(READS)]
    with ReadWriter(world.bootstrap) as writer:
        for number in range(60):
            writer.write(topics[number % 2], b"key", str(number).encode())
        writer.flush()
        follower = Follower(world.bootstrap, NO_SECURITY, topics, from_start=True)
        found, sizes = list[TailedRecord](), list[int]()
        groups = follower.groups(lambda: False)
        while len(found) < 60:
            group = next(groups)
            found += group
            sizes.append(len(group))
        groups.close()
    assert max(sizes) > 1
    for at, topic in enumerate(topics):
        values = [int(record.value) for record in found if record.topic == topic]
        assert values == list(range(at, 60, 2))


def test_stops_when_told(world: KafkaWorld) -> None:
    """A follower of a silent topic ends soon after it is told to."""
    stop = threading.Event()
    follower = Follower(world.bootstrap, NO_SECURITY, [world.topic(ALERTS)])
    threading.Timer(0.2, stop.set).start()
    assert list(follower.records(stop.is_set)) == []


def test_wakes_at_a_commit(world: KafkaWorld) -> None:
    """A committed alert is seen within tens of milliseconds, without polling the broker hard."""
    clock = SystemClock()
    producer = Producer(
        {
            "bootstrap.servers": world.bootstrap,
            "transactional.id": world.topic("wake"),
            "retry.backoff.ms": 2,
        }
    )
    producer.init_transactions(10)
    follower = Follower(world.bootstrap, NO_SECURITY, [world.topic(ALERTS)])
    records = follower.records(lambda: False)
    waits_ms = []
    for _ in range(30):
        producer.begin_transaction()
        producer.produce(world.topic(ALERTS), b"hit")
        producer.commit_transaction(10)
        committed_s = clock.monotonic_s()
        next(records)
        waits_ms.append((clock.monotonic_s() - committed_s) * 1000)
    assert statistics.median(waits_ms) < 60


def test_tells_that_a_topic_to_follow_is_missing(world: KafkaWorld) -> None:
    """A follower does not wait for a topic that nobody made."""
    with pytest.raises(TopicMissing, match="anpr topics apply"):
        Follower(world.bootstrap, NO_SECURITY, [world.topic(MISSING)])


def test_writes_reads(world: KafkaWorld) -> None:
    """Written reads arrive once and in the order of their key."""
    written = [b"%04d" % number for number in range(5000)]
    with ReadWriter(world.bootstrap) as writer:
        assert writer.check(world.topic(READS)) == 2
        for value in written:
            writer.write(world.topic(READS), b"camera", value)
    assert poll_values(world.open(), len(written)) == written


def test_tells_that_a_read_cannot_be_written(world: KafkaWorld) -> None:
    """A record for a missing topic, or one too large, is an error and not lost in silence."""
    writer = ReadWriter(world.bootstrap, timeout_s=5)
    with pytest.raises(BrokerError, match="larger than the topic takes"):
        writer.write(world.topic(READS), b"camera", bytes(3 << 20))
    with pytest.raises(TopicMissing):
        writer.check(world.topic(MISSING))
    writer.close()


def test_tells_that_nobody_takes_the_reads() -> None:
    """Without a broker a flush gives up in time and says so."""
    writer = ReadWriter("127.0.0.1:1", timeout_s=0.5)
    writer.write("reads", b"camera", b"read")
    with pytest.raises(BrokerUnavailable, match="anpr doctor"):
        writer.flush()
    writer.close()
