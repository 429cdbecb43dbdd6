"""The reads of a site's topic as units: offsets of a partition, in records of any form.

Which records are fetched goes by the time the broker took them in, which is the topic's own order;
which reads count goes by when they were captured. A read comes in after it was captured, at times
long after: a camera that was cut off sends what it kept. So records are fetched from the earliest
time asked for, less what a camera's clock may be ahead, and on to `late_us` after the last.
"""

from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial

from anpr_engine.kafka.history import History, HistorySettings, OffsetRange
from anpr_engine.pipeline.batches.records_in import reads_in
from anpr_engine.pipeline.batches.rules import RecordRules
from anpr_engine.pipeline.ingest import incoming
from anpr_engine.ports import RecordBatch
from anpr_engine.records.columns import ReadColumns
from anpr_engine.replay.units import KAFKA, RECORDS, Lane, Plan, Portion, Unit, numbered

UNIT_RECORDS = 50_000


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which records to fetch.

    from_us, until_us: captured from one time on up to another, microseconds since 1970; None for
    no bound. ahead_us: how far ahead a camera's clock may be. late_us: how late a read may come.
    begins, ends: offsets by partition, in place of times.
    """

    from_us: int | None = None
    until_us: int | None = None
    ahead_us: int = 300_000_000
    late_us: int = 86_400_000_000
    begins: Mapping[int, int] = field(default_factory=dict[int, int])
    ends: Mapping[int, int] = field(default_factory=dict[int, int])


class KafkaReads:
    """`units.Source` over one topic."""

    def __init__(self, settings: HistorySettings, rules: RecordRules) -> None:
        """Keep how to reach the topic, and what is accepted in a record."""
        self._settings, self._rules = settings, rules

    def plan(self, wanted: Wanted) -> Plan:
        """Cut what is wanted into units; where it ends is fixed now.

        Raises:
            BrokerError: nobody answers, we are refused, or the topic does not exist.
            UsageError: there is no such partition or offset.

        """
        with closing(History(self._settings)) as history:
            if wanted.begins or wanted.ends:
                ranges = history.at_offsets(wanted.begins, wanted.ends)
            else:
                ranges = history.between(
                    None if wanted.from_us is None else wanted.from_us - wanted.ahead_us,
                    None if wanted.until_us is None else wanted.until_us + wanted.late_us,
                )
        pieces = (piece for each in ranges for piece in self._pieces(each))
        return Plan(RECORDS, numbered(pieces))

    def portions(
        self, lane: Lane, stop: Callable[[], bool]
    ) -> Generator[tuple[Unit, Portion], None, None]:
        """Give the portions of a partition's units in order.

        Raises:
            BrokerError: reading cannot go on, or records are not there any more.

        """
        ranges = [OffsetRange(unit.partition, unit.begin, unit.end) for unit in lane]
        at = ranges[0].begin
        with closing(History(self._settings)) as history:
            for place, batch, reached in history.batches(ranges, stop):
                take = partial(self._taken, batch) if len(batch.values) else None
                where = partial(_record_of, batch)
                yield lane[place], Portion(take, max(0, reached - at), where, batch.damaged)
                at = max(at, reached)

    def _pieces(self, whole: OffsetRange) -> Iterator[Unit]:
        for begin in range(whole.begin, whole.end, UNIT_RECORDS):
            end = min(begin + UNIT_RECORDS, whole.end)
            topic = self._settings.topic
            yield Unit(0, KAFKA, topic, begin, end, end - begin, whole.partition)

    def _taken(self, batch: RecordBatch, latest_us: int) -> ReadColumns:
        return reads_in(incoming(batch), self._rules, latest_us)


def _record_of(batch: RecordBatch, reads: ReadColumns, row: int) -> str:
    origin, place = batch.origin(reads.record_of(row)), reads.place_of(row)
    within = "" if place is None else f" read {place + 1}"
    return f"{origin.topic}/{origin.partition}/{origin.offset}{within}"
