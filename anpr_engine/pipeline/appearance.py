"""What the vehicle looked like, weighed against what the list says of it.

A listed plate on another make or in another colour is more likely a misread of somebody else's
plate than the listed vehicle; the innocent drivers who were stopped at gunpoint drove the wrong
make. The weights are mild: readers mistake colours, lists are typed by people, and a Belgian plate
belongs to its holder, who may have put it on another car.
"""

import numpy as np
from numpy.typing import NDArray

from anpr_engine.pipeline.columns import read_of
from anpr_engine.pipeline.find import Pairs
from anpr_engine.records.columns import ReadColumns, country_code
from anpr_engine.watchlist.snapshot import Snapshot

MAKE_AGREES, MAKE_DIFFERS = 4.0, 0.15
"""How much likelier a make is read as listed, or as another, if it is the listed vehicle."""
COLOUR_AGREES, COLOUR_DIFFERS = 2.5, 0.4
HOLDERS_PLATE_DIFFERS = 0.5
"""Where plates belong to their holders, another vehicle says less."""
HOLDERS_COUNTRIES = frozenset({country_code("BE"), country_code("LU")})


def appearance_most(snapshot: Snapshot) -> float:
    """Give the most that make and colour can be worth against these lists."""
    make = any(profile.vehicle_make for profile in snapshot.profiles)
    colour = any(profile.vehicle_colour for profile in snapshot.profiles)
    return (MAKE_AGREES if make else 1.0) * (COLOUR_AGREES if colour else 1.0)


def weigh_appearance(reads: ReadColumns, pairs: Pairs, snapshot: Snapshot) -> NDArray[np.float64]:
    """Weigh pairs by make and colour, where read and entry both tell: float64 (p,)."""
    factor = np.ones(len(pairs))
    told = [bool(profile.vehicle_make or profile.vehicle_colour) for profile in snapshot.profiles]
    if not any(told):
        return factor
    for pair in range(len(pairs)):
        rows = snapshot.block(recent=bool(pairs.recent[pair])).rows
        entry = int(pairs.entry[pair])
        number = rows.profile[entry]
        seen = read_of(reads, int(pairs.read[pair])).vehicle if told[number] else None
        if seen is None:
            continue
        listed = snapshot.profiles[number]
        softened = HOLDERS_PLATE_DIFFERS if rows.country[entry] in HOLDERS_COUNTRIES else 1.0
        weights = (
            _agreement(seen.make, listed.vehicle_make, (MAKE_AGREES, MAKE_DIFFERS)),
            _agreement(seen.colour, listed.vehicle_colour, (COLOUR_AGREES, COLOUR_DIFFERS)),
        )
        for weight in weights:
            factor[pair] *= weight if weight >= 1.0 else weight**softened
    return factor


def _agreement(seen: str | None, listed: str, weights: tuple[float, float]) -> float:
    if not seen or not listed:
        return 1.0
    agrees, differs = weights
    return agrees if seen.strip().casefold() == listed.strip().casefold() else differs
