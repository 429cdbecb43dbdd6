"""A primary under Sentinels: found, followed through failovers, refused when it is behind."""

from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest
from redis_machines import Watched, watched
from redis_sites import Site
from watchlist_world import MANIFEST, World, entries_in_use, entry, until

from anpr_engine.errors import StoreUnavailable
from anpr_engine.watchlist.redis_client import RedisSession
from anpr_engine.watchlist.redis_routes import SentinelPrimary

FAILOVER_S_MAX = 15.0


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Watched]:
    """Give a primary and a replica under three Sentinels."""
    with watched(tmp_path) as made:
        yield made


def test_a_killed_primary_is_followed_to_the_replica(site: Watched) -> None:
    """After the failover lists go on as they were, later changes are taken, nothing is lost."""
    world = World(site.url)
    world.writer.put([entry(1), entry(2)])
    until(site.synced)
    with world.follower() as follower:
        assert entries_in_use(follower) == 2
        site.primary.kill()
        until(lambda: not follower.connected)
        assert entries_in_use(follower) == 2
        taken_s = until(lambda: follower.connected, FAILOVER_S_MAX)
        assert (follower.refused, entries_in_use(follower)) == ("", 2)
        world.writer.put([entry(3)])
        until(lambda: entries_in_use(follower) == 3)
    assert taken_s < FAILOVER_S_MAX
    assert site.replica.ask("ROLE")[0] == "master"
    assert world.metrics.value("anpr_watchlist_reloads_total", cause="gap") == 0
    world.session.close()


def test_a_replica_that_is_behind_is_refused(site: Watched) -> None:
    """A removal that the replica never got stays removed: its older lists are not taken over."""
    world = World(site.url)
    world.writer.put([entry(1), entry(2)])
    until(site.synced)
    with world.follower() as follower:
        # The replica hears nothing more of the primary, as when its network fails.
        site.replica.ask("REPLICAOF", "127.0.0.1", 1)
        world.writer.remove([("wanted", "e1")])
        until(lambda: entries_in_use(follower) == 1)
        site.replica.ask("REPLICAOF", "NO", "ONE")
        site.primary.kill()
        until(lambda: not follower.connected)
        for each in site.sentinels:
            each.ask("SENTINEL", "REMOVE", "be")
            each.ask("SENTINEL", "MONITOR", "be", "127.0.0.1", site.replica.port, 2)
        until(lambda: follower.refused == "version-lower", FAILOVER_S_MAX)
        world.writer.put([entry(3)])
        until(lambda: follower.refused == "history-changed", FAILOVER_S_MAX)
        assert entries_in_use(follower) == 1
    world.session.close()


def test_a_primary_that_steps_down_is_left(site: Watched) -> None:
    """A failover on request, the old primary alive: writer and follower go to the new one."""
    world = World(site.url)
    world.writer.put([entry(1)])
    until(site.synced)
    with world.follower() as follower:
        site.sentinels[0].ask("SENTINEL", "FAILOVER", "be")
        until(lambda: site.replica.ask("ROLE")[0] == "master", FAILOVER_S_MAX)
        until(lambda: site.primary.ask("ROLE")[0] == "slave", FAILOVER_S_MAX)
        world.writer.put([entry(2)])
        until(lambda: entries_in_use(follower) == 2, FAILOVER_S_MAX)
        assert follower.refused == ""
    world.session.close()


def test_a_transaction_stays_with_its_connection(
    site: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is watched is watched by one connection: no other one may carry the changes out."""
    monkeypatch.setattr(SentinelPrimary, "outdated", lambda _: True)
    with RedisSession(site.url) as session:
        identities = [session.ask_all([("WATCH", "a"), ("CLIENT", "ID")])[1]]
        identities.append(session.ask("CLIENT", "ID"))
        identities += session.ask_all([("MULTI",), ("CLIENT", "ID"), ("EXEC",)])[2]
        assert len(set(identities)) == 1
        assert session.ask("CLIENT", "ID") not in identities


def test_what_sentinels_do_not_know_is_said(site: Watched) -> None:
    """An unknown service and Sentinels that are gone are errors that name both."""
    unknown = "service that its Sentinels do not know"
    with (
        RedisSession(site.url.replace("/be/", "/nl/")) as session,
        pytest.raises(StoreUnavailable, match=unknown),
    ):
        session.ask("PING")
    for each in site.sentinels:
        each.kill()
    with RedisSession(site.url) as session, pytest.raises(StoreUnavailable, match="Sentinel 127"):
        session.ask("PING")


def test_a_failover_as_it_will_be_run(tmp_path: Path) -> None:
    """TLS, users by role and Sentinels, all from the files in `deploy/redis`."""
    with ExitStack() as stack:
        site = Site(tmp_path, stack)
        follows = ["--replicaof", f"127.0.0.1 {site.machine.port}", "--masteruser", "anpr-replica"]
        replica = site.another("replica", *follows, "--masterauth", "anpr-replica")
        stack.enter_context(replica)
        sentinels = [stack.enter_context(site.sentinel(f"sentinel{n}")) for n in range(3)]
        hosts = ",".join(f"127.0.0.1:{each.port}" for each in sentinels)
        engine, editor = (
            World(f"rediss+sentinel://{user}:{user}@{hosts}/be/0?{site.options()}")
            for user in ("anpr-engine", "anpr-editor")
        )
        editor.writer.put([entry(1), entry(2)])
        for each in sentinels:
            url = f"rediss://127.0.0.1:{each.port}?{site.options()}"
            until(partial(_knows_all, url), FAILOVER_S_MAX)
        replicated = f"rediss://anpr-editor:anpr-editor@127.0.0.1:{replica.port}?{site.options()}"
        until(lambda: _version(replicated) == b"1", FAILOVER_S_MAX)
        with engine.follower() as follower:
            site.machine.kill()
            until(lambda: not follower.connected)
            until(lambda: follower.connected, FAILOVER_S_MAX)
            assert (follower.refused, entries_in_use(follower)) == ("", 2)
            editor.writer.put([entry(3)])
            until(lambda: entries_in_use(follower) == 3)
        engine.session.close()
        editor.session.close()


def _knows_all(url: str) -> bool:
    """Say whether a Sentinel knows the replica and both other Sentinels."""
    with RedisSession(url) as session:
        reply = session.ask("SENTINEL", "MASTER", "be")
    told = dict(zip(reply[::2], reply[1::2], strict=True))
    return (told[b"num-slaves"], told[b"num-other-sentinels"]) == (b"1", b"2")


def _version(url: str) -> bytes | None:
    with RedisSession(url) as session:
        found: bytes | None = session.ask("HGET", MANIFEST, "version")
    return found
