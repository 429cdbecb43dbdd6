"""One record through the native library and back, without a broker, before it is trusted.

A producer that knows no broker takes the record and is told to drop it; the report it gives back
is a message, laid out as those that consumers get. A list of places is filled and looked at, too.
If one part of either is not what was put in, the native client is not used.
"""

import ctypes
from functools import cache

import numpy as np

from anpr_engine.kafka.native_library import OFFSET_INVALID, Library, OnDelivery, load_library
from anpr_engine.kernels.native_messages import (
    COLUMNS,
    ERROR,
    LENGTH,
    OFFSET,
    PARTITION,
    describe_messages,
    take_messages,
)

PRODUCER, COPY, PURGE_QUEUED, PURGED = 0, 0x2, 0x1, -152
PARTITION_SENT = 3
TOPIC = b"anpr.self-test"
VALUE = b"anpr\x00\xff\x01 a record of the engine's own"
POLLS, POLL_MS = 50, 20


@cache
def trusted_library() -> Library | str:
    """Give the library once its test record came back whole, or the reason why it did not."""
    library = load_library()
    if isinstance(library, str):
        return library
    unknown = f"version {library.version_text} lays records out in an unknown way"
    if not _lists_places(library):
        return unknown
    seen = _returned(library)
    if seen is None:
        return f"version {library.version_text} gave no test record back"
    columns, value, headed = seen
    wanted = {ERROR: PURGED, PARTITION: PARTITION_SENT, LENGTH: len(VALUE)}
    same = all(columns[place, 0] == number for place, number in wanted.items())
    if not same or columns[OFFSET, 0] >= 0 or value != VALUE or headed:
        return unknown
    return library


def _lists_places(library: Library) -> bool:
    wanted = [(TOPIC, partition, OFFSET_INVALID, 0) for partition in range(PARTITION_SENT)]
    places = library.topic_partition_list_new(1)
    for topic, partition, _, _ in wanted:
        library.topic_partition_list_add(places, topic, partition)
    found = places.contents.cnt == len(wanted) and [
        (place.topic, place.partition, place.offset, place.err)
        for place in places.contents.elems[: len(wanted)]
    ]
    library.topic_partition_list_destroy(places)
    return found == wanted


def _returned(library: Library) -> tuple[np.ndarray, bytes, bool] | None:
    found: list[tuple[np.ndarray, bytes, bool]] = []
    functions, scratch = library.functions()

    def take(_client: int, message: int, _opaque: int) -> None:
        messages = np.array([message], dtype=np.int64)
        columns = np.zeros((COLUMNS, 1), dtype=np.int64)
        describe_messages(messages, columns)
        # A length that cannot be right must not be copied.
        if columns[LENGTH, 0] != len(VALUE):
            found.append((columns, b"", False))
            return
        buffer = np.zeros(len(VALUE), dtype=np.uint8)
        bounds = np.array([0, len(VALUE)], dtype=np.int64)
        headed = np.zeros(1, dtype=np.uint8)
        take_messages(messages, bounds, functions, buffer, np.zeros(1, dtype=np.int64), headed)
        found.append((columns, buffer.tobytes(), bool(headed[0])))

    callback = OnDelivery(take)
    conf = library.conf_new()
    library.conf_set(conf, b"log_level", b"0", None, 0)
    library.conf_set_dr_msg_cb(conf, callback)
    client = library.new(PRODUCER, conf, None, 0)
    if not client:
        library.conf_destroy(conf)
        return None
    topic = library.topic_new(client, TOPIC, None)
    value = ctypes.create_string_buffer(VALUE, len(VALUE))
    library.produce(topic, PARTITION_SENT, COPY, value, len(VALUE), None, 0, None)
    library.purge(client, PURGE_QUEUED)
    for _ in range(POLLS):
        if found:
            break
        library.poll(client, POLL_MS)
    library.topic_destroy(topic)
    library.destroy(client)
    del scratch
    return found[0] if found else None
