"""A cluster of Redis: the node that has the watchlists is found and followed wherever it goes."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis_machines import Cluster, cluster
from watchlist_world import MANIFEST, World, entries_in_use, entry, until

from anpr_engine.errors import StoreUnavailable
from anpr_engine.watchlist.loading import load
from anpr_engine.watchlist.redis_client import RedisSession

FAILOVER_S_MAX = 20.0


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Cluster]:
    """Give a cluster of three primaries and a replica."""
    with cluster(tmp_path) as made:
        yield made


def test_the_node_is_found_from_any_other(site: Cluster) -> None:
    """Whichever node the address names, lists are written, read and followed."""
    for n in range(4):
        world = World(site.url(n))
        world.writer.put([entry(n)])
        with world.follower() as follower:
            assert entries_in_use(follower) == n + 1
        world.session.close()


def test_a_moving_slot_is_followed(site: Cluster) -> None:
    """Read while keys stand on two nodes, written again when the slot has moved."""
    world = World(site.url(0, 1))
    world.writer.put(entry(n) for n in range(60))
    target = (site.owner + 1) % 3
    with world.follower() as follower:
        site.begin_move(target)
        site.move_keys(target, 20)
        verified_us = follower.verified_at_us
        until(lambda: follower.verified_at_us > verified_us and follower.connected)
        assert len(list(world.reader.entries())) == 60
        while site.move_keys(target, 100):
            pass
        verified_us = follower.verified_at_us
        until(lambda: follower.verified_at_us > verified_us and follower.connected)
        finished = threading.Timer(0.3, site.end_move, [target])
        finished.start()
        world.writer.put([entry(60)])
        finished.join()
        until(lambda: entries_in_use(follower) == 61)
        assert follower.refused == ""
        world.writer.remove([("wanted", "e60")])
        until(lambda: entries_in_use(follower) == 60)
    assert load(world.reader).manifest.version == 3
    assert world.metrics.value("anpr_watchlist_reloads_total", cause="gap") == 0
    world.session.close()


def test_a_killed_node_is_followed_to_its_replica(site: Cluster) -> None:
    """After the failover lists go on as they were and later changes are taken."""
    world = World(site.url(0, 1, 2))
    world.writer.put([entry(1), entry(2)])
    until(lambda: _behind(site) == 0)
    with world.follower() as follower:
        site.nodes[site.owner].kill()
        until(lambda: not follower.connected)
        assert entries_in_use(follower) == 2
        until(lambda: follower.connected, FAILOVER_S_MAX)
        world.writer.put([entry(3)])
        until(lambda: entries_in_use(follower) == 3)
        assert follower.refused == ""
    world.session.close()


def test_an_ordinary_address_of_a_cluster_is_explained(site: Cluster) -> None:
    """A node that has other keys says so, and the error says which address would do."""
    other = site.nodes[(site.owner + 1) % 3].port
    with (
        RedisSession(f"redis://127.0.0.1:{other}") as session,
        pytest.raises(StoreUnavailable, match=r"redis\+cluster"),
    ):
        session.ask("HGETALL", MANIFEST)


def _behind(site: Cluster) -> int:
    mine, other = (
        node.ask("INFO", "replication") for node in (site.nodes[site.owner], site.nodes[3])
    )
    return int(mine["master_repl_offset"]) - int(other["slave_repl_offset"])
