"""What is to be told of a hit now: asks the policy, and makes the message it lets go.

The law stands in the policy files alone; here stands only in which order reports go. That a person
looks at a hit that is not exact before anything is done is held by `policy/handling.py`.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import cast

from pydantic import ValidationError

from anpr_engine.policy.case import Case, Circumstances, HitPart, State
from anpr_engine.policy.decide import Verdict, decide
from anpr_engine.policy.handled import HandledHit, HitState, Subject
from anpr_engine.policy.handling_events import Actor, Illegal, IllegalStep, Reported
from anpr_engine.policy.policy_set import PolicySet
from anpr_engine.records.messages import ActedFacts, Channel, NotActedFacts, ReportA, ReportB
from anpr_engine.wire import told_apart

ID_BYTES = 16


@dataclass(frozen=True, slots=True)
class Situation:
    """What the policy has to know beside the hit; `facts` are values by field name.

    contacts: of the provider, by way, where services agreed on them.
    """

    now: datetime
    facts: Mapping[str, object]
    circumstances: Circumstances | None = None
    contacts: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Due:
    """What is to be told of one hit; `obstacle` says why it cannot go yet, None: it can."""

    hit_id: str
    verdict: Verdict
    obstacle: Illegal | None


def usable_now(subject: Subject, now: datetime, policies: PolicySet) -> bool:
    """Say whether the entry may be matched: not ended, and the policy permits it.

    The camera of a hit decides about an entry for a part of the country; that is asked per hit.
    """
    if subject.ended_at is not None or subject.entry is None:
        return False
    state = State(actions_done=subject.actions_done)
    return decide(_case(subject, None, Situation(now, {}), state), policies).usable


def case_of(subject: Subject, hit: HandledHit, situation: Situation) -> Case:
    """Put the question about a hit the way `anpr policy decide` takes it."""
    state = State(
        validated=hit.validated,
        acted=hit.acted,
        first_reported=subject.first_reported,
        later_wanted=subject.later_wanted,
        actions_done=subject.actions_done,
    )
    return _case(subject, hit, situation, state)


def _case(subject: Subject, hit: HandledHit | None, situation: Situation, state: State) -> Case:
    made = None if hit is None else hit.made
    seen = None
    if made is not None:
        seen = HitPart(made.captured_at, made.camera_id, made.probability, made.tier)
    return Case(
        case_id=subject.id.entry_id if made is None else made.hit_id,
        now=situation.now,
        site=subject.site,
        provider=subject.id.provider,
        delivery=subject.delivery if hit is None else hit.delivery,
        entry=subject.entry if hit is None else hit.entry,
        hit=seen,
        state=state,
        circumstances=situation.circumstances,
        facts=dict(situation.facts),
    )


def due(subject: Subject, hit_id: str, situation: Situation, policies: PolicySet) -> Due:
    """Ask what is to be told of a hit now.

    Raises:
        IllegalStep: no such hit is known.

    """
    hit = subject.hits.get(hit_id)
    if hit is None:
        raise IllegalStep(Illegal.NO_SUCH_HIT)
    verdict = decide(case_of(subject, hit, situation), policies)
    return Due(hit_id, verdict, _obstacle(subject, hit, verdict))


def all_due(subject: Subject, situation: Situation, policies: PolicySet) -> Iterator[Due]:
    """Ask about every hit whose outcome is known and not told yet, oldest capture first."""
    for state in (HitState.ACTED, HitState.NOT_ACTED):
        for hit_id in subject.in_state(state):
            if subject.hits[hit_id].report is None:
                found = due(subject, hit_id, situation, policies)
                if found.obstacle != Illegal.NOT_DUE:
                    yield found


def _obstacle(subject: Subject, hit: HandledHit, verdict: Verdict) -> Illegal | None:
    """Name the first thing in the way, or None."""
    is_first_b = verdict.report == "B" and not subject.first_reported
    obstacles = (
        (hit.recalled_at is not None, Illegal.RECALLED),
        (hit.dismissed, Illegal.DISMISSED),
        (hit.report is not None, Illegal.REPORTED),
        (verdict.report is None, Illegal.NOT_DUE),
        (is_first_b and _is_later(subject, hit), Illegal.EARLIER_FIRST),
        (verdict.validation_required, Illegal.NOT_VALIDATED),
        (bool(verdict.missing), Illegal.FACTS_MISSING),
    )
    return next((name for stands, name in obstacles if stands), None)


def _is_later(subject: Subject, hit: HandledHit) -> bool:
    """Say whether another hit that was not acted on came before: that one is the first."""
    return hit.made.hit_id not in subject.in_state(HitState.NOT_ACTED)[:1]


def message_id_of(subject: Subject, hit_id: str, report: str) -> str:
    """Name a report from what it is about: however often it is made, it has this name."""
    parts = (subject.site, *_key(subject), hit_id, report)
    return hashlib.blake2b(told_apart(parts), digest_size=ID_BYTES).hexdigest()


def _key(subject: Subject) -> tuple[str, str, str]:
    return subject.id.provider, subject.id.list_id, subject.id.entry_id


def compose(
    subject: Subject, found: Due, situation: Situation, policies: PolicySet
) -> ReportA | ReportB:
    """Make the message on a hit: the fields that the policy lets go, and no other.

    Raises:
        IllegalStep: it cannot go now; or a fact does not have the form the message asks for.

    """
    if found.obstacle is not None:
        raise IllegalStep(found.obstacle)
    verdict = found.verdict
    chosen = {name: situation.facts[name] for name in verdict.fields}
    envelope = {
        "message_id": message_id_of(subject, found.hit_id, str(verdict.report)),
        "created_at": situation.now,
        "site": subject.site,
        "provider": subject.id.provider,
        "list_id": subject.id.list_id,
        "entry_id": subject.id.entry_id,
        "hit_id": found.hit_id,
        "via": cast("Channel", verdict.via),
        "contact": situation.contacts.get(verdict.via or ""),
        "notify_national_now": verdict.notify_national_now,
        "policy_version": policies.version,
        "rules": verdict.rules,
    }
    try:
        if verdict.report == "A":
            return ReportA.model_validate(envelope | {"facts": ActedFacts.model_validate(chosen)})
        facts = NotActedFacts.model_validate(chosen)
        asks = {"asks_for_later": not subject.first_reported}
        return ReportB.model_validate(envelope | asks | {"facts": facts})
    except ValidationError as error:
        # The values stay out of the text: they are of a vehicle and its driver.
        wrong = sorted({".".join(map(str, one["loc"])) for one in error.errors()})
        what = "Write these as the schema of the report says: " + ", ".join(wrong) + "."
        raise IllegalStep(Illegal.FACTS_MISSING, what) from None


def told(report: ReportA | ReportB, subject: Subject, event_id: str, by: Actor) -> Reported:
    """Make the event that says a message went out; take it in with `handling.apply`."""
    return Reported(
        event_id=event_id,
        at=report.created_at,
        by=by,
        subject=subject.id,
        hit_id=report.hit_id,
        report="A" if isinstance(report, ReportA) else "B",
        message_id=report.message_id,
    )
