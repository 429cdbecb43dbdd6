"""Compute from a case the facts that rules ask for; no clock but the case's own.

Why two moments: an entry is matched now, but a hit is judged as of the moment it was made. A list
that has grown too old since then takes nothing away from the duty to report.
"""

from datetime import UTC, date, datetime, time, timedelta

from anpr_engine.policy.case import Case, Circumstances, Delivery, Entry, HitPart, State
from anpr_engine.policy.conditions import FactValue
from anpr_engine.policy.vocabulary import GIVEN_FIELDS, NOT_GIVEN, NOT_LISTED
from anpr_engine.records.fields import Action, Category

Facts = dict[str, FactValue]

_NO_DELIVERY, _NO_ENTRY, _NO_HIT = Delivery(), Entry(), HitPart()
_NO_STATE, _NO_CIRCUMSTANCES = State(), Circumstances()
_CATEGORIES = frozenset(map(str, Category))
_ACTIONS = frozenset(map(str, Action))
_HOUR = timedelta(hours=1)


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
        "entry.area": _area(entry, case.hit or _NO_HIT),
        "entry.border_area_only": bool(entry.border_area_only),
        "entry.sharing": _sharing(entry, case.site),
        "sis.alert": bool(sis_action),
        "sis.differs": bool(sis_action) and sis_action != action,
    }
    return facts | _progress(case, entry)


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
    received_at = (case.delivery or _NO_DELIVERY).received_at
    facts: Facts = {"moment": moment, "agreement": _agreement(at, in_force_from)}
    if received_at is None:
        facts |= {"list.received": "unknown", "list.age_hours": None}
    else:
        received = "future" if received_at > at else "past"
        facts |= {"list.received": received, "list.age_hours": (at - received_at) / _HOUR}
    entry = case.entry or _NO_ENTRY
    if entry.valid_from is not None and at < entry.valid_from:
        facts["entry.window"] = "before"
    elif entry.valid_until is not None and at >= entry.valid_until:
        facts["entry.window"] = "after"
    else:
        facts["entry.window"] = "within"
    return facts


def _agreement(at: datetime, in_force_from: date | None) -> str:
    if in_force_from is None:
        return "none"
    # 00:00 UTC is an hour or two after midnight in the Benelux: the cautious end of the doubt.
    start = datetime.combine(in_force_from, time.min, UTC)
    return "in-force" if at >= start else "not-yet"


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


def _area(entry: Entry, hit: HitPart) -> str:
    if entry.area is None:
        return "national"
    return "inside" if hit.camera_id in entry.area.cameras else "outside"


def _sharing(entry: Entry, site: str) -> str:
    given = entry.sharing
    named = [part.strip() for part in given.split(",")] if isinstance(given, str) else given or []
    if not any(named):
        return "unsaid"
    return "named" if site in named else "not-named"


def _answer(*, value: bool | None) -> str:
    return "unknown" if value is None else "yes" if value else "no"
