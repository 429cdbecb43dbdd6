"""What can happen to a hit on another country's list, and who may bring it about.

Why events and not a row that is changed: two countries must be able to agree afterwards on what
was done. Each event has an id, an instant and an actor; the state follows from them
(`policy/handling.py`).
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Literal

import msgspec

from anpr_engine.errors import PolicyRefused
from anpr_engine.policy.case import Amount, Delivery, Entry, Instant, Name
from anpr_engine.records.fields import Tier
from anpr_engine.records.messages import NotActedReason, RefusalReason


class Role(StrEnum):
    """In what capacity somebody acts."""

    ENGINE = "engine"
    OFFICER = "officer"
    CONTACT_POINT = "contact-point"


class Actor(msgspec.Struct, frozen=True):
    """Who did it: the site, the capacity, and a service number or the engine's slot."""

    site: Name
    role: Role
    name: Name


class SubjectId(msgspec.Struct, frozen=True, order=True):
    """The listed vehicle that hits are about: whose list, which list, which entry."""

    provider: Name
    list_id: Name
    entry_id: Name


class Happening(msgspec.Struct, frozen=True, kw_only=True, tag_field="event"):
    """What every event has; `event_id` is the same however often it is delivered."""

    event_id: Name
    at: Instant
    by: Actor
    subject: SubjectId


class Delivered(Happening, frozen=True, kw_only=True, tag="delivered"):
    """A version of the list came, with the entry as it now stands."""

    entry: Entry
    delivery: Delivery


class HitMade(Happening, frozen=True, kw_only=True, tag="hit"):
    """A camera's read may be of the listed vehicle."""

    hit_id: Name
    captured_at: Instant
    camera_id: Name
    probability: Annotated[Amount, msgspec.Meta(le=1)]
    tier: Tier


class Validated(Happening, frozen=True, kw_only=True, tag="validated"):
    """An officer saw on the picture that the plate is the listed one (agreement, 2(1)(e))."""

    hit_id: Name


class Dismissed(Happening, frozen=True, kw_only=True, tag="dismissed"):
    """An officer saw on the picture that it is another vehicle."""

    hit_id: Name


class Acted(Happening, frozen=True, kw_only=True, tag="acted"):
    """The action asked for was done, with this result."""

    hit_id: Name
    result: Name


class NotActed(Happening, frozen=True, kw_only=True, tag="not-acted"):
    """The action asked for could not be done, for this reason."""

    hit_id: Name
    reason: NotActedReason


class Reported(Happening, frozen=True, kw_only=True, tag="reported"):
    """The outcome was sent to the provider."""

    hit_id: Name
    report: Literal["A", "B"]
    message_id: Name


class Answered(Happening, frozen=True, kw_only=True, tag="answered"):
    """The provider says whether it wants to hear of later hits (agreement, 17(2)(b))."""

    later_wanted: bool


class Corrected(Happening, frozen=True, kw_only=True, tag="corrected"):
    """The provider puts a wrong entry right (agreement, 21(2))."""

    entry: Entry
    delivery: Delivery


class Withdrawn(Happening, frozen=True, kw_only=True, tag="withdrawn"):
    """The provider takes the entry back; it is to be used no more."""


class Refused(Happening, frozen=True, kw_only=True, tag="refused"):
    """The receiver will not use the entry (agreement, 12)."""

    reasons: Annotated[tuple[RefusalReason, ...], msgspec.Meta(min_length=1)]


Event = (
    Delivered
    | HitMade
    | Validated
    | Dismissed
    | Acted
    | NotActed
    | Reported
    | Answered
    | Corrected
    | Withdrawn
    | Refused
)

_PEOPLE = frozenset({Role.OFFICER, Role.CONTACT_POINT})
_ENGINE = frozenset({Role.ENGINE})
_OFFICER = frozenset({Role.OFFICER})
RECEIVER, PROVIDER = "receiver", "provider"

MAY: Mapping[type[Happening], tuple[str, frozenset[Role]]] = {
    Delivered: (RECEIVER, _ENGINE),
    HitMade: (RECEIVER, _ENGINE),
    Validated: (RECEIVER, _OFFICER),
    Dismissed: (RECEIVER, _OFFICER),
    Acted: (RECEIVER, _OFFICER),
    NotActed: (RECEIVER, _OFFICER),
    Reported: (RECEIVER, frozenset(Role)),
    Answered: (PROVIDER, _PEOPLE),
    Corrected: (PROVIDER, frozenset(Role)),
    Withdrawn: (PROVIDER, frozenset(Role)),
    Refused: (RECEIVER, _PEOPLE),
}
"""Whose side, and in what capacity. What a machine may do of itself is sending and correcting;
what is seen, done or refused is for people (Directive (EU) 2016/680, article 11)."""


class Illegal(StrEnum):
    """Why a step cannot be taken; the value is the sentence."""

    OTHER_SUBJECT = "The event is about another entry."
    OTHER_SIDE = "That is for the other country's service to do."
    OTHER_ROLE = "Nobody in this capacity may do that."
    EVENT_REUSED = "Another event has this id already."
    NOT_DELIVERED = "The entry was never delivered."
    OLDER = "A newer version of the list was received already."
    ENDED = "The entry was withdrawn or refused."
    HIT_KNOWN = "A hit with this id is known already."
    NO_SUCH_HIT = "No hit with this id is known."
    BEFORE_THE_HIT = "The step is dated before the hit it is about."
    RECALLED = "The hit was recalled."
    DISMISSED = "An officer saw that it is another vehicle."
    VALIDATED = "The hit was validated already."
    SETTLED = "The outcome of the hit is known already."
    NO_PERSON = "A hit that is not exact needs an officer's look at the picture first."
    NO_OUTCOME = "The hit has no such outcome to report."
    REPORTED = "The hit was reported already."
    NOTHING_ASKED = "The provider was asked nothing yet."
    NOT_DUE = "No report on this hit is due now."
    EARLIER_FIRST = "An earlier hit on the entry is reported first."
    NOT_VALIDATED = "An officer compares the picture and the plate first."
    FACTS_MISSING = "Facts that the report must hold are not known."


class IllegalStep(PolicyRefused):
    """A step that the life of a hit does not know; `illegal` names it."""

    def __init__(self, illegal: Illegal, remedy: str = "") -> None:
        """Keep the name beside the sentence."""
        super().__init__(illegal.value, remedy)
        self.illegal = illegal


def require_right(event: Happening, site: str) -> None:
    """Let an event pass only if it comes from the side and the capacity that it takes.

    Raises:
        IllegalStep: it does not; `site` is where the list is used.

    """
    side, roles = MAY[type(event)]
    if event.by.site != (site if side == RECEIVER else event.subject.provider):
        raise IllegalStep(Illegal.OTHER_SIDE)
    if event.by.role not in roles:
        raise IllegalStep(Illegal.OTHER_ROLE)
