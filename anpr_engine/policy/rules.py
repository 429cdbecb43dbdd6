"""A rule of law as data, the file it stands in, and to which exchanges the file applies."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from anpr_engine.policy.conditions import Condition, FactValue
from anpr_engine.policy.vocabulary import EFFECTS, EffectKind

EffectValue = bool | float | str | tuple[str, ...]
"""True of a mark, the name of a choice, a number of days or hours, or names of fields."""


class FileKind(StrEnum):
    """What a file is, and so when its rules apply."""

    COMMON = "common"
    COUNTRY = "country"
    AGREEMENT = "agreement"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Setting:
    """A figure of a file that a site may have to change; `doubt`: why it may be wrong."""

    name: str
    value: bool | float | str
    says: str
    doubt: str


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: when all conditions hold, its effects come about.

    over: ids of rules that do not apply where this one does.
    stage: the one in which it is asked; its effects name it.
    """

    id: str
    reference: str
    says: str
    when: tuple[Condition, ...]
    then: Mapping[str, EffectValue]
    over: tuple[str, ...]
    stage: str
    file: str
    line: int

    def holds(self, facts: Mapping[str, FactValue]) -> bool:
        """Say whether every condition holds."""
        for one in self.when:  # noqa: SIM110 - a generator would double the time
            if not one.holds(facts[one.fact]):
                return False
        return True

    def condition_words(self) -> str:
        """Say in words when it applies."""
        return "; ".join(one.words() for one in self.when) or "always"

    def effect_words(self) -> str:
        """Say in words what it brings about."""
        return "; ".join(_effect_words(name, value) for name, value in self.then.items())


def _effect_words(name: str, value: EffectValue) -> str:
    effect = EFFECTS[name]
    if effect.kind == EffectKind.MARK:
        return effect.says
    if isinstance(value, float):
        return f"{effect.says} {value:g}"
    return f"{effect.says} {', '.join(value) if isinstance(value, tuple) else value}"


@dataclass(frozen=True, slots=True)
class PolicyFile:
    """One file of rules.

    sites: of a country, one; of an agreement, its parties; of a closed file, who is kept out.
    stages: the rules by stage, in the order of the file.
    """

    name: str
    version: str
    kind: FileKind
    sites: frozenset[str]
    in_force_from: date | None
    source: str
    settings: tuple[Setting, ...]
    rules: tuple[Rule, ...]
    stages: Mapping[str, tuple[Rule, ...]]

    def applies(self, site: str, provider: str) -> bool:
        """Say whether its rules are asked about a read at a site and a provider's list.

        The law of the place of the read holds there (Benelux police treaty, article 13(4)).
        """
        if self.kind == FileKind.COUNTRY:
            return site in self.sites
        if self.kind == FileKind.AGREEMENT:
            return site != provider and site in self.sites and provider in self.sites
        return self.kind == FileKind.COMMON or site in self.sites or provider in self.sites

    def may_meet(self, other: "PolicyFile") -> bool:
        """Say whether some case is judged by both files."""
        sites = {*self.sites, *other.sites, ""}
        pairs = ((site, provider) for site in sites for provider in sites)
        return any(self.applies(*pair) and other.applies(*pair) for pair in pairs)
