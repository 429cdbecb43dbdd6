"""Every metric of the engine, declared here and nowhere else.

Labels are closed sets (reasons, tiers, stages, topics, sites); a plate, name or camera is never
one. The only module that imports prometheus_client.
"""

from dataclasses import dataclass
from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

Kind = Literal["counter", "gauge", "histogram"]

STAGE_BUCKETS = (5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 1e-2, 2.5e-2, 5e-2, 0.1, 0.25, 1.0)
LATENCY_BUCKETS = (5e-3, 1e-2, 2e-2, 3e-2, 5e-2, 0.1, 0.2, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric: its name with unit, kind, meaning, labels, and bounds for a histogram."""

    name: str
    kind: Kind
    meaning: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


READS = Metric("anpr_reads_total", "counter", "Records taken from the reads topic.")
REJECTS = Metric("anpr_reads_rejected_total", "counter", "Records that are no read.", ("reason",))
UNMATCHABLE = Metric(
    "anpr_reads_unmatchable_total",
    "counter",
    "Reads whose plate can match nothing; dropped on purpose.",
    ("reason",),
)
HITS = Metric("anpr_hits_total", "counter", "Reads that belong to an entry.", ("tier",))
HITS_WITHHELD = Metric(
    "anpr_hits_withheld_total",
    "counter",
    "Hits that policy, validity or a passage's earlier read kept back; dropped on purpose.",
    ("reason",),
)
ALERTS = Metric("anpr_alerts_total", "counter", "Alerts committed.", ("recipient",))
ALERTS_UPGRADED = Metric(
    "anpr_alerts_upgraded_total",
    "counter",
    "Alerts committed that supersede an earlier one of the same passage.",
)
STAGE_SECONDS = Metric(
    "anpr_stage_seconds", "histogram", "Time a batch spent in a stage.", ("stage",), STAGE_BUCKETS
)
ALERT_LATENCY = Metric(
    "anpr_read_to_alert_seconds",
    "histogram",
    "From the read's arrival at the broker to its alert's commit.",
    (),
    LATENCY_BUCKETS,
)
CONSUMER_LAG = Metric(
    "anpr_consumer_lag_reads", "gauge", "Records waiting in Kafka.", ("partition",)
)
READS_OLDEST = Metric(
    "anpr_reads_oldest_age_seconds",
    "gauge",
    "Age of the oldest read that the broker still holds; looked at once a minute.",
    ("topic",),
)
TOPICS_KEPT_WRONG = Metric(
    "anpr_topics_kept_wrong",
    "gauge",
    "1 for a topic that keeps things longer than the rules of law allow, or the record shorter.",
    ("topic",),
)
TOPICS_LOOKED_AT = Metric(
    "anpr_topics_last_looked_at_timestamp_seconds",
    "gauge",
    "When the settings of the site's topics were last held against the rules of law, Unix time.",
)
LAST_COMMIT = Metric(
    "anpr_last_commit_timestamp_seconds", "gauge", "When progress was last saved, Unix time."
)
ROLLBACKS = Metric("anpr_rollbacks_total", "counter", "Transactions rolled back and done again.")
PRODUCER_RECYCLED = Metric(
    "anpr_producer_recycled_total", "counter", "Fresh producers taken after a doubtful commit."
)
NATIVE_DRAIN = Metric(
    "anpr_native_drain",
    "gauge",
    "1 while reads come by the native client, 0 by the ordinary one.",
)
LIST_VERSION = Metric("anpr_watchlist_version", "gauge", "Version of the watchlists in use.")
LIST_VERIFIED = Metric(
    "anpr_watchlist_last_verified_timestamp_seconds",
    "gauge",
    "When Redis last confirmed the watchlists in use, Unix time.",
)
LIST_AGE = Metric(
    "anpr_watchlist_age_seconds", "gauge", "Time since Redis confirmed the watchlists in use."
)
LIST_ENTRIES = Metric("anpr_watchlist_entries", "gauge", "Entries in use.", ("list",))
LIST_CHANGE_SECONDS = Metric(
    "anpr_watchlist_change_seconds",
    "histogram",
    "From a change's commit in Redis to its use in matching.",
    (),
    LATENCY_BUCKETS,
)
LIST_RELOADS = Metric("anpr_watchlist_reloads_total", "counter", "Whole loads.", ("cause",))
LIST_REFUSED = Metric(
    "anpr_watchlist_refused_total", "counter", "States of Redis not taken over.", ("cause",)
)
FILTER_FILL = Metric("anpr_filter_fill_ratio", "gauge", "Share of the filter's bits set.")
FILTER_PROBES = Metric("anpr_filter_probes_total", "counter", "Keys asked of the filter.")
FILTER_FALSE = Metric(
    "anpr_filter_false_positives_total", "counter", "Filter answers `maybe` the table refuted."
)
FILTER_FALSE_RATIO = Metric(
    "anpr_filter_false_positive_ratio",
    "gauge",
    "Measured: refuted `maybe` answers per probe of a key not listed.",
)
POLICY_REFUSED = Metric(
    "anpr_policy_refused", "gauge", "1 while the folder of rules is wrong and older rules hold on."
)
AGREED_REFUSED = Metric(
    "anpr_agreed_refused",
    "gauge",
    "1 while a file of arrangements or joint actions is wrong and an older one holds on.",
)
FEEDBACK_UNPROVED = Metric(
    "anpr_feedback_unproved_total",
    "counter",
    "Events of handling that were forged, or that nobody signed; each record once.",
    ("state",),
)
ODD_USE = Metric(
    "anpr_odd_use_total",
    "counter",
    "Acts of people that a supervisor should ask about, told by this engine; each once.",
    ("rule",),
)
BUILD_INFO = Metric("anpr_build_info", "gauge", "Always 1.", ("version", "site"))

METRICS: tuple[Metric, ...] = (
    READS,
    REJECTS,
    UNMATCHABLE,
    HITS,
    HITS_WITHHELD,
    ALERTS,
    ALERTS_UPGRADED,
    STAGE_SECONDS,
    ALERT_LATENCY,
    CONSUMER_LAG,
    READS_OLDEST,
    TOPICS_KEPT_WRONG,
    TOPICS_LOOKED_AT,
    LAST_COMMIT,
    ROLLBACKS,
    PRODUCER_RECYCLED,
    NATIVE_DRAIN,
    LIST_VERSION,
    LIST_VERIFIED,
    LIST_AGE,
    LIST_ENTRIES,
    LIST_CHANGE_SECONDS,
    LIST_RELOADS,
    LIST_REFUSED,
    FILTER_FILL,
    FILTER_PROBES,
    FILTER_FALSE,
    FILTER_FALSE_RATIO,
    POLICY_REFUSED,
    AGREED_REFUSED,
    FEEDBACK_UNPROVED,
    ODD_USE,
    BUILD_INFO,
)


class Metrics:
    """The metrics of one engine in a registry of its own."""

    def __init__(self) -> None:
        """Register every metric of the table."""
        self._registry = CollectorRegistry()
        self._made: dict[str, Counter | Gauge | Histogram] = {}
        for metric in METRICS:
            self._made[metric.name] = self._make(metric)

    def _make(self, metric: Metric) -> Counter | Gauge | Histogram:
        if metric.kind == "histogram":
            return Histogram(
                metric.name,
                metric.meaning,
                metric.labels,
                registry=self._registry,
                buckets=metric.buckets,
            )
        made = Counter if metric.kind == "counter" else Gauge
        return made(metric.name, metric.meaning, metric.labels, registry=self._registry)

    def add(self, metric: Metric, amount: float = 1, *labels: str) -> None:
        """Raise a counter."""
        made = self._made[metric.name]
        target = made.labels(*labels) if labels else made
        assert isinstance(target, Counter)  # noqa: S101 - the table's kind is the contract
        target.inc(amount)

    def put(self, metric: Metric, value: float, *labels: str) -> None:
        """Set a gauge."""
        made = self._made[metric.name]
        target = made.labels(*labels) if labels else made
        assert isinstance(target, Gauge)  # noqa: S101 - the table's kind is the contract
        target.set(value)

    def observe(self, metric: Metric, value: float, *labels: str) -> None:
        """Record one value in a histogram."""
        made = self._made[metric.name]
        target = made.labels(*labels) if labels else made
        assert isinstance(target, Histogram)  # noqa: S101 - the table's kind is the contract
        target.observe(value)

    def value(self, name: str, **labels: str) -> float:
        """Read one sample back, 0 when it was never set; for reports and tests."""
        return self._registry.get_sample_value(name, labels) or 0.0

    def page(self) -> bytes:
        """Write all metrics in the Prometheus text format."""
        return generate_latest(self._registry)
