"""One site's engine: take a batch, step, publish, commit, until told to stop.

All that a reader must hold is on this screen. Everything that touches the world is a port.

In a backlog a batch is read and matched while the one before it is being saved: the broker's
answer takes as long as a good part of the matching. What depends on the batch before, the books of
passages and of sightings, is looked at only when that is durable.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from anpr_engine.logs import get_logger
from anpr_engine.pipeline.columns import Circumstances, instant
from anpr_engine.pipeline.core import StepResult, StepRules, conclude, look, weigh
from anpr_engine.pipeline.crew import ALONE, Crew
from anpr_engine.pipeline.ingest import RejectGuard, incoming, take_batch
from anpr_engine.pipeline.journeys import PlaceRules
from anpr_engine.pipeline.passages import PASSAGES_MAX, PassageBook
from anpr_engine.pipeline.places import SightingBook
from anpr_engine.pipeline.publish import (
    Refused,
    alert_records,
    dead_letter,
    sealed,
    start_record,
    withheld_records,
)
from anpr_engine.pipeline.recalls import Recalls
from anpr_engine.pipeline.report import EngineReport, RunTotals
from anpr_engine.policy.handled import Progress, nothing_known
from anpr_engine.policy.handling_events import SubjectId
from anpr_engine.policy.told_today import ToldBook, nobody_told
from anpr_engine.ports import (
    AlertGuard,
    AuditChain,
    BatchLimits,
    Clock,
    ReadStream,
    RecordBatch,
    RecordOrigin,
)
from anpr_engine.records.rejected_read import RejectReason
from anpr_engine.watchlist.snapshot import Snapshot
from anpr_engine.wire import OutgoingRecord, SiteTopics

OVERLAP_READS_MIN = 4096
"""A smaller batch is no backlog: its commit is awaited at once, so that latencies are true."""
START_TRIES = 6
"""One more than the stream takes before it raises."""


class Watchlists(Protocol):
    """The newest snapshot, and when it was last known to be the newest."""

    @property
    def current(self) -> Snapshot:
        """The snapshot to match the next batch against."""
        ...

    @property
    def verified_at_us(self) -> int:
        """When the store last confirmed it, microseconds since 1970."""
        ...

    @property
    def received_at_us(self) -> Mapping[str, int] | None:
        """When each other site's list was last received, microseconds since 1970."""
        ...


@dataclass(frozen=True, slots=True)
class EngineRules:
    """What a site has set for its engine.

    stale_after_ms: the age at which lists are old. passages_max: how many passages are kept.
    changes: settings that the record names at each start.
    """

    site: str
    step: StepRules = field(default_factory=StepRules)
    limits: BatchLimits = field(default_factory=BatchLimits)
    stale_after_ms: int = 30_000
    keep_payload: bool = False
    passages_max: int = PASSAGES_MAX
    changes: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class EnginePorts:
    """What the engine works with.

    crew: the threads that share a batch out. audit: None leaves audit lines without a chain.
    guard: None lets alerts out unsigned and unsealed. handled: what was done about entries so far.
    recalls: None takes no alert back. told: what went abroad today; None counts nothing.
    """

    stream: ReadStream
    watchlists: Watchlists
    clock: Clock
    crew: Crew = ALONE
    audit: AuditChain | None = None
    guard: AlertGuard | None = None
    handled: Callable[[SubjectId], Progress] = nothing_known
    recalls: Recalls | None = None
    told: ToldBook | None = None


class SiteEngine:
    """Takes reads to alerts for one site."""

    def __init__(
        self, rules: EngineRules, ports: EnginePorts, guard: RejectGuard, report: EngineReport
    ) -> None:
        """Put the engine together; nothing is opened here."""
        self._rules = rules
        self._ports = ports
        self._guard = guard
        self._report = report
        self._topics = SiteTopics(rules.site)
        self._book = PassageBook(rules.passages_max)
        self._sightings = SightingBook(rules.step.places or PlaceRules())
        self._under_way: tuple[RecordBatch, StepResult] | None = None

    def run(self, stop: Callable[[], bool], *, until_end: bool = False) -> RunTotals:
        """Work until told to stop, or until the end offsets seen at the start are reached.

        Raises:
            RejectShareExceeded: too many records are no reads.
            BrokerError: the stream cannot go on.

        """
        log = get_logger()
        stream = self._ports.stream
        self._note_start()
        log.info("engine_started", site=self._rules.site)
        while not stop():
            batch = take_batch(stream, self._rules.limits)
            if batch is not None:
                self._work(batch)
            elif self._settle() and not stream.commit([]):
                self._report.rolled_back()
            self._recall()
            self._report.waiting(stream.lag(), self._ports.watchlists.current)
            if until_end and stream.caught_up() and self._settle() and not self._looks_left():
                break
        self._settle()
        if self._ports.recalls is not None:
            self._ports.recalls.close()
        stream.close()
        log.info("engine_stopped", site=self._rules.site)
        return self._report.totals()

    def _note_start(self) -> None:
        # The first transaction of a producer is slow: better this one than the first alert's.
        now = instant(self._ports.clock.now_us())
        version = self._ports.watchlists.current.version
        policy = self._rules.step.policies().version
        started = [start_record(self._topics, now, version, policy, self._rules.changes)]
        for _ in range(START_TRIES):
            # Refused again and again, the stream raises what stands behind it: an engine that
            # may not write its audit must not wait for its first alert to find out.
            saved = self._ports.stream.commit(self._sealed(started))
            self._settle_audit(saved=saved)
            if saved:
                return

    def _work(self, batch: RecordBatch) -> None:
        self._report.start_batch()
        snapshot = self._ports.watchlists.current
        where = self._circumstances()
        rules, lap = self._rules.step, self._report.lap
        looked = look(incoming(batch), snapshot, rules, where, lap, self._ports.crew)
        if not self._settle():
            # This batch comes again, behind the one before it.
            return
        looked = weigh(looked, snapshot, rules, self._sightings)
        result = conclude(looked, snapshot, rules, where, self._book, lap)
        self._guard.admit(len(result.reads), len(result.rejects) + len(batch.damaged))
        outgoing = self._outgoing(batch, result, where, snapshot.version)
        self._report.lap("publish")
        self._under_way = batch, result
        self._ports.stream.start_commit(self._sealed(outgoing))
        if len(result.reads) < OVERLAP_READS_MIN:
            self._settle()

    def _settle(self) -> bool:
        """Wait for the batch that is being saved; False when it was rolled back."""
        saved = self._ports.stream.finish_commit()
        self._settle_audit(saved=saved)
        under_way, self._under_way = self._under_way, None
        if under_way is not None and saved:
            batch, result = under_way
            # Only now: of a batch that was rolled back nobody has seen an alert.
            self._book.apply(result.passages)
            self._sightings.apply(result.sightings)
            if self._ports.recalls is not None:
                self._ports.recalls.sent(result.alerts)
            if self._ports.told is not None:
                self._ports.told.sent(each.alert for each in result.alerts)
            self._report.committed(batch, result)
        elif not saved:
            self._report.rolled_back()
        return saved

    def _recall(self) -> None:
        recalls = self._ports.recalls
        # Every alert decided by the lists of before a change is durable before that is looked at.
        if recalls is None or not recalls.pending() or not self._settle():
            return
        records, more = recalls.due(), True
        while more:
            if records:
                self._ports.stream.start_commit(self._sealed(records))
            # What comes next is prepared while the broker is at this; looks wait for a batch.
            more = recalls.pressing()
            records = recalls.due() if more else []
            saved = self._ports.stream.finish_commit()
            self._settle_audit(saved=saved)
            recalls.settle(saved=saved)
            if not saved:
                self._report.rolled_back()
                return

    def _looks_left(self) -> bool:
        return self._ports.recalls is not None and self._ports.recalls.looking()

    def _sealed(self, records: Sequence[OutgoingRecord]) -> Sequence[OutgoingRecord]:
        chain = self._ports.audit
        return records if chain is None else sealed(records, self._topics, chain)

    def _settle_audit(self, *, saved: bool) -> None:
        if self._ports.audit is not None:
            self._ports.audit.settle(saved=saved)

    def _circumstances(self) -> Circumstances:
        now_us = self._ports.clock.now_us()
        age_ms = max(0, now_us - self._ports.watchlists.verified_at_us) // 1000
        stale = age_ms > self._rules.stale_after_ms
        received = self._ports.watchlists.received_at_us
        ports = self._ports
        told = nobody_told if ports.told is None else ports.told.of
        site = self._rules.site
        return Circumstances(site, now_us, age_ms, stale, received, ports.handled, told)

    def _outgoing(
        self, batch: RecordBatch, result: StepResult, where: Circumstances, version: int
    ) -> Sequence[OutgoingRecord]:
        records = alert_records(result.alerts, self._topics, self._ports.guard)
        if result.refused:
            begins = batch.origin(0)
            records += withheld_records(result.refused, self._topics, where, version, begins)
        now = instant(where.now_us)
        reads, keep = result.reads, self._rules.keep_payload
        for reject in result.rejects:
            record, place = reads.record_of(reject.row), reads.place_of(reject.row)
            value = batch.values[record] if place is None else reads.values[reject.row]
            refused = Refused(value, reject.reason, reject.detail, place)
            origin = batch.origin(record)
            records.append(dead_letter(origin, refused, self._topics, now, keep_payload=keep))
        for damaged in batch.damaged:
            origin = RecordOrigin(damaged.topic, damaged.partition, damaged.offset, -1)
            detail = f"{damaged.detail} up to {damaged.offset_end}"
            refused = Refused(b"", RejectReason.CORRUPT_BATCH, detail)
            records.append(dead_letter(origin, refused, self._topics, now))
        return records
