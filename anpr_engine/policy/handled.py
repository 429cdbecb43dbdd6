"""What is known of an entry of another country's list, and of the hits on it.

Why a hit keeps the entry and delivery it was made with: it is judged as of that moment, and the
list may have been replaced since.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from anpr_engine.policy.case import Delivery, Entry
from anpr_engine.policy.handling_events import Event, HitMade, SubjectId
from anpr_engine.records.fields import Tier


class HitState(StrEnum):
    """Where a hit stands; the first four are the words of an alert's `state`."""

    UNVERIFIED = "unverified"
    VALIDATED = "validated"
    ACTED = "acted"
    NOT_ACTED = "not-acted"
    DISMISSED = "dismissed"
    RECALLED = "recalled"


@dataclass(frozen=True, slots=True)
class HandledHit:
    """One hit and what became of it; `acted` is None until its outcome is known.

    entry, delivery: as they were when the hit was made.
    """

    made: HitMade
    entry: Entry
    delivery: Delivery
    validated: bool = False
    acted: bool | None = None
    dismissed: bool = False
    recalled_at: datetime | None = None
    report: str | None = None

    @property
    def state(self) -> HitState:
        """Say where the hit stands."""
        if self.recalled_at is not None:
            return HitState.RECALLED
        if self.dismissed:
            return HitState.DISMISSED
        if self.acted is not None:
            return HitState.ACTED if self.acted else HitState.NOT_ACTED
        return HitState.VALIDATED if self.validated else HitState.UNVERIFIED

    @property
    def lacks_person(self) -> bool:
        """Say whether nobody has looked yet at a hit that is not exact.

        Such a hit leads to nothing by itself (Directive (EU) 2016/680, article 11).
        """
        return self.made.tier != Tier.EXACT and not self.validated


@dataclass(frozen=True, slots=True)
class Subject:
    """All that is known of one entry at the site that received it.

    first_reported, later_wanted, actions_done: the counters that a policy case asks for.
    ended_at: since when the entry is withdrawn or refused.
    events: what has happened, by id, in the order in which it was taken in.
    """

    id: SubjectId
    site: str
    entry: Entry | None = None
    delivery: Delivery | None = None
    hits: Mapping[str, HandledHit] = field(default_factory=dict)
    first_reported: bool = False
    later_wanted: bool | None = None
    actions_done: int = 0
    ended_at: datetime | None = None
    events: Mapping[str, Event] = field(default_factory=dict)

    def in_state(self, state: HitState) -> tuple[str, ...]:
        """Name the hits in a state, oldest capture first."""
        found = [hit for hit in self.hits.values() if hit.state == state]
        found.sort(key=lambda hit: (hit.made.captured_at, hit.made.hit_id))
        return tuple(hit.made.hit_id for hit in found)


class Progress(NamedTuple):
    """How far an entry is dealt with, as the engine has to know it; `ended`: refused."""

    actions_done: int = 0
    first_reported: bool = False
    later_wanted: bool | None = None
    ended: bool = False


NOTHING_DONE = Progress()


def nothing_known(_subject: SubjectId) -> Progress:
    """Stand for the book of handled entries where there is none."""
    return NOTHING_DONE
