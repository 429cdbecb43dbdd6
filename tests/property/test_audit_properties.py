"""The audit record against its naive twins, on random chains, trees and changes."""

import hashlib
from collections.abc import Sequence
from datetime import timedelta
from unittest.mock import patch

import oracle_audit
from audit_worlds import CHAIN, START, event, resealed, sealed
from hypothesis import given
from hypothesis import strategies as st

from anpr_engine.audit import verify
from anpr_engine.audit.chain import link_of, start_of
from anpr_engine.audit.chain_runs import take_run
from anpr_engine.audit.chain_state import ChainState
from anpr_engine.audit.findings import Kind
from anpr_engine.audit.heads import HeadMaker
from anpr_engine.audit.merkle import (
    consistency_proof,
    continues,
    grown,
    growth,
    includes,
    inclusion_proof,
    inclusion_proofs,
    root_of,
)
from anpr_engine.audit.verify import AuditLine, RecordCheck, VerifyRules

ENTRIES = st.lists(st.binary(max_size=4), max_size=40)
LINES = sealed([event(number) for number in range(24)])


def is_sound(lines: list[bytes]) -> bool:
    """Say what the engine's check finds in one whole chain."""
    # A changed byte may be a digit of a year; how far back a clock may go is tested elsewhere.
    check = RecordCheck(VerifyRules("be", back_s_max=1e12))
    check.take(AuditLine(0, at, line) for at, line in enumerate(lines))
    return not check.findings()


@given(ENTRIES)
def test_roots_follow_the_definition(entries: list[bytes]) -> None:
    """The frontier gives the root that the recursion gives."""
    assert root_of(entries) == oracle_audit.tree_hash(entries)


@given(ENTRIES.filter(bool), st.data())
def test_inclusion_proofs_follow_the_definition_and_hold(
    entries: list[bytes], data: st.DataObject
) -> None:
    """A proof is the one of the recursion, and shows its leaf."""
    index = data.draw(st.integers(0, len(entries) - 1))
    proof = inclusion_proof(entries, index)
    assert proof == oracle_audit.path(index, entries)
    assert includes(entries[index], (index, len(entries)), proof, root_of(entries))


@given(ENTRIES.filter(bool))
def test_all_proofs_at_once_are_those_one_by_one(entries: list[bytes]) -> None:
    """Level by level comes to what the recursion gives."""
    root, proofs = inclusion_proofs(entries)
    assert root == oracle_audit.tree_hash(entries)
    assert proofs == [oracle_audit.path(index, entries) for index in range(len(entries))]


@given(ENTRIES.filter(bool), st.data())
def test_consistency_proofs_follow_the_definition_and_hold(
    entries: list[bytes], data: st.DataObject
) -> None:
    """A proof is the one of the recursion, and shows that the record only grew."""
    size = data.draw(st.integers(1, len(entries)))
    proof = consistency_proof(entries, size)
    assert proof == oracle_audit.proof(size, entries)
    older, newer = (size, root_of(entries[:size])), (len(entries), root_of(entries))
    assert continues(older, newer, proof)


@given(ENTRIES, st.data())
def test_growth_proves_the_same_without_the_old_leaves(
    entries: list[bytes], data: st.DataObject
) -> None:
    """Peaks of the older tree and the new subtrees give the newer root."""
    size = data.draw(st.integers(0, len(entries)))
    maker = HeadMaker(CHAIN)
    head = maker.make([entry.ljust(32, b".").hex() for entry in entries[:size]], 0)
    padded = [entry.ljust(32, b".") for entry in entries]
    peaks = [] if head is None else [bytes.fromhex(peak) for peak in head.head.peaks]
    tree = grown(size, peaks, len(entries), growth(size, padded[size:]))
    assert tree.root() == oracle_audit.tree_hash(padded)


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("drop"), st.integers(0, 23), st.integers(0, 23)),
            st.tuples(st.just("move"), st.integers(0, 23), st.integers(0, 23)),
            st.tuples(st.just("copy"), st.integers(0, 23), st.integers(0, 23)),
            st.tuples(st.just("byte"), st.integers(0, 23), st.integers(0, 400)),
            st.tuples(st.just("seal"), st.integers(0, 23), st.integers(0, 23)),
        ),
        max_size=3,
    )
)
def test_whatever_is_done_to_lines_is_found(changes: list[tuple[str, int, int]]) -> None:
    """The check agrees with the naive twin on whether a chain is whole."""
    lines = list(LINES)
    for what, first, second in changes:
        lines = spoiled(lines, what, first, second)
    # A chain that lost its end is whole by itself; only a head tells.
    whole = oracle_audit.chain_is_sound(CHAIN, lines)
    assert is_sound(lines) is whole


OTHERS = sealed([event(number) for number in range(12)], start_of("be/desk"))
BEHIND = sealed(
    [event(n, occurred_at=START + timedelta(seconds=-n if n % 5 == 0 else n)) for n in range(24)]
)
CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["drop", "move", "copy", "byte", "seal", "short"]),
        st.integers(0, 35),
        st.integers(0, 470),
    ),
    max_size=2,
)


@given(
    changes=CHANGES,
    beside=st.lists(st.integers(0, 35), max_size=12),
    moved=st.none() | st.integers(0, 35),
    run=st.integers(1, 9),
    behind=st.booleans(),
)
def test_many_at_once_are_checked_like_one_by_one(
    *,
    changes: list[tuple[str, int, int]],
    beside: list[int],
    moved: int | None,
    run: int,
    behind: bool,
) -> None:
    """Findings, their order and the chains' states are those of the way line by line."""
    lines = list(BEHIND if behind else LINES)
    for at, line in zip(sorted(beside), OTHERS, strict=False):
        lines.insert(at, line)
    for what, first, second in changes:
        lines = spoiled(lines, what, first, second)
    same_both_ways([AuditLine(int(at == moved), at, line) for at, line in enumerate(lines)], run)


def same_both_ways(placed: list[AuditLine], run: int) -> RecordCheck:
    """Check lines, many at once and one by one, and hold the results the same."""
    with patch.object(verify, "RUN_LINES", run):
        together = RecordCheck(VerifyRules("be"))
        together.take(placed)
    with patch.object(verify, "take_run", return_value=False):
        alone = RecordCheck(VerifyRules("be"))
        alone.take(placed)
    assert together.lines == alone.lines == len(placed)
    assert together.findings() == alone.findings()
    assert states(together) == states(alone)
    return together


def test_no_byte_of_a_line_may_be_another() -> None:
    """Each byte is changed in turn, with a hash that fits again or not: found, the same way."""
    line = LINES[14]
    for at in range(len(line)):
        changed = with_byte(line, at)
        for each in (changed, rehashed(changed)) if at < len(line) - 75 else (changed,):
            lines = [*LINES[:14], each, *LINES[15:]]
            placed = [AuditLine(0, place, value) for place, value in enumerate(lines)]
            assert same_both_ways(placed, 5).findings()


def test_of_two_lines_with_one_number_the_one_continued_is_known() -> None:
    """A forged line before the true one is told; what was kept of it is gone behind the next."""
    twin = rehashed(with_byte(LINES[14], 300))
    placed = [AuditLine(0, at, line) for at, line in enumerate([*LINES[:14], twin, *LINES[14:]])]
    # Four at once: the forged line and the true one are the last of a run.
    check = same_both_ways(placed, 4)
    assert [finding.kind for finding in check.findings()] == [Kind.INSERTED]


def states(check: RecordCheck) -> dict[str, list[object]]:
    """Give all that a check knows of its chains."""
    names = ChainState.__slots__
    return {
        chain: [getattr(state, name) for name in names] for chain, state in check.chains.items()
    }


def test_lines_that_go_on_are_checked_at_once() -> None:
    """Behind the first, all lines of a sound chain go the short way, until a number grows."""
    check, runs = RecordCheck(VerifyRules("be")), list[tuple[int, bool]]()

    def noted(state: ChainState, values: Sequence[bytes]) -> bool:
        runs.append((len(values), take_run(state, values)))
        return runs[-1][1]

    with patch.object(verify, "RUN_LINES", 4), patch.object(verify, "take_run", noted):
        check.take([AuditLine(0, at, line) for at, line in enumerate(LINES)])
    assert runs == [(3, True), (4, True), (4, False), (4, True), (4, True), (4, True)]
    assert check.findings() == []


def spoiled(lines: list[bytes], what: str, first: int, second: int) -> list[bytes]:
    """Do one thing to some lines."""
    if not lines:
        return lines
    first %= len(lines)
    made = list(lines)
    if what == "drop":
        del made[first]
    elif what == "move":
        made.insert(second % len(lines), made.pop(first))
    elif what == "copy":
        made.insert(second % len(lines), made[first])
    elif what == "byte":
        at = 170 + second % 300
        line = bytearray(made[first])
        if at < len(line) - 80 and line[at : at + 1].isalnum():
            line[at] = ord("0") if line[at] != ord("0") else ord("1")
        made[first] = bytes(line)
    elif what == "short":
        made[first] = made[first][: second % (len(made[first]) + 1)]
    elif len(made) > second and all(map(link_of, made)):
        made[second:] = resealed(made)[second:]
    return made


def rehashed(line: bytes) -> bytes:
    """Give a line with the hash of its bytes."""
    begin = line[:-75]
    return b'%b,"hash":"%b"}' % (begin, hashlib.sha256(begin).hexdigest().encode())


def with_byte(line: bytes, at: int) -> bytes:
    """Give a line with another byte at one place."""
    changed = bytearray(line)
    if changed:
        changed[at % len(changed)] = (
            ord("1") if changed[at % len(changed)] == ord("0") else ord("0")
        )
    return bytes(changed)
