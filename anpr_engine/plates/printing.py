"""How listed plates are printed: the canonical text with the separators of its formats."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from anpr_engine.kernels.tokens import SEPARATOR, TOKEN_OF, TOKENS_MAX
from anpr_engine.plates.identify import fits
from anpr_engine.plates.spellings import splits

PRINTINGS_MAX = 2
"""A German text may be split in two ways; that is the most."""


def tokens_of(text: str) -> NDArray[np.int8]:
    """Give the tokens of a printed or canonical text: int8 (TOKENS_MAX,)."""
    row = np.full(TOKENS_MAX, -1, dtype=np.int8)
    for place, character in enumerate(text[:TOKENS_MAX]):
        row[place] = TOKEN_OF.get(character, SEPARATOR)
    return row


@lru_cache(maxsize=2**16)
def printings(text: str, country: str | None) -> tuple[str, ...]:
    """Give the ways in which a plate may be printed, at most `PRINTINGS_MAX`; none when unknown.

    Args:
        text: canonical.
        country: ISO 3166 alpha-2, None for any that fits.

    """
    found: dict[str, None] = {}
    countries = [one.country for one in fits(text)]
    for each in [country] if country in countries else countries:
        found |= dict.fromkeys(splits(text, each))
    return tuple(found)[:PRINTINGS_MAX]
