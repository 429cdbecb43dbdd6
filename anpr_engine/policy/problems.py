"""What is wrong with policy files: every problem with its place, told together.

Why all at once: who corrects a policy needs to see the whole, and a policy is taken whole or not.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from anpr_engine.errors import ConfigError

_HEADER = re.compile(r"\s*\[\[\s*rule\s*\]\]")
_ID = re.compile(r"\s*id\s*=")


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing wrong: where, in which rule, what was found, and what is allowed."""

    file: str
    line: int
    rule: str
    found: str
    allowed: str

    def __str__(self) -> str:
        """Write it so that an editor can jump there."""
        rule = f" rule {self.rule}:" if self.rule else ""
        return f"{self.file}:{self.line}:{rule} found {self.found}; allowed: {self.allowed}."


class ProblemsError(ConfigError):
    """Files are wrong in one place or several; `problems` are all of them."""

    whole = "file"
    remedy_of_all = "Correct it; until then nothing of it is used."

    def __init__(self, problems: Iterable[Problem]) -> None:
        """Keep the problems beside the text that lists them."""
        self.problems = tuple(sorted(set(problems)))
        count = len(self.problems)
        lines = "".join(f"\n  {problem}" for problem in self.problems)
        what = f"The {self.whole} has {count} problem{'s' if count > 1 else ''}:{lines}\n"
        super().__init__(what, self.remedy_of_all)


class PolicyError(ProblemsError):
    """The policy files cannot be taken; the policy in force stays."""

    whole = "policy"
    remedy_of_all = "Correct the files; until then nothing of them is used."


class FileLines:
    """Finds the line of a rule or a key in the text of a file.

    Why a search: the standard reader of TOML keeps no places.
    """

    def __init__(self, text: str) -> None:
        """Find where each rule begins and ends."""
        self._lines = text.splitlines()
        starts = [number for number, line in enumerate(self._lines) if _HEADER.match(line)]
        self._blocks = list(pairwise([*starts, len(self._lines)]))

    def of_key(self, key: str) -> int:
        """Give the line, from 1, on which a key outside the rules is set."""
        end = self._blocks[0][0] if self._blocks else len(self._lines)
        return self._search(_key(key), 0, end) or 1

    def of_rule(self, position: int, key: str = "") -> int:
        """Give the line, from 1, of a rule's key, else of its id, else where it begins.

        Args:
            position: which rule of the file, from 0.
            key: the last part of a dotted key, or empty.

        """
        if position >= len(self._blocks):
            return 1
        start, end = self._blocks[position]
        found = self._search(_key(key), start, end) if key else 0
        return found or self._search(_ID, start, end) or start + 1

    def _search(self, pattern: re.Pattern[str], start: int, end: int) -> int:
        for number in range(start, end):
            if pattern.search(self._lines[number]):
                return number + 1
        return 0


def _key(key: str) -> re.Pattern[str]:
    return re.compile(rf"(^|[\s.{{,\"'\[]){re.escape(key)}[\"'\]]?\s*([.=]|$)")
