"""One connection to one Redis, and one round trip over it.

Why a packer of our own: the library's asks of each argument whether it is of two rare types, which
took three times as long as writing it, a twelfth of an import.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, cast

import hiredis
import redis
from redis.backoff import NoBackoff
from redis.connection import Connection
from redis.retry import Retry

CONNECT_S_MAX = 1.0
READ_BYTES = 256 * 1024

# The library's own words on its argument say one item where any number is meant.
_packed = cast("Callable[[Command], bytes]", hiredis.pack_command)

Reply = Any
"""What Redis answered: bytes, int, None, or a list of these."""
Command = Sequence[bytes | str | int]


class Wire(Protocol):
    """What a session asks of the library's connection."""

    def pack_commands(self, commands: Sequence[Command]) -> list[bytes]:
        """Write commands as bytes."""
        ...

    def send_packed_command(self, command: list[bytes]) -> None:
        """Send bytes, connecting first where need be."""
        ...

    def read_response(self) -> Reply:
        """Read one reply."""
        ...

    def disconnect(self) -> None:
        """Close the connection."""
        ...


class _Packer:
    """Writes commands of bytes, texts and whole numbers."""

    def pack(self, *command: bytes | str | int) -> list[bytes]:
        """Write one command; a name of several words, as the library gives them, is several."""
        name, *rest = command
        if isinstance(name, str) and " " in name:
            command = (*name.split(), *rest)
        return [_packed(command)]


def make_wire(options: Mapping[str, Any], reply_s_max: float, **place: Any) -> Wire:  # noqa: ANN401
    """Prepare a connection without connecting.

    Args:
        options: as an address gives them.
        reply_s_max: how long to wait for a reply.
        place: host and port, where the options do not say.

    """
    given = {**options, **place}
    made = cast("Callable[..., Wire]", given.pop("connection_class", Connection))
    return made(
        **given,
        protocol=2,
        command_packer=_Packer(),
        socket_timeout=reply_s_max,
        socket_connect_timeout=min(CONNECT_S_MAX, reply_s_max),
        socket_read_size=READ_BYTES,
        retry=Retry(NoBackoff(), 0),
        driver_info=None,
    )


def exchange(wire: Wire, commands: Sequence[Command]) -> list[Reply]:
    """Send commands in one round trip; a command that was refused has its error as a reply.

    Raises:
        redis.RedisError: not all replies came; the connection is closed, for the next reply read
            from it would answer another question.

    """
    replies: list[Reply] = []
    try:
        wire.send_packed_command(wire.pack_commands(commands))
        for _ in commands:
            try:
                replies.append(wire.read_response())
            except redis.ResponseError as error:
                replies.append(error)
    finally:
        if len(replies) < len(commands):
            wire.disconnect()
    return replies


def ask_once(wire: Wire, *command: bytes | str | int) -> Reply:
    """Send one command; raises its error."""
    reply = exchange(wire, [command])[0]
    if isinstance(reply, redis.ResponseError):
        raise reply
    return reply
