"""Which reads could be misreads of a listed plate, and of which: the gate, then the search.

The gate costs nanoseconds and keeps out nothing that could have reached the floor: a read that a
country's grammar allows is most likely that vehicle itself, the more so the surer the reader is.
Of the others, what they may have been is bounded from below, see `kernels.explained`.

A listed plate w is no part of the traffic that competes with it: it is worth a hit from
P(r | w) >= c (T - own(w)) on, T being P(r | traffic) and own(w) = D(w) P(r | w) the plate's own
part of it. So either P(r | w) >= c T / 2, or own(w) >= T / 2: if neither, c (T - own(w)) is more.
Plates of the first kind are searched for; those of the second are named by the bound itself.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anpr_engine.kernels._jit import kept
from anpr_engine.kernels.explained_tables import (
    ALL_NAMED,
    ALONE,
    BEST,
    DENSEST,
    LIMITS,
    NEED,
    ODDS,
    SeenReads,
)
from anpr_engine.kernels.gate_reads import GateReads, rarer_than
from anpr_engine.kernels.plate_text import GAPS_UNKNOWN, USABLE
from anpr_engine.kernels.tokens import CHARACTERS, PLAIN, tokens_of_keys
from anpr_engine.pipeline.doubts import has_doubts
from anpr_engine.pipeline.find import (
    Pairs,
    bounds_of,
    joined_pairs,
    may_have_neighbours,
    named_pairs,
    near_pairs,
    no_pairs,
)
from anpr_engine.pipeline.score import (
    LUMPINESS,
    evidence_of,
)
from anpr_engine.pipeline.traffic import traffic_of
from anpr_engine.pipeline.typed import SWAPPED, swapped_keys
from anpr_engine.plates.reading import ReadingModel, Until
from anpr_engine.records.columns import PlateColumns, ReadColumns
from anpr_engine.watchlist.rare import RARE_SHARE, claims_allow
from anpr_engine.watchlist.snapshot import Snapshot

FIRST_LOOK_STEPS = 192.0
"""Positions of plates looked at before a read with unread characters is searched for."""
KNOWN_SHARE = 0.01
"""Of the sum at which a first look may stop, what is nothing beside this part is left out."""
CHARACTERS_BOOST = 20.0
"""The most that a reader's doubt of two characters of nine can be worth, see
`evidence.weigh_characters`: their doubts are at most the sum of all."""


@dataclass(frozen=True, slots=True)
class NearRules:
    """When a near match is worth a hit.

    odds: how many times P(read | everybody else) a pair's likelihood must be.
    boost: the most that what a vehicle looked like can be worth.
    """

    odds: float
    boost: float = 1.0


@dataclass(frozen=True, slots=True)
class NearPairs:
    """Pairs that the search found.

    least: float64 (reads,), a lower bound of P(read | traffic) where it was looked at, else 0.
    """

    pairs: Pairs
    least: NDArray[np.float64]


def near_matches(
    reads: ReadColumns,
    plates: PlateColumns,
    snapshot: Snapshot,
    rules: NearRules,
    model: ReadingModel,
) -> NearPairs:
    """Find the entries that reads may have been misread from.

    Args:
        reads: the decoded batch.
        plates: its keys.
        snapshot: the watchlists.
        rules: when a pair is worth a hit.
        model: the errors and the plates.

    """
    rows, shares = through_gate(reads, plates, model, rules)
    least = np.zeros(len(reads))
    if not len(rows):
        return NearPairs(no_pairs(), least)
    plain = (plates.status[rows] == USABLE) & (plates.gaps[rows] < GAPS_UNKNOWN)
    able = ~plain
    able[plain] = may_have_neighbours(plates.keys[rows[plain]], snapshot)
    rows, shares, plain = rows[able], shares[able], plain[able]
    parts = [no_pairs()]
    if plain.any():
        seen = (rows[plain], shares[plain])
        parts += _near_of_plain(reads, plates, seen, (snapshot, model), rules, least)
    if not plain.all():
        parts += _near_of_marked(reads, rows[~plain], rules, (snapshot, model), least)
    return NearPairs(joined_pairs(parts), least)


def through_gate(
    reads: ReadColumns, plates: PlateColumns, model: ReadingModel, rules: NearRules
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Choose the reads that another plate could be worth a hit for.

    Args:
        reads: the decoded batch.
        plates: its keys.
        model: the errors and the plates.
        rules: when a pair is worth a hit.

    Returns int64 (n,), their rows, and float64 (n,), P(the plate of just this text, the claimed
    country | traffic), 0 where no country issues it.
    """
    # No camera makes a country rarer than this beside the one it makes most frequent.
    least = 1.0 if model.cameras is None else model.cameras.least
    needed = model.reach * rules.boost / (rules.odds * LUMPINESS)
    # The scanner did not see the doubts of careful ones.
    doubts = np.array([CHARACTERS_BOOST if reads.careful else 1.0, CHARACTERS_BOOST])
    limits = doubts[:, None] * needed
    shares = model.claimed_shares(plates, reads.country, float(limits.max()) / least) * least
    found = np.empty(len(shares) + 1, np.int64)
    seen = GateReads(
        kept(plates.keys), kept(plates.status), kept(reads.spans), kept(reads.confidence)
    )
    rarer_than(shares, seen, model.channel.bands, limits, found)
    rows = found[1 : found[0] + 1]
    if reads.careful:
        bands = model.channel.band_of(reads.confidence[rows])
        rows = rows[shares[rows] < needed[bands] * boosts_of(reads, rows)]
    return rows, shares[rows]


def boosts_of(reads: ReadColumns, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """Bound what the reader's doubts of single characters can be worth.

    Returns float64 (n,) for rows of the batch, 1 where it tells none.
    """
    return np.where(has_doubts(reads, rows), CHARACTERS_BOOST, 1.0)


def unknown_shares(
    texts: tuple[NDArray[np.int8], NDArray[np.int64]],
    gaps: NDArray[np.uint16],
    claims: NDArray[np.float64],
    model: ReadingModel,
) -> NDArray[np.float64]:
    """Give the share that a plate of no format with just this text and claim has: float64 (n,).

    Args:
        texts: int8 (n, TOKENS_MAX), canonical, and int64 (n,), their characters; no such plate
            has umlauts.
        gaps: uint16 (n,), where separators stand.
        claims: float64 (n, countries), P(claim | country).
        model: the plates.

    """
    tokens, lengths = texts
    umlauts = ((tokens >= PLAIN) & (tokens < CHARACTERS)).any(axis=1)
    return model.free_shares(np.where(umlauts, 0, lengths), gaps, claims)


def _near_of_plain(
    reads: ReadColumns,
    plates: PlateColumns,
    of: tuple[NDArray[np.int64], NDArray[np.float64]],
    against: tuple[Snapshot, ReadingModel],
    rules: NearRules,
    least: NDArray[np.float64],
) -> list[Pairs]:
    rows, shares = of
    snapshot, model = against
    boost = boosts_of(reads, rows) * rules.boost
    odds = rules.odds * LUMPINESS
    # A plate rarer on the road than 1 / c is searched for: where all are, none needs to be named.
    named = odds * model.densest > 1
    limits = np.empty((len(rows), LIMITS))
    limits[:, ALONE] = odds / boost
    limits[:, DENSEST] = model.densest if named else 0.0
    odds /= 2 if named else 1 + odds * model.densest
    limits[:, ODDS] = odds / boost
    claims = model.claims_of(reads, rows)
    tokens, lengths = tokens_of_keys(plates.keys[rows])
    seen = SeenReads(
        plates.keys[rows],
        plates.gaps[rows],
        model.channel.band_of(reads.confidence[rows]),
        claims,
        # Plates of no format at all are part of the sum too.
        shares + unknown_shares((tokens, lengths), plates.gaps[rows], claims, model),
        limits,
    )
    bounds, owners, keys = model.explained_parts(seen)
    _look_further(reads, rows, bounds, model, odds)
    least[rows] = bounds[:, NEED]
    need = bounds[:, NEED] * odds / boost
    typed = np.flatnonzero(bounds[:, :NEED] @ np.full(NEED, SWAPPED) >= need)
    owner, swapped = swapped_keys(plates.keys[rows[typed]])
    left = need < bounds[:, BEST]
    # A plate to search for that is not named is rare: with f the claim's factor for its country,
    # f D P(r | w) <= own(w) < T / 2 and f P(r | w) >= c T / 2, so c D < 1.
    rare = (bounds[:, ALL_NAMED] > 0) & (limits[:, ALONE] * RARE_SHARE >= 1)
    rare &= named & claims_allow(model.claims_least)
    may_be = np.concatenate([owners, typed[owner]])
    parts = [named_pairs(rows[may_be], np.concatenate([keys, swapped]), snapshot)]
    for chosen, claimed in ((left & rare, claims), (left & ~rare, None)):
        if chosen.any():
            searched = bounds_of(bounds[chosen, :NEED], need[chosen], bounds[chosen, BEST])
            seen_as = np.ascontiguousarray(tokens[chosen])
            by = None if claimed is None else claimed[chosen]
            parts += near_pairs(rows[chosen], seen_as, searched, against, by)
    return parts


def _look_further(
    reads: ReadColumns,
    rows: NDArray[np.int64],
    bounds: NDArray[np.float64],
    model: ReadingModel,
    odds: float,
) -> None:
    # Where no plate within two edits explains a text, a walk over all plates finds some; without
    # a bound every listed plate near by would be weighed.
    places = np.flatnonzero(bounds[:, NEED] == 0.0)
    if not len(places):
        return
    evidence = evidence_of(reads, rows[places], model)
    steps = np.full(len(places), FIRST_LOOK_STEPS)
    # With so much traffic no pair is worth a look, and a thousandth of it makes no difference.
    enough = bounds[places, BEST] / odds
    until = Until(enough, steps, known=enough * KNOWN_SHARE)
    bounds[places, NEED] = traffic_of(evidence, evidence.gaps, model, until)


def _near_of_marked(
    reads: ReadColumns,
    rows: NDArray[np.int64],
    rules: NearRules,
    against: tuple[Snapshot, ReadingModel],
    least: NDArray[np.float64],
) -> list[Pairs]:
    # A text with positions that could not be read, or with marks that are no separators.
    model = against[1]
    evidence = evidence_of(reads, rows, model)
    starts = model.starts(evidence.bare, evidence.bands)
    most = model.most(evidence.bare, starts)
    boost = boosts_of(reads, evidence.rows) * rules.boost
    odds = 1 / (boost / (rules.odds * LUMPINESS) + model.densest)
    # Plates of no format at all bound the sum too; all but one of several gaps leave nothing.
    gaps = np.where(evidence.gaps, GAPS_UNKNOWN | 1, 0).astype(np.uint16)
    texts = (evidence.bare, evidence.bare_lengths)
    odd = unknown_shares(texts, gaps, evidence.claims, model)
    odd *= starts.sum(axis=1)
    steps = np.full(len(starts), FIRST_LOOK_STEPS)
    part = traffic_of(evidence, evidence.gaps, model, Until(most / odds, steps))
    traffic = np.maximum(part, odd)
    least[evidence.rows] = traffic
    left = traffic * odds < most
    evidence = evidence.chosen(left)
    bounds = bounds_of(starts[left], traffic[left] * odds[left], most[left])
    return near_pairs(evidence.rows, evidence.bare, bounds, against)
