"""Changes applied to a snapshot, and the folding of many changes into a new base.

One thread owns an editor. It applies changes to a dictionary of recent entries and to a mask over
the base, then makes a `Snapshot` of both. When the dictionary has grown large, a new base is built
by another thread while changes go on; those that came meanwhile are applied to it again.
"""

from collections.abc import Callable, Container, Mapping, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anpr_engine.watchlist.block import (
    EntryBlock,
    EntryRows,
    block_of,
    build_block,
    joined,
    listed_plates,
    rows_from,
    sorted_rows,
    tidied,
)
from anpr_engine.watchlist.memory import release_freed_memory
from anpr_engine.watchlist.snapshot import ProfileTable, Snapshot
from anpr_engine.watchlist.stored import StoredEntry


@dataclass(frozen=True, slots=True)
class Change:
    """One entry put or removed.

    `entry` is None for a removal; `was_plate` is the plate it was listed under before, empty for
    a new entry. `profile` is the entry's profile number.
    """

    list_id: str
    entry_id: str
    was_plate: str
    entry: StoredEntry | None = None
    profile: int = 0


class SnapshotEditor:
    """Holds the state between two snapshots."""

    def __init__(self, base: EntryBlock, profiles: ProfileTable, counts: dict[str, int]) -> None:
        """Start from a freshly loaded base; `counts` is entries by list."""
        self._profiles = profiles
        self._base = base
        self._superseded = np.zeros(len(base), dtype=np.bool_)
        self._masked = False
        self._recent: dict[tuple[str, str], Change] = {}
        self._counts = counts
        self._since_fold: list[Change] | None = None
        self._fold: Future[EntryBlock] | None = None

    def __len__(self) -> int:
        """Count the entries in the delta."""
        return len(self._recent)

    def apply(self, changes: Sequence[Change]) -> None:
        """Apply changes in order; applying one again changes nothing."""
        self._apply_all(changes)
        if self._since_fold is not None:
            self._since_fold.extend(changes)

    def _apply_all(self, changes: Sequence[Change]) -> None:
        # All at once: one by one, keys, rows and ids took most of ten thousand removals' time.
        plates = list({plate for change in changes for plate in _plates(change)})
        found = listed_plates(plates)[0]
        keys = dict(zip(plates, found.tolist(), strict=True))
        held = self._held(np.unique(found), {change.list_id for change in changes})
        for change in changes:
            self._apply(change, keys, held)

    def _held(
        self, keys: NDArray[np.uint64], lists: Container[str]
    ) -> Mapping[tuple[int, str, str], Sequence[int]]:
        """Find the rows of some keys and lists, by key, list and entry."""
        rows, profile = self._base.rows, self._profiles.profile
        found = [
            (key, list_id, row)
            for key, places in zip(keys.tolist(), self._base.rows_of(keys), strict=True)
            for row in places
            if (list_id := profile(rows.profile[row]).list_id) in lists
        ]
        ids = rows.entry_ids([row for _, _, row in found])
        held: dict[tuple[int, str, str], list[int]] = {}
        for (key, list_id, row), entry_id in zip(found, ids, strict=True):
            held.setdefault((key, list_id, entry_id), []).append(row)
        return held

    def _apply(
        self,
        change: Change,
        keys: Mapping[str, int],
        held: Mapping[tuple[int, str, str], Sequence[int]],
    ) -> None:
        identity = (change.list_id, change.entry_id)
        present = self._recent.pop(identity, None) is not None
        for plate in _plates(change):
            for row in held.get((keys[plate], *identity), ()):
                if not self._superseded[row]:
                    self._mark(row)
                    present = True
        if change.entry is not None:
            self._recent[identity] = change
        added = (change.entry is not None) - present
        self._counts[change.list_id] = self._counts.get(change.list_id, 0) + added

    def _mark(self, row: int) -> None:
        if not self._masked:
            # The mask of the last snapshot may be in use: ten million rows copy in a millisecond.
            self._superseded = self._superseded.copy()
            self._masked = True
        self._superseded[row] = True

    def recount(self, counts: dict[str, int]) -> None:
        """Take over entries by list from the store, which knows them for certain."""
        self._counts = dict(counts)

    def snapshot(self, epoch: str, version: int) -> Snapshot:
        """Make an immutable snapshot of the present state."""
        self._masked = False
        return Snapshot(
            epoch=epoch,
            version=version,
            base=self._base,
            superseded=self._superseded,
            delta=build_block(_delta_rows(list(self._recent.values()))),
            profiles=self._profiles.profiles(),
            counts={name: count for name, count in self._counts.items() if count},
        )

    def start_fold(self, executor: Executor) -> None:
        """Begin to build a new base from base and delta in another thread, unless one is."""
        if self._fold is not None:
            return
        self._since_fold = []
        self._masked = False
        recent = list(self._recent.values())
        self._fold = executor.submit(_folded, self._base, self._superseded, recent)

    def finish_fold(self, *, wait: Callable[[], bool] = lambda: False) -> bool:
        """Take over a new base that is ready; True when one was taken.

        Args:
            wait: says whether to wait for one that is being built.

        """
        if self._fold is None or not (self._fold.done() or wait()):
            return False
        self._base = self._fold.result()
        self._superseded = np.zeros(len(self._base), dtype=np.bool_)
        self._recent = {}
        later = self._since_fold or []
        self._fold = self._since_fold = None
        counts = dict(self._counts)
        self._apply_all(later)
        self._counts = counts
        return True


def _plates(change: Change) -> set[str]:
    return {change.was_plate, change.entry.plate if change.entry else ""} - {""}


def _delta_rows(changes: Sequence[Change]) -> EntryRows:
    entries = [change.entry for change in changes if change.entry is not None]
    return rows_from(entries, [change.profile for change in changes if change.entry is not None])


def _folded(
    base: EntryBlock, superseded: NDArray[np.bool_], recent: Sequence[Change]
) -> EntryBlock:
    delta = _delta_rows(recent)
    left_out = np.concatenate([superseded, np.zeros(len(delta), dtype=np.bool_)])
    # Nothing but the result is kept while filter and table are built: it is as large as the base.
    rows = tidied(sorted_rows(joined([base.rows, delta]), left_out))
    folded = block_of(rows)
    release_freed_memory()
    return folded
