"""The native client: `client.ConsumerClient` on the C library, no Python object a record.

Everything here is a call into the library's public interface; what a call is given belongs to the
caller before and after, unless it says otherwise.

Why: the library's own Python client makes an object of every record and another of its value,
which takes longer than fetching, unpacking and matching them together.
"""

import ctypes
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast

import numpy as np
from confluent_kafka import KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin._metadata import ClusterMetadata, PartitionMetadata, TopicMetadata

from anpr_engine.clock import SystemClock
from anpr_engine.kafka.client import CHUNK_MAX, Chunk, Handlers
from anpr_engine.kafka.client_settings import Properties
from anpr_engine.kafka.errors import error_of
from anpr_engine.kafka.native_batch import MessageTaker, NativeBatch, NativeChunk
from anpr_engine.kafka.native_callbacks import NativeCallbacks, make_conf
from anpr_engine.kafka.native_library import (
    CONSUMER,
    NO_CONSUMER_CLOSE,
    OFFSET_INVALID,
    PARTITION_ANY,
    TEXT_BYTES,
    ClusterPage,
    Library,
    TopicPage,
)
from anpr_engine.kafka.progress import Offsets
from anpr_engine.logs import get_logger
from anpr_engine.ports import DamagedRecord

CLOSE_S_MAX, CLOSE_LOOK_S = 10.0, 0.1
LEAVE_LOOK_S, LEAVE_LOOKS_MAX = 0.01, 200
"""How long closing may wait for the group to let go, and how often it looks."""


class NativeClient:
    """A consumer of one topic."""

    def __init__(self, library: Library, properties: Properties, topic: str) -> None:
        """Make a consumer; nothing is asked of the brokers yet.

        Raises:
            KafkaException: a property is unknown or its value is refused.

        """
        self._library, self._topic = library, topic
        self._callbacks = NativeCallbacks(library, properties)
        self._taker = MessageTaker(library, topic)
        self._room = np.zeros(CHUNK_MAX, dtype=np.int64)
        conf = make_conf(library, properties, self._callbacks)
        text = ctypes.create_string_buffer(TEXT_BYTES)
        self._handle: int | None = library.new(CONSUMER, conf, text, TEXT_BYTES)
        if self._handle is None:
            library.conf_destroy(conf)
            raise _refused(text.value.decode(errors="replace"))
        library.poll_set_consumer(self._client)
        library.set_log_queue(self._client, None)
        self._queue: int = library.queue_get_consumer(self._client)

    def list_topics(self, topic: str, timeout: float) -> ClusterMetadata:
        """Ask for one topic and its partitions."""
        library, found = self._library, ctypes.POINTER(ClusterPage)()
        handle = library.topic_new(self._client, topic.encode(), None)
        if handle is None:
            raise _refused("no topic can have this name")
        try:
            where, wait_ms = ctypes.byref(found), round(timeout * 1000)
            library.check(library.metadata(self._client, 0, handle, where, wait_ms))
        finally:
            library.topic_destroy(handle)
        cluster = ClusterMetadata()
        for place in range(found.contents.topic_cnt):
            page = found.contents.topics[place]
            cluster.topics[page.topic.decode()] = self._topic_metadata(page)
        library.metadata_destroy(found)
        return cluster

    def get_watermark_offsets(self, partition: TopicPartition, timeout: float) -> tuple[int, int]:
        """Ask the broker for the first offset and the one after the last committed record."""
        low, high = ctypes.c_int64(), ctypes.c_int64()
        library, ends = self._library, (ctypes.byref(low), ctypes.byref(high))
        place = (partition.topic.encode(), partition.partition)
        wait_ms = round(timeout * 1000)
        library.check(library.query_watermark_offsets(self._client, *place, *ends, wait_ms))
        return low.value, high.value

    def end_seen(self, partition: int) -> int:
        """Give the end as of the last fetch; negative when it is not known."""
        low, high = ctypes.c_int64(), ctypes.c_int64()
        library, ends = self._library, (ctypes.byref(low), ctypes.byref(high))
        topic = self._topic.encode()
        library.check(library.get_watermark_offsets(self._client, topic, partition, *ends))
        return high.value

    def subscribe(self, handlers: Handlers) -> None:
        """Join the group."""
        self._callbacks.handlers = handlers
        with self._places([PARTITION_ANY]) as places:
            self._library.check(self._library.subscribe(self._client, places))

    def poll(self, room: int, wait_s: float) -> NativeChunk:
        """Take up to so many records; wait until they are there."""
        if self._handle is None:
            raise _refused("the client is closed")
        chunk = self._take(self._queue, room, wait_s)
        self._callbacks.kept.release()
        return chunk

    def batch(self, chunks: Sequence[Chunk], damaged: Sequence[DamagedRecord]) -> NativeBatch:
        """Make one batch of what this client polled; the chunks are used up."""
        return self._taker.batch(cast("Sequence[NativeChunk]", chunks), damaged)

    def restart(self, partition: int, offset: int) -> None:
        """Read a partition of ours again from an offset on, whatever state it is in."""
        library = self._library
        with self._places([partition], offset) as places:
            library.check_error(library.incremental_unassign(self._client, places))
            library.check_error(library.incremental_assign(self._client, places))

    def read_from(self, partition: int, offset: int) -> None:
        """Read this partition alone, in no group, from an offset on."""
        with self._places([partition], offset) as places:
            self._library.check(self._library.assign(self._client, places))

    def pause(self, partitions: Iterable[int]) -> None:
        """Stop fetching these; they stay ours."""
        self._ask(self._library.pause_partitions, partitions)

    def resume(self, partitions: Iterable[int]) -> None:
        """Fetch them again, from where they stood."""
        self._ask(self._library.resume_partitions, partitions)

    def positions(self, partitions: Iterable[int]) -> Offsets:
        """Give the offset of the next record to come, where it is known."""
        found = self._ask(self._library.position, partitions)
        return {partition: offset for partition, offset in found.items() if offset >= 0}

    def committed(self, partitions: Iterable[int], timeout_s: float) -> Offsets:
        """Ask the broker what the group has saved; -1 where nothing is."""
        found = self._ask(self._library.committed, partitions, round(timeout_s * 1000))
        return {partition: max(offset, -1) for partition, offset in found.items()}

    def group_metadata(self) -> object:
        """Give the membership as `Producer.send_offsets_to_transaction` takes it.

        That is the library's own serialised form: the Python client hands the same bytes around.
        """
        library = self._library
        group = library.consumer_group_metadata(self._client)
        if group is None:
            raise _refused("the client belongs to no group")
        page, size = ctypes.c_void_p(), ctypes.c_size_t()
        where = (ctypes.byref(page), ctypes.byref(size))
        try:
            library.check_error(library.consumer_group_metadata_write(group, *where))
        finally:
            library.consumer_group_metadata_destroy(group)
        written = ctypes.string_at(page.value or 0, size.value)
        library.mem_free(None, page)
        return written

    def close(self) -> None:
        """Leave the group, even as a static member, and release everything.

        Why: the library's own close waits for ever on an assignment that comes while it runs, and
        makes a static member stay if it comes before that has left. So first no more are asked
        for, one on its way is taken, and the group is left; then the queue is served until the
        group has let go, or long enough.
        """
        client, library = self._handle, self._library
        if client is None:
            return
        self._taker.release()
        library.unsubscribe(client)
        self._take(self._queue, CHUNK_MAX, 0)
        for _ in range(LEAVE_LOOKS_MAX):
            if not self._is_member():
                break
            self._take(self._queue, CHUNK_MAX, LEAVE_LOOK_S)
        closing = library.queue_new(client)
        error = library.consumer_close_queue(client, closing)
        clock = SystemClock()
        deadline_s = clock.monotonic_s() + CLOSE_S_MAX
        while error is None and not library.consumer_closed(client):
            self._take(closing, CHUNK_MAX, CLOSE_LOOK_S)
            if clock.monotonic_s() > deadline_s:
                get_logger().warning("kafka_close_timed_out")
                break
        if error is not None:
            library.error_destroy(error)
        self._taker.close()
        library.queue_destroy(closing)
        library.queue_destroy(self._queue)
        self._handle = None
        library.destroy_flags(client, NO_CONSUMER_CLOSE)
        self._release_kept()

    @property
    def _client(self) -> int:
        """The library's consumer; a null one must never reach it."""
        if self._handle is None:
            raise _refused("the client is closed")
        return self._handle

    def _is_member(self) -> bool:
        page = self._library.memberid(self._client)
        if page is None:
            return False
        name = ctypes.string_at(page)
        self._library.mem_free(self._client, page)
        return bool(name)

    def _release_kept(self) -> None:
        try:
            self._callbacks.kept.release()
        except KafkaException as exception:
            get_logger().debug("kafka_close_failed", code=error_of(exception).name())

    def _take(self, queue: int, room: int, wait_s: float) -> NativeChunk:
        limit, wait_ms = min(room, CHUNK_MAX), max(math.ceil(wait_s * 1000), 0)
        where = self._room.ctypes.data
        count = self._library.consume_batch_queue(queue, wait_ms, where, limit)
        return self._taker.chunk(self._room[: max(count, 0)].copy())

    def _topic_metadata(self, page: TopicPage) -> TopicMetadata:
        found = TopicMetadata()
        found.topic = page.topic.decode()
        found.error = self._library.fault(page.err) if page.err else None
        for place in range(page.partition_cnt):
            partition = PartitionMetadata()
            partition.id = page.partitions[place].id
            partition.leader = page.partitions[place].leader
            found.partitions[partition.id] = partition
        return found

    def _ask(
        self, function: Callable[..., int], partitions: Iterable[int], *more: int
    ) -> dict[int, int]:
        with self._places(partitions) as places:
            self._library.check(function(self._client, places, *more))
            elements = places.contents.elems
            return {
                elements[place].partition: elements[place].offset
                for place in range(places.contents.cnt)
            }

    @contextmanager
    def _places(self, partitions: Iterable[int], offset: int = OFFSET_INVALID) -> Iterator[Any]:
        library = self._library
        places = library.topic_partition_list_new(0)
        try:
            for partition in partitions:
                added = library.topic_partition_list_add(places, self._topic.encode(), partition)
                added.contents.offset = offset
            yield places
        finally:
            library.topic_partition_list_destroy(places)


def _refused(reason: str) -> KafkaException:
    return KafkaException(KafkaError(KafkaError._INVALID_ARG, reason))  # noqa: SLF001
