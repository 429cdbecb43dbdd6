"""What a check of the record says of sound ones, of parts, of many chains, and in words."""

from dataclasses import replace
from datetime import timedelta

from audit_worlds import CHAIN, KEYS, OURS, START, Record, event, headed, resealed, sealed
from test_audit_tampering import alter, reorder, repeat, rewrite, spoil_signature, truncate, unseal

from anpr_engine.audit.chain import Tip, start_of
from anpr_engine.audit.check_heads import KnownKeys
from anpr_engine.audit.findings import Kind
from anpr_engine.audit.verify import AuditLine, RecordCheck, VerifyRules


def test_a_sound_record_is_sound() -> None:
    """Nothing is found, every line is counted, and the heads cover them all."""
    report = Record().report()
    assert report.sound
    (chain,) = report.chains
    assert (report.lines, chain.size, chain.covered, chain.heads) == (40, 40, 40, 4)


def test_everything_that_is_wrong_is_told() -> None:
    """The first finding ends nothing: five things done to one record are all found."""
    record = Record()
    alter(record)
    reorder(record)
    repeat(record)
    unseal(record)
    truncate(record)
    found = {finding.kind for finding in record.report().findings}
    assert found == {Kind.ALTERED, Kind.REORDERED, Kind.REPEATED, Kind.UNSEALED, Kind.TRUNCATED}


def test_a_record_that_is_gone_is_missed() -> None:
    """Heads without any line, or a chain that nobody has kept a line of, are told."""
    record = Record(heads=Record().heads)
    record.lines.clear()
    (finding,) = record.report().findings
    assert (finding.kind, finding.detail) == (Kind.TRUNCATED, "0 of 40 lines")


def test_copies_of_a_head_are_one() -> None:
    """The site's own copy and the one that the other side signed are put together."""
    record = Record()
    own = [tuple(s for s in head.signatures if s.key == OURS.key_id) for head in record.heads]
    bare = [head._replace(signatures=s) for head, s in zip(record.heads, own, strict=True)]
    record.heads = [*bare, *record.heads]
    assert record.report().sound


def test_a_line_in_another_partition_is_named() -> None:
    """A chain lies in one partition; a line of it elsewhere is found, whatever its hash."""
    lines = Record().lines
    check = RecordCheck(VerifyRules("be"))
    check.take(AuditLine(1 if at == 20 else 0, at, line) for at, line in enumerate(lines))
    assert [finding.kind for finding in check.findings()] == [Kind.TWO_PARTITIONS]


def test_chains_lie_side_by_side() -> None:
    """Two writers' lines in one partition, mixed, are two sound chains."""
    ours = Record().lines
    theirs = sealed([event(n) for n in range(40)], start_of("be/desk"))
    mixed = [line for pair in zip(ours, theirs, strict=True) for line in pair]
    check = RecordCheck(VerifyRules("be"))
    check.take(AuditLine(0, at, line) for at, line in enumerate(mixed))
    assert check.findings() == []
    assert {chain: state.tip.size for chain, state in check.chains.items()} == {
        CHAIN: 40,
        "be/desk": 40,
    }


def test_a_clock_may_be_set_back_a_little() -> None:
    """Within the tolerance a line may be dated before the one in front of it."""
    events = [event(n) for n in range(40)]
    events[30] = event(30, occurred_at=START + timedelta(seconds=6 * 29 - 4))
    lines = sealed(events)
    assert Record(lines, headed(lines)).report().sound


def test_an_end_of_the_record_can_be_checked_alone() -> None:
    """From a head on, later lines are checked against later roots; nothing before is needed."""
    record = Record()
    del record.lines[:10]
    rules = VerifyRules("be", from_start=False)
    report = record.report(rules=rules)
    assert report.sound
    assert report.chains[0].covered == 40
    record.lines[20:] = resealed(
        [line.replace(b'"l1"', b'"l2"') for line in record.lines[20:]],
        Tip(CHAIN, 30, record.lines[19].rsplit(b'"hash":"', 1)[1][:64].decode()),
    )
    found = record.report(rules=rules).findings
    assert [finding.kind for finding in found] == [Kind.REWRITTEN]


def test_a_beginning_can_be_checked_alone() -> None:
    """Where lines are given up to a time only, heads of later ones are no finding."""
    record = Record()
    del record.lines[25:]
    assert record.report(rules=VerifyRules("be", to_end=False)).sound


def test_without_keys_signatures_are_nobodys_business() -> None:
    """Lines and heads are still checked against one another."""
    record = Record()
    spoil_signature(record)
    assert record.report(KnownKeys()).sound
    rewrite(record)
    assert not record.report(KnownKeys()).sound


def test_a_forged_number_does_not_fill_the_memory() -> None:
    """A line that claims a place far away is told, and the chain is taken up there."""
    record = Record()
    record.lines.append(sealed([event(41)], Tip(CHAIN, 10**17, "0" * 64))[0])
    found = record.report(KEYS).findings
    assert Kind.DELETED in {finding.kind for finding in found}


def test_a_finding_says_where() -> None:
    """The words name partition, offset, chain and line."""
    record = Record()
    alter(record)
    (finding,) = record.report().findings
    assert "partition 0, offset 7, chain be/engine-0, line 7" in finding.words()
    assert replace(finding.place, partition=-1, offset=-1).words() == "chain be/engine-0, line 7"
