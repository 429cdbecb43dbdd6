"""The one place that speaks to Redis: commands out, replies in, foreign errors translated.

Why: the library's own client retries ten times by default, which stores a change twice when a
reply is lost, and its pipelines turn a lost connection into "somebody else was faster". So this
session drives one connection itself: one round trip for many commands, no retries, and whoever
calls decides what a missing reply means.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol, Self, cast
from urllib.parse import urlsplit

import redis
from redis import exceptions
from redis.backoff import NoBackoff
from redis.connection import Connection, parse_url
from redis.retry import Retry

from anpr_engine.errors import StoreError, StoreRefused, StoreUnavailable, UsageError

CONNECT_S_MAX = 1.0
REPLY_S_MAX = 2.0
READ_BYTES = 256 * 1024
URL_OPTIONS = frozenset({"connection_class", "db", "host", "password", "path", "port", "username"})
"""What an address may carry, beside options that begin with `ssl_`."""

Reply = Any
"""What Redis answered: bytes, int, None, or a list of these."""
Command = Sequence[bytes | str | int]


class _Wire(Protocol):
    """What this session asks of the library's connection."""

    def pack_commands(self, commands: Sequence[Command]) -> list[bytes]: ...
    def send_packed_command(self, command: list[bytes]) -> None: ...
    def read_response(self) -> Reply: ...
    def disconnect(self) -> None: ...


_parse_url = cast("Callable[[str], dict[str, Any]]", parse_url)
_CHECK = "Check that it runs and that the address is right."
_ALLOW = "Check user, password and access rules; the README lists the commands needed."

TRANSLATIONS: tuple[tuple[type[Exception], type[StoreError], str, str], ...] = (
    (redis.BusyLoadingError, StoreUnavailable, "is still loading its data", "Try again soon."),
    (redis.AuthenticationError, StoreRefused, "does not accept this user or password", _ALLOW),
    (exceptions.AuthorizationError, StoreRefused, "does not permit this", _ALLOW),
    (exceptions.NoPermissionError, StoreRefused, "does not permit this command", _ALLOW),
    (
        redis.ReadOnlyError,
        StoreUnavailable,
        "is a replica that takes no changes",
        "Give the address of the primary.",
    ),
    (
        exceptions.OutOfMemoryError,
        StoreError,
        "has no memory left for changes",
        "Raise maxmemory and keep maxmemory-policy at noeviction.",
    ),
    (redis.TimeoutError, StoreUnavailable, "does not answer in time", _CHECK),
    (redis.ConnectionError, StoreUnavailable, "cannot be reached", _CHECK),
    (
        redis.ResponseError,
        StoreError,
        "refused a command",
        "Check that it is Redis 7 or later and that no other program uses these keys.",
    ),
    (redis.RedisError, StoreError, "answered in a way that is not understood", _CHECK),
)
"""Library error, our error, what happened, what to do; the first that fits counts."""


def translate(error: Exception, where: str) -> StoreError:
    """Turn an error of the library into ours; the text names the host, never a secret."""
    for foreign, ours, what, remedy in TRANSLATIONS:
        if isinstance(error, foreign):
            # NOAUTH, NOPERM and the like come as plain replies from some servers.
            if ours is StoreError and str(error).startswith(("NOAUTH", "NOPERM", "WRONGPASS")):
                return StoreRefused(f"Redis at {where} does not permit this.", _ALLOW)
            return ours(f"Redis at {where} {what}.", remedy)
    return StoreError(f"Redis at {where} failed.", _CHECK)


@contextmanager
def translated(where: str) -> Iterator[None]:
    """Translate the library's errors that leave the block."""
    try:
        yield
    except (redis.RedisError, OSError) as error:
        raise translate(error, where) from None


def describe_address(url: str) -> str:
    """Say where an address points, without user, password and options."""
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return parts.path
    return f"{parts.hostname or 'localhost'}:{parts.port or 6379}"


def _connection(url: str, reply_s_max: float) -> _Wire:
    options = _parse_url(url)
    strange = [name for name in options if name not in URL_OPTIONS and name[:4] != "ssl_"]
    if strange:
        raise ValueError
    made = cast("Callable[..., _Wire]", options.pop("connection_class", Connection))
    return made(
        **options,
        protocol=2,
        socket_timeout=reply_s_max,
        socket_connect_timeout=CONNECT_S_MAX,
        socket_read_size=READ_BYTES,
        retry=Retry(NoBackoff(), 0),
        driver_info=None,
    )


class RedisSession:
    """One connection, opened when first used; for one thread. A context manager."""

    def __init__(self, url: str, *, reply_s_max: float = REPLY_S_MAX) -> None:
        """Prepare a session without connecting.

        Raises:
            UsageError: the address is none; the text does not repeat it, for it may hold secrets.

        """
        try:
            self.where = describe_address(url)
            self._connection = _connection(url, reply_s_max)
        except (ValueError, TypeError):
            what = "The Redis address is not understood."
            allowed = "It must read redis://host:port/db, rediss://… or unix:///path."
            raise UsageError(what, allowed) from None

    def ask(self, *command: bytes | str | int) -> Reply:
        """Send one command and give its reply."""
        return self.ask_all([command])[0]

    def ask_all(self, commands: Sequence[Command]) -> list[Reply]:
        """Send commands in one round trip and give their replies in order.

        Raises:
            StoreUnavailable: no answer; whether the commands were carried out is not known.
            StoreError: Redis refused one of them; the others were carried out.

        """
        connection = self._connection
        replies: list[Reply] = []
        refused: redis.ResponseError | None = None
        with translated(self.where):
            try:
                connection.send_packed_command(connection.pack_commands(commands))
                for _ in commands:
                    try:
                        replies.append(connection.read_response())
                    except redis.ResponseError as error:
                        replies.append(None)
                        refused = refused or error
            finally:
                # After anything else than a full set of replies, the next one read from this
                # connection would answer another question.
                if len(replies) < len(commands):
                    connection.disconnect()
            if refused is not None:
                raise refused
        return replies

    def close(self) -> None:
        """Close the connection; asking again opens another."""
        self._connection.disconnect()

    def __enter__(self) -> Self:
        """Use the session for a block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connection."""
        self.close()
