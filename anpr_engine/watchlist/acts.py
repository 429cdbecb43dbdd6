"""Who changes the lists, and why: what the history keeps beside every change."""

import secrets
from dataclasses import dataclass, field
from enum import StrEnum


class ActKind(StrEnum):
    """What somebody does to the lists."""

    IMPORT = "import"
    ADD = "add"
    REMOVE = "remove"
    WITHDRAW = "withdraw"
    DELIVERY = "delivery"
    REFUSE = "refuse"
    ACCEPT = "accept"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Act:
    """One act of one person or program, which may make many changes.

    by: who. reason, purpose, case_ref: why, in the words given. operation: names the act, so that
    its chunks are found together. proposal, approved_by, part: of a change that a second person
    let through, and which chunk of it this is.
    """

    kind: ActKind = ActKind.OTHER
    by: str = ""
    reason: str = ""
    purpose: str = ""
    case_ref: str = ""
    operation: str = field(default_factory=lambda: secrets.token_hex(8))
    proposal: str = ""
    approved_by: str = ""
    part: int = 0
