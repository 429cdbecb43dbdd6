"""A stream of reads in memory, with the same contract as the one on Kafka.

`MemoryBroker` keeps topics, what is saved for each group, and what was published;
`MemoryReadStream` is `ports.ReadStream` on it. A record for a topic that does not exist makes
the transaction roll back, as it does on Kafka.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from anpr_engine.ports import BatchLimits, Clock, DamagedRecord, RecordOrigin
from anpr_engine.wire import Header, OutgoingRecord

PUT_OFF_S = 0.5

Partitions = list[list[bytes | None]]


@dataclass(slots=True)
class MemoryBroker:
    """Topics by name, saved offsets by group, and published records in order."""

    topics: dict[str, Partitions] = field(default_factory=dict)
    saved: dict[str, list[int]] = field(default_factory=dict)
    published: list[OutgoingRecord] = field(default_factory=list)

    def add_topic(self, name: str, partitions: int) -> None:
        """Make an empty topic."""
        self.topics[name] = [[] for _ in range(partitions)]

    def write(self, topic: str, partition: int, values: Sequence[bytes | None]) -> None:
        """Append records to one partition."""
        self.topics[topic][partition].extend(values)

    def ends(self, topic: str) -> list[int]:
        """Give the end offset of each partition."""
        return [len(records) for records in self.topics[topic]]


class MemoryBatch(NamedTuple):
    """The records of one poll."""

    values: Sequence[bytes]
    origins: Sequence[RecordOrigin]
    damaged: Sequence[DamagedRecord] = ()

    @property
    def headed(self) -> NDArray[np.intp]:
        """No record here has headers."""
        return np.empty(0, dtype=np.intp)

    def origin(self, row: int) -> RecordOrigin:
        """Say where the record in a row came from."""
        return self.origins[row]

    def headers(self, row: int) -> tuple[Header, ...]:
        """Give none."""
        return ()


class MemoryReadStream:
    """`ports.ReadStream` over a `MemoryBroker`; never waits."""

    def __init__(self, broker: MemoryBroker, topic: str, group: str, clock: Clock) -> None:
        """Open the topic where the group stopped."""
        self._broker, self._topic, self._group, self._clock = broker, topic, group, clock
        self._end = broker.ends(topic)
        self._polled = list(broker.saved.get(group, [0] * len(self._end)))
        self._accepted = list(self._polled)
        self._put_off_since_s: float | None = None
        self._flight: tuple[list[OutgoingRecord], list[int]] | None = None

    def poll(self, limits: BatchLimits) -> MemoryBatch | None:
        """Give what is there up to the limits; None when there is nothing."""
        if self._flight is None:
            self._save_put_off(overdue_only=True)
        values: list[bytes] = []
        origins: list[RecordOrigin] = []
        size = 0
        for partition, records in enumerate(self._broker.topics[self._topic]):
            for offset in range(self._polled[partition], len(records)):
                if len(values) >= limits.reads_max or size >= limits.bytes_max:
                    break
                values.append(records[offset] or b"")
                origins.append(RecordOrigin(self._topic, partition, offset, self._clock.now_us()))
                size += len(values[-1])
                self._polled[partition] = offset + 1
        return MemoryBatch(values, origins) if values else None

    def commit(self, outgoing: Sequence[OutgoingRecord]) -> bool:
        """Save progress with the records, or roll back when a topic does not exist."""
        self.start_commit(outgoing)
        return self.finish_commit()

    def start_commit(self, outgoing: Sequence[OutgoingRecord]) -> None:
        """Note what to save, and up to where; an empty commit is put off."""
        if outgoing:
            self._flight = (list(outgoing), list(self._polled))
            return
        self._accepted = list(self._polled)
        if self._put_off_since_s is None:
            self._put_off_since_s = self._clock.monotonic_s()
        self._save_put_off(overdue_only=True)

    def finish_commit(self) -> bool:
        """Save what was noted, or go back to what is accepted."""
        if self._flight is None:
            return True
        (outgoing, polled), self._flight = self._flight, None
        if any(record.topic not in self._broker.topics for record in outgoing):
            self._polled = list(self._accepted)
            return False
        self._accepted = polled
        self._broker.published.extend(outgoing)
        self._save()
        return True

    def caught_up(self) -> bool:
        """Say whether the ends seen at the start are reached."""
        return all(at >= end for at, end in zip(self._polled, self._end, strict=True))

    def lag(self) -> Mapping[int, int]:
        """Give the records not yet polled, by partition."""
        ends = self._broker.ends(self._topic)
        return {p: end - self._polled[p] for p, end in enumerate(ends)}

    def close(self) -> None:
        """Finish the commit under way and save progress put off."""
        self.finish_commit()
        self._save_put_off(overdue_only=False)

    def _save_put_off(self, *, overdue_only: bool) -> None:
        since_s = self._put_off_since_s
        if since_s is None:
            return
        if not overdue_only or self._clock.monotonic_s() - since_s >= PUT_OFF_S:
            self._save()

    def _save(self) -> None:
        self._put_off_since_s = None
        self._broker.saved[self._group] = list(self._accepted)
