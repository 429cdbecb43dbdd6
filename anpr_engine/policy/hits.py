"""Ask the policy about the hits of one batch: may it be told, to whom, as what, by which rules.

The engine's own door to the rules that `anpr policy decide` answers from, with the same stages.

Why a memory: to the rules, most entries and hits are alike. Those whose facts no rule can tell
apart are asked once; of a number, a time too, only its place among the figures in the rules counts.
So what was answered in one batch holds in the next. A read that hits nothing is asked nothing.
Why a receipt later than the hit counts as one of its moment: a list is delivered without a break,
its receipt is the last time that was confirmed, and nobody says when an entry came first.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from anpr_engine.policy.case import Area, Case, Delivery, Entry, HitPart, State
from anpr_engine.policy.decide import HIT, NOW
from anpr_engine.policy.facts import (
    NO_LIMITS,
    Facts,
    Limits,
    Times,
    age_hours,
    facts_at,
    hit_facts,
    in_force_at,
    lasting_facts,
    times_at,
    window_at,
)
from anpr_engine.policy.handled import Progress, nothing_known
from anpr_engine.policy.handling_events import SubjectId
from anpr_engine.policy.hit_memory import Arrival, Judgement, Kind, Memory, Standing
from anpr_engine.policy.policy_set import PolicySet
from anpr_engine.policy.rulings import Asked, place_among, ruling_on
from anpr_engine.policy.sharing import decide_sharing
from anpr_engine.records.polygon import corners_of
from anpr_engine.records.watchlist_entry import WatchlistEntry

REFUSED = "handling.refused"
"""Stands for a rule's id where people of the site refused the entry (agreement, article 12)."""
CLOCKS_APART = timedelta(minutes=5)
"""A receipt that lies so far ahead is one of now: two machines' clocks are never the same."""


class HitJudge:
    """Judges hits by one set of policies, at one site and moment."""

    def __init__(
        self,
        policies: PolicySet,
        at: tuple[str, datetime],
        received_at_us: Mapping[str, int] | None,
        handled: Callable[[SubjectId], Progress] = nothing_known,
        memory: Memory | None = None,
    ) -> None:
        """Judge by policies.

        Args:
            policies: the rules in force.
            at: the site where the reads are made, and the moment, UTC.
            received_at_us: when each provider's list was last received, microseconds since 1970;
                None for lists from files, which count as received now.
            handled: tells what was done about an entry so far.
            memory: of batches before this one; None begins anew.

        """
        self._policies = policies
        self._site, self._now = at
        self._received_at_us = received_at_us
        self._handled = handled
        self._arrivals: dict[str, Arrival] = {}
        self._known = (Memory() if memory is None else memory).of(policies, self._site)

    def of_entry(self, entry: WatchlistEntry) -> Standing:
        """Put together what depends on the entry and its list alone."""
        provider = entry.provider or self._site
        done = self._handled(SubjectId(provider, entry.list_id, entry.entry_id))
        arrival = self._arrivals.get(provider)
        if arrival is None:
            arrival = self._arrivals[provider] = self._arrival(provider)
        kinds = self._known.kinds
        marks = (*self._marks(entry), *done, *arrival.marks)
        kind = kinds.get(marks)
        if kind is None:
            kind = kinds[marks] = Kind(next(self._known.numbers), decide_sharing(entry, self._site))
        corners = corners_of(entry.area_polygon)
        area = entry.area_cameras or None
        limits = Limits(area, corners, entry.hours_utc, entry.direction)
        return Standing(entry, kind, arrival, done, limits if any(limits) else None)

    def of_hit(self, standing: Standing, hit: HitPart) -> Judgement:
        """Judge a hit on an entry."""
        entry, kind, arrival = standing.entry, standing.kind, standing.arrival
        if not kind.sharing.recipients:
            return Judgement(kind.sharing.reasons[0])
        if standing.done.ended:
            return Judgement(REFUSED)
        at, received_at = hit.captured_at or self._now, arrival.received_at
        if received_at is not None and received_at > at:
            received_at = at
        age = None if received_at is None else age_hours(received_at, at)
        key = (
            kind.number,
            place_among(hit.probability, arrival.asked.probabilities),
            hit.tier,
            place_among(age, arrival.asked.ages),
            arrival.begins_at is not None and at >= arrival.begins_at,
            window_at(entry.valid_from, entry.valid_until, at),
            None if standing.limits is None else _met(standing.limits, hit, self._now),
        )
        judged = self._known.judged.get(key)
        if judged is None:
            seen = hit_facts(standing.limits or NO_LIMITS, hit, self._now)
            times = Times(received_at, entry.valid_from, entry.valid_until)
            then = times_at(times, at, HIT, arrival.asked.in_force_from)
            judged = self._known.judged[key] = self._judged(standing, seen, then)
        return judged

    def _judged(self, standing: Standing, seen: Facts, then: Facts) -> Judgement:
        entry, asked = standing.entry, standing.arrival.asked
        ruling = ruling_on(asked.files, self._facts_now(standing) | seen, then)
        if ruling.refusal is not None:
            return Judgement(ruling.refusal)
        asked_for = entry.sis_action if ruling.from_sis else entry.action
        sharing = standing.kind.sharing
        told = sharing.recipients
        return Judgement(
            refusal=None,
            recipients=(self._site,) if ruling.waits else told,
            reasons=(*sharing.reasons, *ruling.rules),
            action=asked_for.value if asked_for else "",
            waits=ruling.waits,
            held_back_from=told[1:] if ruling.waits else (),
            kept_days=ruling.kept_days,
        )

    def _marks(self, entry: WatchlistEntry) -> tuple[object, ...]:
        """Give all of an entry that facts are made from, but for what needs a hit as well."""
        return (
            *(entry.provider, entry.sharing, entry.category, entry.action, entry.sis_action),
            *(entry.list_kind, entry.sis_derived, entry.border_area_only, entry.max_actions),
            *(
                not entry.plate.strip(),
                entry.country is None,
                not entry.owner.strip(),
                not entry.case_ref.strip(),
                entry.valid_until is None,
            ),
            window_at(entry.valid_from, entry.valid_until, self._now),
        )

    def _facts_now(self, standing: Standing) -> Facts:
        entry, arrival, done = standing.entry, standing.arrival, standing.done
        provider = entry.provider or self._site
        case = Case(
            case_id="hit",
            now=self._now,
            site=self._site,
            provider=provider,
            delivery=self._delivery(entry, provider, arrival.received_at),
            entry=entry_of(entry),
            state=State(None, None, done.first_reported, done.later_wanted, done.actions_done),
        )
        since = arrival.asked.in_force_from
        return lasting_facts(case) | facts_at(case, self._now, NOW, since)

    def _arrival(self, provider: str) -> Arrival:
        asked = Asked.of(self._policies.asked(self._site, provider))
        received_at = None if provider == self._site else self._received_at(provider)
        since = asked.in_force_from
        facts = times_at(Times(received_at, None, None), self._now, NOW, since)
        age = None if received_at is None else age_hours(received_at, self._now)
        facts["list.age_hours"] = place_among(age, asked.ages)
        begins_at = None if since is None else in_force_at(since)
        return Arrival(asked, received_at, begins_at, tuple(facts.values()))

    def _received_at(self, provider: str) -> datetime | None:
        if self._received_at_us is None:
            return self._now
        received_us = self._received_at_us.get(provider)
        if received_us is None:
            return None
        received = datetime.fromtimestamp(received_us / 1e6, UTC)
        ahead = self._now < received <= self._now + CLOCKS_APART
        return self._now if ahead else received

    def _delivery(
        self, entry: WatchlistEntry, provider: str, received_at: datetime | None
    ) -> Delivery | None:
        if provider == self._site:
            return None
        # A store keeps the newest version only, so that what is in use was never superseded.
        return Delivery(
            kind=entry.list_kind or "structural",
            received_at=received_at,
            superseded=False,
            sis_derived=entry.sis_derived,
        )


def _met(limits: Limits, hit: HitPart, now: datetime) -> tuple[object, ...]:
    facts = hit_facts(limits, hit, now)
    return facts["entry.area"], facts["entry.hours"], facts["entry.direction"]


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
        area=_area_of(entry),
        border_area_only=entry.border_area_only,
        max_actions=entry.max_actions,
        hours_utc=entry.hours_utc,
        direction=entry.direction,
    )


def _area_of(entry: WatchlistEntry) -> Area | None:
    if not entry.area_cameras and not entry.area_polygon:
        return None
    return Area(list(entry.area_cameras), corners_of(entry.area_polygon))
