"""Reads the watchlists from Redis: the state, the changes since a version, lists and entries."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import msgspec

from anpr_engine.records.watchlist_entry import WatchlistEntry
from anpr_engine.watchlist.manifest import (
    ChangeRecord,
    ListDefinition,
    Manifest,
    read_definition,
    read_manifest,
    read_record,
    unreadable,
)
from anpr_engine.watchlist.receipts import receipts_from
from anpr_engine.watchlist.redis_client import RedisSession, Reply
from anpr_engine.watchlist.redis_keys import (
    BUCKETS,
    CHANGES,
    COUNTS,
    DELIVERED,
    LISTS,
    MANIFEST,
    PROFILES,
    bucket_of,
    entries_key,
    entry_field,
    list_pattern,
    list_prefix,
)
from anpr_engine.watchlist.seals import CONTENT_DIFFERS, Trust, not_trusted
from anpr_engine.watchlist.stored import (
    Profile,
    StoredEntry,
    decode_entry,
    decode_profile,
    restore_entry,
)

RECORDS_A_READ = 32
SCAN_FIELDS = 2_000


@dataclass(frozen=True, slots=True)
class ListSummary:
    """One list and how many entries it has."""

    definition: ListDefinition
    entries: int


@dataclass(frozen=True, slots=True)
class Progress:
    """What one look at the store gave: the records after a version, then the manifest."""

    records: Sequence[ChangeRecord]
    manifest: Manifest | None


class StoreReader:
    """Reads the watchlists over one session; for one thread.

    Every method raises `StoreUnavailable`, `StoreRefused`, or `StoreError` for content that
    cannot be read.
    """

    def __init__(self, session: RedisSession, trust: Trust | None = None) -> None:
        """Read over a session, which stays the caller's to close.

        Args:
            session: the store to read from.
            trust: whose signatures a load asks for; None for those of the session.

        """
        self.session = session
        self.trust = session.trust if trust is None else trust
        self._profiles: dict[str, Profile] = {}

    def manifest(self) -> Manifest | None:
        """Give the state of the store; None when it was never used."""
        return read_manifest(self.session.ask("HGETALL", MANIFEST.name))

    def progress(self, after: int, wait_ms: int) -> Progress:
        """Wait for versions after one, and ask for the state, in one round trip.

        The manifest is read last, so it is never older than the records.
        """
        count = ("COUNT", RECORDS_A_READ, "BLOCK", wait_ms)
        reply, manifest = self.session.ask_all(
            [
                ("XREAD", *count, "STREAMS", CHANGES.name, f"{after}-0"),
                ("HGETALL", MANIFEST.name),
            ]
        )
        records = [read_record(record) for record in reply[0][1]] if reply else []
        return Progress(records, read_manifest(manifest))

    def records(self, after: int, until: int) -> list[ChangeRecord]:
        """Give the first records after a version, up to another one inclusive."""
        reply = self.session.ask(
            "XRANGE", CHANGES.name, f"{after + 1}-0", f"{until}-0", "COUNT", RECORDS_A_READ
        )
        return [read_record(record) for record in reply]

    def counts(self) -> tuple[dict[str, int], Manifest | None]:
        """Give the entries by list, and the state they belong to."""
        replies: list[Reply] = self.session.ask_all(
            [("MULTI",), ("HGETALL", COUNTS.name), ("HGETALL", MANIFEST.name), ("EXEC",)]
        )
        counts, manifest = replies[-1]
        pairs = zip(counts[::2], counts[1::2], strict=True)
        found = {_text(name): int(count) for name, count in pairs if int(count)}
        return found, read_manifest(manifest)

    def lists(self) -> list[ListSummary]:
        """Give all lists, by id; empty ones too."""
        definitions = self.session.ask("HVALS", LISTS.name)
        counts, _ = self.counts()
        found = sorted((read_definition(text) for text in definitions), key=lambda d: d.list_id)
        return [ListSummary(each, counts.get(each.list_id, 0)) for each in found]

    def profiles(self, digests: Iterable[str]) -> dict[str, Profile]:
        """Give the profiles of digests; those met before are not asked for again."""
        wanted = set(digests)
        unknown = sorted(wanted - self._profiles.keys())
        if unknown:
            texts = self.session.ask("HMGET", PROFILES.name, *unknown)
            for digest, text in zip(unknown, texts, strict=True):
                self._profiles[digest] = self._profile(digest, text)
        return {digest: self._profiles[digest] for digest in wanted}

    def _profile(self, digest: str, text: bytes | None) -> Profile:
        if text is None:
            raise unreadable("a profile, which is missing,")
        # Encoded again it could differ: fields may have been added since it was stored.
        if self.trust and hashlib.blake2b(text, digest_size=8).hexdigest() != digest:
            raise not_trusted(CONTENT_DIFFERS, self.session.where)
        try:
            return decode_profile(text)
        except msgspec.MsgspecError:
            raise unreadable("a profile") from None

    def entry(self, list_id: str, entry_id: str) -> WatchlistEntry | None:
        """Give one entry, None when the list has none of this id."""
        field = entry_field(list_id, entry_id)
        text = self.session.ask("HGET", entries_key(bucket_of(field)), field)
        return None if text is None else self._restored([read_entry(text)])[0]

    def entries(self, list_id: str | None = None) -> Iterator[WatchlistEntry]:
        """Give the entries of a list, or of all lists, in no order that means anything.

        Each is given once. Entries put or removed meanwhile may be there or not.
        """
        for _, entry in self.stored_entries(list_id):
            yield entry

    def stored_entries(
        self, list_id: str | None = None
    ) -> Iterator[tuple[StoredEntry, WatchlistEntry]]:
        """Give entries as `entries` does, each with its stored form, which knows its version."""
        pattern = b"*" if list_id is None else list_pattern(list_id)
        for bucket in range(BUCKETS):
            stored = [read_entry(text) for text in self._scan(bucket, pattern).values()]
            yield from zip(stored, self._restored(stored), strict=True)

    def entry_ids(self, list_id: str) -> Iterator[str]:
        """Give the ids of a list's entries, each once."""
        prefix = len(list_prefix(list_id))
        for bucket in range(BUCKETS):
            for name in self._scan(bucket, list_pattern(list_id)):
                yield name[prefix:].decode()

    def _scan(self, bucket: int, pattern: bytes) -> dict[bytes, bytes]:
        found: dict[bytes, bytes] = {}
        cursor: bytes | str = "0"
        key = entries_key(bucket)
        while True:
            reply = self.session.ask("HSCAN", key, cursor, "MATCH", pattern, "COUNT", SCAN_FIELDS)
            cursor, pairs = reply
            found.update(zip(pairs[::2], pairs[1::2], strict=True))
            if cursor == b"0":
                return found

    def _restored(self, stored: Sequence[StoredEntry]) -> list[WatchlistEntry]:
        profiles = self.profiles(each.profile for each in stored)
        return [restored(each, profiles[each.profile]) for each in stored]

    def delivered(self, provider: str) -> bytes | None:
        """Give the cursor of a providing site's deliveries, as it was written."""
        cursor: bytes | None = self.session.ask("HGET", DELIVERED.name, provider)
        return cursor

    def receipts(self) -> dict[str, int]:
        """Give when each providing site's entries were last received, see `receipts_from`."""
        return receipts_from(self.session.ask("HGETALL", DELIVERED.name), self.trust)


def read_entry(text: bytes) -> StoredEntry:
    """Read one stored entry; raises `StoreError` for anything else."""
    try:
        return decode_entry(text)
    except msgspec.MsgspecError:
        raise unreadable("an entry") from None


def restored(stored: StoredEntry, profile: Profile) -> WatchlistEntry:
    """Put an entry together; raises `StoreError` where its content is not permitted."""
    try:
        return restore_entry(stored, profile)
    except ValueError:
        raise unreadable("an entry") from None


def _text(raw: bytes) -> str:
    return raw.decode(errors="replace")
