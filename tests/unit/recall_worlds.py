"""A site in memory whose lists a test changes, with alerts that can be recalled."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from clocks import FixedClock
from fakes.memory_stream import MemoryBroker, MemoryReadStream

from anpr_engine.metrics.table import Metrics
from anpr_engine.pipeline.ingest import RejectGuard
from anpr_engine.pipeline.open_alerts import OpenAlert, OpenAlerts, alerts_from
from anpr_engine.pipeline.recalls import EarlierAlerts, Recalls
from anpr_engine.pipeline.report import EngineReport
from anpr_engine.pipeline.run import EnginePorts, EngineRules, SiteEngine
from anpr_engine.records.watchlist_entry import WatchlistEntry
from anpr_engine.watchlist.changes import ChangeNotes
from anpr_engine.watchlist.editor import Change
from anpr_engine.watchlist.snapshot import ProfileTable, snapshot_of
from anpr_engine.watchlist.stored import profile_digest, profile_of, store_entry
from anpr_engine.wire import CROSS_BORDER_RECALLS, CROSS_BORDER_TOPIC, SiteTopics

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
TOPICS = SiteTopics("be")
RECALL_TOPICS = (TOPICS.recalls, CROSS_BORDER_RECALLS)


def entry(name: str = "e1", **more: object) -> WatchlistEntry:
    """Make an entry that is shared with the other site."""
    given = {"entry_id": name, "list_id": "l1", "plate": "1-ABC-123", "country": "BE"}
    return WatchlistEntry.model_validate(given | {"sharing": "be,nl"} | more)


class Lists:
    """Lists that a test changes, noted as a follower does."""

    def __init__(self, entries: Sequence[WatchlistEntry]) -> None:
        """Start at version 1."""
        self.entries = {each.entry_id: each for each in entries}
        self.changes = ChangeNotes()
        self.current = snapshot_of(list(entries))
        self.verified_at_us = int(NOW.timestamp() * 1e6)
        self.received_at_us: dict[str, int] | None = None

    def put(self, *entries: WatchlistEntry, gone: Sequence[str] = (), noted: bool = True) -> None:
        """Change and remove entries in one version."""
        table, changes, version = ProfileTable(), list[Change](), self.current.version + 1
        for each in entries:
            was = self.entries[each.entry_id].plate if each.entry_id in self.entries else ""
            profile = profile_of(each)
            number = table.number(profile_digest(profile), profile)
            stored = store_entry(each, version)
            changes.append(Change(each.list_id, each.entry_id, was, stored, number))
            self.entries[each.entry_id] = each
        changes += [Change("l1", name, self.entries.pop(name).plate) for name in gone]
        self.current = snapshot_of(list(self.entries.values()), version=version)
        if noted:
            self.changes.follow(version, int(NOW.timestamp() * 1e6), changes, table)


class Site:
    """An engine over a broker in memory, with alerts that it can recall."""

    def __init__(
        self,
        entries: Sequence[WatchlistEntry],
        broker: MemoryBroker | None = None,
        earlier: EarlierAlerts | None = None,
    ) -> None:
        """Put entries on the lists."""
        self.broker = broker or MemoryBroker()
        if broker is None:
            told = (TOPICS.reads, TOPICS.alerts, CROSS_BORDER_TOPIC, TOPICS.audit, TOPICS.rejected)
            for topic in (*told, *RECALL_TOPICS):
                self.broker.add_topic(topic, 1)
        self.clock, self.lists = FixedClock(NOW), Lists(entries)
        self.book = OpenAlerts("be", 1000, 30.0)
        self.recalls = Recalls(self.lists, self.book, self.clock, earlier)
        self.reads = 0

    def run(self, *plates: str) -> None:
        """Let a camera see some plates and work them off."""
        for plate in plates:
            self.reads += 1
            fields = {"read_id": f"r{self.reads}", "camera_id": "c", "plate": plate}
            value = json.dumps(fields | {"captured_at": NOW.isoformat(), "country": "BE"})
            self.broker.write(TOPICS.reads, 0, [value.encode()])
        stream = MemoryReadStream(self.broker, TOPICS.reads, "g", self.clock)
        ports = EnginePorts(stream, self.lists, self.clock, recalls=self.recalls)
        report = EngineReport(Metrics(), self.clock)
        engine = SiteEngine(EngineRules("be"), ports, RejectGuard(0.5, 1000), report)
        engine.run(lambda: False, until_end=True)

    def published(self, *topics: str) -> list[dict[str, Any]]:
        """Give what was committed to some topics."""
        return [json.loads(each.value) for each in self.broker.published if each.topic in topics]

    def recalled(self) -> list[tuple[str, str, tuple[str, ...]]]:
        """Give entry, reason and recipients of every recall."""
        found = self.published(*RECALL_TOPICS)
        return [(each["entry_id"], each["reason"], tuple(each["recipients"])) for each in found]


BOTH = ("be", "nl")


def found_in(broker: MemoryBroker) -> list[OpenAlert]:
    """Give the alerts that a broker's topics say are open."""
    values = {
        kind: [each.value for each in broker.published if each.topic.startswith(f"anpr.{kind}.")]
        for kind in ("alerts", "recalls")
    }
    return alerts_from("be", [*values["alerts"], b"{", b"[]"], values["recalls"], 1000)


def until_known(site: Site) -> None:
    """Run until the alerts of before the start were found."""
    search = site.recalls._search  # noqa: SLF001 - to wait for its thread
    while site.recalls._search is not None:  # noqa: SLF001
        site.recalls.pending()
        site.clock.now += timedelta(seconds=31)
    assert search is not None
