"""What services agreed on, asked of one hit: arrangements for lists, and joint actions.

An exchanged list with an arrangement is used as arranged, one without by the rules alone. A list
that a joint action names is in use only while such an action is under way, within its area; the
vehicle of a pursuit is the most urgent of all, and all sides of the pursuit are told of it.
Why of the moment of the read: who passes during an action may be told after it, and the reverse
not. How many hits a receiver can follow up in a day is for the people who agreed on it.
"""

from dataclasses import dataclass

from anpr_engine.policy.arrangement import Arrangement, Permission, permits
from anpr_engine.policy.joint_action import HotVehicle, JointAction, Where, heat_at
from anpr_engine.records.read import PlateRead
from anpr_engine.records.watchlist_entry import WatchlistEntry

OFF = "joint-action.off"
"""Stands for a rule's id where no joint action switches the list on."""


@dataclass(frozen=True, slots=True)
class Agreed:
    """All arrangements and joint actions that a site has."""

    arrangements: tuple[Arrangement, ...] = ()
    actions: tuple[JointAction, ...] = ()


@dataclass(frozen=True, slots=True)
class Terms:
    """What was agreed on for a hit: with a `refusal`, by its id, nobody is told.

    sites: who is told beside others. reasons: what the terms stand on, for the record.
    """

    refusal: str | None
    priority: int
    sites: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()


NOTHING_AGREED = Agreed()


def nothing_agreed() -> Agreed:
    """Give no arrangements and no actions."""
    return NOTHING_AGREED


def terms_of(agreed: Agreed, entry: WatchlistEntry, site: str, read: PlateRead) -> Terms:
    """Say what was agreed on for a hit.

    Args:
        agreed: all there is.
        entry: the listed vehicle.
        site: where the read was made.
        read: the read.

    """
    if not (agreed.arrangements or agreed.actions):
        return Terms(None, entry.priority)
    at = read.captured_at
    position = None if read.position is None else (read.position.lat, read.position.lon)
    place = Where(read.camera_id, position)
    reasons: list[str] = []
    arranged = _arranged(agreed, entry, site, read)
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
    reasons += [f"pursuit:{action_id}" for action_id in heat.actions]
    return Terms(None, heat.priority, tuple(sorted(heat.sites)), tuple(reasons))


def _arranged(
    agreed: Agreed, entry: WatchlistEntry, site: str, read: PlateRead
) -> Permission | None:
    # The list's arrangement, if it has one; of several periods the one that permits counts.
    provider = entry.provider or site
    if provider == site:
        return None
    said = [
        permits(one, entry.list_id, read.captured_at, read.camera_id, 0)
        for one in agreed.arrangements
        if (one.list_id, one.provider, one.receiver) == (entry.list_id, provider, site)
    ]
    if not said:
        return None
    return next((one for one in said if one), said[-1])
