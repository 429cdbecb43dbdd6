"""Read joint actions from TOML; a file is taken whole or not at all.

[[action]]                  action_id, kind, article, from, until, lists
cameras or polygon          ["be-1"], or [[51.2, 4.4], [51.3, 4.4], [51.3, 4.5]]
vehicle                     of a pursuit: { list_id = "...", entry_id = "..." }
[[action.unit]]             site, name: of two countries at least
[[action.person]]           person, site, authorisation, expires, rights
"""

from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from math import isfinite
from pathlib import Path

from anpr_engine.policy.agreed_files import AgreedFile, Block
from anpr_engine.policy.joint_action import (
    ARTICLES,
    NOT_IN_PURSUIT,
    Area,
    Authorised,
    HotVehicle,
    JointAction,
    Kind,
    Right,
    Unit,
)
from anpr_engine.records.polygon import CORNERS_MIN, Point, on_earth

_KEYS = (
    *("action_id", "kind", "article", "from", "until", "lists", "cameras", "polygon"),
    *("vehicle", "unit", "person"),
)


def load_joint_actions(
    path: Path, lists: Collection[str], now: datetime, *, over_too: bool = False
) -> tuple[JointAction, ...]:
    """Read a file of joint actions.

    Args:
        path: the TOML file.
        lists: the ids of the lists that exist.
        now: actions that ended before are refused.
        over_too: takes those that ended all the same: who follows a file has had them before.

    Raises:
        AgreedFileError: something is wrong; all of it is told, with file and line.

    """
    file = AgreedFile(path, "action", "action_id")
    found: list[JointAction] = []
    for block in file.read():
        one = _read(block, lists, datetime.min.replace(tzinfo=UTC) if over_too else now)
        if one is not None:
            if any(other.action_id == one.action_id for other in found):
                block.tell("action_id", "an id that another action has", "an id of its own")
            found.append(one)
    file.done()
    return tuple(found)


def _read(block: Block, lists: Collection[str], now: datetime) -> JointAction | None:
    block.known(*_KEYS)
    action_id = block.text("action_id")
    kind = Kind(block.choice("kind", tuple(Kind)))
    article = block.choice("article", ARTICLES[kind])
    starts_at, ends_at = block.instant("from"), block.instant("until")
    named = block.names("lists", lists)
    if not named:
        block.tell("lists", "no list", "at least one")
    area = _area(block)
    units = tuple(_units(block))
    sites = frozenset(unit.site for unit in units)
    if len(sites) < 2:
        block.tell("unit", "units of fewer than two countries", "units of two countries")
    people = tuple(_people(block, kind, sites))
    vehicle = _vehicle(block, kind, named)
    if starts_at is None or ends_at is None:
        return None
    if ends_at <= max(starts_at, now):
        what = "an end that is not after the start" if ends_at <= starts_at else "an action over"
        block.tell("until", what, "a later time")
    return JointAction(
        *(action_id, kind, article, starts_at, ends_at, area, units, people),
        *(frozenset(named), vehicle),
    )


def _area(block: Block) -> Area:
    cameras = block.names("cameras")
    corners = tuple(_corners(block))
    if bool(cameras) == ("polygon" in block.table):
        found = "both cameras and polygon" if cameras else "neither cameras nor polygon"
        block.tell("polygon", found, "cameras or a polygon")
    return Area(frozenset(cameras), corners)


def _corners(block: Block) -> Iterator[Point]:
    given = block.table.get("polygon")
    if given is None:
        return
    corners = [_corner(one) for one in given] if isinstance(given, list) else []
    good = [one for one in corners if one is not None]
    if len(good) < len(corners) or len(set(good)) < CORNERS_MIN:
        block.tell("polygon", "no polygon", "three corners or more, each [latitude, longitude]")
    yield from good


def _corner(given: object) -> Point | None:
    if not isinstance(given, list) or len(given) != 2:
        return None
    lat, lon = given
    if not all(isinstance(one, int | float) and isfinite(one) for one in (lat, lon)):
        return None
    point = float(lat), float(lon)
    return point if on_earth(point) else None


def _units(block: Block) -> Iterator[Unit]:
    for one in block.blocks("unit"):
        one.known("site", "name")
        yield Unit(one.text("site"), one.text("name"))


def _people(block: Block, kind: Kind, sites: Collection[str]) -> Iterator[Authorised]:
    allowed = [right for right in Right if kind != Kind.PURSUIT or right not in NOT_IN_PURSUIT]
    for one in block.blocks("person"):
        one.known("person", "site", "authorisation", "expires", "rights")
        person, authorisation = one.text("person"), one.text("authorisation")
        site = one.text("site")
        if site and site not in sites:
            one.tell("site", f"a person of {site}, which has no unit here", "a site with a unit")
        rights = one.names("rights", allowed)
        if not rights:
            one.tell("rights", "no right", "at least one")
        expires_at = one.instant("expires")
        if expires_at is not None:
            given = frozenset(Right(right) for right in rights if right in allowed)
            yield Authorised(person, site, authorisation, expires_at, given)


def _vehicle(block: Block, kind: Kind, lists: Collection[str]) -> HotVehicle | None:
    given = block.table.get("vehicle")
    if given is None:
        if kind == Kind.PURSUIT:
            block.tell("vehicle", "a pursuit of no vehicle", "the entry that is pursued")
        return None
    if kind != Kind.PURSUIT:
        block.tell("vehicle", f"a vehicle in a {kind}", "a vehicle in a pursuit only")
    if isinstance(given, dict) and set(given) == {"list_id", "entry_id"}:
        list_id, entry_id = given["list_id"], given["entry_id"]
        if list_id in lists and isinstance(entry_id, str) and entry_id:
            return HotVehicle(list_id, entry_id)
    block.tell("vehicle", "no entry of the action's lists", "list_id and entry_id")
    return None
