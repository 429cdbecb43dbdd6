"""How old the oldest read is that a broker still holds; most reads are of nobody listed.

Why asked of the records and not of the topic's settings: a setting says what should be deleted,
a record that is still there says what was not. Only the first record of each partition is fetched.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

from confluent_kafka import TIMESTAMP_NOT_AVAILABLE, KafkaError

from anpr_engine.kafka.client_settings import StreamSettings
from anpr_engine.kafka.errors import PASSING, translate
from anpr_engine.kafka.history import HistorySettings
from anpr_engine.kafka.look import LOOK_S, Look, topic_opened
from anpr_engine.kafka.repeating import repeated
from anpr_engine.metrics.table import READS_OLDEST, Metrics
from anpr_engine.ports import Clock

EVERY_S = 60.0
ASK_S = 10.0
FETCH_BYTES = 4096
"""Enough for one record; the broker gives a first record that is larger all the same."""


def oldest_times_us(settings: StreamSettings, clock: Clock) -> dict[int, int]:
    """Ask for the time of the first record of each partition that has one, by the broker's clock.

    Raises:
        BrokerError: nobody answers, we are refused, or the topic does not exist.

    """
    deadline_s = clock.monotonic_s() + ASK_S
    group = f"{settings.group_id}.oldest"
    log = replace(HistorySettings.beside(settings, settings.topic, group), start_timeout_s=ASK_S)
    with topic_opened(log, max_partition_fetch_bytes=FETCH_BYTES, queued_min_messages=1) as look:
        return _first_times(look, deadline_s, clock)


def _first_times(look: Look, deadline_s: float, clock: Clock) -> dict[int, int]:
    waiting, times = set(look.partitions), dict[int, int]()
    while waiting and clock.monotonic_s() < deadline_s:
        message = look.consumer.poll(LOOK_S)
        if message is None:
            continue
        error = message.error()
        ended = error is not None and error.code() == KafkaError._PARTITION_EOF  # noqa: SLF001
        if error is not None and not ended:
            if error.code() in PASSING:
                continue
            raise translate(error, look.watch.where)
        partition, (kind, at_ms) = message.partition() or 0, message.timestamp()
        if not ended and partition in waiting and kind != TIMESTAMP_NOT_AVAILABLE:
            times[partition] = at_ms * 1000
        waiting.discard(partition)
    return times


def oldest_age_s(times_us: Mapping[int, int], now_us: int) -> float:
    """Give the age of the oldest of some records, 0 where there is none."""
    return max(0.0, (now_us - min(times_us.values())) / 1e6) if times_us else 0.0


@contextmanager
def oldest_read_watched(
    settings: StreamSettings, metrics: Metrics, clock: Clock, every_s: float = EVERY_S
) -> Iterator[None]:
    """Keep the metric of the oldest read's age, in a thread of its own, as long as this lasts.

    A broker that does not answer leaves the metric as it was, and a line in the log.
    """

    def look() -> None:
        times_us = oldest_times_us(settings, clock)
        metrics.put(READS_OLDEST, oldest_age_s(times_us, clock.now_us()), settings.topic)

    with repeated(look, every_s, "oldest-read", "oldest_read_unknown"):
        yield
