"""What was held of a hit leaves the broker's disk with its topic's time, the newest segment too."""

from pathlib import Path

from confluent_kafka import Producer
from hits_world import alert_of
from packed import on_disk
from watchlist_world import until

from anpr_engine.kafka.embedded import EmbeddedKafka
from anpr_engine.kafka.kept import topics_of_alerts
from anpr_engine.kafka.topic_admin import TopicAdmin
from anpr_engine.kafka.topics import TOPICS, Step, plan, wanted_topics
from anpr_engine.wire import json_bytes

OFTEN = {"log.retention.check.interval.ms": "200", "log.initial.task.delay.ms": "100"}
PURGE = (("file.delete.delay.ms", "100"), ("retention.ms", "1"), ("segment.ms", "1000"))
WAIT_S = 30.0


def write(bootstrap: str, value: bytes) -> None:
    """Write a record to each topic of alerts."""
    producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 0})
    for name in topics_of_alerts("be"):
        producer.produce(name, value)
    assert producer.flush(WAIT_S) == 0


def test_an_alert_leaves_the_disk_with_its_topic_s_time(tmp_path: Path) -> None:
    """Nothing has to be written after it for that; what others hold of it goes by their time."""
    folder = tmp_path / "kafka"
    with EmbeddedKafka(data_dir=folder, settings=OFTEN) as broker:
        admin, wanted = TopicAdmin(broker.bootstrap), wanted_topics(TOPICS, ["be"], replication=1)
        admin.apply(plan(admin.existing([topic.name for topic in wanted]), wanted))
        alert = alert_of("canary", 1)
        write(broker.bootstrap, json_bytes(alert))
        plate, data = alert.entry.plate, folder / "data"
        assert plate
        names = {name.rpartition("-")[0] for name in on_disk(data, plate)}
        assert names == set(topics_of_alerts("be"))
        ending = [topic for topic in wanted if topic.name in names]
        admin.apply([Step("set", topic, "purge", PURGE) for topic in ending])
        until(lambda: not on_disk(folder, plate), WAIT_S)
