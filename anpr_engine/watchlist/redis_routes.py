"""Which server to speak to: the one of the address, Sentinel's primary, the cluster's node.

Why no pool and no client of the library: what a session may do twice, only its caller knows. So a
route finds one server and gives one connection to it. When that server is gone or no longer the
one, the next question finds another; the question that was under way is the caller's to repeat.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any, Protocol

import redis
from redis import exceptions
from redis.crc import key_slot

from anpr_engine.clock import SystemClock
from anpr_engine.watchlist.redis_address import Node, RedisAddress
from anpr_engine.watchlist.redis_errors import PrimaryMissing, ServiceUnknown
from anpr_engine.watchlist.redis_keys import MANIFEST
from anpr_engine.watchlist.redis_wire import Reply, Wire, ask_once, make_wire

ASK_S_MAX = 0.5
"""How long a Sentinel, or a node asked for the way, may take."""
PRIMARY_ASKED_S = 5.0
"""How often Sentinels are asked whether a connected primary is still the one."""


class Route(Protocol):
    """Finds the server that has the watchlists."""

    def open(self) -> Wire:
        """Give a connection to it; raises the library's errors."""
        ...

    def moved(self, host: str, port: int) -> None:
        """Take note of where a server says the watchlists are."""
        ...

    def outdated(self) -> bool:
        """Say whether another server has them by now."""
        ...

    def others(self) -> list[Node]:
        """Name servers that may hold a copy of them, as far as somebody beside it knows."""
        ...


class OneServer:
    """The server that the address names."""

    def __init__(self, options: Mapping[str, Any], reply_s_max: float) -> None:
        """Prepare the connection, which is the same every time."""
        self._wire = make_wire(options, reply_s_max)

    def open(self) -> Wire:
        """Give the connection; it connects when it is used."""
        return self._wire

    def moved(self, host: str, port: int) -> None:
        """Stay: who names one server means it."""

    def outdated(self) -> bool:
        """Say no."""
        return False

    def others(self) -> list[Node]:
        """Name nobody: the server itself knows its replicas."""
        return []


class SentinelPrimary:
    """The primary of a service, as the Sentinels know it.

    Why more than one is asked: a Sentinel that was cut off names the primary of yesterday. The
    answer of the latest configuration counts, or the one that most of them give.
    """

    def __init__(self, address: RedisAddress, reply_s_max: float) -> None:
        """Prepare without connecting."""
        self._address = address
        self._reply_s_max = reply_s_max
        self._primary: Node | None = None
        self._clock = SystemClock()
        self._asked_s = 0.0
        make_wire(address.options, reply_s_max, host="", port=0)

    def open(self) -> Wire:
        """Ask for the primary, connect, and let it confirm that it is one."""
        host, port = self._primary = self._find()
        wire = make_wire(self._address.options, self._reply_s_max, host=host, port=port)
        try:
            told = _pairs(ask_once(wire, "HELLO"))
            if told.get(b"role") != b"master":
                raise PrimaryMissing
        except redis.RedisError:
            wire.disconnect()
            raise
        return wire

    def moved(self, host: str, port: int) -> None:
        """Ask the Sentinels again; they alone know."""

    def outdated(self) -> bool:
        """Ask from time to time; as long as no Sentinel answers, nothing is known to be wrong."""
        if self._clock.monotonic_s() - self._asked_s < PRIMARY_ASKED_S:
            return False
        try:
            return self._find() != self._primary
        except redis.RedisError:
            return False

    def others(self) -> list[Node]:
        """Name the replicas that any Sentinel knows, those that are away too."""
        found: list[Node] = []
        for node in self._address.nodes:
            with suppress(redis.RedisError):
                told = map(_pairs, self._reply(node, "REPLICAS"))
                found += [_node((each[b"ip"], each[b"port"]), node) for each in told]
        return list(dict.fromkeys(found))

    def _find(self) -> Node:
        self._asked_s = self._clock.monotonic_s()
        votes: list[tuple[int, Node]] = []
        failure: redis.RedisError = redis.ConnectionError()
        nodes = self._address.nodes
        for node in nodes:
            try:
                votes.append(self._ask(node))
            except redis.RedisError as error:
                failure = error
            named = [primary for _, primary in votes]
            if named and 2 * named.count(named[-1]) > len(nodes):
                return named[-1]
        if not votes:
            raise failure
        return max(votes)[1]

    def _ask(self, node: Node) -> tuple[int, Node]:
        told = _pairs(self._reply(node, "MASTER"))
        host = told[b"ip"].decode(errors="replace")
        return int(told[b"config-epoch"]), (host, int(told[b"port"]))

    def _reply(self, node: Node, about: str) -> Reply:
        options = self._address.sentinel_options or {}
        wire = make_wire(options, ASK_S_MAX, host=node[0], port=node[1])
        try:
            return ask_once(wire, "SENTINEL", about, self._address.service)
        except redis.ResponseError as error:
            raise ServiceUnknown if str(error).startswith("No such master") else error from None
        finally:
            wire.disconnect()


class ClusterNode:
    """The node of a cluster that has the watchlists: their keys share one hash slot."""

    def __init__(self, address: RedisAddress, reply_s_max: float) -> None:
        """Prepare without connecting."""
        self._address = address
        self._reply_s_max = reply_s_max
        self._known: list[Node] = list(address.nodes)
        self._told: Node | None = None
        self._slot = key_slot(MANIFEST.name.encode())
        self._wire_to("", 0)

    def open(self) -> Wire:
        """Connect to the node that others name; several are asked until one of them is right."""
        told, self._told = self._told, None
        if told is not None:
            return self._wire_to(*told)
        failure: redis.RedisError = redis.ConnectionError()
        for node in list(self._known):
            try:
                wire = self._wire_to(*self._owner(node))
                ask_once(wire, "PING")
            except redis.RedisError as error:
                failure = error
            else:
                return wire
        raise failure

    def moved(self, host: str, port: int) -> None:
        """Go to the node that a server named; without a host it means its own."""
        self._told = (host, port) if host else None

    def outdated(self) -> bool:
        """Say no: a node that lost the slot says so itself."""
        return False

    def others(self) -> list[Node]:
        """Name every node of the cluster, whether it has a slot or not, those that are away too."""
        failure: redis.RedisError = redis.ConnectionError()
        for node in list(self._known):
            wire = make_wire(self._address.options, ASK_S_MAX, host=node[0], port=node[1])
            try:
                told, ranges = (ask_once(wire, "CLUSTER", each) for each in ("NODES", "SLOTS"))
            except redis.RedisError as error:
                failure = error
            else:
                return list(_everybody(told, ranges, node).values())
            finally:
                wire.disconnect()
        raise failure

    def aside(self, host: str, port: int) -> Wire:
        """Give a connection to a node that has part of the slot while it is being moved."""
        return self._wire_to(host, port)

    def _wire_to(self, host: str, port: int) -> Wire:
        return make_wire(self._address.options, self._reply_s_max, host=host, port=port)

    def _owner(self, asked: Node) -> Node:
        wire = make_wire(self._address.options, ASK_S_MAX, host=asked[0], port=asked[1])
        try:
            ranges = ask_once(wire, "CLUSTER", "SLOTS")
        finally:
            wire.disconnect()
        nodes = [_node(each, asked) for each in _holders(ranges, self._slot)]
        if not nodes:
            raise exceptions.ClusterDownError("")
        everybody = [_node(each, asked) for line in ranges for each in line[2:]]
        self._known = list(dict.fromkeys([*nodes, *self._address.nodes, *everybody]))
        return nodes[0]


def route_to(address: RedisAddress, reply_s_max: float) -> Route:
    """Make the route that an address asks for; raises TypeError for options that are none."""
    if address.kind == "one":
        return OneServer(address.options, reply_s_max)
    kinds: dict[str, Callable[[RedisAddress, float], Route]] = {
        "sentinel": SentinelPrimary,
        "cluster": ClusterNode,
    }
    return kinds[address.kind](address, reply_s_max)


def _holders(ranges: Reply, slot: int) -> Iterator[Reply]:
    for first, last, *nodes in ranges:
        if first <= slot <= last:
            yield from nodes


def _node(told: Reply, asked: Node) -> Node:
    """Read host and port of a node; one that does not know its own name is the one asked."""
    host = (told[0] or b"").decode(errors="replace")
    return (host if host not in {"", "?"} else asked[0]), int(told[1])


def _everybody(nodes: bytes, ranges: Reply, asked: Node) -> dict[str, Node]:
    """Read the nodes by id: `ID HOST:PORT@BUS[,NAME] …`; who has slots by the name told to all."""
    found: dict[str, Node] = {}
    for line in nodes.decode(errors="replace").splitlines():
        identity, place = line.split()[:2]
        host, _, port = place.partition("@")[0].rpartition(":")
        found[identity] = _node((host.encode(), port), asked)
    for told in (each for line in ranges for each in line[2:] if len(each) > 2):
        found[told[2].decode(errors="replace")] = _node(told, asked)
    return found


def _pairs(reply: Reply) -> dict[bytes, bytes]:
    return dict(zip(reply[::2], reply[1::2], strict=True))
