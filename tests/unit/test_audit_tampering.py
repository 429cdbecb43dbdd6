"""Every kind of tampering with the record is found, named, and put in its place."""

from collections.abc import Callable
from datetime import timedelta

import msgspec
import pytest
from audit_worlds import (
    CHAIN,
    OURS,
    START,
    THEIRS,
    Record,
    event,
    headed,
    resealed,
    sealed,
)

from anpr_engine.audit.chain import Tip, seal, start_of
from anpr_engine.audit.findings import MEANING, Kind
from anpr_engine.audit.heads import HeadLine, with_signature
from anpr_engine.audit.signing import SecretKey
from anpr_engine.wire import json_bytes

STRANGE = event(12, event_id="f" * 32)


def alter(record: Record) -> None:
    """Change a line and nothing else."""
    record.lines[7] = record.lines[7].replace(b'"actor":"engine"', b'"actor":"nobody"')


def alter_and_rehash(record: Record) -> None:
    """Change a line and give it a hash that fits."""
    alter(record)
    record.lines[7] = resealed(record.lines[:8])[7]


def delete(record: Record) -> None:
    """Take two lines out."""
    del record.lines[20:22]


def insert(record: Record) -> None:
    """Put a line between two that fits the one before."""
    previous = record.lines[11].rsplit(b'"hash":"', 1)[1][:64].decode()
    record.lines.insert(12, sealed([STRANGE], Tip(CHAIN, 12, previous))[0])


def insert_behind(record: Record) -> None:
    """Put a second line 12 behind the true one."""
    previous = record.lines[11].rsplit(b'"hash":"', 1)[1][:64].decode()
    record.lines.insert(13, sealed([STRANGE], Tip(CHAIN, 12, previous))[0])


def repeat(record: Record) -> None:
    """Write a line a second time."""
    record.lines.insert(5, record.lines[4])


def reorder(record: Record) -> None:
    """Swap two lines."""
    record.lines[5], record.lines[6] = record.lines[6], record.lines[5]


def truncate(record: Record) -> None:
    """Cut the end off."""
    del record.lines[35:]


def rewrite(record: Record) -> None:
    """Change a line and every link behind it."""
    alter(record)
    record.lines = resealed(record.lines)


def unseal(record: Record) -> None:
    """Write a line without a chain."""
    record.lines.insert(3, json_bytes(event(901)))


def change_genesis(record: Record) -> None:
    """Begin the chain as if it were another's."""
    other = start_of("nl/engine-0").last
    line, _ = seal(Tip(CHAIN, 0, other), json_bytes(event(0)))
    record.lines[0] = line


def cut_beginning(record: Record) -> None:
    """Take the first lines away."""
    del record.lines[:10]


def bring_foreign(record: Record) -> None:
    """Put another site's whole chain in."""
    record.lines.append(seal(start_of("nl/engine-0"), json_bytes(event(0)))[0])


def date_back(record: Record) -> None:
    """Date a line an hour before the one in front of it, in a chain that fits."""
    events = [event(n) for n in range(40)]
    events[30] = event(30, occurred_at=START - timedelta(hours=1))
    record.lines = sealed(events)
    record.heads = headed(record.lines)


def fork_heads(record: Record) -> None:
    """Sign a second head of one number and size, over other lines."""
    other = headed(resealed([line.replace(b'"l1"', b'"l2"') for line in record.lines]))
    record.heads.insert(3, other[2])


def changed_head(record: Record, at: int, **fields: object) -> HeadLine:
    """Sign a head with something else in it."""
    head = msgspec.structs.replace(record.heads[at].head, **fields)
    line = HeadLine(head, msgspec.json.encode(head)[:-1], ())
    return with_signature(with_signature(line, OURS), THEIRS)


def roll_back(record: Record) -> None:
    """Sign a head of fewer lines behind one of more."""
    old = record.heads[0].head
    fields = {"size": old.size, "root": old.root, "last": old.last, "peaks": old.peaks}
    record.heads[3] = changed_head(record, 3, **fields)


def withhold_head(record: Record) -> None:
    """Keep one head back."""
    del record.heads[1]


def stop_heads(record: Record) -> None:
    """Make no heads for four minutes."""
    del record.heads[1:]
    late = [event(n, occurred_at=START + timedelta(seconds=60 * n)) for n in range(40)]
    record.lines = [*record.lines[:10], *sealed(late, start_of(CHAIN))[10:]]
    record.lines = resealed(record.lines)
    record.heads = headed(record.lines[:10])


def spoil_signature(record: Record) -> None:
    """Sign a head with our key, but not this head."""
    record.heads[2] = record.heads[2]._replace(signatures=record.heads[1].signatures)


def sign_with_another(record: Record) -> None:
    """Sign a head with a key that nobody knows."""
    bare = record.heads[2]._replace(signatures=())
    record.heads[2] = with_signature(with_signature(bare, SecretKey.new()), THEIRS)


def leave_unsigned_by_them(record: Record) -> None:
    """Leave the other side's signature out."""
    own = [each for each in record.heads[2].signatures if each.key == OURS.key_id]
    record.heads[2] = record.heads[2]._replace(signatures=tuple(own))


Case = tuple[Callable[[Record], None], set[Kind], int]

TAMPERING: list[Case] = [
    (alter, {Kind.ALTERED}, 7),
    (alter_and_rehash, {Kind.LINK_BROKEN, Kind.REWRITTEN}, 8),
    (delete, {Kind.DELETED, Kind.REWRITTEN}, 20),
    (insert, {Kind.INSERTED}, 12),
    (insert_behind, {Kind.INSERTED}, 12),
    (repeat, {Kind.REPEATED}, 4),
    (reorder, {Kind.REORDERED}, 5),
    (truncate, {Kind.TRUNCATED}, 39),
    (rewrite, {Kind.REWRITTEN}, 9),
    (unseal, {Kind.UNSEALED}, -1),
    (change_genesis, {Kind.WRONG_GENESIS, Kind.LINK_BROKEN, Kind.REWRITTEN}, 0),
    (cut_beginning, {Kind.BEGINNING_MISSING}, 10),
    (bring_foreign, {Kind.FOREIGN_CHAIN, Kind.HEADS_STOPPED}, 0),
    (date_back, {Kind.TIME_BACKWARDS}, 30),
    (fork_heads, {Kind.HEAD_FORKED, Kind.REWRITTEN}, 29),
    (roll_back, {Kind.HEAD_ROLLED_BACK}, 9),
    (withhold_head, {Kind.HEAD_MISSING}, 29),
    (stop_heads, {Kind.HEADS_STOPPED}, 10),
    (spoil_signature, {Kind.WRONG_SIGNATURE, Kind.MISSING_COSIGNATURE}, 29),
    (sign_with_another, {Kind.UNKNOWN_KEY}, 29),
    (leave_unsigned_by_them, {Kind.MISSING_COSIGNATURE}, 29),
]


@pytest.mark.parametrize("case", TAMPERING, ids=[case[0].__name__ for case in TAMPERING])
def test_tampering_is_named_and_placed(case: Case) -> None:
    """What was done is found as what it is, at its line, and nothing else is."""
    spoil, kinds, sequence = case
    record = Record()
    spoil(record)
    report = record.report()
    assert {finding.kind for finding in report.findings} == kinds
    assert sequence in {finding.place.sequence for finding in report.findings}
    assert all(MEANING[finding.kind] in finding.words() for finding in report.findings)
