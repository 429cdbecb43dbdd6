"""How old the oldest read on a real broker is, and what the doctor makes of it."""

import threading
import time
from typing import TYPE_CHECKING

from confluent_kafka import Producer

from anpr_engine.clock import SystemClock
from anpr_engine.kafka.checks import check_broker
from anpr_engine.kafka.client_settings import NO_SECURITY, StreamSettings
from anpr_engine.kafka.oldest import oldest_age_s, oldest_read_watched, oldest_times_us
from anpr_engine.kafka.topic_admin import TopicAdmin
from anpr_engine.kafka.topics import TOPICS, plan, wanted_topics
from anpr_engine.metrics.table import READS_OLDEST, Metrics
from anpr_engine.policy.policy_set import shipped_policies
from anpr_engine.wire import SiteTopics

if TYPE_CHECKING:
    from servers import Broker

SITE = "xo"
"""A site that no other test writes reads of."""
READS = SiteTopics(SITE).reads
WAIT_S = 15.0


def settings(broker: "Broker", topic: str = READS) -> StreamSettings:
    """Say where the reads are."""
    return StreamSettings(broker.bootstrap, topic, "oldest", "oldest")


def make_topics(broker: "Broker") -> None:
    """Make the site's topics as they are planned."""
    admin = TopicAdmin(broker.bootstrap)
    wanted = wanted_topics(TOPICS, [SITE], replication=1, reads_partitions=2)
    admin.apply(plan(admin.existing([topic.name for topic in wanted]), wanted))


def test_the_oldest_read_of_each_partition_is_found(kafka: "Broker") -> None:
    """Empty partitions have none; later reads change nothing; metric and doctor say its age."""
    make_topics(kafka)
    clock, metrics = SystemClock(), Metrics()
    assert oldest_times_us(settings(kafka), clock) == {}
    begun_us = clock.now_us()
    producer = Producer({"bootstrap.servers": kafka.bootstrap, "linger.ms": 0})
    for _ in range(2):
        producer.produce(READS, b"{}", partition=1)
        assert producer.flush(WAIT_S) == 0
    found = oldest_times_us(settings(kafka), clock)
    assert found.keys() == {1}
    assert abs(found[1] - begun_us) < 60e6
    with oldest_read_watched(settings(kafka), metrics, clock, every_s=0.01):
        deadline_s, pause = time.monotonic() + WAIT_S, threading.Event()
        while not metrics.value(READS_OLDEST.name, topic=READS):
            assert time.monotonic() < deadline_s
            pause.wait(0.02)
    told = list(check_broker(kafka.bootstrap, NO_SECURITY, SITE, shipped_policies()))
    (retention,) = [each for each in told if each.check == "retention"]
    assert (retention.state, retention.what) == (
        "ok",
        "the oldest read is 0.0 h old, of 6.3 h at most",
    )


def test_a_broker_that_fails_leaves_the_metric_alone(kafka: "Broker") -> None:
    """The watch goes on, and ends when it is told to."""
    metrics, missing = Metrics(), settings(kafka, "anpr.reads.nowhere")
    with oldest_read_watched(missing, metrics, SystemClock(), every_s=0.01):
        pass
    assert metrics.value(READS_OLDEST.name, topic=missing.topic) == 0.0


def test_the_age_is_that_of_the_oldest() -> None:
    """Of several partitions the oldest counts; a clock behind the broker's gives none below 0."""
    assert oldest_age_s({0: 5_000_000, 1: 2_000_000}, 9_000_000) == 7.0
    assert oldest_age_s({0: 5_000_000}, 4_000_000) == 0.0
    assert oldest_age_s({}, 4_000_000) == 0.0
