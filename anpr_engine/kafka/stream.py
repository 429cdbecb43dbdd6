"""The exactly-once stream of reads: one consumer, one transactional producer.

What `commit` is given becomes visible together with the offsets of what was polled, or not at
all. A rollback goes back to what is saved; a crash leaves that to whoever takes over.

Why: a commit without records saves nothing that anybody waits for, so it is put off, and costs a
transaction twice a second instead of with every batch. A transaction is mostly waiting for the
broker: it runs in a thread of its own, so that the next reads can be polled and matched meanwhile.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

from anpr_engine.errors import BrokerError
from anpr_engine.kafka.client_choice import choose_client
from anpr_engine.kafka.client_settings import StreamSettings
from anpr_engine.kafka.consumer import ReadConsumer
from anpr_engine.kafka.ends import EndMark
from anpr_engine.kafka.errors import translate
from anpr_engine.kafka.producer import Outcome, TransactionalProducer
from anpr_engine.kafka.progress import Offsets
from anpr_engine.logs import get_logger
from anpr_engine.metrics.table import LAST_COMMIT, ROLLBACKS, Metrics
from anpr_engine.ports import BatchLimits, Clock, RecordBatch
from anpr_engine.wire import OutgoingRecord

PUT_OFF_S = 0.5

ROLLBACKS_IN_ROW_MAX = 5
"""The same batch refused this often will not go through; stopping is louder than a loop."""


class _Flight(NamedTuple):
    """A transaction under way, and the offsets that it saves."""

    outcome: Future[Outcome]
    offsets: Offsets


class KafkaReadStream:
    """`ports.ReadStream` on Kafka."""

    def __init__(self, settings: StreamSettings, metrics: Metrics, clock: Clock) -> None:
        """Connect, fence off a predecessor, note the end offsets and join the group.

        Raises:
            BrokerError: nobody answers, we are refused, or the topic does not exist.

        """
        self._settings, self._metrics, self._clock = settings, metrics, clock
        self._put_off_since_s: float | None = None
        self._rollbacks_in_row = self._doubts = 0
        self._fault: BrokerError | None = None
        self._awaits_commit = self._closed = False
        self._flight: _Flight | None = None
        self._landed: bool | None = None
        self._saver = ThreadPoolExecutor(1, "kafka-commit")
        self._asker = ThreadPoolExecutor(1, "kafka-group")
        self._group: Future[object] | None = None
        choice = choose_client(settings.client, metrics)
        self._consumer = ReadConsumer(settings, clock, self._on_release, choice)
        self._progress = self._consumer.progress
        try:
            # First the producer: it settles what a predecessor left open, so that the ends seen
            # and the committed offsets are final.
            self._producer = TransactionalProducer(settings, metrics, clock)
            self._end = EndMark(self._consumer, clock)
            self._consumer.start()
        except BrokerError:
            self._consumer.close()
            raise

    def poll(self, limits: BatchLimits) -> RecordBatch | None:
        """Wait for records up to the limits; None when there are none.

        Raises:
            BrokerError: when the stream cannot go on.

        """
        if self._flight is None:
            self._producer.serve()
            self._save_put_off(overdue_only=True)
        self._group = None
        batch = self._consumer.gather(limits)
        if self._fault is not None:
            raise self._fault
        if batch is not None:
            self._awaits_commit = True
            # The library answers from a thread of its own, which may take milliseconds when all
            # processors are busy; it does so while the batch is matched.
            self._group = self._asker.submit(self._consumer.group_metadata)
        elif not self._awaits_commit and self._flight is None and self._landed is None:
            # Markers of transactions may have gone by; nobody else will commit those.
            self._put_off()
        return batch

    def commit(self, outgoing: Sequence[OutgoingRecord]) -> bool:
        """Save progress up to the last poll together with the records, or neither.

        Returns False when everything since the last commit was rolled back.

        Raises:
            BrokerError: when the stream cannot go on.

        """
        self.start_commit(outgoing)
        return self.finish_commit()

    def start_commit(self, outgoing: Sequence[OutgoingRecord]) -> None:
        """Begin to save progress up to the last poll together with the records.

        Raises:
            BrokerError: when the stream cannot go on.

        """
        self._awaits_commit = False
        if outgoing:
            offsets = self._progress.unsaved()
            places, group = self._consumer.places(offsets), self._membership()
            saving = self._saver.submit(self._producer.save, outgoing, places, group)
            self._flight = _Flight(saving, offsets)
        else:
            self._put_off()
            self._save_put_off(overdue_only=True)

    def finish_commit(self) -> bool:
        """Wait for the commit that was begun; True where none was.

        Returns False when everything since the last commit was rolled back.

        Raises:
            BrokerError: when the stream cannot go on.

        """
        self._land()
        landed, self._landed = self._landed, None
        if landed is None:
            return True
        if landed:
            self._put_off_since_s = None
            self._rollbacks_in_row = 0
            return True
        self._metrics.add(ROLLBACKS)
        self._rollbacks_in_row += 1
        error = self._producer.last_error
        if error is not None and self._rollbacks_in_row >= ROLLBACKS_IN_ROW_MAX:
            raise translate(error, self._settings.bootstrap)
        self._consumer.rewind()
        return False

    def caught_up(self) -> bool:
        """Say whether the end offsets seen when the stream was opened are reached."""
        return self._end.reached()

    def lag(self) -> Mapping[int, int]:
        """Give the records not yet polled, by partition, as last heard from the broker."""
        return {} if self._closed else self._consumer.lag()

    def doubts(self) -> int:
        """Count the transactions of which only the broker knows what became of them.

        All of them are settled there by now: the writer was replaced after each.
        """
        return self._doubts

    def close(self) -> None:
        """Save progress put off, stop polling and release everything.

        Where the broker is gone nothing is saved: what was put off had no records, so the next
        engine only reads it again.
        """
        if self._closed:
            return
        self._closed = True
        try:
            self._land()
            if self._put_off_since_s is not None and self._producer.answers():
                self._save_put_off(overdue_only=False)
        finally:
            self._put_off_since_s = None
            # Nobody may be inside a client that is closed.
            self._asker.shutdown()
            self._consumer.close()
            self._saver.shutdown()
            self._producer.close()

    def _membership(self) -> object:
        asked, self._group = self._group, None
        return self._consumer.group_metadata() if asked is None else asked.result()

    def _put_off(self) -> None:
        self._progress.accept()
        if self._put_off_since_s is None and self._progress.put_off():
            self._put_off_since_s = self._clock.monotonic_s()

    def _save_put_off(self, *, overdue_only: bool) -> None:
        """Save progress that had no records; if that fails nothing is lost but time."""
        since_s = self._put_off_since_s
        if since_s is None:
            return
        if not overdue_only or self._clock.monotonic_s() - since_s >= PUT_OFF_S:
            self._put_off_since_s = None
            offsets = self._progress.put_off()
            if offsets and not self._attempt((), offsets):
                self._put_off_since_s = self._clock.monotonic_s()

    def _land(self) -> None:
        """Wait for the transaction under way, if there is one, and note what became of it."""
        flight, self._flight = self._flight, None
        if flight is not None:
            self._landed = self._note(flight.outcome.result(), flight.offsets)

    def _attempt(self, outgoing: Sequence[OutgoingRecord], offsets: Offsets) -> bool:
        """Run one transaction; true when it is saved."""
        places, group = self._consumer.places(offsets), self._consumer.group_metadata()
        return self._note(self._producer.save(outgoing, places, group), offsets)

    def _note(self, outcome: Outcome, offsets: Offsets) -> bool:
        self._doubts += outcome is Outcome.UNKNOWN
        if outcome is Outcome.UNKNOWN and offsets:
            committed = self._consumer.committed(offsets)
            if all(committed[partition] >= at for partition, at in offsets.items()):
                outcome = Outcome.SAVED
        if outcome is not Outcome.SAVED:
            return False
        self._progress.save(offsets)
        self._metrics.put(LAST_COMMIT, self._clock.now_us() / 1e6)
        return True

    def _on_release(self) -> None:
        """Save before partitions are given away; called from inside `poll`."""
        try:
            self._land()
            if self._landed is None:
                self._save_put_off(overdue_only=False)
        except BrokerError as fault:
            get_logger().warning("kafka_release_unsaved")
            self._fault = fault
