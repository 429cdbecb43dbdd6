"""Signs what services tell each other, and checks it: events, reports, consents, questions.

Why bound to one reader: an event or receipt is signed for the site on whose topic it lies, a
report or refusal for the provider, what goes as a file for its receiver. Laid elsewhere, it is
forged there.
Why no memory of ids and no clock, as there is for alerts: readers go through the topic again at
every start, and must come to the same each time; what comes twice counts once by its id.
Why a place is told once: a topic is read again, and what is wrong with it is still one thing.
"""

import math
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, Protocol

from anpr_engine.audit.check_alerts import WORDS, About, AlertChecker, PinnedKey, Proof
from anpr_engine.audit.jws import (
    ALGORITHM,
    ANSWERS_TYPE,
    CONSENT_TYPE,
    DECONFLICTION_REPLY_TYPE,
    DECONFLICTION_REQUEST_TYPE,
    HANDLING_TYPE,
    HEADER_NAME,
    QUESTIONS_TYPE,
    RECEIPT_TYPE,
    REFUSAL_TYPE,
    REPORT_A_TYPE,
    REPORT_B_TYPE,
    Claims,
    Signer,
    signature_of,
)
from anpr_engine.records.consent import Consent
from anpr_engine.records.deconfliction import DeconflictionReply, DeconflictionRequest
from anpr_engine.records.handling_event import HandlingEvent
from anpr_engine.records.messages import RecallReceipt, Refusal, ReportA, ReportB
from anpr_engine.records.questions import Answers, Questions
from anpr_engine.wire import Header

PLACES_MAX = 10_000
"""Places remembered as told; after more of them one is told again."""

Message = (
    HandlingEvent
    | ReportA
    | ReportB
    | RecallReceipt
    | Refusal
    | Consent
    | Questions
    | Answers
    | DeconflictionRequest
    | DeconflictionReply
)

_TYPES: Mapping[type[Message], str] = {
    HandlingEvent: HANDLING_TYPE,
    ReportA: REPORT_A_TYPE,
    ReportB: REPORT_B_TYPE,
    RecallReceipt: RECEIPT_TYPE,
    Refusal: REFUSAL_TYPE,
    Consent: CONSENT_TYPE,
    Questions: QUESTIONS_TYPE,
    Answers: ANSWERS_TYPE,
    DeconflictionRequest: DECONFLICTION_REQUEST_TYPE,
    DeconflictionReply: DECONFLICTION_REPLY_TYPE,
}


class SentRecord(Protocol):
    """A record as it was read from a topic."""

    @property
    def topic(self) -> str:
        """Where it lies."""
        ...

    @property
    def partition(self) -> int:
        """Where it lies."""
        ...

    @property
    def offset(self) -> int:
        """Where it lies."""
        ...

    @property
    def headers(self) -> Sequence[Header]:
        """The signature is one of them."""
        ...

    @property
    def value(self) -> bytes:
        """What is signed."""
        ...


class Weighed(NamedTuple):
    """What a signature is worth: `signed`, `unsigned`, `forged`, or empty: nobody looked."""

    state: str
    heeded: bool


class Doubt(NamedTuple):
    """A record whose signature is missing or wrong: where it lies, and what is wrong."""

    topic: str
    partition: int
    offset: int
    proof: Proof
    heeded: bool

    def __str__(self) -> str:
        """Say it to a person; nothing of the record itself is in it."""
        flaw = self.proof.flaw
        what = f"forged: {WORDS[flaw]}" if flaw is not None else "unsigned: nobody vouches for it"
        end = "" if self.heeded else "; it counts for nothing"
        return f"the record at {self.topic}/{self.partition}/{self.offset} is {what}{end}"


def _what_it_says(message: Message, to: str) -> tuple[About, datetime]:
    if isinstance(message, HandlingEvent):
        id_, at = message.event_id, message.occurred_at
    else:
        id_, at = message.message_id, message.created_at
    site = message.asker if isinstance(message, Questions) else message.site
    return About(_TYPES[type(message)], site, id_, (to,)), at


def signature_headers(
    message: Message, to: str, value: bytes, signer: Signer | None
) -> tuple[Header, ...]:
    """Give the signature of a message as a header; none where the site has no key.

    Args:
        message: what is signed.
        to: the site on whose topic it will lie; of a report or refusal, the provider.
        value: the record's value, made from the message.
        signer: the site's secret key.

    """
    if signer is None:
        return ()
    about, at = _what_it_says(message, to)
    claims = Claims(
        alg=ALGORITHM,
        typ=about.type,
        kid=signer.key_id,
        iss=about.site,
        iat=int(at.timestamp()),
        jti=about.id,
        aud=(to,),
    )
    return ((HEADER_NAME, signature_of(claims, value, signer)),)


def _hush(_doubt: Doubt) -> None:
    """Tell nobody."""


@dataclass(slots=True)
class MessageChecker:
    """Decides which messages are heeded; for one thread.

    keys: by id; without any, nothing is checked. signed_only: what is unsigned is not heeded.
    tell: hears of each forged or unsigned record once.
    """

    keys: Mapping[str, PinnedKey]
    signed_only: bool = False
    tell: Callable[[Doubt], None] = _hush
    _told: OrderedDict[tuple[str, int, int], None] = field(
        default_factory=OrderedDict[tuple[str, int, int], None], init=False
    )

    def proof(self, message: Message, to: str, value: bytes, headers: Iterable[Header]) -> Proof:
        """Say what the signature of a message is worth; see `signature_headers` for `to`."""
        about, _ = _what_it_says(message, to)
        # Ids are not remembered, and no time is too late.
        checker = AlertChecker(to, self.keys, seen_max=0)
        return checker.check_record(about, value, tuple(headers), math.inf)

    def heeds(self, message: Message, to: str, record: SentRecord) -> bool:
        """Say whether a message counts: one that is forged never does."""
        return self.weigh(message, to, record).heeded

    def weigh(self, message: Message, to: str, record: SentRecord) -> Weighed:
        """Say whether a message counts, and what its signature is worth."""
        if not self.keys:
            return Weighed("", heeded=True)
        proof = self.proof(message, to, record.value, record.headers)
        if proof.state == "signed":
            return Weighed(proof.state, heeded=True)
        heeded = proof.flaw is None and not self.signed_only
        place = record.topic, record.partition, record.offset
        if place not in self._told:
            self._told[place] = None
            if len(self._told) > PLACES_MAX:
                self._told.popitem(last=False)
            self.tell(Doubt(*place, proof, heeded))
        return Weighed(proof.state, heeded)
