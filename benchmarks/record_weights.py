"""What records weigh: a read as it is fetched, an alert and an audit line as written."""

import json
import time

import numpy as np
from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

from anpr_engine.wire import CROSS_BORDER_TOPIC, SiteTopics
from benchmarks import workloads
from benchmarks.alerts import TopicReader
from benchmarks.lab import PARTITIONS, READS_TOPIC, SITE, expect
from benchmarks.peers import CONSUME_MAX, SILENCE_S_MAX, client_properties

STATISTICS_MS = 200
READS = 200_000
"""As many reads are fetched at most; some more are on their way by then and count on both sides."""


def weights(kafka: str) -> dict[str, float]:
    """Give bytes: a read as JSON and on the wire, an alert, an audit line; without keys."""
    found = {"read_bytes": float(workloads.READ_BYTES), "wire_bytes": wire_bytes(kafka)}
    topics = {"alert_bytes": CROSS_BORDER_TOPIC, "audit_bytes": SiteTopics(SITE).audit}
    for name, topic in topics.items():
        reader = TopicReader(kafka, topic)
        try:
            stored = reader.since(dict.fromkeys(reader.ends(), 0))
        finally:
            reader.close()
        found[name] = float(np.mean([len(record.value) for record in stored]))
    return found


def wire_bytes(kafka: str) -> float:
    """Fetch reads with the engine's settings; give what was received for each, in bytes."""
    heard: list[str] = []
    told = {"statistics.interval.ms": STATISTICS_MS, "stats_cb": heard.append}
    consumer = Consumer({**client_properties(kafka), **told})
    try:
        places = [TopicPartition(READS_TOPIC, p, OFFSET_BEGINNING) for p in range(PARTITIONS)]
        consumer.assign(places)
        taken, deadline_s = 0, time.monotonic() + SILENCE_S_MAX
        while (taken < READS or not _received(heard)) and time.monotonic() < deadline_s:
            taken += len(consumer.consume(CONSUME_MAX, STATISTICS_MS / 1000))
    finally:
        consumer.close()
    expect("whether the client told what it received", _received(heard) > 0, expected=True)
    return _received(heard)


def _received(heard: list[str]) -> float:
    # Of the first report that knows of many reads: later ones hold empty answers too.
    reports = (json.loads(text) for text in heard)
    several = ((told["rx_bytes"], told["rxmsgs"]) for told in reports)
    return next((size / reads for size, reads in several if reads >= CONSUME_MAX), 0.0)
