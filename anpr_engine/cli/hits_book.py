"""All hits of a site with where they stand, for lists and statistics."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from anpr_engine.cli.hits_proof import Proofs
from anpr_engine.cli.hits_source import Desk
from anpr_engine.policy.handled import HandledHit, HitState, Subject
from anpr_engine.policy.handling_events import Illegal, SubjectId
from anpr_engine.policy.handling_records import (
    Folded,
    fold,
    hits_of,
    newest_alerts,
    subject_id,
    subject_of_alert,
)
from anpr_engine.records.alert import Alert
from anpr_engine.records.handling_event import HandlingEvent

OPEN = frozenset({HitState.UNVERIFIED, HitState.VALIDATED})
COUNTED = (
    "hits",
    "validated",
    "dismissed",
    "acted",
    "not-acted",
    "reported",
    "answered",
    "refused",
)
_GONE = frozenset({Illegal.NO_SUCH_HIT, Illegal.NOT_DELIVERED, Illegal.NOTHING_ASKED})
"""An event whose alert is no longer held contradicts nothing."""


class Listed(NamedTuple):
    """A hit: its newest alert, its state, and its entry's."""

    alert: Alert
    hit: HandledHit
    subject: Subject

    @property
    def state(self) -> str:
        """Say where it stands, in an alert's words."""
        waits = self.alert.state == "review" and self.hit.state == HitState.UNVERIFIED
        return "review" if waits else self.hit.state.value


class Group(NamedTuple):
    """What statistics are told apart by."""

    list_id: str
    category: str
    provider: str


@dataclass(frozen=True, slots=True)
class SiteHits:
    """A site's hits by entry, all events that count, and what their signatures are worth."""

    folded: dict[SubjectId, Folded]
    alerts: dict[str, Alert]
    events: Sequence[HandlingEvent]
    proofs: Proofs

    def listed(self) -> list[Listed]:
        """Give every hit, the newest first."""
        found = [
            Listed(self.alerts[name], hit, each.subject)
            for each in self.folded.values()
            for name, hit in each.subject.hits.items()
        ]
        found.sort(key=lambda one: (one.alert.read.captured_at, one.alert.alert_id), reverse=True)
        return found

    def void(self) -> Iterator[tuple[HandlingEvent, Illegal]]:
        """Give the events that count for nothing."""
        for each in self.folded.values():
            yield from ((event, why) for event, why in each.void if why not in _GONE)

    def counts(self, from_us: int | None, until_us: int | None) -> dict[Group, Counter[str]]:
        """Count what happened between two times, microseconds since 1970; no plate, no person."""
        found: dict[Group, Counter[str]] = {}
        for alert in self.alerts.values():
            if _within(alert.created_at.timestamp(), from_us, until_us):
                about = subject_of_alert(alert)
                group = Group(about.list_id, alert.category.value, about.provider)
                found.setdefault(group, Counter())["hits"] += 1
        void = {event.event_id for event, _ in self.void()}
        for event in {one.event_id: one for one in self.events}.values():
            inside = _within(event.occurred_at.timestamp(), from_us, until_us)
            if inside and event.event_id not in void:
                group = Group(event.list_id, event.category.value, event.provider)
                found.setdefault(group, Counter())[event.event] += 1
        return found


def site_hits(desk: Desk) -> SiteHits:
    """Read everything that a site's topics hold of its hits.

    Raises:
        BrokerError: they cannot be read.

    """
    mine = [alert for alert in desk.alerts(lambda _: True) if alert.site == desk.site]
    by_entry: dict[SubjectId, list[Alert]] = {}
    for alert in mine:
        by_entry.setdefault(subject_of_alert(alert), []).append(alert)
    events = desk.events()
    told: dict[SubjectId, list[HandlingEvent]] = {}
    for event in events:
        told.setdefault(subject_id(event), []).append(event)
    folded = {
        about: fold(
            hits_of(by_entry.get(about, ()), about, desk.site, border=False), told.get(about, ())
        )
        for about in by_entry.keys() | told.keys()
    }
    return SiteHits(folded, newest_alerts(mine), events, desk.proofs)


def _within(at_s: float, from_us: int | None, until_us: int | None) -> bool:
    at_us = at_s * 1e6
    return (from_us is None or at_us >= from_us) and (until_us is None or at_us < until_us)
