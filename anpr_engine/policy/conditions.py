"""One condition of a rule: a fact, a predicate and a value; and which values it lets pass.

Why samples: every predicate compares with the values written in the rules, so that two facts
between which no written value lies are the same to all rules. One sample of each such kind makes
the analysis of rules exact, with the very code that decides.
"""

import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import combinations, pairwise

from anpr_engine.policy.vocabulary import FACTS, FactKind

Value = bool | int | float | str | tuple[str, ...]
"""What a condition compares with; a list of names is a tuple."""

FactValue = bool | float | str | frozenset[str] | None
"""What a fact of a case is; None: the number is not known, or has no limit."""

Test = Callable[[FactValue], bool]

_UNSAID = "\x00"
"""A text that no rule names."""


def _is(value: Value) -> Test:
    return lambda found: found == value


def _in(value: Value) -> Test:
    names = frozenset(_names(value))
    return lambda found: found in names


def _not_in(value: Value) -> Test:
    names = frozenset(_names(value))
    return lambda found: found not in names


def _holds(value: Value) -> Test:
    names = frozenset(_names(value))
    return lambda found: isinstance(found, frozenset) and names <= found


def _lacks(value: Value) -> Test:
    names = frozenset(_names(value))
    return lambda found: isinstance(found, frozenset) and not names & found


def _empty(value: Value) -> Test:
    return lambda found: (not found) == value


def _compared(compare: Callable[[float, float], bool]) -> Callable[[Value], Test]:
    def build(value: Value) -> Test:
        bound = float(value) if isinstance(value, int | float) else 0.0
        return lambda found: isinstance(found, int | float) and compare(found, bound)

    return build


def _names(value: Value) -> tuple[str, ...]:
    if isinstance(value, tuple):
        return value
    return (value,) if isinstance(value, str) else ()


@dataclass(frozen=True, slots=True)
class Predicate:
    """A way to compare: what its value must be, how it sounds, and how it is tested."""

    wants: str
    says: str
    build: Callable[[Value], Test]


FLAG, NAME, NAMES, NUMBER = "true or false", "one name", "a list of names", "a number"

PREDICATES: Mapping[FactKind, Mapping[str, Predicate]] = {
    FactKind.FLAG: {"is": Predicate(FLAG, "is", _is)},
    FactKind.CHOICE: {
        "is": Predicate(NAME, "is", _is),
        "in": Predicate(NAMES, "is one of", _in),
        "not_in": Predicate(NAMES, "is none of", _not_in),
    },
    FactKind.NUMBER: {
        "more_than": Predicate(NUMBER, "is more than", _compared(operator.gt)),
        "at_least": Predicate(NUMBER, "is at least", _compared(operator.ge)),
        "at_most": Predicate(NUMBER, "is at most", _compared(operator.le)),
        "less_than": Predicate(NUMBER, "is less than", _compared(operator.lt)),
    },
    FactKind.SET: {
        "holds": Predicate(NAMES, "includes", _holds),
        "lacks": Predicate(NAMES, "does not include", _lacks),
        "empty": Predicate(FLAG, "is empty", _empty),
    },
}
"""What each kind of fact can be asked; a text is asked as a choice is."""


def predicates_of(kind: FactKind) -> Mapping[str, Predicate]:
    """Give the predicates of a kind of fact, by name."""
    return PREDICATES[FactKind.CHOICE if kind == FactKind.TEXT else kind]


@dataclass(frozen=True, slots=True)
class Condition:
    """One question to a fact; `holds` is compiled from the other three."""

    fact: str
    predicate: str
    value: Value
    holds: Test = field(compare=False, repr=False)

    def words(self) -> str:
        """Say it in words."""
        fact = FACTS[self.fact]
        says = predicates_of(fact.kind)[self.predicate].says
        if fact.kind == FactKind.FLAG:
            return f"{fact.says}: {'yes' if self.value else 'no'}"
        if self.predicate == "empty":
            return f"{fact.says} {'is nothing' if self.value else 'is something'}"
        value = ", ".join(_names(self.value)) or f"{self.value:g}"
        return f"{fact.says} {says} {value}"


def condition(fact: str, predicate: str, value: Value) -> Condition:
    """Compile a condition whose parts were checked."""
    build = predicates_of(FACTS[fact].kind)[predicate].build
    return Condition(fact, predicate, value, build(value))


def samples_of(fact: str, conditions: Iterable[Condition]) -> tuple[FactValue, ...]:
    """Give one value of every kind that the conditions can tell apart.

    Args:
        fact: the fact's name.
        conditions: all conditions that ask for it.

    """
    about = FACTS[fact]
    values = [one.value for one in conditions]
    if about.kind == FactKind.FLAG:
        return (False, True)
    if about.kind == FactKind.CHOICE:
        return about.domain
    if about.kind == FactKind.TEXT:
        return (*sorted({name for value in values for name in _names(value)}), _UNSAID)
    if about.kind == FactKind.SET:
        sizes = range(len(about.domain) + 1)
        return tuple(frozenset(some) for size in sizes for some in combinations(about.domain, size))
    bounds = sorted({float(value) for value in values if isinstance(value, int | float)})
    between = [(low + high) / 2 for low, high in pairwise(bounds)]
    ends = [bounds[0] - 1, bounds[-1] + 1] if bounds else [0.0]
    return (None, *sorted([*bounds, *between, *ends]))
