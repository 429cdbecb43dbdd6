"""The naive twins of the kernels that read messages of the Kafka client library."""

import re
import struct
from collections.abc import Callable, Sequence
from typing import NamedTuple

MESSAGE_FORMAT = "=iiQiiQqQqqQ"
"""`rd_kafka_message_t`: error, gap, topic, partition, gap, value, its length, key, its length,
offset, private."""


class Written(NamedTuple):
    """One message as a test wrote it; None where the library has nothing."""

    error: int
    partition: int
    offset: int
    value: bytes | None
    appended_at_ms: int | None
    headers: tuple[tuple[bytes, bytes | None], ...]


def describe_messages(messages: Sequence[bytes]) -> list[tuple[int, int, int, int]]:
    """Take error, partition, offset and length out of the bytes of messages."""
    found = []
    for message in messages:
        error, _, _, partition, _, value, length, _, _, offset, _ = struct.unpack(
            MESSAGE_FORMAT, message
        )
        found.append((error, partition, offset, length if value else 0))
    return found


def take_messages(messages: Sequence[Written]) -> tuple[bytes, list[int], list[int]]:
    """Give all values, the times of arrival, and which message has headers that matter."""
    times = [-1 if x.appended_at_ms is None else x.appended_at_ms for x in messages]
    matter = [re.fullmatch(rb"{[^\n]*", x.value or b"") is None for x in messages]
    headed = [int(bool(x.headers) and looked) for x, looked in zip(messages, matter, strict=True)]
    return b"".join(x.value or b"" for x in messages), times, headed


def destroy_messages(messages: Sequence[int], destroy: Callable[[int], None]) -> None:
    """Give back one after another."""
    for message in messages:
        destroy(message)


def measure_headers(messages: Sequence[Written]) -> list[tuple[int, int]]:
    """Count headers and their bytes."""
    return [
        (len(x.headers), sum(len(name) + len(value or b"") for name, value in x.headers))
        for x in messages
    ]


def copy_headers(messages: Sequence[Written]) -> tuple[bytes, list[tuple[int, int]]]:
    """Give all names and values in a run, and where each ends."""
    run, ends = b"", []
    for message in messages:
        for name, value in message.headers:
            run += name
            ends.append((len(run), len(run) + len(value or b"")))
            run += value or b""
    return run, ends
