"""Entries delivered from one site's Redis into another's."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from watchlist_world import CHANGES, World, entries_in_use, entry, until

from anpr_engine.clock import SystemClock
from anpr_engine.errors import StoreRolledBack
from anpr_engine.records.watchlist_entry import WatchlistEntry
from anpr_engine.watchlist.delivery import Delivery, SiteStore, follow_deliveries
from anpr_engine.watchlist.embedded import EmbeddedRedis


@pytest.fixture
def sites(redis_servers: Callable[[str], EmbeddedRedis]) -> Iterator[tuple[World, World]]:
    """Give the stores of be (Redis) and nl (Valkey), both empty."""
    servers = [redis_servers("redis"), redis_servers("valkey")]
    for server in servers:
        server.wipe()
    here, there = World(servers[0].url, "be"), World(servers[1].url, "nl")
    yield here, there
    here.session.close()
    there.session.close()


def _delivery(sites: tuple[World, World], *, accept: bool = False) -> Delivery:
    here, there = SiteStore("be", sites[0].session), SiteStore("nl", sites[1].session)
    return Delivery(here, there, SystemClock(), accept_new_history=accept)


def _deliver(sites: tuple[World, World], *, accept: bool = False) -> Delivery:
    delivery = _delivery(sites, accept=accept)
    while not delivery.step():
        pass
    return delivery


def _shared(number: int, **values: str) -> WatchlistEntry:
    return entry(number, **({"sharing": "nl"} | values))


def _ids(world: World, list_id: str = "wanted") -> set[str]:
    return set(world.reader.entry_ids(list_id))


def test_only_shared_entries_arrive_and_keep_their_provider(sites: tuple[World, World]) -> None:
    """What is shared with the target comes, unchanged; what is not stays."""
    here, there = sites
    here.writer.put([_shared(1, note="x"), entry(2), _shared(3, sharing="de"), _shared(4)])
    tally = _deliver(sites).tally
    assert (tally.added, tally.removed) == (2, 0)
    assert _ids(there) == {"e1", "e4"}
    arrived = there.reader.entry("wanted", "e1")
    assert arrived == here.reader.entry("wanted", "e1")
    assert arrived is not None
    assert arrived.provider == "be"


def test_entries_made_from_the_sis_stay_at_home(sites: tuple[World, World]) -> None:
    """None is delivered, one that becomes such is taken back, and the delivery says how many."""
    here, there = sites
    here.writer.put([_shared(1), _shared(2, sis_derived="true"), entry(3, sis_derived="true")])
    delivery = _deliver(sites)
    assert delivery.tally.sis_derived == {("wanted", "e2")}
    assert _ids(there) == {"e1"}
    here.writer.put([_shared(1, sis_derived="true"), _shared(2)])
    while not delivery.step():
        pass
    assert _ids(there) == {"e2"}
    assert delivery.tally.sis_derived == {("wanted", "e1")}


def test_a_follower_knows_when_another_sites_list_came(sites: tuple[World, World]) -> None:
    """Soon after the first entries of a site, and from the start where it came before."""
    here, there = sites
    before_us = SystemClock().now_us()
    with there.follower() as follower:
        assert follower.received_at_us == {}
        here.writer.put([_shared(1)])
        _deliver(sites)
        assert until(lambda: "be" in follower.received_at_us) < 1.0
        received_us = follower.received_at_us["be"]
        assert before_us <= received_us <= SystemClock().now_us()
    with there.follower() as later:
        assert later.received_at_us == {"be": received_us}


def test_changes_and_removals_follow_the_cursor(sites: tuple[World, World]) -> None:
    """A later delivery brings what changed since, an end of sharing and a removal included."""
    here, there = sites
    here.writer.put(_shared(n) for n in range(5))
    _deliver(sites)
    before = there.reader.manifest()
    here.writer.put([_shared(0, note="new"), entry(1), _shared(9)])
    here.writer.remove([("wanted", "e2")])
    tally = _deliver(sites).tally
    assert (tally.added, tally.changed, tally.removed) == (1, 1, 2)
    assert _ids(there) == {"e0", "e3", "e4", "e9"}
    unchanged = _deliver(sites).tally
    assert (unchanged.added, unchanged.changed, unchanged.removed) == (0, 0, 0)
    after = there.reader.manifest()
    assert before is not None
    assert after is not None
    assert after.version == before.version + 3


def test_without_a_usable_cursor_everything_is_compared(sites: tuple[World, World]) -> None:
    """A source whose stream was trimmed is delivered by comparison, removals included."""
    here, there = sites
    here.writer.put(_shared(n) for n in range(5))
    _deliver(sites)
    here.writer.remove([("wanted", "e2")])
    here.writer.put([_shared(7)])
    here.session.ask("XTRIM", CHANGES, "MAXLEN", 0)
    _deliver(sites)
    assert _ids(there) == {"e0", "e1", "e3", "e4", "e7"}


def test_what_came_from_elsewhere_is_not_handed_on(sites: tuple[World, World]) -> None:
    """An entry received from another provider is not delivered, whatever its sharing says."""
    here, there = sites
    foreign = World(here.url, "de")
    foreign.writer.put([_shared(1, list_id="german")])
    here.writer.put([_shared(2)])
    _deliver(sites)
    foreign.writer.put([_shared(3, list_id="german")])
    here.writer.put([_shared(4)])
    _deliver(sites)
    assert _ids(there, "german") == set()
    assert _ids(there) == {"e2", "e4"}
    foreign.session.close()


def test_a_list_of_the_targets_own_is_left_alone(sites: tuple[World, World]) -> None:
    """A delivered list whose id the target uses itself is left out and named."""
    here, there = sites
    there.writer.put([entry(1, note="ours")])
    here.writer.put([_shared(1), _shared(2, list_id="other")])
    assert _deliver(sites).tally.lists_refused == {"wanted"}
    here.writer.put([_shared(3)])
    assert _deliver(sites).tally.lists_refused == {"wanted"}
    assert _ids(there) == {"e1"}
    assert _ids(there, "other") == {"e2"}


def test_a_wiped_source_removes_nothing(sites: tuple[World, World]) -> None:
    """A source that lost its data is refused until a person accepts what it holds now."""
    here, there = sites
    here.writer.put(_shared(n) for n in range(3))
    _deliver(sites)
    here.session.ask("FLUSHALL")
    with pytest.raises(StoreRolledBack, match="site be holds less"):
        _deliver(sites)
    here.writer.put([_shared(8)])
    with pytest.raises(StoreRolledBack):
        _deliver(sites)
    assert _ids(there) == {"e0", "e1", "e2"}
    _deliver(sites, accept=True)
    assert _ids(there) == {"e8"}


def test_a_removal_reaches_the_other_sites_engine_within_a_second(
    sites: tuple[World, World],
) -> None:
    """With both following, an entry put or removed here is in or out of use there at once."""
    here, there = sites
    here.writer.put([_shared(1)])
    stop, ready = threading.Event(), threading.Event()
    with ThreadPoolExecutor(1) as pool, there.follower() as follower:
        ends = ("be", here.url), ("nl", there.url)
        running = pool.submit(follow_deliveries, *ends, stop, ready)
        try:
            assert ready.wait(5)
            until(lambda: entries_in_use(follower) == 1)
            here.writer.put([_shared(2)])
            until(lambda: entries_in_use(follower) == 2, 1.0)
            here.writer.remove([("wanted", "e1")])
            until(lambda: entries_in_use(follower) == 1, 1.0)
        finally:
            stop.set()
        running.result(5)
