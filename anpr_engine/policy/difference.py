"""Say in words what differs between two versions of the policy."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from anpr_engine.policy.policy_set import PolicySet
from anpr_engine.policy.rules import PolicyFile, Rule

ADDED, REMOVED, CHANGED = "added", "removed", "changed"


@dataclass(frozen=True, slots=True)
class Change:
    """One difference: `what` names the rule, setting or file, `words` say how it differs."""

    kind: str
    what: str
    words: str


def changes_between(old: PolicySet, new: PolicySet) -> list[Change]:
    """Give every difference that changes what a policy means or says; comments do not count."""
    single = len(old.files) == len(new.files) == 1
    before, after = _described(old, single=single), _described(new, single=single)
    return list(_changes(before, after))


def _described(policies: PolicySet, *, single: bool) -> dict[str, dict[str, str]]:
    """Give each thing's aspects in words; of two single files the names do not matter."""
    found: dict[str, dict[str, str]] = {}
    for file in policies.files:
        name = "the file" if single else f"file {file.name}"
        found[name] = _of_file(file)
        for one in file.settings:
            words = {"value": f"{one.value}", "says": one.says, "doubt": one.doubt or "none"}
            found[f"setting {one.name} of {name}"] = words
        for rule in file.rules:
            found[f"rule {rule.id}"] = _of_rule(rule)
    return found


def _of_file(file: PolicyFile) -> dict[str, str]:
    return {
        "kind": file.kind,
        "sites": ", ".join(sorted(file.sites)) or "all",
        "in force from": f"{file.in_force_from or 'always'}",
        "version": file.version,
        "source": file.source,
    }


def _of_rule(rule: Rule) -> dict[str, str]:
    return {
        "says": rule.says,
        "when": rule.condition_words(),
        "then": rule.effect_words(),
        "over": ", ".join(rule.over) or "nothing",
        "reference": rule.reference,
    }


def _changes(
    before: Mapping[str, Mapping[str, str]], after: Mapping[str, Mapping[str, str]]
) -> Iterator[Change]:
    for what, aspects in before.items():
        if what not in after:
            yield Change(REMOVED, what, _whole(aspects))
        for aspect, words in aspects.items():
            now = after.get(what, aspects)[aspect]
            if now != words:
                yield Change(CHANGED, what, f"{aspect}: {words} -> {now}")
    for what, aspects in after.items():
        if what not in before:
            yield Change(ADDED, what, _whole(aspects))


def _whole(aspects: Mapping[str, str]) -> str:
    return aspects.get("says") or aspects.get("source", "")
