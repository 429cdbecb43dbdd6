"""Learn an error model from pairs of what a plate was and what a reader made of it.

Expectation-maximisation (Dempster, Laird and Rubin 1977) over three hidden things: the state of
reading quality of each pair, how the two texts line up, and so which errors were made. What was
never seen is taken from the prior confusions, with the weight of `PRIOR_PAIRS` pairs.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import msgspec
import numpy as np
from numpy.typing import NDArray

from anpr_engine.kernels.channel import (
    DROPPED_AT_EDGE,
    DROPPED_INSIDE,
    INSERTED,
    QUALITIES,
    RATE,
    ROOM_SHAPE,
    pair_likelihoods,
)
from anpr_engine.kernels.channel_counts import (
    COUNT_COLUMNS,
    COUNT_ROOM_SHAPE,
    COUNT_ROWS,
    KEPT_AT_EDGE,
    KEPT_INSIDE,
    channel_counts,
)
from anpr_engine.kernels.tokens import (
    CHARACTERS,
    JUNK,
    SEPARATOR,
    TOKENS,
    TOKENS_MAX,
    read_tokens,
    without_separators,
)
from anpr_engine.plates.error_model import (
    DROPPED_MAX,
    Channel,
    ErrorModel,
    channel_of,
    prior_confusions,
)

BANDS = (0.02, 0.3, 0.5, 0.6, 0.7, 0.78, 0.85, 0.9, 0.95, 0.98)
ROUNDS = 14
PRIOR_PAIRS = 5.0
START_RATES = (0.001, 0.02, 0.12, 0.45)
"""Substitution rates that the states start from; the last one becomes the state of garbage."""
RATE_MIN = 1e-4
LOST_MAX = 3.0
"""No character is taken to be lost more often than the average by more than this: which one a
reader loses depends on its fonts more than anything else."""
ADDED_MIN, ADDED_MAX = 1e-5, 0.5


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs to learn from or to test with.

    tokens: int8 (n, 2, TOKENS_MAX), as printed and as read. lengths: int64 (n, 2).
    confidence: float64 (n,), NaN where not given.
    left_out: pairs that cannot be used: nothing was read, or a text is too long.
    """

    tokens: NDArray[np.int8]
    lengths: NDArray[np.int64]
    confidence: NDArray[np.float64]
    left_out: int

    def __len__(self) -> int:
        """Count the pairs."""
        return len(self.lengths)

    def chosen(self, rows: NDArray[np.bool_] | NDArray[np.int64]) -> "Pairs":
        """Take some of the pairs."""
        return replace(
            self,
            tokens=self.tokens[rows],
            lengths=self.lengths[rows],
            confidence=self.confidence[rows],
        )


def text_tokens(texts: Sequence[str]) -> tuple[NDArray[np.int8], NDArray[np.int64]]:
    """Give the tokens and lengths of plate texts; length -1 for texts that have none."""
    raw = [text.encode() for text in texts]
    spans = np.zeros((len(raw), 2), dtype=np.int32)
    spans[:, 1] = [len(text) for text in raw]
    spans[1:, 0] = np.cumsum(spans[:-1, 1])
    tokens = np.empty((len(raw), TOKENS_MAX), dtype=np.int8)
    lengths = np.empty(len(raw), dtype=np.int64)
    read_tokens(np.frombuffer(b"".join(raw), dtype=np.uint8), spans, tokens, lengths)
    return tokens, lengths


def pairs_of(
    truths: Sequence[str], reads: Sequence[str], confidence: Sequence[float | None]
) -> Pairs:
    """Put pairs into columns; a read without any separator is compared with the bare text."""
    printed, printed_lengths = text_tokens(truths)
    seen, seen_lengths = text_tokens(reads)
    bare, bare_lengths = without_separators(printed, printed_lengths)
    no_gap = ~(seen == SEPARATOR).any(axis=1)
    printed = np.where(no_gap[:, None], bare, printed)
    printed_lengths = np.where(no_gap, bare_lengths, printed_lengths)
    usable = (printed_lengths > 0) & (seen_lengths > 0)
    given = np.array([np.nan if value is None else value for value in confidence])
    return Pairs(
        tokens=np.stack([printed, seen], axis=1)[usable],
        lengths=np.stack([printed_lengths, seen_lengths], axis=1)[usable],
        confidence=given[usable],
        left_out=int((~usable).sum()),
    )


def log_likelihoods(pairs: Pairs, channel: Channel) -> tuple[float, NDArray[np.float64]]:
    """Give the mean log likelihood of pairs, and P(state | pair): float64 (n, QUALITIES)."""
    found = np.empty((len(pairs), QUALITIES))
    plates = np.ascontiguousarray(pairs.tokens[:, 0])
    reads = np.ascontiguousarray(pairs.tokens[:, 1])
    pair_likelihoods(plates, pairs.lengths, reads, channel.rates, np.empty(ROOM_SHAPE), found)
    joint = found * channel.quality[channel.band_of(pairs.confidence)]
    total = joint.sum(axis=1)
    states = joint / np.maximum(total, 1e-300)[:, None]
    return float(np.log(np.maximum(total, 1e-300)).mean()), states


def start_model(name: str, fitted_on: str) -> ErrorModel:
    """Give the model that learning starts from: estimates, no band differs from another."""
    start = np.array(START_RATES)
    even = [[1 / QUALITIES] * QUALITIES] * (len(BANDS) + 2)
    return ErrorModel(
        name=name,
        fitted_on=fitted_on,
        bands=list(BANDS),
        quality=even,
        substituted=start.tolist(),
        lost_inside=(start * 0.4).tolist(),
        lost_at_edge=(start * 0.4).tolist(),
        separator_lost=(start * 0.4).tolist(),
        added_inside=(start * 0.1).tolist(),
        added_at_edge=(start * 0.1).tolist(),
        confused=prior_confusions().tolist(),
        lost=[1.0] * TOKENS,
        added=[1 / TOKENS] * TOKENS,
    )


def fit(pairs: Pairs, name: str, fitted_on: str, rounds: int = ROUNDS) -> ErrorModel:
    """Learn a model from pairs."""
    model = start_model(name, fitted_on)
    for _ in range(rounds):
        model = _better(model, pairs)
    return model


def _better(model: ErrorModel, pairs: Pairs) -> ErrorModel:
    channel = channel_of(model)
    _, states = log_likelihoods(pairs, channel)
    counts = np.zeros((QUALITIES, COUNT_ROWS, COUNT_COLUMNS))
    room = np.zeros(COUNT_ROOM_SHAPE)
    for quality in range(QUALITIES):
        rates = np.ascontiguousarray(channel.rates[:, :, quality])
        weights = np.ascontiguousarray(states[:, quality])
        channel_counts(pairs.tokens, pairs.lengths, weights, rates, room, counts[quality])
    learned = _rates(counts)
    shapes = _shapes(counts, learned)
    return msgspec.structs.replace(
        model, quality=_mixtures(pairs, channel, states), **learned, **shapes
    )


def _mixtures(pairs: Pairs, channel: Channel, states: NDArray[np.float64]) -> list[list[float]]:
    sums = np.full((len(channel.quality), QUALITIES), 0.5)
    np.add.at(sums, channel.band_of(pairs.confidence), states)
    # Without a confidence nothing tells good reads from bad ones: the mixture of all.
    sums[-1] = 0.5 + states.sum(axis=0)
    mixtures: list[list[float]] = (sums / sums.sum(axis=1, keepdims=True)).tolist()
    return mixtures


def _share(some: NDArray[np.float64], others: NDArray[np.float64], least: float) -> list[float]:
    most = ADDED_MAX if least == ADDED_MIN else DROPPED_MAX
    shares = (some + 0.2) / (some + others + 10.0)
    found: list[float] = np.clip(shares, least, most).tolist()
    return found


def _rates(counts: NDArray[np.float64]) -> dict[str, list[float]]:
    letters = slice(0, CHARACTERS)
    read = counts[:, letters, letters].sum(axis=2)
    right = np.diagonal(counts[:, letters, letters], axis1=1, axis2=2)
    wrong = (read - right).sum(axis=1)
    lost, kept = counts[:, DROPPED_INSIDE], counts[:, KEPT_INSIDE]
    edge_lost, edge_kept = counts[:, DROPPED_AT_EDGE], counts[:, KEPT_AT_EDGE]
    return {
        "substituted": _share(wrong, right.sum(axis=1), RATE_MIN),
        "lost_inside": _share(lost[:, letters].sum(axis=1), kept[:, letters].sum(axis=1), RATE_MIN),
        "lost_at_edge": _share(
            edge_lost[:, letters].sum(axis=1), edge_kept[:, letters].sum(axis=1), RATE_MIN
        ),
        "separator_lost": _share(lost[:, SEPARATOR], kept[:, SEPARATOR], RATE_MIN),
        "added_inside": _share(lost[:, RATE], kept[:, RATE], ADDED_MIN),
        "added_at_edge": _share(edge_lost[:, RATE], edge_kept[:, RATE], ADDED_MIN),
    }


def _shapes(
    counts: NDArray[np.float64], learned: dict[str, list[float]]
) -> dict[str, list[float] | list[list[float]]]:
    # From all states but the worst: what garbage looks like says nothing of look-alikes.
    used = slice(0, QUALITIES - 1)
    prior = prior_confusions()
    taken = counts[used, :TOKENS, :TOKENS]
    rate = np.array(learned["substituted"])[used, None]
    exposed = (taken.sum(axis=2) * rate).sum(axis=0)
    confused = (taken.sum(axis=0) + PRIOR_PAIRS * prior) / (exposed + PRIOR_PAIRS)[:, None]
    np.fill_diagonal(confused, 0.0)
    # Umlauts are rare, and junk is never printed: nothing is learned of them.
    confused[CHARACTERS - 3 : CHARACTERS] = prior[CHARACTERS - 3 : CHARACTERS]
    confused[JUNK] = prior[JUNK]
    gone = np.zeros(TOKENS)
    at_risk = np.zeros(TOKENS)
    rows = (
        (DROPPED_INSIDE, KEPT_INSIDE, "lost_inside"),
        (DROPPED_AT_EDGE, KEPT_AT_EDGE, "lost_at_edge"),
    )
    for row, kept_row, name in rows:
        dropped = counts[used, row, :TOKENS]
        all_there = dropped + counts[used, kept_row, :TOKENS]
        gone += dropped.sum(axis=0)
        at_risk += (all_there * np.array(learned[name])[used, None]).sum(axis=0)
    lost = (gone + PRIOR_PAIRS) / (at_risk + PRIOR_PAIRS)
    added = counts[:, INSERTED, :TOKENS].sum(axis=0) + 0.5
    return {
        "confused": np.round(confused, 5).tolist(),
        "lost": np.round(np.clip(lost, 1 / LOST_MAX, LOST_MAX), 4).tolist(),
        "added": np.round(added / added.sum(), 5).tolist(),
    }
