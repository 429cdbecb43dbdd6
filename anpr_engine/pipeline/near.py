"""Which reads could be misreads of a listed plate, and of which: the gate, then the search.

The gate costs nanoseconds and keeps out nothing that could have reached the floor: a read that a
country's grammar allows is most likely that vehicle itself, the more so the surer the reader is.
"""

import numpy as np
from numpy.typing import NDArray

from anpr_engine.kernels.plate_text import UNREAD_POSITION, USABLE
from anpr_engine.kernels.tokens import token_keys, tokens_of_keys
from anpr_engine.pipeline.find import Pairs, bounds_of, joined_pairs, near_pairs
from anpr_engine.pipeline.score import Evidence, evidence_of
from anpr_engine.plates.reading import ReadingModel, Until
from anpr_engine.records.columns import PlateColumns, ReadColumns
from anpr_engine.watchlist.snapshot import Snapshot

FIRST_LOOK_STEPS, FIRST_LOOK_STEPS_LONG = 96.0, 768.0
"""Positions of plates looked at before a read is searched for: enough for the common series, and
for the many districts of longer plates."""
USUAL_CHARACTERS = 7


def near_matches(
    reads: ReadColumns,
    plates: PlateColumns,
    snapshot: Snapshot,
    odds: float,
    model: ReadingModel,
) -> Pairs:
    """Find the entries that reads may have been misread from.

    Args:
        reads: the decoded batch.
        plates: its keys.
        snapshot: the watchlists.
        odds: how many times P(read | traffic) a pair's likelihood must be.
        model: the errors and the plates.

    """
    rows, common = through_gate(reads, plates, model, odds)
    valid = common > 0.0
    parts = [
        *_near_of_valid(reads, plates, rows[valid], (common[valid], odds), (snapshot, model)),
        *_near_of_odd(reads, rows[~valid], odds, (snapshot, model)),
    ]
    return joined_pairs(parts)


def _near_of_valid(
    reads: ReadColumns,
    plates: PlateColumns,
    rows: NDArray[np.int64],
    by: tuple[NDArray[np.float64], float],
    against: tuple[Snapshot, ReadingModel],
) -> list[Pairs]:
    # A text that some country issues: that plate, read right, bounds the traffic from below.
    common, odds = by
    snapshot, model = against
    tokens, _ = tokens_of_keys(plates.keys[rows])
    starts = model.starts(tokens, model.channel.band_of(reads.confidence[rows]))
    traffic = common * starts.sum(axis=1)
    left = traffic * odds < model.most(tokens, starts)
    bounds = bounds_of(starts[left], traffic[left] * odds)
    return near_pairs(rows[left], tokens[left], bounds, snapshot, model)


def _near_of_odd(
    reads: ReadColumns,
    rows: NDArray[np.int64],
    odds: float,
    against: tuple[Snapshot, ReadingModel],
) -> list[Pairs]:
    # A text that nobody issues: what it may have been is summed up, until that is too much.
    snapshot, model = against
    if not len(rows):
        return []
    evidence = evidence_of(reads, rows, model)
    starts = model.starts(evidence.bare, evidence.bands)
    most = model.most(evidence.bare, starts)
    # Plates of no format at all bound the sum too; the claim of a country leaves them this much.
    odd = model.odd_shares(evidence.bare_lengths) * evidence.claims[:, -1] * starts.sum(axis=1)
    long = evidence.bare_lengths > USUAL_CHARACTERS
    steps = np.where(long, FIRST_LOOK_STEPS_LONG, FIRST_LOOK_STEPS)
    part = traffic_of(evidence, evidence.gaps, model, Until(most / odds, steps))
    traffic = np.maximum(part, odd)
    left = traffic * odds < most
    evidence = evidence.chosen(left)
    bounds = bounds_of(starts[left], traffic[left] * odds)
    return near_pairs(evidence.rows, evidence.bare, bounds, snapshot, model)


def through_gate(
    reads: ReadColumns, plates: PlateColumns, model: ReadingModel, odds: float
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Choose the reads that another plate could be worth a hit for.

    Args:
        reads: the decoded batch.
        plates: its keys.
        model: the errors and the plates.
        odds: as for `near_matches`.

    Returns int64 (n,), their rows, and float64 (n,), P(the plate of just this text, the claimed
    country | traffic), 0 where no country issues it.
    """
    densities = model.plate_shares(plates.keys)
    country = densities[:, -1].astype(np.int64)
    claim = model.claim_factors[model.claim_places[reads.country], country]
    common = densities[:, -2] * claim
    needed = model.reach / odds
    usable = (plates.status == USABLE) | (plates.status == UNREAD_POSITION)
    rows = np.flatnonzero(usable & (common < needed.max()))
    bands = model.channel.band_of(reads.confidence[rows])
    rows = rows[common[rows] < needed[bands]]
    return rows, common[rows]


def traffic_of(
    evidence: Evidence,
    gaps: NDArray[np.bool_],
    model: ReadingModel,
    until: Until,
) -> NDArray[np.float64]:
    """Give P(read, its claim of a country | traffic): float64 (reads of the evidence,).

    Args:
        evidence: of the reads.
        gaps: bool, which of them are compared as printed.
        model: the errors and the plates.
        until: when a sum need not be finished.

    """
    found = np.zeros(len(evidence.rows))
    for printed in (True, False):
        rows = np.flatnonzero(gaps == printed)
        if not len(rows):
            continue
        tokens = evidence.printed if printed else evidence.bare
        found[rows] = model.traffic(
            np.ascontiguousarray(tokens[rows]),
            evidence.bands[rows],
            evidence.claims[rows],
            model.printed if printed else model.bare,
            until.chosen(rows),
        )
    return found + _issued_part(evidence, model) if model.issued else found


def _issued_part(evidence: Evidence, model: ReadingModel) -> NDArray[np.float64]:
    # What a register adds to the plate of just this text, or takes away from it.
    keys = token_keys(evidence.bare)
    shares = model.plate_shares(keys)[:, :-2] - model.gate.densities(keys)[:, :-2]
    starts = model.starts(evidence.bare, evidence.bands).sum(axis=1)
    return np.asarray((shares * evidence.claims).sum(axis=1) * starts, np.float64)
