"""What the rules say to the facts of one hit, and which facts they cannot tell apart."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from datetime import date
from typing import NamedTuple, Self

from anpr_engine.policy.decide import HIT, Examination, Fired, chosen, period
from anpr_engine.policy.facts import Facts
from anpr_engine.policy.policy_set import in_force_from
from anpr_engine.policy.rules import PolicyFile
from anpr_engine.policy.vocabulary import ANSWER, ENTRY, KEEP, RELEASE, USE

NOT_PERMITTED = "policy.not-permitted"
"""Stands for a rule's id where none forbids and none permits."""
NO_PERIOD = "policy.no-period"
"""Stands for a rule's id where none says how long the hit may be kept."""
REVIEW, STAY = "review", "stay"


class Asked(NamedTuple):
    """What is asked about a provider's lists: files, start of their agreement, figures by fact."""

    files: tuple[PolicyFile, ...]
    in_force_from: date | None
    ages: Sequence[float]
    probabilities: Sequence[float]

    @classmethod
    def of(cls, files: tuple[PolicyFile, ...]) -> Self:
        """Take from files what is asked of them."""
        figures = [figures_of(files, name) for name in ("list.age_hours", "hit.probability")]
        return cls(files, in_force_from(files), *figures)


class Ruling(NamedTuple):
    """What the rules say to facts: the id of the one that refuses, or those that applied.

    kept_days: how long what is recorded of the hit may be kept.
    """

    refusal: str | None
    rules: tuple[str, ...] = ()
    from_sis: bool = False
    waits: bool = False
    kept_days: float = 0.0


def ruling_on(asked: Sequence[PolicyFile], now: Facts, then: Facts) -> Ruling:
    """Ask the rules.

    Args:
        asked: the files that hold here.
        now: all facts, as of now.
        then: those that were different when the hit was made.

    """
    exam = Examination(asked, dict(now))
    if not exam.permitted(ENTRY, "permit_entry"):
        return Ruling(_first(exam.fired, "refuse_entry"))
    exam.facts["decided.accepted"] = True
    if not exam.permitted(USE, "permit_use"):
        return Ruling(_first(exam.fired, "forbid_use"))
    exam.facts |= then
    if not exam.permitted(USE, "permit_use", HIT):
        return Ruling(_first(exam.fired, "forbid_use"))
    exam.facts |= now | {"decided.usable": True, "decided.hit_lawful": True}
    release = chosen(exam.ask(RELEASE), "release")
    if release == STAY:
        return Ruling(_first(exam.fired, "release"))
    kept_days = period(exam.ask(KEEP), "keep_hit_days")
    if kept_days is None:
        # What may not be kept may not be recorded, and an alert is a record.
        return Ruling(NO_PERIOD)
    from_sis = chosen(exam.ask(ANSWER), "action") == "sis"
    rules = tuple(dict.fromkeys(one.rule.id for one in exam.fired))
    return Ruling(None, rules, from_sis, release == REVIEW, kept_days)


def _first(fired: Iterable[Fired], effect: str) -> str:
    return next((one.rule.id for one in fired if effect in one.rule.then), NOT_PERMITTED)


def figures_of(files: Iterable[PolicyFile], fact: str) -> list[float]:
    """Give the figures with which rules compare a number."""
    asked = (one for file in files for rule in file.rules for one in rule.when if one.fact == fact)
    return sorted(float(one.value) for one in asked if isinstance(one.value, int | float))


def place_among(number: float | None, figures: Sequence[float]) -> int | None:
    """Say between which figures a number lies, or that it is one; no rule can tell more."""
    if number is None:
        return None
    below = bisect_left(figures, number)
    return below + bisect_right(figures, number, below)
