"""With which membership of its group the stream commits: asked ahead, and never an outdated one."""

import threading
from typing import Any

import pytest
from confluent_kafka import TopicPartition

from anpr_engine.clock import SystemClock
from anpr_engine.kafka import stream
from anpr_engine.kafka.client_settings import StreamSettings
from anpr_engine.kafka.producer import Outcome
from anpr_engine.kafka.progress import Progress
from anpr_engine.kafka.stream import KafkaReadStream
from anpr_engine.metrics.table import Metrics
from anpr_engine.ports import BatchLimits
from anpr_engine.wire import OutgoingRecord

MEET_S = 5.0
ALERT = OutgoingRecord("alerts", b"key", b"value", ())
BATCH: Any = object()
"""The stream gives a batch on and never looks into it."""


class _Consumer:
    """Takes the consumer's place: each poll may meet another generation of the group."""

    def __init__(self, *_: object) -> None:
        self.partitions = (0,)
        self.progress = Progress()
        self.progress.begin(0, 0)
        self.generation, self.asked = 1, list[int]()
        self.comes: Any = None
        self.go_on, self.inside = threading.Event(), threading.Event()
        self.go_on.set()
        self.closed_inside = False

    def gather(self, _limits: BatchLimits) -> Any:  # noqa: ANN401 - as above
        self.generation += 1
        if self.comes is not None:
            self.progress.polled[0] = self.generation
        return self.comes

    def group_metadata(self) -> object:
        self.inside.set()
        assert self.go_on.wait(MEET_S)
        self.inside.clear()
        self.asked.append(self.generation)
        return self.generation

    def places(self, offsets: dict[int, int]) -> list[TopicPartition]:
        return [TopicPartition("reads", each, at) for each, at in offsets.items()]

    def watermarks(self, _partition: int) -> tuple[int, int]:
        return 0, 0

    def start(self) -> None:
        pass

    def close(self) -> None:
        self.closed_inside = self.inside.is_set()


class _Producer:
    """Takes the producer's place: notes with which membership each commit was made."""

    last_error = None

    def __init__(self, *_: object) -> None:
        self.groups = list[object]()

    def save(self, _records: object, _places: object, group: object) -> Outcome:
        self.groups.append(group)
        return Outcome.SAVED

    def answers(self) -> bool:
        return True

    def serve(self) -> None:
        pass

    def close(self) -> None:
        pass


World = tuple[KafkaReadStream, _Consumer, _Producer]


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    """Give a stream between a group and a broker that a test moves; it puts nothing off."""
    consumer, producer = _Consumer(), _Producer()
    monkeypatch.setattr(stream, "ReadConsumer", lambda *_: consumer)
    monkeypatch.setattr(stream, "TransactionalProducer", lambda *_: producer)
    monkeypatch.setattr(stream, "PUT_OFF_S", 1e9)
    settings = StreamSettings("nowhere:1", "reads", "group", "writer", client="plain")
    return KafkaReadStream(settings, Metrics(), SystemClock()), consumer, producer


def polled(world: World, comes: str) -> None:
    """Poll once; a batch comes, or none."""
    reads, consumer, _ = world
    consumer.comes = BATCH if comes == "batch" else None
    assert reads.poll(BatchLimits()) is consumer.comes


def test_it_is_that_of_after_the_poll(world: World) -> None:
    """A group that changed while it was polled has given the batch as it is now."""
    reads, consumer, producer = world
    for _ in range(3):
        polled(world, "batch")
        assert reads.commit([ALERT])
        assert producer.groups[-1] == consumer.generation
    reads.close()


def test_it_is_asked_while_the_batch_is_matched(world: World) -> None:
    """Before anybody commits; and once for a batch."""
    reads, consumer, _ = world
    consumer.go_on.clear()
    polled(world, "batch")
    assert consumer.inside.wait(MEET_S)
    consumer.go_on.set()
    assert reads.commit([ALERT])
    assert consumer.asked == [consumer.generation]
    reads.close()


def test_it_is_asked_again_after_a_poll_without_a_batch(world: World) -> None:
    """What was known before that poll may be of a generation that is gone."""
    reads, consumer, producer = world
    polled(world, "batch")
    assert reads.commit([])
    polled(world, "none")
    assert reads.commit([ALERT])
    assert producer.groups == [consumer.generation]
    reads.close()


def test_it_holds_for_one_commit(world: World) -> None:
    """The next one, which polled nothing since, asks for itself."""
    reads, consumer, producer = world
    polled(world, "batch")
    assert reads.commit([ALERT])
    consumer.generation += 1
    assert reads.commit([ALERT])
    assert producer.groups == [consumer.generation - 1, consumer.generation]
    reads.close()


def test_nobody_asks_a_client_that_is_closed(world: World) -> None:
    """Closing waits for whoever is inside the client."""
    reads, consumer, _ = world
    consumer.go_on.clear()
    polled(world, "batch")
    assert consumer.inside.wait(MEET_S)
    closing = threading.Thread(target=reads.close)
    closing.start()
    threading.Timer(0.2, consumer.go_on.set).start()
    closing.join(MEET_S)
    assert not consumer.closed_inside
    assert not closing.is_alive()
