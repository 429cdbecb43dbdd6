"""The life of hits on one entry of another country's list: hit, validated, acted or not acted.

A `Subject` is what the receiving service knows of one entry. `apply` takes it from event to event
and refuses by name what cannot happen; it knows no law. What has to be told, when and which way,
is asked of the policy in `policy/handling_reports.py`.

Why an event counts once: Kafka and people say things twice. The same event again changes nothing;
another event under its id is refused.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from functools import singledispatch

from anpr_engine.policy.case import Delivery
from anpr_engine.policy.handled import HandledHit, Subject
from anpr_engine.policy.handling_events import (
    Acted,
    Answered,
    Corrected,
    Delivered,
    Dismissed,
    Event,
    Happening,
    HitMade,
    Illegal,
    IllegalStep,
    NotActed,
    Refused,
    Reported,
    Validated,
    Withdrawn,
    require_right,
)


def apply(subject: Subject, event: Event) -> Subject:
    """Take one event in; the very same subject when it was taken in before.

    Raises:
        IllegalStep: it cannot happen to this subject now; nothing has changed.

    """
    known = subject.events.get(event.event_id)
    if known is not None:
        if known != event:
            raise IllegalStep(Illegal.EVENT_REUSED, "Give each event an id of its own.")
        return subject
    if event.subject != subject.id:
        raise IllegalStep(Illegal.OTHER_SUBJECT)
    require_right(event, subject.site)
    return replace(_step(event, subject), events={**subject.events, event.event_id: event})


def replay(subject: Subject, events: Iterable[Event]) -> Subject:
    """Take events in one after the other; those already taken in change nothing.

    Raises:
        IllegalStep: one of them cannot happen.

    """
    for event in events:
        subject = apply(subject, event)
    return subject


@singledispatch
def _step(event: Happening, subject: Subject) -> Subject:
    raise NotImplementedError(type(event))


@_step.register
def _delivered(event: Delivered, subject: Subject) -> Subject:
    return _renewed(subject, event)


@_step.register
def _corrected(event: Corrected, subject: Subject) -> Subject:
    if subject.entry is None:
        raise IllegalStep(Illegal.NOT_DELIVERED)
    return _renewed(subject, event)


def _renewed(subject: Subject, event: Delivered | Corrected) -> Subject:
    """Put a newer version in place; open hits of what was another vehicle are recalled."""
    _require_open(subject)
    if subject.delivery is not None and not _follows(event.delivery, subject.delivery):
        raise IllegalStep(Illegal.OLDER)
    old, new = subject.entry, event.entry
    same = old is None or (old.plate, old.country) == (new.plate, new.country)
    hits = subject.hits if same else _recalled(subject.hits, event.at)
    return replace(subject, entry=new, delivery=event.delivery, hits=hits)


def _follows(new: Delivery, old: Delivery) -> bool:
    """Say whether a version was received after another, or with it (agreement, article 14)."""
    if new.received_at is None or old.received_at is None:
        return new.received_at is not None
    return new.received_at >= old.received_at


@_step.register
def _hit_made(event: HitMade, subject: Subject) -> Subject:
    _require_open(subject)
    if subject.entry is None or subject.delivery is None:
        raise IllegalStep(Illegal.NOT_DELIVERED)
    if event.hit_id in subject.hits:
        raise IllegalStep(Illegal.HIT_KNOWN)
    return _with(subject, HandledHit(event, subject.entry, subject.delivery))


@_step.register
def _validated(event: Validated, subject: Subject) -> Subject:
    hit = _hit_of(subject, event)
    if hit.recalled_at is not None:
        raise IllegalStep(Illegal.RECALLED)
    if hit.validated:
        raise IllegalStep(Illegal.VALIDATED)
    return _with(subject, replace(hit, validated=True))


@_step.register
def _dismissed(event: Dismissed, subject: Subject) -> Subject:
    hit = _hit_of(subject, event)
    if hit.recalled_at is not None:
        raise IllegalStep(Illegal.RECALLED)
    if hit.acted or hit.report is not None:
        raise IllegalStep(Illegal.SETTLED)
    return _with(subject, replace(hit, dismissed=True))


@_step.register
def _acted(event: Acted, subject: Subject) -> Subject:
    settled = _settled(subject, event, acted=True)
    return replace(settled, actions_done=subject.actions_done + 1)


@_step.register
def _not_acted(event: NotActed, subject: Subject) -> Subject:
    return _settled(subject, event, acted=False)


def _settled(subject: Subject, event: Acted | NotActed, *, acted: bool) -> Subject:
    hit = _hit_of(subject, event)
    if hit.acted is not None:
        raise IllegalStep(Illegal.SETTLED)
    # An action that was under way when the recall came was done, and has to be reported.
    if hit.recalled_at is not None and not (acted and event.at <= hit.recalled_at):
        raise IllegalStep(Illegal.RECALLED)
    if hit.lacks_person:
        raise IllegalStep(Illegal.NO_PERSON)
    return _with(subject, replace(hit, acted=acted, recalled_at=None))


@_step.register
def _reported(event: Reported, subject: Subject) -> Subject:
    hit = _hit_of(subject, event)
    if hit.recalled_at is not None:
        raise IllegalStep(Illegal.RECALLED)
    if hit.report is not None:
        raise IllegalStep(Illegal.REPORTED)
    if hit.acted is not (event.report == "A"):
        raise IllegalStep(Illegal.NO_OUTCOME)
    told = _with(subject, replace(hit, report=event.report))
    return replace(told, first_reported=subject.first_reported or event.report == "B")


@_step.register
def _answered(event: Answered, subject: Subject) -> Subject:
    if not subject.first_reported:
        raise IllegalStep(Illegal.NOTHING_ASKED)
    return replace(subject, later_wanted=event.later_wanted)


@_step.register
def _withdrawn(event: Withdrawn, subject: Subject) -> Subject:
    return _ended(subject, event.at)


@_step.register
def _refused(event: Refused, subject: Subject) -> Subject:
    return _ended(subject, event.at)


def _ended(subject: Subject, at: datetime) -> Subject:
    _require_open(subject)
    if subject.entry is None:
        raise IllegalStep(Illegal.NOT_DELIVERED)
    return replace(subject, ended_at=at, hits=_recalled(subject.hits, at))


def _require_open(subject: Subject) -> None:
    if subject.ended_at is not None:
        raise IllegalStep(Illegal.ENDED, "A vehicle that is listed anew gets an entry of its own.")


def _recalled(hits: Mapping[str, HandledHit], at: datetime) -> dict[str, HandledHit]:
    """Recall what is still open; what was done, told or dismissed stays as it is."""
    return {
        name: hit
        if hit.acted or hit.dismissed or hit.report is not None
        else replace(hit, recalled_at=at)
        for name, hit in hits.items()
    }


def _hit_of(
    subject: Subject, event: Validated | Dismissed | Acted | NotActed | Reported
) -> HandledHit:
    hit = subject.hits.get(event.hit_id)
    if hit is None:
        raise IllegalStep(Illegal.NO_SUCH_HIT)
    if event.at < hit.made.captured_at:
        raise IllegalStep(Illegal.BEFORE_THE_HIT)
    if hit.dismissed:
        raise IllegalStep(Illegal.DISMISSED)
    return hit


def _with(subject: Subject, hit: HandledHit) -> Subject:
    return replace(subject, hits={**subject.hits, hit.made.hit_id: hit})
