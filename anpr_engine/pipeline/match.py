"""Keys to hits: filter, table, then what the table cannot know: country, dates, text.

The seat of richer matching: a tier adds pairs of rows with its own name, edits and likelihoods;
country, dates and probability stay the same for all of them.

Why a probability already: an exact hit can still be somebody else's car, misread. Until the error
model arrives, Bayes' rule weighs the two explanations of one read of one listed plate: the listed
vehicle passed and was read right, or one of its look-alike neighbours passed and was misread into
it. The share of misreads is a police force's published figure of about 3 % (UK, 2018); a reader's
own confidence replaces it where given.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anpr_engine.kernels.plate_text import LONG_KEYS_FROM
from anpr_engine.kernels.table import FOUND, find_listed
from anpr_engine.pipeline.columns import plate_text
from anpr_engine.plates.normaliser import normalise
from anpr_engine.records.columns import HitColumns, PlateColumns, ReadColumns
from anpr_engine.watchlist.block import EntryBlock
from anpr_engine.watchlist.snapshot import Snapshot

MISREAD_SHARE = 0.03
VEHICLES_IN_TRAFFIC = 17_500_000
"""Vehicles that pass the cameras at all: about 10 million Dutch, 7.5 million Belgian plates."""
NEIGHBOURS_REGISTERED = 0.5
"""Share of a plate's one-character neighbours that are real plates."""
COUNTRY_UNKNOWN_FACTOR = 0.9
"""Many short plates exist in two countries; unknown on either side leaves that doubt."""

_US = 1_000_000


@dataclass(frozen=True, slots=True)
class MatchRules:
    """What counts as a hit.

    probability_min: hits below are withheld.
    traffic_share: the share of reads that are of any listed vehicle.
    """

    probability_min: float = 0.0
    traffic_share: float = 0.0001


@dataclass(frozen=True, slots=True)
class _Pairs:
    read: NDArray[np.int64]
    entry: NDArray[np.int64]
    tally: NDArray[np.int64]


def _find(keys: NDArray[np.uint64], block: EntryBlock) -> _Pairs:
    tally = np.zeros(4, dtype=np.int64)
    room = 256
    while True:
        found = np.empty((2, room), dtype=np.int64)
        find_listed(keys, block.words, block.slots, block.rows.keys, found, tally)
        count = int(tally[FOUND])
        if count <= room:
            return _Pairs(found[0, :count], found[1, :count], tally)
        room = count


def match(
    reads: ReadColumns, plates: PlateColumns, snapshot: Snapshot, rules: MatchRules, now_us: int
) -> HitColumns:
    """Find the entries that a batch's reads belong to.

    Args:
        reads: the decoded batch.
        plates: its keys.
        snapshot: the watchlists to match against.
        rules: what counts as a hit.
        now_us: microseconds since 1970; an entry must be in force when the plate was seen, and
            not have ended since.

    """
    withheld: dict[str, int] = {}
    base = _find(plates.keys, snapshot.base)
    alive = ~snapshot.superseded[base.entry]
    base = _Pairs(base.read[alive], base.entry[alive], base.tally)
    delta = _find(plates.keys, snapshot.delta)
    parts = [
        _judge(reads, snapshot.base, base, now_us, withheld),
        _judge(reads, snapshot.delta, delta, now_us, withheld),
    ]
    hits = _merge(reads, snapshot, parts, rules)
    enough = hits.probability >= rules.probability_min
    _count(withheld, "below-probability", ~enough)
    return HitColumns(
        read=hits.read[enough],
        entry=hits.entry[enough],
        recent=hits.recent[enough],
        tier=hits.tier[enough],
        edits=hits.edits[enough],
        probability=hits.probability[enough],
        withheld=withheld,
        tally=base.tally + delta.tally,
    )


def _count(withheld: dict[str, int], reason: str, mask: NDArray[np.bool_]) -> None:
    number = int(mask.sum())
    if number:
        withheld[reason] = withheld.get(reason, 0) + number


def _judge(
    reads: ReadColumns, block: EntryBlock, pairs: _Pairs, now_us: int, withheld: dict[str, int]
) -> _Pairs:
    rows = block.rows
    seen_us = reads.captured_at_us[pairs.read]
    until_us = rows.valid_until_s[pairs.entry].astype(np.int64) * _US
    in_force = (rows.valid_from_s[pairs.entry].astype(np.int64) * _US <= seen_us) & (
        np.maximum(seen_us, now_us) < until_us
    )
    read_country = reads.country[pairs.read]
    listed_country = rows.country[pairs.entry]
    same_country = (read_country == listed_country) | (read_country == 0) | (listed_country == 0)
    same_text = _same_long_text(reads, block, pairs)
    _count(withheld, "not-in-force", same_text & ~in_force)
    _count(withheld, "other-country", same_text & in_force & ~same_country)
    kept = in_force & same_country & same_text
    return _Pairs(pairs.read[kept], pairs.entry[kept], pairs.tally)


def _same_long_text(reads: ReadColumns, block: EntryBlock, pairs: _Pairs) -> NDArray[np.bool_]:
    # Keys of over twelve characters are hashes: only the text itself can say that they are equal.
    same = np.ones(len(pairs.read), dtype=np.bool_)
    long_keys = block.rows.keys[pairs.entry] >= np.uint64(LONG_KEYS_FROM)
    for place in np.flatnonzero(long_keys).tolist():
        seen = normalise(plate_text(reads, int(pairs.read[place]))).text
        listed = normalise(block.rows.texts(int(pairs.entry[place]))[1]).text
        same[place] = seen == listed
    return same


def _merge(
    reads: ReadColumns, snapshot: Snapshot, parts: list[_Pairs], rules: MatchRules
) -> HitColumns:
    read = np.concatenate([part.read for part in parts])
    entry = np.concatenate([part.entry for part in parts])
    recent = np.repeat([False, True], [len(part.read) for part in parts])
    listed = np.concatenate(
        [
            block.rows.country[part.entry]
            for part, block in zip(parts, (snapshot.base, snapshot.delta), strict=True)
        ]
    )
    unknown = (listed == 0) | (reads.country[read] == 0)
    probability = exact_probability(reads.confidence[read], len(snapshot), rules.traffic_share)
    probability = np.where(unknown, probability * COUNTRY_UNKNOWN_FACTOR, probability)
    order = np.argsort(read, kind="stable")
    return HitColumns(
        read=read[order],
        entry=entry[order],
        recent=recent[order],
        tier=np.zeros(len(read), dtype=np.uint8),
        edits=np.zeros(len(read), dtype=np.uint8),
        probability=probability[order],
        withheld={},
        tally=np.zeros(4, dtype=np.int64),
    )


def exact_probability(
    confidence: NDArray[np.float64], entries: int, traffic_share: float
) -> NDArray[np.float64]:
    """Weigh an exact hit: P(listed vehicle | text read), see the module's text.

    Args:
        confidence: float64 (h,), the reader's own, NaN when not given.
        entries: how many entries are listed in all.
        traffic_share: the share of reads that are of any listed vehicle.

    """
    right = np.where(np.isnan(confidence), 1 - MISREAD_SHARE, confidence)
    listed = traffic_share / max(1, entries) * right
    misread = (1 - traffic_share) * (1 - right) * NEIGHBOURS_REGISTERED / VEHICLES_IN_TRAFFIC
    total = listed + misread
    return np.divide(listed, total, out=np.zeros_like(listed), where=total > 0)
