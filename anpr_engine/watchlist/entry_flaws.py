"""Which entries in Redis are not as they were signed, by name, never by plate.

The sum over all entries says that something differs. What the signed history and the signed
changes say of each entry, tells which: the history which version put or removed it, as far back as
it is kept; the stream of changes what it was, for as long as followers may need it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import msgspec

from anpr_engine.errors import StoreError
from anpr_engine.watchlist.history import History
from anpr_engine.watchlist.history_seals import HistoryProof
from anpr_engine.watchlist.manifest import Manifest
from anpr_engine.watchlist.redis_keys import BUCKETS, bucket_of, entries_key, entry_field
from anpr_engine.watchlist.redis_reader import StoreReader, read_entry
from anpr_engine.watchlist.stored import Profile, StoredEntry, decode_entries

BUCKETS_A_TRIP = 16
NEVER = 2**62
"""The version of what cannot be read: later than any."""


@dataclass(frozen=True, slots=True)
class EntryFlaw:
    """One entry that is not as it was signed, and in which way."""

    name: str
    what: str

    def __str__(self) -> str:
        """Say it to a person."""
        return f"Entry {self.name} {self.what}."

    @classmethod
    def of(cls, row: "Row", what: str) -> "EntryFlaw":
        """Say something of what stands in Redis."""
        return cls(row.name.decode(errors="replace"), what)


class Row(NamedTuple):
    """One field of a bucket; stored is None where it cannot be read, home where it should stand."""

    bucket: int
    name: bytes
    text: bytes
    stored: StoredEntry | None
    home: bytes

    @property
    def version(self) -> int:
        """In which version it says that it was written."""
        return NEVER if self.stored is None else self.stored.version

    def flaws(self) -> Iterator[EntryFlaw]:
        """Say what is wrong with it by itself."""
        if self.stored is None:
            yield EntryFlaw.of(self, "cannot be read")
        elif self.name != self.home:
            other = self.home.decode(errors="replace")
            yield EntryFlaw.of(self, f"stands in Redis with what belongs to {other}")
        elif bucket_of(self.name) != self.bucket:
            yield EntryFlaw.of(self, "stands in another bucket than its own")


def rows_of(reader: StoreReader) -> Iterator[list[Row]]:
    """Read all entries of all lists, bucket by bucket."""
    for first in range(0, BUCKETS, BUCKETS_A_TRIP):
        buckets = range(first, min(first + BUCKETS_A_TRIP, BUCKETS))
        replies = reader.session.ask_all([("HGETALL", entries_key(each)) for each in buckets])
        for bucket, reply in zip(buckets, replies, strict=True):
            texts = reply[1::2]
            stored = _read(texts)
            profiles = reader.profiles(each.profile for each in stored if each is not None)
            rows = zip(reply[::2], texts, stored, strict=True)
            yield [Row(bucket, *row, _home(row, profiles)) for row in rows]


def _home(row: tuple[bytes, bytes, StoredEntry | None], profiles: Mapping[str, Profile]) -> bytes:
    name, _, stored = row
    if stored is None:
        return name
    return entry_field(profiles[stored.profile].list_id, stored.entry_id)


def _read(texts: list[bytes]) -> Sequence[StoredEntry | None]:
    """Read stored entries, together where all can be read: that costs a tenth."""
    try:
        found = decode_entries(texts)
    except msgspec.MsgspecError:
        found = []
    # A text may also be made to look like two.
    return found if len(found) == len(texts) else [_readable(text) for text in texts]


def _readable(text: bytes) -> StoredEntry | None:
    try:
        return read_entry(text)
    except StoreError:
        return None


def entry_flaws(reader: StoreReader, sealed: Manifest) -> list[EntryFlaw]:
    """Name the entries that are not as the history and the changes say.

    Args:
        reader: of the store.
        sealed: the newest version with a signature that holds.

    """
    told, since = _told(reader, sealed)
    held = _held(reader, sealed)
    later = {
        entry_field(row.list_id, row.entry_id)
        for record in History(reader.session).oldest_first(sealed.version)
        for row in record.rows()
    }
    found = list[EntryFlaw]()
    for rows in rows_of(reader):
        for row in rows:
            expected = told.pop(row.name, None)
            if row.name in later or row.stored is None:
                continue
            if what := _objection(row, expected, held.get(row.name), since):
                found.append(EntryFlaw.of(row, what))
    found += [
        EntryFlaw(name.decode(errors="replace"), f"is missing: version {version} put it there")
        for name, (version, put) in told.items()
        if put and name not in later
    ]
    return found


def _objection(
    row: Row, expected: tuple[int, bool] | None, held: StoredEntry | None, since: int
) -> str:
    if expected is None:
        return "is in Redis, and no version put it there" if row.version >= since else ""
    version, put = expected
    if not put:
        return f"is in Redis, and version {version} removed it"
    if row.version != version:
        return f"is another than version {version} put there"
    if held is not None and held.version == version and held != row.stored:
        return f"was altered since version {version} put it there"
    return ""


def _told(reader: StoreReader, sealed: Manifest) -> tuple[dict[bytes, tuple[int, bool]], int]:
    """Say which version put or removed each entry last, and how far back that is known."""
    told, since = dict[bytes, tuple[int, bool]](), sealed.version + 1
    proof = HistoryProof(sealed, reader.session.trust)
    for record in proof.checked(History(reader.session).newest_first(sealed.version), 0):
        if record.version != since - 1 or proof.found:
            break
        since = record.version
        for row in record.rows():
            told.setdefault(entry_field(row.list_id, row.entry_id), (record.version, row.put))
    return told, since


def _held(reader: StoreReader, sealed: Manifest) -> dict[bytes, StoredEntry | None]:
    """Say what each entry was put as, by the signed changes that are still held."""
    held, after = dict[bytes, StoredEntry | None](), 0
    while records := reader.records(after, sealed.version):
        for record in records:
            after = record.version
            if not reader.session.trust.record_objection(sealed.epoch, record):
                for each in record.changes:
                    held[entry_field(each.list_id, each.entry_id)] = each.stored
    return held
