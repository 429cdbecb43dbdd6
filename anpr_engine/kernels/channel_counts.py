"""What a reader is expected to have done to plates whose true text is known, for learning.

The forward and backward tables of the channel (Baum 1972; Ristad and Yianilos 1998 for edit
transducers): every way to line a pair up counts by its probability, so that no alignment has to
be chosen. Used when a model is fitted, never while reads wait.
"""

import numpy as np
from numpy.typing import NDArray

from anpr_engine.kernels._jit import Word, f64, given, helper, i8, i64, kernel, written
from anpr_engine.kernels.channel import (
    CHANNEL_COLUMNS,
    CHANNEL_ROWS,
    DROPPED_AT_EDGE,
    DROPPED_INSIDE,
    INSERTED,
    RATE,
    edge_row,
)
from anpr_engine.kernels.tokens import TOKENS_MAX

KEPT_INSIDE = CHANNEL_ROWS
KEPT_AT_EDGE = CHANNEL_ROWS + 1
COUNT_ROWS = CHANNEL_ROWS + 2
COUNT_COLUMNS = CHANNEL_COLUMNS
"""Counts have the channel's rows, and two more: by token, how often it was not dropped; in column
RATE, how often nothing was added. Column RATE of the DROPPED rows counts additions."""
COUNT_ROOM_SHAPE = (2, TOKENS_MAX + 2, TOKENS_MAX + 2)


@helper
def _forward(
    table: NDArray[np.float64],
    plate: NDArray[np.int8],
    read: NDArray[np.int8],
    sizes: Word,
    rates: NDArray[np.float64],
) -> None:
    last, length = sizes
    for printed in range(last + 1):
        gap = edge_row(printed, last)
        for place in range(length + 1):
            value = 1.0 if printed + place == 0 else 0.0
            if place > 0:
                added = rates[gap, RATE] * rates[INSERTED, read[place - 1]]
                value += table[printed, place - 1] * added
            if printed > 0:
                token = plate[printed - 1]
                stop = 1.0 - rates[edge_row(printed - 1, last), RATE]
                lost = rates[edge_row(printed - 1, last - 1), token]
                value += table[printed - 1, place] * stop * lost
                if place > 0:
                    kept = stop * (1.0 - lost) * rates[token, read[place - 1]]
                    value += table[printed - 1, place - 1] * kept
            table[printed, place] = value


@helper
def _backward(
    table: NDArray[np.float64],
    plate: NDArray[np.int8],
    read: NDArray[np.int8],
    sizes: Word,
    rates: NDArray[np.float64],
) -> None:
    last, length = sizes
    for printed in range(last, -1, -1):
        gap = edge_row(printed, last)
        for place in range(length, -1, -1):
            value = 0.0
            if printed == last and place == length:
                value = 1.0 - rates[DROPPED_AT_EDGE, RATE]
            if place < length:
                added = rates[gap, RATE] * rates[INSERTED, read[place]]
                value += table[printed, place + 1] * added
            if printed < last:
                token = plate[printed]
                lost = rates[edge_row(printed, last - 1), token]
                value += table[printed + 1, place] * (1.0 - rates[gap, RATE]) * lost
                if place < length:
                    kept = (1.0 - rates[gap, RATE]) * (1.0 - lost) * rates[token, read[place]]
                    value += table[printed + 1, place + 1] * kept
            table[printed, place] = value


@helper
def _count_cell(
    at: Word, tables: Word, texts: Word, rates: NDArray[np.float64], counts: NDArray[np.float64]
) -> None:
    # What may have happened at one cell of the table, by its share of all ways.
    printed, place, last, length, scale = at
    forward, backward = tables
    plate, read = texts
    gap = edge_row(printed, last)
    here = forward[printed, place] * scale
    if place < length:
        seen = read[place]
        share = here * rates[gap, RATE] * rates[INSERTED, seen] * backward[printed, place + 1]
        counts[gap, RATE] += share
        counts[INSERTED, seen] += share
    if printed == last:
        return
    token = plate[printed]
    row = edge_row(printed, last - 1)
    # KEPT rows lie as far behind each other as DROPPED rows.
    kept_row = KEPT_INSIDE + row - DROPPED_INSIDE
    kept_gap = KEPT_INSIDE + gap - DROPPED_INSIDE
    stop = here * (1.0 - rates[gap, RATE])
    share = stop * rates[row, token] * backward[printed + 1, place]
    counts[row, token] += share
    counts[kept_gap, RATE] += share
    if place < length:
        share = stop * (1.0 - rates[row, token]) * rates[token, read[place]]
        share *= backward[printed + 1, place + 1]
        counts[kept_row, token] += share
        counts[kept_gap, RATE] += share
        counts[token, read[place]] += share


@kernel(given(i8, 3), given(i64, 2), given(f64), given(f64, 2), written(f64, 3), written(f64, 2))
def channel_counts(
    pairs: NDArray[np.int8],
    lengths: NDArray[np.int64],
    weights: NDArray[np.float64],
    rates: NDArray[np.float64],
    room: NDArray[np.float64],
    counts: NDArray[np.float64],
) -> None:
    """Add up what is expected to have happened in one state of quality.

    Args:
        pairs: int8 (n, 2, TOKENS_MAX), tokens as printed and as read.
        lengths: int64 (n, 2), tokens of the plate and of the read.
        weights: float64 (n,), how much a pair counts: P(this state | pair).
        rates: float64 (CHANNEL_ROWS, CHANNEL_COLUMNS), one state of a channel.
        room: float64 `COUNT_ROOM_SHAPE`, to work in.
        counts: float64 (COUNT_ROWS, COUNT_COLUMNS), added to.

    """
    stop = 1.0 - rates[DROPPED_AT_EDGE, RATE]
    for pair in range(pairs.shape[0]):
        if weights[pair] < 1e-6:
            continue
        last, length = lengths[pair, 0], lengths[pair, 1]
        plate, read = pairs[pair, 0], pairs[pair, 1]
        _forward(room[0], plate, read, (last, length), rates)
        _backward(room[1], plate, read, (last, length), rates)
        total = room[0, last, length] * stop
        if total <= 0.0:
            continue
        scale = weights[pair] / total
        for printed in range(last + 1):
            for place in range(length + 1):
                at = (printed, place, last, length, scale)
                _count_cell(at, (room[0], room[1]), (plate, read), rates, counts)
        counts[KEPT_AT_EDGE, RATE] += weights[pair]
