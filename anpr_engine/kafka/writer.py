"""Writes reads to Kafka as a camera's side does: idempotent, batched, not in transactions."""

from types import TracebackType
from typing import Self

from confluent_kafka import KafkaError, Message, Producer

from anpr_engine.clock import SystemClock
from anpr_engine.errors import BrokerUnavailable
from anpr_engine.kafka.client_settings import NO_SECURITY, Security, common, writer
from anpr_engine.kafka.errors import translate, translated
from anpr_engine.kafka.watch import ClientWatch, reach
from anpr_engine.wire import Header

SERVE_EVERY = 1024
"""Writes between two looks at what the client reports; one look costs about a microsecond."""


class ReadWriter:
    """Puts records on topics; a context manager that flushes at its end."""

    def __init__(
        self, bootstrap: str, security: Security = NO_SECURITY, *, timeout_s: float = 30.0
    ) -> None:
        """Prepare a client; nothing is asked of the broker yet.

        Args:
            bootstrap: `host:port[,host:port…]`.
            security: how to prove who we are.
            timeout_s: how long a write or flush may wait for the broker.

        """
        self._where, self._timeout_s, self._clock = bootstrap, timeout_s, SystemClock()
        self._watch = ClientWatch(bootstrap)
        self._failed: KafkaError | None = None
        self._writes = 0
        with translated(bootstrap):
            self._producer = Producer({**common(bootstrap, security, self._watch.hear), **writer()})

    def check(self, topic: str) -> int:
        """Make sure that a topic is there; give its number of partitions.

        Raises:
            BrokerError: nobody answers, we are refused, or the topic does not exist.

        """
        found = reach(
            self._producer,
            topic,
            watch=self._watch,
            serve=lambda: self._producer.poll(0),
            deadline_s=self._clock.monotonic_s() + self._timeout_s,
            clock=self._clock,
        )
        return len(found.partitions)

    def write(self, topic: str, key: bytes, value: bytes, headers: tuple[Header, ...] = ()) -> None:
        """Hand over one record; waits only when the client's queue is full.

        Raises:
            BrokerError: an earlier record could not be written.

        """
        self._writes += 1
        if not self._writes % SERVE_EVERY:
            self._serve(0)
        deadline_s = None
        while True:
            try:
                with translated(self._where):
                    self._producer.produce(
                        topic,
                        value,
                        key,
                        headers=list(headers) or None,
                        on_delivery=self._on_delivery,
                    )
            except BufferError:
                deadline_s = deadline_s or self._clock.monotonic_s() + self._timeout_s
                self._serve(0.05)
                if self._clock.monotonic_s() > deadline_s:
                    raise self._late() from None
            else:
                return

    def flush(self) -> None:
        """Wait until every record is acknowledged.

        Raises:
            BrokerError: one of them could not be written.

        """
        deadline_s = self._clock.monotonic_s() + self._timeout_s
        while left := self._producer.flush(1.0):
            self._serve(0)
            if left and self._clock.monotonic_s() > deadline_s:
                raise self._late()
        self._serve(0)

    def close(self) -> None:
        """Release the client; what is not flushed is dropped."""
        self._producer.purge()
        self._producer.close()

    def __enter__(self) -> Self:
        """Give the writer itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Flush, unless something went wrong already, and release the client."""
        try:
            if kind is None:
                self.flush()
        finally:
            self.close()

    def _on_delivery(self, error: KafkaError | None, _message: Message) -> None:
        if error is not None:
            self._failed = error

    def _serve(self, wait_s: float) -> None:
        self._producer.poll(wait_s)
        self._watch.check()
        if self._failed is not None:
            failed, self._failed = self._failed, None
            raise translate(failed, self._where)

    def _late(self) -> BrokerUnavailable:
        return BrokerUnavailable(
            f"Kafka at {self._where}: records are not acknowledged within {self._timeout_s:.0f} s.",
            "Run `anpr doctor`.",
        )
