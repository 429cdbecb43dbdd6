"""The loop of one engine over the fake stream: what is committed, counted and refused."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import batch_records
import numpy as np
import pytest
from clocks import FixedClock
from fakes.memory_stream import MemoryBroker, MemoryReadStream

from anpr_engine.errors import RejectShareExceeded
from anpr_engine.metrics.table import METRICS, Metrics
from anpr_engine.pipeline import core, run
from anpr_engine.pipeline.batches.rules import RecordRules, schemas_from
from anpr_engine.pipeline.core import StepResult, StepRules
from anpr_engine.pipeline.ingest import RejectGuard
from anpr_engine.pipeline.journeys import PlaceRules
from anpr_engine.pipeline.report import EngineReport
from anpr_engine.pipeline.run import EnginePorts, EngineRules, SiteEngine
from anpr_engine.ports import BatchLimits, ReadStream, RecordBatch
from anpr_engine.records.watchlist_entry import WatchlistEntry
from anpr_engine.watchlist.snapshot import Snapshot, snapshot_of
from anpr_engine.wire import OutgoingRecord, SiteTopics

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
TOPICS = SiteTopics("be")
PUBLISHED_TO = (TOPICS.alerts, TOPICS.rejected, TOPICS.audit, "anpr.alerts.crossborder")


class FixedLists:
    """Holds one snapshot, confirmed at a time that a test moves."""

    def __init__(self, snapshot: Snapshot) -> None:
        """Confirm a snapshot now."""
        self.current = snapshot
        self.verified_at_us = int(NOW.timestamp() * 1e6)
        self.received_at_us: dict[str, int] | None = None


class Site:
    """An engine over a broker in memory."""

    def __init__(
        self,
        values: list[bytes],
        missing_topics: tuple[str, ...] = (),
        step: StepRules | None = None,
    ) -> None:
        """Put records on the reads topic and an entry on the list."""
        self.broker = MemoryBroker()
        for topic in {TOPICS.reads, *PUBLISHED_TO} - set(missing_topics):
            self.broker.add_topic(topic, 1)
        self.broker.write(TOPICS.reads, 0, values)
        self.clock, self.metrics = FixedClock(NOW), Metrics()
        entry = WatchlistEntry(entry_id="e1", list_id="l1", plate="1-ABC-123", sharing="be,nl")
        self.lists = FixedLists(snapshot_of([entry]))
        self.stream = MemoryReadStream(self.broker, TOPICS.reads, "g", self.clock)
        limits = BatchLimits(reads_max=100)
        rules = EngineRules("be", step=step or StepRules(), limits=limits)
        ports = EnginePorts(self.stream, self.lists, self.clock)
        report = EngineReport(self.metrics, self.clock)
        self.engine = SiteEngine(rules, ports, RejectGuard(0.5, 1000), report)

    def published(self, topic: str) -> list[dict[str, object]]:
        """Give what was committed to a topic."""
        return [json.loads(each.value) for each in self.broker.published if each.topic == topic]


def read(number: int, plate: str = "1ABC123") -> bytes:
    """Write one read."""
    stamp = (NOW - timedelta(seconds=2)).isoformat()
    fields = {"read_id": f"r{number}", "camera_id": "c", "captured_at": stamp, "plate": plate}
    return json.dumps(fields).encode()


def test_alerts_audit_and_dead_letters_come_out_together() -> None:
    """A good, an unknown and a bad record: one alert with its audit line, one dead letter."""
    site = Site([read(1), read(2, "1-XYZ-999"), b"{"])
    totals = site.engine.run(lambda: False, until_end=True)
    assert (totals.reads, totals.rejected, totals.hits, totals.alerts) == (3, 1, 1, 1)
    assert [a["watchlist_age_ms"] for a in site.published("anpr.alerts.crossborder")] == [0]
    actions = [line["action"] for line in site.published(TOPICS.audit)]
    assert actions == ["engine-started", "alert-published"]
    letter = site.published(TOPICS.rejected)[0]
    assert (letter["reason"], letter["offset"]) == ("not-json", 2)
    assert site.broker.saved["g"] == [3]


def test_what_is_counted_is_what_was_committed() -> None:
    """Metrics name rejects, hits by tier and alerts by recipient; drops on purpose stand apart."""
    site = Site([read(1), read(2, "?-ABC-1"), read(3, "--"), b""])
    site.engine.run(lambda: False, until_end=True)
    value = site.metrics.value
    assert value("anpr_reads_total") == 4
    assert value("anpr_reads_rejected_total", reason="empty") == 1
    assert value("anpr_reads_unmatchable_total", reason="unread-position") == 1
    assert value("anpr_reads_unmatchable_total", reason="no-character") == 1
    assert value("anpr_hits_total", tier="exact") == 1
    assert value("anpr_alerts_total", recipient="nl") == value("anpr_alerts_total", recipient="be")
    assert value("anpr_filter_fill_ratio") > 0


def test_the_share_of_false_maybes_is_of_plates_not_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Eleven asked, one of them listed, three refuted: three in ten."""
    conclude = core.conclude

    def counted(*given: Any) -> StepResult:  # noqa: ANN401 - whatever the engine passes
        result = conclude(*given)
        return replace(result, hits=replace(result.hits, tally=np.array([1, 4, 3, 11])))

    monkeypatch.setattr(run, "conclude", counted)
    site = Site([read(1), read(2, "1-XYZ-999")])
    site.engine.run(lambda: False, until_end=True)
    assert site.metrics.value("anpr_filter_false_positive_ratio") == pytest.approx(0.3)


def test_old_lists_mark_the_alert() -> None:
    """Lists that nobody confirmed for too long are used, and the alert says so."""
    site = Site([read(1)])
    site.clock.now = NOW + timedelta(seconds=45)
    site.engine.run(lambda: False, until_end=True)
    alert = site.published("anpr.alerts.crossborder")[0]
    assert (alert["watchlist_stale"], alert["watchlist_age_ms"]) == (True, 45_000)
    assert alert["lateness_ms"] == 47_000


def test_a_rollback_publishes_nothing_and_the_reads_come_again() -> None:
    """While a topic is missing nothing comes out; once it is there the alert comes out once."""
    site = Site([read(1)], missing_topics=(TOPICS.audit,))
    rounds = iter([False, False, True])
    site.engine.run(lambda: next(rounds))
    assert site.broker.published == []
    site.broker.add_topic(TOPICS.audit, 1)
    again = Site([])
    again.broker = site.broker
    again.stream = MemoryReadStream(site.broker, TOPICS.reads, "g", site.clock)
    ports = EnginePorts(again.stream, site.lists, site.clock)
    report = EngineReport(Metrics(), site.clock)
    engine = SiteEngine(EngineRules("be"), ports, RejectGuard(0.5, 1000), report)
    assert engine.run(lambda: False, until_end=True).alerts == 1
    assert len(site.published("anpr.alerts.crossborder")) == 1


class Overlapping:
    """A stream that refuses some commits, and notes what was polled while one was under way."""

    def __init__(self, stream: MemoryReadStream, refused: set[int]) -> None:
        """Take the numbers of the commits to refuse, from 1 on."""
        self._stream, self._refused, self._number = stream, refused, 0
        self._under_way = False
        self.polled_meanwhile = 0

    def __getattr__(self, name: str) -> object:
        """Do all else as the stream does."""
        return getattr(self._stream, name)

    def poll(self, limits: BatchLimits) -> RecordBatch | None:
        """Count what comes while a commit is under way."""
        batch = self._stream.poll(limits)
        self.polled_meanwhile += self._under_way and batch is not None
        return batch

    def start_commit(self, outgoing: Sequence[OutgoingRecord]) -> None:
        """Begin a commit, or one that cannot succeed."""
        self._number += 1
        missing = OutgoingRecord("missing", b"", b"")
        self._stream.start_commit(
            [*outgoing, missing] if self._number in self._refused else outgoing
        )
        self._under_way = True

    def finish_commit(self) -> bool:
        """Finish the commit."""
        self._under_way = False
        return self._stream.finish_commit()


@pytest.mark.parametrize("refused", [set[int](), {1}, {2, 3}, {1, 4}])
def test_a_backlog_is_matched_while_the_batch_before_is_saved(
    refused: set[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is rolled back on the way: each read of the vehicle is one passage, one alert."""
    monkeypatch.setattr(run, "OVERLAP_READS_MIN", 1)
    site = Site([read(number) for number in range(350)])
    stream = Overlapping(site.stream, refused)
    rules = EngineRules("be", limits=BatchLimits(reads_max=100))
    ports = EnginePorts(cast("ReadStream", stream), site.lists, site.clock)
    report = EngineReport(site.metrics, site.clock)
    engine = SiteEngine(rules, ports, RejectGuard(0.5, 1000), report)
    totals = engine.run(lambda: False, until_end=True)
    assert (totals.reads, totals.alerts) == (350, 350)
    alerts = site.published("anpr.alerts.crossborder")
    assert len({alert["alert_id"] for alert in alerts}) == len(alerts) == 350
    assert site.broker.saved["g"] == [350]
    assert stream.polled_meanwhile >= 3


def test_the_guard_stops_before_anything_of_the_batch_is_saved() -> None:
    """An engine that can read nothing stops with its reads still in Kafka."""
    site = Site([b"{"] * 3000)
    with pytest.raises(RejectShareExceeded):
        site.engine.run(lambda: False)
    assert sum(site.broker.saved.get("g", [0])) < 3000


def test_every_metric_of_the_table_is_on_the_page() -> None:
    """The page names each metric, so that a dashboard never asks for one that is not there."""
    page = Metrics().page().decode()
    assert all(metric.name.removesuffix("_total") in page for metric in METRICS)


def test_reads_of_one_record_are_alerted_and_refused_each_by_itself() -> None:
    """A bad read in a record of many is one dead letter, with its place; the rest goes on."""
    good = json.loads(read(1))
    reads = [good, good | {"read_id": ""}, good | {"read_id": "r3", "confidence": 2.0}]
    schemas = schemas_from({"*": "plate_reads.v1"})
    many = batch_records.framed(1, batch_records.avro(batch_records.MANY_READS, reads))
    site = Site([read(0), many, many[:-3]], step=StepRules(records=RecordRules(schemas=schemas)))
    totals = site.engine.run(lambda: False, until_end=True)
    assert (totals.reads, totals.rejected, totals.alerts) == (5, 3, 2)
    letters = site.published(TOPICS.rejected)
    named = [(each["offset"], each.get("place"), each["reason"]) for each in letters]
    out_of_range = "out-of-range"
    assert named == [(1, 1, out_of_range), (1, 2, out_of_range), (2, None, "unreadable-record")]
    assert letters[0]["detail"] == "read_id; read 2 of its record"
    assert letters[2]["size_bytes"] == len(many) - 3
    ids = {dict(each.headers)["ce_id"] for each in site.broker.published if each.headers}
    assert len(ids) == len([each for each in site.broker.published if each.headers])
    assert site.broker.saved["g"] == [3]


def test_places_of_one_batch_count_in_the_next() -> None:
    """A misread that is no alert alone is one, once the vehicle was surely seen near by before."""
    at = {"country": "BE", "confidence": 0.9, "position": {"lat": 51.2, "lon": 4.4}}
    sure, doubtful = (
        json.dumps(json.loads(read(number, plate)) | at).encode()
        for number, plate in ((1, "1-ABC-123"), (2, "1-ADC-123"))
    )
    others = [read(number, "--") for number in range(3, 102)]
    for step, alerts in ((StepRules(), 1), (StepRules(places=PlaceRules()), 2)):
        site = Site([sure, *others, doubtful], step=step)
        assert site.engine.run(lambda: False, until_end=True).alerts == alerts
