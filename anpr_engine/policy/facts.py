"""Compute from a case the facts that rules ask for; no clock but the case's own.

Why two moments: an entry is matched now, but a hit is judged as of the moment it was made. A list
that has grown too old since then takes nothing away from the duty to report.
"""

from collections.abc import Collection, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

from anpr_engine.policy.case import Case, Circumstances, Delivery, Entry, HitPart, State
from anpr_engine.policy.conditions import FactValue
from anpr_engine.policy.vocabulary import GIVEN_FIELDS, NOT_GIVEN, NOT_LISTED
from anpr_engine.records.fields import Action, Category, Tier
from anpr_engine.records.polygon import Point, covers

Facts = dict[str, FactValue]

_NO_DELIVERY, _NO_ENTRY, _NO_HIT = Delivery(), Entry(), HitPart()
_NO_STATE, _NO_CIRCUMSTANCES = State(), Circumstances()
_CATEGORIES = frozenset(map(str, Category))
_ACTIONS = frozenset(map(str, Action))
_TIERS = frozenset(map(str, Tier))
_HOUR = timedelta(hours=1)


class Limits(NamedTuple):
    """Where and when an entry is used, and of vehicles going which way; nothing: no limit.

    corners: of a polygon; a place lies in the area if either its camera or its position does.
    """

    cameras: Collection[str] | None
    corners: Sequence[Point]
    hours: str | None
    direction: str | None


NO_LIMITS = Limits(None, (), None, None)


class Times(NamedTuple):
    """When an entry's list was received, and from when until when the entry holds."""

    received_at: datetime | None
    valid_from: datetime | None
    valid_until: datetime | None


def lasting_facts(case: Case) -> Facts:
    """Give the facts that are the same at every moment."""
    delivery = case.delivery or _NO_DELIVERY
    entry = case.entry or _NO_ENTRY
    sis_action, action = _said(entry.sis_action), _said(entry.action)
    facts: Facts = {
        "exchange": "own" if case.site == case.provider else "exchanged",
        "site": case.site,
        "provider": case.provider,
        "list.kind": delivery.kind or "unknown",
        "list.superseded": bool(delivery.superseded),
        "list.sis_derived": bool(delivery.sis_derived),
        "entry.missing": frozenset(name for name in GIVEN_FIELDS if _lacks(entry, name)),
        "entry.category": _word(entry.category, _CATEGORIES),
        "entry.action": _word(entry.action, _ACTIONS),
        "entry.has_reference": bool(_said(entry.case_ref)),
        "entry.border_area_only": bool(entry.border_area_only),
        "entry.sharing": _sharing(entry, case.site),
        "sis.alert": bool(sis_action),
        "sis.differs": bool(sis_action) and sis_action != action,
    }
    cameras = None if entry.area is None else entry.area.cameras
    corners = () if entry.area is None else entry.area.polygon
    limits = Limits(cameras, corners, entry.hours_utc, entry.direction)
    further = case.further_use
    facts["further.use"] = "none" if further is None else further.use
    facts["further.consent"] = (further and further.consent) or "none"
    return facts | _progress(case, entry) | hit_facts(limits, case.hit or _NO_HIT, case.now)


def hit_facts(limits: Limits, hit: HitPart, now: datetime) -> Facts:
    """Give what a hit adds to the facts, whatever the moment judged.

    Args:
        limits: of the entry.
        hit: where and when it was seen.
        now: stands for the time of a hit that has none.

    """
    return {
        "entry.area": _area(limits, hit),
        "entry.hours": _hours(limits.hours, hit.captured_at or now),
        "entry.direction": _direction(limits.direction, hit),
        "hit.probability": hit.probability,
        "hit.tier": _word(hit.tier, _TIERS),
    }


def _progress(case: Case, entry: Entry) -> Facts:
    state = case.state or _NO_STATE
    around = case.circumstances or _NO_CIRCUMSTANCES
    left = None if entry.max_actions is None else entry.max_actions - (state.actions_done or 0)
    return {
        "entry.actions_left": left,
        "state.validated": bool(state.validated),
        "state.acted": _answer(value=state.acted),
        "state.first_reported": bool(state.first_reported),
        "state.later_wanted": _answer(value=state.later_wanted),
        "circumstances.urgent": bool(around.urgent),
        "circumstances.joint_action": bool(around.joint_action),
        "circumstances.agreed_contact": around.agreed_contact or "none",
    }


def facts_at(case: Case, at: datetime, moment: str, in_force_from: date | None) -> Facts:
    """Give the facts that depend on the moment judged.

    Args:
        case: the question.
        at: the moment.
        moment: its name, `now` or `hit`.
        in_force_from: since when an agreement of the two sites holds; None: there is none.

    """
    entry, received_at = case.entry or _NO_ENTRY, (case.delivery or _NO_DELIVERY).received_at
    times = Times(received_at, entry.valid_from, entry.valid_until)
    return times_at(times, at, moment, in_force_from)


def times_at(times: Times, at: datetime, moment: str, in_force_from: date | None) -> Facts:
    """Give the facts that depend on the moment judged; parameters as for `facts_at`."""
    received_at = times.received_at
    facts: Facts = {"moment": moment, "agreement": _agreement(at, in_force_from)}
    if received_at is None:
        facts |= {"list.received": "unknown", "list.age_hours": None}
    else:
        received = "future" if received_at > at else "past"
        facts |= {"list.received": received, "list.age_hours": age_hours(received_at, at)}
    facts["entry.window"] = window_at(times.valid_from, times.valid_until, at)
    return facts


def age_hours(received_at: datetime, at: datetime) -> float:
    """Say how old a list is."""
    return (at - received_at) / _HOUR


def window_at(valid_from: datetime | None, valid_until: datetime | None, at: datetime) -> str:
    """Say whether an entry does not hold yet, holds, or no longer does."""
    if valid_from is not None and at < valid_from:
        return "before"
    if valid_until is not None and at >= valid_until:
        return "after"
    return "within"


def in_force_at(in_force_from: date) -> datetime:
    """Give the instant from which an agreement holds.

    00:00 UTC is an hour or two after midnight in the Benelux: the cautious end of the doubt.
    """
    return datetime.combine(in_force_from, time.min, UTC)


def _agreement(at: datetime, in_force_from: date | None) -> str:
    if in_force_from is None:
        return "none"
    return "in-force" if at >= in_force_at(in_force_from) else "not-yet"


def _said(text: str | None) -> str:
    return (text or "").strip()


def _lacks(entry: Entry, name: str) -> bool:
    value = getattr(entry, name)
    return value is None or (isinstance(value, str) and not value.strip())


def _word(text: str | None, listed: frozenset[str]) -> str:
    word = _said(text)
    if not word:
        return NOT_GIVEN
    return word if word in listed else NOT_LISTED


def _area(limits: Limits, hit: HitPart) -> str:
    if limits.cameras is None and not limits.corners:
        return "national"
    area = limits.cameras or (), limits.corners
    return "inside" if covers(area, hit.camera_id, hit.position) else "outside"


def _hours(hours: str | None, at: datetime) -> str:
    if not hours:
        return "any"
    start, _, end = hours.strip().partition("-")
    # HH:MM in 24 hours: the order of the texts is that of the times.
    clock = f"{at.astimezone(UTC):%H:%M}"
    within = start <= clock < end if start < end else clock >= start or clock < end
    return "inside" if within or start == end else "outside"


def _direction(asked: str | None, hit: HitPart) -> str:
    wanted, seen = _said(asked).casefold(), _said(hit.direction).casefold()
    if not wanted:
        return "any"
    if not seen:
        return "unknown"
    return "same" if wanted == seen else "other"


def _sharing(entry: Entry, site: str) -> str:
    given = entry.sharing
    named = [part.strip() for part in given.split(",")] if isinstance(given, str) else given or []
    if not any(named):
        return "unsaid"
    return "named" if site in named else "not-named"


def _answer(*, value: bool | None) -> str:
    return "unknown" if value is None else "yes" if value else "no"
