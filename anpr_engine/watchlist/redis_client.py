"""The one place that speaks to Redis: commands out, replies in, foreign errors translated.

Why: the library's own client retries ten times by default, which stores a change twice when a
reply is lost, and its pipelines turn a lost connection into "somebody else was faster". So this
session drives one connection itself: one round trip for many commands, no retries, and whoever
calls decides what a missing reply means. A command that a cluster's node sent elsewhere was not
carried out; it alone is sent again, and never within a transaction.
"""

from collections.abc import Sequence
from copy import copy
from typing import Self

import redis
from redis import exceptions

from anpr_engine.watchlist.redis_address import (
    Node,
    RedisAddress,
    not_understood,
    read_address,
)
from anpr_engine.watchlist.redis_errors import translated
from anpr_engine.watchlist.redis_routes import ClusterNode, route_to
from anpr_engine.watchlist.redis_wire import Command, Reply, Wire, exchange
from anpr_engine.watchlist.seals import NOBODY, Sealer, Trust

__all__ = ["Command", "RedisSession", "Reply"]

REPLY_S_MAX = 2.0
HOPS_MAX = 3
"""How often one command is sent to another node."""
TRANSACTION = frozenset({"MULTI", "EXEC", "WATCH", "UNWATCH"})
NO_LONGER_THE_ONE = (redis.ReadOnlyError, exceptions.ClusterDownError, exceptions.AskError)
"""Answers after which the server has to be looked for again."""


class RedisSession:
    """One connection, opened when first used; for one thread. A context manager."""

    def __init__(
        self,
        url: str,
        *,
        reply_s_max: float = REPLY_S_MAX,
        sealer: Sealer | None = None,
        trust: Trust = NOBODY,
    ) -> None:
        """Prepare a session without connecting.

        Args:
            url: where Redis is.
            reply_s_max: how long to wait for a reply.
            sealer: signs every version of the watchlists that is written over this session.
            trust: whose signatures are asked for by who reads the watchlists over it.

        Raises:
            UsageError: the address is none; the text does not repeat it, for it may hold secrets.

        """
        self.sealer = sealer
        self.trust = trust
        self._reply_s_max = reply_s_max
        self._go_to(read_address(url))

    def _go_to(self, address: RedisAddress) -> None:
        self.address, self.where = address, address.where
        try:
            self._route = route_to(address, self._reply_s_max)
        except (ValueError, TypeError, redis.RedisError):
            raise not_understood() from None
        self._wire: Wire | None = None
        self._watching = False

    def others(self) -> list[Node]:
        """Name servers that may hold a copy of the watchlists, beside the one that is asked.

        Raises:
            StoreUnavailable: nobody answers.

        """
        with translated(self.where, tls=self.address.tls):
            return self._route.others()

    def beside(self, node: Node) -> Self:
        """Give a session with one other server, as the same user."""
        other = copy(self)
        other._go_to(self.address.at(node))  # noqa: SLF001 - a session of our own
        return other

    @property
    def finds_another(self) -> bool:
        """Whether another server can take over from one that is gone: worth some seconds."""
        return self.address.kind != "one"

    def ask(self, *command: bytes | str | int) -> Reply:
        """Send one command and give its reply."""
        return self.ask_all([command])[0]

    def ask_all(self, commands: Sequence[Command]) -> list[Reply]:
        """Send commands in one round trip and give their replies in order.

        Raises:
            StoreUnavailable: no answer; whether the commands were carried out is not known.
            StoreError: Redis refused one of them; the others were carried out.

        """
        with translated(self.where, tls=self.address.tls):
            replies = self._exchange(commands)
            if isinstance(self._route, ClusterNode) and not self._in_transaction(commands):
                self._redirect(self._route, commands, replies)
            errors = [each for each in replies if isinstance(each, redis.ResponseError)]
            if errors:
                self._look_again(errors)
                raise errors[0]
        return replies

    def close(self) -> None:
        """Close the connection; asking again opens another."""
        if self._wire is not None:
            self._wire.disconnect()
        self._wire, self._watching = None, False

    def __enter__(self) -> Self:
        """Use the session for a block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connection."""
        self.close()

    def _exchange(self, commands: Sequence[Command]) -> list[Reply]:
        names = [command[0] for command in commands]
        # What is watched is watched by one connection: none other may carry the changes out.
        if self._wire is not None and not self._watching and self._route.outdated():
            self.close()
        if self._wire is None:
            self._wire = self._route.open()
        try:
            replies = exchange(self._wire, commands)
        except (redis.RedisError, OSError):
            self.close()
            raise
        if "EXEC" in names or "WATCH" in names:
            self._watching = "EXEC" not in names
        return replies

    def _in_transaction(self, commands: Sequence[Command]) -> bool:
        return self._watching or any(command[0] in TRANSACTION for command in commands)

    def _redirect(
        self, route: ClusterNode, commands: Sequence[Command], replies: list[Reply]
    ) -> None:
        """Send commands that belong to another node there, and put their replies in place."""
        for _ in range(HOPS_MAX):
            away = [n for n, each in enumerate(replies) if isinstance(each, exceptions.AskError)]
            if not away:
                return
            error = replies[away[0]]
            if isinstance(error, exceptions.MovedError):
                self.close()
                route.moved(error.host, error.port)
                found = self._exchange([commands[n] for n in away])
            else:
                found = _asking(route.aside(error.host, error.port), [commands[n] for n in away])
            for n, reply in zip(away, found, strict=True):
                replies[n] = reply

    def _look_again(self, errors: Sequence[redis.ResponseError]) -> None:
        for error in errors:
            if isinstance(error, NO_LONGER_THE_ONE) and self.finds_another:
                self.close()
                if isinstance(error, exceptions.MovedError):
                    self._route.moved(error.host, error.port)
                return


def _asking(wire: Wire, commands: Sequence[Command]) -> list[Reply]:
    """Ask a node for keys that it is only just being given."""
    asked: list[Command] = []
    for command in commands:
        asked += [("ASKING",), command]
    try:
        return exchange(wire, asked)[1::2]
    finally:
        wire.disconnect()
