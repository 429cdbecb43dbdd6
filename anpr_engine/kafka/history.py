"""A topic's past: ranges of offsets by time, and their records, without a trace on the broker.

Partitions are assigned by hand, in no group, and nothing is committed. Only committed records are
given. A range's end is an offset that is fixed before reading begins, so reading comes to an end
however fast the topic grows.

What there is, is asked with the ordinary client; records are read with the one that is wished for.
"""

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import NamedTuple, Self

from confluent_kafka import Consumer, TopicPartition

from anpr_engine.clock import SystemClock
from anpr_engine.errors import BrokerError, BrokerUnavailable, UsageError
from anpr_engine.kafka.client import Fault
from anpr_engine.kafka.client_choice import library_for
from anpr_engine.kafka.client_settings import (
    NO_SECURITY,
    ClientName,
    Properties,
    Security,
    StreamSettings,
    common,
    follower,
)
from anpr_engine.kafka.damage import BatchProbe, DamageLog, first_damage
from anpr_engine.kafka.errors import loses_place, translate, translated
from anpr_engine.kafka.native_reading import NativeReading
from anpr_engine.kafka.reading import PlainReading, Reading
from anpr_engine.kafka.watch import ClientWatch, reach, watermarks
from anpr_engine.ports import DamagedRecord, RecordBatch

SILENCE_S_MAX, ASK_S = 30.0, 15.0


@dataclass(frozen=True, slots=True)
class HistorySettings:
    """Which topic, and how to reach it; `check_crcs` as for any consumer.

    group: what the group's name begins with, for access rules; nothing is committed in it.
    client: who reads; the native client pays where there are many records.
    """

    bootstrap: str
    topic: str
    security: Security = NO_SECURITY
    check_crcs: bool = True
    start_timeout_s: float = 15.0
    group: str = "anpr.replay"
    client: ClientName = "plain"

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
        self._library = library_for(settings.client)
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
    ) -> Iterator[tuple[int, RecordBatch, int]]:
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
        with translated(self._where), closing(self._reading(first.partition)) as reading:
            reading.go_to(first.begin)
            for place, part in enumerate(ranges):
                more = True
                while more and not stop():
                    damaged = self._fetch(reading, part.end, stop)
                    batch = reading.take(part.end, damaged)
                    more = not _is_past(reading, part.end)
                    yield place, batch, min(reading.known, part.end)

    def close(self) -> None:
        """Release the client."""
        self._consumer.close()

    def _reading(self, partition: int) -> Reading:
        if self._library is not None:
            return NativeReading(self._library, self._properties, self._topic, partition)
        return PlainReading(self._consumer, TopicPartition(self._topic, partition))

    def _fetch(self, reading: Reading, end: int, stop: Callable[[], bool]) -> list[DamagedRecord]:
        """Wait until there is something before `end`, or nothing can be; gives what is damaged."""
        quiet_since_s = self._clock.monotonic_s()
        while not (reading.has_before(end) or _is_past(reading, end) or stop()):
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

    def _settle(self, reading: Reading, fault: Fault) -> DamagedRecord | None:
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


def _is_past(reading: Reading, end: int) -> bool:
    # Whether all records before an offset were taken.
    return reading.known >= end and not reading.has_before(end)


def _inside(offset: int, low: int, high: int) -> int:
    return high if offset < 0 else max(low, min(offset, high))
