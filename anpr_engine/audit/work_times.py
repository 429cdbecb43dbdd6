"""When people of a site work: hours of its own clock, on some days of the week.

Why times are made of each day anew: a clock that is put forward or back makes one night an hour
shorter or longer, and what is a working hour then is what the clock on the wall says. An end or
beginning that comes twice that night, or not at all, is taken so that more counts as work.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Literal
from zoneinfo import ZoneInfo

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-(?:([01]\d|2[0-3]):([0-5]\d)|(24):(00))")
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class WorkTimes:
    """Hours that begin on working days, and may end on the next; `zone` is of the site's clock."""

    hours: str = "06:00-22:00"
    days: frozenset[Weekday] = frozenset(DAYS)
    zone: str = "Europe/Brussels"

    def hold(self, at: datetime) -> bool:
        """Say whether people work at a time."""
        at = at.astimezone(UTC)
        day = self.local(at).date()
        begun = (each for each in (day - _DAY, day) if DAYS[each.weekday()] in self.days)
        return any(begin <= at < end for begin, end in (_shift(self, each) for each in begun))

    def local(self, at: datetime) -> datetime:
        """Give a time as the site's clock shows it."""
        return at.astimezone(ZoneInfo(self.zone))


def checked_zone(name: str) -> str:
    """Hold that a time zone is known; raises `ValueError` with what is allowed."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        message = "is no time zone of the IANA database - allowed are such as Europe/Brussels"
        raise ValueError(message) from None
    return name


def checked_hours(text: str) -> str:
    """Hold that hours can be read; raises `ValueError` with what is allowed."""
    found = _HOURS.fullmatch(text)
    if found is None or text[:5] == text[6:]:
        message = "are no hours - allowed is HH:MM-HH:MM, such as 06:00-22:00, 22:00-06:00 for a "
        raise ValueError(f"{message}night, or 00:00-24:00 for the whole day")
    return text


@lru_cache(maxsize=1024)
def _shift(times: WorkTimes, day: date) -> tuple[datetime, datetime]:
    """Give begin and end of the hours that begin on a day, in UTC."""
    begin, end = times.hours.split("-")
    if end == "24:00":
        end = "00:00"
    last = day + _DAY if end <= begin else day
    zone = ZoneInfo(times.zone)
    return min(_instants(day, begin, zone)), max(_instants(last, end, zone))


def _instants(day: date, text: str, zone: ZoneInfo) -> list[datetime]:
    """Give the instants that a clock's time may mean: two in a night it is set."""
    at = datetime.combine(day, time.fromisoformat(text), zone)
    return [at.replace(fold=fold).astimezone(UTC) for fold in (0, 1)]
