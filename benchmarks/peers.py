"""What one would write with the same parts and no engine: consume, parse, look up, count.

They read the same topic with the same client settings as the engine's consumer, in batches of
8192, and save no progress and write no alerts, so they do less than the engine does.
"""

import time
import uuid
from collections.abc import Callable, Iterator
from itertools import islice

import orjson
from confluent_kafka import OFFSET_BEGINNING, Consumer, Message, TopicPartition
from rbloom import Bloom
from redis import Redis

from anpr_engine.clock import SystemClock
from anpr_engine.kafka.client_settings import StreamSettings, reader
from benchmarks.lab import PARTITIONS, READS_TOPIC

CONSUME_MAX = 8192
PIPELINE_READS = 1000
SILENCE_S_MAX = 10.0
SET_KEY = "bench:plates"

LookUp = Callable[[list[str]], int]
"""Takes normalised plates, gives how many of them are listed."""


def consume(kafka: str, count: int) -> Iterator[list[bytes]]:
    """Give the topic's first reads in the order they come, in parts."""
    group = f"bench.peer.{uuid.uuid4().hex}"
    settings = reader(StreamSettings(kafka, READS_TOPIC, group, ""))
    del settings["group.instance.id"]
    consumer = Consumer({**settings, "bootstrap.servers": kafka, "auto.offset.reset": "earliest"})
    places = [TopicPartition(READS_TOPIC, p, OFFSET_BEGINNING) for p in range(PARTITIONS)]
    consumer.assign(places)
    clock, left = SystemClock(), count
    try:
        deadline_s = clock.monotonic_s() + SILENCE_S_MAX
        while left > 0 and clock.monotonic_s() < deadline_s:
            part = consumer.consume(min(left, CONSUME_MAX), 0.1)
            if part:
                deadline_s = clock.monotonic_s() + SILENCE_S_MAX
                left -= len(part)
                yield _values(part)
    finally:
        consumer.close()


def _values(messages: list[Message]) -> list[bytes]:
    return [value for message in messages if (value := message.value()) is not None]


def measure(kafka: str, count: int, look_up: LookUp) -> tuple[float, int]:
    """Take reads from the topic and look their plates up.

    Returns reads by second, from the first part on as the engine counts, and the hits found.
    """
    hits = taken = 0
    started_s = 0.0
    for values in consume(kafka, count):
        started_s = started_s or time.perf_counter()
        hits += look_up([_plate(value) for value in values])
        taken += len(values)
    return taken / (time.perf_counter() - started_s), hits


def _plate(value: bytes) -> str:
    plate: str = orjson.loads(value)["plate"]
    return plate.upper().replace("-", "")


def in_set(listed: frozenset[str]) -> LookUp:
    """Look up in a Python set."""
    return lambda plates: sum(plate in listed for plate in plates)


def in_bloom(listed: frozenset[str], false_share: float) -> LookUp:
    """Ask a filter first and the set for its yeses."""
    bloom = Bloom(max(1, len(listed)), false_share)
    bloom.update(listed)
    return lambda plates: sum(plate in bloom and plate in listed for plate in plates)


def fill_redis(redis_url: str, listed: frozenset[str]) -> None:
    """Put the listed plates into one Redis set."""
    with Redis.from_url(redis_url) as client:
        plates = iter(listed)
        while part := list(islice(plates, 10_000)):
            client.sadd(SET_KEY, *part)


def in_redis(client: Redis) -> LookUp:
    """Ask Redis for each plate and wait for the answer."""
    return lambda plates: sum(int(client.sismember(SET_KEY, plate)) for plate in plates)


def in_redis_pipelined(client: Redis) -> LookUp:
    """Ask Redis for a thousand plates at a time."""

    def look_up(plates: list[str]) -> int:
        hits = 0
        for first in range(0, len(plates), PIPELINE_READS):
            pipeline = client.pipeline(transaction=False)
            for plate in plates[first : first + PIPELINE_READS]:
                pipeline.sismember(SET_KEY, plate)
            hits += sum(int(found) for found in pipeline.execute())
        return hits

    return look_up
