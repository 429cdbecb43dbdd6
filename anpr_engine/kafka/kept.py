"""Holds what topics keep against what the rules of law let a site keep.

A record goes from a topic with its whole segment, when the youngest record of that is too old: so
what is kept is the topic's period and one segment more. Topics of hits and reads keep no longer
than the longest period of any rule; the record of what was done no longer and no shorter.

Why the longest: one topic holds hits of which rules say different things. What has a shorter period
of its own (`kept_until`) is shown to nobody after it, and lies on disk until the topic's.
Why no engine looks at its start: it may read and write its topics, and not ask for their settings
(`access_rules`). Who plans topics asks, and `anpr doctor`.
"""

from collections.abc import Iterable, Iterator, Mapping

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
    for name, effect in bound_topics(site).items():
        allowed = periods(policies, site, effect)
        if name in topics and allowed:
            yield from _of_topic(name, topics[name], effect, allowed)


def _of_topic(
    name: str, settings: Mapping[str, str], effect: str, allowed: list[Period]
) -> Iterator[Finding]:
    unit_ms = _UNIT_MS[effect]
    kept_ms = int(settings.get("retention.ms", SEGMENT_MS))
    segment_ms = 0 if effect == _LOGS else int(settings.get("segment.ms", SEGMENT_MS))
    shortest, longest = allowed[0], allowed[-1]
    long_ms, short_ms = longest.value * unit_ms, shortest.value * unit_ms
    if kept_ms < 0 or kept_ms + segment_ms > long_ms:
        kept = "for ever" if kept_ms < 0 else _days(kept_ms + segment_ms)
        what = f"{name} keeps {kept}; allowed are {_days(long_ms)} ({longest.rule})"
        most = int(long_ms - segment_ms)
        remedy = f"Set its retention.ms to {most} at most: `anpr topics apply`."
        yield Finding(CHECK, "fail", what, remedy if most > 0 else "Shorten its segment.ms too.")
    elif effect == _LOGS and kept_ms < long_ms:
        what = f"{name} keeps {_days(kept_ms)}; {_days(long_ms)} are ordered ({longest.rule})"
        yield Finding(CHECK, "fail", what, f"Set its retention.ms to {int(long_ms)}.")
    elif effect == _HITS and kept_ms + segment_ms > short_ms:
        what = f"{name} keeps {_days(kept_ms + segment_ms)}; hits of {shortest.rule} are hidden "
        what += f"after {_days(short_ms)} and lie on disk until then"
        yield Finding(CHECK, "warn", what, "Shorten retention.ms and segment.ms to purge earlier.")


def _days(time_ms: float) -> str:
    return f"{time_ms / DAY_MS:.4g} days" if time_ms >= DAY_MS else f"{time_ms / HOUR_MS:.3g} hours"
