"""The engine's book of handled entries: how often the action was done, and what else it must know.

Made from the site's own topic of feedback, event by event; what comes from somebody who may not say
it changes nothing. An event that comes twice counts once.

Why the first outcome of a hit counts: the desk checks each event against all before it, so that a
second one can only come from somebody who does not, and must not take the first one back.
Why bounded: entries of which nothing was heard for longest are forgotten first.
"""

from collections import OrderedDict
from dataclasses import dataclass, field

from anpr_engine.policy.handled import NOTHING_DONE, Progress
from anpr_engine.policy.handling_events import (
    Acted,
    Answered,
    Dismissed,
    Event,
    IllegalStep,
    NotActed,
    Refused,
    Reported,
    SubjectId,
    require_right,
)
from anpr_engine.policy.handling_records import event_of
from anpr_engine.records.handling_event import HandlingEvent

ENTRIES_MAX = 100_000
HITS_MAX = 256
"""Hits of one entry whose outcome is remembered; of older ones it stays counted."""


@dataclass(slots=True)
class _Known:
    """One entry; `settled` holds the hits whose outcome is known, oldest first."""

    progress: Progress = NOTHING_DONE
    settled: OrderedDict[str, None] = field(default_factory=OrderedDict[str, None])


class HandledBook:
    """What was done about each entry; one thread writes, others may ask meanwhile."""

    def __init__(self, site: str, entries_max: int = ENTRIES_MAX) -> None:
        """Begin with nothing known at a site."""
        self._site, self._entries_max = site, entries_max
        self._known: OrderedDict[SubjectId, _Known] = OrderedDict()

    def __len__(self) -> int:
        """Count the entries of which something is known."""
        return len(self._known)

    def of(self, about: SubjectId) -> Progress:
        """Say how far an entry is dealt with."""
        known = self._known.get(about)
        return NOTHING_DONE if known is None else known.progress

    def take(self, record: HandlingEvent) -> None:
        """Take one event of the topic in."""
        event = event_of(record)
        if event is None:
            return
        try:
            require_right(event, self._site)
        except IllegalStep:
            return
        known = self._known.pop(event.subject, None) or _Known()
        known.progress = _after(known, event)
        self._known[event.subject] = known
        if len(self._known) > self._entries_max:
            self._known.popitem(last=False)


def _after(known: _Known, event: Event) -> Progress:
    before = known.progress
    if isinstance(event, Acted | NotActed | Dismissed):
        if event.hit_id in known.settled:
            return before
        known.settled[event.hit_id] = None
        if len(known.settled) > HITS_MAX:
            known.settled.popitem(last=False)
        done = before.actions_done + isinstance(event, Acted)
        return before._replace(actions_done=done)
    if isinstance(event, Reported) and event.report == "B":
        return before._replace(first_reported=True)
    if isinstance(event, Answered) and before.first_reported:
        return before._replace(later_wanted=event.later_wanted)
    return before._replace(ended=before.ended or isinstance(event, Refused))
