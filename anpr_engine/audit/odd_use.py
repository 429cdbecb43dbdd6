"""Odd use: what in the record of people's acts a supervisor should ask about.

Why rules and no score: whoever is asked is told which rule it was and which lines. A rule says
that something is worth a question, never that it was wrong. Only acts of people count; what the
engine does by itself is no use of anything.
"""

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from anpr_engine.audit.work_times import DAYS, WorkTimes
from anpr_engine.records.audit_event import AuditAction, AuditEvent

ASKING = frozenset(
    {
        AuditAction.DATA_LOOKED_UP,
        AuditAction.DATA_EXPORTED,
        AuditAction.READS_REPLAYED,
        AuditAction.AUDIT_READ,
        AuditAction.QUESTION_ANSWERED,
    }
)
"""Acts by which a person learns something."""

LOOKS = frozenset({AuditAction.DATA_LOOKED_UP, AuditAction.QUESTION_ANSWERED})
"""Looks at one target; a question is one of its official at the partner."""


class OddRule(StrEnum):
    """Why a supervisor should ask."""

    SAME_TARGET = "same-target-again"
    OFF_DUTY = "off-duty"
    NO_CASE = "no-case"
    MASS = "mass-look-ups"


@dataclass(frozen=True, slots=True)
class OddUseLimits:
    """From when on something is odd.

    off: rules that do not apply. work: when people work, for acts that do not say whether their
    actor was on duty. same_target: look-ups of one target by one person within `same_target_days`.
    mass: look-ups by one person within `mass_minutes`. rows: records given at once. vague: what is
    no case reference though it is a text, in lower case.
    """

    off: frozenset[OddRule] = frozenset()
    work: WorkTimes = field(default_factory=WorkTimes)
    same_target: int = 3
    same_target_days: float = 30.0
    mass: int = 100
    mass_minutes: float = 60.0
    rows: int = 1000
    vague: frozenset[str] = frozenset({"-", "?", "case", "inv", "investigation", "n/a", "test"})


@dataclass(frozen=True, slots=True)
class OddUse:
    """One thing to ask about: the rule, who, the line that brought it up, and a sentence."""

    rule: OddRule
    actor: str
    event_id: str
    occurred_at: datetime
    sentence: str


def odd_use(events: Iterable[AuditEvent], limits: OddUseLimits | None = None) -> list[OddUse]:
    """Give what is odd in some events, in order of time; each rule by itself."""
    limits = limits or OddUseLimits()
    acts = sorted((e for e in events if e.action in ASKING), key=lambda e: e.occurred_at)
    on = [find for rule, find in RULES.items() if rule not in limits.off]
    found = [odd for find in on for odd in find(acts, limits)]
    return sorted(found, key=lambda odd: odd.occurred_at)


def same_target(acts: Sequence[AuditEvent], limits: OddUseLimits) -> Iterator[OddUse]:
    """A person looks the same target up again and again, under whatever case."""
    window = timedelta(days=limits.same_target_days)
    earlier: dict[tuple[str, str], deque[AuditEvent]] = defaultdict(deque)
    for act in acts:
        target = act.target or act.entry_id
        if act.action not in LOOKS or not target:
            continue
        kept = earlier[act.actor, target]
        kept.append(act)
        while act.occurred_at - kept[0].occurred_at > window:
            kept.popleft()
        if len(kept) >= limits.same_target:
            cases = len({each.case_ref for each in kept})
            days = limits.same_target_days
            what = f"looked one target up {len(kept)} times in {days:g} days, under {cases} cases"
            yield _odd(OddRule.SAME_TARGET, act, what)


def off_duty(acts: Sequence[AuditEvent], limits: OddUseLimits) -> Iterator[OddUse]:
    """A person asks while off duty, or at a time at which nobody works."""
    for act in acts:
        if act.on_duty is False:
            yield _odd(OddRule.OFF_DUTY, act, f"{act.action} while off duty")
        elif act.on_duty is None and not limits.work.hold(act.occurred_at):
            at = limits.work.local(act.occurred_at)
            when = f"{DAYS[at.weekday()]} {at:%H:%M}, {limits.work.zone}"
            yield _odd(OddRule.OFF_DUTY, act, f"{act.action} on {when}")


def no_case(acts: Sequence[AuditEvent], limits: OddUseLimits) -> Iterator[OddUse]:
    """A person asks without a case, or with a word in its place."""
    for act in acts:
        case = act.case_ref.strip().lower()
        if not case:
            yield _odd(OddRule.NO_CASE, act, f"{act.action} without a case")
        elif case in limits.vague:
            yield _odd(OddRule.NO_CASE, act, f"{act.action} with a word that names no case")


def mass(acts: Sequence[AuditEvent], limits: OddUseLimits) -> Iterator[OddUse]:
    """A person looks very many things up in a short time, or is given very many at once.

    The first act over the limit is told, and none after it until there were fewer again.
    """
    window = timedelta(minutes=limits.mass_minutes)
    recent: dict[str, deque[datetime]] = defaultdict(deque)
    over = Counter[str]()
    for act in acts:
        if act.rows is not None and act.rows >= limits.rows:
            yield _odd(OddRule.MASS, act, f"{act.action}: {act.rows} records at once")
        if act.action not in LOOKS:
            continue
        kept = recent[act.actor]
        kept.append(act.occurred_at)
        while act.occurred_at - kept[0] >= window:
            kept.popleft()
        if len(kept) <= limits.mass:
            over[act.actor] = 0
        elif not over[act.actor]:
            over[act.actor] = 1
            what = f"{len(kept)} look-ups within {limits.mass_minutes:g} minutes"
            yield _odd(OddRule.MASS, act, what)


RULES: dict[OddRule, Callable[[Sequence[AuditEvent], OddUseLimits], Iterator[OddUse]]] = {
    OddRule.SAME_TARGET: same_target,
    OddRule.OFF_DUTY: off_duty,
    OddRule.NO_CASE: no_case,
    OddRule.MASS: mass,
}
"""All rules; each is on unless a site says otherwise."""


def _odd(rule: OddRule, act: AuditEvent, sentence: str) -> OddUse:
    return OddUse(rule, act.actor, act.event_id, act.occurred_at, sentence)
