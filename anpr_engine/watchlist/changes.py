"""What became of single entries, noted as it takes effect, for whoever has told of them before.

Why a bounded sequence: nobody may be there to take the notes, and one import can change a million
entries. What does not fit is told as one note that any entry may have changed.
"""

import threading
from collections.abc import Sequence
from typing import NamedTuple

from anpr_engine.watchlist.block import listed_plates
from anpr_engine.watchlist.editor import Change
from anpr_engine.watchlist.snapshot import ProfileTable, Snapshot
from anpr_engine.watchlist.stored import Profile, StoredEntry

NOTED_ENTRIES_MAX = 50_000
"""Changed entries kept until they are taken, some 300 bytes each."""


class ListedAs(NamedTuple):
    """Of an entry what an alert depends on; `country` is empty for any, times are Unix seconds."""

    plate: str
    country: str
    valid_until_s: int
    sharing: str


class Listed(NamedTuple):
    """An entry by the plate that it was listed by."""

    list_id: str
    entry_id: str
    plate: str


class EntryChange(NamedTuple):
    """One entry as it is now; None: it is not listed any more."""

    list_id: str
    entry_id: str
    was_plate: str
    now: ListedAs | None


class ChangeNote(NamedTuple):
    """The changes of one version and when it took effect here, microseconds since 1970.

    entries: None where any entry may have changed.
    """

    version: int
    at_us: int
    entries: Sequence[EntryChange] | None


class ChangeNotes:
    """Notes that one thread writes and another takes."""

    def __init__(self, entries_max: int = NOTED_ENTRIES_MAX) -> None:
        """Start without any."""
        self._entries_max = entries_max
        self._lock = threading.Lock()
        self._notes: list[ChangeNote] = []
        self._entries = 0

    def __bool__(self) -> bool:
        """Say whether there is anything to take."""
        return bool(self._notes)

    def follow(
        self, version: int, at_us: int, changes: Sequence[Change], profiles: ProfileTable
    ) -> None:
        """Note the changes of a version that is in use now."""
        if len(changes) > self._entries_max:
            # Hundreds of thousands would be put together only to be thrown away.
            self.anew(version, at_us)
            return
        found = [
            EntryChange(each.list_id, each.entry_id, each.was_plate, _now(each, profiles))
            for each in changes
        ]
        with self._lock:
            self._entries += len(found)
            if self._entries > self._entries_max:
                self._put_anew(version, at_us)
            else:
                self._notes.append(ChangeNote(version, at_us, found))

    def anew(self, version: int, at_us: int) -> None:
        """Note that all lists were loaded again."""
        with self._lock:
            self._put_anew(version, at_us)

    def take(self) -> list[ChangeNote]:
        """Give what was noted since the last call, in order."""
        with self._lock:
            taken, self._notes, self._entries = self._notes, [], 0
        return taken

    def _put_anew(self, version: int, at_us: int) -> None:
        self._notes, self._entries = [ChangeNote(version, at_us, None)], 0


def _now(change: Change, profiles: ProfileTable) -> ListedAs | None:
    if change.entry is None:
        return None
    return _listed(change.entry, profiles.profile(change.profile))


def _listed(entry: StoredEntry, profile: Profile) -> ListedAs:
    return ListedAs(entry.plate, entry.country, entry.valid_until_s, profile.sharing)


def listed_as(snapshot: Snapshot, wanted: Sequence[Listed]) -> list[ListedAs | None]:
    """Give entries that are still listed by these plates; None for each that is not."""
    keys = listed_plates([each.plate for each in wanted])[0]
    in_delta = snapshot.block(recent=True).rows_of(keys)
    in_base = snapshot.block(recent=False).rows_of(keys)
    return [
        _listed_in(snapshot, delta, each, recent=True)
        or _listed_in(snapshot, base, each, recent=False)
        for each, delta, base in zip(wanted, in_delta, in_base, strict=True)
    ]


def _listed_in(
    snapshot: Snapshot, places: range, wanted: Listed, *, recent: bool
) -> ListedAs | None:
    rows = snapshot.block(recent=recent).rows
    for row in places:
        profile = snapshot.profiles[rows.profile[row]]
        in_use = recent or not snapshot.superseded[row]
        if in_use and profile.list_id == wanted.list_id:
            entry = rows.stored(row)
            if entry.entry_id == wanted.entry_id:
                return _listed(entry, profile)
    return None
