"""An engine whose settings ask for signed lists: what nobody signed is refused and shown."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sites import Engine, World, await_true, world

from anpr_engine.audit.signing import SecretKey, write_pair
from anpr_engine.clock import SystemClock
from anpr_engine.records.watchlist_entry import WatchlistEntry
from anpr_engine.watchlist.redis_client import RedisSession
from anpr_engine.watchlist.redis_writer import StoreWriter
from anpr_engine.watchlist.seals import Sealer

KEY = SecretKey.new()
MANIFEST = "anpr:{wl}:manifest"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[World, Engine]]:
    """Give a site that runs and asks for one key."""
    public = write_pair(tmp_path / "lists.key", KEY)
    with world(tmp_path, ["be"]) as made:
        engine = made.engine("be", 0, ANPR_WATCHLIST__MANIFEST_KEYS=f'["{public}"]')
        engine.start()
        await_true(engine.ready, "engine ready")
        yield made, engine
        assert engine.stop() == 0


def test_only_signed_versions_are_used(site: tuple[World, Engine]) -> None:
    """A signed entry counts; a version without signature is refused by name; mended, it counts."""
    made, engine = site
    with RedisSession(made.redis["be"].url, sealer=Sealer(KEY)) as session:
        writer = StoreWriter(session, "be", SystemClock())
        writer.put([WatchlistEntry(entry_id="e1", list_id="be-list", plate="1-SIG-001")])
        await_true(lambda: engine.metric("anpr_watchlist_version") == 1, "the entry counts")
        signature = session.ask("HGET", MANIFEST, "signature")
        session.ask("HDEL", MANIFEST, "signature")
        refused = 'anpr_watchlist_refused_total{cause="unsigned"}'
        await_true(lambda: engine.metric(refused) == 1, "the version is refused")
        code, page = engine.page("/readyz")
        assert (code, "unsigned" in page) == (503, True)
        assert engine.page("/healthz")[0] == 200
        session.ask("HSET", MANIFEST, "signature", signature)
        await_true(lambda: engine.page("/readyz")[0] == 200, "the version is good again")
        writer.put([WatchlistEntry(entry_id="e2", list_id="be-list", plate="1-SIG-002")])
        await_true(lambda: engine.metric("anpr_watchlist_version") == 2, "the next one counts")
