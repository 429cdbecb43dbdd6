"""A cluster of Redis with TLS and client certificates, on its bus and for replication too."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import pytest
from certificates import Authority
from redis_machines import Cluster, cluster
from watchlist_world import World, entries_in_use, entry, until

from anpr_engine.clock import SystemClock
from anpr_engine.errors import StoreError
from anpr_engine.watchlist.checks import check_store
from anpr_engine.watchlist.redis_client import RedisSession
from anpr_engine.watchlist.redis_copies import rewrite_everywhere

FAILOVER_S_MAX = 20.0


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


def test_every_node_is_found_over_tls(site: TlsCluster) -> None:
    """By the ports that take TLS; none of them has a file."""
    with RedisSession(site.url) as session:
        session.ask("PING")
        found = {each.where for each in rewrite_everywhere(session, SystemClock())}
    ports = {str(node.port) for n, node in enumerate(site.made.nodes) if n != site.made.owner}
    assert {where.rpartition(":")[2] for where in found if "cluster" not in where} == ports
