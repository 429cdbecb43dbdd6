"""What was taken out leaves every disk: of replicas, under Sentinels, of all nodes of a cluster."""

from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from packed import on_disk
from redis_machines import READY_S, Cluster, Machine, cluster, watched
from redis_sites import Site, with_passwords
from watchlist_world import World, entry, until

from anpr_engine.cli.watchlist import command
from anpr_engine.clock import SystemClock
from anpr_engine.errors import StoreError
from anpr_engine.watchlist import redis_copies
from anpr_engine.watchlist.history import DAY_US
from anpr_engine.watchlist.redis_client import RedisSession
from anpr_engine.watchlist.redis_copies import rewrite_everywhere

GONE, KEPT = "7CANARY", "8KEPT"
APPENDS = ["--appendonly", "yes", "--rdbcompression", "no"]
WAIT_S = 20.0


def put_and_remove(world: World) -> None:
    """Put an entry that goes again, twice, so that the history holds it; and one that stays."""
    for note in ("first", "second"):
        world.writer.put([entry(1, plate=GONE, note=note)])
    world.writer.put([entry(2, "others", plate=KEPT)])
    world.writer.remove([("wanted", "e1")])


def purge(url: str, folder: Path, patch: pytest.MonkeyPatch) -> Result:
    """Run the command two days later, at a site whose history is kept for one."""
    real = SystemClock.now_us
    path = folder / "be.toml"
    path.write_text(f'site = "be"\nredis_url = "{url}"\n[watchlist]\nhistory_days = 1\n')
    names = ("ANPR_REDIS_URL", "ANPR_SITE", "ANPR_KAFKA", "ANPR_CONFIG")
    empty: dict[str, str | None] = dict.fromkeys(names)
    with patch.context() as later:
        later.setattr(SystemClock, "now_us", lambda self: real(self) + 2 * DAY_US)
        return CliRunner(env=empty).invoke(command, ["purge", "--config", str(path)])


def holding(folder: Path, text: str) -> set[str]:
    """Name the servers on whose disks a text is."""
    servers = (each for each in folder.iterdir() if each.is_dir())
    return {each.name for each in servers if on_disk(each, text)}


def followed(machine: Machine, primary: Machine) -> bool:
    """Say whether a replica has all that its primary has."""
    mine, other = (each.ask("INFO", "replication") for each in (primary, machine))
    up = other.get("master_link_status") == "up"
    return bool(up and other["slave_repl_offset"] == mine["master_repl_offset"])


def test_replicas_and_their_replicas_write_their_files_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A replica copied all while the entry was there: it stands in its dump, too."""
    with Machine(tmp_path / "primary", APPENDS) as primary:
        world = World(f"redis://127.0.0.1:{primary.port}")
        world.writer.put([entry(1, plate=GONE, note="before")])
        first = Machine(tmp_path / "first", [*APPENDS, "--replicaof", f"127.0.0.1 {primary.port}"])
        with first:
            until(lambda: followed(first, primary), WAIT_S)
            after = [*APPENDS, "--replicaof", f"127.0.0.1 {first.port}"]
            with Machine(tmp_path / "second", after) as second:
                until(lambda: followed(second, first), WAIT_S)
                put_and_remove(world)
                names = {"primary", "first", "second"}
                until(lambda: holding(tmp_path, KEPT) == names)
                assert holding(tmp_path, GONE) == names
                assert "dump.rdb" in on_disk(tmp_path / "first", GONE)
                done = purge(world.url, tmp_path, monkeypatch)
                assert done.exit_code == 0, done.stderr
                for machine in (primary, first, second):
                    assert "append-only file" in done.stdout
                    assert f"at 127.0.0.1:{machine.port}" in done.stdout
                until(lambda: not holding(tmp_path, GONE))
                assert holding(tmp_path, KEPT) == names
        world.session.close()


def test_a_replica_that_is_behind_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it has not got yet would come into its file afterwards; a deaf one is named."""
    monkeypatch.setattr(redis_copies, "CATCH_UP_S_MAX", 0.2)
    with watched(tmp_path, APPENDS) as site:
        world = World(site.url)
        put_and_remove(world)
        until(site.synced)
        site.replica.ask("REPLICAOF", "127.0.0.1", 1)
        done = purge(site.url, tmp_path, monkeypatch)
        assert done.exit_code == 1
        told = str(done.exception)
        assert f"127.0.0.1:{site.replica.port} does not follow its primary" in told
        assert "primary" not in holding(tmp_path, GONE)
        assert "replica" in holding(tmp_path, GONE)
        site.replica.ask("REPLICAOF", "127.0.0.1", site.primary.port)
        monkeypatch.undo()
        assert purge(site.url, tmp_path, monkeypatch).exit_code == 0
        until(lambda: not holding(tmp_path, GONE))
        world.session.close()


def test_after_a_failover_a_server_that_is_away_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The Sentinels know it; the new primary is purged all the same, and it once it is back."""
    with watched(tmp_path, APPENDS) as site:
        world = World(site.url)
        put_and_remove(world)
        until(site.synced)
        site.primary.kill()
        until(lambda: site.replica.ask("ROLE")[0] == "master", WAIT_S)
        port = str(site.replica.port)
        asked = [partial(each.ask, "SENTINEL", "MASTER", "be") for each in site.sentinels]
        until(lambda: all(ask()["port"] == port for ask in asked), WAIT_S)
        done = purge(site.url, tmp_path, monkeypatch)
        assert done.exit_code == 1
        assert f"127.0.0.1:{site.primary.port}" in str(done.exception)
        until(lambda: holding(tmp_path, GONE) == {"primary"})
        site.primary.start()
        # Sentinels watch one that came back for 8 s, and ask it every 10 s.
        until(lambda: site.primary.ask("ROLE")[0] == "slave", READY_S)
        assert purge(site.url, tmp_path, monkeypatch).exit_code == 0
        until(lambda: not holding(tmp_path, GONE))
        assert holding(tmp_path, KEPT) == {"primary", "replica"}
        world.session.close()


def test_an_editor_has_the_files_of_a_site_with_tls_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The replica takes the same certificate, user and password as the primary."""
    with ExitStack() as stack:
        site = Site(tmp_path, stack)
        follows = ["--replicaof", f"127.0.0.1 {site.machine.port}", "--masteruser", "anpr-replica"]
        more = [*follows, "--masterauth", "anpr-replica", "--rdbcompression", "no"]
        stack.enter_context(site.another("replica", *more))
        world = World(site.url("anpr-editor"))
        put_and_remove(world)
        until(lambda: holding(tmp_path, KEPT) == {"redis", "replica"}, WAIT_S)
        done = purge(world.url, tmp_path, monkeypatch)
        assert (done.exit_code, done.exception) == (0, None)
        until(lambda: not holding(tmp_path, GONE))
        world.session.close()


def as_editor(url: str) -> str:
    """Give an address as the user that keeps the lists has it."""
    return url.replace("://", "://anpr-editor:anpr-editor@")


def moved(site: Cluster, target: int) -> None:
    """Move the slot of the lists to another node."""
    site.begin_move(target)
    while site.move_keys(target, 100):
        pass
    site.end_move(target)


def test_every_node_of_a_cluster_writes_its_files_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one that had the lists before they moved, too, and the replica; an editor may ask."""
    users = tmp_path / "users.acl"
    named = [line for line in with_passwords().splitlines() if "user default" not in line]
    users.write_text("\n".join([*named, "user default on nopass ~* &* +@all", ""]))
    with cluster(tmp_path, [*APPENDS, "--aclfile", str(users)]) as site:
        world = World(as_editor(site.url(0, 1, 2)))
        before, after = site.owner, (site.owner + 1) % 3
        world.writer.put([entry(1, plate=GONE, note="before")])
        moved(site, after)
        put_and_remove(world)
        names = {f"node{before}", f"node{after}", "node3"}
        until(lambda: holding(tmp_path, GONE) == names, WAIT_S)
        done = purge(as_editor(site.url(0)), tmp_path, monkeypatch)
        assert done.exit_code == 0, done.stderr
        assert all(f":{node.port}" in done.stdout for node in site.nodes)
        until(lambda: not holding(tmp_path, GONE))
        assert holding(tmp_path, KEPT) == {f"node{after}"}
        # Who is asked for the slots leaves a replica out that is away.
        away = site.nodes[3]
        away.kill()
        until(lambda: str(away.port) not in str(site.nodes[0].ask("CLUSTER", "SLOTS")), WAIT_S)
        with RedisSession(as_editor(site.url(0))) as session, pytest.raises(StoreError) as told:
            rewrite_everywhere(session, SystemClock())
        assert f"127.0.0.1:{away.port}" in str(told.value)
        world.session.close()
