"""Let a control room's verdicts correct which characters a model thinks are confused.

Why never how often: verdicts exist only for reads that made an alert, that is for reads close to
a listed plate. Among those far more are misread than on the road, so states of quality, rates and
bands of confidence stay as pairs have taught them. What verdicts can tell is, given that a plate
was misread: at which character, as what, or that it was lost. That is all that is taken.
Why so little of it: a misread that the engine holds for impossible makes no alert, so that nobody
ever judges it, and a model that believed its own verdicts would only grow surer of what it
believed before. Of each character verdicts therefore count as `VERDICTS_MOST` pseudo-observations
at most, beside `BELIEVED` of what the model held: a quarter of that always stays.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray

from anpr_engine.kernels.channel import DROPPED_AT_EDGE, DROPPED_INSIDE, INSERTED, QUALITIES
from anpr_engine.kernels.channel_counts import (
    COUNT_COLUMNS,
    COUNT_ROOM_SHAPE,
    COUNT_ROWS,
    channel_counts,
)
from anpr_engine.kernels.tokens import PLAIN, TOKENS
from anpr_engine.plates.error_fit import LOST_MAX, Pairs, log_likelihoods, pairs_of
from anpr_engine.plates.error_model import Channel, ErrorModel, channel_of
from anpr_engine.plates.normaliser import normalise

BELIEVED = 10.0
"""Pseudo-observations of each character that the model is worth."""
VERDICTS_MOST = 30.0
"""Observations of each character that verdicts are worth at most."""


@dataclass(frozen=True, slots=True)
class _Errors:
    """What was done to misread plates, added up.

    taken: float64 (TOKENS, TOKENS), printed by read. lost, added: float64 (TOKENS,).
    taken_of, lost_of: float64 (TOKENS,), what was to be expected of each character, were all
        plates misread just as they are, by how prone the model holds it.
    """

    taken: NDArray[np.float64]
    lost: NDArray[np.float64]
    added: NDArray[np.float64]
    taken_of: NDArray[np.float64]
    lost_of: NDArray[np.float64]


def verdict_pairs(
    seen: Sequence[str], reads: Sequence[str], confidence: Sequence[float | None]
) -> Pairs:
    """Put plates as seen on pictures and as read into columns, without separators.

    People type separators or leave them out; whether a reader lost one nobody can tell from that.
    """
    truths = [normalise(text).text for text in seen]
    return pairs_of(truths, [normalise(text).text for text in reads], confidence)


def with_verdicts(model: ErrorModel, pairs: Pairs) -> ErrorModel:
    """Correct which characters a model confuses, loses and adds; how often stays as it is.

    Given a misread, the odds of where it happened do not depend on how misreads were chosen, as
    in conditional logistic regression (Breslow and Day 1980): each plate is compared with itself.
    A pair counts less the likelier it is garbage. Characters of the mix that the plates of all
    verdicts have are misread as often as before, taken together.

    Args:
        model: to correct.
        pairs: from `verdict_pairs`, those read right among them.

    """
    wrong = np.flatnonzero((pairs.tokens[:, 0] != pairs.tokens[:, 1]).any(axis=1))
    if not len(wrong):
        return model
    relative = np.array(model.confused)
    np.fill_diagonal(relative, 0.0)
    prone, lost = relative.sum(axis=1), np.array(model.lost)
    errors = _errors_of(pairs.chosen(wrong), channel_of(model), (prone, lost))
    mix = np.bincount(pairs.tokens[:, 0][pairs.tokens[:, 0] >= 0], minlength=TOKENS).astype(float)
    mix[:PLAIN] += 1.0
    shares = _blended(relative, errors.taken, prone)
    shares /= np.maximum(shares.sum(axis=1, keepdims=True), 1e-300)
    prone_now = _held(_proneness(prone, errors.taken.sum(axis=1), errors.taken_of), prone, mix)
    lost_now = _held(_proneness(lost, errors.lost, errors.lost_of), lost, mix)
    added = _blended(np.array([model.added]), errors.added[None, :], np.ones(1))[0]
    return msgspec.structs.replace(
        model,
        confused=np.round(shares * prone_now[:, None], 5).tolist(),
        lost=np.round(np.clip(lost_now, 1 / LOST_MAX, LOST_MAX), 4).tolist(),
        added=np.round(added / added.sum(), 5).tolist(),
    )


def _errors_of(
    pairs: Pairs, channel: Channel, prone: tuple[NDArray[np.float64], NDArray[np.float64]]
) -> _Errors:
    _, states = log_likelihoods(pairs, channel)
    usual = states[:, : QUALITIES - 1]
    mixture = np.maximum(usual.sum(axis=0), 1e-12)
    rates = np.ascontiguousarray(channel.rates[:, :, : QUALITIES - 1] @ (mixture / mixture.sum()))
    weights = np.ascontiguousarray(usual.sum(axis=1))
    taken, added = np.zeros((TOKENS, TOKENS)), np.zeros(TOKENS)
    lost, taken_of, lost_of = np.zeros(TOKENS), np.zeros(TOKENS), np.zeros(TOKENS)
    room = np.zeros(COUNT_ROOM_SHAPE)
    for pair in range(len(pairs)):
        one, counts = slice(pair, pair + 1), np.zeros((COUNT_ROWS, COUNT_COLUMNS))
        channel_counts(pairs.tokens[one], pairs.lengths[one], weights[one], rates, room, counts)
        wrong = counts[:TOKENS, :TOKENS]
        np.fill_diagonal(wrong, 0.0)
        gone = counts[DROPPED_INSIDE, :TOKENS] + counts[DROPPED_AT_EDGE, :TOKENS]
        there = np.bincount(pairs.tokens[pair, 0, : pairs.lengths[pair, 0]], minlength=TOKENS)
        taken += wrong
        lost += gone
        added += counts[INSERTED, :TOKENS]
        taken_of += wrong.sum() * there / (there @ prone[0])
        lost_of += gone.sum() * there / (there @ prone[1])
    return _Errors(taken, lost, added, taken_of, lost_of)


def _blended(
    believed: NDArray[np.float64], seen: NDArray[np.float64], total: NDArray[np.float64]
) -> NDArray[np.float64]:
    # Rows of shares, times `total`: what was believed and what was seen, each by its weight.
    count = seen.sum(axis=1)
    scale = np.minimum(1.0, VERDICTS_MOST / np.maximum(count, 1e-12))
    shares = believed / np.maximum(total, 1e-300)[:, None]
    return np.asarray(BELIEVED * shares + scale[:, None] * seen, np.float64)


def _proneness(
    believed: NDArray[np.float64], seen: NDArray[np.float64], expected: NDArray[np.float64]
) -> NDArray[np.float64]:
    # One step towards the proneness under which as many errors were expected as were seen.
    most = np.maximum(np.maximum(seen, expected), 1e-12)
    scale = np.minimum(1.0, VERDICTS_MOST / most)
    return np.asarray(
        (BELIEVED * believed + scale * seen) / (BELIEVED + scale * expected), np.float64
    )


def _held(
    changed: NDArray[np.float64], before: NDArray[np.float64], mix: NDArray[np.float64]
) -> NDArray[np.float64]:
    # Characters that plates do not have stay as they are; the mean over the mix does too.
    mixed = mix > 0
    scale = (before * mix).sum() / max((changed * mix).sum(), 1e-300)
    return np.where(mixed, changed * scale, before)
