"""Read a policy file: TOML, every key known, every problem told.

version, kind, sites, source    see `PolicyFile`; kind is one of `FileKind`
in_force_from                   of an agreement: the day on which it takes effect, from 00:00 UTC
[settings.<name>]               value, says, doubt: figures that a site may have to change
[[rule]]                        id, reference, says, when, then, over; see `policy/README.md`
"""

import hashlib
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from importlib.resources.abc import Traversable
from pathlib import Path

from anpr_engine.policy.problems import FileLines, Problem
from anpr_engine.policy.rule_parts import RuleReader, listed, shown
from anpr_engine.policy.rules import FileKind, PolicyFile, Rule, Setting
from anpr_engine.policy.vocabulary import STAGES

FILE_BYTES_MAX = 1 << 20
FILE_KEYS = ("version", "kind", "sites", "in_force_from", "source", "settings", "rule")
SETTING_KEYS = ("value", "says", "doubt")
_SITES = {
    FileKind.COMMON: "none",
    FileKind.COUNTRY: "one",
    FileKind.AGREEMENT: "two or more",
    FileKind.CLOSED: "one or more",
}
_SITE = re.compile("[a-z]{2}")
_ERROR_LINE = re.compile(r"at line (\d+)")


@dataclass(frozen=True, slots=True)
class ReadFile:
    """A file as read: None when it is no policy file at all."""

    name: str
    digest: str
    file: PolicyFile | None
    problems: tuple[Problem, ...]


def read_policy_file(file: Traversable | Path) -> ReadFile:
    """Read one file; nothing is raised, the problems tell all."""
    try:
        with file.open("rb") as stream:
            content = stream.read(FILE_BYTES_MAX + 1)
        if len(content) > FILE_BYTES_MAX:
            return _no_file(file.name, 1, "a longer file", f"{FILE_BYTES_MAX} bytes")
        text = content.decode("utf-8")
        table = tomllib.loads(text)
    except OSError as error:
        return _no_file(file.name, 0, f"{error.strerror}", "a file that can be read")
    except UnicodeDecodeError:
        return _no_file(file.name, 1, "bytes that are no UTF-8", "TOML in UTF-8")
    except (ValueError, RecursionError) as error:
        place = _ERROR_LINE.search(str(error))
        return _no_file(file.name, int(place[1]) if place else 1, str(error), "TOML in UTF-8")
    reader = _FileReader(file.name, FileLines(text))
    found = reader.read(table)
    digest = hashlib.sha256(content).hexdigest()
    return ReadFile(file.name, digest, found, tuple(reader.problems))


def _no_file(name: str, line: int, found: str, allowed: str) -> ReadFile:
    return ReadFile(name, "", None, (Problem(name, line, "", found, allowed),))


@dataclass(slots=True)
class _FileReader:
    """Reads the table of one file and keeps its problems."""

    name: str
    lines: FileLines
    problems: list[Problem] = field(default_factory=list)

    def read(self, table: Mapping[str, object]) -> PolicyFile:
        for key in table:
            if key not in FILE_KEYS:
                self._tell(key, f"unknown key {shown(key)}", listed(FILE_KEYS))
        kind = self._kind(table)
        settings = {one.name: one for one in self._settings(table.get("settings", {}))}
        rules = tuple(self._rules(table.get("rule", []), settings))
        if not rules and not self.problems:
            self._tell("rule", "no rule", "at least one [[rule]]")
        return PolicyFile(
            name=self.name,
            version=self._text(table, "version"),
            kind=kind,
            sites=self._sites(table.get("sites", []), kind),
            in_force_from=self._day(table.get("in_force_from"), kind),
            source=self._text(table, "source"),
            settings=tuple(settings.values()),
            rules=rules,
            stages={stage: tuple(one for one in rules if one.stage == stage) for stage in STAGES},
        )

    def _tell(self, key: str, found: str, allowed: str) -> None:
        self.problems.append(Problem(self.name, self.lines.of_key(key), "", found, allowed))

    def _text(self, table: Mapping[str, object], key: str) -> str:
        value = table.get(key)
        if isinstance(value, str) and value.strip():
            return value
        self._tell(key, f"no {key}" if value is None else f"{key} = {shown(value)}", "a text")
        return ""

    def _kind(self, table: Mapping[str, object]) -> FileKind:
        value = table.get("kind")
        if isinstance(value, str) and value in set(FileKind):
            return FileKind(value)
        self._tell("kind", f"kind = {shown(value)}", listed(tuple(FileKind)))
        return FileKind.COMMON

    def _sites(self, value: object, kind: FileKind) -> frozenset[str]:
        sites = value if isinstance(value, list) else [value]
        good = [site for site in sites if isinstance(site, str) and _SITE.fullmatch(site)]
        counts = {"none": not good, "one": len(good) == 1, "two or more": len(set(good)) > 1}
        enough = counts.get(_SITES[kind], bool(good))
        if len(good) < len(sites) or not enough:
            allowed = f"a list of sites such as be; a file of kind {kind} has {_SITES[kind]}"
            self._tell("sites", f"sites = {shown(value)}", allowed)
        return frozenset(good)

    def _day(self, value: object, kind: FileKind) -> date | None:
        is_day = isinstance(value, date) and not isinstance(value, datetime)
        if kind == FileKind.AGREEMENT and not is_day:
            self._tell("in_force_from", f"in_force_from = {shown(value)}", "a day, 2025-12-12")
        elif kind != FileKind.AGREEMENT and value is not None:
            self._tell("in_force_from", f"in_force_from = {shown(value)}", "none but of agreements")
        return value if isinstance(value, date) else None

    def _settings(self, table: object) -> Iterator[Setting]:
        if not isinstance(table, dict):
            self._tell("settings", f"settings = {shown(table)}", "a table")
            return
        for name, given in table.items():
            if not isinstance(given, dict):
                self._tell(name, f"{name} = {shown(given)}", listed(SETTING_KEYS))
                continue
            for key in given:
                if key not in SETTING_KEYS:
                    self._tell(key, f"unknown key {shown(key)} of {name}", listed(SETTING_KEYS))
            value, says, doubt = (given.get(key, "") for key in SETTING_KEYS)
            if not isinstance(value, bool | int | float | str) or value == "":
                self._tell(name, f"{name}: value {shown(value)}", "a number, a text, true or false")
            elif not isinstance(says, str) or not says or not isinstance(doubt, str):
                self._tell(name, f"{name} without a text in `says` or `doubt`", "texts")
            else:
                yield Setting(name, value, says, doubt)

    def _rules(self, tables: object, settings: Mapping[str, Setting]) -> Iterator[Rule]:
        if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
            self._tell("rule", f"rule = {shown(tables)}", "tables, each under [[rule]]")
            return
        for position, table in enumerate(tables):
            name = str(table.get("id", ""))

            def tell(
                key: str, found: str, allowed: str, at: int = position, rule: str = name
            ) -> None:
                line = self.lines.of_rule(at, key)
                self.problems.append(Problem(self.name, line, rule, found, allowed))

            rule = RuleReader(settings, tell).read(table, self.name, self.lines.of_rule(position))
            if rule is not None:
                yield rule
