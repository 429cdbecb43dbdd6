"""A topic's past: ranges of offsets by time, and their records, without a trace on the broker.

Partitions are assigned by hand, in no group, and nothing is committed. Only committed records are
given. A range's end is an offset that is fixed before reading begins, so reading comes to an end
however fast the topic grows.

Why the ordinary client: here matching costs a multiple of fetching, and ranges end at markers of
transactions, which only its end-of-partition events tell.
"""

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

from confluent_kafka import Consumer, KafkaError, Message, TopicPartition

from anpr_engine.clock import SystemClock
from anpr_engine.errors import BrokerError, BrokerUnavailable, UsageError
from anpr_engine.kafka.batch import KafkaBatch
from anpr_engine.kafka.client import Fault
from anpr_engine.kafka.client_settings import (
    NO_SECURITY,
    Properties,
    Security,
    StreamSettings,
    common,
    follower,
)
from anpr_engine.kafka.damage import BatchProbe, DamageLog, first_damage
from anpr_engine.kafka.errors import PASSING, loses_place, translate, translated
from anpr_engine.kafka.watch import ClientWatch, reach, watermarks
from anpr_engine.ports import DamagedRecord

LOOK_S, SILENCE_S_MAX, ASK_S = 0.1, 30.0, 15.0
FIRST_RECORDS, RECORDS_MAX, BATCH_BYTES = 256, 8192, 8 * 1024 * 1024
"""Records asked for at once: few until their size is known, then about so many bytes."""


@dataclass(frozen=True, slots=True)
class HistorySettings:
    """Which topic, and how to reach it; `check_crcs` as for any consumer.

    group: what the group's name begins with, for access rules; nothing is committed in it.
    """

    bootstrap: str
    topic: str
    security: Security = NO_SECURITY
    check_crcs: bool = True
    start_timeout_s: float = 15.0
    group: str = "anpr.replay"

    @classmethod
    def beside(cls, stream: StreamSettings, topic: str, group: str) -> Self:
        """Reach a topic as an engine reaches its own."""
        return cls(stream.bootstrap, topic, stream.security, stream.check_crcs, group=group)


class OffsetRange(NamedTuple):
    """Records of one partition: from `begin` up to, not including, `end`."""

    partition: int
    begin: int
    end: int


class History:
    """Reads ranges of one topic; for one thread."""

    def __init__(self, settings: HistorySettings) -> None:
        """Connect and make sure that the topic is there.

        Raises:
            BrokerError: nobody answers, we are refused, or the topic does not exist.

        """
        self._topic = settings.topic
        self._where = f"{settings.bootstrap}, topic {settings.topic}"
        self._watch = ClientWatch(settings.bootstrap)
        base = common(settings.bootstrap, settings.security, self._watch.hear)
        self._properties: Properties = {
            **base,
            **follower(f"{settings.group}.{uuid.uuid4().hex}", check_crcs=settings.check_crcs),
            "auto.offset.reset": "error",
            "enable.partition.eof": True,
        }
        self._clock, self._damage = SystemClock(), DamageLog()
        with translated(self._where):
            self._consumer = Consumer(self._properties)
        try:
            self._partitions = self._reach(settings.start_timeout_s)
        except BrokerError:
            self.close()
            raise

    def between(self, from_us: int | None, until_us: int | None) -> list[OffsetRange]:
        """Give the records appended from one time on up to another, as ranges by partition.

        Args:
            from_us: microseconds since 1970; None for the first record there is.
            until_us: None for the last committed record there is now.

        Raises:
            BrokerError: the broker does not answer, or refuses.

        """
        begins = self._offsets_at(from_us)
        ends = self._offsets_at(until_us)
        found = []
        for partition in self._partitions:
            low, high = self._bounds(partition)
            begin = low if from_us is None else _inside(begins[partition], low, high)
            end = high if until_us is None else _inside(ends[partition], low, high)
            found.append(OffsetRange(partition, begin, max(begin, end)))
        return found

    def at_offsets(self, begins: Mapping[int, int], ends: Mapping[int, int]) -> list[OffsetRange]:
        """Give ranges by offsets; of a partition named once the other end is what there is.

        Raises:
            UsageError: there is no such partition, or no such offset any more.
            BrokerError: the broker does not answer, or refuses.

        """
        found = []
        for partition in sorted(begins.keys() | ends.keys()):
            if partition not in self._partitions:
                what = f"{self._topic} has no partition {partition}, but 0 to "
                raise UsageError(f"{what}{max(self._partitions)}.", "Give one of these.")
            low, high = self._bounds(partition)
            begin, end = begins.get(partition, low), min(ends.get(partition, high), high)
            if begin < low:
                what = f"Partition {partition} of {self._topic} begins at offset {low} now."
                raise UsageError(what, "Give --from-offset no lower than that.")
            found.append(OffsetRange(partition, begin, max(begin, end)))
        return found

    def batches(
        self, ranges: Sequence[OffsetRange], stop: Callable[[], bool]
    ) -> Iterator[tuple[int, KafkaBatch, int]]:
        """Give the records of ranges that follow one another in one partition.

        Gives the place of the range, its next records, and the offset reached. Ends early once
        `stop` says so. Every range is told at least once, with no records where it has none.

        Raises:
            BrokerError: reading cannot go on, or records are not there any more.

        """
        if not ranges:
            return
        first = ranges[0]
        low, _ = self._bounds(first.partition)
        if low > first.begin < ranges[-1].end:
            raise self._deleted(first.begin)
        reading = _Reading(self._consumer, TopicPartition(self._topic, first.partition))
        reading.go_to(first.begin)
        for place, part in enumerate(ranges):
            more = True
            while more and not stop():
                damaged = self._fetch(reading, part.end, stop)
                records = reading.take(part.end)
                more = not reading.is_past(part.end)
                yield place, KafkaBatch(records, damaged), min(reading.known, part.end)

    def close(self) -> None:
        """Release the client."""
        self._consumer.close()

    def _fetch(
        self, reading: "_Reading", end: int, stop: Callable[[], bool]
    ) -> list[DamagedRecord]:
        """Wait until there is something before `end`, or nothing can be; gives what is damaged."""
        quiet_since_s = self._clock.monotonic_s()
        while not (reading.has_before(end) or reading.is_past(end) or stop()):
            with translated(self._where):
                fault = reading.fetch()
            self._watch.check()
            damaged = None if fault is None else self._settle(reading, fault)
            if damaged is not None:
                return [damaged]
            if self._clock.monotonic_s() - quiet_since_s > SILENCE_S_MAX:
                what = f"Kafka at {self._where}: no record came for {SILENCE_S_MAX:.0f} s."
                raise BrokerUnavailable(what, "Run `anpr doctor`.")
        return []

    def _settle(self, reading: "_Reading", fault: Fault) -> DamagedRecord | None:
        """Set reading right after a fault; gives what is passed over for good."""
        sighting = first_damage([fault]).get(fault.partition)
        if sighting is None:
            if loses_place(fault.error, self._where):
                raise self._deleted(reading.known)
            return None
        at, lost = sighting.offset, None
        if self._damage.is_stale(sighting):
            return None
        if self._damage.is_lasting(sighting):
            at = BatchProbe(self._properties, self._where).end_of(self._topic, sighting)
            self._damage.pass_over(fault.partition, at)
            lost = DamagedRecord(self._topic, fault.partition, sighting.offset, at, sighting.detail)
        reading.go_to(at)
        return lost

    def _reach(self, timeout_s: float) -> tuple[int, ...]:
        found = reach(
            self._consumer,
            self._topic,
            watch=self._watch,
            serve=lambda: self._consumer.consume(1, 0),
            deadline_s=self._clock.monotonic_s() + timeout_s,
            clock=self._clock,
        )
        return tuple(sorted(found.partitions))

    def _bounds(self, partition: int) -> tuple[int, int]:
        with translated(self._where):
            return watermarks(self._consumer, TopicPartition(self._topic, partition), ASK_S)

    def _offsets_at(self, at_us: int | None) -> dict[int, int]:
        # The first record at or after a time; -1 where there is none.
        if at_us is None:
            return {}
        at_ms = max(0, at_us // 1000)
        asked = [TopicPartition(self._topic, each, at_ms) for each in self._partitions]
        with translated(self._where):
            told = self._consumer.offsets_for_times(asked, timeout=ASK_S)
        for place in told:
            if place.error is not None:
                raise translate(place.error, self._where)
        return {place.partition: place.offset for place in told}

    def _deleted(self, at: int) -> BrokerError:
        return BrokerError(
            f"Kafka at {self._where}: records from offset {at} on are not there any more.",
            "Give --restart to replay what the broker still keeps.",
        )


class _Reading:
    """One partition: records fetched and not yet taken, and how far nothing else can come.

    `known`: every record before it was fetched, or does not exist.
    """

    def __init__(self, consumer: Consumer, place: TopicPartition) -> None:
        self._consumer, self._place = consumer, place
        self._fetched: list[Message] = []
        self._room = FIRST_RECORDS
        self.known = 0

    def go_to(self, offset: int) -> None:
        """Read from an offset on; what was fetched from before it stays."""
        self._fetched = [each for each in self._fetched if _offset(each) < offset]
        self.known = offset
        place = TopicPartition(self._place.topic, self._place.partition, offset)
        self._consumer.assign([place])

    def has_before(self, end: int) -> bool:
        """Say whether there is a record to take."""
        return bool(self._fetched) and _offset(self._fetched[0]) < end

    def is_past(self, end: int) -> bool:
        """Say whether all records before an offset were taken."""
        return self.known >= end and not self.has_before(end)

    def fetch(self) -> Fault | None:
        """Fetch once, up to the first fault, which is given; what comes after it is no worth."""
        for message in self._consumer.consume(self._room, LOOK_S):
            error, offset = message.error(), _offset(message)
            if error is None:
                self._fetched.append(message)
                self.known = offset + 1
            elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - the library's name
                self.known = max(self.known, offset)
            elif error.code() not in PASSING:
                return Fault(self._place.partition, offset, error)
        if self._fetched:
            size = sum(map(len, self._fetched)) // len(self._fetched)
            self._room = max(1, min(RECORDS_MAX, BATCH_BYTES // max(size, 1)))
        return None

    def take(self, end: int) -> list[Message]:
        """Take what was fetched and lies before an offset; the rest is for later."""
        count = sum(_offset(each) < end for each in self._fetched)
        taken, self._fetched = self._fetched[:count], self._fetched[count:]
        return taken


def _offset(message: Message) -> int:
    found = message.offset()
    return -1 if found is None else found


def _inside(offset: int, low: int, high: int) -> int:
    return high if offset < 0 else max(low, min(offset, high))
