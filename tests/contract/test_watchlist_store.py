"""The store of watchlists against a real Redis and a real Valkey."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from watchlist_world import (
    CHANGES,
    ENTRIES,
    MANIFEST,
    LossyProxy,
    World,
    entries_in_use,
    entry,
    until,
)

from anpr_engine.clock import SystemClock
from anpr_engine.errors import (
    PolicyRefused,
    StoreError,
    StoreRefused,
    StoreRolledBack,
    StoreUnavailable,
)
from anpr_engine.watchlist.embedded import EmbeddedRedis
from anpr_engine.watchlist.loading import load
from anpr_engine.watchlist.redis_client import RedisSession
from anpr_engine.watchlist.redis_writer import StoreWriter


@pytest.fixture
def world(redis_url: str) -> Iterator[World]:
    """Give an empty store; once on Redis, once on Valkey."""
    made = World(redis_url)
    yield made
    made.session.close()


@pytest.fixture
def proxy(redis_url: str, tmp_path: Path) -> Iterator[LossyProxy]:
    """Give a proxy before the same store."""
    made = LossyProxy(Path(urlsplit(redis_url).path), tmp_path / "p.sock")
    yield made
    made.close()


def _version(world: World) -> int:
    manifest = world.reader.manifest()
    return 0 if manifest is None else manifest.version


def test_put_counts_what_it_did_and_makes_one_version(world: World) -> None:
    """New entries are added in one version; the same ones again change nothing."""
    first = world.writer.put([entry(1), entry(2)])
    again = world.writer.put([entry(1), entry(2)])
    changed = world.writer.put([entry(1, note="seen"), entry(2)])
    assert (first.added, first.version) == (2, 1)
    assert (again.unchanged, again.version) == (2, 0)
    assert (changed.changed, changed.unchanged, changed.version) == (1, 1, 2)
    assert _version(world) == 2


def test_an_entry_comes_back_as_it_was_put(world: World) -> None:
    """Every field survives the store; the provider is set by the writing site."""
    put = entry(
        7,
        country="NL",
        category="burglary",
        owner="Unit A",
        purpose="search",
        legal_basis="art. 44",
        case_ref="C 1/2",
        action="seize",
        priority=99,
        valid_from="2026-01-01T00:00:00Z",
        valid_until="2027-01-01T00:00:00Z",
        sharing="de,nl",
        handling_code="H1",
        vehicle_make="M",
        note="= ' , ; \n",
    )
    world.writer.put([put])
    assert world.reader.entry("wanted", "e7") == put.model_copy(update={"provider": "be"})
    assert world.reader.entry("wanted", "e8") is None


def test_remove_takes_out_what_is_there_and_no_more(world: World) -> None:
    """Removing an entry that is not there changes nothing."""
    world.writer.put([entry(1), entry(2)])
    tally = world.writer.remove([("wanted", "e1"), ("wanted", "e9")])
    assert (tally.removed, tally.unchanged) == (1, 1)
    assert list(world.reader.entry_ids("wanted")) == ["e2"]
    assert world.reader.lists()[0].entries == 1


def test_ids_with_slashes_stay_apart(world: World) -> None:
    """List `a/b` with entry `c` is another entry than list `a` with `b/c`."""
    world.writer.put([entry(1, "a/b", entry_id="c"), entry(2, "a", entry_id="b/c")])
    assert list(world.reader.entry_ids("a/b")) == ["c"]
    assert list(world.reader.entry_ids("a")) == ["b/c"]
    assert sum(1 for _ in world.reader.entries()) == 2


def test_a_load_gives_all_entries_at_the_last_version(world: World) -> None:
    """Loading gives as many rows as were put, at the version of the manifest."""
    world.writer.put(entry(n, f"list {n % 3}") for n in range(2_500))
    loaded = load(world.reader)
    snapshot = loaded.snapshot()
    assert (len(snapshot), len(snapshot.base)) == (2_500, 2_500)
    assert snapshot.version == _version(world) == 3
    assert dict(snapshot.counts) == {"list 0": 834, "list 1": 833, "list 2": 833}


def test_writes_during_a_load_are_in_it(world: World) -> None:
    """What is changed while buckets are read is in the snapshot, each entry once."""
    world.writer.put(entry(n) for n in range(500))
    asked = 0

    def interfere() -> bool:
        nonlocal asked
        asked += 1
        other.put([entry(asked, note="changed"), entry(1_000 + asked)])
        other.put([entry(asked, plate=f"2TST{asked:03d}")])
        other.remove([("wanted", f"e{asked + 100}")])
        return False

    with RedisSession(world.url) as session:
        other = StoreWriter(session, "be", SystemClock())
        snapshot = load(world.reader, interfere).snapshot()
    rows = len(snapshot.base) - int(snapshot.superseded.sum()) + len(snapshot.delta)
    assert asked > 1
    assert rows == len(snapshot) == 500
    assert snapshot.version == _version(world)


def test_two_writers_lose_no_update(world: World) -> None:
    """Writers at the same time each get their changes in, and every version has one record."""

    def write(part: int) -> int:
        barrier.wait()
        with RedisSession(world.url) as session:
            writer = StoreWriter(session, "be", SystemClock())
            return sum(writer.put([entry(part * 100 + n)]).added for n in range(40))

    barrier = threading.Barrier(3)
    with ThreadPoolExecutor(3) as pool:
        added = sum(pool.map(write, range(3)))
    assert added == 120
    assert world.session.ask("XLEN", CHANGES) == _version(world) == 120
    assert world.reader.lists()[0].entries == 120


@pytest.mark.parametrize("losses", [1, 3])
def test_a_lost_reply_is_neither_repeated_nor_misreported(
    world: World, proxy: LossyProxy, losses: int
) -> None:
    """When the replies of EXEC are lost, each chunk is written once and counted right."""
    proxy.lose = losses
    with RedisSession(proxy.url) as session:
        tally = StoreWriter(session, "be", SystemClock()).put(entry(n) for n in range(2_500))
    assert proxy.lost == losses
    assert (tally.added, tally.changed, tally.unchanged) == (2_500, 0, 0)
    assert _version(world) == world.session.ask("XLEN", CHANGES) == 3
    assert load(world.reader).manifest.entries == 2_500


def test_an_exec_that_comes_late_is_not_carried_out(world: World, proxy: LossyProxy) -> None:
    """A write held up in the network fails once its retry was written."""
    world.writer.put([entry(1)])
    proxy.hold = True
    with RedisSession(proxy.url, reply_s_max=0.5) as session:
        tally = StoreWriter(session, "be", SystemClock()).put([entry(2)])
    assert tally.added == 1
    assert proxy.release().endswith(b"*-1\r\n")
    assert _version(world) == world.session.ask("XLEN", CHANGES) == 2


def test_a_list_of_another_site_is_not_changed(world: World) -> None:
    """Only the providing site changes a list; the error names both sites and no entry."""
    world.writer.put([entry(1)])
    other = StoreWriter(world.session, "nl", SystemClock())
    with pytest.raises(PolicyRefused, match="provided by site be; site nl may not change it"):
        other.put([entry(1, note="x")])
    with pytest.raises(PolicyRefused):
        other.remove([("wanted", "e1")])
    assert _version(world) == 1


def test_a_store_that_lost_its_manifest_is_not_written_to(world: World) -> None:
    """Changes without a manifest mean lost keys; a writer stops instead of starting anew."""
    world.writer.put([entry(1)])
    world.session.ask("DEL", MANIFEST)
    with pytest.raises(StoreRolledBack, match="lost their manifest"):
        world.writer.put([entry(2)])


def test_lost_entries_are_noticed_by_a_load(world: World) -> None:
    """A store with fewer entries than its manifest says is not loaded."""
    world.writer.put(entry(n) for n in range(50))
    keys = sorted(world.session.ask("KEYS", f"{ENTRIES}*"))
    world.session.ask("DEL", keys[0])
    with pytest.raises(StoreError, match="should hold 50 entries, holds 4"):
        load(world.reader)


def test_an_entry_that_cannot_be_read_stops_a_load(world: World) -> None:
    """Nothing is left out in silence: a foreign value is an error that shows no content."""
    world.writer.put([entry(1)])
    key = world.session.ask("KEYS", f"{ENTRIES}*")[0]
    field = world.session.ask("HKEYS", key)[0]
    for text in (
        '{"secret": 1}',
        '[1,"0","e","P","B1",-5,0,"",""]',
        "[",
        '[1,"0","e","P","ÄÖ",0,0,"",""]',
    ):
        world.session.ask("HSET", key, field, text)
        with pytest.raises(StoreError, match="cannot be read") as caught:
            load(world.reader)
        assert "secret" not in str(caught.value)


def test_the_stream_of_changes_is_bounded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Old changes are trimmed; those of the last full mark are kept."""
    monkeypatch.setattr("anpr_engine.watchlist.manifest.CHANGES_KEPT_MIN", 500)
    for round_ in range(30):
        world.writer.put(entry(n, note=f"round {round_}") for n in range(100))
    kept = world.session.ask("XLEN", CHANGES)
    assert 5 <= kept < 30
    assert world.reader.records(29, 30)[0].version == 30


def test_a_refused_command_is_a_refused_store(redis_server: EmbeddedRedis) -> None:
    """A user without rights gets StoreRefused, and no secret stands in the text."""
    with RedisSession(redis_server.url) as admin:
        admin.ask("ACL", "SETUSER", "weak", "on", ">hush", "~*", "-@all", "+ping", "+select")
    path = urlsplit(redis_server.url).path
    with RedisSession(f"unix://weak:hush@{path}?db=0") as session:
        with pytest.raises(StoreRefused) as caught:
            session.ask("HGETALL", MANIFEST)
        assert "hush" not in str(caught.value)
    with RedisSession(f"unix://weak:wrong@{path}?db=0") as session:
        with pytest.raises(StoreRefused) as caught:
            session.ask("PING")
        assert "wrong" not in str(caught.value)


ENGINE = "hgetall hvals hmget xread xrange multi exec select"
KEEPER = f"{ENGINE} hget hscan hset hsetnx hdel hincrby xadd watch unwatch exists"


def test_few_commands_are_enough(redis_server: EmbeddedRedis) -> None:
    """An engine reads with eight commands, a keeper of lists needs ten more, all on our keys."""
    path = urlsplit(redis_server.url).path
    with RedisSession(redis_server.url) as admin:
        for name, allowed, keys in (("engine", ENGINE, "%R~"), ("keeper", KEEPER, "~")):
            commands = [f"+{command}" for command in allowed.split()]
            admin.ask("ACL", "SETUSER", name, "reset", "on", ">pw", f"{keys}anpr:*", *commands)
    keeper, engine = (World(f"unix://{name}:pw@{path}?db=0") for name in ("keeper", "engine"))
    keeper.writer.put([entry(1), entry(2)])
    keeper.writer.remove([("wanted", "e1")])
    keeper.writer.note_delivery("nl", b"{}")
    assert [each.entry_id for each in keeper.reader.entries()] == ["e2"]
    with engine.follower() as follower:
        assert entries_in_use(follower) == 1
        keeper.writer.put([entry(3)])
        until(lambda: entries_in_use(follower) == 2)
    with pytest.raises(StoreRefused):
        engine.writer.put([entry(4)])
    keeper.session.close()
    engine.session.close()


def test_nobody_there_is_unavailable(tmp_path: Path) -> None:
    """A socket that nobody listens on gives StoreUnavailable at once."""
    with RedisSession(f"unix://{tmp_path}/none.sock") as session, pytest.raises(StoreUnavailable):
        session.ask("PING")


def test_a_session_goes_on_after_a_refused_command(world: World) -> None:
    """Replies stay in step after an error in the middle of a round trip."""
    with pytest.raises(StoreError):
        world.session.ask_all([("SET", "a", "1"), ("LPUSH", "a", "2"), ("SET", "b", "3")])
    assert world.session.ask_all([("GET", "a"), ("GET", "b")]) == [b"1", b"3"]
