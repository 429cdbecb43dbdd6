"""The audit topic as a log: all its committed lines up to now, and the newest of one chain.

Why the newest is waited for: committed lines behind another writer's open transaction cannot be
read until that one ends. A chain that went on from an older line would fork. So the topic is read
up to the end that it had when it was asked, open transactions included; these end by their
time-out at the latest.
"""

import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing

from confluent_kafka import Consumer, TopicPartition

from anpr_engine.clock import SystemClock
from anpr_engine.errors import BrokerUnavailable
from anpr_engine.kafka.client_settings import common, follower
from anpr_engine.kafka.errors import translated
from anpr_engine.kafka.history import ASK_S, History, HistorySettings, OffsetRange
from anpr_engine.kafka.watch import ClientWatch, watermarks

LOOK_BACK = 256
"""Offsets looked through for the newest line of a chain at first; then twice as many, and so on."""
OPEN_S_MAX = 90.0
"""Longer than a transaction may stay open."""
ASK_AGAIN_S = 0.02


def committed_lines(
    settings: HistorySettings,
    stop: Callable[[], bool],
    *,
    between_us: tuple[int | None, int | None] = (None, None),
) -> Iterator[tuple[int, int, bytes]]:
    """Give partition, offset and value of what the topic holds now, partition by partition.

    Args:
        settings: which topic, and how to reach it.
        stop: ends early.
        between_us: from when up to when, by the broker's time; None for all there is.

    Raises:
        BrokerError: nobody answers, we are refused, or the topic does not exist.

    """
    with closing(History(settings)) as history:
        for part in history.between(*between_us):
            yield from _records(history, part, stop)


def newest_lines(settings: HistorySettings, begins_with: bytes) -> list[bytes]:
    """Give the last committed line of each partition that begins so, where there is one.

    Raises:
        BrokerError: nobody answers, we are refused, or the topic does not exist.

    """
    with closing(History(settings)) as history:
        found = (
            _newest(history, part, begins_with)
            for part in _settled(history, settings)
            if part.end > part.begin
        )
        return [line for line in found if line is not None]


def _settled(history: History, settings: HistorySettings) -> list[OffsetRange]:
    """Give what there is once every transaction that is open now has ended."""
    clock, pause = SystemClock(), threading.Event()
    parts = history.between(None, None)
    ends = _open_ends(settings, [part.partition for part in parts])
    deadline_s = clock.monotonic_s() + OPEN_S_MAX
    while any(part.end < ends[part.partition] for part in parts):
        if clock.monotonic_s() > deadline_s:
            what = f"Kafka at {settings.bootstrap}, topic {settings.topic}: a transaction stays "
            raise BrokerUnavailable(
                f"{what}open for over {OPEN_S_MAX:.0f} s.", "Run `anpr doctor`."
            )
        pause.wait(ASK_AGAIN_S)
        parts = history.between(None, None)
    return parts


def _open_ends(settings: HistorySettings, partitions: list[int]) -> dict[int, int]:
    """Give the offset behind the last record of each partition, committed or not."""
    watch = ClientWatch(settings.bootstrap)
    base = common(settings.bootstrap, settings.security, watch.hear)
    group = f"{settings.group}.{uuid.uuid4().hex}"
    with translated(settings.bootstrap):
        consumer = Consumer({**base, **follower(group), "isolation.level": "read_uncommitted"})
        try:
            places = [TopicPartition(settings.topic, each) for each in partitions]
            return {place.partition: watermarks(consumer, place, ASK_S)[1] for place in places}
        finally:
            consumer.close()


def _newest(history: History, part: OffsetRange, begins_with: bytes) -> bytes | None:
    end, look_back = part.end, LOOK_BACK
    while end > part.begin:
        begin = max(part.begin, end - look_back)
        newest = None
        for _, _, value in _records(history, OffsetRange(part.partition, begin, end), _never):
            if value.startswith(begins_with):
                newest = value
        if newest is not None:
            return newest
        end, look_back = begin, look_back * 2
    return None


def _records(
    history: History, part: OffsetRange, stop: Callable[[], bool]
) -> Iterator[tuple[int, int, bytes]]:
    for _, batch, _ in history.batches([part], stop):
        for row, value in enumerate(batch.values):
            yield part.partition, batch.origin(row).offset, value


def _never() -> bool:
    return False
