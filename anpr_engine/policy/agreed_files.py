"""Read what services agreed on from TOML: tables under one header, every problem told at once.

Why beside `rule_files.py`: rules are read by their own words; what services agree on (lists, joint
actions) is plain values. Both tell file, line, what was found and what is allowed.
"""

import re
import tomllib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from anpr_engine.policy.problems import Problem, ProblemsError
from anpr_engine.policy.rule_parts import listed, shown

FILE_BYTES_MAX = 1 << 20
_ERROR_LINE = re.compile(r"at line (\d+)")
_HEADER = re.compile(r"\s*\[\[?\s*([^\]\s]+)\s*\]")


class AgreedFileError(ProblemsError):
    """A file of what services agreed on cannot be taken; nothing of it is used."""


@dataclass(frozen=True, slots=True)
class Place:
    """The lines of one table, to find a key in: the standard reader of TOML keeps no places.

    header: its dotted name; empty for the whole file. first: the number of its first line.
    """

    header: str
    first: int
    lines: Sequence[str]

    def line(self, key: str) -> int:
        """Give the line on which a key is set, else where the table begins."""
        wanted = re.compile(rf"(^|[\s.{{,\"'\[]){re.escape(key)}[\"'\]]*\s*([.=]|$)")
        found = (at for at, line in enumerate(self.lines, self.first) if wanted.search(line))
        own_header = self.first if self.lines and _HEADER.match(self.lines[0]) else 0
        return next((at for at in found if at != own_header), self.first)

    def within(self, key: str, position: int) -> "Place":
        """Give the place of the n-th table, from 0, under a key."""
        name = f"{self.header}.{key}" if self.header else key
        headers = [
            (at, found[1]) for at, line in enumerate(self.lines) if (found := _HEADER.match(line))
        ]
        starts = [at for at, found in headers if found == name]
        if position >= len(starts):
            at = self.line(key)
            return Place(name, at, self.lines[at - self.first : at - self.first + 1])
        start = starts[position]
        others = (at for at, found in headers if at > start and not found.startswith(f"{name}."))
        return Place(name, self.first + start, self.lines[start : next(others, len(self.lines))])


@dataclass(slots=True)
class Block:
    """One table of a file: its values, asked for by key and kind; what is wrong is collected.

    A key that is asked for and absent is told, unless a value to take instead is given.
    """

    file: str
    name: str
    table: Mapping[str, object]
    place: Place
    problems: list[Problem]

    def tell(self, key: str, found: str, allowed: str) -> None:
        """Note something wrong at a key."""
        problem = Problem(self.file, self.place.line(key), self.name, found, allowed)
        self.problems.append(problem)

    def known(self, *keys: str) -> None:
        """Hold the keys of the table against those that mean something."""
        for key in self.table:
            if key not in keys:
                self.tell(key, f"unknown key {shown(key)}", listed(keys))

    def text(self, key: str, default: str | None = None) -> str:
        """Give a text that says something."""
        value = self.table.get(key, default)
        if isinstance(value, str) and (value.strip() or value == default):
            return value
        self._wrong(key, "a text")
        return ""

    def choice(self, key: str, allowed: Collection[str]) -> str:
        """Give one of some names; the first of them when it is none."""
        value = self.table.get(key)
        if isinstance(value, str) and value in allowed:
            return value
        self._wrong(key, listed(allowed))
        return next(iter(allowed))

    def names(self, key: str, allowed: Collection[str] = ()) -> tuple[str, ...]:
        """Give a list of names; none where the key is absent."""
        value = self.table.get(key, [])
        if not isinstance(value, list):
            self._wrong(key, "a list of names")
            return ()
        good = [one for one in value if isinstance(one, str) and one.strip()]
        strange = [one for one in good if allowed and one not in allowed]
        if len(good) < len(value) or strange:
            self._wrong(key, listed(allowed) if allowed else "a list of names")
        return tuple(good)

    def count(self, key: str) -> int:
        """Give a whole number over 0."""
        value = self.table.get(key)
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            return value
        self._wrong(key, "a whole number over 0")
        return 1

    def instant(self, key: str) -> datetime | None:
        """Give an instant with its offset."""
        value = self.table.get(key)
        if isinstance(value, datetime) and value.tzinfo is not None:
            return value
        self._wrong(key, "a time with an offset, 2026-11-22T09:00:00Z")
        return None

    def blocks(self, key: str) -> list["Block"]:
        """Give the tables of a list of tables under a key."""
        value = self.table.get(key, [])
        if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
            self._wrong(key, "a list of tables")
            return []
        return [
            Block(self.file, self.name, one, self.place.within(key, at), self.problems)
            for at, one in enumerate(value)
        ]

    def _wrong(self, key: str, allowed: str) -> None:
        found = f"{key} = {shown(self.table[key])}" if key in self.table else f"no {key}"
        self.tell(key, found, allowed)


@dataclass(slots=True)
class AgreedFile:
    """One file: the tables under its header, and the problems found so far."""

    path: Path
    header: str
    id_key: str
    problems: list[Problem] = field(default_factory=list)

    def read(self) -> Iterator[Block]:
        """Read the file and give its tables one by one."""
        text, table = self._content()
        place = Place("", 1, text.splitlines())
        for key in table:
            if key != self.header:
                found = f"unknown key {shown(key)}"
                self._tell(place.line(key), found, f"tables under [[{self.header}]]")
        tables = table.get(self.header, [])
        if not isinstance(tables, list) or not all(isinstance(one, dict) for one in tables):
            self._tell(1, f"{self.header} is no list of tables", f"[[{self.header}]]")
            return
        if not tables and not self.problems:
            self._tell(1, f"no {self.header}", f"at least one [[{self.header}]]")
        for position, one in enumerate(tables):
            name = str(one.get(self.id_key, ""))
            within = place.within(self.header, position)
            yield Block(self.path.name, name, one, within, self.problems)

    def done(self) -> None:
        """End the reading.

        Raises:
            AgreedFileError: something is wrong; all of it is told.

        """
        if self.problems:
            raise AgreedFileError(self.problems)

    def _content(self) -> tuple[str, dict[str, object]]:
        try:
            with self.path.open("rb") as stream:
                content = stream.read(FILE_BYTES_MAX + 1)
            if len(content) > FILE_BYTES_MAX:
                self._tell(1, "a longer file", f"{FILE_BYTES_MAX} bytes")
                return "", {}
            text = content.decode("utf-8")
            return text, tomllib.loads(text)
        except OSError as error:
            self._tell(0, f"{error.strerror}", "a file that can be read")
        except (ValueError, RecursionError) as error:
            place = _ERROR_LINE.search(str(error))
            self._tell(int(place[1]) if place else 1, f"no TOML: {error}", "TOML in UTF-8")
        return "", {}

    def _tell(self, line: int, found: str, allowed: str) -> None:
        self.problems.append(Problem(self.path.name, line, "", found, allowed))
