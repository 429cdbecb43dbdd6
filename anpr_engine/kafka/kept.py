"""Holds what topics keep against what the rules of law let a site keep.

A record goes from a topic with its whole segment, when the youngest record of that is too old: so
what is kept is the topic's period and one segment more. Topics of reads, events, recalls, reports
keep no longer than the longest period of any rule; the record of what was done no shorter either.

Why topics of alerts go by half of the shortest: see `topics_of_alerts`.
Who plans topics asks this, `anpr doctor`, and every engine of its own topics (`kept_watch`).
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal, NamedTuple

from anpr_engine.kafka.topics import DAY_MS, HOUR_MS, Topic
from anpr_engine.policy.periods import Period, periods
from anpr_engine.policy.policy_set import PolicySet
from anpr_engine.records.finding import Finding
from anpr_engine.wire import CROSS_BORDER_RECALLS, CROSS_BORDER_TOPIC, REPORTS_TOPIC, SiteTopics

CHECK = "kept"
SEGMENT_MS = 7 * DAY_MS
"""The age at which a broker ends a segment, where nothing else is set."""
SWEEP_MS = HOUR_MS // 6
"""Kafka looks for what is to be deleted every five minutes, and deletes a little later."""
FOR_EVER = -1
_READS, _HITS, _LOGS = "keep_read_hours", "keep_hit_days", "keep_log_days"
_UNIT_MS = {_READS: HOUR_MS, _HITS: DAY_MS, _LOGS: DAY_MS}
How = Literal["too-long", "too-short", "hidden"]
_NONE = "Write a rule that sets it, see `anpr_engine/policy/README.md`; without one no hit is told."


class Breach(NamedTuple):
    """A topic that keeps what it holds for another time than a rule lets it or orders.

    found_ms: how long, with its segment; below 0 for ever. segment_ms: the segment's part of that.
    how: `hidden` where only some of its hits end earlier. period_ms: of the rule; `allowed_ms` is
    less where nothing may outlive it.
    """

    topic: str
    how: How
    found_ms: int
    allowed_ms: float
    period_ms: float
    segment_ms: int
    rule: str

    @property
    def found(self) -> str:
        """How long it keeps things, in words."""
        return _days(self.found_ms)

    @property
    def allowed(self) -> str:
        """How long it may, in words."""
        return _days(self.allowed_ms)

    def finding(self) -> Finding:
        """Say what is wrong and what to do."""
        kept = f"{self.topic} keeps {self.found}; "
        if self.how == "too-short":
            what = f"{kept}{self.allowed} are ordered ({self.rule})"
            return Finding(CHECK, "fail", what, f"Set its retention.ms to {int(self.allowed_ms)}.")
        if self.how == "hidden":
            what = f"{kept}hits of {self.rule} end after {self.allowed}, what tells of them later"
            remedy = "Shorten retention.ms and segment.ms to purge earlier."
            return Finding(CHECK, "warn", what, remedy)
        most = int(self.allowed_ms - self.segment_ms)
        remedy = f"Set its retention.ms to {most} at most: `anpr topics apply`."
        whole = self.allowed_ms == self.period_ms
        why = "" if whole else f", so that no copy outlives {_days(self.period_ms)}"
        what = f"{kept}allowed are {self.allowed}{why} ({self.rule})"
        return Finding(CHECK, "fail", what, remedy if most > 0 else "Shorten its segment.ms too.")


def bound_topics(site: str) -> dict[str, str]:
    """Give the topics of a site whose records a rule's period binds, with that effect.

    Dead letters are none: they hold where a record came from, without its content.
    """
    names = SiteTopics(site)
    hits = (names.alerts, names.recalls, names.feedback)
    shared = (CROSS_BORDER_TOPIC, CROSS_BORDER_RECALLS, REPORTS_TOPIC)
    return {names.reads: _READS, names.audit: _LOGS} | dict.fromkeys((*hits, *shared), _HITS)


def topics_of_alerts(site: str) -> tuple[str, ...]:
    """Give those among them whose records have an end of their own (`kept_until`).

    Why they go by the shortest period: Kafka takes out no single record, so none may lie there past
    the end of the alert that has to go first. Why by half: a desk may send an alert on (`review`)
    in its last minute, with the end it had, and once at most; the copy lies there as long again.
    Why no key for each period, destroyed in place of the records: every recipient at both sites
    would have to destroy it, and whoever keeps one reads all of that period. Why others do not:
    they name alerts by id, reports whom a service met; none has an end of its own.
    """
    return SiteTopics(site).alerts, CROSS_BORDER_TOPIC


def settings_by_name(topics: Iterable[Topic]) -> dict[str, Mapping[str, str]]:
    """Give the settings of planned topics by name."""
    return {topic.name: dict(topic.settings) for topic in topics}


def kept_findings(
    topics: Mapping[str, Mapping[str, str]], policies: PolicySet, site: str
) -> Iterator[Finding]:
    """Say of each topic that breaks a rule's period what is wrong and what to do.

    Args:
        topics: settings by topic, planned ones or those in force.
        policies: the rules in force.
        site: whose topics; others are passed over.

    """
    for effect in _UNIT_MS:
        if not periods(policies, site, effect):
            what = f"no rule at {site} says how long that is kept which `{effect}` is of"
            yield Finding(CHECK, "fail", what, _NONE)
    for breach in breaches(topics, policies, site):
        yield breach.finding()


def breaches(
    topics: Mapping[str, Mapping[str, str]], policies: PolicySet, site: str
) -> Iterator[Breach]:
    """Give every topic that breaks a rule's period; the arguments are those of `kept_findings`."""
    ending = topics_of_alerts(site)
    for name, effect in bound_topics(site).items():
        allowed = periods(policies, site, effect)
        if name in topics and allowed:
            kept = _Kept(name, topics[name], effect)
            yield from kept.ended(allowed[0]) if name in ending else kept.breaches(allowed)


class _Kept:
    """How long one topic keeps what it holds."""

    def __init__(self, name: str, settings: Mapping[str, str], effect: str) -> None:
        self._name, self._effect, self._unit_ms = name, effect, _UNIT_MS[effect]
        kept_ms = int(settings.get("retention.ms", SEGMENT_MS))
        if "delete" not in settings.get("cleanup.policy", "delete"):
            kept_ms = FOR_EVER
        segment_ms = 0 if effect == _LOGS else int(settings.get("segment.ms", SEGMENT_MS))
        self._segment_ms, self._whole_ms = segment_ms, FOR_EVER
        if kept_ms >= 0:
            self._whole_ms = kept_ms + segment_ms

    def breaches(self, allowed: list[Period]) -> Iterator[Breach]:
        """Hold it against all periods, the shortest first."""
        shortest, longest = allowed[0], allowed[-1]
        long_ms = longest.value * self._unit_ms
        if self._longer_than(long_ms):
            yield self._breach("too-long", longest)
        elif self._effect == _LOGS and self._whole_ms < long_ms:
            yield self._breach("too-short", longest)
        elif self._effect == _HITS and self._longer_than(shortest.value * self._unit_ms):
            yield self._breach("hidden", shortest)

    def ended(self, shortest: Period) -> Iterator[Breach]:
        """Hold it against the end of the alert that has to go first, sent on at its last."""
        allowed_ms = shortest.value * self._unit_ms / 2 - SWEEP_MS
        if self._longer_than(allowed_ms):
            yield self._breach("too-long", shortest)._replace(allowed_ms=allowed_ms)

    def _longer_than(self, time_ms: float) -> bool:
        return self._whole_ms < 0 or self._whole_ms > time_ms

    def _breach(self, how: How, period: Period) -> Breach:
        time_ms = period.value * self._unit_ms
        given = (self._whole_ms, time_ms, time_ms, self._segment_ms, period.rule)
        return Breach(self._name, how, *given)


def _days(time_ms: float) -> str:
    if time_ms < 0:
        return "for ever"
    return f"{time_ms / DAY_MS:.4g} days" if time_ms >= DAY_MS else f"{time_ms / HOUR_MS:.3g} hours"
