"""What the consuming half of the stream asks of a client library, whichever it is.

Two answer: `plain_client`, on the library's Python objects, and `native_client`, on the C
library below them. Everything that is not fetching (progress, damage, rebalances inside a
transaction's life) is written once, in `consumer`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from confluent_kafka import KafkaError, TopicPartition
from confluent_kafka.admin._metadata import ClusterMetadata

from anpr_engine.kafka.progress import Offsets
from anpr_engine.ports import DamagedRecord, RecordBatch

CHUNK_MAX = 8192
"""Records asked for at once."""


class Fault(NamedTuple):
    """What a client says of a partition in place of a record; unknown numbers are -1."""

    partition: int
    offset: int
    error: KafkaError


@dataclass(frozen=True, slots=True)
class Handlers:
    """What is called, from inside a poll or `close`, when partitions come and go.

    on_assign: these are ours from now on. on_revoke: they are given away after the call.
    on_lost: they are another's already.
    """

    on_assign: Callable[[set[int]], None]
    on_revoke: Callable[[set[int]], None]
    on_lost: Callable[[set[int]], None]


class Chunk(Protocol):
    """What one poll gave: records in partition order, and faults among them."""

    def __len__(self) -> int:
        """Count records and faults."""
        ...

    @property
    def size_bytes(self) -> int:
        """The length of all values."""
        ...

    def faults(self) -> list[Fault]:
        """Give the faults in order."""
        ...

    def starts(self) -> Offsets:
        """Give the first offset of each partition that has a record here."""
        ...

    def drop(self, ends: Mapping[int, int]) -> None:
        """Drop all faults, and the records of these partitions from these offsets on."""
        ...


class ConsumerClient(Protocol):
    """A member of a group that reads one topic; used by one thread.

    Every call raises `KafkaException` when the library or a broker refuses it.
    """

    def list_topics(self, topic: str, timeout: float) -> ClusterMetadata:
        """Ask for one topic and its partitions."""
        ...

    def get_watermark_offsets(self, partition: TopicPartition, timeout: float) -> tuple[int, int]:
        """Ask the broker for the first offset and the one after the last committed record."""
        ...

    def end_seen(self, partition: int) -> int:
        """Give the end as of the last fetch; negative when it is not known."""
        ...

    def subscribe(self, handlers: Handlers) -> None:
        """Join the group."""
        ...

    def poll(self, room: int, wait_s: float) -> Chunk:
        """Take up to so many records, `CHUNK_MAX` at most; wait until they are there."""
        ...

    def batch(self, chunks: Sequence[Chunk], damaged: Sequence[DamagedRecord]) -> RecordBatch:
        """Make one batch of what this client polled; the chunks are used up."""
        ...

    def restart(self, partition: int, offset: int) -> None:
        """Read a partition of ours again from an offset on, whatever state it is in."""
        ...

    def pause(self, partitions: Iterable[int]) -> None:
        """Stop fetching these; they stay ours."""
        ...

    def resume(self, partitions: Iterable[int]) -> None:
        """Fetch them again, from where they stood."""
        ...

    def positions(self, partitions: Iterable[int]) -> Offsets:
        """Give the offset of the next record to come, where it is known."""
        ...

    def committed(self, partitions: Iterable[int], timeout_s: float) -> Offsets:
        """Ask the broker what the group has saved; -1 where nothing is."""
        ...

    def group_metadata(self) -> object:
        """Give the membership as `Producer.send_offsets_to_transaction` takes it."""
        ...

    def close(self) -> None:
        """Leave the group, even as a static member, and release everything."""
        ...
