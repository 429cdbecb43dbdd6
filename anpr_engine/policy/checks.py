"""Hold the rules of all files together: what can never apply, what disagrees, what is missing.

Facts are taken to be independent of each other. So a rule named dead is dead, two rules may be
called at odds although no case meets both, and then the file must say which goes over which.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from itertools import combinations

from anpr_engine.policy.conditions import Condition, FactValue, samples_of
from anpr_engine.policy.problems import Problem
from anpr_engine.policy.rules import FileKind, PolicyFile, Rule
from anpr_engine.policy.vocabulary import EFFECTS, STAGES, EffectKind

Regions = Mapping[str, frozenset[FactValue]]
"""By fact, the samples that a rule's conditions on it let pass."""


def problems_of(files: Sequence[PolicyFile]) -> list[Problem]:
    """Give everything that is wrong between the rules of the files."""
    together = _Together.of(files)
    return [
        *_same_ids(together.rules),
        *_same_sites(files),
        *_overs(together),
        *_cycles(together),
        *_dead(together),
        *_at_odds(together),
    ]


def _problem(rule: Rule, found: str, allowed: str) -> Problem:
    return Problem(rule.file, rule.line, rule.id, found, allowed)


@dataclass(frozen=True, slots=True)
class _Together:
    """All rules, what each lets pass, and the files they stand in."""

    rules: tuple[Rule, ...]
    by_id: Mapping[str, Rule]
    files: Mapping[str, PolicyFile]
    regions: Mapping[tuple[str, int], Regions]
    samples: Regions

    @classmethod
    def of(cls, files: Sequence[PolicyFile]) -> "_Together":
        rules = tuple(rule for file in files for rule in file.rules)
        asked: dict[str, list[Condition]] = defaultdict(list)
        for rule in rules:
            for one in rule.when:
                asked[one.fact].append(one)
        samples = {
            fact: frozenset(samples_of(fact, conditions)) for fact, conditions in asked.items()
        }
        regions = {(rule.file, rule.line): _regions(rule, samples) for rule in rules}
        by_id = {rule.id: rule for rule in reversed(rules)}
        return cls(rules, by_id, {file.name: file for file in files}, regions, samples)

    def region(self, rule: Rule) -> Regions:
        return self.regions[rule.file, rule.line]

    def covers(self, rule: Rule, other: Rule) -> bool:
        """Say whether a rule holds wherever another does."""
        everywhere = rule.file == other.file or self.files[rule.file].kind == FileKind.COMMON
        mine, theirs = self.region(rule), self.region(other)
        return everywhere and all(
            theirs.get(fact, self.samples[fact]) <= region for fact, region in mine.items()
        )

    def may_meet(self, rule: Rule, other: Rule) -> bool:
        """Say whether two rules may hold in one case."""
        mine, theirs = self.region(rule), self.region(other)
        return self.files[rule.file].may_meet(self.files[other.file]) and all(
            region & theirs[fact] for fact, region in mine.items() if fact in theirs
        )

    def above(self, rule: Rule) -> frozenset[str]:
        """Give the ids that a rule goes over, directly or by way of others."""
        found: set[str] = set()
        left = list(rule.over)
        while left:
            name = left.pop()
            if name not in found and name in self.by_id:
                found.add(name)
                left += self.by_id[name].over
        return frozenset(found)


def _regions(rule: Rule, samples: Regions) -> Regions:
    found: dict[str, frozenset[FactValue]] = {}
    for one in rule.when:
        passing = frozenset(value for value in samples[one.fact] if one.holds(value))
        found[one.fact] = found.get(one.fact, passing) & passing
    return found


def _same_ids(rules: Sequence[Rule]) -> Iterator[Problem]:
    seen: dict[str, Rule] = {}
    for rule in rules:
        first = seen.setdefault(rule.id, rule)
        if first is not rule and rule.id:
            place = f"{first.file}:{first.line}"
            yield _problem(rule, f"an id that {place} has already", "one rule with an id")


def _same_sites(files: Sequence[PolicyFile]) -> Iterator[Problem]:
    for one, other in combinations(files, 2):
        shared = one.sites & other.sites
        clash = len(shared) > 1 if one.kind == FileKind.AGREEMENT else bool(shared)
        if one.kind == other.kind and clash:
            found = f"{one.kind} of {', '.join(sorted(shared))}, as {one.name} is"
            yield Problem(other.name, 1, "", found, "one such file for these sites")


def _overs(together: _Together) -> Iterator[Problem]:
    for rule in together.rules:
        for name in rule.over:
            other = together.by_id.get(name)
            if other is None:
                yield _problem(rule, f"over names `{name}`, which is no rule", "ids of rules")
            elif other.stage != rule.stage:
                found = f"over names `{name}` of the stage {other.stage}"
                yield _problem(rule, found, f"rules of the stage {rule.stage}")


def _cycles(together: _Together) -> Iterator[Problem]:
    graph = {rule.id: set(rule.over) for rule in together.rules}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        names: list[str] = error.args[1]
        rule = together.by_id[names[0]]
        yield _problem(rule, f"over in a circle: {', '.join(names)}", "an order without circles")


def _dead(together: _Together) -> Iterator[Problem]:
    for rule in together.rules:
        empty = [fact for fact, region in together.region(rule).items() if not region]
        if empty:
            found = f"a rule that can never apply: no value of {', '.join(empty)} fits"
            yield _problem(rule, found, "conditions that some case meets")
            continue
        for other in together.rules:
            beats = other.stage == rule.stage and rule.id in together.above(other)
            if beats and together.covers(other, rule):
                found = f"a rule that can never apply: `{other.id}` goes over it and always holds"
                yield _problem(rule, found, "a rule that some case leaves standing")


def _at_odds(together: _Together) -> Iterator[Problem]:
    for stage in STAGES:
        rules = [rule for rule in together.rules if rule.stage == stage]
        for one, other in combinations(rules, 2):
            effects = _odd_effects(one, other)
            ordered = one.id in together.above(other) or other.id in together.above(one)
            if effects and not ordered and together.may_meet(one, other):
                found = f"`{one.id}` and `{other.id}` differ in {', '.join(effects)}"
                yield _problem(other, found, "the same effect, or one rule over the other")


def _odd_effects(one: Rule, other: Rule) -> list[str]:
    return [
        name
        for name, value in one.then.items()
        if EFFECTS[name].kind in {EffectKind.CHOICE, EffectKind.PERIOD}
        and name in other.then
        and other.then[name] != value
    ]
