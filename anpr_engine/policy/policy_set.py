"""All policy files together, loaded whole or not at all.

Why: half a new policy beside half an old one is a third policy that nobody wrote.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from anpr_engine.policy.checks import problems_of
from anpr_engine.policy.problems import PolicyError, Problem
from anpr_engine.policy.rule_files import ReadFile, read_policy_file
from anpr_engine.policy.rules import FileKind, PolicyFile, Rule

SUFFIX = ".toml"


@dataclass(frozen=True, slots=True)
class PolicySet:
    """The rules in force.

    version: the newest version among the files, and a digest over all of them.
    order: each rule's place in the order of files and rules.
    """

    version: str
    files: tuple[PolicyFile, ...]
    rules: Mapping[str, Rule]
    order: Mapping[str, int]

    def asked(self, site: str, provider: str) -> tuple[PolicyFile, ...]:
        """Give the files whose rules judge a read at a site against a provider's list."""
        return tuple(file for file in self.files if file.applies(site, provider))


def in_force_from(asked: Sequence[PolicyFile]) -> date | None:
    """Give the day from which the agreement among the files holds; None without one."""
    return next((file.in_force_from for file in asked if file.kind == FileKind.AGREEMENT), None)


@cache
def shipped_policies() -> PolicySet:
    """Give the policies that come with the engine; they are read once."""
    return load_policies(files("anpr_engine.policy") / "rules")


def load_policies(folder: Traversable | Path) -> PolicySet:
    """Load every policy file of a folder.

    Raises:
        PolicyError: with everything that is wrong, by file, line and rule.

    """
    found = [read_policy_file(file) for file in _files_in(folder)]
    problems = [problem for one in found for problem in one.problems]
    good = tuple(one.file for one in found if one.file is not None)
    problems += problems_of(good)
    if not found:
        problems.append(Problem(folder.name, 0, "", "no policy file", f"files named *{SUFFIX}"))
    if problems:
        raise PolicyError(problems)
    rules = {rule.id: rule for file in good for rule in file.rules}
    order = {name: place for place, name in enumerate(rules)}
    return PolicySet(_version(found, good), good, rules, order)


def reload_policies(current: PolicySet, folder: Traversable | Path) -> PolicySet:
    """Load a folder again; what is in force stays as it is unless the whole folder is good.

    Returns:
        The new policies, or the very same object when nothing has changed.

    Raises:
        PolicyError: as when loading; the caller keeps what it has.

    """
    loaded = load_policies(folder)
    return current if loaded.version == current.version else loaded


def read_rules(place: Path) -> PolicySet:
    """Read a folder, or one file without the rules of other files that it may name.

    Raises:
        PolicyError: something in it is wrong.

    """
    if place.is_dir():
        return load_policies(place)
    found = read_policy_file(place)
    if found.file is None or found.problems:
        raise PolicyError(found.problems)
    rules = {rule.id: rule for rule in found.file.rules}
    order = {name: number for number, name in enumerate(rules)}
    return PolicySet(_version([found], [found.file]), (found.file,), rules, order)


def _files_in(folder: Traversable | Path) -> Iterator[Traversable | Path]:
    try:
        listed = sorted(folder.iterdir(), key=lambda file: file.name)
    except OSError as error:
        allowed = "a folder that can be read"
        raise PolicyError(
            [Problem(str(folder), 0, "", error.strerror or "no folder", allowed)]
        ) from None
    return (file for file in listed if file.name.endswith(SUFFIX))


def _version(found: Sequence[ReadFile], good: Sequence[PolicyFile]) -> str:
    text = "\n".join(f"{one.name} {one.digest}" for one in found)
    digest = hashlib.sha256(text.encode()).hexdigest()
    return f"{max(file.version for file in good)}-{digest[:12]}"
