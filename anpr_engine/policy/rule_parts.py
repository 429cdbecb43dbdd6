"""Read one `[[rule]]`: its conditions and effects, each word held against the vocabulary."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from math import isfinite

from anpr_engine.policy.conditions import (
    FLAG,
    NAME,
    NUMBER,
    Condition,
    Value,
    condition,
    predicates_of,
)
from anpr_engine.policy.rules import EffectValue, Rule, Setting
from anpr_engine.policy.vocabulary import EFFECTS, FACTS, STAGES, EffectKind, FactKind

Report = Callable[[str, str, str], None]
"""Takes the key with a problem, what was found, and what is allowed."""

PERIOD_MAX = 36_600
"""A hundred years of days; a period that is longer is none."""
RULE_KEYS = ("id", "reference", "says", "when", "then", "over")
_TEXTS = ("id", "reference", "says")
_ID = re.compile(r"[a-z0-9]+([.-][a-z0-9]+)*")
_SETTING = "setting"


def shown(value: object) -> str:
    """Write what was found, short."""
    text = f"`{value}`" if isinstance(value, str) else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def listed(names: Collection[str]) -> str:
    """Write what is allowed."""
    return ", ".join(names) or "nothing"


@dataclass(frozen=True, slots=True)
class RuleReader:
    """Reads one rule; every problem is reported, and a rule with any is no rule."""

    settings: Mapping[str, Setting]
    report: Report

    def read(self, table: Mapping[str, object], file: str, line: int) -> Rule | None:
        """Read a rule's table; None when it cannot be used at all."""
        texts = {key: self._text(table, key) for key in _TEXTS}
        for key in table:
            if key not in RULE_KEYS:
                self.report(key, f"unknown key {shown(key)}", listed(RULE_KEYS))
        if texts["id"] and not _ID.fullmatch(texts["id"]):
            self.report("id", shown(texts["id"]), "small letters, digits, dots and hyphens")
        then = dict(self._effects(table.get("then")))
        stages = {EFFECTS[name].stage for name in then}
        if len(stages) > 1:
            found = f"effects of the stages {listed(sorted(stages))}"
            self.report("then", found, "effects of one stage; make a rule for each")
        if not then:
            return None
        stage = min(stages, key=STAGES.index)
        when = tuple(self._conditions(self._table(table, "when"), "", stage))
        over = tuple(self._names(table.get("over", []), "over"))
        return Rule(**texts, when=when, then=then, over=over, stage=stage, file=file, line=line)

    def _text(self, table: Mapping[str, object], key: str) -> str:
        value = table.get(key)
        if isinstance(value, str) and value.strip():
            return value
        self.report(key, f"no {key}" if value is None else f"{key} = {shown(value)}", "a text")
        return ""

    def _table(self, table: Mapping[str, object], key: str) -> Mapping[str, object]:
        value = table.get(key, {})
        if isinstance(value, dict):
            return value
        self.report(key, f"{key} = {shown(value)}", "a table")
        return {}

    def _effects(self, given: object) -> Iterator[tuple[str, EffectValue]]:
        if not isinstance(given, dict) or not given:
            self.report("then", "no effect", listed(EFFECTS))
            return
        for name, value in given.items():
            effect = EFFECTS.get(name)
            if effect is None:
                self.report(name, f"unknown effect {shown(name)}", listed(EFFECTS))
            elif effect.kind == EffectKind.FIELDS:
                yield name, tuple(self._names(value, name, effect.domain))
            elif effect.kind == EffectKind.PERIOD:
                yield from self._period(name, value)
            elif effect.kind == EffectKind.MARK and value is not True:
                self.report(name, f"{name} = {shown(value)}", "true, or leave the effect out")
            elif effect.kind == EffectKind.CHOICE and value not in effect.domain:
                self.report(name, f"{name} = {shown(value)}", listed(effect.domain))
            else:
                yield name, value

    def _period(self, name: str, given: object) -> Iterator[tuple[str, float]]:
        value = self._figure(given, name)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if is_number and isinstance(value, int | float) and 0 < value <= PERIOD_MAX:
            yield name, float(value)
        elif value is not None:
            self.report(name, f"{name} = {shown(value)}", f"more than 0, {PERIOD_MAX} at most")

    def _conditions(
        self, table: Mapping[str, object], prefix: str, stage: str
    ) -> Iterator[Condition]:
        """Walk the dotted keys down to the facts they name."""
        for key, value in table.items():
            name = prefix + key
            if name in FACTS:
                yield from self._asked(name, value, stage)
            elif isinstance(value, dict) and any(fact.startswith(f"{name}.") for fact in FACTS):
                yield from self._conditions(value, f"{name}.", stage)
            else:
                self.report(key, f"unknown fact {shown(name)}", listed(FACTS))

    def _asked(self, name: str, predicates: object, stage: str) -> Iterator[Condition]:
        fact = FACTS[name]
        key = name.rpartition(".")[2]
        allowed = predicates_of(fact.kind)
        if stage not in fact.stages:
            found = f"{name} asked where the stage is {stage}"
            self.report(key, found, f"{name} in {listed(fact.stages)}")
        if not isinstance(predicates, dict) or not predicates:
            self.report(key, f"{name} = {shown(predicates)}", f"{name}.<{'|'.join(allowed)}>")
            return
        for word, given in predicates.items():
            if word not in allowed:
                self.report(key, f"{name}.{word}", f"{name}.<{'|'.join(allowed)}>")
                continue
            value = self._value(given, name, allowed[word].wants)
            if value is not None:
                yield condition(name, word, value)

    def _value(self, given: object, name: str, wants: str) -> Value | None:
        """Check a condition's value, or that of the setting it names."""
        key = name.rpartition(".")[2]
        value = self._figure(given, key)
        if value is None:
            return None
        if wants == FLAG and isinstance(value, bool):
            return value
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if wants == NUMBER and is_number and isinstance(value, int | float) and isfinite(value):
            return value
        domain = FACTS[name].domain
        if wants == NAME and isinstance(value, str) and self._is_known(name, value):
            return value
        if wants not in {FLAG, NUMBER, NAME}:
            return tuple(self._names(value, key, domain)) or None
        self.report(key, f"{name}: {shown(value)}", listed(domain) if domain else wants)
        return None

    def _figure(self, given: object, key: str) -> object:
        """Give a value as it is written, or that of the setting it names; None: there is none."""
        if not isinstance(given, dict):
            return given
        setting = self.settings.get(str(given.get(_SETTING)))
        if set(given) == {_SETTING} and setting is not None:
            return setting.value
        self.report(key, f"setting {shown(given)}", f"a setting: {listed(self.settings)}")
        return None

    def _is_known(self, name: str, value: str) -> bool:
        return FACTS[name].kind == FactKind.TEXT or value in FACTS[name].domain

    def _names(self, value: object, key: str, domain: Collection[str] = ()) -> Iterator[str]:
        names = [value] if isinstance(value, str) else value
        if not isinstance(names, list) or (not names and key != "over"):
            self.report(key, f"{key} = {shown(value)}", "a list of names")
            return
        for name in names:
            if isinstance(name, str) and (not domain or name in domain):
                yield name
            else:
                self.report(key, f"{key}: {shown(name)}", listed(domain) if domain else "a name")
