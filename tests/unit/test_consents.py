"""Signed consents: what each one that is not taken is called."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from anpr_engine.audit.check_alerts import PinnedKey
from anpr_engine.audit.consents import (
    ConsentFlaw,
    NoConsent,
    Wanted,
    checked_consent,
)
from anpr_engine.audit.jws import REFUSAL_TYPE, read_signature, signature_of
from anpr_engine.audit.signed_files import signed_file
from anpr_engine.audit.signing import SecretKey
from anpr_engine.errors import PolicyRefused
from anpr_engine.records.consent import Consent

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
NL, BE, STRANGER = (SecretKey.new() for _ in range(3))
KEYS = {NL.key_id: PinnedKey(NL.public, "nl"), BE.key_id: PinnedKey(BE.public, "be")}
GOOD = Consent(
    message_id="ab" * 16,
    created_at=NOW,
    site="nl",
    receiver="be",
    alert_id="cd" * 16,
    use="evidence",
    to="prosecutor, Ghent",
    reference="NL-2026-17",
    decided_by="contact point",
    expires_at=NOW + timedelta(days=1),
)
WANTED = Wanted("nl", "be", GOOD.alert_id)


def flaw_of(data: bytes, wanted: Wanted = WANTED, now: datetime = NOW) -> ConsentFlaw | None:
    """Say why a consent is not taken; None when it is."""
    try:
        checked_consent(data, wanted, KEYS, now)
    except NoConsent as refused:
        return refused.flaw
    return None


def test_it_is_policy_that_refuses() -> None:
    """So the exit code is that of what is not permitted, and the flaw is named."""
    with pytest.raises(PolicyRefused, match=r"consent\.unsigned: Nobody signed"):
        checked_consent(signed_file(GOOD, NL).splitlines()[0], WANTED, KEYS, NOW)


def test_a_good_consent_is_taken() -> None:
    """With its key, to the last moment before its end; and with use and receiver as asked."""
    data = signed_file(GOOD, NL)
    assert checked_consent(data, WANTED, KEYS, NOW).key_id == NL.key_id
    assert flaw_of(data, now=GOOD.expires_at - timedelta(microseconds=1)) is None
    assert flaw_of(data, Wanted("nl", "be", GOOD.alert_id, GOOD.use, GOOD.to)) is None


@pytest.mark.parametrize(
    ("changes", "flaw"),
    [
        ({"receiver": "lu"}, ConsentFlaw.OTHER_RECEIVER),
        ({"alert_id": "ce" * 16}, ConsentFlaw.OTHER_ALERT),
        ({"expires_at": NOW}, ConsentFlaw.EXPIRED),
        ({"created_at": NOW + timedelta(hours=1)}, ConsentFlaw.NOT_YET),
        ({"site": "be"}, ConsentFlaw.FORGED),
    ],
)
def test_a_consent_for_something_else_is_not_taken(
    changes: dict[str, object], flaw: ConsentFlaw
) -> None:
    """Signed as it should be, by the site that consents."""
    assert flaw_of(signed_file(GOOD.model_copy(update=changes), NL)) == flaw


def test_a_signature_of_another_kind_of_record_is_none() -> None:
    """The kind is signed too, and is that of nothing else."""
    value, signature = signed_file(GOOD, NL).splitlines()
    read = read_signature(signature)
    assert read is not None
    assert read.claims.typ == "anpr-consent+jws"
    refusal = signature_of(msgspec.structs.replace(read.claims, typ=REFUSAL_TYPE), value, NL)
    assert flaw_of(value + b"\n" + refusal) == ConsentFlaw.FORGED


def test_use_and_receiver_are_those_asked_for() -> None:
    """Where somebody says them."""
    data = signed_file(GOOD, NL)
    for use, to in (("onward", GOOD.to), (GOOD.use, "somebody else")):
        wanted = Wanted("nl", "be", GOOD.alert_id, use, to)
        assert flaw_of(data, wanted) == ConsentFlaw.OTHER_USE


def test_what_was_changed_or_signed_by_others_is_forged() -> None:
    """Any byte of the consent; a key that is unknown, or the other site's; another's signature."""
    data = signed_file(GOOD, NL)
    value, signature = data.splitlines()
    other = signed_file(GOOD.model_copy(update={"use": "onward"}), NL).splitlines()[1]
    for forged in (
        data.replace(b"Ghent", b"Liege"),
        signed_file(GOOD, STRANGER),
        signed_file(GOOD, BE),
        value + b"\n" + other,
        value + b"\n" + signature + b"\n" + signature,
    ):
        assert flaw_of(forged) == ConsentFlaw.FORGED
    mine = GOOD.model_copy(update={"site": "be"})
    assert flaw_of(signed_file(mine, BE)) == ConsentFlaw.OTHER_SITE


@pytest.mark.parametrize("data", [b"", b"{}", b"\xff\n", b"[" * 9999, b"x" * 99_999])
def test_what_is_no_consent_is_called_so(data: bytes) -> None:
    """Whatever the file holds."""
    assert flaw_of(data) == ConsentFlaw.NO_CONSENT
    assert flaw_of(signed_file(GOOD, NL).splitlines()[0]) == ConsentFlaw.UNSIGNED
