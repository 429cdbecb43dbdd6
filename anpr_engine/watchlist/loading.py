"""Loads all watchlists from Redis into columns while others go on writing to them.

Why: holding writers off for a minute is no option, and neither is a copy inside Redis. So entries
are read as they are at the moment each bucket is asked for; then the changes since the version
seen first are applied on top, which brings every entry to the version seen last.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import msgspec

from anpr_engine.errors import StoreError, StoreUnavailable
from anpr_engine.watchlist.block import (
    EntryBlock,
    EntryRows,
    block_of,
    joined,
    rows_from,
    sorted_rows,
)
from anpr_engine.watchlist.editor import Change, SnapshotEditor
from anpr_engine.watchlist.manifest import ChangeRecord, Manifest, unreadable
from anpr_engine.watchlist.memory import release_freed_memory
from anpr_engine.watchlist.proving import ContentProof
from anpr_engine.watchlist.redis_keys import BUCKETS, entries_key
from anpr_engine.watchlist.redis_reader import StoreReader
from anpr_engine.watchlist.snapshot import ProfileTable, Snapshot, empty_snapshot
from anpr_engine.watchlist.stored import decode_entries

ROWS_A_CHUNK = 50_000
LOADS_MAX = 3
PROOFS_MAX = 20
"""How often what changed during a load is read again, until nothing changes meanwhile."""

NEVER_USED = Manifest("", 0, 0, "", 0, 0, 0, 0)
"""What stands for the manifest of a store without one."""


@dataclass(slots=True)
class Loaded:
    """Everything at one version: the editor to go on with, and what it was loaded from."""

    editor: SnapshotEditor
    profiles: ProfileTable
    manifest: Manifest

    def snapshot(self) -> Snapshot:
        """Make the snapshot of what was loaded."""
        return self.editor.snapshot(self.manifest.epoch, self.manifest.version)


def load(reader: StoreReader, cancelled: Callable[[], bool] = lambda: False) -> Loaded:
    """Load all watchlists; a store that was never used gives none, at version 0.

    Args:
        reader: where to load from.
        cancelled: asked between pieces; True ends the load with `StoreUnavailable`.

    Raises:
        StoreError: also when the store changes faster than it can be loaded, or is not complete.

    """
    for _ in range(LOADS_MAX):
        loaded = _load(reader, cancelled)
        if loaded is not None:
            return loaded
    what = f"The watchlists in Redis at {reader.session.where} changed faster than they load."
    raise StoreUnavailable(what, "Try again when the large import has ended.")


def _load(reader: StoreReader, cancelled: Callable[[], bool]) -> Loaded | None:
    before = reader.manifest()
    profiles = ProfileTable()
    if before is None:
        return Loaded(SnapshotEditor(empty_snapshot().base, profiles, {}), profiles, NEVER_USED)
    with ContentProof(reader) as proof:
        base, rows = _base(reader, profiles, before, (cancelled, proof))
        loaded = Loaded(SnapshotEditor(base, profiles, {}), profiles, before)
        for _ in range(PROOFS_MAX):
            counts, after = reader.counts()
            if after is None or after.epoch != before.epoch:
                return None
            if after.version == before.version and rows != after.entries:
                where, count = reader.session.where, after.entries
                raise StoreError(
                    f"Redis at {where} should hold {count} entries, holds {rows}.",
                    "Keys were lost: set maxmemory-policy noeviction, "
                    "restore a copy or import again.",
                )
            if not _caught_up(loaded, after, reader, proof):
                return None
            if proof.settled(after):
                loaded.editor.recount(counts)
                return loaded
            proof.read_again()
    return None


def _caught_up(loaded: Loaded, after: Manifest, reader: StoreReader, proof: ContentProof) -> bool:
    """Bring what was loaded to a later version; False when its history does not lead there."""
    reached = loaded.manifest
    if after.version < reached.version:
        return False
    while reached.version < after.version:
        records = reader.records(reached.version, after.version)
        if not records:
            return False
        for record in records:
            if not follows(record, reached.version, reached.token):
                return False
            proof.note(after.epoch, record)
            loaded.editor.apply(changes_of(record, reader, loaded.profiles))
            reached = reached.after(record)
    loaded.manifest = after
    return True


def _base(
    reader: StoreReader,
    profiles: ProfileTable,
    before: Manifest,
    watched: tuple[Callable[[], bool], ContentProof],
) -> tuple[EntryBlock, int]:
    cancelled, proof = watched
    buckets = max(1, min(64, ROWS_A_CHUNK * BUCKETS // max(1, before.entries)))
    parts = [rows_from([], [])]
    for first in range(0, BUCKETS, buckets):
        if cancelled():
            raise StoreUnavailable("Loading the watchlists was stopped.")
        chunk = range(first, min(first + buckets, BUCKETS))
        commands = [("HVALS", entries_key(bucket)) for bucket in chunk]
        replies = reader.session.ask_all(commands)
        proof.take(chunk, replies)
        texts = [text for reply in replies for text in reply]
        parts.append(_rows(texts, reader, profiles))
    count = sum(map(len, parts))
    rows = joined(parts)
    parts.clear()
    release_freed_memory()
    rows = sorted_rows(rows)
    base = block_of(rows)
    release_freed_memory()
    return base, count


def _rows(texts: list[bytes], reader: StoreReader, profiles: ProfileTable) -> EntryRows:
    try:
        entries = decode_entries(texts)
        digests = [entry.profile for entry in entries]
        numbers = _numbers(digests, reader, profiles)
        return joined([rows_from(entries, [numbers[digest] for digest in digests])])
    except (ValueError, msgspec.MsgspecError):
        raise unreadable("an entry") from None


def _numbers(digests: Iterable[str], reader: StoreReader, profiles: ProfileTable) -> dict[str, int]:
    found = reader.profiles(digests)
    return {digest: profiles.number(digest, profile) for digest, profile in found.items()}


def follows(record: ChangeRecord, version: int, token: str) -> bool:
    """Say whether a record is the next one after a version, in the same history."""
    return record.version == version + 1 and record.previous == token


def changes_of(record: ChangeRecord, reader: StoreReader, profiles: ProfileTable) -> list[Change]:
    """Turn a record into changes of a snapshot; new profiles are numbered.

    Raises:
        StoreError: an entry or its profile cannot be read.

    """
    digests = {each.stored.profile for each in record.changes if each.stored is not None}
    numbers = _numbers(digests, reader, profiles)
    return [
        Change(
            list_id=each.list_id,
            entry_id=each.entry_id,
            was_plate=each.was_plate,
            entry=each.stored,
            profile=0 if each.stored is None else numbers[each.stored.profile],
        )
        for each in record.changes
    ]
