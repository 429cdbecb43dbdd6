"""The C client alone: records are fetched, unpacked and given back, and nobody looks at them.

Why: no engine on this client can be faster, so it is the limit that ours is held against. It has
the settings of the engine's consumer, checksums included, and runs in this process: what Python
does is one call for up to 8192 records.
"""

import ctypes
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from confluent_kafka import OFFSET_BEGINNING

from anpr_engine.kafka.native_callbacks import NativeCallbacks, make_conf
from anpr_engine.kafka.native_library import CONSUMER, TEXT_BYTES, Library, Places
from anpr_engine.kafka.native_test_record import trusted_library
from anpr_engine.kernels.native_messages import destroy_messages
from benchmarks.lab import PARTITIONS, READS_TOPIC, WrongAnswer
from benchmarks.peers import CONSUME_MAX, SILENCE_S_MAX, Ends, Taken, client_properties

WAIT_MS = 100


@dataclass(frozen=True, slots=True)
class ClientAlone:
    """Takes reads from the topic and gives them back."""

    kafka: str
    reads: int

    def missing(self) -> str:
        """Say why the library cannot be called; empty when it can."""
        library = trusted_library()
        return library if isinstance(library, str) else ""

    def work(self) -> Taken:
        """Take the reads; time counts from the first records on, as the engine's does."""
        library = trusted_library()
        if isinstance(library, str):
            raise WrongAnswer(library)
        with _consumer(library, self.kafka) as client, _places(library) as places:
            library.check(library.assign(client, places))
            seconds, taken = _drain(library, client, self.reads)
            library.check(library.position(client, places))
            return Taken(taken / seconds, _ends(places.contents), None)


def _drain(library: Library, client: int, reads: int) -> tuple[float, int]:
    room = np.zeros(CONSUME_MAX, dtype=np.int64)
    functions, _scratch = library.functions()
    queue = library.queue_get_consumer(client)
    taken, started_s, last_s = 0, 0.0, time.perf_counter()
    try:
        while taken < reads and time.perf_counter() - last_s < SILENCE_S_MAX:
            limit = min(CONSUME_MAX, reads - taken)
            count = library.consume_batch_queue(queue, WAIT_MS, room.ctypes.data, limit)
            if count > 0:
                last_s = time.perf_counter()
                started_s = started_s or last_s
                destroy_messages(room[:count], functions)
                taken += count
        return time.perf_counter() - started_s, taken
    finally:
        library.queue_destroy(queue)


@contextmanager
def _consumer(library: Library, kafka: str) -> Iterator[int]:
    properties = client_properties(kafka)
    callbacks = NativeCallbacks(library, properties)
    conf = make_conf(library, properties, callbacks)
    text = ctypes.create_string_buffer(TEXT_BYTES)
    client = library.new(CONSUMER, conf, text, TEXT_BYTES)
    if client is None:
        library.conf_destroy(conf)
        raise WrongAnswer(f"the C client refuses its settings: {text.value.decode()}")
    library.poll_set_consumer(client)
    library.set_log_queue(client, None)
    try:
        yield client
    finally:
        library.destroy(client)


@contextmanager
def _places(library: Library) -> Iterator["ctypes._Pointer[Places]"]:
    places = library.topic_partition_list_new(PARTITIONS)
    try:
        for partition in range(PARTITIONS):
            added = library.topic_partition_list_add(places, READS_TOPIC.encode(), partition)
            added.contents.offset = OFFSET_BEGINNING
        yield places
    finally:
        library.topic_partition_list_destroy(places)


def _ends(places: Places) -> Ends:
    return {
        places.elems[place].partition: max(places.elems[place].offset, 0)
        for place in range(places.cnt)
    }
