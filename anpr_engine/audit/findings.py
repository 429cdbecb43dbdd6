"""What a check of the record finds: the kinds of tampering, each by name, and where."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """One kind of tampering, or of damage that cannot be told from it."""

    UNSEALED = "unsealed-line"
    ALTERED = "altered-line"
    DELETED = "deleted-lines"
    INSERTED = "inserted-line"
    REPEATED = "repeated-line"
    REORDERED = "reordered-line"
    LINK_BROKEN = "broken-link"
    WRONG_GENESIS = "wrong-genesis"
    BEGINNING_MISSING = "beginning-missing"
    FOREIGN_CHAIN = "foreign-chain"
    TWO_PARTITIONS = "chain-in-two-partitions"
    TIME_BACKWARDS = "time-backwards"
    TRUNCATED = "truncated-tail"
    REWRITTEN = "rewritten-lines"
    NOT_A_HEAD = "malformed-head"
    HEAD_FORKED = "forked-head"
    HEAD_ROLLED_BACK = "rolled-back-head"
    HEAD_MISSING = "missing-head"
    HEADS_STOPPED = "heads-stopped"
    WRONG_SIGNATURE = "wrong-signature"
    UNKNOWN_KEY = "unknown-key"
    MISSING_COSIGNATURE = "missing-cosignature"
    FILE_CHANGED = "changed-file"


MEANING: Mapping[Kind, str] = {
    Kind.UNSEALED: "the line belongs to no chain",
    Kind.ALTERED: "the line is not what its own hash was made of",
    Kind.DELETED: "lines that the chain counts are not there",
    Kind.INSERTED: "two different lines claim this place in the chain",
    Kind.REPEATED: "the line stands there a second time",
    Kind.REORDERED: "the line stands behind later ones",
    Kind.LINK_BROKEN: "the line names another one before it than the one that is there",
    Kind.WRONG_GENESIS: "the first line does not begin this chain, but another",
    Kind.BEGINNING_MISSING: "the chain does not begin with its first line",
    Kind.FOREIGN_CHAIN: "the chain is another site's",
    Kind.TWO_PARTITIONS: "a chain lies in one partition, and this line in another",
    Kind.TIME_BACKWARDS: "the line is dated before the one in front of it",
    Kind.TRUNCATED: "a signed head counts more lines than are there",
    Kind.REWRITTEN: "the lines are not those that a signed head was made of",
    Kind.NOT_A_HEAD: "the line is no head of version 1",
    Kind.HEAD_FORKED: "two different heads claim the same place or size",
    Kind.HEAD_ROLLED_BACK: "a later head tells an earlier state",
    Kind.HEAD_MISSING: "heads that are counted are not there",
    Kind.HEADS_STOPPED: "no head covers the newest lines",
    Kind.WRONG_SIGNATURE: "the signature is not one of this head by this key",
    Kind.UNKNOWN_KEY: "the head is signed with a key that is not known here",
    Kind.MISSING_COSIGNATURE: "the other side has not signed the head",
    Kind.FILE_CHANGED: "the file is not the one that was exported",
}
"""What each kind says, in words."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is; -1 and an empty text stand for what does not apply.

    source: a file and line, for heads and files. sequence: the place in the chain.
    """

    chain: str = ""
    sequence: int = -1
    partition: int = -1
    offset: int = -1
    source: str = ""

    def words(self) -> str:
        """Say the place in words."""
        parts = [self.source] if self.source else []
        if self.partition >= 0:
            parts.append(f"partition {self.partition}")
        if self.offset >= 0:
            parts.append(f"offset {self.offset}")
        if self.chain:
            line = f", line {self.sequence}" if self.sequence >= 0 else ""
            parts.append(f"chain {self.chain}{line}")
        return ", ".join(parts)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, and where."""

    kind: Kind
    place: Place
    detail: str = ""

    def words(self) -> str:
        """Say it in one line."""
        detail = f" ({self.detail})" if self.detail else ""
        return f"{self.kind}: {self.place.words()}: {MEANING[self.kind]}{detail}"


@dataclass(frozen=True, slots=True)
class ChainSummary:
    """One chain as it was found: its lines `first` up to, not including, `size`.

    covered: how many lines are under a head that fits them; 0 without heads.
    """

    chain: str
    partition: int
    first: int
    size: int
    last: str
    covered: int = 0
    heads: int = 0


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What a check found; sound when it found nothing."""

    lines: int
    chains: Sequence[ChainSummary]
    findings: Sequence[Finding]

    @property
    def sound(self) -> bool:
        """Whether nothing was found."""
        return not self.findings
