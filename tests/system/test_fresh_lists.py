"""Changes of the lists count within a second; a Redis that is gone or wiped loses nothing."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sites import Engine, World, alert_topics, await_true, read_json, world

from anpr_engine.clock import SystemClock
from anpr_engine.kafka.writer import ReadWriter
from anpr_engine.records.watchlist_entry import WatchlistEntry
from anpr_engine.watchlist.redis_client import RedisSession
from anpr_engine.watchlist.redis_writer import StoreWriter
from anpr_engine.wire import SiteTopics

IN_FORCE_S_MAX = 1.0


class LiveSite:
    """A running engine with one list that tests change."""

    def __init__(self, made: World, engine: Engine, writer: ReadWriter) -> None:
        """Work with a site that runs."""
        self.made = made
        self.engine = engine
        self._writer = writer
        self._reads = 0

    def put(self, name: str, plate: str, valid_until: datetime | None = None) -> None:
        """Add or change an entry."""
        entry = WatchlistEntry(
            entry_id=name, list_id="be-list", plate=plate, country="BE", valid_until=valid_until
        )
        self.made.load("be", [entry])

    def remove(self, name: str) -> None:
        """Remove an entry."""
        with RedisSession(self.made.redis["be"].url) as session:
            StoreWriter(session, "be", SystemClock()).remove([("be-list", name)])

    def see(self, plate: str) -> str:
        """Let a camera see a plate now; give the read's id."""
        self._reads += 1
        value = read_json("be", self._reads, plate, datetime.now(UTC).isoformat())
        self._writer.write(SiteTopics("be").reads, b"c", value)
        self._writer.flush()
        return f"be-{self._reads:07d}"

    def worked_off(self) -> None:
        """Wait until every read has been done."""
        await_true(lambda: self.engine.metric("anpr_reads_total") >= self._reads, "reads done")

    def alerted(self) -> set[str]:
        """Name the reads that were alerted so far."""
        records = self.made.committed(alert_topics(["be"]), 0, settle_s=0.5)
        return {json.loads(record.value)["read"]["read_id"] for record in records}

    def version(self) -> float:
        """Give the version of the lists that the engine matches against."""
        return self.engine.metric("anpr_watchlist_version")


@pytest.fixture
def live(tmp_path: Path) -> Iterator[LiveSite]:
    """Give a running site."""
    with world(tmp_path, ["be"]) as made:
        engine = made.engine("be", 0, ANPR_WATCHLIST__STALE_AFTER_S="1")
        engine.start()
        await_true(engine.ready, "engine ready")
        with ReadWriter(made.bootstrap) as writer:
            yield LiveSite(made, engine, writer)
        assert engine.stop() == 0


def test_changes_count_within_a_second(live: LiveSite) -> None:
    """Added, changed, removed and expired entries count in the engine within a second."""
    before = live.version()
    began_s = time.monotonic()
    live.put("e1", "1-NEW-001")
    await_true(lambda: live.version() > before, "the entry counts", IN_FORCE_S_MAX)
    assert time.monotonic() - began_s < IN_FORCE_S_MAX
    wanted = {live.see("1-NEW-001")}
    live.worked_off()
    changed_from = live.version()
    live.put("e1", "1-NEW-002")
    await_true(lambda: live.version() > changed_from, "the change counts", IN_FORCE_S_MAX)
    live.see("1-NEW-001")
    wanted.add(live.see("1-NEW-002"))
    live.worked_off()
    removed_from = live.version()
    live.remove("e1")
    await_true(lambda: live.version() > removed_from, "the removal counts", IN_FORCE_S_MAX)
    live.see("1-NEW-002")
    ends = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=3)
    expiring_from = live.version()
    live.put("e2", "1-END-001", ends)
    await_true(lambda: live.version() > expiring_from, "the expiring entry counts", IN_FORCE_S_MAX)
    wanted.add(live.see("1-END-001"))
    live.worked_off()
    await_true(lambda: datetime.now(UTC) >= ends, "the entry has ended")
    live.see("1-END-001")
    live.worked_off()
    assert live.alerted() == wanted
    assert live.engine.metric("anpr_watchlist_change_seconds_count") >= 3


def test_a_redis_that_is_gone_or_wiped_loses_nothing(live: LiveSite) -> None:
    """Matching goes on and says how old the lists are; a wiped store is refused and shown."""
    before = live.version()
    live.put("e9", "1-KEE-009")
    await_true(lambda: live.version() > before, "the entry counts")
    known = live.version()
    server = live.made.redis["be"]
    server.kill()
    await_true(lambda: live.engine.page("/readyz")[0] == 503, "stale lists show in /readyz")
    first = live.see("1-KEE-009")
    live.worked_off()
    server.start()
    refused = 'anpr_watchlist_refused_total{cause="manifest-missing"}'
    await_true(lambda: live.engine.metric(refused) > 0, "the empty store is refused")
    second = live.see("1-KEE-009")
    live.worked_off()
    assert {first, second} <= live.alerted()
    assert live.version() == known
    assert "manifest-missing" in live.engine.page("/readyz")[1]
    records = live.made.committed(alert_topics(["be"]), 0, settle_s=0.5)
    alerts = {a["read"]["read_id"]: a for a in map(json.loads, (r.value for r in records))}
    assert alerts[first]["watchlist_stale"] is True
    assert alerts[first]["watchlist_age_ms"] >= 1000
    assert live.engine.page("/healthz")[0] == 200


def test_the_page_tells_the_house(live: LiveSite) -> None:
    """The metrics page has what dashboards need, and no plate in it."""
    live.put("e1", "1-KEE-001")
    live.see("1-KEE-001")
    live.worked_off()
    code, page = live.engine.page("/metrics")
    assert code == 200
    for name in ("anpr_reads_total", "anpr_stage_seconds", "anpr_filter_fill_ratio"):
        assert name in page
    assert "KEE" not in page
    assert live.engine.page("/nothing")[0] == 404
