"""A topic opened to be looked at from its beginning, without a trace on the broker."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

from anpr_engine.clock import SystemClock
from anpr_engine.kafka.client_settings import common, follower
from anpr_engine.kafka.errors import translated
from anpr_engine.kafka.history import HistorySettings
from anpr_engine.kafka.watch import ClientWatch, reach

LOOK_S = 0.1


class Look(NamedTuple):
    """A consumer that gives all partitions from the first record on, and tells their ends."""

    consumer: Consumer
    partitions: set[int]
    watch: ClientWatch


@contextmanager
def topic_opened(settings: HistorySettings, **more: int) -> Iterator[Look]:
    """Open a topic for a block.

    Args:
        settings: which topic, and how to reach it.
        more: the consumer's properties beside those of every look, `_` for each dot.

    Raises:
        BrokerError: nobody answers, we are refused, or the topic does not exist; in the block too.

    """
    where, clock = f"{settings.bootstrap}, topic {settings.topic}", SystemClock()
    watch = ClientWatch(where)
    with translated(where):
        consumer = Consumer(
            {
                **common(settings.bootstrap, settings.security, watch.hear),
                **follower(f"{settings.group}.{uuid.uuid4().hex}", check_crcs=settings.check_crcs),
                **{name.replace("_", "."): value for name, value in more.items()},
                "enable.partition.eof": True,
            }
        )
        try:
            found = reach(
                consumer,
                settings.topic,
                watch=watch,
                serve=lambda: consumer.consume(1, 0),
                deadline_s=clock.monotonic_s() + settings.start_timeout_s,
                clock=clock,
            )
            partitions = set(found.partitions)
            places = [TopicPartition(settings.topic, p, OFFSET_BEGINNING) for p in partitions]
            consumer.assign(places)
            yield Look(consumer, partitions, watch)
        finally:
            consumer.close()
