"""Sealed fields: one JWE (RFC 7516, general JSON form) that each recipient opens with its own key.

ECDH-ES+A256KW for the content key, A256GCM for the content. The content is one JSON object of
fields by dotted name. The alert's id stands in the protected header, so that what was sealed for
one alert opens in no other.

Why never `zip`: a few bytes that unpack to gigabytes have stopped readers elsewhere, and the
length of packed text tells what is in it. Why one agreement a batch and recipient: agreeing costs
more than all else; each alert still has a content key of its own.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

import msgspec
from pydantic import ValidationError

from anpr_engine.audit.jws import base64url, from_base64url
from anpr_engine.audit.sealing import (
    TAG_BYTES,
    WRAPPING,
    Agreement,
    OpeningKey,
    SealingKey,
    decrypt,
    encrypt,
)
from anpr_engine.records.alert import Alert, Sealed, SealedFor

ENCRYPTION = "A256GCM"
TYPE = "anpr-fields+jwe"


class SealFlaw(StrEnum):
    """Why sealed fields cannot be opened."""

    NOT_FOR_US = "not sealed for this key"
    OTHER_ALERT = "sealed for another alert"
    WRONG_FORM = "sealed in a form that is not taken"
    CHANGED = "the sealed fields or their key were changed"


class _Protected(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    enc: str
    typ: str
    jti: str


_PROTECTED = msgspec.json.Decoder(_Protected)
_FIELDS = msgspec.json.Decoder(dict[str, str | int | float | bool | dict[str, object] | None])
Fields = Mapping[str, object]


class Sealer:
    """Seals fields for some recipients; one for each batch."""

    def __init__(self, recipients: Mapping[str, SealingKey]) -> None:
        """Take the recipients' keys by site."""
        self._recipients = recipients
        self._agreed: dict[str, Agreement] = {}

    def seal(self, fields: Fields, alert_id: str, sites: Sequence[str]) -> bytes:
        """Seal fields for those of the sites whose key is known; gives the JWE in JSON."""
        protected = base64url(msgspec.json.encode(_Protected(ENCRYPTION, TYPE, alert_id)))
        key, nonce, text = encrypt(msgspec.json.encode(fields), protected)
        sealed = {
            "protected": protected.decode(),
            "recipients": [self._wrapped(site, key) for site in sites if site in self._recipients],
            "iv": base64url(nonce).decode(),
            "ciphertext": base64url(text[:-TAG_BYTES]).decode(),
            "tag": base64url(text[-TAG_BYTES:]).decode(),
        }
        return msgspec.json.encode(sealed)

    def _wrapped(self, site: str, key: bytes) -> dict[str, object]:
        recipient = self._recipients[site]
        agreed = self._agreed.get(site)
        if agreed is None:
            agreed = self._agreed[site] = recipient.agree()
        ephemeral = {"kty": "OKP", "crv": "X25519", "x": base64url(agreed.ephemeral).decode()}
        header = {"alg": WRAPPING, "kid": recipient.key_id, "epk": ephemeral}
        return {"header": header, "encrypted_key": base64url(agreed.wrap(key)).decode()}


class _Parts(NamedTuple):
    """A JWE's parts for one recipient, decoded."""

    header: _Protected
    ephemeral: bytes
    wrapped: bytes
    nonce: bytes
    text: bytes


def open_fields(sealed: Sealed, alert_id: str, key: OpeningKey) -> Fields | SealFlaw:
    """Open sealed fields, or say why they cannot be."""
    ours = next((each for each in sealed.recipients if each.header.kid == key.key_id), None)
    if ours is None:
        return SealFlaw.NOT_FOR_US
    try:
        parts = _parts(sealed, ours)
    except ValueError:
        return SealFlaw.WRONG_FORM
    if (parts.header.enc, parts.header.typ) != (ENCRYPTION, TYPE):
        return SealFlaw.WRONG_FORM
    if parts.header.jti != alert_id:
        return SealFlaw.OTHER_ALERT
    content = key.unwrap(parts.ephemeral, parts.wrapped)
    plain = content and decrypt(content, parts.nonce, parts.text, sealed.protected.encode())
    return _FIELDS.decode(plain) if plain else SealFlaw.CHANGED


def _parts(sealed: Sealed, ours: SealedFor) -> _Parts:
    """Decode the parts; `ValueError` where one is not what it should be."""
    return _Parts(
        _PROTECTED.decode(from_base64url(sealed.protected)),
        from_base64url(ours.header.epk.x),
        from_base64url(ours.encrypted_key),
        from_base64url(sealed.iv),
        from_base64url(sealed.ciphertext) + from_base64url(sealed.tag),
    )


def opened(alert: Alert, fields: Fields) -> Alert:
    """Put opened fields back where they belong; those of no such name are left out.

    Raises:
        pydantic.ValidationError: a field holds what it may not.

    """
    told = alert.model_dump(exclude={"sealed"})
    for name, value in fields.items():
        part, _, field = name.partition(".")
        if isinstance(told.get(part), dict) and field in told[part]:
            told[part][field] = value
    return Alert.model_validate(told)


class Opener:
    """Opens sealed alerts with one secret key."""

    def __init__(self, key: OpeningKey) -> None:
        """Take the key."""
        self._key = key

    def open(self, alert: Alert) -> Alert | str:
        """Give the alert with its fields back in place, or say why not; unsealed ones as is."""
        if alert.sealed is None:
            return alert
        try:
            found = open_fields(alert.sealed, alert.alert_id, self._key)
            return found.value if isinstance(found, SealFlaw) else opened(alert, found)
        except (msgspec.DecodeError, ValidationError):
            # The key was right, so its sender wrote something that is no alert's field.
            return SealFlaw.WRONG_FORM.value
