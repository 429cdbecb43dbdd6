"""An arrangement's capacity: so many hits a day go abroad, more wait for a person at home."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from clocks import FixedClock
from fakes.memory_stream import MemoryBroker, MemoryReadStream

from anpr_engine.metrics.table import Metrics
from anpr_engine.pipeline.core import StepRules
from anpr_engine.pipeline.ingest import RejectGuard
from anpr_engine.pipeline.passages import PassageRules
from anpr_engine.pipeline.report import EngineReport
from anpr_engine.pipeline.run import EnginePorts, EngineRules, SiteEngine
from anpr_engine.policy.agreed import Agreed
from anpr_engine.policy.arrangement import Arrangement
from anpr_engine.policy.joint_action import JointAction
from anpr_engine.policy.joint_action_files import load_joint_actions
from anpr_engine.policy.told_today import ListDay, ToldBook
from anpr_engine.ports import BatchLimits
from anpr_engine.records.fields import Category
from anpr_engine.records.watchlist_entry import WatchlistEntry
from anpr_engine.watchlist.snapshot import Snapshot, snapshot_of
from anpr_engine.wire import CROSS_BORDER_TOPIC, SiteTopics

NOW = datetime(2026, 11, 22, 23, 30, tzinfo=UTC)
TOPICS = SiteTopics("be")
CAPACITY = 3
PLATES = ("12-TST-1", "34-GHX-2", "56-KRL-3", "78-NDV-4", "91-PZB-5", "23-SJF-6")
"""Too far apart for one to be another misread."""


class NewLists:
    """Holds lists that were received just now."""

    def __init__(self, snapshot: Snapshot, clock: FixedClock) -> None:
        """Begin with these."""
        self.current, self._clock = snapshot, clock

    @property
    def verified_at_us(self) -> int:
        """Now."""
        return self._clock.now_us()

    @property
    def received_at_us(self) -> Mapping[str, int]:
        """Now."""
        return {"nl": self._clock.now_us()}


def listed(number: int, provider: str | None = "nl") -> WatchlistEntry:
    """Make an entry that lacks nothing."""
    return WatchlistEntry(
        entry_id=f"e{number}",
        list_id="nl-joint" if provider else "be-own",
        plate=PLATES[number],
        country="NL",
        provider=provider,
        owner="unit north",
        sharing="be,nl",
        category=Category.BURGLARY,
        valid_until=NOW + timedelta(days=9),
        max_actions=99,
    )


ARRANGEMENT = Arrangement(
    *("nl-joint", "nl", "be", None, NOW - timedelta(days=9), NOW + timedelta(days=9)),
    *(None, "each-working-day", CAPACITY, (), ()),
)


@dataclass(slots=True)
class Site:
    """A site in memory, whose engines come and go."""

    broker: MemoryBroker
    clock: FixedClock
    agreed: Agreed
    passages: PassageRules
    entries: Sequence[WatchlistEntry]

    def work(self, values: Sequence[bytes], told: ToldBook, reads_max: int = 100) -> None:
        """Let an engine with a book of its own work reads off."""
        self.broker.write(TOPICS.reads, 0, values)
        stream = MemoryReadStream(self.broker, TOPICS.reads, "g", self.clock)
        step = StepRules(agreed=lambda: self.agreed, passages=self.passages)
        rules = EngineRules("be", step, BatchLimits(reads_max=reads_max))
        lists = NewLists(snapshot_of(list(self.entries)), self.clock)
        ports = EnginePorts(stream, lists, self.clock, told=told)
        report = EngineReport(Metrics(), self.clock)
        SiteEngine(rules, ports, RejectGuard(0.5, 1000), report).run(lambda: False, until_end=True)

    def alerts(self, topic: str) -> list[dict[str, Any]]:
        """Give the alerts on a topic."""
        return [json.loads(one.value) for one in self.broker.published if one.topic == topic]

    def rebuilt(self) -> ToldBook:
        """Give the book of an engine that starts now."""
        book = ToldBook("be")
        for one in self.broker.published:
            if one.topic == CROSS_BORDER_TOPIC:
                book.take(one.value)
        return book


def site(
    *, actions: tuple[JointAction, ...] = (), window_s: int = 0, own: Sequence[int] = ()
) -> Site:
    """Make a site with one arranged list."""
    broker = MemoryBroker()
    for topic in (TOPICS.reads, TOPICS.alerts, TOPICS.rejected, TOPICS.audit, CROSS_BORDER_TOPIC):
        broker.add_topic(topic, 1)
    entries = [listed(number) for number in range(len(PLATES)) if number not in own]
    entries += [listed(number, None) for number in own]
    agreed = Agreed((ARRANGEMENT,), actions)
    return Site(broker, FixedClock(NOW), agreed, PassageRules(window_s * 1_000_000), entries)


def reads(site: Site, plates: Sequence[int], first: int = 0) -> list[bytes]:
    """Write one read a plate, made now."""
    stamp = (datetime.fromtimestamp(site.clock.now_us() / 1e6, UTC)).isoformat()
    return [
        json.dumps(
            {
                "read_id": f"r{first + place}",
                "camera_id": "be-1",
                "captured_at": stamp,
                "plate": PLATES[plate],
                "country": "NL",
                "confidence": 0.99,
            }
        ).encode()
        for place, plate in enumerate(plates)
    ]


def test_more_than_was_agreed_on_waits_at_home() -> None:
    """The first three go abroad; the rest stay, name the reason, and say who is told later."""
    world = site()
    world.work(reads(world, range(6)), ToldBook("be"))
    abroad, home = world.alerts(CROSS_BORDER_TOPIC), world.alerts(TOPICS.alerts)
    assert [each["entry"]["entry_id"] for each in abroad] == ["e0", "e1", "e2"]
    assert all("arrangement.given" in each["reasons"] for each in abroad)
    assert [each["entry"]["entry_id"] for each in home] == ["e3", "e4", "e5"]
    for each in home:
        assert (each["state"], each["recipients"]) == ("review", ["be"])
        assert each["held_back_from"] == ["nl"]
        assert "arrangement.capacity-used" in each["reasons"]
        assert "arrangement.given" not in each["reasons"]
    audit = [each for each in world.alerts(TOPICS.audit) if each["action"] == "alert-published"]
    assert [each["recipients"] for each in audit] == [["be", "nl"]] * 3 + [["be"]] * 3


def test_where_batches_are_cut_makes_no_difference() -> None:
    """One read a batch, or all at once: the same alerts go out."""
    ids = []
    for reads_max in (1, 2, 100):
        world = site()
        world.work(reads(world, (0, 1, 0, 2, 3, 1, 4)), ToldBook("be"), reads_max)
        told = [*world.alerts(CROSS_BORDER_TOPIC), *world.alerts(TOPICS.alerts)]
        ids.append([(each["alert_id"], tuple(each["recipients"])) for each in told])
    assert ids[0] == ids[1] == ids[2]
    assert [len(to) for _, to in ids[0]].count(2) == CAPACITY


def test_a_new_engine_has_no_fresh_allowance() -> None:
    """What earlier engines sent counts, whoever sent it; the same record twice counts once."""
    world = site()
    world.work(reads(world, (0, 1)), ToldBook("be"))
    book = world.rebuilt()
    for one in world.broker.published:
        book.take(one.value)
    assert len(book.of(ListDay("nl-joint", NOW.date()))) == 2
    world.work(reads(world, (2, 3, 4), first=10), book)
    assert len(world.alerts(CROSS_BORDER_TOPIC)) == CAPACITY
    assert len(world.alerts(TOPICS.alerts)) == 2


def test_a_day_of_utc_gives_room_again() -> None:
    """Half an hour later it is another day; yesterday's count is kept apart."""
    world, book = site(), ToldBook("be")
    world.work(reads(world, range(5)), book)
    world.clock.pass_s(1801)
    world.work(reads(world, (3, 4), first=10), book)
    assert len(world.alerts(CROSS_BORDER_TOPIC)) == CAPACITY + 2
    assert len(book.of(ListDay("nl-joint", NOW.date() + timedelta(days=1)))) == 2


def test_reads_of_one_passing_take_one_place() -> None:
    """A car before a camera uses no more of what was agreed on than one that drives by."""
    world = site(window_s=60)
    world.work(reads(world, (0, 0, 0, 0, 1, 1, 1, 2)), ToldBook("be"), 3)
    assert len(world.alerts(CROSS_BORDER_TOPIC)) == CAPACITY
    assert not world.alerts(TOPICS.alerts)


def test_the_sites_own_entries_have_no_capacity() -> None:
    """What is shared of the site's own list is arranged by nobody here, and takes no place."""
    world = site(own=(0, 1, 2))
    world.work(reads(world, range(6)), ToldBook("be"))
    assert len(world.alerts(CROSS_BORDER_TOPIC)) == 6


def test_who_is_pursued_is_told_of_all_the_same(tmp_path: Path) -> None:
    """Over the maximum the vehicle of a pursuit goes abroad; others wait."""
    path = tmp_path / "actions.toml"
    path.write_text(
        """
[[action]]
action_id = "chase-1"
kind = "pursuit"
article = "21"
from = 2026-11-22T20:00:00Z
until = 2026-11-22T23:59:00Z
lists = ["nl-joint"]
cameras = ["be-1"]
unit = [{ site = "be", name = "unit south" }, { site = "nl", name = "unit north" }]
vehicle = { list_id = "nl-joint", entry_id = "e4" }

[[action.person]]
person = "n-100"
site = "nl"
authorisation = "A-1"
expires = 2026-11-22T23:59:00Z
rights = ["see-hits"]
""",
        encoding="utf-8",
    )
    world = site(actions=load_joint_actions(path, {"nl-joint"}, NOW))
    world.work(reads(world, range(6)), ToldBook("be"))
    told = [each["entry"]["entry_id"] for each in world.alerts(CROSS_BORDER_TOPIC)]
    assert told == ["e0", "e1", "e2", "e4"]


def test_the_book_counts_what_went_abroad_from_here_alone() -> None:
    """Not what waits, not another site's, not what is no alert; what a person let go, yes."""
    world = site()
    world.work(reads(world, (0,)), ToldBook("be"))
    (alert,) = world.alerts(CROSS_BORDER_TOPIC)
    about, book = ListDay("nl-joint", NOW.date()), ToldBook("be", names_max=2)
    others: tuple[dict[str, Any], ...] = (
        {"state": "review"},
        {"recipients": ["be"]},
        {"site": "nl"},
        {"created_at": "2026-11-19T10:00:00Z"},
    )
    book.take(json.dumps(alert | {"alert_id": "0" * 32, "state": "validated"}).encode())
    for each in others:
        book.take(json.dumps(alert | {"alert_id": "1" * 32} | each).encode())
    book.take(b'{"alert_id": 1}')
    book.take(b"no JSON")
    assert book.of(about) == {"0" * 32}
    assert len(book) == 1
    for number in range(2, 5):
        book.take(json.dumps(alert | {"alert_id": str(number) * 32}).encode())
    assert len(book.of(about)) == 2
