"""A policy case: one question to the rules, as a line of JSON (format: `anpr policy decide`).

Why nearly all may be absent: what a case does not say is not known, and what is not known
permits nothing. What is there must have the right type; a wrong one makes the line no case.
"""

from datetime import datetime
from typing import Annotated, Literal

import msgspec

from anpr_engine.records.polygon import Point
from anpr_engine.records.watchlist_entry import HOURS_PATTERN

Instant = Annotated[datetime, msgspec.Meta(tz=True)]
Name = Annotated[str, msgspec.Meta(min_length=1)]
Amount = Annotated[float, msgspec.Meta(ge=0)]
Hours = Annotated[str, msgspec.Meta(pattern=HOURS_PATTERN)]
Text = str | None


class Delivery(msgspec.Struct, frozen=True):
    """The version of the list that the entry came with."""

    kind: Literal["structural", "ad_hoc"] | None = None
    received_at: Instant | None = None
    superseded: bool | None = None
    sis_derived: bool | None = None


class Area(msgspec.Struct, frozen=True):
    """Where an entry is used when not in the whole country."""

    cameras: list[str]
    polygon: tuple[Point, ...] = ()


class Entry(msgspec.Struct, frozen=True):
    """The listed vehicle; of its fields only those that a rule looks at."""

    plate: Text = None
    country: Text = None
    category: Text = None
    action: Text = None
    owner: Text = None
    case_ref: Text = None
    sharing: str | list[str] | None = None
    valid_from: Instant | None = None
    valid_until: Instant | None = None
    sis_action: Text = None
    area: Area | None = None
    border_area_only: bool | None = None
    max_actions: Amount | None = None
    hours_utc: Hours | None = None
    direction: Text = None


class HitPart(msgspec.Struct, frozen=True):
    """Where and when the vehicle was seen."""

    captured_at: Instant | None = None
    camera_id: Text = None
    probability: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    tier: Text = None
    direction: Text = None
    position: Point | None = None


class State(msgspec.Struct, frozen=True):
    """What was done about the hit, and about hits of the entry before it."""

    validated: bool | None = None
    acted: bool | None = None
    first_reported: bool | None = None
    later_wanted: bool | None = None
    actions_done: Amount | None = None


class Circumstances(msgspec.Struct, frozen=True):
    """What changes the way that a report takes."""

    urgent: bool | None = None
    joint_action: bool | None = None
    agreed_contact: Literal["regional", "joint-centre"] | None = None


class FurtherUse(msgspec.Struct, frozen=True):
    """What else a hit is to be used for, and what the other country said to it.

    use: as evidence, by another authority, or to tell whom it is about or a third party.
    """

    use: Literal["evidence", "onward", "inform"]
    consent: Literal["none", "expired", "unsigned", "signed"] | None = None


class Case(msgspec.Struct, frozen=True):
    """One question: may this entry be used, what is to be done, what is to be told."""

    case_id: Name | int
    now: Instant
    site: Name
    provider: Name
    delivery: Delivery | None = msgspec.field(name="list", default=None)
    entry: Entry | None = None
    hit: HitPart | None = None
    state: State | None = None
    circumstances: Circumstances | None = None
    facts: list[str] | dict[str, object] | None = None
    further_use: FurtherUse | None = None

    def known_facts(self) -> frozenset[str]:
        """Name what is known for a report."""
        if isinstance(self.facts, dict):
            return frozenset(name for name, value in self.facts.items() if value is not None)
        return frozenset(self.facts or ())


class NoCase(ValueError):
    """A line that is no case: what was found, and what is allowed."""


_DECODER = msgspec.json.Decoder(Case)
_INSTANT = "an RFC 3339 time with a UTC offset, such as 2026-11-22T08:15:30Z"
_ALLOWED = {
    "$.now": _INSTANT,
    "$.list.received_at": f"null or {_INSTANT}",
    "$.entry.valid_from": f"null or {_INSTANT}",
    "$.entry.valid_until": f"null or {_INSTANT}",
    "$.hit.captured_at": f"null or {_INSTANT}",
    "$.entry.hours_utc": "null or two times of day, such as 22:00-06:00",
    "$.list.kind": "structural, ad_hoc or null",
    "$.further_use.use": "evidence, onward or inform",
    "$.further_use.consent": "none, expired, unsigned, signed or null",
    "$.circumstances.agreed_contact": "regional, joint-centre or null",
    "$": "an object with at least case_id, now, site and provider",
}


def read_case(line: bytes) -> Case:
    """Read one line.

    Raises:
        NoCase: it is no case; the text names the place, and holds no value of an entry.

    """
    try:
        return _DECODER.decode(line)
    except msgspec.ValidationError as error:
        what, _, place = str(error).partition(" - at ")
        place = place.strip("`") or "$"
        allowed = _ALLOWED.get(place)
        raise NoCase(f"{place}: {what}" + (f"; allowed: {allowed}" if allowed else "")) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NoCase(f"no JSON: {error}; allowed: {_ALLOWED['$']}") from None
