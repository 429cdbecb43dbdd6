"""One chain as far as it was read: what is expected next, what is missing, the lines' hashes."""

from datetime import datetime
from typing import NamedTuple

from anpr_engine.audit.chain import Tip, chain_start
from anpr_engine.audit.findings import Place

UNKNOWN = bytes(32)
"""Stands for the hash of a line that is not there."""
GAP_KEPT_MAX = 1_000_000
"""Behind a longer gap a chain is taken up anew: a forged number must not fill the memory."""


class Gap(NamedTuple):
    """Lines `begin` up to, not including, `end` that are not there; seen at the line behind."""

    begin: int
    end: int
    seen: Place


class ChainState:
    """One chain as far as it was read; 32 bytes are kept of each line."""

    __slots__ = (
        "_opening",
        "chain",
        "expected",
        "first",
        "first_previous",
        "gaps",
        "hashes",
        "last",
        "partition",
        "rival",
        "size",
        "time",
        "time_first",
    )

    def __init__(self, chain: str, partition: int, first: int, previous: str) -> None:
        """Begin before the first line that is there."""
        self.chain, self.partition = chain, partition
        self.first, self.first_previous = first, previous
        self.hashes = bytearray()
        self.gaps: list[Gap] = []
        self.rival: str | None = None
        self.time = self.time_first = b""
        self._opening = chain_start(chain) + b'"sequence":'
        self.expect(first, previous.encode())

    @property
    def seconds(self) -> float:
        """The newest line's time, seconds since 1970; 0 where no line has one."""
        return seconds_of(self.time + b"Z")

    @property
    def first_seconds(self) -> float:
        """The first line's time."""
        return seconds_of(self.time_first)

    def hash_of(self, sequence: int) -> bytes:
        """Give the hash of a line; 32 zeros where it is not known."""
        at = (sequence - self.first) * 32
        return bytes(self.hashes[at : at + 32]) if at >= 0 else UNKNOWN

    def put(self, sequence: int, hash_: bytes) -> None:
        """Keep the hash of a line, whether it is the next or an earlier one."""
        at = (sequence - self.first) * 32
        self.hashes[at : at + 32] = hash_

    def skip(self, end: int, seen: Place) -> None:
        """Note that lines up to, not including, `end` are not there."""
        self.gaps.append(Gap(self.size, end, seen))
        if end - self.size > GAP_KEPT_MAX:
            self.first, self.hashes = end, bytearray()
        else:
            self.hashes += UNKNOWN * (end - self.size)

    def fill(self, sequence: int) -> bool:
        """Take a line out of the gap that it was missed in; False where it was in none."""
        for at, (begin, end, seen) in enumerate(self.gaps):
            if begin <= sequence < end:
                parts = Gap(begin, sequence, seen), Gap(sequence + 1, end, seen)
                self.gaps[at : at + 1] = [part for part in parts if part.begin < part.end]
                return True
        return False

    def go_to(self, tip: Tip) -> None:
        """Expect the line behind a tip next."""
        self.expect(tip.size, tip.last.encode())

    def expect(self, size: int, last: bytes) -> None:
        """Expect the line with this number behind the one with this hash."""
        self.size, self.last = size, last
        self.expected = b'%b%d,"previous":"%b",' % (self._opening, size, last)

    @property
    def tip(self) -> Tip:
        """The chain's state behind the newest line."""
        return Tip(self.chain, self.size, self.last.decode())


NOBODY = ChainState("", -1, 0, "")
"""Stands for a chain of which no line was seen."""


def seconds_of(stamp: bytes) -> float:
    """Give a time in seconds since 1970; 0 for what is none."""
    found = instant_of(stamp)
    return found.timestamp() if found else 0.0


def instant_of(stamp: bytes) -> datetime | None:
    """Read a time with an offset; None for what is none."""
    try:
        found = datetime.fromisoformat(stamp.decode())
    except ValueError:
        return None
    return found if found.tzinfo is not None else None
