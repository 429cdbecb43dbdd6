"""Tells those who hold an alert when its entry is withdrawn or corrected.

A recall has a topic beside the alerts' and their key. Order between an alert and its recall is not
given across topics, so whoever shows alerts remembers recalled ids.

Why the alerts sent before a start are read in the background: matching must not wait for them. No
recall goes out before they are known; what changes meanwhile is noted, and each entry with an open
alert is looked at once, so that a change made while no engine ran is found too.
Why a look finds no "corrected": an entry is found by its plate; another plate is not looked for.
Why memory: as with passages. Where two engines share a site's cameras, each recalls what it sent
and what it found on the topics at its start; an engine that never comes back leaves its alerts to
the next that starts.
"""

import hashlib
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import NamedTuple, Protocol

from anpr_engine.errors import AnprError
from anpr_engine.logs import get_logger
from anpr_engine.pipeline.columns import DecidedAlert, instant
from anpr_engine.pipeline.open_alerts import Identity, OpenAlert, OpenAlerts, open_alert
from anpr_engine.ports import AlertGuard, Clock
from anpr_engine.records.audit_event import AuditAction, AuditEvent
from anpr_engine.records.recall import Recall, RecallReason
from anpr_engine.watchlist.changes import ChangeNotes, ListedAs, listed_as
from anpr_engine.watchlist.snapshot import Snapshot
from anpr_engine.wire import (
    CROSS_BORDER_RECALLS,
    EventAttributes,
    Header,
    OutgoingRecord,
    SiteTopics,
    entry_key,
    json_bytes,
    told_apart,
)

ENTRIES_AT_ONCE = 2_000
"""Entries looked at for one transaction; matching goes on after each."""
ALERTS_A_RECALL = 1_000
RETRY_S = 30.0


class ChangingLists(Protocol):
    """The newest snapshot, and what became of entries, noted once it has them."""

    @property
    def current(self) -> Snapshot:
        """The snapshot in use."""
        ...

    @property
    def changes(self) -> ChangeNotes:
        """What nobody has taken yet."""
        ...


EarlierAlerts = Callable[[Callable[[], bool]], Sequence[OpenAlert]]
"""Gives the open alerts of before the start; the argument says when to end early."""


class _Doubt(NamedTuple):
    """An entry with open alerts that may not be what it was; `look`: only the snapshot says."""

    identity: Identity
    version: int
    at_us: int
    look: bool
    was_plate: str = ""
    now: ListedAs | None = None


class _Fallen(NamedTuple):
    """Why alerts do not stand any more, and for whom."""

    doubt: _Doubt
    reason: RecallReason
    recipients: tuple[str, ...]


class Recalls:
    """Knows the alerts sent, and gives the recalls that are due; for the engine's thread."""

    def __init__(
        self,
        lists: ChangingLists,
        book: OpenAlerts,
        clock: Clock,
        earlier: EarlierAlerts | None = None,
        guard: AlertGuard | None = None,
    ) -> None:
        """Begin with the alerts of before the start, once they are known.

        Args:
            lists: where changes come from.
            book: takes the alerts.
            clock: tells the time.
            earlier: called in a thread of its own, again after a failure; None: there are none.
            guard: signs recalls; None lets them out unsigned.

        """
        self._lists, self._book, self._clock = lists, book, clock
        self._topics, self._guard = SiteTopics(book.site), guard
        self._doubts: deque[_Doubt] = deque()
        self._proposed: list[_Doubt] = []
        self._fallen: dict[str, tuple[str, ...]] = {}
        self._now = instant(clock.now_us())
        self._headers: dict[str, tuple[Header, ...]] = {}
        self._search = None if earlier is None else _Search(earlier, clock)

    def sent(self, alerts: Iterable[DecidedAlert]) -> None:
        """Note alerts that are durable."""
        # As they were before fields were sealed.
        self._book.put(open_alert(each.alert) for each in alerts)

    def pending(self) -> bool:
        """Say whether `due` may have something to give."""
        if self._search is not None:
            found = self._search.found()
            if found is None:
                return False
            self._search = None
            self._book.put_older(found)
            get_logger().info("open_alerts_known", alerts=len(self._book))
            self._doubt_all()
        return bool(self._lists.changes) or bool(self._doubts)

    def due(self) -> list[OutgoingRecord]:
        """Give the next recalls with their audit lines; `settle` has to follow."""
        self._take_notes()
        self._now, self._headers = instant(self._clock.now_us()), {}
        self._proposed = list(islice(self._doubts, ENTRIES_AT_ONCE))
        self._fallen, fallen = {}, dict[_Fallen, list[str]]()
        for doubt in self._proposed:
            self._doubts.popleft()
            for alert in self._book.on(doubt.identity):
                told = self._fallen.get(alert.alert_id, ())
                untold = alert.without(told)
                why = self._flaw(untold, doubt) if untold.recipients else None
                if why is not None:
                    fallen.setdefault(_Fallen(doubt, *why), []).append(alert.alert_id)
                    self._fallen[alert.alert_id] = told + why[1]
        return [record for key, ids in fallen.items() for record in self._records(key, ids)]

    def settle(self, *, saved: bool) -> None:
        """Say whether what `due` gave last is durable; what is not is due again."""
        if saved:
            for alert_id, recipients in self._fallen.items():
                self._book.drop(alert_id, recipients)
        else:
            self._doubts.extendleft(reversed(self._proposed))
        self._proposed, self._fallen = [], {}

    def close(self) -> None:
        """End the search for earlier alerts, where it goes on."""
        if self._search is not None:
            self._search.stop()

    def _take_notes(self) -> None:
        for note in self._lists.changes.take():
            if note.entries is None:
                self._doubt_all()
                continue
            for each in note.entries:
                identity = each.list_id, each.entry_id
                if identity in self._book:
                    known = _Doubt(identity, note.version, note.at_us, look=False)
                    self._doubts.append(known._replace(was_plate=each.was_plate, now=each.now))

    def _doubt_all(self) -> None:
        version, now_us = self._lists.current.version, self._clock.now_us()
        self._doubts.extend(
            _Doubt(identity, version, now_us, look=True) for identity in self._book.identities()
        )

    def _flaw(self, alert: OpenAlert, doubt: _Doubt) -> tuple[RecallReason, tuple[str, ...]] | None:
        snapshot, site = self._lists.current, self._book.site
        if not doubt.look:
            # A version above the present one is of an earlier life of the store.
            if doubt.version <= alert.version <= snapshot.version:
                return None
            return alert.flaw(doubt.now, doubt.was_plate, doubt.at_us, site)
        if not alert.plate or not snapshot.epoch:
            return None
        now = listed_as(snapshot, *doubt.identity, alert.plate)
        why = alert.flaw(now, "", doubt.at_us, site)
        return ("not-as-alerted", why[1]) if why is not None and now is None else why

    def _records(self, key: _Fallen, ids: Sequence[str]) -> Iterator[OutgoingRecord]:
        for first in range(0, len(ids), ALERTS_A_RECALL):
            yield from self._recall(key, list(ids[first : first + ALERTS_A_RECALL]))

    def _recall(self, key: _Fallen, ids: list[str]) -> Iterator[OutgoingRecord]:
        doubt, recipients = key.doubt, list(key.recipients)
        list_id, entry_id = doubt.identity
        parts = (self._book.site, list_id, entry_id, key.reason, str(doubt.version))
        recall = Recall(
            recall_id=_digest(b"anpr.recall.v1", (*parts, *recipients, *ids)),
            created_at=self._now,
            site=self._book.site,
            recipients=recipients,
            provider=self._book.on(doubt.identity)[0].provider,
            list_id=list_id,
            entry_id=entry_id,
            reason=key.reason,
            alerts=ids,
            watchlist_version=doubt.version,
            effective_at=instant(doubt.at_us),
        )
        abroad = any(each != self._book.site for each in recipients)
        topic = CROSS_BORDER_RECALLS if abroad else self._topics.recalls
        yield self._record(topic, recall, recall.recall_id, recall)
        for alert_id in ids:
            line = _audit_line(recall, alert_id)
            yield self._record(self._topics.audit, line, line.event_id, recall)

    def _record(
        self, topic: str, value: Recall | AuditEvent, id_: str, recall: Recall
    ) -> OutgoingRecord:
        kind = "recall" if value is recall else "audit_event"
        headers = self._headers.get(kind)
        if headers is None:
            # But for the id they are the same for all of one time.
            headers = self._headers[kind] = EventAttributes.of(
                "", kind, recall.site, recall.created_at
            ).headers()
        named = tuple((name, value_ or id_.encode()) for name, value_ in headers)
        key, text = entry_key(recall.list_id, recall.entry_id), json_bytes(value)
        if value is recall and self._guard is not None:
            named += self._guard.signed_recall(recall, text)
        return OutgoingRecord(topic, key, text, named)


class _Search:
    """Looks for earlier alerts in a thread, again and again until they are found."""

    def __init__(self, earlier: EarlierAlerts, clock: Clock) -> None:
        self._earlier, self._clock = earlier, clock
        self._stop = threading.Event()
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="open-alerts")
        self._under_way: Future[Sequence[OpenAlert]] | None = None
        self._again_s = 0.0

    def found(self) -> Sequence[OpenAlert] | None:
        """Give what was found; None while it is not known."""
        if self._under_way is None:
            if self._clock.monotonic_s() >= self._again_s:
                self._under_way = self._executor.submit(self._earlier, self._stop.is_set)
            return None
        if not self._under_way.done():
            return None
        search, self._under_way = self._under_way, None
        try:
            found = search.result()
        except AnprError as error:
            self._again_s = self._clock.monotonic_s() + RETRY_S
            get_logger().error("open_alerts_unknown", cause=type(error).__name__, what=str(error))
            return None
        self._executor.shutdown()
        return found

    def stop(self) -> None:
        """End it."""
        self._stop.set()
        self._executor.shutdown(cancel_futures=True)


def _digest(person: bytes, parts: Iterable[str]) -> str:
    return hashlib.blake2b(told_apart(parts), digest_size=16, person=person).hexdigest()


def _audit_line(recall: Recall, alert_id: str) -> AuditEvent:
    return AuditEvent(
        event_id=_digest(
            b"anpr.audit.v1", (AuditAction.ALERT_RECALLED, recall.recall_id, alert_id)
        ),
        occurred_at=recall.created_at,
        site=recall.site,
        actor="engine",
        action=AuditAction.ALERT_RECALLED,
        list_id=recall.list_id,
        entry_id=recall.entry_id,
        alert_id=alert_id,
        recipients=list(recall.recipients),
        reasons=[recall.reason],
        watchlist_version=recall.watchlist_version,
        subject=recall.recall_id,
    )
