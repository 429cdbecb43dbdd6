"""Real Redis processes as sites run them: with TLS, watched by Sentinels, or as a cluster."""

import secrets
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import redis
from redis.crc import key_slot
from watchlist_world import MANIFEST, until

from anpr_engine.processes import ChildProcess
from anpr_engine.watchlist.embedded import find_server

SLOTS = 16_384
OUR_SLOT = key_slot(MANIFEST.encode())
READY_S = 60.0
PORT_MIN, PORTS = 20_000, 12_000


def free_ports(count: int) -> list[int]:
    """Choose ports of this machine that nobody uses; no two are the same.

    Below those that the machine gives to connections: one of these could be taken before the
    server that it was chosen for has begun.
    """
    with ExitStack() as stack:
        found: list[int] = []
        while len(found) < count:
            port, probe = PORT_MIN + secrets.randbelow(PORTS), stack.enter_context(socket.socket())
            with suppress(OSError):
                probe.bind(("127.0.0.1", port))
                found.append(port)
        return found


class Machine:
    """One server process; a context manager. Port and data stay the same over `kill`, `start`."""

    def __init__(
        self,
        folder: Path,
        options: Sequence[str] = (),
        *,
        config: str = "",
        asked_with: Mapping[str, Any] | None = None,
    ) -> None:
        """Prepare a server; `PORT` in what is given stands for the port it will have.

        Args:
            folder: a new folder for its data.
            options: more of redis-server's own options.
            config: its settings file; one with `sentinel monitor` makes a Sentinel.
            asked_with: what `ask` connects with, where that needs TLS.

        """
        self._asked_with = asked_with or {}
        folder.mkdir()
        self.port = free_ports(1)[0]
        self._folder = folder
        file = folder / "server.conf"
        file.write_text(config.replace("PORT", str(self.port)), encoding="utf-8")
        plain = ["--port", "PORT", "--save", "", "--bind", "127.0.0.1"]
        plain += ["--repl-diskless-sync-delay", "0"]
        settings = ["--sentinel"] if "sentinel monitor" in config else [*plain, *options]
        settings = [each.replace("PORT", str(self.port)) for each in settings]
        program = str(find_server("redis-server"))
        self._command = [program, str(file), *settings, "--dir", str(folder)]
        self._child: ChildProcess | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        self._child = ChildProcess(self._command, log_path=self._folder / "log")
        until(self._answers, READY_S)

    def kill(self) -> None:
        """End it as a power cut would."""
        if self._child is not None:
            self._child.kill()
            self._child = None

    def ask(self, *command: str | int) -> Any:  # noqa: ANN401
        """Send one command."""
        with redis.Redis(port=self.port, decode_responses=True, **self._asked_with) as client:
            return client.execute_command(*command)

    def _answers(self) -> bool:
        log = (self._folder / "log").read_text(encoding="utf-8", errors="replace")
        assert self._child is not None, log
        assert self._child.running(), log
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def __enter__(self) -> Self:
        """Start it."""
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End it."""
        self.kill()


SENTINEL = """port PORT
bind 127.0.0.1
sentinel monitor be 127.0.0.1 {primary} 2
sentinel down-after-milliseconds be 1000
sentinel failover-timeout be 3000
"""


class Watched:
    """A primary and a replica under three Sentinels."""

    def __init__(self, primary: Machine, replica: Machine, sentinels: Sequence[Machine]) -> None:
        """Name the processes."""
        self.primary = primary
        self.replica = replica
        self.sentinels = sentinels
        hosts = ",".join(f"127.0.0.1:{each.port}" for each in sentinels)
        self.url = f"redis+sentinel://{hosts}/be/0"

    def synced(self) -> bool:
        """Say whether the replica has all that the primary has."""
        mine, other = (each.ask("INFO", "replication") for each in (self.primary, self.replica))
        up = other.get("master_link_status") == "up"
        return bool(up and other.get("slave_repl_offset") == mine.get("master_repl_offset"))

    def ready(self) -> bool:
        """Say whether every Sentinel knows the replica and the other Sentinels."""
        states = [each.ask("SENTINEL", "MASTER", "be") for each in self.sentinels]
        return all(
            (each["num-slaves"], each["num-other-sentinels"]) == ("1", "2") for each in states
        )


@contextmanager
def watched(folder: Path, more: Sequence[str] = ()) -> Iterator[Watched]:
    """Start a primary, a replica and three Sentinels that know each other; `more` as options."""
    with ExitStack() as stack:
        primary = stack.enter_context(Machine(folder / "primary", more))
        follows = [*more, "--replicaof", f"127.0.0.1 {primary.port}"]
        replica = stack.enter_context(Machine(folder / "replica", follows))
        settings = SENTINEL.format(primary=primary.port)
        sentinels = [
            stack.enter_context(Machine(folder / f"sentinel{n}", config=settings)) for n in range(3)
        ]
        made = Watched(primary, replica, sentinels)
        until(made.synced, READY_S)
        until(made.ready, READY_S)
        yield made


class Cluster:
    """Three primaries, and a replica of the one that has the watchlists."""

    def __init__(self, nodes: Sequence[Machine]) -> None:
        """Name the processes; the last is the replica."""
        self.nodes = nodes
        self.names = [str(node.ask("CLUSTER", "MYID")) for node in nodes]
        self.owner = OUR_SLOT * 3 // SLOTS

    def url(self, *asked: int, tls: str = "") -> str:
        """Give an address that names some of the nodes; `tls`: its options, where it needs any."""
        hosts = ",".join(f"127.0.0.1:{self.nodes[n].port}" for n in asked)
        return f"rediss+cluster://{hosts}?{tls}" if tls else f"redis+cluster://{hosts}"

    def make(self) -> None:
        """Join the nodes and share the slots out."""
        # A third of 16,384 is no whole number: round so that `owner` has our slot.
        bounds = [-(-SLOTS * n // 3) for n in range(4)]
        for n, node in enumerate(self.nodes[:3]):
            node.ask("CLUSTER", "ADDSLOTSRANGE", bounds[n], bounds[n + 1] - 1)
        for n, node in enumerate(self.nodes):
            node.ask("CLUSTER", "SET-CONFIG-EPOCH", n + 1)
        buses = [node.ask("CONFIG", "GET", "cluster-port")["cluster-port"] for node in self.nodes]
        meetings = [(node.port, bus) for node, bus in zip(self.nodes, buses, strict=True)][1:]
        until(lambda: self._met(meetings), READY_S)
        self.nodes[3].ask("CLUSTER", "REPLICATE", self.names[self.owner])
        until(lambda: self._synced(self.nodes[3]), READY_S)

    def _met(self, meetings: Sequence[tuple[int, str]]) -> bool:
        """Let the nodes meet until all know each other.

        A meeting is given up after a second, which a busy machine takes for a handshake with TLS;
        a node asked again while it is at it does nothing.
        """
        if all(self._whole(node) for node in self.nodes):
            return True
        for port, bus in meetings:
            self.nodes[0].ask("CLUSTER", "MEET", "127.0.0.1", port, bus)
        return False

    def _whole(self, node: Machine) -> bool:
        told: str = node.ask("CLUSTER", "INFO")
        return "cluster_state:ok" in told and "cluster_known_nodes:4" in told

    def _synced(self, node: Machine) -> bool:
        return bool(node.ask("INFO", "replication").get("master_link_status") == "up")

    def begin_move(self, target: int) -> None:
        """Begin to move the slot of the watchlists to another node."""
        names = self.names
        here, there = self.nodes[self.owner], self.nodes[target]
        there.ask("CLUSTER", "SETSLOT", OUR_SLOT, "IMPORTING", names[self.owner])
        here.ask("CLUSTER", "SETSLOT", OUR_SLOT, "MIGRATING", names[target])

    def move_keys(self, target: int, count: int) -> int:
        """Move some keys of the slot; give how many were moved."""
        here, there = self.nodes[self.owner], self.nodes[target]
        keys = here.ask("CLUSTER", "GETKEYSINSLOT", OUR_SLOT, count)
        if keys:
            here.ask("MIGRATE", "127.0.0.1", there.port, "", 0, 5000, "KEYS", *keys)
        return len(keys)

    def end_move(self, target: int) -> None:
        """Give the slot to its new node."""
        for node in (self.nodes[target], self.nodes[self.owner], *self.nodes[:3]):
            node.ask("CLUSTER", "SETSLOT", OUR_SLOT, "NODE", self.names[target])
        self.owner = target


@contextmanager
def cluster(
    folder: Path, more: Sequence[str] = (), asked_with: Mapping[str, Any] | None = None
) -> Iterator[Cluster]:
    """Start a cluster; parameters as for `Machine`."""
    with ExitStack() as stack:
        nodes = []
        for n in range(4):
            options = ["--cluster-enabled", "yes", "--cluster-node-timeout", "1000"]
            options += ["--cluster-port", str(free_ports(1)[0])]
            machine = Machine(folder / f"node{n}", [*options, *more], asked_with=asked_with)
            nodes.append(stack.enter_context(machine))
        made = Cluster(nodes)
        made.make()
        yield made
