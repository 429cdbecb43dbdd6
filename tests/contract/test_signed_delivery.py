"""Deliveries and replays of signed lists: nothing unsigned is handed on, or matched against."""

from collections.abc import Callable, Iterator

import pytest
from watchlist_world import ENTRIES, MANIFEST, World, entry

from anpr_engine.audit.signing import SecretKey
from anpr_engine.clock import SystemClock
from anpr_engine.errors import StoreNotTrusted
from anpr_engine.replay.lists import lists_of_redis
from anpr_engine.watchlist.delivery import Delivery, SiteStore
from anpr_engine.watchlist.embedded import EmbeddedRedis
from anpr_engine.watchlist.loading import load
from anpr_engine.watchlist.redis_client import RedisSession
from anpr_engine.watchlist.redis_reader import StoreReader
from anpr_engine.watchlist.redis_writer import StoreWriter
from anpr_engine.watchlist.seals import Sealer, Trust

KEY = SecretKey.new()
TRUST = Trust([KEY.public])


class Sites:
    """Two sites' stores, and a delivery that asks for signatures and signs."""

    def __init__(self, here: str, there: str) -> None:
        """Open both."""
        self.plain = World(here)
        self.here = RedisSession(here, sealer=Sealer(KEY), trust=TRUST)
        self.there = RedisSession(there, sealer=Sealer(KEY), trust=TRUST)
        self.writer = StoreWriter(self.here, "be", SystemClock())
        self.delivery = Delivery(
            SiteStore("be", self.here), SiteStore("nl", self.there), SystemClock()
        )

    def delivered(self) -> set[str]:
        """Name the entries that the other site has, after proving them."""
        load(StoreReader(self.there))
        return {each.entry_id for each in StoreReader(self.there).entries()}


@pytest.fixture
def sites(redis_servers: Callable[[str], EmbeddedRedis]) -> Iterator[Sites]:
    """Give two empty stores."""
    servers = [redis_servers(name) for name in ("redis", "valkey")]
    for each in servers:
        each.wipe()
    made = Sites(*(each.url for each in servers))
    yield made
    for session in (made.plain.session, made.here, made.there):
        session.close()


def test_signed_lists_arrive_signed(sites: Sites) -> None:
    """The first delivery of everything, and each later change; receipts are signed too."""
    sites.writer.put([entry(1, sharing="nl"), entry(2)])
    sites.delivery.step()
    assert sites.delivered() == {"e1"}
    sites.writer.put([entry(3, sharing="nl")])
    while not sites.delivery.step():
        pass
    assert sites.delivered() == {"e1", "e3"}
    assert StoreReader(sites.there).receipts().keys() == {"be"}


def test_a_replay_asks_for_signatures_too(sites: Sites) -> None:
    """History is matched against lists that were proved, where keys are set."""
    sites.writer.put([entry(1)])
    url = sites.plain.url
    assert len(lists_of_redis(url, None, TRUST).snapshot) == 1
    sites.plain.session.ask("HDEL", MANIFEST, "signature")
    assert len(lists_of_redis(url, None).snapshot) == 1
    with pytest.raises(StoreNotTrusted):
        lists_of_redis(url, None, TRUST)


def test_what_was_not_signed_is_not_handed_on(sites: Sites) -> None:
    """A row changed past the commands, or a version nobody signed, stops the delivery."""
    sites.writer.put([entry(1, sharing="nl")])
    ask = sites.plain.session.ask
    key = ask("KEYS", f"{ENTRIES}*")[0]
    field, row = ask("HGETALL", key)
    ask("HSET", key, field, row.replace(b"1TST", b"2TST"))
    with pytest.raises(StoreNotTrusted):
        sites.delivery.step()
    assert sites.delivered() == set()
    ask("HSET", key, field, row)
    sites.delivery.step()
    ask("HDEL", MANIFEST, "signature")
    sites.plain.writer.put([entry(5, sharing="nl")])
    with pytest.raises(StoreNotTrusted):
        sites.delivery.step()
    assert sites.delivered() == {"e1"}
