"""Signed consents as files, and what is wrong with one that came (`audit/signed_files.py`)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from anpr_engine.audit.check_alerts import PinnedKey
from anpr_engine.audit.signed_files import (
    CLOCKS_APART,
    FileFlaw,
    FileRefused,
    Opened,
    opened,
)
from anpr_engine.errors import PolicyRefused
from anpr_engine.records.consent import Consent

BYTES_MAX = 65_536


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


_FLAWS = {
    FileFlaw.NO_MESSAGE: ConsentFlaw.NO_CONSENT,
    FileFlaw.UNSIGNED: ConsentFlaw.UNSIGNED,
    FileFlaw.FORGED: ConsentFlaw.FORGED,
}


def checked_consent(
    data: bytes, wanted: Wanted, keys: Mapping[str, PinnedKey], now: datetime
) -> Opened[Consent]:
    """Read a consent that came, and let it pass only if it is signed and fits.

    Args:
        data: the file.
        wanted: what it has to be about.
        keys: public keys by id, each pinned to its site.
        now: it must not have ended.

    Raises:
        NoConsent: it is none, or does not fit.

    """
    try:
        found = opened(data[:BYTES_MAX], Consent, keys)
    except FileRefused as refused:
        raise NoConsent(_FLAWS[refused.flaw], refused.more) from None
    flaw = _misfit(found.message, wanted, now)
    if flaw is not None:
        raise NoConsent(flaw)
    return found


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
