"""How the native library calls back, and how it is configured.

Why: an exception cannot pass through the C library. What a callback raises is kept, and raised
again by the poll that was under way; the library calls back inside polls and `close` only, for
its log goes by way of the same queue.
"""

import ctypes
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, Self, cast

from confluent_kafka import KafkaError, KafkaException

from anpr_engine.kafka.client import Handlers
from anpr_engine.kafka.client_settings import Properties
from anpr_engine.kafka.native_library import (
    ASSIGN_PARTITIONS,
    FATAL,
    TEXT_BYTES,
    Library,
    OnError,
    OnLog,
    OnRebalance,
    OnStatistics,
    Places,
)

OBJECTS = ("error_cb", "stats_cb", "logger")
"""Properties that are Python objects, not the C library's own."""

LOG_LEVELS = (50, 50, 50, 40, 30, 20, 20, 10)
"""The levels of `logging` by those of syslog, which the library uses."""


class KeptError:
    """Holds the first exception of its blocks back until `release`."""

    def __init__(self) -> None:
        """Start with none."""
        self._error: BaseException | None = None

    def release(self) -> None:
        """Raise what was kept, once."""
        error, self._error = self._error, None
        if error is not None:
            raise error

    def __enter__(self) -> Self:
        """Begin a block whose exceptions are kept."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        """Keep an exception of the block; a later one never hides the first."""
        self._error = self._error or error
        return True


class NativeCallbacks:
    """The functions that the library calls; they must live as long as its client."""

    def __init__(self, library: Library, properties: Properties) -> None:
        """Take the Python objects among the properties."""
        self._library = library
        self._on_error = cast("Callable[[KafkaError], None] | None", properties.get("error_cb"))
        self._on_statistics = cast("Callable[[str], None] | None", properties.get("stats_cb"))
        self._logger: Any = properties.get("logger")
        self.handlers = Handlers(_ignore, _ignore, _ignore)
        self.kept = KeptError()
        self._pointers = (
            OnRebalance(self._rebalance),
            OnError(self._error),
            OnStatistics(self._statistics),
            OnLog(self._log),
        )

    def install(self, conf: int) -> None:
        """Register with a configuration."""
        rebalance, error, statistics, log = self._pointers
        self._library.conf_set_rebalance_cb(conf, rebalance)
        self._library.conf_set_error_cb(conf, error)
        self._library.conf_set_stats_cb(conf, statistics)
        self._library.conf_set_log_cb(conf, log)

    def _rebalance(self, client: int, code: int, places: Any, _opaque: int) -> None:  # noqa: ANN401
        library = self._library
        assigns = code == ASSIGN_PARTITIONS
        with self.kept:
            found = set(partitions_of(places.contents))
            if assigns:
                self.handlers.on_assign(found)
            elif library.assignment_lost(client):
                self.handlers.on_lost(found)
            else:
                self.handlers.on_revoke(found)
        with self.kept:
            # Whatever came before: a rebalance that is not answered would block the group.
            if library.rebalance_protocol(client) != b"COOPERATIVE":
                library.check(library.assign(client, places if assigns else None))
            elif assigns:
                library.check_error(library.incremental_assign(client, places))
            else:
                library.check_error(library.incremental_unassign(client, places))

    def _error(self, client: int, code: int, text: bytes, _opaque: int) -> None:
        with self.kept:
            if code == FATAL:
                room = ctypes.create_string_buffer(TEXT_BYTES)
                cause = self._library.fatal_error(client, room, TEXT_BYTES)
                reason = room.value.decode(errors="replace")
                raise KafkaException(KafkaError(cause, reason, fatal=True))
            if self._on_error is not None:
                self._on_error(self._library.fault(code, text))

    def _statistics(self, _client: int, page: int, length: int, _opaque: int) -> int:
        with self.kept:
            if self._on_statistics is not None:
                self._on_statistics(ctypes.string_at(page, length).decode(errors="replace"))
        return 0

    def _log(self, client: int, level: int, facility: bytes, text: bytes) -> None:
        with self.kept:
            if self._logger is not None:
                parts = (facility, self._library.name(client), text)
                shown = [part.decode(errors="replace") for part in parts]
                self._logger.log(LOG_LEVELS[min(max(level, 0), 7)], "%s [%s] %s", *shown)


def make_conf(library: Library, properties: Properties, callbacks: NativeCallbacks) -> int:
    """Make the configuration of a consumer; it belongs to the caller.

    Raises:
        KafkaException: a property is unknown or its value is refused.

    """
    conf: int = library.conf_new()
    room = ctypes.create_string_buffer(TEXT_BYTES)
    # The log's queue: else its lines come from the library's own threads.
    for name, value in [*_texts(properties), (b"log.queue", b"true")]:
        if library.conf_set(conf, name, value, room, TEXT_BYTES):
            library.conf_destroy(conf)
            reason = room.value.decode(errors="replace")
            raise KafkaException(KafkaError(KafkaError._INVALID_ARG, reason))  # noqa: SLF001
    callbacks.install(conf)
    return conf


def partitions_of(places: Places) -> Iterator[int]:
    """Give the partitions of a list of the library's."""
    for place in range(places.cnt):
        yield places.elems[place].partition


def _texts(properties: Properties) -> Iterator[tuple[bytes, bytes]]:
    for name, value in properties.items():
        if name not in OBJECTS:
            text = str(value).lower() if isinstance(value, bool) else str(value)
            yield name.encode(), text.encode()


def _ignore(_partitions: set[int]) -> None:
    return
