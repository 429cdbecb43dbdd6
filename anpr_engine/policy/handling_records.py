"""The life of a hit from records: alerts and events of handling as Kafka holds them.

Why alerts count as deliveries: an alert carries the entry as it was matched. What it does not
carry (how often the action is wanted, whether the entry came from the SIS) the engine had judged
when it let the hit go, so it is filled in as what the rules let pass.
Why events fold in the order of the topic: all of one entry have one key, so they lie in one
partition. Whoever reads comes to the same state; an event that contradicts those before it is
void for everybody, and is named as that.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta

import msgspec
from pydantic import ValidationError

from anpr_engine.policy.case import Delivery, Entry
from anpr_engine.policy.handled import Subject
from anpr_engine.policy.handling import apply
from anpr_engine.policy.handling_events import (
    Acted,
    Actor,
    Answered,
    Delivered,
    Dismissed,
    Event,
    HitMade,
    Illegal,
    IllegalStep,
    NotActed,
    Refused,
    Reported,
    Role,
    SubjectId,
    Validated,
)
from anpr_engine.records.alert import Alert
from anpr_engine.records.handling_event import HandlingEvent, is_handling_event

SIS_RULE = "art13.17.1-sis"
SEALED, SEALED_COUNTRY = "sealed", "XX"
TIMES_GIVEN = 1_000_000.0
"""Stands for `max_actions` of an entry whose hit went out: at least one action was left then."""

_KINDS: Mapping[str, tuple[type[Event], Mapping[str, str]]] = {
    "validated": (Validated, {"hit_id": "alert_id"}),
    "dismissed": (Dismissed, {"hit_id": "alert_id"}),
    "acted": (Acted, {"hit_id": "alert_id", "result": "event"}),
    "not-acted": (NotActed, {"hit_id": "alert_id", "reason": "reason"}),
    "reported": (
        Reported,
        {"hit_id": "alert_id", "report": "report", "message_id": "message_id"},
    ),
    "answered": (Answered, {"later_wanted": "later_wanted"}),
    "refused": (Refused, {"reasons": "refusal"}),
}


@dataclass(frozen=True, slots=True)
class Folded:
    """An entry's state, and the events that count for nothing, with the reason."""

    subject: Subject
    void: tuple[tuple[HandlingEvent, Illegal], ...] = ()


def read_event(value: bytes) -> HandlingEvent | None:
    """Read a record of the topic of feedback; None where it is another, such as a verdict."""
    if not is_handling_event(value):
        return None
    try:
        return HandlingEvent.model_validate_json(value, strict=True)
    except ValidationError:
        return None


def event_of(record: HandlingEvent) -> Event | None:
    """Give the event that a record tells; None where it lacks what such an event has."""
    kind, names = _KINDS[record.event]
    told = {
        "event_id": record.event_id,
        "at": record.occurred_at,
        "by": Actor(record.site, Role(record.role), record.unit),
        "subject": subject_id(record),
    } | {theirs: getattr(record, ours) for theirs, ours in names.items()}
    try:
        made: Event = msgspec.convert(told, kind)
    except msgspec.ValidationError:
        return None
    return made


def subject_id(record: HandlingEvent) -> SubjectId:
    """Name the entry that a record is about."""
    return SubjectId(record.provider, record.list_id, record.entry_id)


def subject_of_alert(alert: Alert) -> SubjectId:
    """Name the entry that an alert is about."""
    entry = alert.entry
    return SubjectId(entry.provider or alert.site, entry.list_id, entry.entry_id)


def newest_alerts(alerts: Iterable[Alert]) -> dict[str, Alert]:
    """Give the newest form of each alert by id: one that was looked at goes out again."""
    found: dict[str, Alert] = {}
    for alert in alerts:
        before = found.get(alert.alert_id)
        if before is None or before.created_at <= alert.created_at:
            found[alert.alert_id] = alert
    return found


def hits_of(alerts: Iterable[Alert], about: SubjectId, site: str, *, border: bool) -> Subject:
    """Give the state of an entry from its alerts alone.

    Args:
        alerts: of one entry, in any order.
        about: the entry.
        site: where the reads were made.
        border: the entry is used in the border area only.

    """
    subject, engine = Subject(about, site), Actor(site, Role.ENGINE, "engine")
    ordered = sorted(alerts, key=lambda each: (each.read.captured_at, each.alert_id))
    for alert in ordered:
        if alert.alert_id in subject.hits:
            continue
        entry, delivery = _entry(alert, about, border=border), _delivery(alert, subject)
        common = {"at": alert.created_at, "by": engine, "subject": about}
        if (entry, delivery) != (subject.entry, subject.delivery):
            came = {"event_id": f"delivery/{alert.alert_id}", "entry": entry, "delivery": delivery}
            subject = apply(subject, msgspec.convert(common | came, Delivered))
        made = {
            "event_id": f"hit/{alert.alert_id}",
            "hit_id": alert.alert_id,
            "captured_at": alert.read.captured_at,
            "camera_id": alert.read.camera_id,
            "probability": alert.probability,
            "tier": alert.tier.value,
        }
        subject = apply(subject, msgspec.convert(common | made, HitMade))
    return subject


def fold(subject: Subject, records: Iterable[HandlingEvent]) -> Folded:
    """Take events in, in the order of the topic; those that cannot happen are void."""
    void: list[tuple[HandlingEvent, Illegal]] = []
    for record in records:
        event = event_of(record)
        if event is None:
            void.append((record, Illegal.NO_OUTCOME))
            continue
        try:
            subject = apply(subject, event)
        except IllegalStep as refused:
            void.append((record, refused.illegal))
    return Folded(subject, tuple(void))


def _delivery(alert: Alert, subject: Subject) -> Delivery:
    age = timedelta(milliseconds=alert.watchlist_age_ms)
    received_at = min(alert.created_at - age, alert.read.captured_at)
    before = subject.delivery
    if before is not None and before.received_at is not None:
        # Alerts are made in another order than reads; a list does not grow older by that.
        received_at = max(received_at, before.received_at)
    return Delivery("structural", received_at, superseded=False, sis_derived=False)


def _entry(alert: Alert, about: SubjectId, *, border: bool) -> Entry:
    listed, hidden = alert.entry, alert.sealed is not None
    return Entry(
        plate=listed.plate or (SEALED if hidden else None),
        country=listed.country or (SEALED_COUNTRY if hidden else None),
        category=alert.category.value,
        action=alert.action.value,
        owner=listed.owner or (SEALED if hidden else None),
        case_ref=listed.case_ref or None,
        sharing=sorted({alert.site, about.provider}),
        valid_until=listed.valid_until,
        sis_action=alert.action.value if SIS_RULE in alert.reasons else None,
        border_area_only=border,
        max_actions=TIMES_GIVEN,
    )
