"""What the pipeline asks of the world: time, a stream of records, and nothing else.

Each port has a real implementation and a fake with the same contract suite in
`tests/contract/`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from anpr_engine.wire import OutgoingRecord


class Clock(Protocol):
    """Tells the time; the only way any part of the engine learns it."""

    def now_us(self) -> int:
        """Give the time of day in microseconds since 1970-01-01T00:00:00Z."""
        ...

    def monotonic_s(self) -> float:
        """Give seconds that only ever grow, for measuring how long something took."""
        ...


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """When a batch is closed: at the first limit reached.

    `reads_max` is in records, `bytes_max` in bytes of record values, `wait_ms_max` in
    milliseconds since the first poll for this batch.
    """

    reads_max: int = 32_768
    bytes_max: int = 32 * 1024 * 1024
    wait_ms_max: int = 20


class RecordOrigin(NamedTuple):
    """Where a record came from; `appended_at_us` is -1 when the broker does not say."""

    topic: str
    partition: int
    offset: int
    appended_at_us: int


class DamagedRecord(NamedTuple):
    """A stored batch that cannot be read: from `offset` up to, not including, `offset_end`."""

    topic: str
    partition: int
    offset: int
    offset_end: int
    detail: str


class RecordBatch(Protocol):
    """The records of one poll, in partition order; what each holds is not yet looked at."""

    @property
    def values(self) -> Sequence[bytes]:
        """The records' bytes; an empty record is `b""`."""
        ...

    @property
    def damaged(self) -> Sequence[DamagedRecord]:
        """What was passed over, because nothing of it can be read any more."""
        ...

    def origin(self, row: int) -> RecordOrigin:
        """Say where the record in a row came from; called for rejects and hits only."""
        ...


class ReadStream(Protocol):
    """A stream of records whose progress is saved together with what came of them.

    Contract: `poll` and `commit` are called in turn by one thread. What `poll` gave is either
    covered by a `commit` that returned True, or given again: to this stream after a commit that
    returned False, or to whoever takes over after a crash. A reader of committed records sees
    the outgoing records of successful commits only, each once.
    """

    def poll(self, limits: BatchLimits) -> RecordBatch | None:
        """Wait for records up to the limits; None when there are none.

        Raises:
            BrokerError: when the stream cannot go on.

        """
        ...

    def commit(self, outgoing: Sequence[OutgoingRecord]) -> bool:
        """Save progress up to the last poll together with the records, or neither.

        An empty commit may be put off until the next one with records, for half a second at
        most. Returns False when everything since the last commit was rolled back.

        Raises:
            BrokerError: when the stream cannot go on.

        """
        ...

    def caught_up(self) -> bool:
        """Say whether the end offsets seen when the stream was opened are reached."""
        ...

    def lag(self) -> Mapping[int, int]:
        """Give the records not yet polled, by partition, as last heard from the broker."""
        ...

    def close(self) -> None:
        """Save progress put off, leave the group and release everything."""
        ...
