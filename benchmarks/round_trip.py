"""The bare transactional round trip: one record a transaction, seen by a reader of committed ones.

It is what no engine on this broker can go below, and what the engine's latency is held against:
the same number of transactions a second as the engine made, while the same reads are written
beside it and nobody works on them.
"""

import threading
import time
import uuid
from dataclasses import dataclass, field

from confluent_kafka import Producer

from anpr_engine.kafka.client_settings import StreamSettings, saver
from anpr_engine.wire import SiteTopics
from benchmarks.alerts import ANSWER_S, noted
from benchmarks.lab import SITE, WrongAnswer

WARM_UP = 20
TOPIC = SiteTopics(SITE).feedback
"""There already, and nobody else writes to it here."""
ARRIVAL_S_MAX = 10.0


@dataclass(slots=True)
class _Seen:
    """When each record became visible, by its number, in nanoseconds since 1970."""

    at_ns: dict[int, int] = field(default_factory=dict)
    news: threading.Condition = field(default_factory=threading.Condition)

    def note(self, value: bytes, at_ns: int) -> None:
        with self.news:
            self.at_ns[int(value)] = at_ns
            self.news.notify_all()

    def wait(self, count: int) -> None:
        with self.news:
            if not self.news.wait_for(lambda: len(self.at_ns) >= count, ARRIVAL_S_MAX):
                raise WrongAnswer(f"{len(self.at_ns)} of {count} bare records became visible")


def round_trips_ms(kafka: str, per_s: float, stop: threading.Event) -> list[float]:
    """Make bare round trips at a rate until told to stop.

    Args:
        kafka: the broker.
        per_s: transactions a second; where a commit takes longer the next one follows at once.
        stop: ends it; every record is waited for.

    Returns milliseconds from the transaction's begin until its record is visible.
    """
    seen = _Seen()
    with noted(kafka, TOPIC, seen.note):
        producer = _producer(kafka)
        begun_ns: list[int] = []
        start_s = time.monotonic()
        while not stop.is_set() or len(begun_ns) <= WARM_UP:
            number = len(begun_ns)
            stop.wait(max(0.0, start_s + number / per_s - time.monotonic()))
            begun_ns.append(time.time_ns())
            producer.begin_transaction()
            producer.produce(TOPIC, str(number).encode())
            producer.commit_transaction(ANSWER_S)
        seen.wait(len(begun_ns))
        producer.close()
        counted = range(WARM_UP, len(begun_ns))
        return [(seen.at_ns[number] - begun_ns[number]) / 1e6 for number in counted]


def _producer(kafka: str) -> Producer:
    # With the settings of the engine's own.
    settings = StreamSettings(kafka, "", "", f"bench.bare.{uuid.uuid4().hex}")
    told = saver(settings, lambda _text: None)
    producer = Producer({"bootstrap.servers": kafka, "log_level": 3, **told})
    producer.init_transactions(ANSWER_S)
    return producer
