"""What the tests of misreads share: rows of tokens, states of a confidence band."""

from collections.abc import Sequence

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray
from oracle_reading import Tokens

from anpr_engine.kernels.channel import QUALITIES, ROOM_SHAPE, pair_likelihoods
from anpr_engine.kernels.tokens import JUNK, NO_TOKEN, SEPARATOR, TOKENS_MAX
from anpr_engine.plates.reading import shipped_reading

FEW_TOKENS = (0, 24, 1, 18, 36, SEPARATOR, JUNK)
"""0 O 1 I Ä, a gap, a mark that is no character."""
few_tokens = st.sampled_from(FEW_TOKENS)


def rows_of(texts: Sequence[Tokens]) -> NDArray[np.int8]:
    """Put tokens into rows."""
    rows = np.full((len(texts), TOKENS_MAX), NO_TOKEN, dtype=np.int8)
    for row, text in enumerate(texts):
        rows[row, : len(text)] = text
    return rows


def mixture_of(band: int, *, garbage: bool) -> NDArray[np.float64]:
    """Give the states of a confidence band, with or without the worst."""
    mixture: NDArray[np.float64] = shipped_reading().channel.quality[band].copy()
    mixture[-1] *= garbage
    return mixture


def run_pairs(
    plates: Sequence[Tokens], reads: Sequence[Tokens], rates: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Call the kernel on pairs."""
    sizes = [(len(plate), len(read)) for plate, read in zip(plates, reads, strict=True)]
    lengths = np.array(sizes, dtype=np.int64).reshape(-1, 2)
    found = np.empty((len(plates), QUALITIES))
    pair_likelihoods(rows_of(plates), lengths, rows_of(reads), rates, np.empty(ROOM_SHAPE), found)
    return found
