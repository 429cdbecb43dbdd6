"""The alerts that were sent and may still be open, by entry; in memory, and bounded.

Why from the alerts' own topics after a start: they hold what was told and to whom, and nothing is
kept a second time. What the topics no longer hold, nobody finds there either.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Annotated, TypeVar

import msgspec

from anpr_engine.plates.wildcard import listed_text
from anpr_engine.records.alert import Alert
from anpr_engine.records.recall import RecallReason
from anpr_engine.watchlist.changes import ListedAs
from anpr_engine.watchlist.stored import OPEN_END_S

US = 1_000_000
DAY_US = 86_400 * US
UNKNOWN_S = -1
_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
_MICROSECOND = timedelta(microseconds=1)
Sent = TypeVar("Sent")
# As the models have them: what is taken from a topic goes out again in a recall.
_Digest = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{32}\Z")]
_Identifier = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
_Site = Annotated[str, msgspec.Meta(pattern=r"\A[a-z]{2}\Z")]


class _Entry(msgspec.Struct):
    entry_id: _Identifier
    list_id: _Identifier
    plate: str = ""
    country: str | None = None
    provider: _Site | None = None
    valid_until: datetime | None = None


class SentAlert(msgspec.Struct):
    """What a book needs of an alert as it is published."""

    alert_id: _Digest
    created_at: datetime
    site: _Site
    recipients: Annotated[list[_Site], msgspec.Meta(min_length=1)]
    entry: _Entry
    watchlist_version: Annotated[int, msgspec.Meta(ge=0)]
    sealed: msgspec.Raw = msgspec.Raw(b"")


class _SentRecall(msgspec.Struct):
    site: str
    recipients: list[str]
    alerts: list[str]


_ALERTS = msgspec.json.Decoder(SentAlert)
_RECALLS = msgspec.json.Decoder(_SentRecall)

Identity = tuple[str, str]
"""List and entry."""


@dataclass(frozen=True, slots=True)
class OpenAlert:
    """One alert that somebody may act on.

    version: of the lists that it was made with. plate: as listed; empty where it was sealed.
    country: empty for any; None where it was sealed.
    valid_until_s: Unix seconds of the entry's end then; `UNKNOWN_S` where it was sealed.
    """

    alert_id: str
    identity: Identity
    provider: str
    recipients: tuple[str, ...]
    sent_us: int
    version: int
    plate: str
    country: str | None
    valid_until_s: int

    def without(self, recipients: Sequence[str]) -> "OpenAlert":
        """Give the alert as it stands for the others."""
        if not recipients:
            return self
        left = tuple(each for each in self.recipients if each not in recipients)
        return replace(self, recipients=left)

    def flaw(
        self, now: ListedAs | None, was_plate: str, at_us: int, site: str
    ) -> tuple[RecallReason, tuple[str, ...]] | None:
        """Say why an alert does not stand any more, and for whom; None where it does.

        Args:
            now: the entry as it is listed now; None where it is not.
            was_plate: what it was listed as before; empty where nobody says.
            at_us: when that took effect, microseconds since 1970.
            site: where the alert was made.

        """
        at_s = at_us // US
        if now is None:
            # An entry that ended by itself, and is tidied away, takes nothing back.
            ended = UNKNOWN_S < self.valid_until_s <= at_s
            return None if ended else ("withdrawn", self.recipients)
        before = self.plate or was_plate
        same = not before or before == now.plate or listed_text(before) == listed_text(now.plate)
        if not same:
            return "corrected", self.recipients
        if self.country is not None and self.country != now.country.upper():
            return "corrected", self.recipients
        if now.valid_until_s <= at_s and now.valid_until_s < self.valid_until_s:
            return "withdrawn", self.recipients
        still = {site, self.provider, *now.sharing.split(",")}
        lost = tuple(each for each in self.recipients if each not in still)
        return ("withdrawn", lost) if lost else None


class OpenAlerts:
    """Open alerts, the newest; `put` and `drop` alone change them."""

    def __init__(self, site: str, alerts_max: int = 100_000, days_max: float = 30.0) -> None:
        """Start without any."""
        self.site = site
        self._alerts_max, self._us_max = alerts_max, round(days_max * DAY_US)
        self._alerts: dict[str, OpenAlert] = {}
        self._by_entry: dict[Identity, dict[str, None]] = {}

    def __len__(self) -> int:
        """Count the alerts."""
        return len(self._alerts)

    def __contains__(self, identity: Identity) -> bool:
        """Say whether there is an alert on an entry."""
        return identity in self._by_entry

    def identities(self) -> list[Identity]:
        """Name the entries with open alerts."""
        return list(self._by_entry)

    def on(self, identity: Identity) -> list[OpenAlert]:
        """Give the alerts on an entry, oldest first."""
        return [self._alerts[alert_id] for alert_id in self._by_entry.get(identity, ())]

    def put(self, alerts: Iterable[OpenAlert]) -> None:
        """Take alerts in; one that is there already stays as it is."""
        newest_us = 0
        for alert in alerts:
            newest_us = max(newest_us, alert.sent_us)
            if alert.alert_id not in self._alerts:
                self._alerts[alert.alert_id] = alert
                self._by_entry.setdefault(alert.identity, {})[alert.alert_id] = None
        oldest_us = newest_us - self._us_max
        for alert in list(self._first_out(oldest_us)):
            self.drop(alert.alert_id, alert.recipients)

    def older(self, alerts: Iterable[OpenAlert]) -> "OpenAlerts":
        """Make a book of earlier alerts; touches nothing here, so any thread may do it."""
        book = OpenAlerts(self.site, self._alerts_max)
        book._us_max = self._us_max
        book.put(sorted(alerts, key=lambda alert: alert.sent_us))
        return book

    def join_older(self, book: "OpenAlerts") -> None:
        """Take over a book of alerts that were sent before those that are here."""
        newer = list(self._alerts.values())
        self._alerts, self._by_entry = book._alerts, book._by_entry  # noqa: SLF001 - this class
        self.put(newer)

    def drop(self, alert_id: str, recipients: Sequence[str]) -> None:
        """Note that an alert is no longer open for some of its recipients."""
        kept = self._alerts.get(alert_id)
        if kept is None:
            return
        if not set(kept.recipients) <= set(recipients):
            self._alerts[alert_id] = kept.without(recipients)
            return
        del self._alerts[alert_id]
        others = self._by_entry[kept.identity]
        del others[alert_id]
        if not others:
            del self._by_entry[kept.identity]

    def _first_out(self, oldest_us: int) -> Iterator[OpenAlert]:
        too_many = len(self._alerts) - self._alerts_max
        for place, alert in enumerate(self._alerts.values()):
            if place >= too_many and alert.sent_us >= oldest_us:
                return
            yield alert


def open_alert(sent: SentAlert | Alert, *, sealed: bool = False) -> OpenAlert:
    """Take from an alert what its recall would hang on; where it is sealed, fields are missing."""
    entry = sent.entry
    until = entry.valid_until
    unknown = UNKNOWN_S if sealed else OPEN_END_S
    return OpenAlert(
        alert_id=sent.alert_id,
        identity=(entry.list_id, entry.entry_id),
        provider=entry.provider or sent.site,
        recipients=tuple(sent.recipients),
        sent_us=(sent.created_at - _EPOCH) // _MICROSECOND,
        version=sent.watchlist_version,
        plate=entry.plate,
        country=None if sealed and entry.country is None else (entry.country or "").upper(),
        valid_until_s=unknown if until is None else int(until.timestamp()),
    )


def alerts_from(
    site: str, alerts: Iterable[bytes], recalls: Iterable[bytes], alerts_max: int
) -> list[OpenAlert]:
    """Give the open ones among a site's alerts, as they stand on its topics.

    Args:
        site: other sites' alerts are passed over, and so is what is no alert.
        alerts: record values.
        recalls: record values; looked at after all alerts.
        alerts_max: the newest so many are kept.

    """
    book = OpenAlerts(site, alerts_max, days_max=36_500.0)
    pile: list[OpenAlert] = []
    for value in alerts:
        sent = _decoded(_ALERTS, value)
        if sent is not None and sent.site == site:
            pile.append(open_alert(sent, sealed=bool(bytes(sent.sealed))))
        if len(pile) >= 2 * alerts_max:
            pile = sorted(pile, key=lambda alert: alert.sent_us)[-alerts_max:]
    book.put(sorted(pile, key=lambda alert: alert.sent_us))
    for value in recalls:
        recall = _decoded(_RECALLS, value)
        if recall is not None and recall.site == site:
            for alert_id in recall.alerts:
                book.drop(alert_id, recall.recipients)
    return [alert for identity in book.identities() for alert in book.on(identity)]


def _decoded(decoder: msgspec.json.Decoder[Sent], value: bytes) -> Sent | None:
    try:
        return decoder.decode(value)
    except msgspec.MsgspecError:
        return None
