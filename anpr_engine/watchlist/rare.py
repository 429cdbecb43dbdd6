"""The keys of plates that are rare on the road, filed by their halves.

Why: a plate that is common on the road is worth a near match only if it is most of what the read
may have been, and such plates are named without a search (see `pipeline.near`). What has to be
searched for are plates rarer than one in so many; of a list of ordinary vehicles these are a
twentieth to a sixth, and their index stays in a core's own cache.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from anpr_engine.kernels.halves import HalfIndex
from anpr_engine.plates.gate import Gate, gate_tables
from anpr_engine.plates.pack_files import country_packs
from anpr_engine.records.columns import country_code
from anpr_engine.watchlist.column import Column
from anpr_engine.watchlist.halves import half_index

RARE_SHARE = 1.5e-9
"""Plates with less of the traffic are rare."""
UNCLAIMED_SHARE = 8 * RARE_SHARE
"""The same for an entry that tells no country: see `claims_allow`."""
KEYS_MIN = 256
"""Of fewer keys all are searched as fast."""
NO_COUNTRY = -1
_COMMON = -2
_AT_ONCE = 2**16


@dataclass(frozen=True, slots=True)
class RareGroup:
    """Rare plates of one country, filed by their halves.

    place: of the country, see `ReadingModel.countries`; `NO_COUNTRY` for entries that tell none.
    index: of their keys. rows: uint32 (k,), the row in the block of each of its keys.
    """

    place: int
    index: HalfIndex
    rows: NDArray[np.uint32]


@dataclass(frozen=True, slots=True)
class RareHalves:
    """The rare plates of a block.

    gate: the digest of the gate that says which plates are rare; "" where none were told apart.
    """

    groups: tuple[RareGroup, ...]
    gate: str


@cache
def _gate() -> Gate:
    return gate_tables(country_packs())


def claims_allow(least: float) -> bool:
    """Say whether entries that tell no country are told apart well enough.

    Args:
        least: the least that P(claim | country) is beside that of another country.

    Such an entry's claim is weighed by the countries that have plates like it, and one part in
    10**12 of any other (`score.country_factors`). So a pair that is not named needs
    `least * share * (share / rare - 1) < 1e-12`; at eight times the rare share the left side is
    more as long as `least` is over 1.2e-5.
    """
    rare, most = RARE_SHARE, UNCLAIMED_SHARE
    return least * most * (most / rare - 1) >= 1e-12


def rare_halves(keys: NDArray[np.uint64], countries: Column) -> RareHalves:
    """File the keys of rare plates.

    Args:
        keys: uint64 (n,), sorted.
        countries: each entry's, as `country_code` gives it; 0 where it tells none.

    """
    if len(keys) < max(1, KEYS_MIN):
        return RareHalves((), "")
    parts = []
    for first in range(0, len(keys), _AT_ONCE):
        rows = np.arange(first, min(first + _AT_ONCE, len(keys)))
        parts.append(_rare_places(keys[rows], countries[rows]))
    places = np.concatenate(parts)
    groups = []
    for place in np.unique(places[places > _COMMON]).tolist():
        rows = np.flatnonzero(places == place)
        groups.append(RareGroup(place, half_index(keys[rows]), rows.astype(np.uint32)))
    return RareHalves(tuple(groups), _gate().digest)


def _rare_places(keys: NDArray[np.uint64], countries: NDArray[np.uint32]) -> NDArray[np.int8]:
    # The place of each rare plate's country. A plate listed under a country that has none like
    # it is as rare as can be.
    shares = _gate().densities(keys)
    found = np.full(len(keys), shares.shape[1] - 1, dtype=np.int8)
    found[countries == 0] = NO_COUNTRY
    found[(countries == 0) & (shares.sum(axis=1) >= UNCLAIMED_SHARE)] = _COMMON
    for place, pack in enumerate(country_packs()):
        mine = countries == country_code(pack.country)
        found[mine] = np.where(shares[mine, place] < RARE_SHARE, place, _COMMON)
    return found
