"""What the rules said of hits, kept for the next hit and batch of which they can tell nothing else.

Why bounded: entries and hits are of few kinds, but nobody promises it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from typing import NamedTuple

from anpr_engine.policy.facts import Limits
from anpr_engine.policy.handled import Progress
from anpr_engine.policy.policy_set import PolicySet
from anpr_engine.policy.rulings import Asked
from anpr_engine.policy.sharing import Decision
from anpr_engine.records.watchlist_entry import WatchlistEntry

KINDS_MAX = 10_000
"""Of entries and of hits that are remembered; with more of either all is forgotten."""


class Arrival(NamedTuple):
    """A provider's lists in one batch.

    received_at: None where that is not known, or where they are the site's own.
    begins_at: from when on an agreement holds; None: there is none.
    marks: what the rules can tell apart of it now.
    """

    asked: Asked
    received_at: datetime | None
    begins_at: datetime | None
    marks: tuple[object, ...]


class Kind(NamedTuple):
    """Entries of which the rules can tell nothing apart, before a hit; `number` names the kind."""

    number: int
    sharing: Decision


class Standing(NamedTuple):
    """An entry, what is known of all of its kind, what was done about it; for one batch."""

    entry: WatchlistEntry
    kind: Kind
    arrival: Arrival
    done: Progress
    limits: Limits | None


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the rules say of a hit; with a `refusal`, by that rule's id, nobody is told.

    action: the one to take. waits: only the site of the read is told until a person has looked.
    held_back_from: who is told then, too. kept_days: how long the hit may be kept.
    """

    refusal: str | None
    recipients: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    action: str = ""
    waits: bool = False
    held_back_from: tuple[str, ...] = ()
    kept_days: float = 0.0


class Answers(NamedTuple):
    """Kinds of entries by their marks, and what was said of hits; numbers are never given twice."""

    policies: PolicySet
    site: str
    kinds: dict[tuple[object, ...], Kind]
    judged: dict[tuple[object, ...], Judgement]
    numbers: Iterator[int]


class Memory:
    """What was answered before; any thread may ask."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._answers: Answers | None = None

    def of(self, policies: PolicySet, site: str) -> Answers:
        """Give what these policies answered at a site; what others did is forgotten."""
        known = self._answers
        same = known is not None and known.policies is policies and known.site == site
        if known is None or not same or max(len(known.kinds), len(known.judged)) > KINDS_MAX:
            known = Answers(policies, site, {}, {}, count())
        self._answers = known
        return known

    def __reduce__(self) -> tuple[type["Memory"], tuple[()]]:
        """Go to another process as one that knows nothing."""
        return Memory, ()
