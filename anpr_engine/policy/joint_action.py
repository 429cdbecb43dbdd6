"""Joint actions of two countries: who may see what, where, for as long as the action lasts.

Benelux police treaty (Trb. 2018, 160): joint patrols and checks (article 20), assistance (18, 53,
54, 57) and pursuits across the border (21). Rights are given by name, with the reference of an
authorisation and its end (15(2) and 16(2)); all of it ends with the action, to the instant.

Why a pursuit is no `joint_action` of a case: article 19(3)(b) of the agreement names the treaty's
articles 18, 20, 53, 54 and 57, not 21. A pursuit makes a report urgent, which article 19(3)(a)
names, and it goes straight to the unit all the same.
Why a pursuit gives no look into lists: consultation is for a joint post, patrol or check.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from anpr_engine.policy.case import Circumstances
from anpr_engine.records.polygon import Point, covers

HOT_PRIORITY = 100


class Kind(StrEnum):
    """What the services do together."""

    PATROL = "joint-patrol"
    CHECK = "joint-check"
    PURSUIT = "pursuit"


class Right(StrEnum):
    """What a person may do during an action."""

    SEE_HITS = "see-hits"
    SEE_ENTRIES = "see-entries"
    VALIDATE = "validate"
    RECORD_OUTCOME = "record-outcome"


ARTICLES = {
    Kind.PATROL: ("18", "20", "53", "54", "57"),
    Kind.CHECK: ("18", "20", "53", "54", "57"),
    Kind.PURSUIT: ("21",),
}
"""Articles of the treaty on which each kind of action can stand."""

NOT_IN_PURSUIT = frozenset({Right.SEE_ENTRIES})


@dataclass(frozen=True, slots=True)
class Area:
    """Where an action takes place: some cameras, or a polygon without holes."""

    cameras: frozenset[str]
    corners: tuple[Point, ...]

    def covers(self, place: "Where") -> bool:
        """Say whether a place lies in the area; of a polygon only a known position does."""
        return covers((self.cameras, self.corners), place.camera_id, place.position)


@dataclass(frozen=True, slots=True)
class Where:
    """A place: a camera, a position, or both."""

    camera_id: str = ""
    position: Point | None = None


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit that takes part."""

    site: str
    name: str


@dataclass(frozen=True, slots=True)
class Authorised:
    """A person by service number, with what was authorised, by which paper, until when."""

    person: str
    site: str
    authorisation: str
    expires_at: datetime
    rights: frozenset[Right]


@dataclass(frozen=True, slots=True)
class HotVehicle:
    """The vehicle of a pursuit, by its entry: no plate stands in the file."""

    list_id: str
    entry_id: str


@dataclass(frozen=True, slots=True)
class JointAction:
    """One action; it holds from its start up to its end, which is no longer part of it."""

    action_id: str
    kind: Kind
    article: str
    starts_at: datetime
    ends_at: datetime
    area: Area
    units: tuple[Unit, ...]
    people: tuple[Authorised, ...]
    lists: frozenset[str]
    vehicle: HotVehicle | None

    def runs(self, at: datetime) -> bool:
        """Say whether the action is under way."""
        return self.starts_at <= at < self.ends_at

    @property
    def sites(self) -> frozenset[str]:
        """The countries that take part."""
        return frozenset(unit.site for unit in self.units)


@dataclass(frozen=True, slots=True)
class Rights:
    """What one person may do at one place and time, on which lists, by which actions."""

    rights: frozenset[Right] = frozenset()
    lists: frozenset[str] = frozenset()
    actions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Grant:
    """A right on a list, with the action and the authorisation it stands on, for the record."""

    right: Right
    list_id: str
    action_id: str
    authorisation: str


def grants_at(
    actions: Iterable[JointAction], person: str, at: datetime, place: Where
) -> tuple[Grant, ...]:
    """Give every single right of a person at a place and time.

    Why single: a right of one action on a list of another is nobody's to use.
    """
    return tuple(
        Grant(right, list_id, action.action_id, one.authorisation)
        for action in _under_way(actions, at, place)
        for one in action.people
        if one.person == person and at < one.expires_at
        for right in sorted(one.rights)
        for list_id in sorted(action.lists)
    )


def rights_at(actions: Iterable[JointAction], person: str, at: datetime, place: Where) -> Rights:
    """Give what a person may do at a place and time; actions that overlap add up."""
    grants = grants_at(actions, person, at, place)
    return Rights(
        rights=frozenset(one.right for one in grants),
        lists=frozenset(one.list_id for one in grants),
        actions=tuple(dict.fromkeys(one.action_id for one in grants)),
    )


def may(grants: Iterable[Grant], right: Right, list_id: str) -> Grant | None:
    """Give the grant that lets a right be used on a list; None: it may not be."""
    return next((one for one in grants if one.right == right and one.list_id == list_id), None)


def circumstances_at(
    actions: Iterable[JointAction], list_id: str, at: datetime, place: Where, around: Circumstances
) -> Circumstances:
    """Add what running actions change in the circumstances of a hit on a list.

    Args:
        actions: all that are known.
        list_id: the list of the entry; only actions that switch it on count.
        at: when the hit was made.
        place: where.
        around: the circumstances known otherwise.

    """
    running = [one for one in _under_way(actions, at, place) if list_id in one.lists]
    return Circumstances(
        urgent=True if any(one.kind == Kind.PURSUIT for one in running) else around.urgent,
        joint_action=True
        if any(one.kind != Kind.PURSUIT for one in running)
        else around.joint_action,
        agreed_contact=around.agreed_contact,
    )


@dataclass(frozen=True, slots=True)
class Heat:
    """How urgent a vehicle is, and which countries are told beside those of its entry."""

    priority: int
    sites: frozenset[str] = frozenset()
    actions: tuple[str, ...] = ()


def heat_at(
    actions: Iterable[JointAction], vehicle: HotVehicle, priority: int, at: datetime, place: Where
) -> Heat:
    """Say how urgent an entry is here and now: in a pursuit, the most of all.

    Args:
        actions: all that are known.
        vehicle: the entry.
        priority: that of the entry, 0 to 100.
        at: when it was seen.
        place: where; outside the area of the pursuit nobody else is told.

    """
    running = [one for one in _under_way(actions, at, place) if one.vehicle == vehicle]
    if not running:
        return Heat(priority)
    sites = frozenset(site for one in running for site in one.sites)
    return Heat(HOT_PRIORITY, sites, tuple(one.action_id for one in running))


def _under_way(actions: Iterable[JointAction], at: datetime, place: Where) -> list[JointAction]:
    return [one for one in actions if one.runs(at) and one.area.covers(place)]
