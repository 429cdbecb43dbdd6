"""An engine's count of what went abroad today, kept by a real topic of cross-border alerts."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from fakes.memory_stream import MemoryBroker, MemoryReadStream
from hits_world import HitsWorld, alert_of, hits_world
from stream_worlds import WAIT_S

from anpr_engine.audit.odd_use import OddUseLimits
from anpr_engine.clock import SystemClock
from anpr_engine.kafka.client_settings import StreamSettings
from anpr_engine.kafka.told_book import told_today
from anpr_engine.metrics.table import Metrics
from anpr_engine.pipeline.run import EnginePorts
from anpr_engine.policy.policy_set import shipped_policies
from anpr_engine.policy.told_today import ListDay, ToldBook
from anpr_engine.ports import Clock
from anpr_engine.records.alert import Alert
from anpr_engine.watchlist.snapshot import snapshot_of
from anpr_engine.wire import SiteTopics
from anpr_engine.wiring import Overrides, settings_of
from anpr_engine.wiring_hits import Beside, ports_watched

NOW = datetime.now(UTC)
TODAY = ListDay("nl-joint", NOW.date())


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HitsWorld]:
    """Give one broker to the tests of this file."""
    with hits_world(tmp_path_factory.mktemp("told"), ["be"]) as made:
        yield made


def sent(number: int, **fields: object) -> Alert:
    """Make an alert of now; tests here use different numbers."""
    return alert_of(f"e-{number}", number, created_at=NOW.isoformat(), **fields)


def settings(world: HitsWorld) -> StreamSettings:
    """Say how an engine reaches the broker."""
    return StreamSettings(world.bootstrap, SiteTopics("be").reads, "anpr.engine.be", "x")


class NoLists:
    """Nothing is listed."""

    current, verified_at_us, received_at_us = snapshot_of([]), 0, None


def ports(clock: Clock) -> EnginePorts:
    """Give what an engine works with, as far as it matters here."""
    broker = MemoryBroker()
    broker.add_topic("reads", 1)
    return EnginePorts(MemoryReadStream(broker, "reads", "g", clock), NoLists(), clock)


def awaited(book: ToldBook, alert_id: str) -> bool:
    """Wait until an alert is in the book."""
    clock, pause = SystemClock(), threading.Event()
    deadline_s = clock.monotonic_s() + WAIT_S
    while alert_id not in book.of(TODAY) and clock.monotonic_s() < deadline_s:
        pause.wait(0.01)
    return alert_id in book.of(TODAY)


def test_a_start_knows_what_went_abroad_today_and_follows_it(world: HitsWorld) -> None:
    """What stands there is known before the first batch, what another engine sends soon after."""
    earlier = [sent(number) for number in range(3)]
    yesterday = sent(3).model_copy(update={"created_at": NOW - timedelta(days=1)})
    world.put(*earlier, yesterday, sent(4, site="nl"), sent(5, recipients=["be"]))
    with told_today("be", settings(world), SystemClock()) as book:
        assert {each.alert_id for each in earlier} <= book.of(TODAY)
        assert not {sent(4).alert_id, yesterday.alert_id} & book.of(TODAY)
        other = sent(6)
        world.put(other)
        assert awaited(book, other.alert_id)


def test_engines_that_run_side_by_side_count_together(world: HitsWorld) -> None:
    """What one sends is in the books of all."""
    clock = SystemClock()
    with (
        told_today("be", settings(world), clock) as one,
        told_today("be", settings(world), clock, catch_up_s_max=-1.0) as two,
    ):
        first, second = sent(20), sent(21)
        world.put(first, second)
        one.sent([first])
        two.sent([second])
        assert awaited(one, second.alert_id)
        assert awaited(two, first.alert_id)


@pytest.mark.parametrize("arrangements", ["", "arrangements.toml"])
def test_an_engine_counts_where_there_are_arrangements(world: HitsWorld, arrangements: str) -> None:
    """Its book holds what went abroad before it came; without arrangements it has none."""
    earlier = sent(30)
    world.put(earlier)
    given = ports(SystemClock())
    heeds = settings_of(None, Overrides("be", world.bootstrap, "redis://unused")).feedback
    about = Beside(arrangements, heeds, OddUseLimits(), shipped_policies)
    with ports_watched("be", settings(world), Metrics(), given, about) as watched:
        counted = watched.told is not None and earlier.alert_id in watched.told.of(TODAY)
        assert counted is bool(arrangements)
