"""Detached JWS (RFC 7515, appendix F): proves who sent a record's value, and to whom.

    BASE64URL(protected header) .. BASE64URL(Ed25519 signature)

Signed are the header and the value's very bytes (RFC 8037, RFC 9864). What the signature is for
stands in the protected header, so that the value stays what it is for whoever does not check it.

Many records that leave together may have one signature, of the root of a tree over them
(`audit/tree_signature.py`).

Why a closed list of algorithms: a header that chooses its own check is how `none` and keys used
as passwords got through elsewhere.
"""

import base64
import binascii
import re
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

import msgspec

from anpr_engine.audit.tree_signature import read_tree_signature, tree_signatures

HEADER_NAME = "jws"
"""The Kafka header that holds the signature."""
TYPE = "anpr-alert+jws"
RECALL_TYPE = "anpr-recall+jws"
HANDLING_TYPE = "anpr-handling-event+jws"
REPORT_A_TYPE = "anpr-report-a+jws"
REPORT_B_TYPE = "anpr-report-b+jws"
RECEIPT_TYPE = "anpr-recall-receipt+jws"
REFUSAL_TYPE = "anpr-refusal+jws"
CONSENT_TYPE = "anpr-consent+jws"
QUESTIONS_TYPE = "anpr-questions+jws"
ANSWERS_TYPE = "anpr-answers+jws"
DECONFLICTION_REQUEST_TYPE = "anpr-deconfliction-request+jws"
DECONFLICTION_REPLY_TYPE = "anpr-deconfliction-reply+jws"
"""What a signature is for; that of one kind of record is none of another kind."""
ALGORITHM = "Ed25519"
TREE_ALGORITHM = "anpr-Ed25519-tree"
"""One signature for many records, see `tree_signatures`."""
ALGORITHMS = frozenset({ALGORITHM, "EdDSA", TREE_ALGORITHM})
"""One algorithm under its two names, and the same over a tree; a pinned key has no other use."""

_COMPACT = re.compile(rb"([A-Za-z0-9_-]+)\.\.([A-Za-z0-9_-]*)")


class Claims(msgspec.Struct, frozen=True, kw_only=True):
    """A protected header: what is said of the record that is signed.

    iss: the site. iat: seconds since 1970. jti: the record's id. aud: the recipients.
    """

    alg: str
    typ: str = ""
    kid: str = ""
    iss: str = ""
    iat: int = 0
    jti: str = ""
    aud: tuple[str, ...] = ()
    policy_version: str = ""
    watchlist_version: int = 0
    crit: tuple[str, ...] | msgspec.UnsetType = msgspec.UNSET


class Signer(Protocol):
    """A secret key in use."""

    @property
    def key_id(self) -> str:
        """The public key's name."""
        ...

    def sign(self, message: bytes) -> bytes:
        """Give the signature of a message."""
        ...


class Signature(NamedTuple):
    """A detached signature as it was read; `protected` as it was sent, in base64url."""

    claims: Claims
    protected: bytes
    signature: bytes

    def holds(self, payload: bytes, verifies: Callable[[bytes, bytes], bool]) -> bool:
        """Say whether this signs a record's value.

        Args:
            payload: the value.
            verifies: says whether a signature of a message was made with a key.

        """
        message, signature = signed_message(self.protected, payload), self.signature
        if self.claims.alg != TREE_ALGORITHM:
            return verifies(signature, message)
        read = read_tree_signature(signature, message)
        return read is not None and verifies(*read)


_URL_SAFE = bytes.maketrans(b"+/", b"-_")
_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(Claims)


def base64url(data: bytes) -> bytes:
    """Write bytes in base64url without padding."""
    return binascii.b2a_base64(data, newline=False).translate(_URL_SAFE).rstrip(b"=")


def from_base64url(text: bytes | str) -> bytes:
    """Read base64url without padding.

    Raises:
        ValueError: it is none, or not written the one way.

    """
    given = text.encode() if isinstance(text, str) else text
    try:
        data = base64.b64decode(given + b"=" * (-len(given) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError(str(error)) from None
    if base64url(data) != given:
        message = "base64url is written in one way only"
        raise ValueError(message)
    return data


def signed_message(protected: bytes, payload: bytes) -> bytes:
    """Give the bytes that are signed: both parts in base64url, a dot between them."""
    return b"%b.%b" % (protected, base64url(payload))


def signature_of(claims: Claims, payload: bytes, signer: Signer) -> bytes:
    """Sign a record's value; gives the detached signature for `HEADER_NAME`."""
    protected = base64url(_ENCODER.encode(claims))
    made = signer.sign(signed_message(protected, payload))
    return b"%b..%b" % (protected, base64url(made))


def signatures_of(given: Sequence[tuple[Claims, bytes]], signer: Signer) -> list[bytes]:
    """Sign records' values, each with its claims; gives what `HEADER_NAME` holds, in order.

    Claims that name `TREE_ALGORITHM` are signed many at once, others each by itself.
    """
    if not given or given[0][0].alg != TREE_ALGORITHM:
        return [signature_of(claims, value, signer) for claims, value in given]
    heads = [base64url(_ENCODER.encode(claims)) for claims, _ in given]
    messages = [signed_message(head, each[1]) for head, each in zip(heads, given, strict=True)]
    made = tree_signatures(messages, signer.sign)
    return [b"%b..%b" % (head, base64url(each)) for head, each in zip(heads, made, strict=True)]


def read_signature(text: bytes) -> Signature | None:
    """Read a detached signature; None when it is none."""
    parts = _COMPACT.fullmatch(text)
    if parts is None:
        return None
    try:
        claims = _DECODER.decode(from_base64url(parts[1]))
        return Signature(claims, parts[1], from_base64url(parts[2]))
    except (msgspec.DecodeError, ValueError):
        return None
