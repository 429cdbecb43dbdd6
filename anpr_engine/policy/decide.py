"""Decide a case: what may be done with an entry and a hit, and which rules said so.

Pure: the same case and the same policies give the same verdict, on any machine, at any time.
What no rule permits is not permitted, and one refusal outweighs every permission.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

import msgspec

from anpr_engine.policy.case import Case, Entry
from anpr_engine.policy.facts import Facts, facts_at, lasting_facts
from anpr_engine.policy.policy_set import PolicySet, in_force_from
from anpr_engine.policy.rules import PolicyFile, Rule
from anpr_engine.policy.vocabulary import (
    ANSWER,
    ENTRY,
    FURTHER,
    KEEP,
    MESSAGE,
    NOTICE,
    RELEASE,
    REPORT_FIELDS,
    USE,
)

NOW, HIT = "now", "hit"
_REFUSALS = {ENTRY: "refuse_entry", USE: "forbid_use", FURTHER: "refuse_further"}
KEPT = ("keep_hit_days", "keep_log_days", "keep_read_hours")


class Kept(msgspec.Struct, frozen=True):
    """How long what comes of a case is kept, at most; None: no rule lets it be kept.

    hit_days: alert, events and reports. log_days: the line of the record, no shorter either.
    read_hours: a read that is no lawful hit.
    """

    hit_days: float | None
    log_days: float | None
    read_hours: float | None


class Verdict(msgspec.Struct, frozen=True):
    """The answers to one case, in the order in which they are written (`anpr policy decide`)."""

    case_id: str | int
    entry_accepted: bool
    usable: bool
    action: str | None
    procedure: str | None
    report: str | None
    validation_required: bool
    via: str | None
    notify_national_now: bool
    fields: list[str]
    missing: list[str]
    rules: list[str]
    kept: Kept
    further_use: bool | None


@dataclass(frozen=True, slots=True)
class Fired:
    """A rule that applied, and the moment it was asked about."""

    rule: Rule
    moment: str


@dataclass(slots=True)
class Examination:
    """A case on its way through the stages; `fired` is the record of it."""

    asked: Sequence[PolicyFile]
    facts: Facts
    fired: list[Fired] = field(default_factory=list)

    def ask(self, stage: str, moment: str = NOW) -> list[Rule]:
        """Give the rules of a stage that apply, without those that another one goes over.

        A rule that is itself gone over still goes over others: A over B, B over C is A over C.
        """
        holding = [
            rule for file in self.asked for rule in file.stages[stage] if rule.holds(self.facts)
        ]
        if any(rule.over for rule in holding):
            beaten = {name for rule in holding for name in rule.over}
            holding = [rule for rule in holding if rule.id not in beaten]
        self.fired += [Fired(rule, moment) for rule in holding]
        return holding

    def permitted(self, stage: str, verb: str, moment: str = NOW) -> bool:
        """Say whether some rule permits and none refuses."""
        holding = self.ask(stage, moment)
        refusal = _REFUSALS[stage]
        return any(verb in rule.then for rule in holding) and not any(
            refusal in rule.then for rule in holding
        )


def decide(case: Case, policies: PolicySet) -> Verdict:
    """Decide a case."""
    return examine(case, policies)[0]


def examine(case: Case, policies: PolicySet) -> tuple[Verdict, list[Fired]]:
    """Decide a case and tell every rule that applied, in the order in which they were asked."""
    asked = policies.asked(case.site, case.provider)
    since = in_force_from(asked)
    lasting = lasting_facts(case)
    now = facts_at(case, case.now, NOW, since)
    exam = Examination(asked, lasting | now)
    accepted = exam.permitted(ENTRY, "permit_entry")
    exam.facts["decided.accepted"] = accepted
    usable = exam.permitted(USE, "permit_use")
    exam.facts["decided.hit_lawful"] = _hit_lawful(case, exam, since)
    exam.facts |= now
    exam.facts["decided.usable"] = usable
    exam.ask(RELEASE)
    kept = exam.ask(KEEP)
    answer = exam.ask(ANSWER)
    report = chosen(answer, "report")
    exam.facts["decided.report"] = report or "none"
    message = exam.ask(MESSAGE)
    via = chosen(message, "via")
    exam.facts["decided.via"] = via or "none"
    notice = exam.ask(NOTICE)
    further = None if case.further_use is None else exam.permitted(FURTHER, "permit_further")
    going, missing = _fields(case, message)
    verdict = Verdict(
        case_id=case.case_id,
        entry_accepted=accepted,
        usable=usable,
        action=_action(case.entry, from_sis=chosen(answer, "action") == "sis"),
        procedure=chosen(answer, "procedure"),
        report=report if report in {"A", "B"} else None,
        validation_required=any("validation_required" in rule.then for rule in message),
        via=via,
        notify_national_now=any("notify_national_now" in rule.then for rule in notice),
        fields=going,
        missing=missing,
        rules=sorted({one.rule.id for one in exam.fired}, key=policies.order.__getitem__),
        kept=Kept(*(period(kept, name) for name in KEPT)),
        further_use=further,
    )
    return verdict, exam.fired


def _hit_lawful(case: Case, exam: Examination, since: date | None) -> bool:
    """Judge the hit as of the moment it was made; without that moment it was not lawful."""
    captured_at = None if case.hit is None else case.hit.captured_at
    if captured_at is None:
        return False
    exam.facts |= facts_at(case, captured_at, HIT, since)
    return exam.permitted(USE, "permit_use", HIT)


def chosen(rules: Sequence[Rule], name: str) -> str | None:
    """Give what was chosen; the checks at loading hold that all rules choose the same."""
    return next((str(rule.then[name]) for rule in rules if name in rule.then), None)


def period(rules: Sequence[Rule], name: str) -> float | None:
    """Give the days or hours that were set; None where no rule sets any."""
    found = (rule.then.get(name) for rule in rules)
    return next((float(one) for one in found if isinstance(one, int | float)), None)


def _action(entry: Entry | None, *, from_sis: bool) -> str | None:
    if entry is None:
        return None
    asked = entry.sis_action if from_sis else entry.action
    return (asked or "").strip() or None


def _fields(case: Case, message: Sequence[Rule]) -> tuple[list[str], list[str]]:
    """Give the fields that go out, and the mandatory ones that are not known."""
    mandatory: set[str] = set()
    allowed: set[str] = set()
    for rule in message:
        needed = rule.then.get("mandatory", ())
        mandatory.update(needed if isinstance(needed, tuple) else ())
        optional = rule.then.get("optional", ())
        allowed.update(optional if isinstance(optional, tuple) else ())
    known = case.known_facts()
    going = [name for name in REPORT_FIELDS if name in known and name in mandatory | allowed]
    missing = [name for name in REPORT_FIELDS if name in mandatory and name not in known]
    return going, missing
