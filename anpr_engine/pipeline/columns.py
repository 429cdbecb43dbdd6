"""What several stages look at: one read of a batch by row, and what holds for the whole batch."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple, TypeVar

import msgspec

from anpr_engine.kernels.json_values import SPAN_PLATE
from anpr_engine.policy.handled import Progress, nothing_known
from anpr_engine.policy.handling_events import SubjectId
from anpr_engine.policy.told_today import ToldToday, nobody_told
from anpr_engine.records.alert import Alert, AlertRead
from anpr_engine.records.columns import ReadColumns
from anpr_engine.records.fields import Tier, rfc3339_time
from anpr_engine.records.read import PlateRead, Position, Vehicle
from anpr_engine.records.trusted import trusted

Part = TypeVar("Part", Position, Vehicle)

TIERS = tuple(Tier)
"""Hit columns name a tier by its place here."""
EXACT, REPAIRED, FUZZY, WILDCARD, CANDIDATE = (
    TIERS.index(tier)
    for tier in (Tier.EXACT, Tier.REPAIRED, Tier.FUZZY, Tier.WILDCARD, Tier.CANDIDATE)
)


_ABSENT = msgspec.Raw(b"null")


class _Seen(msgspec.Struct):
    """`AlertRead` as it stands in a read that the scanner has checked."""

    read_id: str
    camera_id: str
    captured_at: str
    plate: str
    country: str | None = None
    confidence: float | None = None
    position: msgspec.Raw = _ABSENT
    lane: str | int | float | None = None
    direction: str | None = None
    heading_deg: float | None = None
    speed_kmh: float | None = None
    vehicle: msgspec.Raw = _ABSENT
    image_ref: str | None = None
    passage_id: str | None = None


_READS = msgspec.json.Decoder(_Seen)
_SEEN = tuple(AlertRead.model_fields)


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What holds for a whole batch: where and when it is decided, and how old the lists are.

    now_us: microseconds since 1970. watchlist_age_ms: since Redis last confirmed the lists.
    received_at_us: when each other site's list was last received; None where no lists come from
        other sites, as for files.
    handled: tells what was done about an entry so far.
    told: names the hits on a list that went abroad on a day.
    """

    site: str
    now_us: int
    watchlist_age_ms: int
    watchlist_stale: bool
    received_at_us: Mapping[str, int] | None = None
    handled: Callable[[SubjectId], Progress] = nothing_known
    told: ToldToday = nobody_told


class DecidedAlert(NamedTuple):
    """An alert and the row of the read that it came from."""

    row: int
    alert: Alert


@dataclass(frozen=True, slots=True)
class Withheld:
    """Hits on one entry that one rule kept back in one batch; no plate.

    list_id, entry_id: empty for hits that are counted by the rule alone. hits: how many.
    read_id: of the first of them. policy_version: of the rules that said so.
    """

    list_id: str
    entry_id: str
    rule: str
    hits: int
    read_id: str = ""
    policy_version: str = ""


def plate_text(reads: ReadColumns, row: int) -> str:
    """Give one read's plate as read."""
    read = reads.careful.get(row)
    if read is not None:
        return read.plate
    start, length = reads.spans[row, SPAN_PLATE].tolist()
    return reads.buffer[start : start + length].tobytes().decode()


def read_of(reads: ReadColumns, row: int) -> PlateRead:
    """Give one read as an object."""
    careful = reads.careful.get(row)
    # What the scanner decoded needs no second look at its syntax.
    return PlateRead.model_validate_json(reads.values[row]) if careful is None else careful


def seen_of(reads: ReadColumns, row: int) -> AlertRead:
    """Give what an alert tells of one read."""
    careful = reads.careful.get(row)
    if careful is not None:
        return trusted(AlertRead, {name: getattr(careful, name) for name in _SEEN})
    value = reads.values[row]
    try:
        seen = _READS.decode(value)
    except msgspec.MsgspecError:
        # Such as a number of more than 64 bits.
        return AlertRead.model_validate(read_of(reads, row), from_attributes=True)
    told = msgspec.structs.asdict(seen)
    told["captured_at"] = rfc3339_time(seen.captured_at)
    if isinstance(seen.lane, float):
        told["lane"] = int(seen.lane)
    told["position"] = _part(Position, seen.position)
    told["vehicle"] = _part(Vehicle, seen.vehicle)
    return trusted(AlertRead, told)


def _part(model: type[Part], text: msgspec.Raw) -> Part | None:
    return None if text == _ABSENT else model.model_validate_json(memoryview(text).tobytes())


def instant(time_us: int) -> datetime:
    """Give microseconds since 1970 as a UTC time."""
    return datetime.fromtimestamp(time_us // 1_000_000, UTC).replace(
        microsecond=time_us % 1_000_000
    )
