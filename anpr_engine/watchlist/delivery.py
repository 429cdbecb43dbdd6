"""Delivers a site's shared entries into another site's Redis, once or for as long as asked.

Each site has its own Redis. Only entries that the source site provides itself are delivered, and
only to sites named in their `sharing`: data received from elsewhere may be handed on with its
provider's consent alone (Benelux police treaty, article 9). Entries made from the SIS never go
(agreement of 28 September 2023, article 7(1)). How far a delivery has come is kept in the target,
so that one that was interrupted goes on; where that is of no use, everything is compared.

Why a wiped source is no empty source: taking "nothing is shared any more" from a Redis that lost
its data would remove every delivered entry. It is refused until a person says otherwise.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import msgspec

from anpr_engine.clock import SystemClock
from anpr_engine.errors import ListRefused, StoreRefused, StoreRolledBack, StoreUnavailable
from anpr_engine.logs import get_logger
from anpr_engine.ports import Clock
from anpr_engine.records.watchlist_entry import OWN, WatchlistEntry
from anpr_engine.watchlist.acts import Act, ActKind
from anpr_engine.watchlist.loading import follows, load
from anpr_engine.watchlist.manifest import ChangeRecord, Manifest
from anpr_engine.watchlist.receipts import Cursor, read_cursor
from anpr_engine.watchlist.redis_client import RedisSession
from anpr_engine.watchlist.redis_reader import StoreReader, restored
from anpr_engine.watchlist.redis_writer import StoreWriter, WriteTally
from anpr_engine.watchlist.refusal import declined_and_again, note_delivered
from anpr_engine.watchlist.stored import Profile

WAIT_MS = 500
RETRY_S = 0.5
CONFIRM_EVERY_US = 10_000_000
"""How often an idle delivery writes down that the target is up to date."""


@dataclass(frozen=True, slots=True)
class SiteStore:
    """One site's Redis."""

    site: str
    session: RedisSession


@dataclass(slots=True)
class DeliveryTally:
    """What a delivery changed in the target; lists left out, for the target has its own.

    lists_declined: left out, for the target refused them (agreement, article 12).
    sis_derived: entries kept back, list and entry id, for they were made from the SIS.
    """

    added: int = 0
    changed: int = 0
    removed: int = 0
    lists_refused: set[str] = field(default_factory=set)
    lists_declined: set[str] = field(default_factory=set)
    sis_derived: set[tuple[str, str]] = field(default_factory=set)

    def add(self, tally: WriteTally) -> None:
        """Add what one write did."""
        self.added += tally.added
        self.changed += tally.changed
        self.removed += tally.removed


class Delivery:
    """Brings what one site shares to another; for one thread."""

    def __init__(
        self,
        source: SiteStore,
        target: SiteStore,
        clock: Clock,
        *,
        accept_new_history: bool = False,
    ) -> None:
        """Deliver from a source to a target.

        Args:
            source: where the entries are provided.
            target: where they are wanted.
            clock: tells when the target was last known to be up to date.
            accept_new_history: take over what a wiped or restored source holds now.

        """
        self.tally = DeliveryTally()
        self._source = source
        self._target = target
        self._clock = clock
        self._accept = accept_new_history
        self._reader = StoreReader(source.session)
        self._there = StoreReader(target.session)
        act = Act(ActKind.DELIVERY, f"site {source.site}")
        self._writer = StoreWriter(target.session, source.site, clock, act)
        self._cursor: Cursor | None = None
        self._cursor_read = False
        self._seen_version = 0

    def step(self, wait_ms: int = 1) -> bool:
        """Wait for changes in the source and deliver them; True when the target is up to date.

        Raises:
            StoreRolledBack: the source holds less than was delivered before.
            StoreError: one of the two does not answer or refuses.

        """
        if not self._cursor_read:
            self._cursor = self._read_cursor()
            self._cursor_read = True
        known = self._cursor
        if known is None:
            manifest = self._reader.manifest()
            if manifest is not None:
                self._deliver_all(manifest)
            return True
        seen = self._seen_version
        found = self._reader.progress(known.version, wait_ms)
        manifest = found.manifest
        if manifest is None or self._is_other_history(known, manifest):
            self._require_acceptance(empty=manifest is None)
            return False
        self._seen_version = manifest.version
        self._reader.trust.require(manifest, self._source.session.where)
        objection = self._reader.trust.record_objection
        self.tally.lists_declined, again = declined_and_again(self._there, self._source.site)
        if again or any(objection(manifest.epoch, each) for each in found.records):
            # What was refused was left out; what is signed and can be proved is the newest version.
            self._deliver_all(manifest)
            note_delivered(self._target.session, again)
        elif found.records and found.records[0].version == known.version + 1:
            self._deliver_changes(found.records, known)
        elif found.records or seen > known.version:
            # Records are missing: trimmed away, or never there.
            self._deliver_all(manifest)
        else:
            self._keep(known.version, known.token, known)
        done = self._cursor
        return done is not None and done.version >= manifest.version

    def _read_cursor(self) -> Cursor | None:
        return read_cursor(self._there.delivered(self._source.site))

    def _is_other_history(self, known: Cursor, manifest: Manifest) -> bool:
        same = manifest.version == known.version
        return (
            manifest.epoch != known.epoch
            or manifest.version < known.version
            or (same and manifest.token != known.token)
        )

    def _require_acceptance(self, *, empty: bool = False) -> None:
        if empty or not self._accept:
            raise StoreRolledBack(
                f"Redis of site {self._source.site} holds less than was delivered before.",
                "Restore its data; or, if that is what it should hold, use --accept-new-history.",
            )
        self._accept = False
        self._cursor = None

    def _deliver_changes(self, records: Sequence[ChangeRecord], known: Cursor) -> None:
        version, token = known.version, known.token
        refused = self._refused_lists()
        for record in records:
            if not follows(record, version, token):
                self._require_acceptance()
                return
            puts, removals = self._sorted_out(record, refused)
            self.tally.add(self._writer.put(puts))
            self.tally.add(self._writer.remove(removals))
            version, token = record.version, record.token
        self._keep(version, token, known)

    def _sorted_out(
        self, record: ChangeRecord, refused: set[str]
    ) -> tuple[list[WatchlistEntry], list[tuple[str, str]]]:
        changes = [change for change in record.changes if change.list_id not in refused]
        stored = [change.stored for change in changes if change.stored is not None]
        profiles = self._reader.profiles(each.profile for each in stored)
        puts: list[WatchlistEntry] = []
        removals: list[tuple[str, str]] = []
        for change in changes:
            entry, identity = change.stored, (change.list_id, change.entry_id)
            self.tally.sis_derived.discard(identity)
            profile = None if entry is None else profiles[entry.profile]
            if entry is not None and profile is not None and self._may_go(profile, identity):
                puts.append(restored(entry, profile))
            else:
                removals.append(identity)
        return puts, removals

    def _may_go(self, about: Profile | WatchlistEntry, identity: tuple[str, str]) -> bool:
        sites = () if about.sharing == OWN else about.sharing.split(",")
        shared = about.provider == self._source.site and self._target.site in sites
        if shared and about.sis_derived:
            self.tally.sis_derived.add(identity)
        return shared and not about.sis_derived

    def _deliver_all(self, manifest: Manifest) -> None:
        if self._reader.trust:
            load(self._reader)
        refused = self._refused_lists()
        met: set[tuple[str, str]] = set()
        self.tally.add(self._writer.put(self._shared_entries(refused, met)))
        ours = [
            each.definition.list_id
            for each in self._there.lists()
            if each.definition.provider == self._source.site
        ]
        gone = (
            (list_id, entry_id)
            for list_id in ours
            for entry_id in self._there.entry_ids(list_id)
            if (list_id, entry_id) not in met
        )
        self.tally.add(self._writer.remove(gone))
        self._cursor = None
        self._keep(manifest.version, manifest.token, None, manifest.epoch)

    def _shared_entries(
        self, refused: set[str], met: set[tuple[str, str]]
    ) -> Iterator[WatchlistEntry]:
        for entry in self._reader.entries():
            identity = entry.list_id, entry.entry_id
            if entry.list_id not in refused and self._may_go(entry, identity):
                met.add(identity)
                yield entry

    def _refused_lists(self) -> set[str]:
        """Name the lists of the target that somebody else provides, and those it refused."""
        there = [each.definition for each in self._there.lists()]
        foreign = {each.list_id for each in there if each.provider != self._source.site}
        ours = {each.definition.list_id for each in self._reader.lists()}
        self.tally.lists_refused |= foreign & ours
        return foreign | {each.list_id for each in there if each.refused}

    def _keep(self, version: int, token: str, known: Cursor | None, epoch: str = "") -> None:
        now_us = self._clock.now_us()
        fresh = known is not None and known.version == version
        if fresh and known is not None and now_us - known.confirmed_at_us < CONFIRM_EVERY_US:
            return
        cursor = Cursor(known.epoch if known else epoch, version, token, now_us)
        self._writer.note_delivery(self._source.site, msgspec.json.encode(cursor))
        self._cursor = cursor


def keep_delivering(
    delivery: Delivery, stop: threading.Event, on_current: Callable[[], None] = lambda: None
) -> None:
    """Deliver until told to stop; a Redis that is gone is waited for.

    Raises:
        StoreRolledBack: the source holds less than was delivered before.
        StoreError: one of the two holds what cannot be read.

    """
    log = get_logger()
    gone = False
    while not stop.is_set():
        try:
            if delivery.step(WAIT_MS):
                on_current()
            gone = False
        except (ListRefused, StoreUnavailable, StoreRefused) as error:
            if not gone:
                log.warning("watchlist_delivery_waits", cause=type(error).__name__)
            gone = True
            stop.wait(RETRY_S)


def follow_deliveries(
    source: tuple[str, str],
    target: tuple[str, str],
    stop: threading.Event,
    ready: threading.Event,
) -> None:
    """Deliver between two sites until told to stop, over connections of its own.

    Args:
        source: site and Redis address.
        target: site and Redis address.
        stop: ends it.
        ready: set when everything shared so far has arrived.

    Raises:
        StoreError: as `keep_delivering`.

    """
    with RedisSession(source[1]) as here, RedisSession(target[1]) as there:
        ends = SiteStore(source[0], here), SiteStore(target[0], there)
        keep_delivering(Delivery(*ends, SystemClock()), stop, ready.set)
