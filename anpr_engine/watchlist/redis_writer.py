"""Changes the watchlists in Redis: in chunks, each of them one version, each exactly once.

A chunk takes two round trips: WATCH and read what is there; then MULTI, the changes, EXEC. When
somebody else was faster, nothing was written and it is done again. When the reply of EXEC is
lost, nobody knows whether it was carried out, so the record of that version is looked up: it
carries this chunk's token, or it is not ours.
"""

import random
import secrets
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice

import msgspec

from anpr_engine.errors import (
    ListRefused,
    PolicyRefused,
    StoreConflict,
    StoreRolledBack,
    StoreUnavailable,
)
from anpr_engine.ports import Clock
from anpr_engine.records.watchlist_entry import WatchlistEntry
from anpr_engine.watchlist.acts import Act
from anpr_engine.watchlist.edits import Edit, EditMaker, Planned, plan, rows_asked
from anpr_engine.watchlist.history import history_fields, history_texts
from anpr_engine.watchlist.history_seals import chained_to, history_seal
from anpr_engine.watchlist.listed_row import ListedRow
from anpr_engine.watchlist.manifest import (
    ListDefinition,
    Manifest,
    read_definition,
    read_manifest,
)
from anpr_engine.watchlist.receipts import signed_cursor
from anpr_engine.watchlist.redis_client import RedisSession
from anpr_engine.watchlist.redis_keys import (
    CHANGES,
    COUNTS,
    DELIVERED,
    HISTORY,
    LISTS,
    MANIFEST,
    PROFILES,
)
from anpr_engine.watchlist.redis_wire import Command
from anpr_engine.watchlist.seals import check_seal
from anpr_engine.watchlist.stored import Profile

CHUNK_ROWS = 1_000
WINDOW_ROWS = 32_000
"""Rows sorted by bucket before they are cut into chunks, so that a chunk touches few buckets."""
CONFLICTS_MAX = 20
LOSSES_MAX = 8
WAIT_S = 0.02

_ENCODER = msgspec.json.Encoder()


@dataclass(slots=True)
class WriteTally:
    """What a write did, in entries, and the last version it made; 0 when it changed nothing."""

    added: int = 0
    changed: int = 0
    removed: int = 0
    unchanged: int = 0
    version: int = 0

    def add(self, planned: Planned, version: int) -> None:
        """Count one chunk that was written, or needed no writing."""
        self.added += planned.added
        self.changed += planned.changed
        self.removed += planned.removed
        self.unchanged += planned.unchanged
        if planned.changes:
            self.version = version

    def add_other(self, tally: "WriteTally") -> None:
        """Count what another write did after this one."""
        self.added += tally.added
        self.changed += tally.changed
        self.removed += tally.removed
        self.unchanged += tally.unchanged
        self.version = tally.version or self.version


@dataclass(slots=True)
class _Attempt:
    """One chunk on its way: its token, the version tried last, and what went wrong so far."""

    token: str = field(default_factory=lambda: secrets.token_hex(8))
    version: int = 0
    doubtful: bool = False
    conflicts: int = 0
    losses: int = 0
    planned: Planned = field(default_factory=Planned)


class StoreWriter:
    """Writes entries of one providing site; for one thread.

    Methods raise `PolicyRefused` for a list that another site provides, `StoreConflict` when
    others were faster every time, `StoreUnavailable`, `StoreRefused`, `StoreRolledBack`.
    """

    def __init__(
        self, session: RedisSession, provider: str, clock: Clock, act: Act | None = None
    ) -> None:
        """Write over a session, which stays the caller's to close.

        Args:
            session: the store to write to.
            provider: the site whose lists these are.
            clock: tells the time of a commit.
            act: who writes, and why; goes into the history.

        """
        self._session = session
        self._provider = provider
        self._clock = clock
        self._act = act or Act()
        self._sealer = session.sealer
        self._edits = EditMaker(provider)
        self._pause = threading.Event()

    def put(self, entries: Iterable[WatchlistEntry | ListedRow]) -> WriteTally:
        """Add or change entries; those that are there already, field for field, stay as is."""
        return self._write(self._edits.put(entry) for entry in entries)

    def remove(self, identities: Iterable[tuple[str, str]]) -> WriteTally:
        """Remove entries by list id and entry id; those that are not there count as unchanged."""
        return self._write(self._edits.removal(*identity) for identity in identities)

    def apply(self, edits: Iterable[Edit]) -> WriteTally:
        """Write edits that were made earlier, such as those of a proposal."""
        return self._write(iter(edits))

    def note_delivery(self, provider: str, cursor: bytes) -> None:
        """Keep how far the deliveries of a site have come."""
        if self._sealer is not None:
            cursor = signed_cursor(cursor, provider, self._sealer)
        self._session.ask("HSET", DELIVERED.name, provider, cursor)

    def _write(self, edits: Iterator[Edit]) -> WriteTally:
        tally = WriteTally()
        while window := list(islice(edits, WINDOW_ROWS)):
            latest = {edit.field: edit for edit in window}
            ordered = sorted(latest.values(), key=lambda edit: edit.bucket)
            for first in range(0, len(ordered), CHUNK_ROWS):
                self._write_chunk(ordered[first : first + CHUNK_ROWS], tally)
        return tally

    def _write_chunk(self, edits: Sequence[Edit], tally: WriteTally) -> None:
        attempt = _Attempt()
        while not self._try(edits, attempt):
            lost, faster = attempt.losses, attempt.conflicts
            if faster >= CONFLICTS_MAX:
                what = f"Others changed the watchlists first, {CONFLICTS_MAX} times in a row."
                raise StoreConflict(what, "Run the command again; it goes on where it stopped.")
            # Spread out, so that several writers do not meet again.
            spread = random.uniform(0.5, 1.0)  # noqa: S311 - no secret
            self._pause.wait(spread * WAIT_S * (2**lost if lost else max(0, faster - 2)))
        tally.add(attempt.planned, attempt.version)

    def _try(self, edits: Sequence[Edit], attempt: _Attempt) -> bool:
        """Write a chunk if nobody interferes; True when it is written."""
        try:
            manifest, definitions, rows = self._look(edits, attempt)
            if attempt.doubtful and self._is_written(attempt):
                return True
            attempt.planned = plan(edits, rows)
            self._check_lists(definitions, {each.list_id for each in edits if each.tail})
            if not attempt.planned.changes:
                return True
            attempt.version = manifest.version + 1
            attempt.doubtful = True
            replies = self._session.ask_all(self._commands(manifest, definitions, attempt))
        except StoreUnavailable:
            attempt.losses += 1
            # Before anything was sent for writing, a second try is for a connection gone stale.
            patient = attempt.doubtful or self._session.finds_another
            if attempt.losses > (LOSSES_MAX if patient else 1):
                raise
            return False
        attempt.doubtful = False
        attempt.conflicts += replies[-1] is None
        return replies[-1] is not None

    def _look(
        self, edits: Sequence[Edit], attempt: _Attempt
    ) -> tuple[Manifest, dict[str, ListDefinition | None], list[bytes | None]]:
        lists = sorted({edit.list_id for edit in edits})
        commands: list[Command] = [
            ("UNWATCH",),
            ("WATCH", MANIFEST.name, LISTS.name),
            ("HGETALL", MANIFEST.name),
            ("HMGET", LISTS.name, *lists),
            ("EXISTS", CHANGES.name),
        ]
        commands.extend(rows_asked(edits))
        _, _, manifest, definitions, changes, *rows = self._session.ask_all(commands)
        found = read_manifest(manifest)
        if found is None:
            if changes:
                where = self._session.where
                raise StoreRolledBack(
                    f"Redis at {where} has changes of the watchlists but lost their manifest.",
                    "Restore a copy, or delete all keys anpr:{wl}:* and import the lists again.",
                )
            found = Manifest(secrets.token_hex(8), 0, 0, "", 0, 0, 0, 0)
        check_seal(self._sealer, found, self._session.where)
        known = {
            name: None if text is None else read_definition(text)
            for name, text in zip(lists, definitions, strict=True)
        }
        return found, known, [row for reply in rows for row in reply]

    def _is_written(self, attempt: _Attempt) -> bool:
        identity = f"{attempt.version}-0"
        records = self._session.ask("XRANGE", CHANGES.name, identity, identity)
        return any(attempt.token.encode() in record[1] for record in records)

    def _check_lists(self, definitions: dict[str, ListDefinition | None], filled: set[str]) -> None:
        for definition in definitions.values():
            if definition is not None and definition.refused and definition.list_id in filled:
                raise ListRefused(
                    f"List {definition.list_id} was refused here and destroyed.",
                    "Whoever refused it lifts that with `anpr watchlist accept`.",
                )
            if definition is not None and definition.provider != self._provider:
                raise PolicyRefused(
                    f"List {definition.list_id} is provided by site {definition.provider}; "
                    f"site {self._provider} may not change it.",
                    "Use another list id, or ask the site that provides the list.",
                )

    def _commands(
        self,
        manifest: Manifest,
        definitions: dict[str, ListDefinition | None],
        attempt: _Attempt,
    ) -> list[Command]:
        planned, now_us = attempt.planned, self._clock.now_us()
        entries = manifest.entries + planned.added - planned.removed
        state = manifest.next(attempt.token, entries, len(planned.changes), now_us)
        rows = planned.rows(state.version)
        record = planned.record(rows)
        if self._sealer is not None:
            state = self._sealer.seal(state, manifest, record, planned.row_change(rows))
        commands: list[Command] = [
            ("MULTI",),
            ("HSETNX", MANIFEST.name, "epoch", manifest.epoch),
            ("HSET", MANIFEST.name, *state.fields()),
        ]
        commands.extend(
            ("HSETNX", LISTS.name, name, _definition(profile, now_us))
            for name, profile in planned.lists_met.items()
            if definitions.get(name) is None
        )
        commands.extend(("HINCRBY", COUNTS.name, n, c) for n, c in planned.counts.items() if c)
        commands.extend(("HSETNX", PROFILES.name, *item) for item in planned.profiles.items())
        commands.extend(planned.entry_commands(rows))
        named = ("MINID", "~", state.previous_mark, f"{state.version}-0")
        fields = state.record_fields(manifest.token, record)
        commands.append(("XADD", CHANGES.name, *named, *fields))
        commands.append(self._history(planned, manifest, state))
        commands.append(("EXEC",))
        return commands

    def _history(self, planned: Planned, before: Manifest, after: Manifest) -> Command:
        """Write the record of a version, signed where the version is."""
        texts, seal = history_texts(self._act, planned, after), None
        if self._sealer is not None:
            chained = chained_to(before, after)
            seal = history_seal(after.epoch, after.version, texts, chained, self._sealer)
        return ("XADD", HISTORY.name, f"{after.version}-0", *history_fields(texts, seal))


def _definition(profile: Profile, now_us: int) -> bytes:
    return _ENCODER.encode(
        ListDefinition(
            list_id=profile.list_id,
            category=profile.category,
            owner=profile.owner,
            purpose=profile.purpose,
            legal_basis=profile.legal_basis,
            provider=profile.provider,
            created_at=datetime.fromtimestamp(now_us // 1_000_000, UTC).isoformat(),
        )
    )
