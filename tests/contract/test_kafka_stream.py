"""What only the stream on a real broker can show: kills, rebalances, fencing, refusals."""

import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from stream_worlds import ALERTS, CLIENTS, MISSING, READS, KafkaWorld, SkippingClock, poll_values

from anpr_engine.clock import SystemClock
from anpr_engine.errors import BrokerUnavailable, EngineReplaced, TopicMissing
from anpr_engine.kafka.client_settings import StreamSettings
from anpr_engine.kafka.producer import DOUBTFUL_COMMIT_S
from anpr_engine.kafka.stream import ROLLBACKS_IN_ROW_MAX, KafkaReadStream
from anpr_engine.metrics.table import PRODUCER_RECYCLED, ROLLBACKS, Metrics
from anpr_engine.ports import BatchLimits, ReadStream
from anpr_engine.wire import OutgoingRecord

if TYPE_CHECKING:
    from servers import Broker

CHILD = Path(__file__).with_name("copying_engine.py")
DEADLINE_S = 60.0


@pytest.fixture(params=CLIENTS)
def world(request: pytest.FixtureRequest) -> Iterator[KafkaWorld]:
    """Give topics of the test's own on the real broker."""
    broker: Broker = request.getfixturevalue("kafka")
    made = KafkaWorld(broker.bootstrap, request.param)
    yield made
    made.tear_down()


def alert(world: KafkaWorld, value: bytes) -> OutgoingRecord:
    """Make a record for the alerts topic."""
    return OutgoingRecord(world.topic(ALERTS), b"key", value)


def start_child(world: KafkaWorld, way: str) -> subprocess.Popen[bytes]:
    """Start an engine that copies reads to alerts, in slot 0 of the world's group."""
    settings = world.settings()
    topics = [settings.topic, world.topic(ALERTS)]
    command = [sys.executable, str(CHILD), world.bootstrap, *topics, settings.group_id]
    command += [world.client, way]
    return subprocess.Popen(command, stderr=subprocess.DEVNULL)


def wait_for_alerts(world: KafkaWorld, count: int) -> list[bytes]:
    """Look until so many alerts are committed."""
    clock = SystemClock()
    deadline_s = clock.monotonic_s() + DEADLINE_S
    while len(found := world.published()) < count and clock.monotonic_s() < deadline_s:
        pass
    return found


def test_a_kill_inside_a_transaction_shows_nothing_and_loses_nothing(world: KafkaWorld) -> None:
    """Records of a process killed before its commit stay unseen; its successor does them again."""
    written = [b"%d" % number for number in range(20)]
    world.write(0, written)
    child = start_child(world, "die-inside")
    assert child.wait(DEADLINE_S) == -signal.SIGKILL
    assert world.published() == []
    stream = world.open()
    while not stream.caught_up():
        values = poll_values(stream, 1)
        assert stream.commit([alert(world, value) for value in values])
    assert world.published() == written


def test_kills_at_any_time_lose_nothing_and_double_nothing(world: KafkaWorld) -> None:
    """Through five kills at drawn instants each read is copied once and in order."""
    draw = random.Random(20261122)
    written = [b"%05d" % number for number in range(3000)]
    done = 0
    for _ in range(5):
        world.write(0, written[done : done + 600])
        done += 600
        child = start_child(world, "forever")
        try:
            child.wait(draw.uniform(0.3, 1.5))
        except subprocess.TimeoutExpired:
            child.kill()
        assert child.wait(DEADLINE_S) == -signal.SIGKILL
    child = start_child(world, "forever")
    found = wait_for_alerts(world, len(written))
    child.kill()
    child.wait(DEADLINE_S)
    assert found == written


@pytest.mark.parametrize("overlap", [False, True])
def test_two_engines_share_the_partitions(world: KafkaWorld, *, overlap: bool) -> None:
    """While a second engine joins, each read becomes one alert, whoever had its partition.

    So too where an engine polls on while the broker still saves what came before.
    """
    streams = [world.open(slot=0)]
    under_way: dict[int, tuple[int, int]] = {}
    written: list[bytes] = []
    busy: set[tuple[int, int]] = set()
    copied = 0
    clock = SystemClock()
    deadline_s = clock.monotonic_s() + DEADLINE_S

    def settle(slot: int, stream: ReadStream) -> bool:
        nonlocal copied
        partition, count = under_way.pop(slot, (-1, 0))
        # The group may be between two generations: then the commit is rolled back.
        saved = stream.finish_commit()
        if saved and count:
            busy.add((slot, partition))
            copied += count
        return saved

    # Each engine has worked, and every partition moved or stayed while it was written to.
    while len({slot for slot, _ in busy}) < 2 or copied < len(written):
        assert clock.monotonic_s() < deadline_s
        if len({slot for slot, _ in busy}) < 2:
            for partition in (0, 1):
                written.append(b"%d.%d" % (partition, len(written)))
                world.write(partition, written[-1:])
        if len(streams) == 1 and copied >= 20:
            streams.append(world.open(slot=1))
        for slot, stream in enumerate(streams):
            batch = stream.poll(BatchLimits(reads_max=20, wait_ms_max=5))
            if not settle(slot, stream) or batch is None:
                continue
            stream.start_commit([alert(world, value) for value in batch.values])
            under_way[slot] = batch.origin(0).partition, len(batch.values)
            if not overlap:
                settle(slot, stream)
    assert sorted(world.published()) == sorted(written)


def test_an_engine_that_stops_hands_its_partitions_on_at_once(world: KafkaWorld) -> None:
    """After a clean stop another slot reads on without waiting for the session to time out."""
    world.write(0, [b"a"])
    first = world.open(slot=0)
    poll_values(first, 1)
    first.close()
    clock = SystemClock()
    started_s = clock.monotonic_s()
    assert poll_values(world.open(slot=1), 1) == [b"a"]
    assert clock.monotonic_s() - started_s < world.settings().session_timeout_ms / 1000


def test_stops_when_the_same_batch_is_refused_again_and_again(world: KafkaWorld) -> None:
    """A batch that never goes through ends in the error that explains it, not in a loop."""
    world.write(0, [b"a"])
    stream = world.open()
    refused = OutgoingRecord(world.topic(MISSING), b"key", b"lost")
    for _ in range(ROLLBACKS_IN_ROW_MAX - 1):
        poll_values(stream, 1)
        assert not stream.commit([refused])
    poll_values(stream, 1)
    with pytest.raises(TopicMissing, match="anpr topics apply"):
        stream.commit([refused])
    assert world.metrics.value(ROLLBACKS.name) == ROLLBACKS_IN_ROW_MAX


def test_rolls_back_a_record_that_is_too_large(world: KafkaWorld) -> None:
    """A record over the client's limit takes its whole transaction with it."""
    world.write(0, [b"a"])
    stream = world.open()
    poll_values(stream, 1)
    assert not stream.commit([alert(world, b"small"), alert(world, bytes(3 << 20))])
    assert poll_values(stream, 1) == [b"a"]
    assert stream.commit([alert(world, b"small")])
    assert world.published() == [b"small"]


def test_a_transaction_may_be_longer_than_the_clients_queue(world: KafkaWorld) -> None:
    """More records than the client queues (100 000) go out in one transaction."""
    world.write(0, [b"a"])
    stream = world.open()
    poll_values(stream, 1)
    assert stream.commit([alert(world, b"hit")] * 120_000)
    assert len(world.published()) == 120_000


def test_a_second_engine_in_the_slot_replaces_the_first(world: KafkaWorld) -> None:
    """The engine that was there first is told so and stops; its reads go to the other."""
    world.write(0, [b"a"])
    first = world.open()
    poll_values(first, 1)
    second = world.open()
    assert poll_values(second, 1) == [b"a"]
    with pytest.raises(EngineReplaced, match="ANPR_SLOT"):
        poll_values(first, 1)
    assert second.commit([alert(world, b"hit")])
    assert world.published() == [b"hit"]


def test_being_fenced_twice_is_a_rival(world: KafkaWorld) -> None:
    """Fenced once, a stream takes a fresh producer and rolls back; twice in a minute it stops."""
    world.write(0, [b"a"])
    world.write(1, [b"b"])
    first = world.open()
    poll_values(first, 2)
    rival_settings = StreamSettings(
        bootstrap=world.bootstrap,
        topic=world.topic(READS),
        group_id=world.topic("rivals"),
        transactional_id=world.settings().transactional_id,
        client=world.client,
    )
    rival = KafkaReadStream(rival_settings, Metrics(), world.clock)
    poll_values(rival, 2)
    assert not first.commit([alert(world, b"lost")])
    poll_values(first, 2)
    assert not rival.commit([alert(world, b"lost")])
    with pytest.raises(EngineReplaced):
        first.commit([alert(world, b"lost")])
    assert world.published() == []
    rival.close()


class HastyClock(SkippingClock):
    """A clock by which every look takes `pace_s`."""

    pace_s = 0.0

    def monotonic_s(self) -> float:
        """Go on by the pace."""
        self.skip(self.pace_s)
        return super().monotonic_s()


def test_takes_a_fresh_producer_after_a_doubtful_commit(world: KafkaWorld) -> None:
    """A commit that took so long that it may have been sent twice is the producer's last."""
    world.write(0, [b"a", b"b"])
    metrics = Metrics()
    clock = HastyClock()
    stream = KafkaReadStream(world.settings(), metrics, clock)
    for value in (b"first", b"second"):
        poll_values(stream, 1)
        world.write(0, [b"more"])
        clock.pace_s = DOUBTFUL_COMMIT_S
        assert stream.commit([alert(world, value)])
        clock.pace_s = 0.0
    assert metrics.value(PRODUCER_RECYCLED.name) == 1
    assert world.published() == [b"first", b"second"]
    stream.close()


def test_says_that_the_topic_is_missing(world: KafkaWorld) -> None:
    """Without its topic a stream does not open, and the error says what to run."""
    settings = StreamSettings(world.bootstrap, world.topic(MISSING), "group", "transactions")
    with pytest.raises(TopicMissing, match="anpr topics apply"):
        KafkaReadStream(settings, Metrics(), SystemClock())


def test_says_that_nobody_answers() -> None:
    """Without a broker a stream does not open; the error names the address and what to run."""
    settings = StreamSettings("127.0.0.1:1", "reads", "group", "transactions", start_timeout_s=0.5)
    with pytest.raises(BrokerUnavailable, match=r"127\.0\.0\.1:1.*anpr doctor"):
        KafkaReadStream(settings, Metrics(), SystemClock())
