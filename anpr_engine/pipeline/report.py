"""What the engine says of its work: metrics per batch, totals at the end."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from anpr_engine.kernels.bloom import fill_ratio
from anpr_engine.kernels.table import PROBED, REFUTED
from anpr_engine.metrics import table as metric
from anpr_engine.metrics.table import Metrics
from anpr_engine.pipeline.columns import EXACT, TIERS
from anpr_engine.pipeline.core import StepResult
from anpr_engine.pipeline.decide import recipients_of
from anpr_engine.plates.normaliser import STATUS_NAMES
from anpr_engine.ports import Clock, RecordBatch
from anpr_engine.records.columns import REFUSED
from anpr_engine.watchlist.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class RunTotals:
    """What one run did; `seconds` from the first batch to the last."""

    reads: int
    rejected: int
    hits: int
    alerts: int
    seconds: float

    @property
    def reads_per_second(self) -> float:
        """Reads by seconds, 0 when nothing was read."""
        return self.reads / self.seconds if self.seconds > 0 else 0.0


class EngineReport:
    """Counts what was committed; what was rolled back is done again and counted then."""

    def __init__(self, metrics: Metrics, clock: Clock) -> None:
        """Start at zero."""
        self._metrics = metrics
        self._clock = clock
        self._counts = {"reads": 0, "rejected": 0, "hits": 0, "alerts": 0}
        self._probed = self._refuted = self._exact = 0
        self._started_s: float | None = None
        self._ended_s = 0.0
        self._lap_s = 0.0
        self._filter_of: object = None
        self._waiting_due_s = 0.0

    def start_batch(self) -> None:
        """Begin to measure a batch."""
        self._lap_s = self._clock.monotonic_s()
        if self._started_s is None:
            self._started_s = self._lap_s

    def lap(self, stage: str) -> None:
        """Note that a stage is done."""
        now_s = self._clock.monotonic_s()
        self._metrics.observe(metric.STAGE_SECONDS, now_s - self._lap_s, stage)
        self._lap_s = now_s

    def rolled_back(self) -> None:
        """Begin anew: the reads come again."""
        self._lap_s = self._clock.monotonic_s()

    def committed(self, batch: RecordBatch, result: StepResult) -> None:
        """Count a batch whose transaction is durable."""
        self.lap("commit")
        self._ended_s = self._lap_s
        self._count(result, rejected=len(result.rejects) + len(batch.damaged))
        for reject in result.rejects:
            self._metrics.add(metric.REJECTS, 1, reject.reason.value)
        for _ in batch.damaged:
            self._metrics.add(metric.REJECTS, 1, "corrupt-batch")
        self._count_plates(result)
        self._count_hits(result)
        self._count_alerts(batch, result)

    def _count(self, result: StepResult, rejected: int) -> None:
        counts = self._counts
        counts["reads"] += len(result.reads)
        counts["rejected"] += rejected
        counts["hits"] += len(result.hits)
        counts["alerts"] += len(result.alerts)
        self._metrics.add(metric.READS, len(result.reads))

    def _count_plates(self, result: StepResult) -> None:
        statuses = np.bincount(result.plates.status, minlength=1)
        for status in np.flatnonzero(statuses[1:]) + 1:
            if status != REFUSED:
                name = STATUS_NAMES[int(status)]
                self._metrics.add(metric.UNMATCHABLE, int(statuses[status]), name)
        probed, refuted = int(result.hits.tally[PROBED]), int(result.hits.tally[REFUTED])
        self._metrics.add(metric.FILTER_PROBES, probed)
        self._metrics.add(metric.FILTER_FALSE, refuted)
        self._probed += probed
        self._refuted += refuted

    def _count_hits(self, result: StepResult) -> None:
        tiers = np.bincount(result.hits.tier, minlength=1)
        self._exact += int(tiers[EXACT]) if len(tiers) > EXACT else 0
        for tier in np.flatnonzero(tiers):
            self._metrics.add(metric.HITS, int(tiers[tier]), TIERS[int(tier)].value)
        for reason, number in result.withheld.items():
            self._metrics.add(metric.HITS_WITHHELD, number, reason)

    def _count_alerts(self, batch: RecordBatch, result: StepResult) -> None:
        now_us = self._clock.now_us()
        for recipient, number in recipients_of(result.alerts).items():
            self._metrics.add(metric.ALERTS, number, recipient)
        upgraded = sum(decided.alert.supersedes is not None for decided in result.alerts)
        self._metrics.add(metric.ALERTS_UPGRADED, upgraded)
        for decided in result.alerts:
            appended_us = batch.origin(result.reads.record_of(decided.row)).appended_at_us
            if appended_us >= 0:
                self._metrics.observe(metric.ALERT_LATENCY, max(0, now_us - appended_us) / 1e6)

    def waiting(self, lag: Mapping[int, int], snapshot: Snapshot) -> None:
        """Refresh the gauges that no batch moves, at most five times a second."""
        now_s = self._clock.monotonic_s()
        if now_s < self._waiting_due_s:
            return
        self._waiting_due_s = now_s + 0.2
        for partition, records in lag.items():
            self._metrics.put(metric.CONSUMER_LAG, records, str(partition))
        self._put_filter(snapshot)

    def _put_filter(self, snapshot: Snapshot) -> None:
        if self._filter_of is not snapshot.base:
            self._filter_of = snapshot.base
            self._metrics.put(metric.FILTER_FILL, fill_ratio(snapshot.base.words))
        # Counted here: reading a metric back writes out all of them, 7 ms in all.
        strangers = self._probed - self._exact
        share = self._refuted / strangers if strangers > 0 else 0.0
        self._metrics.put(metric.FILTER_FALSE_RATIO, share)

    def totals(self) -> RunTotals:
        """Give the totals so far."""
        started_s = self._ended_s if self._started_s is None else self._started_s
        return RunTotals(**self._counts, seconds=max(0.0, self._ended_s - started_s))
