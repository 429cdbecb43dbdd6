"""What came of a unit, and of all of them: counts, refused reads, a digest that knows no order."""

import hashlib
from collections.abc import Iterable

import msgspec

REJECTS_NAMED_MAX = 20
_ROUND = 1 << 128
_LINES = msgspec.json.Encoder()


class NamedReject(msgspec.Struct, frozen=True):
    """A read that was refused: its row in the unit, or where its record lies, and why."""

    row: int
    where: str
    reason: str
    detail: str


class Tally(msgspec.Struct):
    """Counts of reads and of what came of them.

    reads: rows, refused ones included. outside: reads not of the time asked for.
    rejects: the first few that were refused. digest: see `digest_of`, in hexadecimal.
    """

    reads: int = 0
    outside: int = 0
    rejected: int = 0
    hits: int = 0
    by_reason: dict[str, int] = msgspec.field(default_factory=dict[str, int])
    rejects: list[NamedReject] = msgspec.field(default_factory=list[NamedReject])
    digest: str = "0" * 32

    def refuse(self, row: int, where: str, reason: str, detail: str) -> None:
        """Count one refused read, and name it while there is room."""
        self.rejected += 1
        self.by_reason[reason] = self.by_reason.get(reason, 0) + 1
        if len(self.rejects) < REJECTS_NAMED_MAX:
            self.rejects.append(NamedReject(row, where, reason, detail))

    def add(self, other: "Tally") -> None:
        """Add the counts of another; its named rejects stay where they are."""
        self.reads += other.reads
        self.outside += other.outside
        self.rejected += other.rejected
        self.hits += other.hits
        for reason, count in other.by_reason.items():
            self.by_reason[reason] = self.by_reason.get(reason, 0) + count
        self.digest = _hex(int(self.digest, 16) + int(other.digest, 16))


def hit_line(hit: msgspec.Struct) -> bytes:
    """Write a hit as a line of JSON, the same hit always the same bytes."""
    return _LINES.encode(hit) + b"\n"


def digest_of(lines: Iterable[bytes]) -> str:
    """Give the sum modulo 2^128 of the lines' BLAKE2b digests, in hexadecimal.

    Two results agree in number and digest if, and in all likelihood only if, they hold the same
    hits as often, in whatever order.
    """
    return _hex(sum(_number(line) for line in lines))


def _number(line: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(line, digest_size=16).digest(), "big")


def _hex(number: int) -> str:
    return f"{number % _ROUND:032x}"
