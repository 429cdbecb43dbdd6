"""The batch as it comes in, and the guard that stops an engine that can read nothing.

Why a guard: after a bad change at a camera network every record may be unreadable. Moving them all
to the dead-letter topic would lose the time in which somebody could still repair it; reads that
stay in Kafka can be read later.
"""

from collections import deque
from collections.abc import Sequence

from anpr_engine.errors import RejectShareExceeded
from anpr_engine.pipeline.batches.records_in import Incoming
from anpr_engine.ports import BatchLimits, ReadStream, RecordBatch

JUDGED_FROM_READS = 1000
"""Fewer recent reads than this say nothing about a share."""


def take_batch(stream: ReadStream, limits: BatchLimits) -> RecordBatch | None:
    """Take the next batch, closed by count, bytes or time; None when there is nothing."""
    return stream.poll(limits)


def incoming(batch: RecordBatch) -> Sequence[bytes]:
    """Give a batch's values, with the headers of those records that may hold many reads."""
    headed = batch.headed.tolist()
    return Incoming(batch.values, {row: batch.headers(row) for row in headed})


class RejectGuard:
    """Watches the share of refused records among the recent ones."""

    def __init__(self, share_max: float, window_reads: int) -> None:
        """Set the largest share allowed over a window of recent reads."""
        self._share_max = share_max
        self._window_reads = window_reads
        self._batches: deque[tuple[int, int]] = deque()
        self._reads = 0
        self._rejected = 0

    def admit(self, reads: int, rejected: int) -> None:
        """Count a batch before it is committed.

        Raises:
            RejectShareExceeded: nothing of this batch may be committed.

        """
        self._batches.append((reads, rejected))
        self._reads += reads
        self._rejected += rejected
        while self._batches and self._reads - self._batches[0][0] >= self._window_reads:
            old_reads, old_rejected = self._batches.popleft()
            self._reads -= old_reads
            self._rejected -= old_rejected
        judged = self._reads >= min(JUDGED_FROM_READS, self._window_reads)
        if judged and self._rejected > self._share_max * self._reads:
            raise RejectShareExceeded(
                f"{self._rejected} of the last {self._reads} records are no reads, more than the "
                f"{self._share_max:.0%} that rejects.share_max allows.",
                "The reads wait in Kafka: look at the reasons in the dead-letter topic, repair "
                "the sender or raise the limit, and start again.",
            )
