"""Records of an audit for tests: events, sealed lines, heads and keys, without any service."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from anpr_engine.audit.chain import Tip, link_of, seal, start_of
from anpr_engine.audit.check_heads import KnownKeys, report_of
from anpr_engine.audit.findings import AuditReport
from anpr_engine.audit.heads import HeadLine, HeadMaker, with_signature
from anpr_engine.audit.signing import SecretKey
from anpr_engine.audit.verify import AuditLine, RecordCheck, VerifyRules
from anpr_engine.records.audit_event import AuditAction, AuditEvent
from anpr_engine.wire import json_bytes

CHAIN = "be/engine-0"
START = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
LINES_A_HEAD = 10
OURS, THEIRS = SecretKey.new(), SecretKey.new()
KEYS = KnownKeys({OURS.key_id: OURS.public}, {THEIRS.key_id: THEIRS.public})


def event(number: int, **fields: object) -> AuditEvent:
    """Make one event, six seconds after the one before."""
    given: dict[str, object] = {
        "event_id": f"{number:032x}",
        "occurred_at": START + timedelta(seconds=6 * number),
        "site": "be",
        "actor": "engine",
        "action": AuditAction.ALERT_PUBLISHED,
        "list_id": "l1",
        "entry_id": f"e{number}",
    }
    return AuditEvent.model_validate({**given, **fields})


def sealed(events: Sequence[AuditEvent], tip: Tip | None = None) -> list[bytes]:
    """Seal events into a chain."""
    tip, lines = tip or start_of(CHAIN), []
    for each in events:
        line, tip = seal(tip, json_bytes(each))
        lines.append(line)
    return lines


def resealed(lines: Sequence[bytes], tip: Tip | None = None) -> list[bytes]:
    """Seal lines anew, as somebody does who changed one and covers it up."""
    bodies = [b'{"event_id"' + line[:-75].split(b'"event_id"', 1)[1] + b"}" for line in lines]
    tip, made = tip or start_of(CHAIN), []
    for body in bodies:
        line, tip = seal(tip, body)
        made.append(line)
    return made


def headed(lines: Sequence[bytes], *, every: int = LINES_A_HEAD) -> list[HeadLine]:
    """Make a signed and cosigned head for every so many lines of a chain."""
    maker, heads = HeadMaker(CHAIN), list[HeadLine]()
    hashes = [link.stated for link in map(link_of, lines) if link is not None]
    for end in range(every, len(lines) + 1, every):
        at = START + timedelta(seconds=6 * end)
        made = maker.make(hashes[end - every : end], round(at.timestamp() * 1e6), (0, end))
        assert made is not None
        heads.append(with_signature(with_signature(made, OURS), THEIRS))
    return heads


@dataclass
class Record:
    """A sound record of 40 lines and 4 heads, for a test to spoil."""

    lines: list[bytes] = field(default_factory=lambda: sealed([event(n) for n in range(40)]))
    heads: list[HeadLine] = field(default_factory=list[HeadLine])

    def __post_init__(self) -> None:
        """Make the heads over the lines."""
        self.heads = self.heads or headed(self.lines)

    def report(self, keys: KnownKeys = KEYS, rules: VerifyRules | None = None) -> AuditReport:
        """Check everything."""
        rules = rules or VerifyRules("be")
        check = RecordCheck(rules)
        check.take(AuditLine(0, offset, line) for offset, line in enumerate(self.lines))
        return report_of(check, self.heads, keys, rules)
