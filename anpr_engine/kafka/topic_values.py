"""All values that a small topic holds now, committed ones only, without a trace on the broker.

Why beside `history.py`: that one reads ranges of a large topic in large steps, one partition after
the other, and waits a tenth of a second for each. A desk asks often, of topics with little in them.
"""

import uuid
from collections.abc import Callable, Iterator

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, TopicPartition

from anpr_engine.clock import SystemClock
from anpr_engine.errors import BrokerUnavailable
from anpr_engine.kafka.client_settings import common, follower
from anpr_engine.kafka.errors import PASSING, translate, translated
from anpr_engine.kafka.history import HistorySettings
from anpr_engine.kafka.watch import ClientWatch, reach

LOOK_S, SILENCE_S_MAX = 0.1, 30.0


def committed_values(settings: HistorySettings, stop: Callable[[], bool]) -> Iterator[bytes]:
    """Give every value up to the end that each partition has when it is reached.

    Of one partition they come in order; partitions come mixed.

    Args:
        settings: which topic, and how to reach it.
        stop: ends early.

    Raises:
        BrokerError: nobody answers, we are refused, or the topic does not exist.

    """
    where, clock = f"{settings.bootstrap}, topic {settings.topic}", SystemClock()
    watch = ClientWatch(where)
    base = common(settings.bootstrap, settings.security, watch.hear)
    group = f"{settings.group}.{uuid.uuid4().hex}"
    more = follower(group, check_crcs=settings.check_crcs)
    with translated(where):
        consumer = Consumer({**base, **more, "enable.partition.eof": True})
        try:
            found = reach(
                consumer,
                settings.topic,
                watch=watch,
                serve=lambda: consumer.consume(1, 0),
                deadline_s=clock.monotonic_s() + settings.start_timeout_s,
                clock=clock,
            )
            waiting = set(found.partitions)
            consumer.assign([TopicPartition(settings.topic, p, OFFSET_BEGINNING) for p in waiting])
            yield from _until_ends(consumer, waiting, watch, stop)
        finally:
            consumer.close()


def _until_ends(
    consumer: Consumer, waiting: set[int], watch: ClientWatch, stop: Callable[[], bool]
) -> Iterator[bytes]:
    clock = SystemClock()
    heard_s = clock.monotonic_s()
    while waiting and not stop():
        message = consumer.poll(LOOK_S)
        watch.check()
        if message is None:
            if clock.monotonic_s() - heard_s > SILENCE_S_MAX:
                what = f"Kafka at {watch.where}: silent for {SILENCE_S_MAX:.0f} s."
                raise BrokerUnavailable(what, "Run `anpr doctor`.")
            continue
        heard_s = clock.monotonic_s()
        error = message.error()
        if error is None:
            yield message.value() or b""
        elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001
            waiting.discard(message.partition() or 0)
        elif error.code() not in PASSING:
            raise translate(error, watch.where)
