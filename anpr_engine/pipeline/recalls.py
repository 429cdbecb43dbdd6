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

import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple, Protocol

from anpr_engine.errors import AnprError
from anpr_engine.logs import get_logger
from anpr_engine.pipeline.columns import DecidedAlert, instant
from anpr_engine.pipeline.open_alerts import Identity, OpenAlert, OpenAlerts, open_alert
from anpr_engine.pipeline.recall_records import Fallen, RecallWriter
from anpr_engine.ports import AlertGuard, Clock
from anpr_engine.records.recall import RecallReason
from anpr_engine.watchlist.changes import ChangeNotes, Listed, ListedAs, listed_as
from anpr_engine.watchlist.snapshot import Snapshot
from anpr_engine.wire import OutgoingRecord

ENTRIES_AT_ONCE = 2_000
"""Entries looked at for one transaction; it is prepared while the one before it is being saved."""
LOOKS_AT_ONCE = 64
"""Entries looked up between two batches, some 0.1 ms each: reads wait meanwhile, and a hundred
thousand alerts may be open. What is told to have changed comes before any look."""
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


class _Part(NamedTuple):
    """What one transaction tells, until it is known whether it was saved: recipients by alert."""

    doubts: Sequence[_Doubt]
    told: Mapping[str, tuple[str, ...]]


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
        self._writer = RecallWriter(book.site, guard)
        self._doubts: deque[_Doubt] = deque()
        self._looks: deque[Identity] = deque()
        self._parts: deque[_Part] = deque()
        self._search = None if earlier is None else _Search(earlier, book, clock)

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
            self._book.join_older(found)
            get_logger().info("open_alerts_known", alerts=len(self._book))
            self._doubt_all()
        return self.pressing() or self.looking()

    def pressing(self) -> bool:
        """Say whether `due` may have something of what was told to have changed."""
        return bool(self._lists.changes) or bool(self._doubts)

    def looking(self) -> bool:
        """Say whether entries with open alerts are still to be looked up."""
        return bool(self._looks)

    def due(self) -> list[OutgoingRecord]:
        """Give the next recalls with their audit lines; each call has to be settled, in order.

        What the call before gave counts as told; one from before that has to be settled by now.
        """
        self._take_notes()
        doubts = self._next()
        listed = self._listed(doubts)
        before = self._parts[-1].told if self._parts else {}
        told: dict[str, tuple[str, ...]] = {}
        fallen: dict[Fallen, list[str]] = {}
        for doubt in doubts:
            alerts = self._book.on(doubt.identity)
            for alert in alerts:
                known = told.get(alert.alert_id) or before.get(alert.alert_id, ())
                untold = alert.without(known)
                why = self._flaw(untold, doubt, listed) if untold.recipients else None
                if why is not None:
                    about = doubt.identity, alerts[0].provider, doubt.version, doubt.at_us
                    fallen.setdefault(Fallen(*about, *why), []).append(alert.alert_id)
                    told[alert.alert_id] = known + why[1]
        self._parts.append(_Part(doubts, told))
        return self._writer.records(instant(self._clock.now_us()), fallen.items())

    def settle(self, *, saved: bool) -> None:
        """Say whether what `due` gave first is durable; if not, that and all behind it is due."""
        if saved:
            for alert_id, recipients in self._parts.popleft().told.items():
                self._book.drop(alert_id, recipients)
            return
        while self._parts:
            again = self._parts.pop().doubts
            self._doubts.extendleft(each for each in reversed(again) if not each.look)
            self._looks.extendleft(each.identity for each in reversed(again) if each.look)

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
                    about = identity, note.version, note.at_us
                    self._doubts.append(
                        _Doubt(*about, look=False, was_plate=each.was_plate, now=each.now)
                    )

    def _doubt_all(self) -> None:
        self._looks = deque(self._book.identities())

    def _next(self) -> list[_Doubt]:
        """Take what comes next: what was told to have changed, else some of what is looked at."""
        count = min(ENTRIES_AT_ONCE, len(self._doubts))
        if count:
            return [self._doubts.popleft() for _ in range(count)]
        version, now_us = self._lists.current.version, self._clock.now_us()
        some = [self._looks.popleft() for _ in range(min(LOOKS_AT_ONCE, len(self._looks)))]
        return [_Doubt(identity, version, now_us, look=True) for identity in some]

    def _listed(self, doubts: Sequence[_Doubt]) -> Mapping[Listed, ListedAs | None]:
        """Look entries up that nothing else is known of, by the plates of their alerts."""
        alerts = [
            alert for doubt in doubts if doubt.look for alert in self._book.on(doubt.identity)
        ]
        wanted = list({_listing(alert) for alert in alerts if alert.plate})
        return dict(zip(wanted, listed_as(self._lists.current, wanted), strict=True))

    def _flaw(
        self, alert: OpenAlert, doubt: _Doubt, listed: Mapping[Listed, ListedAs | None]
    ) -> tuple[RecallReason, tuple[str, ...]] | None:
        snapshot, site = self._lists.current, self._book.site
        if not doubt.look:
            # A version above the present one is of an earlier life of the store.
            if doubt.version <= alert.version <= snapshot.version:
                return None
            return alert.flaw(doubt.now, doubt.was_plate, doubt.at_us, site)
        if not alert.plate or not snapshot.epoch:
            return None
        now = listed[_listing(alert)]
        why = alert.flaw(now, "", doubt.at_us, site)
        return ("not-as-alerted", why[1]) if why is not None and now is None else why


def _listing(alert: OpenAlert) -> Listed:
    return Listed(*alert.identity, alert.plate)


class _Search:
    """Looks for earlier alerts in a thread, again and again until they are found."""

    def __init__(self, earlier: EarlierAlerts, book: OpenAlerts, clock: Clock) -> None:
        self._earlier, self._book, self._clock = earlier, book, clock
        self._stop = threading.Event()
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="open-alerts")
        self._under_way: Future[OpenAlerts] | None = None
        self._again_s = 0.0

    def found(self) -> OpenAlerts | None:
        """Give what was found; None while it is not known."""
        if self._under_way is None:
            if self._clock.monotonic_s() >= self._again_s:
                self._under_way = self._executor.submit(self._look_back)
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

    def _look_back(self) -> OpenAlerts:
        return self._book.older(self._earlier(self._stop.is_set))

    def stop(self) -> None:
        """End it."""
        self._stop.set()
        self._executor.shutdown(cancel_futures=True)
