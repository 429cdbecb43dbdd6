"""What services agreed on, asked of one hit: arrangements for lists, and joint actions.

An exchanged list with an arrangement is used as arranged, one without by the rules alone. A list
that a joint action names is in use only while such an action is under way, within its area; the
vehicle of a pursuit is the most urgent of all, and all sides of the pursuit are told of it.
Why of the moment of the read: who passes during an action may be told after it, and the reverse
not. How many hits a receiver can follow up in a day is asked of what goes out (`has_capacity`), for
several reads of one vehicle are one hit.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from anpr_engine.policy.arrangement import Arrangement, Permission, permits
from anpr_engine.policy.joint_action import HotVehicle, JointAction, Where, heat_at
from anpr_engine.records.alert import AlertRead
from anpr_engine.records.watchlist_entry import WatchlistEntry

OFF = "joint-action.off"
"""Stands for a rule's id where no joint action switches the list on."""
GIVEN = f"arrangement.{Permission.GIVEN}"
CAPACITY_USED = f"arrangement.{Permission.CAPACITY_USED}"
"""Stand for a rule's id where an arrangement lets a hit go, or has no capacity left that day."""
PURSUIT = "pursuit:"
"""Begins the reason of an alert on a vehicle that is pursued."""


@dataclass(frozen=True, slots=True)
class Agreed:
    """All arrangements and joint actions that a site has."""

    arrangements: tuple[Arrangement, ...] = ()
    actions: tuple[JointAction, ...] = ()

    def __bool__(self) -> bool:
        """Say whether there is any."""
        return bool(self.arrangements or self.actions)


@dataclass(frozen=True, slots=True)
class Terms:
    """What was agreed on for a hit: with a `refusal`, by its id, nobody is told.

    sites: who is told beside others. reasons: what the terms stand on, for the record.
    """

    refusal: str | None
    priority: int
    sites: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()


class Use(NamedTuple):
    """A list in use: whose, at which site and camera, and when the read was made."""

    list_id: str
    provider: str
    site: str
    camera_id: str
    at: datetime


NOTHING_AGREED = Agreed()


def nothing_agreed() -> Agreed:
    """Give no arrangements and no actions."""
    return NOTHING_AGREED


def terms_of(agreed: Agreed, entry: WatchlistEntry, site: str, read: AlertRead) -> Terms:
    """Say what was agreed on for a hit.

    Args:
        agreed: all there is.
        entry: the listed vehicle.
        site: where the read was made.
        read: the read.

    """
    if not agreed:
        return Terms(None, entry.priority)
    at = read.captured_at
    place = Where(read.camera_id, read.point)
    reasons: list[str] = []
    use = Use(entry.list_id, entry.provider or site, site, read.camera_id, at)
    arranged = _arranged(agreed, use, 0)
    if arranged is not None:
        if not arranged:
            return Terms(f"arrangement.{arranged}", entry.priority)
        reasons.append(f"arrangement.{arranged}")
    naming = [one for one in agreed.actions if entry.list_id in one.lists]
    running = [one for one in naming if one.runs(at) and one.area.covers(place)]
    if naming and not running:
        return Terms(OFF, entry.priority)
    reasons += [f"joint-action:{one.action_id}" for one in running]
    vehicle = HotVehicle(entry.list_id, entry.entry_id)
    heat = heat_at(agreed.actions, vehicle, entry.priority, at, place)
    reasons += [f"{PURSUIT}{action_id}" for action_id in heat.actions]
    return Terms(None, heat.priority, tuple(sorted(heat.sites)), tuple(reasons))


def has_capacity(agreed: Agreed, use: Use, told_today: int) -> bool:
    """Say whether one more hit may go abroad by the list's arrangement, if it has one.

    Args:
        agreed: all there is.
        use: of the list.
        told_today: how many went abroad on this day of UTC (agreement, article 20(2)).

    """
    return _arranged(agreed, use, told_today) is not Permission.CAPACITY_USED


def _arranged(agreed: Agreed, use: Use, told_today: int) -> Permission | None:
    # The list's arrangement, if it has one; of several periods the one that permits counts.
    if use.provider == use.site:
        return None
    said = [
        permits(one, use.list_id, use.at, use.camera_id, told_today)
        for one in agreed.arrangements
        if (one.list_id, one.provider, one.receiver) == use[:3]
    ]
    if not said:
        return None
    ranked = (Permission.GIVEN, Permission.CAPACITY_USED)
    return next((one for one in ranked if one in said), said[-1])
