"""What a client reports beside the calls made to it, and the first contact with the brokers.

Why: a wrong password never comes back from a call; it is only told to the error callback, and
the call itself just runs out of time. So every wait for a broker looks here too.
"""

from collections.abc import Callable
from typing import Protocol

from confluent_kafka import KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin._metadata import ClusterMetadata, TopicMetadata

from anpr_engine.clock import SystemClock
from anpr_engine.kafka.errors import REFUSED, SETTLING, error_of, translate
from anpr_engine.logs import get_logger
from anpr_engine.ports import Clock

ATTEMPT_S = 1.0

LOG_EVERY_S = 30.0
"""A client that cannot connect reports it twenty times a second; one line of each kind will do."""


class ClientWatch:
    """Remembers what one client reported."""

    def __init__(self, where: str) -> None:
        """Take the brokers' address for the error texts."""
        self.where = where
        self.latest: KafkaError | None = None
        self._clock = SystemClock()
        self._told_s: dict[int, float] = {}
        self._refusal: KafkaError | None = None
        self._fatal: KafkaError | None = None

    def hear(self, error: KafkaError) -> None:
        """Take one report; called by the client library while it is polled."""
        if error.code() in REFUSED:
            self._refusal = error
        elif error.fatal():
            self._fatal = error
        self.latest = error
        now_s = self._clock.monotonic_s()
        if now_s - self._told_s.get(error.code(), -LOG_EVERY_S) >= LOG_EVERY_S:
            self._told_s[error.code()] = now_s
            get_logger().warning("kafka_client_error", code=error.name(), fatal=error.fatal())

    def check(self) -> None:
        """Stop when something was reported that no waiting mends.

        Raises:
            BrokerError: or the subclass that fits.

        """
        self.check_refusal()
        if self._fatal is not None:
            raise translate(self._fatal, self.where)

    def check_refusal(self) -> None:
        """Stop when the brokers do not accept us.

        Raises:
            BrokerRefused: with what to check.

        """
        if self._refusal is not None:
            raise translate(self._refusal, self.where)


class AsksForTopics(Protocol):
    """A client that can ask which topics there are."""

    def list_topics(self, topic: str, timeout: float) -> ClusterMetadata:
        """Ask for one topic."""
        ...


class AsksForEnds(AsksForTopics, Protocol):
    """A client that can also ask where a partition begins and ends."""

    def get_watermark_offsets(self, partition: TopicPartition, timeout: float) -> tuple[int, int]:
        """Ask for the first offset and the one after the last committed record."""
        ...


def reach(
    client: AsksForTopics,
    topic: str,
    *,
    watch: ClientWatch,
    serve: Callable[[], object],
    deadline_s: float,
    clock: Clock,
) -> TopicMetadata:
    """Make the first contact: find the topic, or say why that is not possible.

    Args:
        client: asked again until `deadline_s` on the clock's monotonic scale.
        topic: must exist.
        watch: hears of refusals.
        serve: lets the client call its callbacks.
        deadline_s: when to give up.
        clock: tells the time.

    Raises:
        BrokerError: nobody answers, we are refused, or the topic does not exist.

    """
    while True:
        try:
            found: TopicMetadata = client.list_topics(topic, timeout=ATTEMPT_S).topics[topic]
        except KafkaException as exception:
            serve()
            watch.check()
            if clock.monotonic_s() >= deadline_s:
                error = watch.latest or error_of(exception)
                raise translate(error, watch.where) from exception
        else:
            if found.error is None:
                return found
            if not found.error.retriable() or clock.monotonic_s() >= deadline_s:
                raise translate(found.error, f"{watch.where}, topic {topic}")


def watermarks(consumer: AsksForEnds, place: TopicPartition, timeout_s: float) -> tuple[int, int]:
    """Ask for a partition's first offset and the one after its last committed record.

    A partition whose leader is just being chosen is asked again for as long as `timeout_s`.

    Raises:
        KafkaException: the broker does not answer, or refuses.

    """
    clock = SystemClock()
    deadline_s = clock.monotonic_s() + timeout_s
    while True:
        try:
            return consumer.get_watermark_offsets(place, timeout=timeout_s)
        except KafkaException as exception:
            if error_of(exception).code() not in SETTLING or clock.monotonic_s() > deadline_s:
                raise
        # The library notices the new leader while it is asked for something.
        consumer.list_topics(place.topic, timeout=timeout_s)
