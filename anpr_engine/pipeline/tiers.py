"""What tiers say: edits between two texts, forced repairs, and how much a wildcard covers.

A repaired match is a text that no country issues, and that becomes a listed plate by turning
letters into digits or digits into letters alone: the positions of the plate leave no choice.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from anpr_engine.pipeline.find import Pairs
from anpr_engine.pipeline.score import listed_plates
from anpr_engine.plates.identify import fits
from anpr_engine.plates.wildcard import Wildcard, parse_wildcard
from anpr_engine.records.columns import country_text
from anpr_engine.watchlist.plate_checks import plate_counter
from anpr_engine.watchlist.snapshot import Snapshot

_SURE_REPLACED = 2


def edits_of(seen: str, listed: str) -> int:
    """Count the fewest characters to replace, add or drop (Levenshtein 1966)."""
    if len(seen) == len(listed):
        replaced = sum(one != other for one, other in zip(seen, listed, strict=True))
        # With fewer edits than two a text of this length has one replaced.
        if replaced <= _SURE_REPLACED:
            return replaced
    row = list(range(len(listed) + 1))
    for place, character in enumerate(seen, start=1):
        before, row[0] = row[0], place
        for other, wanted in enumerate(listed, start=1):
            same = before + (character != wanted)
            before, row[other] = row[other], min(row[other] + 1, row[other - 1] + 1, same)
    return row[-1]


def is_repaired(seen: str, listed: str) -> bool:
    """Say whether only the kind of characters is wrong in what was read."""
    flips = [(a, b) for a, b in zip(seen, listed, strict=False) if a != b]
    return (
        len(seen) == len(listed)
        and bool(flips)
        and all(a.isdigit() != b.isdigit() for a, b in flips)
        and not fits(seen)
        and bool(fits(listed))
    )


def wildcard_shares(pairs: Pairs, snapshot: Snapshot) -> NDArray[np.float64]:
    """Give the share of the traffic that fits each pair's entry: float64 (p,)."""
    shares = np.empty(len(pairs))
    countries = listed_plates(pairs, snapshot).country
    for pair, code in enumerate(countries.tolist()):
        listed = pairs.listed_plate(pair, snapshot)
        shares[pair] = _wildcard_share(listed, country_text(code) or "")
    return shares


@lru_cache(maxsize=2**14)
def _wildcard_share(listed: str, country: str) -> float:
    wildcard = parse_wildcard(listed)
    if not isinstance(wildcard, Wildcard):
        return 1.0
    return plate_counter().share(wildcard, country).traffic_share
