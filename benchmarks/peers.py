"""What one would write with the same parts and no engine: consume, parse, look up, tell the hits.

Peers read the same topic with the same client settings as the engine's consumer, in batches of
8192, and save no progress and write no alerts, so they do less than the engine does.
"""

import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Protocol

import orjson
from confluent_kafka import OFFSET_BEGINNING, Consumer, Message, TopicPartition
from rbloom import Bloom
from redis import Redis

from anpr_engine.clock import SystemClock
from anpr_engine.kafka.client_settings import Properties, StreamSettings, reader
from benchmarks.lab import PARTITIONS, READS_TOPIC

CONSUME_MAX = 8192
PIPELINE_READS = 1000
SILENCE_S_MAX = 10.0
SET_KEY = "bench:plates"

LookUp = Callable[[Sequence[str]], list[int]]
"""Takes normalised plates, gives the rows of those that are listed."""

Ends = Mapping[int, int]
"""Partition to the offset behind the last read taken."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What a peer did: its speed, where it stopped, the read ids of its hits.

    hits: None for a peer that looks at nothing. more: its other figures, by their ids.
    """

    reads_per_s: float
    ends: Ends
    hits: Sequence[str] | None
    more: Mapping[str, float] = field(default_factory=dict)


class Peer(Protocol):
    """Something that takes reads from the topic and says which are of listed plates."""

    @property
    def reads(self) -> int:
        """How many reads it takes, from the topic's beginning."""
        ...

    def missing(self) -> str:
        """Say what it lacks on this machine; empty when it can work."""
        ...

    def work(self) -> Taken:
        """Take the reads once."""
        ...


def client_properties(kafka: str) -> Properties:
    """Give the settings of the engine's consumer, for one that is no member of a group."""
    group = f"bench.peer.{uuid.uuid4().hex}"
    settings = reader(StreamSettings(kafka, READS_TOPIC, group, ""))
    del settings["group.instance.id"]
    return {**settings, "bootstrap.servers": kafka, "auto.offset.reset": "earliest"}


class Reading:
    """Takes the topic's first reads in the order they come; `close` it."""

    def __init__(self, kafka: str) -> None:
        """Begin at the beginning."""
        self._consumer = Consumer(client_properties(kafka))
        places = [TopicPartition(READS_TOPIC, p, OFFSET_BEGINNING) for p in range(PARTITIONS)]
        self._consumer.assign(places)

    def parts(self, count: int) -> Iterator[list[Message]]:
        """Give so many reads in parts; ends early when the topic gives no more."""
        clock, left = SystemClock(), count
        deadline_s = clock.monotonic_s() + SILENCE_S_MAX
        while left > 0 and clock.monotonic_s() < deadline_s:
            part = self._consumer.consume(min(left, CONSUME_MAX), 0.1)
            if part:
                deadline_s = clock.monotonic_s() + SILENCE_S_MAX
                left -= len(part)
                yield part

    def ends(self) -> Ends:
        """Say where it stands."""
        asked = [TopicPartition(READS_TOPIC, p) for p in range(PARTITIONS)]
        return {place.partition: max(place.offset, 0) for place in self._consumer.position(asked)}

    def close(self) -> None:
        """Disconnect."""
        self._consumer.close()


@dataclass(frozen=True, slots=True)
class LookUpPeer:
    """The ordinary client, orjson and some way to look plates up."""

    kafka: str
    reads: int
    look_up: LookUp

    def missing(self) -> str:
        """Say that nothing is."""
        return ""

    def work(self) -> Taken:
        """Take the reads; time counts from the first part on, as the engine's does."""
        hits: list[str] = []
        taken, started_s = 0, 0.0
        reading = Reading(self.kafka)
        try:
            for part in reading.parts(self.reads):
                started_s = started_s or time.perf_counter()
                values = [value for message in part if (value := message.value()) is not None]
                found = self.look_up([_plate(value) for value in values])
                hits += [orjson.loads(values[row])["read_id"] for row in found]
                taken += len(values)
            seconds = time.perf_counter() - started_s
            return Taken(taken / seconds, reading.ends(), hits)
        finally:
            reading.close()


def _plate(value: bytes) -> str:
    plate: str = orjson.loads(value)["plate"]
    return plate.upper().replace("-", "")


def in_set(listed: frozenset[str]) -> LookUp:
    """Look up in a Python set."""
    return lambda plates: [row for row, plate in enumerate(plates) if plate in listed]


def bloom_of(listed: frozenset[str], false_share: float) -> Bloom:
    """Make rbloom's filter of the plates."""
    bloom = Bloom(max(1, len(listed)), false_share)
    bloom.update(listed)
    return bloom


def in_bloom(listed: frozenset[str], false_share: float) -> LookUp:
    """Ask a filter first and the set for its yeses."""
    bloom = bloom_of(listed, false_share)
    return lambda plates: [
        row for row, plate in enumerate(plates) if plate in bloom and plate in listed
    ]


def fill_redis(redis_url: str, listed: frozenset[str]) -> None:
    """Put the listed plates into one Redis set, in place of what it held."""
    with Redis.from_url(redis_url) as client:
        client.delete(SET_KEY)
        plates = iter(listed)
        while part := list(islice(plates, 10_000)):
            client.sadd(SET_KEY, *part)


def in_redis(client: Redis) -> LookUp:
    """Ask Redis for each plate and wait for the answer."""
    return lambda plates: [
        row for row, plate in enumerate(plates) if client.sismember(SET_KEY, plate)
    ]


def in_redis_pipelined(client: Redis) -> LookUp:
    """Ask Redis for a thousand plates at a time."""

    def look_up(plates: Sequence[str]) -> list[int]:
        found: list[int] = []
        for first in range(0, len(plates), PIPELINE_READS):
            pipeline = client.pipeline(transaction=False)
            for plate in plates[first : first + PIPELINE_READS]:
                pipeline.sismember(SET_KEY, plate)
            found += [first + row for row, yes in enumerate(pipeline.execute()) if yes]
        return found

    return look_up
