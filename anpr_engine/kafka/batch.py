"""The records of one poll, as the client library gave them.

Why: a batch holds up to tens of thousands of records of which a handful become hits, so the
values are taken out in one pass and everything else is looked up by row when asked for.
"""

from collections.abc import Sequence
from typing import cast

import numpy as np
from confluent_kafka import TIMESTAMP_LOG_APPEND_TIME, Message
from numpy.typing import NDArray

from anpr_engine.ports import DamagedRecord, RecordOrigin
from anpr_engine.wire import Header


class KafkaBatch:
    """One poll's records; `damaged` names what was passed over to get to them."""

    __slots__ = ("_messages", "damaged", "values")

    def __init__(self, messages: list[Message], damaged: Sequence[DamagedRecord] = ()) -> None:
        """Take the values out of messages that are not errors."""
        self._messages = messages
        self.values: Sequence[bytes] = values_of(messages)
        self.damaged: Sequence[DamagedRecord] = damaged

    @property
    def headed(self) -> NDArray[np.intp]:
        """The rows of records whose headers may say how to read them, ascending."""
        rows = zip(self._messages, self.values, strict=True)
        return np.flatnonzero(
            [not is_plain_object(value) and bool(message.headers()) for message, value in rows]
        )

    def origin(self, row: int) -> RecordOrigin:
        """Say where the record in a row came from.

        The time is the broker's own; a topic that keeps its producers' times says nothing about
        arrival, so it is -1 there.
        """
        message = self._messages[row]
        kind, at_ms = message.timestamp()
        appended_at_us = at_ms * 1000 if kind == TIMESTAMP_LOG_APPEND_TIME else -1
        return RecordOrigin(
            message.topic() or "",
            _known(message.partition()),
            _known(message.offset()),
            appended_at_us,
        )

    def headers(self, row: int) -> tuple[Header, ...]:
        """Give the headers of a row of `headed`; one without a value gets `b""`."""
        return headers_of(self._messages[row])


def is_plain_object(value: bytes) -> bool:
    """Say whether a value begins with a brace and is one line."""
    return value.startswith(b"{") and b"\n" not in value


def values_of(messages: list[Message]) -> list[bytes]:
    """Take out the messages' values; a missing one is `b""`."""
    values: list[bytes | None] = list(map(Message.value, messages))
    if None in values:
        return [value or b"" for value in values]
    return cast("list[bytes]", values)


def headers_of(message: Message) -> tuple[Header, ...]:
    """Give one message's headers as bytes."""
    found = message.headers() or ()
    pairs = found.items() if isinstance(found, dict) else found
    return tuple((name, _bytes(value)) for name, value in pairs)


def _bytes(value: str | bytes | None) -> bytes:
    return value.encode() if isinstance(value, str) else value or b""


def _known(number: int | None) -> int:
    return -1 if number is None else number
