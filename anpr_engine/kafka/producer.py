"""The producing half of the stream: records and progress in one transaction.

Why: the client library does not number its transactions (KIP-890), so the broker can take a
commit that was delayed on the network for the commit of the next transaction, and show what was
never committed. A new producer under the same name is numbered anew. So after every commit that
was retried, took suspiciously long, or saw a connection drop, the producer is replaced before
the next transaction begins.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from enum import Enum

from confluent_kafka import KafkaError, KafkaException, Producer, TopicPartition

from anpr_engine.errors import BrokerUnavailable, EngineReplaced
from anpr_engine.kafka.client_settings import StreamSettings, common, saver
from anpr_engine.kafka.errors import FENCED, error_of, translate, translated
from anpr_engine.kafka.watch import ClientWatch
from anpr_engine.logs import get_logger
from anpr_engine.metrics.table import PRODUCER_RECYCLED, Metrics
from anpr_engine.ports import Clock
from anpr_engine.wire import OutgoingRecord

ATTEMPT_S = 2.0
"""How long one call into the client may take before it is made again."""

ANSWER_S = 1.0

FLUSH_S = 0.1
"""How long records are pushed out beside the offsets; what is left then goes with the commit."""

DOUBTFUL_COMMIT_S = 0.28
"""A commit that needed a second connection took longer: reconnecting waits 300 ms at least
(`reconnect.backoff.ms` 400, less a quarter for jitter). With the library's own 100 ms a broker
that was merely busy looked doubtful, and taking a fresh producer was what made alerts late."""

REPLACED_WITHIN_S = 60.0
"""Fenced once may be our own transaction that ran out of time; twice this soon is a rival."""

DOUBT_COUNTERS = ("req_timeouts", "disconnects")


class Outcome(Enum):
    """What became of a transaction."""

    SAVED = "saved"
    ROLLED_BACK = "rolled back"
    UNKNOWN = "unknown"
    """The producer was replaced; the committed offsets say which of the two it was."""


class TransactionalProducer:
    """Writes records and offsets in transactions, under one name that fences others off."""

    def __init__(self, settings: StreamSettings, metrics: Metrics, clock: Clock) -> None:
        """Connect and fence off whoever wrote under this name before.

        Raises:
            BrokerError: nobody answers, or we are refused.

        """
        self._settings, self._metrics, self._clock = settings, metrics, clock
        self._where = f"{settings.bootstrap}, transactions {settings.transactional_id}"
        self._fenced_at_s: float | None = None
        self.last_error: KafkaError | None = None
        self._retries = 0
        self._doubtful = self._broken = False
        self._pusher = ThreadPoolExecutor(1, "kafka-flush")
        self._watch = ClientWatch(self._where)
        self._producer = self._fresh(settings.start_timeout_s)

    def serve(self) -> None:
        """Let the client call back with errors and statistics; takes microseconds."""
        self._producer.poll(0)

    def answers(self) -> bool:
        """Say whether the broker answers within a second."""
        try:
            self._producer.list_topics(timeout=ANSWER_S)
        except KafkaException:
            return False
        return True

    def save(
        self, records: Sequence[OutgoingRecord], places: list[TopicPartition], group: object
    ) -> Outcome:
        """Write the records and the offsets, or neither.

        Args:
            records: become visible to readers of committed records together.
            places: the offsets to save.
            group: the consumer's membership, against which the broker checks them.

        Raises:
            BrokerUnavailable: the brokers were away for longer than the settings allow.
            EngineReplaced: another engine uses this name.

        """
        self.serve()
        if self._doubtful:
            self._metrics.add(PRODUCER_RECYCLED)
            get_logger().warning("kafka_producer_recycled")
            self._replace()
        producer = self._producer
        try:
            producer.begin_transaction()
            self._produce(records)
            if places:
                self._send_offsets(places, group)
            started_s = self._clock.monotonic_s()
            self._insist(lambda: producer.commit_transaction(ATTEMPT_S))
            if self._clock.monotonic_s() - started_s > DOUBTFUL_COMMIT_S:
                self._doubtful = True
        except KafkaException as exception:
            return self._undo(error_of(exception))
        return Outcome.SAVED

    def close(self) -> None:
        """Release the client; nothing is in flight between transactions.

        A client that failed for good is only let go: closing it would wait for an answer that
        its next owner gets anyway.
        """
        self._pusher.shutdown()
        self._producer.purge()
        if not self._broken:
            self._producer.close()

    def _send_offsets(self, places: list[TopicPartition], group: object) -> None:
        """Send the offsets while the records are on their way.

        Why: else those of a small transaction would linger until the broker has the offsets, and
        both waits would add up.
        """
        producer = self._producer
        pushing = self._pusher.submit(producer.flush, FLUSH_S)
        try:
            producer.send_offsets_to_transaction(places, group, ATTEMPT_S)
        finally:
            # Nobody may be inside a client that is about to be replaced.
            pushing.result()

    def _produce(self, records: Sequence[OutgoingRecord]) -> None:
        deadline_s = self._clock.monotonic_s() + self._settings.outage_s_max
        for record in records:
            while True:
                try:
                    self._producer.produce(
                        record.topic, record.value, record.key, headers=list(record.headers)
                    )
                    break
                except BufferError:
                    # More records than the client's queue holds: let it send some.
                    self._producer.poll(0.01)
                    if self._clock.monotonic_s() > deadline_s:
                        raise KafkaException(_timed_out()) from None

    def _insist(self, call: Callable[[], object]) -> None:
        """Call until it succeeds; what is retried may arrive twice, so it leaves doubt."""
        deadline_s = self._clock.monotonic_s() + self._settings.outage_s_max
        while True:
            try:
                call()
            except KafkaException as exception:
                error = error_of(exception)
                self._producer.poll(0)
                self._watch.check_refusal()
                if error.fatal() or error.txn_requires_abort() or not error.retriable():
                    raise
                self._doubtful = True
                if self._clock.monotonic_s() > deadline_s:
                    self._away(error)
            else:
                return

    def _away(self, error: KafkaError) -> None:
        self._broken = True
        raise BrokerUnavailable(
            f"Kafka at {self._where}: no answer for {self._settings.outage_s_max:.0f} s "
            f"({error.name()}).",
            "Progress is as last saved; start the engine again when the broker is back.",
        )

    def _undo(self, error: KafkaError) -> Outcome:
        """Abort, or where that is not possible, have a fresh producer fence the transaction off.

        Why: what is retriable here is sending the offsets. Doing that again after the broker was
        gone was seen to block for ever in the client library, whatever its time-out.
        """
        self.last_error = error
        get_logger().warning("kafka_transaction_failed", code=error.name(), fatal=error.fatal())
        if not error.fatal() and not error.retriable() and error.code() not in FENCED:
            try:
                self._insist(lambda: self._producer.abort_transaction(ATTEMPT_S))
            except KafkaException as exception:
                error = error_of(exception)
            else:
                return Outcome.ROLLED_BACK
        if error.code() in FENCED:
            self._note_fencing(error)
        self._replace()
        return Outcome.UNKNOWN

    def _note_fencing(self, error: KafkaError) -> None:
        now_s, before_s = self._clock.monotonic_s(), self._fenced_at_s
        self._fenced_at_s = now_s
        if before_s is not None and now_s - before_s < REPLACED_WITHIN_S:
            self._broken = True
            replaced = translate(error, self._where)
            raise EngineReplaced(replaced.what, replaced.remedy)

    def _replace(self) -> None:
        """Take a fresh producer; what the old one has in flight is fenced off or settled."""
        self._producer.purge()
        self._broken = True
        self._producer = self._fresh(self._settings.outage_s_max)
        self._broken = False

    def _fresh(self, timeout_s: float) -> Producer:
        self._watch = ClientWatch(self._where)
        self._retries, self._doubtful = 0, False
        base = common(self._settings.bootstrap, self._settings.security, self._watch.hear)
        deadline_s = self._clock.monotonic_s() + timeout_s
        try:
            producer = Producer({**base, **saver(self._settings, self._hear_statistics)})
        except KafkaException as exception:
            raise translate(error_of(exception), self._where) from exception
        while True:
            try:
                producer.init_transactions(ATTEMPT_S)
            except KafkaException as exception:
                error = error_of(exception)
                # Asking a client that failed for good raises too: that is the better answer.
                with translated(self._where):
                    producer.poll(0)
                self._watch.check()
                if not error.retriable() or self._clock.monotonic_s() >= deadline_s:
                    latest = self._watch.latest if error.retriable() else None
                    raise translate(latest or error, self._where) from exception
            else:
                return producer

    def _hear_statistics(self, page: str) -> None:
        brokers: Mapping[str, Mapping[str, int]] = json.loads(page).get("brokers", {})
        retries = sum(broker.get(name, 0) for broker in brokers.values() for name in DOUBT_COUNTERS)
        if retries > self._retries:
            self._doubtful = True
        self._retries = retries


def _timed_out() -> KafkaError:
    return KafkaError(KafkaError._TIMED_OUT, txn_requires_abort=True)  # noqa: SLF001
