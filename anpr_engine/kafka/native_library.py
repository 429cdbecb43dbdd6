"""The public C interface of the Kafka client library, as far as the native client calls it.

The library is the one that the Python client is linked to, found through it, so that both are
the same copy. Structures are those of rdkafka.h; an older or newer major version may differ, so
only versions in `VERSIONS_KNOWN` are used.
"""

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from confluent_kafka import KafkaError, KafkaException, cimpl
from numpy.typing import NDArray

from anpr_engine.kernels.native_messages import (
    DESTROY,
    FUNCTIONS,
    HEADER_AT,
    HEADERS,
    SCRATCH,
    TIMESTAMP,
)

VERSIONS_KNOWN = (0x020E0000, 0x03000000)
"""From 2.14.0, the oldest that this project takes, to before the next major version."""

CONSUMER = 1
ASSIGN_PARTITIONS, REVOKE_PARTITIONS, FATAL = -175, -174, -150
NO_CONSUMER_CLOSE = 0x8
OFFSET_INVALID = -1001
PARTITION_ANY = -1
TEXT_BYTES = 512

_INT, _SIZE, _POINTER, _TEXT = ctypes.c_int, ctypes.c_size_t, ctypes.c_void_p, ctypes.c_char_p


class Place(ctypes.Structure):
    """`rd_kafka_topic_partition_t`."""

    _fields_ = (
        ("topic", _TEXT),
        ("partition", ctypes.c_int32),
        ("offset", ctypes.c_int64),
        ("metadata", _POINTER),
        ("metadata_size", _SIZE),
        ("opaque", _POINTER),
        ("err", _INT),
        ("private", _POINTER),
    )


class Places(ctypes.Structure):
    """`rd_kafka_topic_partition_list_t`."""

    _fields_ = (("cnt", _INT), ("size", _INT), ("elems", ctypes.POINTER(Place)))


class PartitionPage(ctypes.Structure):
    """`rd_kafka_metadata_partition_t`."""

    _fields_ = (
        ("id", ctypes.c_int32),
        ("err", _INT),
        ("leader", ctypes.c_int32),
        ("replica_cnt", _INT),
        ("replicas", _POINTER),
        ("isr_cnt", _INT),
        ("isrs", _POINTER),
    )


class TopicPage(ctypes.Structure):
    """`rd_kafka_metadata_topic_t`."""

    _fields_ = (
        ("topic", _TEXT),
        ("partition_cnt", _INT),
        ("partitions", ctypes.POINTER(PartitionPage)),
        ("err", _INT),
    )


class ClusterPage(ctypes.Structure):
    """`rd_kafka_metadata_t`."""

    _fields_ = (
        ("broker_cnt", _INT),
        ("brokers", _POINTER),
        ("topic_cnt", _INT),
        ("topics", ctypes.POINTER(TopicPage)),
        ("orig_broker_id", ctypes.c_int32),
        ("orig_broker_name", _TEXT),
    )


OnRebalance = ctypes.CFUNCTYPE(None, _POINTER, _INT, ctypes.POINTER(Places), _POINTER)
OnError = ctypes.CFUNCTYPE(None, _POINTER, _INT, _TEXT, _POINTER)
OnStatistics = ctypes.CFUNCTYPE(_INT, _POINTER, _POINTER, _SIZE, _POINTER)
OnLog = ctypes.CFUNCTYPE(None, _POINTER, _INT, _TEXT, _TEXT)
OnDelivery = ctypes.CFUNCTYPE(None, _POINTER, _POINTER, _POINTER)

_LIST = ctypes.POINTER(Places)

PROTOTYPES: dict[str, tuple[Any, ...]] = {
    "version": (_INT,),
    "version_str": (_TEXT,),
    "err2str": (_TEXT, _INT),
    "fatal_error": (_INT, _POINTER, _TEXT, _SIZE),
    "error_code": (_INT, _POINTER),
    "error_string": (_TEXT, _POINTER),
    "error_is_fatal": (_INT, _POINTER),
    "error_is_retriable": (_INT, _POINTER),
    "error_txn_requires_abort": (_INT, _POINTER),
    "error_destroy": (None, _POINTER),
    "mem_free": (None, _POINTER, _POINTER),
    "conf_new": (_POINTER,),
    "conf_destroy": (None, _POINTER),
    "conf_set": (_INT, _POINTER, _TEXT, _TEXT, _TEXT, _SIZE),
    "conf_set_rebalance_cb": (None, _POINTER, OnRebalance),
    "conf_set_error_cb": (None, _POINTER, OnError),
    "conf_set_stats_cb": (None, _POINTER, OnStatistics),
    "conf_set_log_cb": (None, _POINTER, OnLog),
    "conf_set_dr_msg_cb": (None, _POINTER, OnDelivery),
    "new": (_POINTER, _INT, _POINTER, _TEXT, _SIZE),
    "name": (_TEXT, _POINTER),
    "destroy": (None, _POINTER),
    "destroy_flags": (None, _POINTER, _INT),
    "set_log_queue": (_INT, _POINTER, _POINTER),
    "poll": (_INT, _POINTER, _INT),
    "poll_set_consumer": (_INT, _POINTER),
    "queue_new": (_POINTER, _POINTER),
    "queue_get_consumer": (_POINTER, _POINTER),
    "queue_destroy": (None, _POINTER),
    "consume_batch_queue": (ctypes.c_ssize_t, _POINTER, _INT, _POINTER, _SIZE),
    "topic_partition_list_new": (_LIST, _INT),
    "topic_partition_list_add": (ctypes.POINTER(Place), _LIST, _TEXT, ctypes.c_int32),
    "topic_partition_list_destroy": (None, _LIST),
    "subscribe": (_INT, _POINTER, _LIST),
    "unsubscribe": (_INT, _POINTER),
    "memberid": (_POINTER, _POINTER),
    "assign": (_INT, _POINTER, _LIST),
    "incremental_assign": (_POINTER, _POINTER, _LIST),
    "incremental_unassign": (_POINTER, _POINTER, _LIST),
    "assignment_lost": (_INT, _POINTER),
    "rebalance_protocol": (_TEXT, _POINTER),
    "pause_partitions": (_INT, _POINTER, _LIST),
    "resume_partitions": (_INT, _POINTER, _LIST),
    "position": (_INT, _POINTER, _LIST),
    "committed": (_INT, _POINTER, _LIST, _INT),
    "query_watermark_offsets": (
        *(_INT, _POINTER, _TEXT, ctypes.c_int32),
        *(_POINTER, _POINTER, _INT),
    ),
    "get_watermark_offsets": (_INT, _POINTER, _TEXT, ctypes.c_int32, _POINTER, _POINTER),
    "consumer_group_metadata": (_POINTER, _POINTER),
    "consumer_group_metadata_write": (_POINTER, _POINTER, _POINTER, _POINTER),
    "consumer_group_metadata_destroy": (None, _POINTER),
    "consumer_close_queue": (_POINTER, _POINTER, _POINTER),
    "consumer_closed": (_INT, _POINTER),
    "topic_new": (_POINTER, _POINTER, _TEXT, _POINTER),
    "topic_destroy": (None, _POINTER),
    "metadata": (_INT, _POINTER, _INT, _POINTER, _POINTER, _INT),
    "metadata_destroy": (None, _POINTER),
    "produce": (
        *(_INT, _POINTER, ctypes.c_int32, _INT, _POINTER, _SIZE),
        *(_POINTER, _SIZE, _POINTER),
    ),
    "purge": (_INT, _POINTER, _INT),
    "message_timestamp": (ctypes.c_int64, _POINTER, _POINTER),
    "message_headers": (_INT, _POINTER, _POINTER),
    "header_get_all": (_INT, _POINTER, _SIZE, _POINTER, _POINTER, _POINTER),
    "message_destroy": (None, _POINTER),
}
"""Function, without `rd_kafka_`, to its result and parameters."""

ASKED_BY_KERNELS = {
    TIMESTAMP: "message_timestamp",
    HEADERS: "message_headers",
    HEADER_AT: "header_get_all",
    DESTROY: "message_destroy",
}


@dataclass(frozen=True, slots=True)
class Library:
    """The loaded library: its functions by name, its version as one number and as text."""

    calls: dict[str, Callable[..., Any]]
    version: int
    version_text: str

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """Give a function of `PROTOTYPES`."""
        try:
            return self.calls[name]
        except KeyError:
            raise AttributeError(name) from None

    def functions(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Give the addresses that kernels need, and the room to write to behind the last."""
        scratch = np.zeros(4, dtype=np.int64)
        functions = np.zeros(FUNCTIONS, dtype=np.int64)
        for place, name in ASKED_BY_KERNELS.items():
            function: Any = self.calls[name]
            functions[place] = ctypes.cast(function, ctypes.c_void_p).value or 0
        functions[SCRATCH] = scratch.ctypes.data
        return functions, scratch

    def check(self, code: int) -> None:
        """Raise `KafkaException` for an error code."""
        if code:
            raise KafkaException(self.fault(code))

    def check_error(self, error: int | None) -> None:
        """Raise `KafkaException` for an error object, which is used up; None is no error."""
        if error is None:
            return
        found = KafkaError(
            self.error_code(error),
            _decoded(self.error_string(error)),
            fatal=bool(self.error_is_fatal(error)),
            retriable=bool(self.error_is_retriable(error)),
            txn_requires_abort=bool(self.error_txn_requires_abort(error)),
        )
        self.error_destroy(error)
        raise KafkaException(found)

    def fault(self, code: int, text: bytes | None = None) -> KafkaError:
        """Make the Python client's error of a code and its text, if there is one."""
        return KafkaError(code, _decoded(text or self.err2str(code)))


@cache
def load_library() -> Library | str:
    """Give the library, or the reason why it cannot be used; the first answer stands."""
    try:
        handle = ctypes.CDLL(cimpl.__file__)
        calls = {name: getattr(handle, f"rd_kafka_{name}") for name in PROTOTYPES}
    except (OSError, AttributeError) as error:
        return f"not found: {error}"
    for name, (result, *parameters) in PROTOTYPES.items():
        calls[name].restype, calls[name].argtypes = result, parameters
    library = Library(calls, calls["version"](), _decoded(calls["version_str"]()))
    if ctypes.sizeof(ctypes.c_void_p) != 8:
        return "addresses are not 64 bits wide"
    oldest, end = VERSIONS_KNOWN
    if not oldest <= library.version < end:
        return f"version {library.version_text} is not known"
    return library


def _decoded(text: bytes | None) -> str:
    return (text or b"").decode(errors="replace")
