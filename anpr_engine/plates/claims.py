"""What a reader's claim of a country is worth: P(claim | the plate's country)."""

import numpy as np
from numpy.typing import NDArray

from anpr_engine.records.columns import country_code

CLAIM_RIGHT = 0.95
"""How often the country that a reader claims is the plate's."""


def claim_places(countries: tuple[str, ...]) -> NDArray[np.uint8]:
    """Give each country code's row in the claim factors: uint8 (65536,), 0 for none.

    Countries without a pack share the last row.
    """
    places = np.full(2**16, len(countries), dtype=np.uint8)
    places[0] = 0
    for place, country in enumerate(countries[:-1]):
        places[country_code(country)] = place + 1
    return places


def claim_factors(countries: int) -> NDArray[np.float64]:
    """Give P(claim | country): float64 (countries + 1, countries), the first row for no claim."""
    factors = np.full((countries + 1, countries), (1 - CLAIM_RIGHT) / countries)
    factors[0] = 1.0
    factors[np.arange(1, countries + 1), np.arange(countries)] = CLAIM_RIGHT
    return factors
