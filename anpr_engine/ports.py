"""What the pipeline asks of the world: time, a stream of records, and nothing else.

Each port has a real implementation and a fake with the same contract suite in
`tests/contract/`.
"""

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import NamedTuple, Protocol, Self, overload

import numpy as np
from numpy.typing import NDArray

from anpr_engine.records.alert import Alert
from anpr_engine.records.recall import RecallForm
from anpr_engine.wire import Header, OutgoingRecord


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

    Why so many in a backlog: each batch is a transaction, which costs the broker some 10 ms of
    processor time. It had 750 ns a read with 32 768 records, 500 with 65 536, and a quarter to a
    third less again with 131 072.
    """

    reads_max: int = 131_072
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


class Texts(Sequence[bytes]):
    """Bytes by row, made or found when they are asked for."""

    __slots__ = ()

    @abstractmethod
    def text(self, row: int) -> bytes:
        """Give one row, from 0 on."""

    def texts(self, rows: Sequence[int]) -> list[bytes]:
        """Give some rows, each from 0 on."""
        return [self.text(row) for row in rows]

    def plan(self, rows: Iterable[int]) -> None:
        """Hear which rows will be asked for next, in order, where that makes them cheaper."""

    @overload
    def __getitem__(self, row: int) -> bytes: ...
    @overload
    def __getitem__(self, row: slice) -> list[bytes]: ...
    def __getitem__(self, row: int | slice) -> bytes | list[bytes]:
        """Give these rows."""
        chosen = range(len(self))[row]
        return self.text(chosen) if isinstance(chosen, int) else self.texts(chosen)


class StretchTexts(Texts):
    """A run of rows of a batch's texts, which several threads may look at together."""

    __slots__ = ("_first", "_rows", "_values")

    def __init__(self, values: Sequence[bytes], first: int, end: int) -> None:
        """Keep the whole, and which rows."""
        self._values, self._first, self._rows = values, first, end - first

    def __len__(self) -> int:
        """Count the rows."""
        return self._rows

    def text(self, row: int) -> bytes:
        """Give a row."""
        return self._values[self._first + row]


class RecordValues(Texts):
    """The bytes of many records in one run; an object is made of those only that are asked for.

    buffer: uint8 (bytes,). bounds: int64 (records + 1,), where each begins, and the last's end.
    """

    __slots__ = ("bounds", "buffer")

    def __init__(self, buffer: NDArray[np.uint8], bounds: NDArray[np.int64]) -> None:
        """Take both as they are; the first record begins at 0."""
        self.buffer, self.bounds = buffer, bounds

    @classmethod
    def of(cls, values: Sequence[bytes]) -> "RecordValues":
        """Give values as they lie, or one after another."""
        return values if isinstance(values, RecordValues) else cls.joined(values)

    @classmethod
    def joined(cls, values: Sequence[bytes]) -> Self:
        """Put records one after another."""
        bounds = np.zeros(len(values) + 1, dtype=np.int64)
        np.cumsum(np.fromiter(map(len, values), np.int64, len(values)), out=bounds[1:])
        return cls(np.frombuffer(b"".join(values), dtype=np.uint8), bounds)

    def __len__(self) -> int:
        """Count the records."""
        return len(self.bounds) - 1

    def text(self, row: int) -> bytes:
        """Give the record of a row."""
        return self.buffer[self.bounds[row] : self.bounds[row + 1]].tobytes()

    def text_view(self, row: int) -> memoryview:
        """Give the record of a row where it lies."""
        return self.buffer[self.bounds[row] : self.bounds[row + 1]].data

    def __iter__(self) -> Iterator[bytes]:
        """Give record after record."""
        for begin, end in pairwise(self.bounds.tolist()):
            yield self.buffer[begin:end].tobytes()


class RecordBatch(Protocol):
    """The records of one poll, in partition order; what each holds is not yet looked at."""

    @property
    def values(self) -> Sequence[bytes]:
        """The records' bytes, at best as `RecordValues`; an empty record is `b""`."""
        ...

    @property
    def headed(self) -> NDArray[np.intp]:
        """The rows of records whose headers may say how to read them, ascending.

        Those with headers, but for a value that begins with a brace and is one line: that is a
        JSON read, and one line of many is the same, whatever its headers say.
        """
        ...

    @property
    def damaged(self) -> Sequence[DamagedRecord]:
        """What was passed over, because nothing of it can be read any more."""
        ...

    def origin(self, row: int) -> RecordOrigin:
        """Say where the record in a row came from; called for rejects and hits only."""
        ...

    def headers(self, row: int) -> tuple[Header, ...]:
        """Give the headers of a row of `headed`; one without a value gets `b""`."""
        ...


class AuditChain(Protocol):
    """Puts audit lines into a chain, in which each one names the line before it.

    Contract: lines that were sealed are written in the order given, in one transaction, or never;
    `settle` says which before more are sealed.
    """

    @property
    def key(self) -> bytes:
        """The record key of all its lines, which keeps them in one partition."""
        ...

    def seal(self, events: Sequence[bytes]) -> list[bytes]:
        """Give the chain's next lines, one for each event in JSON.

        Raises:
            BrokerError: what is written so far cannot be read.

        """
        ...

    def settle(self, *, saved: bool) -> None:
        """Say whether what was sealed last has been written; nothing sealed is no harm."""
        ...


class AlertGuard(Protocol):
    """Gives alerts the form in which they leave: signed, and with fields sealed, where set so."""

    def guarded(self, alerts: Sequence[Alert]) -> list[tuple[bytes, tuple[Header, ...]]]:
        """Give each alert's record value, and the headers that go with it beside the usual ones."""
        ...

    def signed_recalls(
        self, at: datetime, recalls: Sequence[tuple[RecallForm, bytes]]
    ) -> list[tuple[Header, ...]]:
        """Give the headers that go with each recall's record value beside the usual ones.

        Args:
            at: when they were made.
            recalls: each with its record value.

        """
        ...


class ReadStream(Protocol):
    """A stream of records whose progress is saved together with what came of them.

    Contract: one thread calls. What `poll` gave is either covered by a commit that returned True,
    or given again: to this stream after a commit that returned False, or to whoever takes over
    after a crash. A reader of committed records sees the outgoing records of successful commits
    only, each once. Between `start_commit` and `finish_commit` the next poll may be made; what it
    gave is of no worth if the commit then returns False.
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

    def start_commit(self, outgoing: Sequence[OutgoingRecord]) -> None:
        """Begin a commit, which goes on while more is polled.

        Raises:
            BrokerError: when the stream cannot go on.

        """
        ...

    def finish_commit(self) -> bool:
        """Wait for the commit that was begun, and give what `commit` would; True if none was.

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
