"""A small world for tests of the handling of hits: one entry, its services, and their events."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import msgspec

from anpr_engine.policy.case import Circumstances, Delivery, Entry
from anpr_engine.policy.handled import Subject
from anpr_engine.policy.handling import replay
from anpr_engine.policy.handling_events import (
    Acted,
    Actor,
    Answered,
    Corrected,
    Delivered,
    Dismissed,
    Event,
    HitMade,
    NotActed,
    Refused,
    Reported,
    Role,
    SubjectId,
    Validated,
    Withdrawn,
)
from anpr_engine.policy.handling_reports import Situation
from anpr_engine.records.fields import Tier

NINE = datetime(2026, 11, 22, 9, tzinfo=UTC)
SUBJECT = SubjectId("nl", "nl-joint", "e-1")
ENTRY = Entry(
    plate="XX123X",
    country="NL",
    category="burglary",
    action="seize",
    owner="unit 7",
    case_ref="NL-17",
    valid_until=NINE + timedelta(days=9),
    max_actions=2,
)
OTHER_PLATE = msgspec.structs.replace(ENTRY, plate="XX124X")
OTHER_NOTE = msgspec.structs.replace(ENTRY, case_ref="NL-18")
DELIVERY = Delivery(kind="structural", received_at=NINE - timedelta(hours=3))
ENGINE = Actor("be", Role.ENGINE, "be-1")
OFFICER = Actor("be", Role.OFFICER, "b-100")
CONTACT = Actor("be", Role.CONTACT_POINT, "b-national")
OTHER_CONTACT = Actor("nl", Role.CONTACT_POINT, "n-national")
FACTS: Mapping[str, object] = {
    "plate": "XX123X",
    "country": "NL",
    "reference": "NL-17",
    "vehicle_category": "car",
    "make": "example make",
    "place_time": {"captured_at": NINE, "camera_id": "be-1", "place": "E19, kilometre 42"},
    "circumstances": "Stopped at the next service area.",
    "driver": {"name": "Canary Driver"},
    "unit_contact": "unit 7, duty desk",
    "result": "Vehicle seized.",
    "not_acted_reason": "no-unit-free",
    "vehicle_photo": {"image_ref": "canary-face", "sha256": "0" * 64},
    "passengers": [{"name": "Canary Passenger"}],
}
T = TypeVar("T")
HITS = ("a0" * 16, "b1" * 16, "c2" * 16)


class Events:
    """Makes events with ids of their own, a minute after each other."""

    def __init__(self) -> None:
        """Begin at nine o'clock."""
        self.count = 0

    def common(self, by: Actor) -> dict[str, object]:
        """Give what every event has."""
        self.count += 1
        at = NINE + timedelta(minutes=self.count)
        return {"event_id": f"ev-{self.count}", "at": at, "by": by, "subject": SUBJECT}

    def delivered(self, entry: Entry = ENTRY, delivery: Delivery = DELIVERY) -> Delivered:
        """The list came."""
        return _made(Delivered, self.common(ENGINE), entry=entry, delivery=delivery)

    def hit(self, number: int = 0, tier: Tier = Tier.EXACT) -> HitMade:
        """A camera saw it; hits follow each other by a second."""
        seen = NINE + timedelta(seconds=number)
        more = {"captured_at": seen, "camera_id": "be-1", "probability": 0.99, "tier": tier}
        return _made(HitMade, self.common(ENGINE), hit_id=HITS[number], **more)

    def validated(self, number: int = 0) -> Validated:
        """An officer saw the plate."""
        return _made(Validated, self.common(OFFICER), hit_id=HITS[number])

    def dismissed(self, number: int = 0) -> Dismissed:
        """An officer saw another vehicle."""
        return _made(Dismissed, self.common(OFFICER), hit_id=HITS[number])

    def acted(self, number: int = 0) -> Acted:
        """The action was done."""
        return _made(Acted, self.common(OFFICER), hit_id=HITS[number], result="seized")

    def not_acted(self, number: int = 0) -> NotActed:
        """The action was not done."""
        return _made(NotActed, self.common(OFFICER), hit_id=HITS[number], reason="unsafe")

    def reported(self, number: int = 0, report: str = "B") -> Reported:
        """A report went out."""
        more = {"report": report, "message_id": f"m-{number}"}
        return _made(Reported, self.common(CONTACT), hit_id=HITS[number], **more)

    def answered(self, *, wanted: bool) -> Answered:
        """The provider answers."""
        return _made(Answered, self.common(OTHER_CONTACT), later_wanted=wanted)

    def corrected(self, entry: Entry, delivery: Delivery = DELIVERY) -> Corrected:
        """The provider puts the entry right."""
        return _made(Corrected, self.common(OTHER_CONTACT), entry=entry, delivery=delivery)

    def withdrawn(self) -> Withdrawn:
        """The provider takes the entry back."""
        return _made(Withdrawn, self.common(OTHER_CONTACT))

    def refused(self) -> Refused:
        """The receiver refuses the entry."""
        return _made(Refused, self.common(CONTACT), reasons=("own-law",))

    def told(self, words: str) -> list[Event]:
        """Tell a story: steps by name, with the number of a hit and a tier or report after it."""
        return [self.step(word) for word in words.split()]

    def step(self, word: str) -> Event:
        """Make one step of a story, such as `hit`, `hit:1:fuzzy` or `reported:0:A`."""
        name, _, rest = word.partition(":")
        number, _, more = rest.partition(":")
        at = int(number or 0)
        steps: dict[str, Callable[[], Event]] = {
            "delivered": self.delivered,
            "hit": lambda: self.hit(at, Tier(more or "exact")),
            "validated": lambda: self.validated(at),
            "dismissed": lambda: self.dismissed(at),
            "acted": lambda: self.acted(at),
            "not-acted": lambda: self.not_acted(at),
            "reported": lambda: self.reported(at, more or "B"),
            "wanted": lambda: self.answered(wanted=True),
            "not-wanted": lambda: self.answered(wanted=False),
            "corrected": lambda: self.corrected(OTHER_NOTE),
            "replaced": lambda: self.corrected(OTHER_PLATE),
            "withdrawn": self.withdrawn,
            "refused": self.refused,
        }
        return steps[name]()


def _made(kind: type[T], common: dict[str, object], **more: object) -> T:
    return msgspec.convert(common | more, kind)


def subject() -> Subject:
    """Give the subject before anything happened."""
    return Subject(SUBJECT, "be")


def after(words: str) -> Subject:
    """Give the subject after a story."""
    return replay(subject(), Events().told(words))


def situation(
    facts: Mapping[str, object] = FACTS, circumstances: Circumstances | None = None
) -> Situation:
    """Give the situation an hour later."""
    return Situation(NINE + timedelta(hours=1), facts, circumstances)
