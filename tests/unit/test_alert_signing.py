"""Detached signatures over alerts, and what a check refuses."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from anpr_engine.audit.alert_guard import AlertSealer
from anpr_engine.audit.check_alerts import WORDS, AlertChecker, AlertFlaw, PinnedKey
from anpr_engine.audit.jws import (
    HEADER_NAME,
    base64url,
    from_base64url,
    read_signature,
    signed_message,
)
from anpr_engine.audit.signing import PublicKey, SecretKey
from anpr_engine.pipeline.columns import Circumstances
from anpr_engine.pipeline.core import StepRules, step
from anpr_engine.pipeline.publish import alert_records
from anpr_engine.records.alert import Alert
from anpr_engine.records.watchlist_entry import WatchlistEntry
from anpr_engine.watchlist.snapshot import snapshot_of
from anpr_engine.wire import Header, SiteTopics, json_bytes

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
NOW_S = NOW.timestamp()
BE, NL = SecretKey.new(), SecretKey.new()
KEYS = {BE.key_id: PinnedKey(BE.public, "be"), NL.key_id: PinnedKey(NL.public, "nl")}
Headers = tuple[Header, ...]


@cache
def alert(sharing: str = "be,nl") -> Alert:
    """Make an alert by the engine's own way."""
    entry = WatchlistEntry(
        entry_id="e1", list_id="be-drugs", plate="1-ABC-123", country="BE", sharing=sharing
    )
    read = (
        b'{"read_id":"r1","camera_id":"c1","captured_at":"2026-11-22T08:59:59Z",'
        b'"plate":"1ABC123","country":"BE"}'
    )
    where = Circumstances("be", int(NOW_S * 1e6), 120, watchlist_stale=False)
    return step([read], snapshot_of([entry]), StepRules(), where).alerts[0].alert


def signed(about: Alert, key: SecretKey = BE) -> tuple[bytes, Headers]:
    """Give an alert's value and headers as they leave."""
    return AlertSealer(key).guarded([about])[0]


def forged(about: Alert, key: SecretKey = BE, **claims: object) -> tuple[bytes, Headers]:
    """Sign an alert with a protected header of one's own; None leaves a claim out."""
    value, headers = signed(about, key)
    before = json.loads(from_base64url(headers[0][1].split(b".")[0]))
    told = {name: part for name, part in (before | claims).items() if part is not None}
    protected = base64url(json.dumps(told).encode())
    made = base64url(key.sign(signed_message(protected, value)))
    return value, ((HEADER_NAME, protected + b".." + made),)


def flaw_of(
    value: bytes, headers: Headers, checker: AlertChecker | None = None, now_s: float = NOW_S
) -> AlertFlaw | None:
    """Check a record as the Dutch control room does."""
    checker = checker or AlertChecker("nl", KEYS)
    return checker.check(Alert.model_validate_json(value), value, headers, now_s).flaw


def test_a_signature_is_that_of_the_standard_s_example() -> None:
    """Key, header and payload of RFC 8037, appendix A.4, give its signature."""
    secret = from_base64url("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A")
    key = SecretKey(Ed25519PrivateKey.from_private_bytes(secret))
    assert base64url(key.public.raw) == b"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
    message = signed_message(base64url(b'{"alg":"EdDSA"}'), b"Example of Ed25519 signing")
    assert message == b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc"
    # In hex digits; the standard writes it in base64url.
    expected = (
        "860c98d2297f3060a33f42739672d61b53cf3adefed3d3c672f320dc021b411e"
        "9d59b8628dc351e248b88b29468e0e41855b0fb7d83bb15be902bfccb8cd0a02"
    )
    assert key.sign(message).hex() == expected
    assert PublicKey(key.public.raw).verifies(bytes.fromhex(expected), message)


def test_a_signed_alert_is_the_same_record_with_one_more_header() -> None:
    """Whoever reads alerts without checking them sees no difference."""
    about = alert()
    value, headers = signed(about)
    assert value == json_bytes(about)
    assert [name for name, _ in headers] == ["jws"]
    protected, payload, signature = headers[0][1].split(b".")
    assert payload == b""
    assert len(from_base64url(signature)) == 64
    assert json.loads(from_base64url(protected)) == {
        "alg": "Ed25519",
        "typ": "anpr-alert+jws",
        "kid": BE.key_id,
        "iss": "be",
        "iat": int(NOW_S),
        "jti": about.alert_id,
        "aud": ["be", "nl"],
        "policy_version": about.policy_version,
        "watchlist_version": about.watchlist_version,
    }


def test_the_engine_s_records_are_signed_over_what_is_written() -> None:
    """The header of the record holds for its value; audit lines carry none."""
    entry = WatchlistEntry(entry_id="e", list_id="l", plate="1-ABC-123", sharing="be,nl")
    read = b'{"read_id":"r","camera_id":"c","captured_at":"2026-11-22T08:59:59Z","plate":"1ABC123"}'
    where = Circumstances("be", int(NOW_S * 1e6), 120, watchlist_stale=False)
    found = step([read], snapshot_of([entry]), StepRules(), where).alerts
    alerts, audit = alert_records(found, SiteTopics("be"), AlertSealer(BE))
    assert flaw_of(alerts.value, alerts.headers) is None
    assert dict(alerts.headers)["ce_type"] == b"eu.anpr.alert.v1"
    assert "jws" not in dict(audit.headers)


def test_a_check_says_who_signed_and_whether_anybody_did() -> None:
    """A good signature names its key; a record without one is unsigned and no forgery."""
    value, headers = signed(alert())
    proof = AlertChecker("nl", KEYS).check(alert(), value, headers, NOW_S)
    assert (proof.state, proof.key_id, proof.flaw) == ("signed", BE.key_id, None)
    bare = AlertChecker("nl", KEYS).check(alert(), value, (), NOW_S)
    assert (bare.state, bare.key_id) == ("unsigned", "")


Forgery = Callable[[], tuple[bytes, Headers]]


def changed() -> tuple[bytes, Headers]:
    """Change one digit of a signed value."""
    value, headers = signed(alert())
    return value.replace(b'"plate":"1ABC123"', b'"plate":"1ABC124"'), headers


def twice() -> tuple[bytes, Headers]:
    """Give a record two signatures, of which a reader might take either."""
    value, headers = signed(alert())
    return value, headers * 2


def keyed_hash() -> tuple[bytes, Headers]:
    """Use the public key as the password of a keyed hash, and say so in the header."""
    value, _ = forged(alert(), alg="HS256")
    return value, forged(alert(), alg="HS256")[1]


def without_signature() -> tuple[bytes, Headers]:
    """Name no algorithm, and sign nothing."""
    value, headers = forged(alert(), alg="none")
    return value, ((HEADER_NAME, headers[0][1].split(b".")[0] + b".."),)


def reordered() -> tuple[bytes, Headers]:
    """Put the claims of one signature under another's signature."""
    value, headers = signed(alert())
    other = forged(alert(), jti="0" * 32)[1][0][1]
    mixed = other.split(b".")[0] + b".." + headers[0][1].split(b".")[2]
    return value, ((HEADER_NAME, mixed),)


@pytest.mark.parametrize(
    ("make", "flaw"),
    [
        (changed, AlertFlaw.SIGNATURE),
        (reordered, AlertFlaw.SIGNATURE),
        (twice, AlertFlaw.MALFORMED),
        (lambda: (signed(alert())[0], ((HEADER_NAME, b"{}"),)), AlertFlaw.MALFORMED),
        (lambda: (signed(alert())[0], ((HEADER_NAME, b"e30..AA"),)), AlertFlaw.MALFORMED),
        (without_signature, AlertFlaw.ALGORITHM),
        (keyed_hash, AlertFlaw.ALGORITHM),
        (lambda: forged(alert(), alg="ES256"), AlertFlaw.ALGORITHM),
        (lambda: forged(alert(), typ="JWT"), AlertFlaw.TYPE),
        (lambda: forged(alert(), typ=None), AlertFlaw.TYPE),
        (lambda: forged(alert(), crit=["b64"], b64=False), AlertFlaw.CRITICAL),
        (lambda: signed(alert(), SecretKey.new()), AlertFlaw.UNKNOWN_KEY),
        (lambda: forged(alert(), kid=NL.key_id), AlertFlaw.SIGNATURE),
        (lambda: signed(alert(), NL), AlertFlaw.ISSUER),
        (lambda: forged(alert(), NL, iss="nl"), AlertFlaw.ISSUER),
        (lambda: forged(alert(), iss=None), AlertFlaw.ISSUER),
        (lambda: forged(alert(), aud=["be"]), AlertFlaw.AUDIENCE),
        (lambda: forged(alert(), aud=["be", "lu", "nl"]), AlertFlaw.AUDIENCE),
        (lambda: forged(alert(), jti="f" * 32), AlertFlaw.ALERT),
        (lambda: forged(alert(), iat=int(NOW_S) + 3600), AlertFlaw.FUTURE),
    ],
)
def test_what_is_forged_is_refused_and_named(make: Forgery, flaw: AlertFlaw) -> None:
    """Each way to forge an alert has its own word, and a sentence for a person."""
    value, headers = make()
    assert flaw_of(value, headers) is flaw
    assert WORDS[flaw]


def test_every_flaw_has_words() -> None:
    """No reason is without a sentence."""
    assert WORDS.keys() == set(AlertFlaw)


def test_the_older_name_of_the_algorithm_is_taken_too() -> None:
    """`EdDSA` with an Ed25519 key is the same signature."""
    assert flaw_of(*forged(alert(), alg="EdDSA")) is None


def test_an_alert_that_comes_again_is_refused() -> None:
    """Once taken its id is known; a forged copy before it does not use the id up."""
    checker = AlertChecker("nl", KEYS)
    assert flaw_of(*changed(), checker) is AlertFlaw.SIGNATURE
    assert flaw_of(*signed(alert()), checker) is None
    assert flaw_of(*signed(alert()), checker) is AlertFlaw.REPLAYED


def test_ids_are_remembered_up_to_a_limit() -> None:
    """The oldest id is forgotten first, so that memory stays bounded."""
    checker = AlertChecker("nl", KEYS, seen_max=2)
    about = alert()
    for number in (1, 2, 3):
        other = about.model_copy(update={"alert_id": f"{number:032x}"})
        assert flaw_of(*signed(other), checker) is None
    assert flaw_of(*signed(about.model_copy(update={"alert_id": f"{3:032x}"})), checker) is not None
    assert flaw_of(*signed(about.model_copy(update={"alert_id": f"{1:032x}"})), checker) is None


def test_old_signatures_are_refused_where_asked() -> None:
    """With an age limit an alert kept back for long is refused; without one it is taken."""
    record = signed(alert())
    late = NOW_S + 601
    assert flaw_of(*record, AlertChecker("nl", KEYS, 600), late) is AlertFlaw.EXPIRED
    assert flaw_of(*record, AlertChecker("nl", KEYS), late) is None


def test_a_signature_names_us_whatever_the_record_says() -> None:
    """A record from which a recipient was struck is still known to be meant for it."""
    value, headers = signed(alert())
    struck = value.replace(b'"recipients":["be","nl"]', b'"recipients":["be"]')
    checker = AlertChecker("nl", KEYS)
    assert checker.is_named(headers)
    assert not AlertChecker("lu", KEYS).is_named(headers)
    assert flaw_of(struck, headers, checker) is AlertFlaw.SIGNATURE


@pytest.mark.parametrize(
    "text", [b"", b"..", b"a.b.c", b"e30.e30.", b"!!..AA", b"e30=..AA", b"ew..AA"]
)
def test_what_is_no_detached_signature_is_none(text: bytes) -> None:
    """Nothing but two parts in base64url with an empty one between them is read."""
    assert read_signature(text) is None


def test_base64url_is_read_in_one_way_only() -> None:
    """Bits that say nothing must be zero: no two texts are the same bytes."""
    assert from_base64url("AA") == b"\0"
    for wrong in ("AB", "A", "AA=", "A+", "A/", "A A"):
        with pytest.raises(ValueError, match=r".+"):
            from_base64url(wrong)
    assert from_base64url(base64url(b"\xff\xfe")) == b"\xff\xfe"


def test_claims_of_a_wrong_kind_are_malformed() -> None:
    """A time as text, or one recipient in place of a list, is no signature of ours."""
    wrong: list[dict[str, object]] = [{"iat": "now"}, {"aud": "nl"}, {"crit": True}]
    for claims in wrong:
        assert flaw_of(*forged(alert(), BE, **claims)) is AlertFlaw.MALFORMED
