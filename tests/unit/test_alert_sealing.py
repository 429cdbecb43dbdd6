"""Fields of alerts that only the recipients abroad can open, and the keys for them."""

import json
import stat
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.concatkdf import ConcatKDFHash
from cryptography.hazmat.primitives.keywrap import aes_key_unwrap
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from anpr_engine.audit.alert_guard import SEALABLE, AlertSealer, SealRules
from anpr_engine.audit.check_alerts import AlertChecker, AlertFlaw, PinnedKey
from anpr_engine.audit.jwe import Opener, SealFlaw
from anpr_engine.audit.jws import base64url, from_base64url
from anpr_engine.audit.sealing import (
    OpeningKey,
    derived_key,
    read_opening_key,
    read_sealing_key,
)
from anpr_engine.audit.signing import SecretKey, write_pair
from anpr_engine.cli.alert_proof import ProofView
from anpr_engine.config import AlertSettings
from anpr_engine.errors import ConfigError, InputFileError, UsageError
from anpr_engine.kafka.tail import TailedRecord
from anpr_engine.pipeline.columns import Circumstances
from anpr_engine.pipeline.core import StepRules, step
from anpr_engine.records.alert import Alert
from anpr_engine.records.watchlist_entry import WatchlistEntry
from anpr_engine.watchlist.snapshot import snapshot_of
from anpr_engine.wire import json_bytes
from anpr_engine.wiring_alerts import alert_guard, alert_opener

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
BE, NL, LU = OpeningKey.new(), OpeningKey.new(), OpeningKey.new()
FIELDS = AlertSettings().sealed_fields
GUARD = AlertSealer(None, SealRules({"be": BE.public, "nl": NL.public}, FIELDS))
SCHEMA = Path(__file__).parents[2] / "schemas" / "alert.v1.json"


@cache
def alert(sharing: str = "be,nl", number: int = 0) -> Alert:
    """Make an alert by the engine's own way."""
    entry = WatchlistEntry(
        entry_id="e1",
        list_id="be-drugs",
        plate="1-ABC-123",
        country="BE",
        sharing=sharing,
        note="grey box on the roof",
        case_ref="BR-77",
        owner="FGP Antwerpen",
    )
    read = b'{"read_id":"r%d","camera_id":"c1","captured_at":"2026-11-22T08:59:59Z",' % number
    read += b'"plate":"1ABC123","country":"BE"}'
    where = Circumstances("be", int(NOW.timestamp() * 1e6), 120, watchlist_stale=False)
    return step([read], snapshot_of([entry]), StepRules(), where).alerts[0].alert


def sealed(about: Alert) -> Alert:
    """Give an alert as it arrives."""
    return Alert.model_validate_json(GUARD.guarded([about])[0][0])


def opened_by_hand(value: bytes, secret: X25519PrivateKey, key_id: str) -> dict[str, object]:
    """Open sealed fields by the standard's text alone, with the library's own Concat KDF."""
    box = json.loads(value)["sealed"]
    mine = next(each for each in box["recipients"] if each["header"]["kid"] == key_id)
    epk = mine["header"]["epk"]
    assert (mine["header"]["alg"], epk["kty"], epk["crv"]) == ("ECDH-ES+A256KW", "OKP", "X25519")
    shared = secret.exchange(X25519PublicKey.from_public_bytes(from_base64url(epk["x"])))
    name, none = b"\x00\x00\x00\x0eECDH-ES+A256KW", b"\x00\x00\x00\x00"
    info = name + none + none + b"\x00\x00\x01\x00"
    wrapping = ConcatKDFHash(algorithm=hashes.SHA256(), length=32, otherinfo=info).derive(shared)
    content = aes_key_unwrap(wrapping, from_base64url(mine["encrypted_key"]))
    text = from_base64url(box["ciphertext"]) + from_base64url(box["tag"])
    plain = AESGCM(content).decrypt(from_base64url(box["iv"]), text, box["protected"].encode())
    assert json.loads(from_base64url(box["protected"]))["enc"] == "A256GCM"
    found: dict[str, object] = json.loads(plain)
    return found


def test_keys_are_agreed_and_derived_as_in_the_standards_examples() -> None:
    """RFC 8037, appendix A.6, gives the shared secret; RFC 7518, appendix C, the derived key."""
    ephemeral = X25519PrivateKey.from_private_bytes(
        bytes.fromhex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a")
    )
    public = ephemeral.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    assert base64url(public) == b"hSDwCYkwp1R0i33ctD73Wg2_Og0mOBr066SpjqqbTmo"
    bob = from_base64url("3p7bfXt9wbTTW2HC7OQ1Nz-DQ8hbeGdNrfx-FG-IK08")
    shared = ephemeral.exchange(X25519PublicKey.from_public_bytes(bob))
    assert shared.hex() == "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742"
    z = "9e56d91d817135d372834283bf84269cfb316ea3da806a48f6daa7798cfe90c4"
    key = derived_key(bytes.fromhex(z), "A128GCM", (b"Alice", b"Bob"), 128)
    assert base64url(key) == b"VqqN6vgjbSBcIijNcacQGg"


def test_what_is_sealed_opens_by_the_text_of_the_standard() -> None:
    """Each recipient opens the same fields with nothing but its secret key and the RFCs."""
    secret = X25519PrivateKey.generate()
    ours = OpeningKey(secret)
    rules = SealRules({"be": BE.public, "nl": ours.public}, FIELDS)
    value = AlertSealer(None, rules).guarded([alert()])[0][0]
    assert opened_by_hand(value, secret, ours.key_id) == {
        "read.plate": "1ABC123",
        "entry.plate": "1-ABC-123",
        "entry.note": "grey box on the roof",
        "entry.case_ref": "BR-77",
    }


def test_sealed_fields_stand_nowhere_in_the_record() -> None:
    """Plates, note and case are gone from the value, which still obeys the schema."""
    value = GUARD.guarded([alert()])[0][0]
    for secret in (b"ABC", b"grey box", b"BR-77"):
        assert secret not in value
    told = json.loads(value)
    assert {"plate", "note", "case_ref"}.isdisjoint(told["read"] | told["entry"])
    assert told["entry"]["owner"] == "FGP Antwerpen"
    assert "zip" not in json.loads(from_base64url(told["sealed"]["protected"]))
    Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8"))).validate(told)


def test_what_is_sealed_of_one_entry_stands_not_beside_another() -> None:
    """Of the plate's other lists an alert tells no field that is sealed; its own alert does."""
    told = {"plate": "1-ABC-123", "country": "BE", "sharing": "be,nl", "danger": "armed"}
    told |= {"owner": "unit"}
    entries = [WatchlistEntry.model_validate({"entry_id": n, "list_id": n} | told) for n in "ab"]
    read = b'{"read_id":"r","camera_id":"c1","captured_at":"2026-11-22T08:59:59Z",'
    read += b'"plate":"1ABC123","country":"BE"}'
    where = Circumstances("be", int(NOW.timestamp() * 1e6), 120, watchlist_stale=False)
    found = [each.alert for each in step([read], snapshot_of(entries), StepRules(), where).alerts]
    about = found[0]
    assert about.also
    assert about.also[0].danger == "armed"
    guard = AlertSealer(None, SealRules({"nl": NL.public}, ("read.plate", "entry.danger")))
    value = guard.guarded([about])[0][0]
    assert b"armed" not in value
    assert json.loads(value)["also"][0]["owner"] == "unit"
    came = Opener(NL).open(Alert.model_validate_json(value))
    assert isinstance(came, Alert)
    assert came.entry.danger == "armed"
    view = ProofView(None, None, NOW.timestamp, as_json=False)
    values = [each for each, _ in guard.guarded(found)]
    records = [TailedRecord("t", 0, n, -1, b"", (), each) for n, each in enumerate(values)]
    shown = [Alert.model_validate_json(each.value) for each in records]
    assert [view.show(*each) for each in zip(shown, records, strict=True)] == [True, True]


@pytest.mark.parametrize("key", [BE, NL])
def test_each_recipient_gets_the_alert_back_whole(key: OpeningKey) -> None:
    """With the fields back in place the alert is the one that was sealed."""
    about = alert()
    assert Opener(key).open(sealed(about)) == about


def test_an_alert_that_stays_at_home_is_not_sealed() -> None:
    """Only what crosses the border is; the others are written as without any key."""
    about = alert(sharing="own")
    assert about.recipients == ["be"]
    assert GUARD.guarded([about])[0][0] == json_bytes(about)
    assert Opener(BE).open(about) is about


def test_a_recipient_without_a_key_gets_the_alert_without_the_fields() -> None:
    """A site that was given no key here cannot open it, and sees no plate."""
    about = alert().model_copy(update={"recipients": ["be", "nl", "lu"]})
    arrived = sealed(about)
    assert arrived.sealed is not None
    assert len(arrived.sealed.recipients) == 2
    assert arrived.read.plate == arrived.entry.plate == ""
    assert Opener(LU).open(arrived) == SealFlaw.NOT_FOR_US


def test_no_two_alerts_share_a_content_key() -> None:
    """One agreement serves a batch; each alert's content key, nonce and text are its own."""
    values = [json.loads(value)["sealed"] for value, _ in GUARD.guarded([alert()] * 3)]
    for name in ("iv", "ciphertext", "tag"):
        assert len({each[name] for each in values}) == 3
    wrapped = {r["encrypted_key"] for each in values for r in each["recipients"]}
    assert len(wrapped) == 6
    agreed = {r["header"]["epk"]["x"] for each in values for r in each["recipients"]}
    assert len(agreed) == 2
    again = json.loads(GUARD.guarded([alert()])[0][0])["sealed"]["recipients"]
    assert agreed.isdisjoint(r["header"]["epk"]["x"] for r in again)


def test_what_was_sealed_for_one_alert_opens_in_no_other() -> None:
    """Moved to another alert the fields are refused by name."""
    first, second = sealed(alert(number=1)), sealed(alert(number=2))
    mixed = first.model_copy(update={"sealed": second.sealed})
    assert Opener(NL).open(mixed) == SealFlaw.OTHER_ALERT


@given(place=st.sampled_from(["iv", "ciphertext", "tag", "protected", "key", "epk"]), at=st.data())
def test_a_changed_seal_does_not_open(place: str, at: st.DataObject) -> None:
    """Whichever character of whichever part is changed: refused, never a wrong field."""
    arrived = json.loads(GUARD.guarded([alert()])[0][0])
    box = arrived["sealed"]
    holder, name = {
        "key": (box["recipients"][1], "encrypted_key"),
        "epk": (box["recipients"][1]["header"]["epk"], "x"),
    }.get(place, (box, place))
    text = holder[name]
    row = at.draw(st.integers(0, len(text) - 1))
    letter = at.draw(st.sampled_from("ABCxyz019-_"))
    holder[name] = text[:row] + letter + text[row + 1 :]
    found = Opener(NL).open(Alert.model_validate(arrived))
    # The highest bit of a key on this curve is no part of it (RFC 7748, section 5).
    same = holder[name] == text or (place == "epk" and not isinstance(found, str))
    assert found == alert() if same else isinstance(found, str)


def test_other_forms_are_refused() -> None:
    """Packed, of another cipher, or of a field that holds what it may not: refused."""
    rules = SealRules({"nl": NL.public}, FIELDS)
    arrived = json.loads(AlertSealer(None, rules).guarded([alert()])[0][0])
    for header in ({"enc": "A128GCM"}, {"zip": "DEF"}, {"typ": "JWT"}):
        told = json.loads(from_base64url(arrived["sealed"]["protected"])) | header
        protected = base64url(json.dumps(told).encode()).decode()
        other = arrived | {"sealed": arrived["sealed"] | {"protected": protected}}
        assert Opener(NL).open(Alert.model_validate(other)) == SealFlaw.WRONG_FORM


def test_the_signature_covers_what_is_sealed() -> None:
    """Signed after sealing: it holds without any secret key, and breaks with the seal."""
    signer = SecretKey.new()
    rules = SealRules({"be": BE.public, "nl": NL.public}, FIELDS)
    (value, headers), (other, _) = AlertSealer(signer, rules).guarded([alert(), alert(number=1)])
    checker = AlertChecker("nl", {signer.key_id: PinnedKey(signer.public, "be")})
    now_s = NOW.timestamp()
    told, foreign = json.loads(value), json.loads(other)
    mixed = json.dumps(told | {"sealed": foreign["sealed"]}, separators=(",", ":")).encode()
    arrived = Alert.model_validate_json(mixed)
    assert checker.check(arrived, mixed, headers, now_s).flaw is AlertFlaw.SIGNATURE
    assert checker.check(Alert.model_validate_json(value), value, headers, now_s).flaw is None


def test_keys_are_kept_in_files_that_only_their_owner_reads(tmp_path: Path) -> None:
    """A pair is read back as it was; a key of the other kind is refused with what to do."""
    path = tmp_path / "nl-seal.key"
    public = write_pair(path, NL)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_sealing_key(public) == NL.public
    assert read_opening_key(path).public == NL.public
    signing = tmp_path / "nl.key"
    write_pair(signing, SecretKey.new())
    with pytest.raises(InputFileError, match="X25519 secret"):
        read_opening_key(signing)
    with pytest.raises(InputFileError, match="X25519 public"):
        read_sealing_key(signing.with_name("nl.key.pub"))
    path.chmod(0o644)
    with pytest.raises(UsageError, match="chmod 600"):
        alert_opener(path)


def test_wrong_settings_are_refused_at_the_start(tmp_path: Path) -> None:
    """No key of its own, a field that does not exist or is needed: named, before any read."""
    public = str(write_pair(tmp_path / "be.key", BE))
    with pytest.raises(ConfigError, match="no key of be itself"):
        alert_guard("be", "", {"nl": public}, FIELDS)
    for wrong in ("read.read_id", "entry.colour", "plate"):
        with pytest.raises(ConfigError, match="sealed_fields"):
            alert_guard("be", "", {"be": public}, [wrong])
    with pytest.raises(ConfigError, match="sealed_fields"):
        alert_guard("be", "", {"be": public}, [])
    assert set(FIELDS) <= set(SEALABLE)
    assert alert_guard("be", "", {}, FIELDS) is None
    assert alert_guard("be", "", {"be": public}, FIELDS) is not None
