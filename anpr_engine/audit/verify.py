"""Checks chained lines one by one: every line is hashed, every link followed, no end at the first.

Why three ways: lines that continue their chain are checked many at once, `chain_runs`; where one
among them does not, each is known by the bytes it begins and ends with; only one that does not
continue its chain is read and explained.
"""

import hashlib
import re
from binascii import hexlify
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import NamedTuple

from anpr_engine.audit.chain import (
    HASH_MARK,
    TAIL_BYTES,
    Link,
    link_of,
    start_of,
)
from anpr_engine.audit.chain_runs import (
    EVENT_ID_BYTES,
    RUN_LINES,
    SECONDS,
    TIME_MARK,
    take_run,
)
from anpr_engine.audit.chain_state import NOBODY, UNKNOWN, ChainState, Gap, instant_of
from anpr_engine.audit.findings import Finding, Kind, Place

_CHAIN_AT = len(b'{"chain":"')
_TIME = re.compile(rb'"occurred_at":"([^"]{20,40})"')


class AuditLine(NamedTuple):
    """One line as it stands in the log or in a file."""

    partition: int
    offset: int
    value: bytes


@dataclass(frozen=True, slots=True)
class VerifyRules:
    """What is expected of a record.

    site: whose; empty for any. from_start, to_end: whether all lines are given.
    back_s_max: how far a clock may be set back. head_s_max: how old the newest head may be.
    now_us: when the lines were read, microseconds since 1970; 0 where that says nothing.
    """

    site: str = ""
    from_start: bool = True
    to_end: bool = True
    back_s_max: float = 5.0
    head_s_max: float = 180.0
    now_us: int = 0


class RecordCheck:
    """Takes the lines of one site's record, chain by chain or mixed, and keeps what is wrong."""

    def __init__(self, rules: VerifyRules) -> None:
        """Begin with no line."""
        self._rules = rules
        self.lines = 0
        self.chains: dict[str, ChainState] = {}
        self._by_name: dict[bytes, ChainState] = {}
        self._findings: list[Finding] = []

    def findings(self) -> list[Finding]:
        """Give what is wrong up to here, lines that are missing among it, in order of place."""
        missing = [
            Finding(Kind.DELETED, replace(gap.seen, sequence=gap.begin), _many(gap))
            for state in self.chains.values()
            for gap in state.gaps
        ]
        found = [*self._findings, *missing]
        return sorted(found, key=lambda each: (each.place.partition, each.place.offset))

    def take(self, lines: Iterable[AuditLine]) -> None:
        """Check lines, in the order in which they stand in each partition."""
        rest = iter(lines)
        while run := list(islice(rest, RUN_LINES)):
            self.lines += len(run)
            if not self._take_run(run):
                self._take_apart(run)

    def _take_apart(self, run: Sequence[AuditLine]) -> None:
        """Take lines chain by chain: they lie side by side, and what one is depends on no other."""
        own: dict[bytes, list[AuditLine]] = {}
        for line in run:
            own.setdefault(_name_of(line.value), []).append(line)
        for name, lines in own.items():
            part, tried = lines, len(lines) == len(run)
            if name not in self._by_name:
                self._take_each(part[:1])
                part, tried = part[1:], False
            if part and (tried or not self._take_run(part)):
                self._take_each(part)

    def _take_run(self, run: Sequence[AuditLine]) -> bool:
        """Take lines together if all are of one chain and continue it."""
        partitions, _, values = zip(*run, strict=True)
        state = self._by_name.get(_name_of(values[0]), NOBODY)
        return {*partitions} == {state.partition} and take_run(state, values)

    def _take_each(self, lines: Iterable[AuditLine]) -> None:
        sha256, known, state = hashlib.sha256, self._by_name, NOBODY
        for line in lines:
            partition, _, value = line
            if not value.startswith(state.expected):
                state = known.get(_name_of(value), NOBODY)
            hash_ = sha256(value[:-TAIL_BYTES]).digest()
            text = hexlify(hash_)
            if (
                partition != state.partition
                or not value.startswith(state.expected)
                or not value.endswith(HASH_MARK + text + b'"}')
            ):
                self._explain(line)
                continue
            at = len(state.expected) + EVENT_ID_BYTES
            begin = at + len(TIME_MARK)
            stamp = value[begin : begin + SECONDS]
            if stamp < state.time or value[at:begin] != TIME_MARK:
                self._check_time(state, line)
            else:
                state.time = stamp
            state.rival = None
            state.hashes += hash_
            state.expect(state.size + 1, text)

    def _explain(self, line: AuditLine) -> None:
        """Say what is wrong with a line, if anything, and go on from it as it stands."""
        link = link_of(line.value)
        if link is None:
            self._add(Kind.UNSEALED, Place("", -1, line.partition, line.offset))
            return
        place = Place(link.chain, link.sequence, line.partition, line.offset)
        if link.stated != link.digest:
            self._add(Kind.ALTERED, place)
        state = self.chains.get(link.chain)
        if state is None:
            state = self._begin(link, place)
        elif state.partition != line.partition:
            self._add(Kind.TWO_PARTITIONS, place, f"the others are in {state.partition}")
        if link.sequence < state.size:
            self._explain_earlier(state, link, place)
            return
        if link.sequence > state.size:
            state.skip(link.sequence, place)
        elif link.previous.encode() != state.last:
            if link.previous == state.rival:
                state.put(link.sequence - 1, bytes.fromhex(link.previous))
            else:
                self._add(Kind.LINK_BROKEN, place)
        self._check_time(state, line)
        state.rival = None
        state.put(link.sequence, bytes.fromhex(link.stated))
        state.go_to(link.tip)

    def _explain_earlier(self, state: ChainState, link: Link, place: Place) -> None:
        stated, before = bytes.fromhex(link.stated), state.hash_of(link.sequence - 1)
        if state.fill(link.sequence):
            self._add(Kind.REORDERED, place)
            state.put(link.sequence, stated)
            if before not in (UNKNOWN, b"", bytes.fromhex(link.previous)):
                self._add(Kind.LINK_BROKEN, place)
        elif state.hash_of(link.sequence) == stated:
            self._add(Kind.REPEATED, place)
        else:
            self._add(Kind.INSERTED, place)
            if link.sequence == state.size - 1:
                # Which of the two is the true one shows with the line that continues it.
                state.rival = state.last.decode()
                state.put(link.sequence, stated)
                state.go_to(link.tip)

    def _begin(self, link: Link, place: Place) -> ChainState:
        """Take a chain up at the first of its lines."""
        genesis = start_of(link.chain)
        if self._rules.site and not link.chain.startswith(f"{self._rules.site}/"):
            self._add(Kind.FOREIGN_CHAIN, place)
        if link.sequence and self._rules.from_start:
            self._add(Kind.BEGINNING_MISSING, place)
        elif not link.sequence and link.previous != genesis.last:
            self._add(Kind.WRONG_GENESIS, place)
        state = ChainState(link.chain, place.partition, link.sequence, link.previous)
        self.chains[link.chain] = self._by_name[link.chain.encode()] = state
        return state

    def _check_time(self, state: ChainState, line: AuditLine) -> None:
        found = _TIME.search(line.value)
        if found is None:
            return
        stamp = found[1]
        now, before = instant_of(stamp), instant_of(state.time + b"Z")
        state.time_first = state.time_first or stamp
        if now is not None and before is not None:
            back_s = (before - now).total_seconds()
            if 0 <= back_s <= self._rules.back_s_max:
                return
            if back_s > self._rules.back_s_max:
                link = link_of(line.value)
                place = Place(
                    state.chain, link.sequence if link else -1, line.partition, line.offset
                )
                self._add(Kind.TIME_BACKWARDS, place, f"by {back_s:.0f} s")
        state.time = stamp[:SECONDS]

    def _add(self, kind: Kind, place: Place, detail: str = "") -> None:
        self._findings.append(Finding(kind, place, detail))


def _name_of(value: bytes) -> bytes:
    """Give the name of the chain that a line says it is of."""
    return value[_CHAIN_AT : value.find(b'"', _CHAIN_AT)]


def _many(gap: Gap) -> str:
    count = gap.end - gap.begin
    return "1 line" if count == 1 else f"{count} lines, up to {gap.end - 1}"
