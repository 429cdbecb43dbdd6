"""What two services agreed on for one list: where, when, how often, and how much is followed up.

Article 20 of the Belgian-Dutch agreement (Trb. 2024, 65) lets services settle these for each list
by a form. Here the form is a TOML file; it is taken whole or not at all:

[[arrangement]]             list_id, provider, receiver
area or cameras             "national", or the cameras on which the list is used
from, until, hours_utc      the period; optionally two times of day (may run over midnight)
frequency                   "each-working-day" or "once": how often the list is delivered
hits_per_day_max            how many hits the receiver can follow up in a day
[[arrangement.contact]]     site, way, service, address: one of each side at least
[[arrangement.signed]]      site, service, at: one of each side at least
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from enum import StrEnum
from itertools import combinations
from pathlib import Path

from anpr_engine.policy.agreed_files import AgreedFile, Block

NATIONAL = "national"
FREQUENCIES = ("each-working-day", "once")
WAYS = ("national", "regional", "joint-centre")
_KEYS = (
    *("list_id", "provider", "receiver", "area", "cameras", "from", "until", "hours_utc"),
    *("frequency", "hits_per_day_max", "contact", "signed"),
)


@dataclass(frozen=True, slots=True)
class Contact:
    """Where a side is reached about the list."""

    site: str
    way: str
    service: str
    address: str


@dataclass(frozen=True, slots=True)
class Signature:
    """A service of a side that agreed, and when."""

    site: str
    service: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Arrangement:
    """One list's arrangement; `cameras` None: the receiver's whole territory."""

    list_id: str
    provider: str
    receiver: str
    cameras: frozenset[str] | None
    starts_at: datetime
    ends_at: datetime
    hours_utc: tuple[time, time] | None
    frequency: str
    hits_per_day_max: int
    contacts: tuple[Contact, ...]
    signatures: tuple[Signature, ...]


class Permission(StrEnum):
    """Whether a hit fits the arrangement; every value but the first says why not."""

    GIVEN = "given"
    OTHER_LIST = "other-list"
    BEFORE = "not-yet"
    AFTER = "no-longer"
    OUT_OF_HOURS = "out-of-hours"
    OUT_OF_AREA = "out-of-area"
    CAPACITY_USED = "capacity-used"

    def __bool__(self) -> bool:
        """Say whether it is given."""
        return self is Permission.GIVEN


def permits(
    arrangement: Arrangement, list_id: str, at: datetime, camera: str, reported_today: int
) -> Permission:
    """Say whether a hit of a list by a camera fits an arrangement.

    Args:
        arrangement: what was agreed.
        list_id: the list of the entry.
        at: when the read was made, with its offset.
        camera: where.
        reported_today: how many hits of the list the receiver was given this day so far.

    """
    obstacles = (
        (list_id != arrangement.list_id, Permission.OTHER_LIST),
        (at < arrangement.starts_at, Permission.BEFORE),
        (at >= arrangement.ends_at, Permission.AFTER),
        (not _within(arrangement.hours_utc, at), Permission.OUT_OF_HOURS),
        (
            arrangement.cameras is not None and camera not in arrangement.cameras,
            Permission.OUT_OF_AREA,
        ),
        (reported_today >= arrangement.hits_per_day_max, Permission.CAPACITY_USED),
    )
    return next((name for stands, name in obstacles if stands), Permission.GIVEN)


def _within(hours: tuple[time, time] | None, at: datetime) -> bool:
    if hours is None:
        return True
    starts, ends = hours
    offset = at.utcoffset()
    now = (at - offset).time() if offset is not None else at.time()
    # A period over midnight is what lies not between its end and its start.
    return starts <= now < ends if starts < ends else not ends <= now < starts


def load_arrangements(
    path: Path, lists: Collection[str], now: datetime, *, over_too: bool = False
) -> tuple[Arrangement, ...]:
    """Read a file of arrangements.

    Args:
        path: the TOML file.
        lists: the ids of the lists that exist.
        now: arrangements that ended before are refused, as are signatures of later.
        over_too: takes those that ended all the same: who follows a file has had them before.

    Raises:
        AgreedFileError: something is wrong; all of it is told, with file and line.

    """
    file = AgreedFile(path, "arrangement", "list_id")
    found: list[tuple[Arrangement, Block]] = []
    for block in file.read():
        one = _read(block, lists, now, datetime.min.replace(tzinfo=UTC) if over_too else now)
        if one is not None:
            found.append((one, block))
    for (one, _), (other, block) in combinations(found, 2):
        apart = one.ends_at <= other.starts_at or other.ends_at <= one.starts_at
        if one.list_id == other.list_id and one.receiver == other.receiver and not apart:
            block.tell("from", "a second arrangement for the same time", "one at a time")
    file.done()
    return tuple(one for one, _ in found)


def _read(
    block: Block, lists: Collection[str], now: datetime, over: datetime
) -> Arrangement | None:
    block.known(*_KEYS)
    list_id = block.text("list_id")
    if list_id and list_id not in lists:
        block.tell("list_id", f"list `{list_id}`, which does not exist", "a list that exists")
    provider, receiver = block.text("provider"), block.text("receiver")
    if provider == receiver:
        block.tell("receiver", "one site on both sides", "two sites")
    starts_at, ends_at = _period(block, over)
    cameras = _area(block)
    hours = _hours(block)
    frequency = block.choice("frequency", FREQUENCIES)
    capacity = block.count("hits_per_day_max")
    sides = (provider, receiver)
    contacts = tuple(_contacts(block, sides))
    signatures = tuple(_signatures(block, sides, now))
    _both(block, "contact", sides, [one.site for one in contacts])
    _both(block, "signed", sides, [one.site for one in signatures])
    if starts_at is None or ends_at is None:
        return None
    return Arrangement(
        *(list_id, provider, receiver, cameras, starts_at, ends_at),
        *(hours, frequency, capacity, contacts, signatures),
    )


def _period(block: Block, over: datetime) -> tuple[datetime | None, datetime | None]:
    starts_at, ends_at = block.instant("from"), block.instant("until")
    if starts_at is not None and ends_at is not None:
        if ends_at <= starts_at:
            block.tell("until", "an end that is not after the start", "a later time")
        elif ends_at <= over:
            block.tell("until", "a period that is over", "a time to come")
    return starts_at, ends_at


def _area(block: Block) -> frozenset[str] | None:
    cameras = block.names("cameras")
    if "area" in block.table:
        block.choice("area", (NATIONAL,))
    if bool(cameras) == ("area" in block.table):
        found = "both cameras and area" if cameras else "neither cameras nor area"
        block.tell("cameras", found, f'either cameras or area = "{NATIONAL}"')
    return frozenset(cameras) or None


def _hours(block: Block) -> tuple[time, time] | None:
    value = block.table.get("hours_utc")
    if value is None:
        return None
    if isinstance(value, list) and len(value) == 2:
        starts, ends = value
        if isinstance(starts, time) and isinstance(ends, time) and starts != ends:
            return starts, ends
    block.tell("hours_utc", "no two times", "two different times, [06:00:00, 22:00:00]")
    return None


def _contacts(block: Block, sides: Sequence[str]) -> Iterator[Contact]:
    for one in block.blocks("contact"):
        one.known("site", "way", "service", "address")
        site, way = one.choice("site", sides), one.choice("way", WAYS)
        yield Contact(site, way, one.text("service"), one.text("address"))


def _signatures(block: Block, sides: Sequence[str], now: datetime) -> Iterator[Signature]:
    for one in block.blocks("signed"):
        one.known("site", "service", "at")
        site, service, at = one.choice("site", sides), one.text("service"), one.instant("at")
        if at is not None:
            if at > now:
                one.tell("at", "a signature of later than now", "a time that has come")
            yield Signature(site, service, at)


def _both(block: Block, key: str, sides: Sequence[str], found: Sequence[str]) -> None:
    lacking = [site for site in sides if site not in found]
    if lacking:
        block.tell(key, f"no {key} of {', '.join(lacking)}", "one of each side at least")
