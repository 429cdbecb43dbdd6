"""The tables of edits that near matching searches by: what each is worth, the likeliest first.

All of them are upper bounds, wherever in a plate the edit is: a search by them may look at too
many plates, never at too few.
"""

import numpy as np
from numpy.typing import NDArray

from anpr_engine.kernels._jit import kept
from anpr_engine.kernels.channel import (
    DROPPED_AT_EDGE,
    DROPPED_INSIDE,
    INSERTED,
    QUALITIES,
    RATE,
)
from anpr_engine.kernels.edits import ADDED, LOST, REPLACED
from anpr_engine.kernels.gate import GATE_CHARACTERS_MAX
from anpr_engine.kernels.halves import CHARACTERS_MIN
from anpr_engine.kernels.neighbours import BEST_ROW, RANKED_LOST, RANKED_ROWS, EditModel
from anpr_engine.kernels.quick_looks import REPLACED_ROW
from anpr_engine.kernels.tokens import CHARACTERS, JUNK, PLAIN, TOKENS

_MIDDLE = 2
"""The state by which characters are ranked; the order is nearly the same in all."""
_TWIN_SLACK = 9.0
"""Ways to line up a plate with two equal characters side by side, see `kernels.neighbours`."""


def edit_model(rates: NDArray[np.float64]) -> EditModel:
    """Build the tables from a channel's rates, see `kernels.channel`."""
    ratios = _ratios(rates)
    return EditModel(kept(_ranked(ratios)), kept(ratios), kept(_token_best(ratios)))


def reach(
    quality: NDArray[np.float64], right: NDArray[np.float64], edits: EditModel
) -> NDArray[np.float64]:
    """Bound P(read | another plate) over P(read | the plate of just this text), by band.

    Args:
        quality: float64 (bands, QUALITIES).
        right: float64 (TOKENS, QUALITIES).
        edits: the tables.

    The states' ratios are weighed by how likely a text read right came from each: over the best
    state a worse one counts at most (or least) as its characters allow. The worst length counts.
    """
    best = edits.ratios[REPLACED, BEST_ROW, 0]
    relative = right[:PLAIN] / right[:PLAIN, :1]
    most, least = relative.max(axis=0), relative.min(axis=0)
    found = np.zeros(len(quality))
    for count in range(CHARACTERS_MIN, GATE_CHARACTERS_MAX + 1):
        weighed = (quality * most**count * best).sum(axis=1)
        found = np.maximum(found, weighed / (quality * least**count).sum(axis=1))
    return np.asarray(found * _TWIN_SLACK, np.float64)


def slack(tokens: NDArray[np.int8]) -> NDArray[np.float64]:
    """Give how many ways there may be to line a text up: float64 (n,), see `kernels.neighbours`."""
    same = (tokens[:, 1:] == tokens[:, :-1]) & (tokens[:, 1:] >= 0)
    run = np.ones(len(tokens))
    longest = np.ones(len(tokens))
    for column in range(same.shape[1]):
        run = np.where(same[:, column], run + 1, 1.0)
        longest = np.maximum(longest, run)
    return np.asarray((longest + 1) ** 2, np.float64)


def _ratios(rates: NDArray[np.float64]) -> NDArray[np.float64]:
    # Upper bounds, wherever in the plate the edits are: an edit at an edge moves the edge.
    ratios = np.zeros((3, TOKENS + 2, TOKENS, QUALITIES))
    rows = (DROPPED_INSIDE, DROPPED_AT_EDGE)
    right = np.diagonal(rates[:TOKENS, :TOKENS]).T.copy()
    kept = np.stack([1 - rates[row, :TOKENS] for row in rows])
    # A mark that is no character was never read right.
    right[JUNK] = kept[:, JUNK] = 1.0
    for seen in range(TOKENS):
        staying = (kept / kept[:, seen, None]).max(axis=0)
        ratios[REPLACED, seen] = rates[:TOKENS, seen] / right[seen] * staying
    stays = right * kept.min(axis=0) * (1 - rates[rows, RATE]).min(axis=0)
    for edge, chosen in enumerate((rows[:1], rows)):
        ratios[LOST, edge] = rates[chosen, :TOKENS].max(axis=0)
        ratios[ADDED, edge] = rates[chosen, RATE].max(axis=0) * rates[INSERTED, :TOKENS] / stays
    ratios[:2, :, PLAIN:CHARACTERS] = 0.0
    characters = ratios[REPLACED, :TOKENS, :PLAIN].copy()
    characters[np.arange(PLAIN), np.arange(PLAIN)] = 0.0
    ratios[REPLACED, REPLACED_ROW] = characters.max(axis=1)
    best = np.max([characters.max(axis=(0, 1)), ratios[LOST].max(axis=(0, 1))], axis=0)
    ratios[REPLACED, BEST_ROW, 0] = np.maximum(best, ratios[ADDED].max(axis=(0, 1)))
    return ratios


def _token_best(ratios: NDArray[np.float64]) -> NDArray[np.float64]:
    # What the best edit of one token read can be; the last row stands behind the text.
    best = np.maximum(ratios[REPLACED, REPLACED_ROW], ratios[ADDED, :2].max(axis=0))
    lost = ratios[LOST, :2].max(axis=(0, 1))
    return np.vstack([np.maximum(best, lost), lost[None]])


def _ranked(ratios: NDArray[np.float64]) -> NDArray[np.int8]:
    ranked = np.full((RANKED_ROWS, CHARACTERS), -1, dtype=np.int8)
    for seen in range(TOKENS):
        order = np.argsort(-ratios[REPLACED, seen, :PLAIN, _MIDDLE], kind="stable")
        others = order[order != seen]
        ranked[seen, : len(others)] = others
    lost = np.argsort(-ratios[LOST, 0, :PLAIN, _MIDDLE], kind="stable")
    ranked[RANKED_LOST, :PLAIN] = lost
    return ranked
