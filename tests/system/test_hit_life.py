"""The life of a hit in a running site: acted on as often as wanted, its entry falls silent."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from sites import Engine, World, alert_topics, await_true, read_json, world

from anpr_engine.cli.hits import command
from anpr_engine.clock import SystemClock
from anpr_engine.kafka.writer import ReadWriter
from anpr_engine.records.watchlist_entry import WatchlistEntry
from anpr_engine.watchlist.delivery import Delivery, SiteStore
from anpr_engine.watchlist.redis_client import RedisSession
from anpr_engine.watchlist.redis_writer import StoreWriter
from anpr_engine.wire import SiteTopics

PLATE, OTHER = "XX-123-X", "YY-456-Y"
ALERTS = 'anpr_alerts_total{recipient="be"}'
TIMES = 'anpr_hits_withheld_total{reason="art13.11.2-times"}'
REFUSED = 'anpr_hits_withheld_total{reason="handling.refused"}'
ACTS = ("--purpose", "burglary", "--case", "BE-12", "--by", "officer.7", "--unit", "unit west")


@dataclass(slots=True)
class Street:
    """A camera and a desk at one site."""

    made: World
    reads: int = 0

    def see(self, plate: str) -> str:
        """Let the camera see a plate now; give the read's id."""
        self.reads += 1
        value = read_json("be", self.reads, plate, datetime.now(UTC).isoformat())
        with ReadWriter(self.made.bootstrap) as writer:
            writer.write(SiteTopics("be").reads, b"c", value)
            writer.flush()
        return f"be-{self.reads:07d}"

    def alerts(self) -> dict[str, str]:
        """Give the ids of all alerts by their read."""
        records = self.made.committed(alert_topics(["be"]), 0, settle_s=0.5)
        told = [json.loads(record.value) for record in records]
        return {each["read"]["read_id"]: each["alert_id"] for each in told}

    def decide(self, *words: str) -> None:
        """Let an officer decide."""
        where = ("--site", "be", "--kafka", self.made.bootstrap)
        done = CliRunner().invoke(command, [*words, *ACTS, *where], catch_exceptions=False)
        assert done.exit_code in {0, 3}, done.output


def deliver(made: World, entries: Sequence[WatchlistEntry]) -> None:
    """Put entries on the Dutch lists and deliver them to Belgium."""
    here, there = made.redis["nl"].url, made.redis["be"].url
    with RedisSession(here) as source, RedisSession(there) as target:
        StoreWriter(source, "nl", SystemClock()).put(entries)
        delivery = Delivery(SiteStore("nl", source), SiteStore("be", target), SystemClock())
        while not delivery.step():
            pass


def listed(entry_id: str, plate: str, max_actions: int) -> WatchlistEntry:
    """Make an entry that is delivered to Belgium."""
    return WatchlistEntry.model_validate(
        {
            "entry_id": entry_id,
            "list_id": "nl-joint",
            "plate": plate,
            "country": "NL",
            "category": "burglary",
            "action": "seize",
            "owner": "unit 7",
            "sharing": "be",
            "valid_until": datetime.now(UTC) + timedelta(days=9),
            "max_actions": max_actions,
        }
    )


@pytest.fixture
def street(tmp_path: Path) -> Iterator[tuple[Street, Engine]]:
    """Give a Belgian site with Dutch entries delivered to it; the passage window is off."""
    with world(tmp_path) as made:
        deliver(made, [listed("e1", PLATE, 2), listed("e2", OTHER, 9)])
        engine = made.engine("be", 0, ANPR_PASSAGES__WINDOW_S="0", ANPR_PASSAGES__ID_WINDOW_S="0")
        engine.start()
        await_true(engine.ready, "engine ready")
        yield Street(made), engine
        assert engine.stop() == 0


def test_after_the_wanted_number_of_actions_there_are_no_more_alerts(
    street: tuple[Street, Engine],
) -> None:
    """Two actions were wanted: two alerts, seen and acted on, then none, nor after a start.

    An entry that people refused falls silent too; others go on.
    """
    site, engine = street
    for _ in range(2):
        alert = alerted(site, site.see(PLATE))
        site.decide("validate", alert)
        site.decide("acted", alert)
    await_true(lambda: falls_silent(site, engine, PLATE, TIMES), "acted on as often as wanted")
    assert engine.stop() == 0
    site.see(PLATE)
    engine.start()
    await_true(lambda: engine.metric(TIMES) == 1, "withheld from the first batch on")
    assert engine.metric(ALERTS) == 0
    alerted(site, site.see(OTHER))
    site.decide("refuse", "--list", "nl-joint", "--entry", "e2", "--reason", "own-law")
    await_true(lambda: falls_silent(site, engine, OTHER, REFUSED), "refused")


def alerted(site: Street, read: str) -> str:
    """Wait for the alert of a read; give its id."""
    await_true(lambda: read in site.alerts(), "the alert")
    return site.alerts()[read]


def falls_silent(site: Street, engine: Engine, plate: str, metric: str) -> bool:
    """Let the camera see it once more, and say whether a hit was withheld so far."""
    site.see(plate)
    return engine.metric(metric) >= 1
