"""Batches on the broker that cannot be read: noticed, measured, passed over.

Why: a batch whose checksum or compression is broken makes the client library report an error,
then read on in the garbage, lose its place and try again for ever. What it says after the first
error is not trusted. The stream goes back to where the error stood; after the third time at the
same place the end of the batch is searched for with a consumer of its own, by halving, because
the library does not say how many records the batch held.
"""

from typing import NamedTuple

from confluent_kafka import Consumer, KafkaError, TopicPartition

from anpr_engine.errors import BrokerUnavailable
from anpr_engine.kafka.client import Fault
from anpr_engine.kafka.client_settings import Properties
from anpr_engine.kafka.errors import DAMAGED, OFFSET_UNKNOWN, PASSING, translated
from anpr_engine.kafka.watch import watermarks

TRIES = 3
"""A transfer error mends itself on a second fetch; three equal ones are on disk."""

PROBE_S, LOOK_S = 10.0, 0.1
SETTLE_S = 0.05
"""Wait between giving up a partition and closing (librdkafka issue 4514): an offset out of range,
told while the library is closed, locks one of its threads for good, and the close never returns.
"""


class Sighting(NamedTuple):
    """The first damage of a partition in a poll; `offset` is where its batch starts."""

    partition: int
    offset: int
    detail: str


def first_damage(faults: list[Fault]) -> dict[int, Sighting]:
    """Find, by partition, the first fault that speaks of damage."""
    found: dict[int, Sighting] = {}
    for partition, offset, error in faults:
        if partition >= 0 and offset >= 0 and error.code() in DAMAGED:
            found.setdefault(partition, Sighting(partition, offset, error.name()))
    return found


class DamageLog:
    """Counts how often the same place was found damaged, and knows what was passed over."""

    def __init__(self) -> None:
        """Start with nothing seen."""
        self._seen: dict[int, tuple[int, int]] = {}
        self._passed: dict[int, int] = {}

    def is_stale(self, sighting: Sighting) -> bool:
        """Say whether this is an echo of what was passed over already."""
        return sighting.offset < self._passed.get(sighting.partition, 0)

    def is_lasting(self, sighting: Sighting) -> bool:
        """Count one sighting; true once the same place was seen often enough."""
        offset, times = self._seen.get(sighting.partition, (sighting.offset, 0))
        times = times + 1 if offset == sighting.offset else 1
        self._seen[sighting.partition] = (sighting.offset, times)
        return times >= TRIES

    def pass_over(self, partition: int, end: int) -> None:
        """Note that reading goes on at `end`."""
        self._passed[partition] = end

    def forget(self, partition: int) -> None:
        """Forget what was passed over: the partition went away, or reading went back."""
        self._passed.pop(partition, None)


class BatchProbe:
    """Finds where a damaged batch ends.

    Every look is made with a consumer of its own: what an earlier look left in the library's
    queues must not be taken for this one's answer, for a wrong end loses reads.
    """

    def __init__(self, properties: Properties, where: str) -> None:
        """Take the properties of a consumer that belongs to no live group."""
        self._properties = {**properties, "enable.partition.eof": True}
        self._properties["auto.offset.reset"] = "error"
        self._where = where

    def end_of(self, topic: str, damage: Sighting) -> int:
        """Give the first offset after the damaged batch.

        Raises:
            BrokerUnavailable: when the broker does not answer in time.

        """
        with translated(self._where), Consumer(self._properties) as consumer:
            place = TopicPartition(topic, damage.partition)
            bad, good = damage.offset, watermarks(consumer, place, PROBE_S)[1]
        step = 1
        while bad + step < good and self._is_bad(topic, damage, bad + step):
            bad, step = bad + step, step * 2
        good = min(good, bad + step)
        while bad + 1 < good:
            middle = (bad + good) // 2
            if self._is_bad(topic, damage, middle):
                bad = middle
            else:
                good = middle
        return good

    def _is_bad(self, topic: str, damage: Sighting, offset: int) -> bool:
        with translated(self._where), Consumer(self._properties) as consumer:
            consumer.assign([TopicPartition(topic, damage.partition, offset)])
            bad = _look(consumer, damage.offset, offset)
            consumer.unassign()
            consumer.poll(SETTLE_S)
        if bad is None:
            raise BrokerUnavailable(
                f"Kafka at {self._where}: a damaged batch in {topic} cannot be measured.",
                "Run `anpr doctor`, and check the broker's disks.",
            )
        return bad


def _look(consumer: Consumer, damaged: int, offset: int) -> bool | None:
    # Whether what comes first is damaged; None where nothing comes.
    for _ in range(int(PROBE_S / LOOK_S)):
        message = consumer.poll(LOOK_S)
        if message is None:
            continue
        error = message.error()
        if error is None or error.code() in OFFSET_UNKNOWN or _at_end(error):
            return False
        if error.code() in DAMAGED:
            # An error further on belongs to another batch, which gets its own turn.
            return message.offset() in {damaged, offset}
        if error.code() not in PASSING:
            break
    return None


def _at_end(error: KafkaError) -> bool:
    return error.code() == KafkaError._PARTITION_EOF  # noqa: SLF001 - the library's own name
