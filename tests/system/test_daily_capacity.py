"""An arrangement's capacity in a running site: held over starts, and opened by a person."""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sites import World, await_true, read_json, world

from anpr_engine.cli.hits import command
from anpr_engine.clock import SystemClock
from anpr_engine.kafka.writer import ReadWriter
from anpr_engine.records.watchlist_entry import WatchlistEntry
from anpr_engine.watchlist.delivery import Delivery, SiteStore
from anpr_engine.watchlist.redis_client import RedisSession
from anpr_engine.watchlist.redis_writer import StoreWriter
from anpr_engine.wire import CROSS_BORDER_TOPIC, SiteTopics

PLATES = ("12-TST-1", "34-GHX-2", "56-KRL-3", "78-NDV-4", "91-PZB-5", "23-SJF-6")
CAPACITY = 2
ACTS = ("--purpose", "burglary", "--case", "BE-12", "--by", "officer.7", "--unit", "unit west")
ARRANGEMENT = """
[[arrangement]]
list_id = "nl-joint"
provider = "nl"
receiver = "be"
area = "national"
from = 2026-01-01T00:00:00Z
until = {until}
frequency = "each-working-day"
hits_per_day_max = {capacity}
contact = [
  {{ site = "nl", way = "national", service = "contact point", address = "desk 1" }},
  {{ site = "be", way = "national", service = "contact point", address = "desk 2" }},
]
signed = [
  {{ site = "nl", service = "unit north", at = 2026-01-01T00:00:00Z }},
  {{ site = "be", service = "unit south", at = 2026-01-01T00:00:00Z }},
]
"""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[World]:
    """Give a Belgian site with a Dutch list for which services made an arrangement."""
    until = (datetime.now(UTC) + timedelta(days=9)).isoformat()
    text = ARRANGEMENT.format(until=until, capacity=CAPACITY)
    (tmp_path / "arrangements.toml").write_text(text, encoding="utf-8")
    with world(tmp_path) as made:
        here, there = made.redis["nl"].url, made.redis["be"].url
        with RedisSession(here) as source, RedisSession(there) as target:
            entries = [listed(number) for number in range(len(PLATES))]
            StoreWriter(source, "nl", SystemClock()).put(entries)
            delivery = Delivery(SiteStore("nl", source), SiteStore("be", target), SystemClock())
            while not delivery.step():
                pass
        yield made


def listed(number: int) -> WatchlistEntry:
    """Make an entry that is delivered to Belgium."""
    return WatchlistEntry.model_validate(
        {
            "entry_id": f"e{number}",
            "list_id": "nl-joint",
            "plate": PLATES[number],
            "country": "NL",
            "category": "burglary",
            "action": "seize",
            "owner": "unit 7",
            "sharing": "be",
            "valid_until": datetime.now(UTC) + timedelta(days=9),
            "max_actions": 9,
        }
    )


def pass_by(made: World, numbers: range) -> None:
    """Let vehicles pass while no engine runs, then let one work until the end."""
    with ReadWriter(made.bootstrap) as writer:
        for number in numbers:
            now = datetime.now(UTC).isoformat()
            value = read_json("be", number, PLATES[number], now)
            writer.write(SiteTopics("be").reads, b"c", value)
        writer.flush()
    path = str(made.folder / "arrangements.toml")
    engine = made.engine("be", 0, "--until-end", ANPR_POLICY__ARRANGEMENTS=path)
    engine.start()
    assert engine.process is not None
    await_true(lambda: not (engine.process and engine.process.running()), "engine done")
    assert engine.stop() == 0


def alerts(made: World, topic: str) -> list[dict[str, Any]]:
    """Give the alerts on a topic."""
    return [json.loads(record.value) for record in made.committed([topic], 0, settle_s=0.5)]


def test_the_next_engine_goes_on_counting(site: World) -> None:
    """Two go abroad, one waits; after a start all wait; one goes once an officer has looked."""
    home = SiteTopics("be").alerts
    pass_by(site, range(3))
    pass_by(site, range(3, 6))
    abroad, waiting = alerts(site, CROSS_BORDER_TOPIC), alerts(site, home)
    assert len(abroad) + len(waiting) == len(PLATES)
    assert {each["state"] for each in waiting} == {"review"}
    # By day, should midnight pass meanwhile.
    days = Counter(each["created_at"][:10] for each in abroad)
    assert set(days.values()) == {CAPACITY}
    assert {each["created_at"][:10] for each in waiting} <= set(days)
    where = ("--site", "be", "--kafka", site.bootstrap)
    words = ["validate", waiting[0]["alert_id"], *ACTS, *where]
    done = CliRunner().invoke(command, words, catch_exceptions=False)
    assert done.exit_code in {0, 3}, done.output
    onward = [each for each in alerts(site, CROSS_BORDER_TOPIC) if each["state"] == "validated"]
    assert [each["alert_id"] for each in onward] == [waiting[0]["alert_id"]]
    assert onward[0]["recipients"] == ["be", "nl"]
