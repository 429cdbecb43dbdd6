"""Which characters of a read are looked at first, so that few probes serve many patterns.

Why a greedy choice: the fewest sets of positions that serve all patterns are a set cover, which
is hard; taking the best set again and again comes within a factor that no list will notice.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from anpr_engine.kernels.plate_text import ALPHABET
from anpr_engine.kernels.wildcards import CHARACTER_BITS, WORD_CHARACTERS
from anpr_engine.plates.wildcard import ANY_CHARACTER, FIXED_MIN, Wildcard

_CODES = {character: code for code, character in enumerate(ALPHABET, start=1)}
_CHARACTER = 2**CHARACTER_BITS - 1
_DIGIT_CODE_MAX = 10
_LETTERS = 20.0
"""How many letters are usual at one place of a plate."""
_LOOK_COST = 8.0
"""What it costs to look at a pattern of the table, in probes."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How long a pattern is, and at which ends it is free."""

    positions: int
    open_start: bool
    open_end: bool

    def places(self, characters: int) -> range:
        """Give the places where the pattern may lie in a plate of so many characters."""
        spare = characters - self.positions
        if spare < 0 or (spare > 0 and not self.open_start and not self.open_end):
            return range(0)
        first = 0 if self.open_end else spare
        return range(first, (spare if self.open_start else first) + 1)


def shape_of(wildcard: Wildcard) -> Shape:
    """Give the shape of a wildcard."""
    return Shape(len(wildcard.positions), wildcard.open_start, wildcard.open_end)


def packed(wildcard: Wildcard) -> tuple[int, int]:
    """Give which bits a wildcard fixes, and their values: six bits a position, the first lowest."""
    mask = value = 0
    for place, character in enumerate(wildcard.positions):
        if character != ANY_CHARACTER:
            mask |= _CHARACTER << CHARACTER_BITS * place
            value |= _CODES[character] << CHARACTER_BITS * place
    return mask, value


def _candidates() -> NDArray[np.uint64]:
    sets = [
        chosen
        for size in (FIXED_MIN, FIXED_MIN + 1)
        for chosen in combinations(range(WORD_CHARACTERS), size)
    ]
    masks = [sum(_CHARACTER << CHARACTER_BITS * place for place in chosen) for chosen in sets]
    return np.array(masks, dtype=np.uint64)


_CANDIDATES = _candidates()


def shared_masks(
    fixed: NDArray[np.uint64], values: NDArray[np.uint64]
) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """Choose masks of three or four positions until each pattern has one that it fixes wholly.

    Args:
        fixed: uint64 (patterns,), the bits each pattern of one shape fixes.
        values: uint64 (patterns,), their values.

    Yields:
        A mask and the patterns it serves: int64 (served,), places in the arrays.

    """
    kinds, kind_of, counts = np.unique(fixed, return_inverse=True, return_counts=True)
    serves = kinds[np.newaxis, :] & _CANDIDATES[:, np.newaxis] == _CANDIDATES[:, np.newaxis]
    plates = _plates_told_apart(values)
    while counts.any():
        patterns = serves @ counts
        kinds_left = np.count_nonzero(serves & (counts > 0), axis=1)
        best = int(np.argmax(kinds_left / (1 + _LOOK_COST * patterns / plates)))
        served = serves[best] & (counts > 0)
        counts[served] = 0
        yield int(_CANDIDATES[best]), np.flatnonzero(served[kind_of])


def _plates_told_apart(values: NDArray[np.uint64]) -> NDArray[np.float64]:
    """Estimate how many plates differ in the positions of each candidate: float64 (candidates,)."""
    told = np.ones(len(_CANDIDATES))
    for place in range(WORD_CHARACTERS):
        shift = np.uint64(CHARACTER_BITS * place)
        codes = values >> shift & np.uint64(_CHARACTER)
        looked_at = (_CANDIDATES >> shift & np.uint64(_CHARACTER)) != 0
        told[looked_at] *= 10.0 if codes.max() <= _DIGIT_CODE_MAX else _LETTERS
    return told
