"""Follows the watchlists in Redis in a thread and keeps the newest good snapshot at hand.

Each look at the store waits for changes and reads the manifest in the same round trip, so every
answer confirms epoch and version; no answer within a second counts as a lost connection.

Why: what Redis holds is never trusted to be less than what was seen. A wiped store, an older copy
put back, a failover that lost writes: each looks like "fewer entries now", and taking it over
would let listed vehicles pass in silence. The last good lists stay in use, the state is shown,
and a person decides: an engine that starts holds what is there against the site's record and takes
what is older only where told to. Where keys are given, nothing that they did not sign is taken.
"""

import math
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from random import Random

from anpr_engine.errors import StoreError, StoreNotTrusted, StoreRefused, StoreUnavailable
from anpr_engine.logs import get_logger
from anpr_engine.metrics.table import (
    LIST_AGE,
    LIST_CHANGE_SECONDS,
    LIST_ENTRIES,
    LIST_REFUSED,
    LIST_RELOADS,
    LIST_VERIFIED,
    LIST_VERSION,
    Metrics,
)
from anpr_engine.ports import Clock
from anpr_engine.watchlist.changes import ChangeNotes
from anpr_engine.watchlist.editor import Change, SnapshotEditor
from anpr_engine.watchlist.loading import NEVER_USED, Loaded, changes_of, follows, load
from anpr_engine.watchlist.manifest import ChangeRecord, Manifest
from anpr_engine.watchlist.pace import FollowLimits, Pace
from anpr_engine.watchlist.redis_client import RedisSession
from anpr_engine.watchlist.redis_reader import StoreReader
from anpr_engine.watchlist.seals import Trust
from anpr_engine.watchlist.snapshot import ProfileTable, Snapshot, empty_snapshot

REPLY_S_MAX, WAIT_MS_MAX = 1.0, 500
"""Longest wait for changes; shorter than `REPLY_S_MAX`, so that silence is noticed."""
RETRY_S_MIN, RETRY_S_MAX = 0.05, 1.0
RELOAD_S = 5.0
"""Between two loads of everything, where the content is not what was signed."""
JOIN_S_MAX = 10.0
US = 1_000_000
RECEIPTS_EVERY_US, RECEIPTS_SOON_US = 5 * US, US // 5
"""How often the receipts of other sites' lists are read; and how soon after a change of lists."""


class WatchlistFollower:
    """Holds `current`, the newest good snapshot; reading it is safe from any thread.

    current: replaced as a whole, never changed.
    verified_at_us: when Redis last confirmed that `current` is its newest version.
    received_at_us: when each other site's list was last received, as far as Redis told.
    changes: what became of single entries, noted once `current` has it.
    refused: why what Redis holds is not taken over; empty when it is.
    connected: whether Redis answered the last time it was asked.
    """

    def __init__(
        self,
        redis_url: str,
        clock: Clock,
        metrics: Metrics,
        limits: FollowLimits | None = None,
        seed: int = 0,
    ) -> None:
        """Prepare to follow; nothing is asked before `start`."""
        limits = limits or FollowLimits()
        self.current: Snapshot = empty_snapshot()
        self.verified_at_us = self._receipts_due_us = 0
        self.received_at_us: Mapping[str, int] = {}
        self.changes = ChangeNotes()
        self.refused, self.connected = "", False
        self._clock, self._metrics = clock, metrics
        self._wait_ms = min(limits.poll_ms, WAIT_MS_MAX)
        self._delta_entries_max = limits.delta_entries_max
        self._session = RedisSession(redis_url, reply_s_max=REPLY_S_MAX)
        self._trust = Trust(limits.keys)
        self._reader = StoreReader(self._session, self._trust)
        self._random = Random(seed)  # noqa: S311 - spreads retries, no secret
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="watchlist-fold")
        self._thread = threading.Thread(target=self._run, name="watchlist", daemon=True)
        self._stop = threading.Event()
        self._failures = self._seen_version = 0
        self._profiles = ProfileTable()
        self._editor = SnapshotEditor(self.current.base, self._profiles, {})
        self._manifest = NEVER_USED
        self._pace = Pace(clock)
        self._unpublished: list[tuple[ChangeRecord, list[Change]]] = []
        self._log = get_logger()

    @property
    def ready(self) -> bool:
        """Whether there is a snapshot and somebody keeps it up to date."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Load the watchlists, then follow them in a thread.

        Raises:
            StoreError: they cannot be loaded; nothing was started.

        """
        try:
            self._adopt(load(self._reader), "start")
            self._read_receipts()
        except StoreError:
            self.stop()
            raise
        self.connected = True
        if not self.current.epoch:
            self._log.warning("watchlist_store_is_empty", where=self._session.where)
        self._thread.start()

    def stop(self) -> None:
        """Stop following; `current` stays usable."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(JOIN_S_MAX)
        self._executor.shutdown(cancel_futures=True)
        self._session.close()

    def _run(self) -> None:
        while not self._stop.is_set():
            pause_s = 0.0
            try:
                self._step()
                self._answered()
            except (StoreUnavailable, StoreRefused) as error:
                pause_s = self._lost(error)
            except StoreNotTrusted as error:
                self._refuse(error.cause, None)
                pause_s = RELOAD_S
            except StoreError:
                self._refuse("unreadable", None)
            self._metrics.put(LIST_AGE, max(0, self._clock.now_us() - self.verified_at_us) / US)
            if self.refused:
                # A refused state may answer at once; asking again and again would help nobody.
                pause_s = max(pause_s, self._wait_ms / 1000)
            self._stop.wait(pause_s)

    def _answered(self) -> None:
        if not self.connected:
            self._log.info("watchlist_store_is_back", where=self._session.where)
        self.connected = True
        self._failures = 0

    def _lost(self, error: StoreError) -> float:
        if self.connected:
            where, cause = self._session.where, type(error).__name__
            self._log.warning("watchlist_store_is_gone", where=where, cause=cause)
        self.connected = False
        self._failures += 1
        longest_s = min(RETRY_S_MAX, RETRY_S_MIN * (1 << min(self._failures, 10)))
        return longest_s * self._random.uniform(0.5, 1.0)

    def _step(self) -> None:
        """Look at the store once and take over what can be."""
        self._publish_due(folded=self._editor.finish_fold())
        if not self.refused and self._clock.now_us() >= self._receipts_due_us:
            # A store that is refused cannot prolong how long received lists may be used.
            self._read_receipts()
        seen = self._seen_version
        due_ms = 1000 * self._pace.wait_s() if self._unpublished else self._wait_ms
        wait_ms = min(self._wait_ms, 1 + math.ceil(due_ms))
        found = self._reader.progress(self._manifest.version, wait_ms)
        manifest = found.manifest
        if cause := self._objection(manifest):
            self._refuse(cause, manifest)
            return
        if manifest is None:
            self._confirm()
            return
        self._seen_version = manifest.version
        if not self.current.epoch:
            self._reload("first")
        elif found.records:
            self._follow(found.records)
        elif seen > self._manifest.version:
            # The version was there before we asked for it, and its record is not.
            self._reload("gap")
        if manifest.version == self._manifest.version and not self._objection(manifest):
            self._manifest = manifest
            self._confirm()

    def _read_receipts(self) -> None:
        self.received_at_us = self._reader.receipts()
        self._receipts_due_us = self._clock.now_us() + RECEIPTS_EVERY_US

    def _objection(self, found: Manifest | None) -> str:
        """Say why a state of the store must not be taken over; empty when it may be."""
        known = self._manifest
        if not known.epoch:
            return "" if found is None else self._trust.objection(found)
        if found is None:
            return "manifest-missing"
        same = found.version == known.version
        causes = {
            "epoch-changed": found.epoch != known.epoch,
            "version-lower": found.version < known.version,
            "history-changed": same and found.token != known.token,
            "entries-dropped": same and found.entries < known.entries,
        }
        return next((cause for cause, holds in causes.items() if holds), "") or (
            self._trust.objection(found)
        )

    def _refuse(self, cause: str, found: Manifest | None) -> None:
        if cause == self.refused:
            return
        self.refused = cause
        self._metrics.add(LIST_REFUSED, 1, cause)
        self._log.error(
            "watchlist_state_refused",
            cause=cause,
            version_used=self.current.version,
            version_found=found.version if found else None,
        )

    def _confirm(self) -> None:
        if self._unpublished:
            # The newest version is known, and not yet in use.
            return
        if self.refused:
            self._log.info("watchlist_state_accepted_again", version=self.current.version)
        self.refused = ""
        self.verified_at_us = self._clock.now_us()
        self._metrics.put(LIST_VERIFIED, self.verified_at_us / US)

    def _follow(self, records: Sequence[ChangeRecord]) -> None:
        profiles = self._profiles
        try:
            for record in records:
                if record.version > self._manifest.version + 1:
                    self._reload("gap")
                    return
                cause = self._trust.record_objection(self._manifest.epoch, record)
                if not follows(record, self._manifest.version, self._manifest.token):
                    cause = "history-changed"
                if cause:
                    self._refuse(cause, None)
                    if self._trust and cause != "history-changed":
                        # The newest version is signed; all that it is can be loaded and proved.
                        self._reload(cause)
                    return
                changes = changes_of(record, self._reader, profiles)
                self._editor.apply(changes)
                self._manifest = self._manifest.after(record)
                self._unpublished.append((record, changes))
        finally:
            # What was applied is used, even when the next record's profile cannot be had now.
            self._publish_due()

    def _reload(self, cause: str) -> None:
        loaded = load(self._reader, self._stop.is_set)
        if objection := self._objection(loaded.manifest):
            self._refuse(objection, loaded.manifest)
        else:
            self._adopt(loaded, cause)

    def _adopt(self, loaded: Loaded, cause: str) -> None:
        self._editor, self._profiles = loaded.editor, loaded.profiles
        self._manifest = loaded.manifest
        self._seen_version = loaded.manifest.version
        self._unpublished.clear()
        self._publish(loaded.manifest)
        self._confirm()
        self._metrics.add(LIST_RELOADS, 1, cause)
        version, entries = self.current.version, len(self.current)
        self.changes.anew(version, self.verified_at_us)
        self._log.info("watchlists_loaded", cause=cause, version=version, entries=entries)

    def _publish_due(self, *, folded: bool = False) -> None:
        if folded or (self._unpublished and not self._pace.wait_s()):
            self._publish(self._manifest)

    def _publish(self, manifest: Manifest) -> None:
        # A delivery writes its receipt just after its entries.
        soon_us = self._clock.now_us() + RECEIPTS_SOON_US
        self._receipts_due_us = min(self._receipts_due_us, soon_us)
        former = self.current
        with self._pace.turn():
            self.current = self._editor.snapshot(manifest.epoch, manifest.version)
        now_us = self._clock.now_us()
        for record, changes in self._unpublished:
            self.changes.follow(record.version, now_us, changes, self._profiles)
            waited_us = now_us - record.committed_at_us
            self._metrics.observe(LIST_CHANGE_SECONDS, max(0, waited_us) / US)
        self._unpublished.clear()
        self._metrics.put(LIST_VERSION, manifest.version)
        for name in former.counts.keys() | self.current.counts.keys():
            self._metrics.put(LIST_ENTRIES, self.current.counts.get(name, 0), name)
        if len(self._editor) > self._delta_entries_max:
            self._editor.start_fold(self._executor)
