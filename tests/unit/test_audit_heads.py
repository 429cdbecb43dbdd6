"""Heads are made, signed, cosigned and gone on from; keys are kept as secrets are."""

import stat
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from audit_worlds import CHAIN, OURS, THEIRS, Record, headed, resealed

from anpr_engine.audit.cosign import cosign
from anpr_engine.audit.heads import HeadLine, HeadMaker, read_head, with_signature
from anpr_engine.audit.sign_heads import HeadSigner
from anpr_engine.audit.signing import (
    PublicKey,
    SecretKey,
    key_id_of,
    read_public,
    read_secret,
    write_pair,
)
from anpr_engine.audit.verify import AuditLine
from anpr_engine.errors import InputFileError, UsageError

RFC8032_SECRET = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"
RFC8032_PUBLIC = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
RFC8032_SIGNATURE = (
    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bac"
    "c61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
)
"""Section 7.1, test 1: the empty message."""

OUR_KEYS = {OURS.key_id: OURS.public}


def lines_of(record: Record) -> list[AuditLine]:
    """Give a record's lines with their places."""
    return [AuditLine(0, at, line) for at, line in enumerate(record.lines)]


def test_a_head_is_read_as_it_was_written() -> None:
    """Line to head to line gives the same bytes."""
    for head in Record().heads:
        again = read_head(head.line(), "here")
        assert again is not None
        assert (again.line(), again.head, again.place) == (head.line(), head.head, "here")


@pytest.mark.parametrize(
    "change",
    [
        {"size": "many"},
        {"number": -1},
        {"peaks": []},
        {"made_at": "2026-11-22T08:00:00"},
        {"made_at": "today"},
        {"colour": "red"},
        {"root": None},
    ],
)
def test_what_is_no_head_is_not_read(change: dict[str, object]) -> None:
    """Wrong types, unknown fields, a time without offset, peaks that do not fit."""
    fields = {**msgspec.json.decode(Record().heads[0].line()), **change}
    assert read_head(msgspec.json.encode(fields)) is None
    assert read_head(b"") is None
    assert read_head(b'{"signatures":[]}') is None


def test_the_signer_goes_on_from_its_newest_head() -> None:
    """Heads made in one go and in two, from the newest head alone, have the same roots."""
    record = Record()
    first = HeadSigner([], OURS)
    first.take(lines_of(record)[:25])
    (head,) = first.make(1_000_000)
    second = HeadSigner([head], OURS)
    second.take(lines_of(record)[10:])
    (newer,) = second.make(2_000_000)
    whole = HeadSigner([], OURS)
    whole.take(lines_of(record))
    (other,) = whole.make(2_000_000)
    assert (newer.head.root, newer.head.peaks) == (other.head.root, other.head.peaks)
    assert (newer.head.number, newer.head.previous) == (1, head.digest)
    assert newer.head.offset == 40


def test_nothing_added_is_signed_too() -> None:
    """A head of the same size shows that nothing was cut off meanwhile; no lines, no head."""
    signer = HeadSigner([], OURS)
    assert signer.make(0) == []
    signer.take(lines_of(Record()))
    sizes = [head.head.size for at in (1, 2) for head in signer.make(at)]
    assert sizes == [40, 40]


def test_the_signer_signs_nothing_over_a_line_that_does_not_continue() -> None:
    """The head ends before it, and the place is told."""
    record = Record()
    record.lines[20:] = resealed(record.lines[20:])
    signer = HeadSigner([], OURS)
    signer.take(lines_of(record))
    assert signer.problems() == []
    record.lines[20] = record.lines[20].replace(b'"sequence":0', b'"sequence":20')
    signer.take(lines_of(record))
    (head,) = signer.make(0)
    assert head.head.size == 20
    assert signer.problems() == [f"partition 0, offset 20 does not continue line 19 of {CHAIN}"]


def test_peaks_that_give_another_root_are_refused() -> None:
    """A damaged file of heads is not gone on from."""
    head = Record().heads[0]
    other = msgspec.structs.replace(head.head, root="0" * 64)
    with pytest.raises(ValueError, match="do not give its root"):
        HeadMaker(CHAIN, head._replace(head=other))


def unsigned(record: Record) -> list[HeadLine]:
    """Give a record's heads as their own site signed them."""
    bare = [head._replace(signatures=()) for head in record.heads]
    return [with_signature(head, OURS) for head in bare]


def test_the_other_side_signs_what_continues() -> None:
    """All heads of a sound record, in one go or in two, and none a second time."""
    heads = unsigned(Record())
    first = cosign(heads[:2], [], OUR_KEYS, THEIRS)
    second = cosign(heads, first.heads, OUR_KEYS, THEIRS)
    assert (len(first.heads), len(second.heads)) == (2, 2)
    assert first.refused == second.refused == []
    assert all({each.key for each in head.signatures} == {OURS.key_id, THEIRS.key_id}
               for head in second.heads)  # fmt: skip


def test_the_other_side_refuses_another_past() -> None:
    """A record rewritten under what was signed is refused, without any line being seen."""
    record = Record()
    heads = unsigned(record)
    done = cosign(heads[:2], [], OUR_KEYS, THEIRS).heads
    lines = resealed([line.replace(b'"l1"', b'"l2"') for line in record.lines])
    other = unsigned(Record(lines, headed(lines)))
    # The best that a forger can do: he names the true head before his own.
    forged = msgspec.structs.replace(other[2].head, previous=done[1].digest)
    line = with_signature(HeadLine(forged, msgspec.json.encode(forged)[:-1], ()), OURS)
    result = cosign([*heads[:2], line, other[3]], done, OUR_KEYS, THEIRS)
    assert result.heads == []
    assert [why for _, why in result.refused] == [
        "its record was changed",
        "a head before it was refused",
    ]


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda heads: heads[1:], "it is head 1, and 0 is due"),
        (lambda heads: [heads[0], heads[2]], "it is head 2, and 1 is due"),
        (lambda heads: [heads[0]._replace(signatures=())], "no key of its site has signed it"),
        (
            lambda heads: [heads[0]._replace(signatures=heads[1].signatures)],
            "no key of its site has signed it",
        ),
    ],
)
def test_the_other_side_refuses_what_is_not_due(
    spoil: Callable[[list[HeadLine]], list[HeadLine]], why: str
) -> None:
    """A head that is missing, or not signed by its site, ends the signing of its chain."""
    result = cosign(spoil(unsigned(Record())), [], OUR_KEYS, THEIRS)
    assert why in [reason for _, reason in result.refused]


def test_signatures_are_those_of_the_standard(tmp_path: Path) -> None:
    """Key and signature of the published example come out, from raw bytes and from PEM."""
    raw = tmp_path / "raw"
    raw.write_bytes(bytes.fromhex(RFC8032_SECRET))
    raw.chmod(0o600)
    key = read_secret(raw)
    assert key.public.raw.hex() == RFC8032_PUBLIC
    assert key.sign(b"").hex() == RFC8032_SIGNATURE
    assert key.public.verifies(bytes.fromhex(RFC8032_SIGNATURE), b"")
    assert not key.public.verifies(bytes.fromhex(RFC8032_SIGNATURE), b"x")
    assert key.key_id == key_id_of(bytes.fromhex(RFC8032_PUBLIC))


def test_a_pair_is_written_for_its_owner_alone(tmp_path: Path) -> None:
    """The secret file has mode 0600, both read back, and neither is ever overwritten."""
    path, key = tmp_path / "be.key", SecretKey.new()
    public = write_pair(path, key)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_secret(path).public == key.public == read_public(public)
    for form in (key.public.raw, key.public.raw.hex().encode() + b"\n"):
        public.write_bytes(form)
        assert read_public(public) == key.public
    with pytest.raises(UsageError, match="never overwritten"):
        write_pair(path, key)
    path.unlink()
    with pytest.raises(UsageError, match=r"be\.key\.pub is there already"):
        write_pair(path, key)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o666])
def test_a_secret_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    """Whatever others may do with it; the remedy is said."""
    path = tmp_path / "be.key"
    write_pair(path, SecretKey.new())
    path.chmod(mode)
    with pytest.raises(UsageError, match="chmod 600"):
        read_secret(path)


def test_files_that_hold_no_key_are_named(tmp_path: Path) -> None:
    """A file of something else, one that is missing, and a public key in place of a secret."""
    path = tmp_path / "key"
    with pytest.raises(InputFileError, match="cannot be read"):
        read_secret(path)
    path.write_text("no key", encoding="utf-8")
    path.chmod(0o600)
    with pytest.raises(InputFileError, match="no Ed25519 secret key"):
        read_secret(path)
    with pytest.raises(InputFileError, match="no Ed25519 public key"):
        read_public(path)
    path.write_bytes(PublicKey(OURS.public.raw).pem())
    with pytest.raises(InputFileError, match="no Ed25519 secret key"):
        read_secret(path)
    path.write_bytes(OURS.pem())
    with pytest.raises(InputFileError, match="no Ed25519 public key"):
        read_public(path)
