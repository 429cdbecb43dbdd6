"""Holds what topics keep against what the rules of law let a site keep.

A record goes from a topic with its whole segment, when the youngest record of that is too old: so
what is kept is the topic's period and one segment more. Topics of hits and reads keep no longer
than the longest period of any rule; the record of what was done no longer and no shorter.

Why the longest: one topic holds hits of which rules say different things. What has a shorter period
of its own (`kept_until`) is shown to nobody after it, and lies on disk until the topic's.
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
_READS, _HITS, _LOGS = "keep_read_hours", "keep_hit_days", "keep_log_days"
_UNIT_MS = {_READS: HOUR_MS, _HITS: DAY_MS, _LOGS: DAY_MS}
_NONE = "Write a rule that sets it, see `anpr_engine/policy/README.md`; without one no hit is told."


class Breach(NamedTuple):
    """A topic that keeps what it holds for another time than a rule lets it or orders.

    found_ms: how long, with its segment; below 0 for ever. segment_ms: the segment's part of that.
    how: `hidden` where only some of its hits end earlier.
    """

    topic: str
    how: Literal["too-long", "too-short", "hidden"]
    found_ms: int
    allowed_ms: float
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
            what = f"{kept}hits of {self.rule} are hidden after {self.allowed} and lie on disk "
            remedy = "Shorten retention.ms and segment.ms to purge earlier."
            return Finding(CHECK, "warn", what + "until then", remedy)
        most = int(self.allowed_ms - self.segment_ms)
        remedy = f"Set its retention.ms to {most} at most: `anpr topics apply`."
        what = f"{kept}allowed are {self.allowed} ({self.rule})"
        return Finding(CHECK, "fail", what, remedy if most > 0 else "Shorten its segment.ms too.")


def bound_topics(site: str) -> dict[str, str]:
    """Give the topics of a site whose records a rule's period binds, with that effect.

    Dead letters are none: they hold where a record came from, without its content.
    """
    names = SiteTopics(site)
    hits = (names.alerts, names.recalls, names.feedback)
    shared = (CROSS_BORDER_TOPIC, CROSS_BORDER_RECALLS, REPORTS_TOPIC)
    return {names.reads: _READS, names.audit: _LOGS} | dict.fromkeys((*hits, *shared), _HITS)


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
    for name, effect in bound_topics(site).items():
        allowed = periods(policies, site, effect)
        if name in topics and allowed:
            yield from _of_topic(name, topics[name], effect, allowed)


def _of_topic(
    name: str, settings: Mapping[str, str], effect: str, allowed: list[Period]
) -> Iterator[Breach]:
    unit_ms = _UNIT_MS[effect]
    kept_ms = int(settings.get("retention.ms", SEGMENT_MS))
    segment_ms = 0 if effect == _LOGS else int(settings.get("segment.ms", SEGMENT_MS))
    shortest, longest = allowed[0], allowed[-1]
    long_ms, short_ms = longest.value * unit_ms, shortest.value * unit_ms
    whole_ms = kept_ms if kept_ms < 0 else kept_ms + segment_ms
    if whole_ms < 0 or whole_ms > long_ms:
        yield Breach(name, "too-long", whole_ms, long_ms, segment_ms, longest.rule)
    elif effect == _LOGS and whole_ms < long_ms:
        yield Breach(name, "too-short", whole_ms, long_ms, segment_ms, longest.rule)
    elif effect == _HITS and whole_ms > short_ms:
        yield Breach(name, "hidden", whole_ms, short_ms, segment_ms, shortest.rule)


def _days(time_ms: float) -> str:
    if time_ms < 0:
        return "for ever"
    return f"{time_ms / DAY_MS:.4g} days" if time_ms >= DAY_MS else f"{time_ms / HOUR_MS:.3g} hours"
