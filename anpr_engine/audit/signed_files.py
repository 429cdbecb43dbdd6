"""Signed messages as files of two lines: the message as JSON, and the detached JWS over that line.

The signature is over the first line's very bytes, for its receiver alone. So a file can go by any
way, and be checked by anybody who has the public key of whoever sent it.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Generic, TypeVar

from pydantic import ValidationError

from anpr_engine.audit.check_alerts import WORDS, PinnedKey
from anpr_engine.audit.jws import HEADER_NAME, Signer
from anpr_engine.audit.message_proof import MessageChecker, signature_headers
from anpr_engine.errors import PolicyRefused
from anpr_engine.records.consent import Consent
from anpr_engine.records.deconfliction import DeconflictionReply, DeconflictionRequest
from anpr_engine.records.questions import Answers, Questions
from anpr_engine.wire import json_bytes

CLOCKS_APART = timedelta(minutes=5)
"""How far ahead of ours another site's clock may be."""

FileMessage = Consent | Questions | Answers | DeconflictionRequest | DeconflictionReply
Kind = TypeVar("Kind", Consent, Questions, Answers, DeconflictionRequest, DeconflictionReply)


class FileFlaw(StrEnum):
    """Why a file is not taken; the value is the sentence."""

    NO_MESSAGE = "The file holds no such message of version 1."
    UNSIGNED = "Nobody signed it."
    FORGED = "It is not what its sender signed:"
    OTHER_SENDER = "Somebody else sent it than was expected."
    OTHER_RECEIVER = "It is for somebody else."
    NOT_YET = "It is dated later than now."
    TOO_OLD = "It was made too long ago."
    OTHER_QUESTIONS = "It does not answer these questions."


class FileRefused(PolicyRefused):
    """A file that is not taken; `flaw` names why, `more` what else there is to say."""

    def __init__(self, flaw: FileFlaw, more: str = "") -> None:
        """Keep the name beside the sentence."""
        sentence = f"{flaw.value} {more}." if more else flaw.value
        name = flaw.name.lower().replace("_", "-")
        super().__init__(f"file.{name}: {sentence}", "Ask its sender for one that fits.")
        self.flaw, self.more = flaw, more


@dataclass(frozen=True, slots=True)
class Opened(Generic[Kind]):
    """A message that was checked, the key that signed it, and SHA-256 of its file."""

    message: Kind
    key_id: str
    digest: str


def signed_file(message: FileMessage, signer: Signer) -> bytes:
    """Write a message with its signature."""
    value = json_bytes(message)
    ((_, signature),) = signature_headers(message, message.receiver, value, signer)
    return b"%b\n%b\n" % (value, signature)


def opened(data: bytes, kind: type[Kind], keys: Mapping[str, PinnedKey]) -> Opened[Kind]:
    """Read a message of a kind, and let it pass only if it is signed.

    Args:
        data: the file.
        kind: what is expected.
        keys: public keys by id, each pinned to its owner.

    Raises:
        FileRefused: it is none, or nobody's, or altered.

    """
    value, _, signature = data.rstrip(b"\n").partition(b"\n")
    try:
        message = kind.model_validate_json(value)
    except ValidationError as error:
        # Places only: what stands there may be a pseudonym or a name.
        places = sorted({".".join(map(str, one["loc"])) for one in error.errors()})
        more = f"Look at {', '.join(places[:5])}" if any(places) else ""
        raise FileRefused(FileFlaw.NO_MESSAGE, more) from None
    if not signature:
        raise FileRefused(FileFlaw.UNSIGNED)
    # What it says is looked at only once the signature holds, for whomever it was made.
    checker, headers = MessageChecker(keys), ((HEADER_NAME, signature),)
    proof = checker.proof(message, message.receiver, value, headers)
    if proof.flaw is not None:
        raise FileRefused(FileFlaw.FORGED, WORDS[proof.flaw])
    return Opened(message, proof.key_id, hashlib.sha256(data).hexdigest())


def require_fit(
    message: Questions | Answers | DeconflictionRequest | DeconflictionReply,
    way: tuple[str, str],
    now: datetime,
    age_max: timedelta,
) -> None:
    """Refuse a message that is another's, for somebody else, of the future or of long ago.

    Args:
        message: one that was opened.
        way: who should have sent it, and who should receive it.
        now: the time.
        age_max: how long ago it may have been made.

    Raises:
        FileRefused: says which.

    """
    sender = message.asker if isinstance(message, Questions) else message.site
    if sender != way[0]:
        raise FileRefused(FileFlaw.OTHER_SENDER)
    if message.receiver != way[1]:
        raise FileRefused(FileFlaw.OTHER_RECEIVER)
    if message.created_at > now + CLOCKS_APART:
        raise FileRefused(FileFlaw.NOT_YET)
    if message.created_at < now - age_max:
        raise FileRefused(FileFlaw.TOO_OLD)
