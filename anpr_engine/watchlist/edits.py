"""What is to be done to single entries, compared with what the store holds."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

import msgspec

from anpr_engine.records.watchlist_entry import WatchlistEntry
from anpr_engine.watchlist.listed_row import ListedRow
from anpr_engine.watchlist.manifest import unreadable
from anpr_engine.watchlist.redis_keys import bucket_of, entries_key, entry_field
from anpr_engine.watchlist.redis_wire import Command
from anpr_engine.watchlist.row_sum import RowSum
from anpr_engine.watchlist.stored import (
    Profile,
    decode_entry,
    encode_entry,
    encode_profile,
    profile_digest,
    profile_of,
    store_entry,
)

PROFILES_REMEMBERED_MAX = 100_000

_ENCODER = msgspec.json.Encoder()
_SHARED_VALUES = attrgetter(*(name for name in Profile.__struct_fields__ if name != "provider"))


@dataclass(frozen=True, slots=True)
class SharedPart:
    """A profile with its digest and JSON text, made once for the many entries that share it."""

    profile: Profile
    digest: str
    text: bytes


class Edit(msgspec.Struct, frozen=True, gc=False):
    """One entry to be put, or removed when `tail` is None.

    tail: the stored entry's JSON array behind its first element, the version, which is known
        only when the change is written.
    """

    list_id: str
    entry_id: str
    field: bytes
    bucket: int
    tail: bytes | None = None
    shared: SharedPart | None = None

    def row(self, version: int) -> bytes:
        """Write the stored entry as it stands from a version on."""
        return b"[%d%b" % (version, self.tail or b"")


def rows_asked(edits: Sequence[Edit]) -> list[Command]:
    """Ask for what the store holds of some edits' entries; they are sorted by bucket."""
    return [
        ("HMGET", entries_key(bucket), *(edit.field for edit in same))
        for bucket, same in groupby(edits, key=attrgetter("bucket"))
    ]


class _Alike(NamedTuple):
    """What the edits of all rows that share an entry have in common.

    shared: kept, so that no other entry has its place in memory. begin: how their tails begin.
    """

    shared: WatchlistEntry
    part: SharedPart
    begin: bytes
    valid_from_s: int
    valid_until_s: int


class EditMaker:
    """Makes edits for one providing site."""

    def __init__(self, provider: str) -> None:
        """Make edits whose entries carry a provider."""
        self._provider = provider
        self._shared: dict[tuple[object, ...], SharedPart] = {}
        self._last: tuple[tuple[object, ...], SharedPart] | None = None
        self._alike: dict[int, _Alike] = {}

    def put(self, entry: WatchlistEntry | ListedRow) -> Edit:
        """Make the edit that puts an entry."""
        if isinstance(entry, ListedRow):
            return self._put_row(entry)
        part = self._shared_part(entry)
        text = encode_entry(store_entry(entry, 0, part.digest))
        name = entry_field(entry.list_id, entry.entry_id)
        return Edit(
            entry.list_id, entry.entry_id, name, bucket_of(name), text[text.index(b",") :], part
        )

    def _put_row(self, row: ListedRow) -> Edit:
        alike = self._alike.get(id(row.shared)) or self._alike_of(row.shared)
        _, part, begin, from_s, until_s = alike
        entry_id, country = row.entry_id, row.country
        code = country.upper() if country else ""
        # An array's text like any other: it goes on where the row's version and profile end.
        own = (entry_id, row.plate, code, from_s, until_s, row.case_ref, row.note)
        list_id = part.profile.list_id
        name = entry_field(list_id, entry_id)
        return Edit(
            list_id, entry_id, name, bucket_of(name), begin + _ENCODER.encode(own)[1:], part
        )

    def _alike_of(self, shared: WatchlistEntry) -> _Alike:
        part = self._shared_part(shared)
        stored = store_entry(shared, 0, part.digest)
        begin = b',"%b",' % part.digest.encode()
        if len(self._alike) >= PROFILES_REMEMBERED_MAX:
            self._alike.clear()
        made = _Alike(shared, part, begin, stored.valid_from_s, stored.valid_until_s)
        self._alike[id(shared)] = made
        return made

    def removal(self, list_id: str, entry_id: str) -> Edit:
        """Make the edit that removes an entry."""
        name = entry_field(list_id, entry_id)
        return Edit(list_id, entry_id, name, bucket_of(name))

    def _shared_part(self, entry: WatchlistEntry) -> SharedPart:
        key = _SHARED_VALUES(entry)
        # Entries have mostly the same; comparing values is done faster than hashing them.
        if self._last is not None and self._last[0] == key:
            return self._last[1]
        shared = self._shared.get(key)
        if shared is None:
            if len(self._shared) >= PROFILES_REMEMBERED_MAX:
                self._shared.clear()
            profile = msgspec.structs.replace(profile_of(entry), provider=self._provider)
            shared = SharedPart(profile, profile_digest(profile), encode_profile(profile))
            self._shared[key] = shared
        self._last = key, shared
        return shared


@dataclass(slots=True)
class Planned:
    """What a chunk of edits comes to: the changes with each entry's former plate, and sums.

    before: the stored entry that each change replaces or removes, None where there was none.
    """

    changes: list[tuple[Edit, str]] = field(default_factory=list)
    before: list[bytes | None] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    profiles: dict[str, bytes] = field(default_factory=dict)
    lists_met: dict[str, Profile] = field(default_factory=dict)
    added: int = 0
    changed: int = 0
    removed: int = 0
    unchanged: int = 0

    def rows(self, version: int) -> list[bytes | None]:
        """Write each changed entry as it is stored from a version on; None for one removed."""
        begin = b"[%d" % version
        return [None if edit.tail is None else begin + edit.tail for edit, _ in self.changes]

    def record(self, rows: Sequence[bytes | None]) -> bytes:
        """Write the changes for the stream, as JSON; rows: as `rows` gives them."""
        return _ENCODER.encode(
            [
                (edit.list_id, edit.entry_id, was, None if row is None else msgspec.Raw(row))
                for (edit, was), row in zip(self.changes, rows, strict=True)
            ]
        )

    def row_change(self, rows: Sequence[bytes | None]) -> RowSum:
        """Sum up the rows that are put, less those replaced or removed."""
        change = RowSum()
        change.add([row for row in rows if row is not None])
        change.remove([row for row in self.before if row is not None])
        return change

    def entry_commands(self, rows: Sequence[bytes | None]) -> Iterator[Command]:
        """Give the commands that write the entries, one a bucket and kind."""
        puts: dict[int, list[bytes]] = {}
        removals: dict[int, list[bytes]] = {}
        for (edit, _), row in zip(self.changes, rows, strict=True):
            if row is None:
                removals.setdefault(edit.bucket, []).append(edit.field)
            else:
                puts.setdefault(edit.bucket, []).extend((edit.field, row))
        for bucket, pairs in puts.items():
            yield ("HSET", entries_key(bucket), *pairs)
        for bucket, fields in removals.items():
            yield ("HDEL", entries_key(bucket), *fields)


def plan(edits: Sequence[Edit], rows: Sequence[bytes | None]) -> Planned:
    """Compare edits with the rows the store holds; what is there already is left alone.

    Args:
        edits: no two of the same entry.
        rows: the stored entry of each edit, None where there is none.

    """
    planned = Planned()
    for edit, row in zip(edits, rows, strict=True):
        if edit.tail is None:
            if row is None:
                planned.unchanged += 1
                continue
            planned.removed += 1
        elif row is not None and row[row.index(b",") :] == edit.tail:
            planned.unchanged += 1
            continue
        else:
            planned.added += row is None
            planned.changed += row is not None
        _note(planned, edit, row)
    return planned


def _note(planned: Planned, edit: Edit, row: bytes | None) -> None:
    planned.changes.append((edit, "" if row is None else _plate(row)))
    planned.before.append(row)
    list_id, shared = edit.list_id, edit.shared
    grown = (edit.tail is not None) - (row is not None)
    planned.counts[list_id] = planned.counts.get(list_id, 0) + grown
    if shared is not None and planned.profiles.get(shared.digest) is not shared.text:
        planned.profiles[shared.digest] = shared.text
        planned.lists_met.setdefault(list_id, shared.profile)


def _plate(row: bytes) -> str:
    try:
        return decode_entry(row).plate
    except msgspec.MsgspecError:
        raise unreadable("an entry") from None
