"""A cluster of Redis with TLS and client certificates, on its bus and for replication too."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import pytest
from certificates import Authority
from packed import on_disk
from redis_machines import Cluster, cluster
from watchlist_world import CHANGES, World, entries_in_use, entry, until

from anpr_engine.clock import SystemClock
from anpr_engine.errors import StoreError
from anpr_engine.watchlist.checks import check_store
from anpr_engine.watchlist.redis_client import RedisSession
from anpr_engine.watchlist.redis_copies import rewrite_everywhere
from anpr_engine.watchlist.redis_keys import HISTORY, bucket_of, entries_key, entry_field

FAILOVER_S_MAX = 20.0
GONE = "7CANARY"


class TlsCluster(NamedTuple):
    """A cluster, and the address of all its nodes, with a client's certificate and without."""

    made: Cluster
    url: str
    nameless: str
    foreign: str


@pytest.fixture
def site(tmp_path: Path) -> Iterator[TlsCluster]:
    """Give a cluster of three primaries and a replica that take nobody without a certificate."""
    authority = Authority(tmp_path, "site")
    certificate, key = authority.sign("node", "127.0.0.1")
    own = authority.sign("engine")
    files = {
        "ssl_ca_certs": str(authority.ca),
        "ssl_certfile": str(own[0]),
        "ssl_keyfile": str(own[1]),
    }
    options = ["--port", "0", "--tls-port", "PORT", "--tls-ca-cert-file", str(authority.ca)]
    options += ["--tls-cert-file", str(certificate), "--tls-key-file", str(key)]
    options += ["--tls-cluster", "yes", "--tls-replication", "yes", "--tls-auth-clients", "yes"]
    options += ["--appendonly", "yes"]
    others = Authority(tmp_path, "other").ca
    with cluster(tmp_path, options, {"ssl": True, "host": "127.0.0.1", **files}) as made:
        hosts = range(4)
        yield TlsCluster(
            made,
            made.url(*hosts, tls=_query(files)),
            made.url(*hosts, tls=_query({"ssl_ca_certs": files["ssl_ca_certs"]})),
            made.url(*hosts, tls=_query(files | {"ssl_ca_certs": str(others)})),
        )


def _query(options: dict[str, str]) -> str:
    return "&".join(f"{name}={quote(value)}" for name, value in options.items())


def test_lists_are_followed_through_a_failover_over_tls(site: TlsCluster) -> None:
    """Found from any node, written, read and followed; after a node's death on its replica."""
    world = World(site.url)
    world.writer.put([entry(1), entry(2)])
    assert {each.state for each in check_store(site.url, SystemClock())} == {"ok"}
    until(lambda: _behind(site.made) == 0)
    with world.follower() as follower:
        assert entries_in_use(follower) == 2
        site.made.nodes[site.made.owner].kill()
        until(lambda: not follower.connected)
        until(lambda: follower.connected, FAILOVER_S_MAX)
        world.writer.put([entry(3)])
        until(lambda: entries_in_use(follower) == 3)
        assert follower.refused == ""
    world.session.close()


def test_a_moved_slot_is_followed_over_tls(site: TlsCluster) -> None:
    """The node that a server names is reached with the same certificates."""
    world = World(site.url)
    world.writer.put(entry(n) for n in range(20))
    target = (site.made.owner + 1) % 3
    with world.follower() as follower:
        site.made.begin_move(target)
        while site.made.move_keys(target, 100):
            pass
        site.made.end_move(target)
        world.writer.put([entry(20)])
        until(lambda: entries_in_use(follower) == 21)
        assert follower.refused == ""
    world.session.close()


@pytest.mark.parametrize(
    ("how", "said"), [("nameless", "demands a certificate"), ("foreign", "is not trusted here")]
)
def test_nobody_is_let_in_without_trust(site: TlsCluster, how: str, said: str) -> None:
    """Neither a client without a certificate, nor nodes whose authority is not ours."""
    with RedisSession(getattr(site, how)) as session, pytest.raises(StoreError, match=said):
        session.ask("PING")


def _behind(site: Cluster) -> int:
    mine, other = (
        node.ask("INFO", "replication") for node in (site.nodes[site.owner], site.nodes[3])
    )
    return int(mine["master_repl_offset"]) - int(other["slave_repl_offset"])


def test_every_node_writes_its_files_anew_over_tls(site: TlsCluster, tmp_path: Path) -> None:
    """Found by the ports that take TLS, the replica too; what was taken out is on no disk."""
    world = World(site.url)
    world.writer.put([entry(1, plate=GONE)])
    world.writer.put([entry(2, "others")])
    world.session.ask("DEL", entries_key(_bucket(1)), CHANGES, HISTORY.name)
    nodes = {f"node{n}" for n in range(4)}
    until(lambda: {each for each in nodes if on_disk(tmp_path / each, GONE)} == _holders(site))
    with RedisSession(site.url) as session:
        session.ask("PING")
        found = rewrite_everywhere(session, SystemClock())
    assert all(each.files for each in found)
    ports = {str(node.port) for n, node in enumerate(site.made.nodes) if n != site.made.owner}
    where = {each.where for each in found}
    assert {each.rpartition(":")[2] for each in where if "cluster" not in each} == ports
    until(lambda: not any(on_disk(tmp_path / each, GONE) for each in nodes))
    world.session.close()


def _bucket(number: int) -> int:
    return bucket_of(entry_field("wanted", f"e{number}"))


def _holders(site: TlsCluster) -> set[str]:
    return {f"node{site.made.owner}", "node3"}
