"""Checks heads against one another, against the keys, and against the lines they were made of."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from anpr_engine.audit.chain_state import ChainState
from anpr_engine.audit.findings import AuditReport, ChainSummary, Finding, Kind, Place
from anpr_engine.audit.heads import Head, HeadLine, signed_message
from anpr_engine.audit.merkle import Frontier
from anpr_engine.audit.verify import RecordCheck, VerifyRules


class Verifier(Protocol):
    """A public key in use."""

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Say whether a signature of a message was made with this key's secret."""
        ...


@dataclass(frozen=True, slots=True)
class KnownKeys:
    """Public keys by id: the site's own, and those of the other side, whose signature is then due.

    Without any key signatures are not looked at.
    """

    own: Mapping[str, Verifier] = field(default_factory=dict[str, Verifier])
    cosigners: Mapping[str, Verifier] = field(default_factory=dict[str, Verifier])


def report_of(
    check: RecordCheck, heads: Sequence[HeadLine], keys: KnownKeys, rules: VerifyRules
) -> AuditReport:
    """Put together what lines and heads show; what is wrong in one hides nothing in another."""
    heads = merged(heads)
    findings = check.findings()
    by_chain: dict[str, list[HeadLine]] = {}
    for head in heads:
        findings += check_signatures(head, keys)
        by_chain.setdefault(head.head.chain, []).append(head)
    summaries = []
    for chain in sorted(check.chains.keys() | by_chain.keys()):
        state, own = check.chains.get(chain), by_chain.get(chain, [])
        findings += check_succession(own, rules)
        covered, wrong = check_cover(state, own, rules)
        findings += wrong
        if heads and state is not None:
            findings += _heads_go_on(state, own, check, rules)
        if state is not None:
            summaries.append(_summary(state, covered, len(own)))
    return AuditReport(check.lines, summaries, findings)


def merged(heads: Iterable[HeadLine]) -> list[HeadLine]:
    """Put copies of one head together with all their signatures: site and other side keep one."""
    found: dict[bytes, HeadLine] = {}
    for line in heads:
        before = found.get(line.body)
        if before is None:
            found[line.body] = line
        else:
            more = tuple(each for each in line.signatures if each not in before.signatures)
            found[line.body] = before._replace(signatures=before.signatures + more)
    return list(found.values())


def check_signatures(line: HeadLine, keys: KnownKeys) -> list[Finding]:
    """Check a head's signatures; those of others than site and other side are nobody's business."""
    if not keys.own and not keys.cosigners:
        return []
    place, message = place_of(line), signed_message(line.body)
    findings, good = [], set[str]()
    known = {**keys.own, **keys.cosigners}
    for each in line.signatures:
        key = known.get(each.key)
        if key is None:
            continue
        if _is_good(key, each.signature, message):
            good.add(each.key)
        else:
            findings.append(Finding(Kind.WRONG_SIGNATURE, place, f"key {each.key}"))
    if keys.own and not keys.own.keys() & {each.key for each in line.signatures}:
        named = ", ".join(each.key for each in line.signatures) or "none"
        findings.append(Finding(Kind.UNKNOWN_KEY, place, f"signed with {named}"))
    if keys.cosigners and not keys.cosigners.keys() & good:
        findings.append(Finding(Kind.MISSING_COSIGNATURE, place))
    return findings


def check_succession(heads: Iterable[HeadLine], rules: VerifyRules) -> list[Finding]:
    """Check that one chain's heads follow one another; copies of one head are put together."""
    findings: list[Finding] = []
    seen: dict[int, str] = {}
    sizes: dict[int, tuple[str, str]] = {}
    newest: HeadLine | None = None
    for line in heads:
        head, place = line.head, place_of(line)
        state = head.root, head.last
        if head.number in seen or sizes.get(head.size, state) != state:
            findings.append(Finding(Kind.HEAD_FORKED, place, f"head {head.number}"))
        before = newest.head.number if newest else -1
        if head.number > before + 1 and (newest is not None or rules.from_start):
            told = f"heads {before + 1} to {head.number - 1}"
            findings.append(Finding(Kind.HEAD_MISSING, place, told))
        if newest is not None:
            findings += _follows(newest, line)
        seen.setdefault(head.number, line.digest)
        sizes.setdefault(head.size, state)
        if newest is None or head.number > before:
            newest = line
    return findings


def _follows(older: HeadLine, newer: HeadLine) -> list[Finding]:
    findings, place, before, head = [], place_of(newer), older.head, newer.head
    if head.size < before.size:
        told = f"{head.size} lines after {before.size}"
        findings.append(Finding(Kind.HEAD_ROLLED_BACK, place, told))
    elif time_of(head) < time_of(before):
        findings.append(Finding(Kind.HEAD_ROLLED_BACK, place, "dated before the head before it"))
    if head.number == before.number + 1 and head.previous != older.digest:
        findings.append(Finding(Kind.HEAD_FORKED, place, "it follows another head"))
    return findings


def check_cover(
    state: ChainState | None, heads: Sequence[HeadLine], rules: VerifyRules
) -> tuple[int, list[Finding]]:
    """Check one chain's lines against its heads; gives how many lines are under fitting heads."""
    findings, end = [], state.size if state else 0
    beyond = [line for line in heads if line.head.size > end]
    if beyond and rules.to_end:
        line = max(beyond, key=lambda each: each.head.size)
        told = f"{end} of {line.head.size} lines"
        findings.append(Finding(Kind.TRUNCATED, place_of(line), told))
    if state is None:
        return 0, findings
    due = sorted((line for line in heads if line.head.size <= end), key=lambda line: line.head.size)
    tree = _tree_at_start(state, due)
    covered, wrong = 0, list[HeadLine]()
    for line in due:
        head = line.head
        if head.size < state.first:
            continue
        fits = _last_fits(state, head)
        if tree is not None:
            _grow(tree, state, head.size)
            fits = fits and tree.root().hex() == head.root
        if fits:
            covered = head.size
        else:
            wrong.append(line)
    if wrong:
        told = (
            f"somewhere from line {covered} to {wrong[0].head.size - 1}; {len(wrong)} heads say so"
        )
        findings.append(Finding(Kind.REWRITTEN, place_of(wrong[0]), told))
    return covered, findings


def _tree_at_start(state: ChainState, heads: Iterable[HeadLine]) -> Frontier | None:
    """Give the tree before the first line that is there; None where nothing tells it."""
    if state.first == 0:
        return Frontier()
    for line in heads:
        head = line.head
        if head.size == state.first and head.last == state.first_previous:
            tree = Frontier(head.size, map(bytes.fromhex, head.peaks))
            return tree if tree.root().hex() == head.root else None
    return None


def _grow(tree: Frontier, state: ChainState, size: int) -> None:
    begin, end = (tree.size - state.first) * 32, (size - state.first) * 32
    hashes = bytes(state.hashes[begin:end])
    tree.extend([hashes[at : at + 32] for at in range(0, len(hashes), 32)])


def _last_fits(state: ChainState, head: Head) -> bool:
    if head.size == state.first:
        return state.first_previous == head.last
    return state.hash_of(head.size - 1).hex() == head.last


def _heads_go_on(
    state: ChainState, heads: Sequence[HeadLine], check: RecordCheck, rules: VerifyRules
) -> list[Finding]:
    """Miss the heads that should cover lines which are older than a head may be."""
    covered = max((line.head.size for line in heads), default=0)
    if covered >= state.size:
        return []
    newest = max((each.seconds for each in check.chains.values()), default=0.0)
    now_s = max(newest, rules.now_us / 1e6)
    since_s = max((time_of(line.head).timestamp() for line in heads), default=state.first_seconds)
    if now_s - since_s <= rules.head_s_max:
        return []
    told = f"{state.size - covered} lines, {now_s - since_s:.0f} s"
    place = Place(state.chain, covered, state.partition)
    return [Finding(Kind.HEADS_STOPPED, place, told)]


def _summary(state: ChainState, covered: int, heads: int) -> ChainSummary:
    tip = state.tip
    return ChainSummary(tip.chain, state.partition, state.first, tip.size, tip.last, covered, heads)


def place_of(line: HeadLine) -> Place:
    """Give the place of a head's last line, and where the head stood."""
    head = line.head
    return Place(head.chain, head.size - 1, head.partition, -1, line.place)


def _is_good(key: Verifier, signature: str, message: bytes) -> bool:
    try:
        return key.verifies(bytes.fromhex(signature), message)
    except ValueError:
        return False


def time_of(head: Head) -> datetime:
    """Give the time at which a head was made."""
    return datetime.fromisoformat(head.made_at)
