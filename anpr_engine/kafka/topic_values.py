"""All records that a small topic holds now, committed ones only, without a trace on the broker.

Why beside `history.py`: that one reads ranges of a large topic in large steps, one partition after
the other, and waits a tenth of a second for each. A desk asks often, of topics with little in them.
"""

from collections.abc import Callable, Iterator

from confluent_kafka import KafkaError

from anpr_engine.clock import SystemClock
from anpr_engine.errors import BrokerUnavailable
from anpr_engine.kafka.errors import PASSING, translate
from anpr_engine.kafka.history import HistorySettings
from anpr_engine.kafka.look import LOOK_S, Look, topic_opened
from anpr_engine.kafka.tail import TailedRecord, tailed

SILENCE_S_MAX = 30.0


def committed_records(
    settings: HistorySettings, stop: Callable[[], bool]
) -> Iterator[TailedRecord]:
    """Give every record up to the end that each partition has when it is reached.

    Of one partition they come in order; partitions come mixed.

    Args:
        settings: which topic, and how to reach it.
        stop: ends early.

    Raises:
        BrokerError: nobody answers, we are refused, or the topic does not exist.

    """
    with topic_opened(settings) as look:
        yield from _until_ends(look, stop)


def _until_ends(look: Look, stop: Callable[[], bool]) -> Iterator[TailedRecord]:
    consumer, waiting, watch = look
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
            yield tailed(message)
        elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001
            waiting.discard(message.partition() or 0)
        elif error.code() not in PASSING:
            raise translate(error, watch.where)
