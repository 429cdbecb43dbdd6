"""The pairs of reads and entries that may belong together, by every way to find one.

A pair is found, not yet believed: dates, country and probability are looked at afterwards.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from anpr_engine.kernels.bloom import filter_rows
from anpr_engine.kernels.halves import HalfIndex
from anpr_engine.kernels.neighbours import (
    MOST,
    NEED,
    NEXT_READ,
    PROGRESS_WORDS,
    WRITTEN,
    near_rows,
)
from anpr_engine.kernels.plate_text import LONG_KEYS_FROM
from anpr_engine.kernels.surroundings import ROOM_WORDS, maybe_near
from anpr_engine.kernels.table import FOUND, TALLY_WORDS, find_listed
from anpr_engine.kernels.umlauts import SPELLINGS_MAX, umlaut_keys
from anpr_engine.pipeline.columns import CANDIDATE, EXACT, FUZZY, WILDCARD
from anpr_engine.plates.reading import ReadingModel
from anpr_engine.records.columns import CandidateColumns
from anpr_engine.watchlist.block import EntryBlock, EntryRows
from anpr_engine.watchlist.rare import NO_COUNTRY
from anpr_engine.watchlist.snapshot import Snapshot

NEAR_ROOM = 2**12
"""Pairs that are written at a time; more where one read alone has more."""


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs of reads and entries.

    read, entry: int64 (p,), rows in the batch and in their block. recent: bool (p,), whether the
    block is the snapshot's delta. tier: uint8 (p,), place in `TIERS`.
    """

    read: NDArray[np.int64]
    entry: NDArray[np.int64]
    recent: NDArray[np.bool_]
    tier: NDArray[np.uint8]

    def __len__(self) -> int:
        """Count the pairs."""
        return len(self.read)

    def chosen(self, rows: NDArray[np.bool_] | NDArray[np.intp]) -> "Pairs":
        """Take some of the pairs."""
        return Pairs(self.read[rows], self.entry[rows], self.recent[rows], self.tier[rows])

    def by_block(self, snapshot: Snapshot) -> Iterator[tuple[NDArray[np.bool_], EntryRows]]:
        """Give which pairs are of the base and of the delta, and the listed rows of each."""
        for recent in (False, True):
            yield self.recent == recent, snapshot.block(recent=recent).rows

    def listed_plate(self, pair: int, snapshot: Snapshot) -> str:
        """Give one pair's plate as it was listed."""
        return snapshot.listed_plate(int(self.entry[pair]), recent=bool(self.recent[pair]))


def joined_pairs(parts: list[Pairs]) -> Pairs:
    """Put pairs together; what was found twice stays once, as the part that comes first."""
    parts = [part for part in parts if len(part)]
    if not parts:
        return no_pairs()
    read = np.concatenate([part.read for part in parts])
    entry = np.concatenate([part.entry for part in parts])
    recent = np.concatenate([part.recent for part in parts])
    tier = np.concatenate([part.tier for part in parts])
    order = np.lexsort((np.arange(len(read)), entry, recent, read))
    same = np.zeros(len(read), dtype=np.bool_)
    same[1:] = (
        (read[order][1:] == read[order][:-1])
        & (entry[order][1:] == entry[order][:-1])
        & (recent[order][1:] == recent[order][:-1])
    )
    return Pairs(read, entry, recent, tier).chosen(order[~same])


def _in_block(keys: NDArray[np.uint64], block: EntryBlock) -> tuple[NDArray[np.int64], ...]:
    tally = np.zeros(TALLY_WORDS, dtype=np.int64)
    room = 256 if len(block) else 0
    if not room:
        # As for most of a day a delta is.
        none = np.zeros(0, dtype=np.int64)
        return none, none, tally
    while True:
        found = np.empty((2, room), dtype=np.int64)
        find_listed(keys, block.words, block.slots, block.rows.keys, found, tally)
        count = int(tally[FOUND])
        if count <= room:
            return found[0, :count], found[1, :count], tally
        room = count


def listed_pairs(
    keys: NDArray[np.uint64], snapshot: Snapshot, tier: int = EXACT
) -> tuple[Pairs, NDArray[np.int64]]:
    """Find the entries of keys, one each a row: the pairs, and the tally of `kernels.table`."""
    if not len(keys):
        return no_pairs(), np.zeros(TALLY_WORDS, dtype=np.int64)
    read, entry, tally = _in_block(keys, snapshot.base)
    alive = ~snapshot.superseded[entry]
    late_read, late_entry, late_tally = _in_block(keys, snapshot.delta)
    base_count = int(alive.sum())
    reads = np.concatenate([read[alive], late_read])
    pairs = Pairs(
        reads,
        np.concatenate([entry[alive], late_entry]),
        np.arange(len(reads)) >= base_count,
        np.full(len(reads), tier, dtype=np.uint8),
    )
    return pairs, tally + late_tally


def wildcard_pairs(keys: NDArray[np.uint64], snapshot: Snapshot) -> Pairs:
    """Find the entries with unknown characters that keys fit."""
    read, entry = snapshot.wildcard_pairs(keys, recent=False)
    late_read, late_entry = snapshot.wildcard_pairs(keys, recent=True)
    reads = np.concatenate([read, late_read])
    return Pairs(
        reads,
        np.concatenate([entry, late_entry]),
        np.arange(len(reads)) >= len(read),
        np.full(len(reads), WILDCARD, dtype=np.uint8),
    )


def offered_pairs(candidates: CandidateColumns, snapshot: Snapshot) -> Pairs:
    """Find the entries of the other readings that readers offered."""
    # Keys of long texts are hashes: without the text nobody can say that they are equal.
    short = candidates.key < np.uint64(LONG_KEYS_FROM)
    pairs, _ = listed_pairs(candidates.key[short], snapshot, CANDIDATE)
    return replace(pairs, read=candidates.read[short][pairs.read])


def spelling_pairs(keys: NDArray[np.uint64], snapshot: Snapshot) -> Pairs:
    """Find the entries with an umlaut that keys spell without."""
    parts = [np.zeros(0, dtype=np.int64)]
    for block in (snapshot.base, snapshot.delta):
        if len(block.spelled):
            asked = np.empty(len(keys) + 1, dtype=np.int64)
            filter_rows(keys, block.spelled, asked)
            parts.append(asked[1 : asked[0] + 1])
    rows = np.unique(np.concatenate(parts))
    if not len(rows):
        return no_pairs()
    found = np.empty((2, len(rows) * SPELLINGS_MAX), dtype=np.uint64)
    count = np.zeros(1, dtype=np.int64)
    umlaut_keys(keys[rows], found, count)
    owner, key = found[:, : count[0]]
    pairs, _ = listed_pairs(np.ascontiguousarray(key), snapshot, FUZZY)
    return replace(pairs, read=rows[owner.astype(np.int64)[pairs.read]])


def named_pairs(reads: NDArray[np.int64], keys: NDArray[np.uint64], snapshot: Snapshot) -> Pairs:
    """Find the entries of plates that reads may have been misread from.

    Args:
        reads: int64 (n,), rows in the batch.
        keys: uint64 (n,), of the plates.
        snapshot: the watchlists.

    """
    pairs, _ = listed_pairs(keys, snapshot, FUZZY)
    return replace(pairs, read=reads[pairs.read])


def near_pairs(
    rows: NDArray[np.int64],
    tokens: NDArray[np.int8],
    bounds: NDArray[np.float64],
    against: tuple[Snapshot, ReadingModel],
    claims: NDArray[np.float64] | None = None,
) -> list[Pairs]:
    """Find the entries within two edits of reads that are likely enough; some come twice.

    Args:
        rows: int64 (n,), the reads' rows in the batch.
        tokens: int8 (n, TOKENS_MAX), canonical texts.
        bounds: float64 (n, BOUND_COLUMNS), see `kernels.neighbours`.
        against: the watchlists, and the errors.
        claims: float64 (n, countries), P(claim | country): plates that are common on the road may
            be left out, and others weighed by the claim. None: all are searched by text alone.

    """
    parts = []
    snapshot, model = against
    for recent in (False, True):
        block = snapshot.block(recent=recent)
        if claims is not None and block.rare.gate == model.gate.digest:
            read, entry = _rare_in_block((tokens, bounds, claims), block, model)
        else:
            read, entry = _near_in_block(tokens, bounds, block.halves, model)
        if not recent:
            alive = ~snapshot.superseded[entry]
            read, entry = read[alive], entry[alive]
        flags = np.full(len(read), recent)
        parts.append(Pairs(rows[read], entry, flags, np.full(len(read), FUZZY, dtype=np.uint8)))
    return parts


def _rare_in_block(
    seen: tuple[NDArray[np.int8], NDArray[np.float64], NDArray[np.float64]],
    block: EntryBlock,
    model: ReadingModel,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    tokens, bounds, claims = seen
    parts = [np.zeros((2, 0), dtype=np.int64)]
    for group in block.rare.groups:
        claim = claims.max(axis=1) if group.place == NO_COUNTRY else claims[:, group.place]
        asked = np.flatnonzero(bounds[:, NEED] < bounds[:, MOST] * claim)
        weighed = bounds[asked]
        weighed[:, NEED] /= claim[asked]
        read, place = _near_in_block(tokens[asked], weighed, group.index, model)
        parts.append(np.stack([asked[read], group.rows[place].astype(np.int64)]))
    read, entry = np.concatenate(parts, axis=1)
    return read, entry


def _near_in_block(
    tokens: NDArray[np.int8],
    bounds: NDArray[np.float64],
    halves: HalfIndex,
    model: ReadingModel,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    progress = np.zeros(PROGRESS_WORDS, dtype=np.int64)
    room = NEAR_ROOM
    parts = [np.zeros((2, 0), dtype=np.int64)]
    while len(halves.keys) and progress[NEXT_READ] < len(tokens):
        found = np.empty((2, room), dtype=np.int64)
        before = int(progress[NEXT_READ])
        near_rows(tokens, bounds, halves, model.edits, found, progress)
        parts.append(found[:, : progress[WRITTEN]])
        if progress[NEXT_READ] == before:
            room *= 2
    read, entry = np.concatenate(parts, axis=1)
    return read, entry


def may_have_neighbours(keys: NDArray[np.uint64], snapshot: Snapshot) -> NDArray[np.bool_]:
    """Say which keys an entry may be within two edits of: bool (n,); in doubt all."""
    found = np.zeros(len(keys), dtype=np.bool_)
    maybe = np.empty(len(keys), dtype=np.uint8)
    for block in (snapshot.base, snapshot.delta):
        if len(block) and not len(block.surroundings):
            return np.ones(len(keys), dtype=np.bool_)
        if len(block):
            maybe_near(keys, block.surroundings, np.empty(ROOM_WORDS, np.uint64), maybe)
            found |= maybe != 0
    return found


def no_pairs() -> Pairs:
    """Give no pairs."""
    none = np.zeros(0, dtype=np.int64)
    return Pairs(none, none, np.zeros(0, np.bool_), np.zeros(0, np.uint8))


def bounds_of(
    starts: NDArray[np.float64], need: NDArray[np.float64], most: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Put the bounds of reads together, see `kernels.neighbours.BOUND_COLUMNS`."""
    return np.column_stack([starts, need, most])
