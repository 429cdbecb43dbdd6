"""Whether a stream has reached the end that was there when it was opened."""

from anpr_engine.kafka.consumer import ReadConsumer
from anpr_engine.ports import Clock

ASK_EVERY_S = 0.05
"""Committed offsets cost a round trip, so they are asked for at most this often."""


class EndMark:
    """Remembers the end offsets of all partitions, whoever reads them."""

    def __init__(self, consumer: ReadConsumer, clock: Clock) -> None:
        """Ask for the ends; empty partitions are reached from the start."""
        self._consumer, self._clock = consumer, clock
        marks = {p: consumer.watermarks(p) for p in consumer.partitions}
        self._open = {p: end for p, (start, end) in marks.items() if end > start}
        self._asked_s = -ASK_EVERY_S

    def reached(self) -> bool:
        """Say whether every partition is read up to its end, by us or by another engine."""
        self._close(dict.fromkeys(self._open, -1))
        now_s = self._clock.monotonic_s()
        if self._open and now_s - self._asked_s >= ASK_EVERY_S:
            self._asked_s = now_s
            self._close(self._consumer.committed(self._open))
        return not self._open

    def _close(self, committed: dict[int, int]) -> None:
        for partition, at in committed.items():
            if max(at, self._consumer.position(partition)) >= self._open[partition]:
                del self._open[partition]
