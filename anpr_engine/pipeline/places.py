"""Could this vehicle be here? A doubtful hit weighed by where its plate was last seen for sure.

A vehicle that was seen twenty minutes ago thirty kilometres away is on the road and about here;
one that was seen five minutes ago two hundred kilometres away is hardly this one. By how much,
`journeys` says.

Why after matching: a boost known in advance lowers the floor that near matches are looked for
with, and so the gate's bound holds; memory plays no part in the search. Why doubtful hits alone: a
sure one needs no help, and a copied plate far from its vehicle is just what must be told.
Why event time: a late read is weighed by the time between, before or after, and an older sighting
never takes a newer one's place. What is remembered does not hang on order or batches.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from anpr_engine.pipeline.columns import CANDIDATE, EXACT, FUZZY, REPAIRED, read_of
from anpr_engine.pipeline.find import Pairs
from anpr_engine.pipeline.journeys import (
    PlaceRules,
    bearing_deg,
    great_circle_km,
    place_ratios,
)
from anpr_engine.pipeline.score import listed_plates
from anpr_engine.records.columns import HitColumns, ReadColumns
from anpr_engine.records.read import PlateRead
from anpr_engine.watchlist.snapshot import Snapshot

BELOW_PROBABILITY = "below-probability"
"""The reason under which matching, too, counts hits that are not probable enough."""
_DOUBTFUL = (REPAIRED, FUZZY, CANDIDATE)
_NOWHERE = (np.nan, np.nan, np.nan, np.nan, np.nan, np.nan)
_HERE, _THERE, _LATER_S, _HEADING = slice(0, 2), slice(2, 4), 4, 5
"""Columns of a journey: places as latitude and longitude; how much later than there it was here,
in seconds; which way it went here, in degrees."""


class Sighting(NamedTuple):
    """Where and when a listed plate was seen for sure; the order of fields is that of age."""

    captured_us: int
    identity: int
    lat: float
    lon: float


class SightingBook:
    """The last sure sighting of each listed plate; `apply` alone changes it."""

    def __init__(self, rules: PlaceRules) -> None:
        """Start empty."""
        self.rules = rules
        self.newest_us = 0
        self._seats: dict[int, Sighting] = {}
        self._swept_us = 0

    def __len__(self) -> int:
        """Count the sightings that are kept."""
        return len(self._seats)

    def seat_of(self, identity: int) -> int:
        """Give the seat of a plate; many plates share one."""
        return identity % self.rules.vehicles_max

    def at(self, seat: int) -> Sighting | None:
        """Give the sighting in a seat."""
        return self._seats.get(seat)

    def apply(self, sightings: Iterable[Sighting]) -> None:
        """Take over what a step saw, once it is durable; in any order it comes to the same."""
        for sighting in sightings:
            seat = self.seat_of(sighting.identity)
            self._seats[seat] = max(sighting, self._seats.get(seat, sighting))
            self.newest_us = max(self.newest_us, sighting.captured_us)
        horizon_us = self.rules.horizon_us
        if self.newest_us > self._swept_us + horizon_us // 8:
            self._swept_us = self.newest_us
            for seat, sighting in list(self._seats.items()):
                if sighting.captured_us < self.newest_us - horizon_us:
                    del self._seats[seat]


class Placed(NamedTuple):
    """Hits weighed by place: the hits, what each was weighed by, and what was seen for sure.

    ratio: float64 (h,), 1 where nothing is known.
    """

    hits: HitColumns
    ratio: NDArray[np.float64]
    sightings: Sequence[Sighting]


def weigh_places(
    reads: ReadColumns, hits: HitColumns, snapshot: Snapshot, book: SightingBook
) -> Placed:
    """Weigh a batch's doubtful hits by where their plates were last seen; none is dropped here.

    Reads are taken one by one, so that what comes out does not hang on where batches were cut.

    Args:
        reads: the decoded batch.
        hits: all hits of the batch.
        snapshot: the watchlists that were matched against.
        book: the sightings before this batch, only looked at.

    """
    pairs = Pairs(hits.read, hits.entry, hits.recent, hits.tier)
    identities = listed_plates(pairs, snapshot).identities
    sure = (hits.tier == EXACT) & (hits.probability >= book.rules.sure_min)
    journeys = np.full((len(hits), len(_NOWHERE)), np.nan)
    draft = _Draft(book)
    doubtful = np.isin(hits.tier, _DOUBTFUL)
    rows = hits.read.tolist()
    for row in sorted({row for row, used in zip(rows, sure | doubtful, strict=True) if used}):
        read = read_of(reads, row)
        position = read.position
        if position is None:
            continue
        captured_us = int(reads.captured_at_us[row])
        mine = np.flatnonzero(hits.read == row)
        for hit in mine[doubtful[mine]].tolist():
            journeys[hit] = draft.journey(int(identities[hit]), captured_us, read)
        for hit in mine[sure[mine]].tolist():
            seen = Sighting(captured_us, int(identities[hit]), position.lat, position.lon)
            draft.note(seen)
    ratio = _ratios(journeys, book.rules)
    weighed = _weighed(hits, identities, ratio)
    return Placed(replace(hits, probability=weighed), ratio, draft.seen)


def _ratios(journeys: NDArray[np.float64], rules: PlaceRules) -> NDArray[np.float64]:
    here, there = journeys[:, _HERE].T, journeys[:, _THERE].T
    km = great_circle_km((here[0], here[1]), (there[0], there[1]))
    later_s = journeys[:, _LATER_S]
    way = bearing_deg((there[0], there[1]), (here[0], here[1]))
    # A late read is of where the vehicle was on its way to there.
    way = np.where(later_s < 0, way + 180.0, way)
    ratio = place_ratios(km, np.abs(later_s), journeys[:, _HEADING] - way, rules)
    return np.where(np.isnan(km), 1.0, ratio)


class _Draft:
    """A book with what this batch has seen laid over it."""

    def __init__(self, book: SightingBook) -> None:
        self._book = book
        self._newest_us = book.newest_us
        self._seats: dict[int, Sighting] = {}
        self.seen: list[Sighting] = []

    def _at(self, seat: int) -> Sighting | None:
        return self._seats.get(seat) or self._book.at(seat)

    def journey(self, identity: int, captured_us: int, read: PlateRead) -> tuple[float, ...]:
        """Give the columns of a journey to a read with a position; NaN where nothing is known."""
        last = self._at(self._book.seat_of(identity))
        oldest_us = self._newest_us - self._book.rules.horizon_us
        here = read.position
        if here is None or last is None or last.identity != identity:
            return _NOWHERE
        if last.captured_us < oldest_us:
            return _NOWHERE
        later_s = (captured_us - last.captured_us) / 1e6
        heading = np.nan if read.heading_deg is None else read.heading_deg
        return here.lat, here.lon, last.lat, last.lon, later_s, heading

    def note(self, sighting: Sighting) -> None:
        """Remember a sighting."""
        seat = self._book.seat_of(sighting.identity)
        self._seats[seat] = max(sighting, self._at(seat) or sighting)
        self._newest_us = max(self._newest_us, sighting.captured_us)
        self.seen.append(sighting)


def _weighed(
    hits: HitColumns, identities: NDArray[np.uint64], ratio: NDArray[np.float64]
) -> NDArray[np.float64]:
    # Bayes' rule with one factor more. What a rival gains its read's other hits lose; what one
    # loses is nobody's: of an impossible journey a copied plate is left, or an unlisted vehicle.
    found = hits.probability.copy()
    for row in np.unique(hits.read[ratio != 1.0]).tolist():
        mine = np.flatnonzero(hits.read == row)
        share, factor = hits.probability[mine], ratio[mine]
        # Several entries of one plate are one vehicle: it counts once.
        _, first = np.unique(identities[mine], return_index=True)
        gains = float((np.maximum(factor - 1, 0.0) * share)[first].sum())
        own = np.minimum(factor - 1, 0.0) * share
        found[mine] = factor * share / (1 + gains + own)
    return found


def kept_hits(placed: Placed, floors: tuple[float, float]) -> Placed:
    """Leave out hits that are not worth one after all.

    Args:
        placed: weighed by place.
        floors: least probabilities of near matches, which are not counted, and of all others.

    """
    hits = placed.hits
    near = np.isin(hits.tier, (REPAIRED, FUZZY))
    kept = hits.probability >= np.where(near, floors[0], floors[1])
    if kept.all():
        return placed
    withheld = dict(hits.withheld)
    others = int((~kept & ~near).sum())
    if others:
        withheld[BELOW_PROBABILITY] = withheld.get(BELOW_PROBABILITY, 0) + others
    chosen = replace(
        hits,
        read=hits.read[kept],
        entry=hits.entry[kept],
        recent=hits.recent[kept],
        tier=hits.tier[kept],
        edits=hits.edits[kept],
        probability=hits.probability[kept],
        withheld=withheld,
    )
    return Placed(chosen, placed.ratio[kept], placed.sightings)
