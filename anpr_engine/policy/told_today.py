"""How many hits on a list went abroad today: what an arrangement's capacity is measured against.

Services settle for a list how many hits the receiver can follow up in a day (agreement, article
20(2)). Days are those of UTC, as the hours of an arrangement are. What a person let go counts too.

Why by passing: the better alert on a vehicle that was told of is the same hit once more.
Why taken from alerts alone: the topic of alerts says what did go abroad, to every engine of the
site and after every start; a counter of its own could only disagree with it.
Why bounded: nobody follows up `NAMES_MAX` hits on one list in a day; no more are let go by any
arrangement.
"""

import threading
from collections.abc import Callable, Iterable
from collections.abc import Set as AbstractSet
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

import msgspec

from anpr_engine.records.alert import Alert

NAMES_MAX = 100_000
REVIEW = "review"
_DAY = timedelta(days=1)


class ListDay(NamedTuple):
    """One list on one day of UTC."""

    list_id: str
    day: date


ToldToday = Callable[[ListDay], AbstractSet[str]]
"""Names the passings of which somebody abroad was told."""


class _Entry(msgspec.Struct):
    list_id: str


class _Sent(msgspec.Struct):
    alert_id: str
    created_at: datetime
    site: str
    recipients: list[str]
    entry: _Entry
    state: str = ""
    passage: str | None = None


_ALERTS = msgspec.json.Decoder(_Sent)
_NOBODY: frozenset[str] = frozenset()


def nobody_told(_about: ListDay) -> AbstractSet[str]:
    """Know of nothing that went abroad."""
    return _NOBODY


def day_of(at: datetime) -> date:
    """Give the day of UTC on which an instant lies."""
    return at.astimezone(UTC).date()


def passing_of(alert: Alert | _Sent) -> str:
    """Name what an alert is about: the vehicle's passing, else the alert itself."""
    return alert.passage or alert.alert_id


def goes_abroad(alert: Alert | _Sent) -> bool:
    """Say whether anybody outside the alert's site is told."""
    waits = alert.state == REVIEW
    return not waits and any(recipient != alert.site for recipient in alert.recipients)


class ToldBook:
    """What of a site's hits went abroad, today and yesterday; any thread may write or ask."""

    def __init__(self, site: str, names_max: int = NAMES_MAX) -> None:
        """Begin with nothing told."""
        self._site, self._names_max = site, names_max
        self._told: dict[ListDay, set[str]] = {}
        self._newest = date.min
        self._writing = threading.Lock()

    def __len__(self) -> int:
        """Count the lists and days of which something is known."""
        return len(self._told)

    def of(self, about: ListDay) -> AbstractSet[str]:
        """Name what was told of a list on a day."""
        return self._told.get(about, _NOBODY)

    def sent(self, alerts: Iterable[Alert]) -> None:
        """Note alerts that are durable; one that is known changes nothing."""
        for alert in alerts:
            self._note(alert)

    def take(self, value: bytes) -> None:
        """Take one record of the topic in; what is no alert of the site is passed over."""
        try:
            found = _ALERTS.decode(value)
        except msgspec.MsgspecError:
            return
        self._note(found)

    def _note(self, alert: Alert | _Sent) -> None:
        if alert.site != self._site or not goes_abroad(alert):
            return
        about = ListDay(alert.entry.list_id, day_of(alert.created_at))
        with self._writing:
            if about.day > self._newest:
                self._newest = about.day
                self._told = {one: names for one, names in self._told.items() if self._kept(one)}
            names = self._told.setdefault(about, set()) if self._kept(about) else set[str]()
            if len(names) < self._names_max:
                names.add(passing_of(alert))

    def _kept(self, about: ListDay) -> bool:
        return about.day >= self._newest - _DAY
