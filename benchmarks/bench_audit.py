"""What the record costs: sealing an alert's line, checking it again, signing and checking heads."""

import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from anpr_engine.audit.chain import ChainWriter, chain_name, link_of, start_of
from anpr_engine.audit.check_heads import KnownKeys, report_of
from anpr_engine.audit.findings import AuditReport, Kind
from anpr_engine.audit.heads import HeadLine, HeadMaker, signed_message, with_signature
from anpr_engine.audit.signing import SecretKey
from anpr_engine.audit.verify import AuditLine, RecordCheck, VerifyRules
from anpr_engine.records.audit_event import AuditAction, AuditEvent
from anpr_engine.wire import json_bytes
from benchmarks.definitions import Size
from benchmarks.lab import SITE, Lab, expect
from benchmarks.measure import Outcome, rounds, timed

START = datetime(2026, 1, 1, tzinfo=UTC)
ALERTS_A_BATCH = 16
CHAIN = chain_name(SITE, "engine-0")


def events(count: int) -> list[bytes]:
    """Give the audit events of alerts as the engine writes them, 50 a second."""
    return [
        json_bytes(
            AuditEvent(
                event_id=f"{number:032x}",
                occurred_at=START + timedelta(milliseconds=20 * number),
                site=SITE,
                actor="engine",
                action=AuditAction.ALERT_PUBLISHED,
                purpose="stolen vehicles",
                case_ref="EX-2026-0042",
                list_id="nl-joint-2026",
                entry_id=f"nl-e-{number % 1000:07d}",
                read_id=f"{SITE}-r-{number:09d}",
                alert_id=f"{number * 7:032x}",
                recipients=["be", "nl"],
                reasons=["share.provider", "share.list"],
                watchlist_version=17,
                policy_version="2026.11",
            )
        )
        for number in range(count)
    ]


def sealed(given: Sequence[bytes]) -> list[bytes]:
    """Seal events as an engine does: a few in a transaction."""
    writer, lines = ChainWriter(CHAIN, lambda: start_of(CHAIN)), list[bytes]()
    for at in range(0, len(given), ALERTS_A_BATCH):
        lines += writer.seal(given[at : at + ALERTS_A_BATCH])
        writer.settle(saved=True)
    return lines


def heads_over(lines: Sequence[bytes], every: int, keys: Sequence[SecretKey]) -> list[HeadLine]:
    """Make heads with the signatures of both sides."""
    maker, heads = HeadMaker(CHAIN), list[HeadLine]()
    hashes = [link.stated for link in map(link_of, lines) if link is not None]
    for end in range(every, len(lines) + 1, every):
        at = START + timedelta(milliseconds=20 * end)
        head = maker.make(hashes[end - every : end], round(at.timestamp() * 1e6))
        if head is not None:
            for key in keys:
                head = with_signature(head, key)
            heads.append(head)
    return heads


def checked(lines: Sequence[bytes], heads: Sequence[HeadLine], keys: KnownKeys) -> AuditReport:
    """Check a whole record."""
    rules = VerifyRules(SITE)
    check = RecordCheck(rules)
    check.take(AuditLine(0, offset, line) for offset, line in enumerate(lines))
    return report_of(check, heads, keys, rules)


def by_fields(lines: Sequence[bytes]) -> int:
    """Check a chain as a short script would: each line read as JSON; gives the lines that hold."""
    previous, good = start_of(CHAIN).last, 0
    for line in lines:
        fields = json.loads(line)
        own = hashlib.sha256(line[: line.rindex(b',"hash":')]).hexdigest()
        good += fields["previous"] == previous and fields["hash"] == own
        previous = fields["hash"]
    return good


def run(_lab: Lab, size: Size, repeats: int) -> Outcome:
    """Measure the cost of the record a line, and of a signature."""
    given, keys = events(size["lines"]), (SecretKey.new(), SecretKey.new())
    ours, theirs = keys
    known = KnownKeys({ours.key_id: ours.public}, {theirs.key_id: theirs.public})
    lines = sealed(given)
    heads = heads_over(lines, size["lines_a_head"], keys)
    _answer(lines, heads, known)
    body = signed_message(heads[0].body)
    contenders = {
        "seal": timed(lambda: sealed(given)),
        "verify": timed(lambda: checked(lines, heads, known)),
        "by_fields": timed(lambda: by_fields(lines)),
        "head": timed(lambda: heads_over(lines, size["lines_a_head"], ())),
        "sign": timed(lambda: [ours.sign(body) for _ in range(size["signatures"])]),
    }
    done = {**dict.fromkeys(contenders, len(lines)), "sign": size["signatures"]}
    taken = rounds(contenders, repeats)
    figures = {name: [s * 1e6 / done[name] for s in each] for name, each in taken.items()}
    digest = hashlib.blake2b(b"\n".join(lines), digest_size=8).hexdigest()
    return Outcome(figures, {"lines": digest})


def _answer(lines: Sequence[bytes], heads: Sequence[HeadLine], keys: KnownKeys) -> None:
    report = checked(lines, heads, keys)
    expect("findings in a sound record", [each.words() for each in report.findings], [])
    expect("lines under heads", report.chains[0].covered, len(heads) * (len(lines) // len(heads)))
    expect("lines that hold by their fields", by_fields(lines), len(lines))
    middle = len(lines) // 2
    spoiled = list(lines)
    spoiled[middle] = lines[middle].replace(b'"actor":"engine"', b'"actor":"nobody"')
    found = [(each.kind, each.place.sequence) for each in checked(spoiled, heads, keys).findings]
    expect("findings in an altered record", found, [(Kind.ALTERED, middle)])
