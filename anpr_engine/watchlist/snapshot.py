"""The watchlists in memory at one version: a large base, a small delta, nothing mutable.

A change touches the delta and a mask over the base, never the base itself, so that adding one
entry to ten million rebuilds nothing. Whoever matches holds one reference to a `Snapshot`;
publishing another is one assignment.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anpr_engine.records.watchlist_entry import WatchlistEntry
from anpr_engine.watchlist.block import (
    EntryBlock,
    build_block,
    empty_block,
    joined,
    rows_from,
)
from anpr_engine.watchlist.patterns import WildcardPairs
from anpr_engine.watchlist.stored import (
    Profile,
    profile_digest,
    profile_of,
    restore_entry,
    store_entry,
)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The watchlists at one version.

    epoch: names the life of the store; a wiped store gets another.
    version: strictly rising within an epoch.
    base, delta: the entries; `superseded` is bool (rows of base,), True for base rows that were
        changed or removed since.
    profiles: what the rows' profile numbers mean.
    counts: entries by list.
    """

    epoch: str
    version: int
    base: EntryBlock
    superseded: NDArray[np.bool_]
    delta: EntryBlock
    profiles: tuple[Profile, ...]
    counts: Mapping[str, int]

    def __len__(self) -> int:
        """Count the entries in use."""
        return sum(self.counts.values())

    def block(self, *, recent: bool) -> EntryBlock:
        """Give the base, or the delta."""
        return self.delta if recent else self.base

    def listed_plate(self, row: int, *, recent: bool) -> str:
        """Give one entry's plate as it was listed."""
        return self.block(recent=recent).rows.texts(row)[1]

    def entry(self, row: int, *, recent: bool) -> WatchlistEntry:
        """Give one entry as an object; for hits only."""
        rows = self.block(recent=recent).rows
        return restore_entry(rows.stored(row), self.profiles[rows.profile[row]])

    def wildcard_pairs(self, keys: NDArray[np.uint64], *, recent: bool) -> WildcardPairs:
        """Find the entries with wildcards that the keys of a batch fit: uint64 (reads,).

        Args:
            keys: one a read, 0 for a read that can match nothing.
            recent: whether to look in the delta or in the base, without what was superseded.

        """
        if recent:
            return self.delta.patterns.pairs(keys)
        read, entry = self.base.patterns.pairs(keys)
        in_use = ~self.superseded[entry]
        return read[in_use], entry[in_use]


def empty_snapshot() -> Snapshot:
    """Make the snapshot of no watchlist at all, version 0 of no epoch."""
    return Snapshot("", 0, empty_block(), np.zeros(0, dtype=np.bool_), empty_block(), (), {})


class ProfileTable:
    """Numbers the profiles met; only ever grows, so numbers given stay true."""

    def __init__(self) -> None:
        """Start without profiles."""
        self._numbers: dict[str, int] = {}
        self._profiles: list[Profile] = []

    def number(self, digest: str, profile: Profile) -> int:
        """Give a profile's number, a new one when it was not met before."""
        number = self._numbers.get(digest)
        if number is None:
            number = self._numbers[digest] = len(self._profiles)
            self._profiles.append(profile)
        return number

    def known(self, digest: str) -> int | None:
        """Give the number of a profile met before."""
        return self._numbers.get(digest)

    def profile(self, number: int) -> Profile:
        """Give the profile of a number."""
        return self._profiles[number]

    def profiles(self) -> tuple[Profile, ...]:
        """Give all profiles in order of their numbers."""
        return tuple(self._profiles)


def snapshot_of(
    entries: list[WatchlistEntry], *, epoch: str = "file", version: int = 1
) -> Snapshot:
    """Build a snapshot straight from entries, for matching without a store.

    Of several entries with the same list and entry id the last one counts.
    """
    latest = {(entry.list_id, entry.entry_id): entry for entry in entries}
    table = ProfileTable()
    numbers = []
    stored = []
    counts: dict[str, int] = {}
    for entry in latest.values():
        profile = profile_of(entry)
        numbers.append(table.number(profile_digest(profile), profile))
        stored.append(store_entry(entry, version))
        counts[entry.list_id] = counts.get(entry.list_id, 0) + 1
    base = build_block(joined([rows_from(stored, numbers)]))
    superseded = np.zeros(len(base), dtype=np.bool_)
    return Snapshot(epoch, version, base, superseded, empty_block(), table.profiles(), counts)
