"""One signature for many records: each holds alone, and nothing else does."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest

from anpr_engine.audit.alert_guard import RECORDS_A_TREE_MIN, AlertSealer
from anpr_engine.audit.check_alerts import AlertChecker, AlertFlaw, PinnedKey
from anpr_engine.audit.jws import HEADER_NAME, TREE_ALGORITHM, base64url, read_signature
from anpr_engine.audit.sealing import OpeningKey
from anpr_engine.audit.signing import SecretKey, write_pair
from anpr_engine.audit.tree_signature import (
    MESSAGES_A_TREE,
    read_tree_signature,
    statement,
    tree_signatures,
)
from anpr_engine.config import load_settings
from anpr_engine.pipeline.columns import Circumstances
from anpr_engine.pipeline.core import StepRules, step
from anpr_engine.ports import AlertGuard
from anpr_engine.records.alert import Alert
from anpr_engine.records.watchlist_entry import WatchlistEntry
from anpr_engine.watchlist.snapshot import snapshot_of
from anpr_engine.wiring import alert_guard_of

KEY, OTHER = SecretKey.new(), SecretKey.new()
KEYS = {KEY.key_id: PinnedKey(KEY.public, "be")}
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
SIZES = (1, 2, 3, 5, 63, 255, 256, 257, 520)


def holds(signature: bytes, message: bytes, key: SecretKey = KEY) -> bool:
    """Say whether a message's part of a signature is good."""
    read = read_tree_signature(signature, message)
    return read is not None and key.public.verifies(*read)


def messages(count: int) -> list[bytes]:
    """Give messages that differ."""
    return [b"message %d" % number for number in range(count)]


@pytest.mark.parametrize("count", SIZES)
def test_each_message_holds_alone_and_for_no_other(count: int) -> None:
    """Whatever the tree's form, a signature is that of its own message and key."""
    given = messages(count)
    made = tree_signatures(given, KEY.sign)
    assert len(made) == count
    for at, (signature, message) in enumerate(zip(made, given, strict=True)):
        assert holds(signature, message)
        assert not holds(signature, message + b"!")
        assert not holds(signature, message, OTHER)
        if count > 1:
            assert not holds(signature, given[at - 1])


@pytest.mark.parametrize("count", SIZES)
def test_so_many_messages_have_one_signature(count: int) -> None:
    """The secret key is used once a tree."""
    used: list[bytes] = []

    def sign(message: bytes) -> bytes:
        used.append(message)
        return KEY.sign(message)

    tree_signatures(messages(count), sign)
    assert len(used) == -(-count // MESSAGES_A_TREE)


def test_every_byte_of_a_signature_counts() -> None:
    """One byte changed, taken away or put on: it does not hold."""
    given = messages(5)
    signature = tree_signatures(given, KEY.sign)[3]
    for at in range(len(signature)):
        changed = signature[:at] + bytes([signature[at] ^ 1]) + signature[at + 1 :]
        assert not holds(changed, given[3]), at
        assert not holds(signature[:at], given[3]), at
    assert not holds(signature + b"\x00", given[3])
    assert not holds(signature + bytes(32), given[3])


def test_what_is_signed_of_a_tree_is_no_record() -> None:
    """Its statement cannot be taken for header and value, which hold no space."""
    assert b" " in statement(1, bytes(32))


@cache
def alerts(count: int) -> list[Alert]:
    """Make alerts by the engine's own way."""
    names = [f"1-ABC-{number:03}" for number in range(count)]
    listed = [
        WatchlistEntry(entry_id=name, list_id="l", plate=name, country="BE", sharing="be,nl")
        for name in names
    ]
    captured = "2026-11-22T08:59:59Z"
    reads = [
        json.dumps({"read_id": name, "camera_id": "c", "captured_at": captured, "plate": name})
        for name in names
    ]
    where = Circumstances("be", int(NOW.timestamp() * 1e6), 120, watchlist_stale=False)
    found = step([each.encode() for each in reads], snapshot_of(listed), StepRules(), where).alerts
    return [each.alert for each in found]


def sent(sealer: AlertGuard, given: Sequence[Alert]) -> list[tuple[str, AlertFlaw | None]]:
    """Give the algorithm of each alert's signature, and what a control room finds wrong."""
    checker, found = AlertChecker("nl", KEYS), []
    for value, headers in sealer.guarded(given):
        signature = read_signature(dict(headers)[HEADER_NAME])
        assert signature is not None
        told = Alert.model_validate_json(value)
        proof = checker.check(told, value, headers, NOW.timestamp())
        found.append((signature.claims.alg, proof.flaw))
    return found


def test_a_few_alerts_are_signed_as_any_reader_knows_it_and_many_together() -> None:
    """Below four each has a signature of its own; a site may have it so for all."""
    few, many = alerts(RECORDS_A_TREE_MIN - 1), alerts(RECORDS_A_TREE_MIN)
    assert sent(AlertSealer(KEY), few) == [("Ed25519", None)] * len(few)
    assert sent(AlertSealer(KEY), many) == [(TREE_ALGORITHM, None)] * len(many)
    assert sent(AlertSealer(KEY, each=True), many) == [("Ed25519", None)] * len(many)


@pytest.mark.parametrize("sealed", [False, True])
def test_a_site_s_settings_say_which(tmp_path: Path, *, sealed: bool) -> None:
    """`alerts.signatures`, also where fields are sealed; without it they are signed together."""
    alert_settings: dict[str, object] = {"signing_key": str(tmp_path / "be.key")}
    write_pair(tmp_path / "be.key", KEY)
    if sealed:
        public = {site: write_pair(tmp_path / site, OpeningKey.new()) for site in ("be", "nl")}
        alert_settings["encrypt"] = {site: str(path) for site, path in public.items()}
    many = alerts(RECORDS_A_TREE_MIN)
    for given, wanted in (({}, TREE_ALGORITHM), ({"signatures": "each"}, "Ed25519")):
        settings = load_settings(
            site="be", kafka="k:1", redis_url="redis://r", alerts=alert_settings | given
        )
        guard = alert_guard_of(settings)
        assert guard is not None
        assert sent(guard, many) == [(wanted, None)] * len(many)


def test_an_alert_signed_with_others_is_forged_once_it_is_altered() -> None:
    """Value, claims, place in the tree, another's signature: each is told."""
    made = AlertSealer(KEY).guarded(alerts(6))
    (value, ((_, header),)), (_, ((_, other),)) = made[:2]
    protected, _, signature = header.partition(b"..")

    def flaw(value: bytes, header: bytes) -> AlertFlaw | None:
        about = Alert.model_validate_json(value)
        checker = AlertChecker("nl", KEYS)
        return checker.check(about, value, ((HEADER_NAME, header),), NOW.timestamp()).flaw

    assert flaw(value, header) is None
    altered = value.replace(b'"priority":50', b'"priority":90')
    assert altered != value
    assert flaw(altered, header) == AlertFlaw.SIGNATURE
    assert flaw(value, other) == AlertFlaw.SIGNATURE
    moved = other.partition(b"..")[2]
    assert flaw(value, protected + b".." + moved) == AlertFlaw.SIGNATURE
    found = read_signature(header)
    assert found is not None
    claims = {"alg": TREE_ALGORITHM, "typ": "anpr-alert+jws", "kid": KEY.key_id, "iss": "nl"}
    forged = base64url(json.dumps(claims).encode())
    assert flaw(value, forged + b".." + signature) == AlertFlaw.SIGNATURE
    # A tree's signature under the name of the plain algorithm, and the reverse.
    plain = protected_of(header, "Ed25519")
    assert flaw(value, plain + b".." + signature) == AlertFlaw.SIGNATURE
    assert flaw(value, header[: len(protected) + 2 + 86]) == AlertFlaw.SIGNATURE


def protected_of(header: bytes, algorithm: str) -> bytes:
    """Give a signature's protected header under another algorithm."""
    signature = read_signature(header)
    assert signature is not None
    names = ("typ", "kid", "iss", "iat", "jti", "aud", "policy_version", "watchlist_version")
    claims = {name: getattr(signature.claims, name) for name in names}
    return base64url(json.dumps({"alg": algorithm} | claims).encode())
