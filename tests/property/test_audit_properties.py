"""The audit record against its naive twins, on random chains, trees and changes."""

import oracle_audit
from audit_worlds import CHAIN, event, resealed, sealed
from hypothesis import given
from hypothesis import strategies as st

from anpr_engine.audit.chain import link_of
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
    elif len(made) > second:
        made[second:] = resealed(made)[second:] if link_of(made[0]) else made[second:]
    return made
