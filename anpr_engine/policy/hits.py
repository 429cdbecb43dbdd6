"""Ask the policy about the hits of one batch: may it be told, to whom, as what, by which rules.

The engine's own door to the rules that `anpr policy decide` answers from, with the same stages.

Why a memory: to the rules, most entries and hits of a batch are alike. Those whose facts no rule
can tell apart are asked once; of a number only its place among the figures in the rules counts. A
read that hits nothing is asked nothing.
Why a receipt later than the hit counts as one of its moment: a list is delivered without a break,
its receipt is the last time that was confirmed, and nobody says when an entry came first.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from anpr_engine.policy.case import Area, Case, Delivery, Entry, HitPart, State
from anpr_engine.policy.decide import HIT, NOW
from anpr_engine.policy.facts import (
    Facts,
    Limits,
    Times,
    facts_at,
    hit_facts,
    lasting_facts,
    times_at,
)
from anpr_engine.policy.handled import Progress, nothing_known
from anpr_engine.policy.handling_events import SubjectId
from anpr_engine.policy.policy_set import PolicySet, in_force_from
from anpr_engine.policy.rulings import Asked, Ruling, figures_of, place_among, ruling_on
from anpr_engine.policy.sharing import Decision, decide_sharing
from anpr_engine.records.watchlist_entry import WatchlistEntry

REFUSED = "handling.refused"
"""Stands for a rule's id where people of the site refused the entry (agreement, article 12)."""
CLOCKS_APART = timedelta(minutes=5)
"""A receipt that lies so far ahead is one of now: two machines' clocks are never the same."""


class _Kind(NamedTuple):
    """Entries of which the rules can tell nothing apart here and now, before a hit.

    number: of the kind. now: the facts.
    """

    number: int
    asked: Asked
    sharing: Decision
    received_at: datetime | None
    now: Facts


@dataclass(frozen=True, slots=True)
class Standing:
    """An entry, and what is known of all entries of its kind; `ended`: people refused it."""

    entry: WatchlistEntry
    kind: _Kind
    ended: bool = False


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the rules say of a hit; with a `refusal`, by that rule's id, nobody is told.

    action: the one to take. waits: only the site of the read is told until a person has looked.
    held_back_from: who is told then, too.
    """

    refusal: str | None
    recipients: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    action: str = ""
    waits: bool = False
    held_back_from: tuple[str, ...] = ()


class HitJudge:
    """Judges hits by one set of policies, at one site and moment."""

    def __init__(
        self,
        policies: PolicySet,
        site: str,
        now: datetime,
        received_at_us: Mapping[str, int] | None,
        handled: Callable[[SubjectId], Progress] = nothing_known,
    ) -> None:
        """Judge by policies.

        Args:
            policies: the rules in force.
            site: where the reads are made.
            now: the moment, UTC.
            received_at_us: when each provider's list was last received, microseconds since 1970;
                None for lists from files, which count as received now.
            handled: tells what was done about an entry so far.

        """
        self._policies = policies
        self._site = site
        self._now = now
        self._received_at_us = received_at_us
        self._handled = handled
        self._asked: dict[str, Asked] = {}
        self._kinds: dict[tuple[object, ...], _Kind] = {}
        self._rulings: dict[tuple[object, ...], Ruling] = {}

    def of_entry(self, entry: WatchlistEntry) -> Standing:
        """Put together what depends on the entry and its list alone."""
        about = SubjectId(entry.provider or self._site, entry.list_id, entry.entry_id)
        done = self._handled(about)
        marks = (*self._marks(entry), *done)
        kind = self._kinds.get(marks)
        if kind is None:
            kind = self._kinds[marks] = self._kind(entry, len(self._kinds), done)
        return Standing(entry, kind, done.ended)

    def of_hit(self, standing: Standing, hit: HitPart) -> Judgement:
        """Judge a hit on an entry."""
        entry, kind = standing.entry, standing.kind
        if not kind.sharing.recipients:
            return Judgement(kind.sharing.reasons[0])
        if standing.ended:
            return Judgement(REFUSED)
        limits = Limits(entry.area_cameras or None, entry.hours_utc, entry.direction)
        seen = hit_facts(limits, hit, self._now)
        at, received_at = hit.captured_at or self._now, kind.received_at
        if received_at is not None and received_at > at:
            received_at = at
        times = Times(received_at, entry.valid_from, entry.valid_until)
        then = times_at(times, at, HIT, kind.asked.in_force_from)
        places = {
            "hit.probability": place_among(seen["hit.probability"], kind.asked.probabilities),
            "list.age_hours": place_among(then["list.age_hours"], kind.asked.ages),
        }
        key = (kind.number, *(seen | then | places).values())
        ruling = self._rulings.get(key)
        if ruling is None:
            ruling = self._rulings[key] = ruling_on(kind.asked.files, kind.now | seen, then)
        if ruling.refusal is not None:
            return Judgement(ruling.refusal)
        asked_for = entry.sis_action if ruling.from_sis else entry.action
        told = kind.sharing.recipients
        return Judgement(
            refusal=None,
            recipients=(self._site,) if ruling.waits else told,
            reasons=(*kind.sharing.reasons, *ruling.rules),
            action=asked_for.value if asked_for else "",
            waits=ruling.waits,
            held_back_from=told[1:] if ruling.waits else (),
        )

    def _marks(self, entry: WatchlistEntry) -> tuple[object, ...]:
        """Give all of an entry that facts are made from, but for what needs a hit as well."""
        start, end = entry.valid_from, entry.valid_until
        return (
            *(entry.provider, entry.sharing, entry.category, entry.action, entry.sis_action),
            *(entry.list_kind, entry.sis_derived, entry.border_area_only, entry.max_actions),
            *(
                not entry.plate.strip(),
                entry.country is None,
                not entry.owner.strip(),
                not entry.case_ref.strip(),
            ),
            *(end is None, start is not None and self._now < start),
            end is not None and self._now >= end,
        )

    def _kind(self, entry: WatchlistEntry, number: int, done: Progress) -> _Kind:
        provider = entry.provider or self._site
        delivery = self._delivery(entry, provider)
        case = Case(
            case_id="hit",
            now=self._now,
            site=self._site,
            provider=provider,
            delivery=delivery,
            entry=entry_of(entry),
            state=State(None, None, done.first_reported, done.later_wanted, done.actions_done),
        )
        asked = self._about(provider)
        now = lasting_facts(case) | facts_at(case, self._now, NOW, asked.in_force_from)
        received_at = None if delivery is None else delivery.received_at
        return _Kind(number, asked, decide_sharing(entry, self._site), received_at, now)

    def _about(self, provider: str) -> Asked:
        found = self._asked.get(provider)
        if found is None:
            files = self._policies.asked(self._site, provider)
            figures = [figures_of(files, name) for name in ("list.age_hours", "hit.probability")]
            found = self._asked[provider] = Asked(files, in_force_from(files), *figures)
        return found

    def _delivery(self, entry: WatchlistEntry, provider: str) -> Delivery | None:
        if provider == self._site:
            return None
        received: datetime | None = self._now
        if self._received_at_us is not None:
            received_us = self._received_at_us.get(provider)
            received = None if received_us is None else _instant(received_us)
        if received is not None and self._now < received <= self._now + CLOCKS_APART:
            received = self._now
        # A store keeps the newest version only, so that what is in use was never superseded.
        return Delivery(
            kind=entry.list_kind or "structural",
            received_at=received,
            superseded=False,
            sis_derived=entry.sis_derived,
        )


def entry_of(entry: WatchlistEntry) -> Entry:
    """Write a listed vehicle the way a policy case has it."""
    return Entry(
        plate=entry.plate,
        country=entry.country,
        category=entry.category.value,
        action=entry.action.value,
        owner=entry.owner,
        case_ref=entry.case_ref,
        sharing=entry.sharing,
        valid_from=entry.valid_from,
        valid_until=entry.valid_until,
        sis_action=None if entry.sis_action is None else entry.sis_action.value,
        area=Area(list(entry.area_cameras)) if entry.area_cameras else None,
        border_area_only=entry.border_area_only,
        max_actions=entry.max_actions,
        hours_utc=entry.hours_utc,
        direction=entry.direction,
    )


def _instant(time_us: int) -> datetime:
    return datetime.fromtimestamp(time_us / 1e6, UTC)
