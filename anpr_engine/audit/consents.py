"""Signed consents as files, and what is wrong with one that came.

A file is two lines: the consent as JSON, and the detached JWS over that line's very bytes (type
`anpr-consent+jws`), for its receiver alone. So it can go by any way, and be checked by anybody who
has the public key of the site that consents.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from pydantic import ValidationError

from anpr_engine.audit.check_alerts import WORDS, PinnedKey
from anpr_engine.audit.jws import HEADER_NAME, Signer
from anpr_engine.audit.message_proof import MessageChecker, signature_headers
from anpr_engine.errors import PolicyRefused
from anpr_engine.records.consent import Consent
from anpr_engine.wire import json_bytes

BYTES_MAX = 65_536
CLOCKS_APART = timedelta(minutes=5)
"""How far ahead of ours another site's clock may be."""


class ConsentFlaw(StrEnum):
    """Why a consent is not taken; the value is the sentence."""

    NO_CONSENT = "The file holds no consent of version 1."
    UNSIGNED = "Nobody signed the consent."
    FORGED = "The consent is not what its site signed:"
    OTHER_SITE = "The consent is another site's than the one that has to consent."
    OTHER_RECEIVER = "The consent is for another site."
    OTHER_ALERT = "The consent is about another alert."
    OTHER_USE = "The consent is for another use, or to give the hit to somebody else."
    NOT_YET = "The consent is dated later than now."
    EXPIRED = "The consent has ended."


class NoConsent(PolicyRefused):
    """A consent that is not taken; `flaw` names why."""

    def __init__(self, flaw: ConsentFlaw, more: str = "") -> None:
        """Keep the name beside the sentence."""
        sentence = f"{flaw.value} {more}." if more else flaw.value
        name = flaw.name.lower().replace("_", "-")
        super().__init__(f"consent.{name}: {sentence}", "Ask the other site for one that fits.")
        self.flaw = flaw


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a consent has to be about; a use or receiver that is None may be any."""

    site: str
    receiver: str
    alert_id: str
    use: str | None = None
    to: str | None = None


@dataclass(frozen=True, slots=True)
class SignedConsent:
    """A consent that was checked, the key that signed it, and SHA-256 of its file."""

    consent: Consent
    key_id: str
    digest: str


def consent_file(consent: Consent, signer: Signer) -> bytes:
    """Write a consent with its signature."""
    value = json_bytes(consent)
    ((_, signature),) = signature_headers(consent, consent.receiver, value, signer)
    return b"%b\n%b\n" % (value, signature)


def checked_consent(
    data: bytes, wanted: Wanted, keys: Mapping[str, PinnedKey], now: datetime
) -> SignedConsent:
    """Read a consent that came, and let it pass only if it is signed and fits.

    Args:
        data: the file.
        wanted: what it has to be about.
        keys: public keys by id, each pinned to its site.
        now: it must not have ended.

    Raises:
        NoConsent: it is none, or does not fit.

    """
    value, _, signature = data[:BYTES_MAX].rstrip(b"\n").partition(b"\n")
    try:
        consent = Consent.model_validate_json(value)
    except ValidationError:
        raise NoConsent(ConsentFlaw.NO_CONSENT) from None
    if not signature:
        raise NoConsent(ConsentFlaw.UNSIGNED)
    # What it says is looked at only once the signature holds, for whomever it was made.
    checker, headers = MessageChecker(keys), ((HEADER_NAME, signature),)
    proof = checker.proof(consent, consent.receiver, value, headers)
    if proof.flaw is not None:
        raise NoConsent(ConsentFlaw.FORGED, WORDS[proof.flaw])
    flaw = _misfit(consent, wanted, now)
    if flaw is not None:
        raise NoConsent(flaw)
    return SignedConsent(consent, proof.key_id, hashlib.sha256(data).hexdigest())


def _misfit(consent: Consent, wanted: Wanted, now: datetime) -> ConsentFlaw | None:
    if consent.site != wanted.site:
        return ConsentFlaw.OTHER_SITE
    if consent.receiver != wanted.receiver:
        return ConsentFlaw.OTHER_RECEIVER
    if consent.alert_id != wanted.alert_id:
        return ConsentFlaw.OTHER_ALERT
    if wanted.use not in (None, consent.use) or wanted.to not in (None, consent.to):
        return ConsentFlaw.OTHER_USE
    if consent.created_at > now + CLOCKS_APART:
        return ConsentFlaw.NOT_YET
    return ConsentFlaw.EXPIRED if consent.expires_at <= now else None
