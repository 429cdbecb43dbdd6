"""A received list that is refused is destroyed, and stays away until it is accepted."""

import zlib
from collections.abc import Callable, Iterator

import pytest
from watchlist_world import World, entries_in_use, entry, until

from anpr_engine.audit.signing import SecretKey
from anpr_engine.clock import SystemClock
from anpr_engine.errors import InputFileError, ListRefused, PolicyRefused, StoreError
from anpr_engine.records.watchlist_entry import WatchlistEntry
from anpr_engine.watchlist import refusal
from anpr_engine.watchlist.acts import Act, ActKind
from anpr_engine.watchlist.as_of import earlier
from anpr_engine.watchlist.delivery import Delivery, SiteStore
from anpr_engine.watchlist.embedded import EmbeddedRedis
from anpr_engine.watchlist.forgetting import remains
from anpr_engine.watchlist.history import History
from anpr_engine.watchlist.loading import load
from anpr_engine.watchlist.manifest import ListRefusal
from anpr_engine.watchlist.redis_client import RedisSession
from anpr_engine.watchlist.redis_reader import StoreReader
from anpr_engine.watchlist.redis_writer import StoreWriter
from anpr_engine.watchlist.refusal import Grounds, Refuser, definition_of, digest_of_ids
from anpr_engine.watchlist.seals import Sealer, Trust

GROUNDS = Grounds(("own-law",), "No basis here.", "contact point")
CANARY = "7CANARY"
TYPES = ("hash", "stream", "list", "string")
Sites = tuple[World, World]


@pytest.fixture(params=[("redis", "valkey"), ("valkey", "redis")], ids=["valkey", "redis"])
def sites(
    redis_servers: Callable[[str], EmbeddedRedis], request: pytest.FixtureRequest
) -> Iterator[Sites]:
    """Give the stores of be, which provides, and nl, which receives; each on either server."""
    servers = [redis_servers(name) for name in request.param]
    for server in servers:
        server.wipe()
    here, there = World(servers[0].url, "be"), World(servers[1].url, "nl")
    yield here, there
    here.session.close()
    there.session.close()


def _shared(number: int, **values: str) -> WatchlistEntry:
    given = {"sharing": "nl", "list_id": "joint", "entry_id": f"canary-{number}"}
    return entry(number, **(given | {"plate": f"{CANARY}{number}", "note": CANARY} | values))


def _delivery(sites: Sites) -> Delivery:
    here, there = SiteStore("be", sites[0].session), SiteStore("nl", sites[1].session)
    return Delivery(here, there, SystemClock())


def _deliver(sites: Sites, delivery: Delivery | None = None) -> Delivery:
    delivery = delivery or _delivery(sites)
    while not delivery.step():
        pass
    return delivery


def _refuser(there: World) -> Refuser:
    act = Act(ActKind.REFUSE, "anna", "No basis here.")
    return Refuser(there.session, "nl", SystemClock(), act)


def _refusal(there: World) -> ListRefusal:
    found = definition_of(there.session, "joint").refusal
    assert found is not None
    return found


def _unpacked(value: object) -> bytes:
    """Write a reply down as one text, what is packed in it unpacked."""
    if isinstance(value, list):
        return b"\n".join(_unpacked(each) for each in value)
    text = value if isinstance(value, bytes) else str(value).encode()
    try:
        return zlib.decompress(text)
    except zlib.error:
        return text


def _all_there_is(session: RedisSession) -> bytes:
    """Read every key of the server, whatever it is, past the code that is tested."""
    found, cursor = [], b"0"
    while True:
        cursor, keys = session.ask("SCAN", cursor, "COUNT", 1000)
        for key in keys:
            kind = session.ask("TYPE", key)
            kind = kind if isinstance(kind, str) else kind.decode()
            assert kind in TYPES
            asks = {
                "hash": ("HGETALL", key),
                "stream": ("XRANGE", key, "-", "+"),
                "list": ("LRANGE", key, 0, -1),
                "string": ("GET", key),
            }
            found.append(_unpacked([key, session.ask(*asks[kind])]))
        if cursor == b"0":
            return b"\n".join(found)


def _listed(sites: Sites) -> Delivery:
    """Deliver a list that was changed on the way, beside one of the receiver's own."""
    here, there = sites
    there.writer.put([entry(1), entry(2)])
    here.writer.put([_shared(1), _shared(2), _shared(3)])
    delivery = _deliver(sites)
    there.writer.put([entry(1, note="x"), entry(3)])
    here.writer.put([_shared(1, note=f"{CANARY} again")])
    here.writer.remove([("joint", "canary-2")])
    there.writer.remove([("wanted", "e2")])
    return _deliver(sites, delivery)


def test_nothing_of_a_refused_list_is_found_in_redis(sites: Sites) -> None:
    """No plate, id or remark in any key, packed or not; what was received is named by a digest."""
    _listed(sites)
    there = sites[1]
    assert CANARY.encode() in _all_there_is(there.session)
    definition, removed = _refuser(there).refuse("joint", GROUNDS)
    left = _all_there_is(there.session)
    assert CANARY.encode() not in left
    assert b"canary-" not in left
    found = definition.refusal
    assert found is not None
    assert (removed, found.entries) == (2, 2)
    assert found.digest == digest_of_ids(["canary-3", "canary-1"])
    source = sites[0].reader.manifest()
    assert source is not None
    assert found.received_version == source.version
    assert found.destroyed_at_us >= found.at_us


def test_the_other_lists_and_the_history_of_acts_stay(sites: Sites) -> None:
    """Who changed what when, and how many, stands for each version; own lists as they were."""
    _listed(sites)
    there = sites[1]
    before = list(History(there.session).oldest_first())
    _refuser(there).refuse("joint", GROUNDS)
    after = list(History(there.session).oldest_first())
    assert [each.head for each in after[: len(before)]] == [each.head for each in before]
    assert [each.lists for each in after[: len(before)]] == [each.lists for each in before]
    (made,) = after[len(before) :]
    assert (made.head.kind, made.head.by, made.head.removed) == ("refuse", "anna", 2)
    assert sorted(there.reader.entry_ids("wanted")) == ["e1", "e3"]
    kept = [row for each in after for row in each.rows()]
    own = [row for each in before for row in each.rows() if row.list_id == "wanted"]
    assert kept == own
    there.writer.put([entry(9)])
    assert len(list(History(there.session).oldest_first())) == len(after) + 1


def test_an_earlier_time_says_that_the_list_was_destroyed(sites: Sites) -> None:
    """Of the list alone an error; of all lists the others are given, as they were."""
    _listed(sites)
    there = sites[1]
    at_us = SystemClock().now_us()
    _refuser(there).refuse("joint", GROUNDS)
    then = earlier(there.session, at_us)
    with pytest.raises(InputFileError, match="refused since and destroyed"):
        list(then.entries("joint"))
    assert sorted(each.entry_id for each in then.entries("wanted")) == ["e1", "e3"]
    assert sorted(each.entry_id for each in then.entries()) == ["e1", "e3"]
    assert list(earlier(there.session, SystemClock().now_us()).entries("joint")) == []


def test_a_refused_list_is_not_delivered_before_it_is_accepted(sites: Sites) -> None:
    """Neither by who delivers on, nor from the start; afterwards all of it, new entries too."""
    here, there = sites
    running = _listed(sites)
    _refuser(there).refuse("joint", GROUNDS)
    here.writer.put([_shared(4), _shared(5, list_id="other")])
    for delivery in (_deliver(sites, running), _deliver(sites)):
        assert delivery.tally.lists_declined == {"joint"}
        assert list(there.reader.entry_ids("joint")) == []
    assert list(there.reader.entry_ids("other")) == ["canary-5"]
    _refuser(there).accept("joint")
    again = _deliver(sites, running)
    assert sorted(there.reader.entry_ids("joint")) == ["canary-1", "canary-3", "canary-4"]
    there.writer.put([entry(8)])
    before = there.reader.manifest()
    _deliver(sites, again)
    assert there.reader.manifest() == before


def test_a_write_on_its_way_writes_nothing(sites: Sites) -> None:
    """Who did not see that the list was refused meanwhile cannot put an entry."""
    _listed(sites)
    here, there = sites
    _refuser(there).refuse("joint", GROUNDS)
    late = World(there.url, "be")
    with late.session:
        with pytest.raises(ListRefused):
            late.writer.put([_shared(6)])
        assert late.writer.remove([("joint", "canary-6")]).removed == 0
    assert list(there.reader.entry_ids("joint")) == []
    assert sorted(here.reader.entry_ids("joint")) == ["canary-1", "canary-3"]


def test_an_engine_takes_the_refusal_over(sites: Sites) -> None:
    """What follows the lists uses none of it within a second."""
    _listed(sites)
    there = sites[1]
    with there.follower() as follower:
        assert entries_in_use(follower) == 4
        _refuser(there).refuse("joint", GROUNDS)
        assert until(lambda: entries_in_use(follower) == 2) < 1.0
        assert not follower.refused


def test_what_was_interrupted_goes_on_and_says_the_same(
    sites: Sites, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was received is known from before; something left is no proof; twice is once."""
    _listed(sites)
    there = sites[1]
    with monkeypatch.context() as patched:
        patched.setattr(refusal, "forget_history", lambda *_: None)
        with pytest.raises(StoreError, match="history"):
            _refuser(there).refuse("joint", GROUNDS)
    assert remains(there.session, "joint") == {"history"}
    assert _refusal(there).destroyed_at_us == 0
    with pytest.raises(PolicyRefused, match="not finished"):
        _refuser(there).accept("joint")
    definition, removed = _refuser(there).refuse("joint", GROUNDS)
    assert (removed, _refusal(there).entries) == (0, 2)
    assert _refuser(there).refuse("joint", GROUNDS) == (definition, 0)
    assert CANARY.encode() not in _all_there_is(there.session)


def test_only_a_received_list_can_be_refused(sites: Sites) -> None:
    """One's own is withdrawn; what is not refused need not be accepted."""
    _listed(sites)
    refuser = _refuser(sites[1])
    with pytest.raises(PolicyRefused, match="own"):
        refuser.refuse("wanted", GROUNDS)
    with pytest.raises(PolicyRefused, match="not refused"):
        refuser.accept("joint")
    assert remains(sites[1].session, "joint") == {"entries", "profiles", "changes", "history"}


def test_signed_lists_stay_proved_after_a_refusal(
    redis_servers: Callable[[str], EmbeddedRedis],
) -> None:
    """The refusal is signed like any change: what is left can be loaded and proved."""
    server = redis_servers("redis")
    server.wipe()
    key, clock = SecretKey.new(), SystemClock()
    with RedisSession(server.url, sealer=Sealer(key), trust=Trust([key.public])) as session:
        StoreWriter(session, "be", clock).put([_shared(1), _shared(2)])
        StoreWriter(session, "nl", clock).put([entry(1)])
        Refuser(session, "nl", clock, Act(ActKind.REFUSE)).refuse("joint", GROUNDS)
        assert len(load(StoreReader(session)).snapshot()) == 1
        assert CANARY.encode() not in _all_there_is(session)
