"""P(read | plate): a plate's tokens through a reader that substitutes, drops and adds.

The noisy channel of spelling correction and plate matching (Brill and Moore 2000; Oliveira-Neto,
Han and Jeong 2012): the likelihood sums over every way to line the two texts up. It is worked out
for each of `QUALITIES` states of reading quality at once, because errors come in company.

A channel is float64 (CHANNEL_ROWS, CHANNEL_COLUMNS, QUALITIES); four states fill a vector register:

- rows 0 to TOKENS - 1: P(token read | this token printed, not dropped);
- row INSERTED: which token is read where none is printed;
- rows DROPPED_INSIDE, DROPPED_AT_EDGE: P(this token is dropped);
- column RATE of the rows DROPPED_INSIDE, DROPPED_AT_EDGE: P(one token is added in a gap).
"""

import numpy as np
from numpy.typing import NDArray

from anpr_engine.kernels._jit import Word, f64, given, helper, i8, i64, kernel, written
from anpr_engine.kernels.tokens import TOKENS, TOKENS_MAX

QUALITIES = 4
INSERTED = TOKENS
DROPPED_INSIDE = TOKENS + 1
DROPPED_AT_EDGE = TOKENS + 2
CHANNEL_ROWS = TOKENS + 3
RATE = TOKENS
CHANNEL_COLUMNS = TOKENS + 1
ROOM_SHAPE = (2, TOKENS_MAX + 1, QUALITIES)
"""Room that `pair_likelihoods` works in: two rows of the forward table."""


@helper
def edge_row(printed: Word, last: Word) -> Word:
    """Choose the row that holds a gap's or a token's rates: at an edge of the plate, or inside."""
    return DROPPED_AT_EDGE if printed in (0, last) else DROPPED_INSIDE


@helper
def _start_row(
    row: NDArray[np.float64], read: NDArray[np.int8], length: Word, channel: NDArray[np.float64]
) -> None:
    # Nothing of the plate is used yet: all that was read so far was added.
    for quality in range(QUALITIES):
        row[0, quality] = 1.0
    for place in range(1, length + 1):
        for quality in range(QUALITIES):
            added = channel[DROPPED_AT_EDGE, RATE, quality]
            added *= channel[INSERTED, read[place - 1], quality]
            row[place, quality] = row[place - 1, quality] * added


@helper
def _next_row(rows: Word, read: NDArray[np.int8], length: Word, token: Word, steps: Word) -> None:
    # One more token of the plate: dropped, or read as what stands there; then additions.
    before, after, channel = rows
    left_gap, dropped, right_gap = steps
    for place in range(length + 1):
        for quality in range(QUALITIES):
            stop = 1.0 - channel[left_gap, RATE, quality]
            lost = channel[dropped, token, quality]
            value = before[place, quality] * stop * lost
            if place > 0:
                seen = read[place - 1]
                kept = stop * (1.0 - lost) * channel[token, seen, quality]
                value += before[place - 1, quality] * kept
                added = channel[right_gap, RATE, quality] * channel[INSERTED, seen, quality]
                value += after[place - 1, quality] * added
            after[place, quality] = value


@kernel(given(i8, 2), given(i64, 2), given(i8, 2), given(f64, 3), written(f64, 3), written(f64, 2))
def pair_likelihoods(
    plates: NDArray[np.int8],
    lengths: NDArray[np.int64],
    reads: NDArray[np.int8],
    channel: NDArray[np.float64],
    room: NDArray[np.float64],
    likelihoods: NDArray[np.float64],
) -> None:
    """Give P(read | plate, quality) for pairs.

    Args:
        plates: int8 (pairs, TOKENS_MAX), tokens as printed.
        lengths: int64 (pairs, 2), tokens of the plate and of the read.
        reads: int8 (pairs, TOKENS_MAX), tokens as read.
        channel: see the module's text.
        room: float64 `ROOM_SHAPE`, to work in.
        likelihoods: float64 (pairs, QUALITIES), written.

    """
    for pair in range(plates.shape[0]):
        last, length = lengths[pair, 0], lengths[pair, 1]
        read = reads[pair]
        _start_row(room[0], read, length, channel)
        for printed in range(1, last + 1):
            left_gap = edge_row(printed - 1, last)
            dropped = edge_row(printed - 1, last - 1)
            steps = (left_gap, dropped, edge_row(printed, last))
            rows = (room[(printed - 1) % 2], room[printed % 2], channel)
            _next_row(rows, read, length, plates[pair, printed - 1], steps)
        for quality in range(QUALITIES):
            stop = 1.0 - channel[DROPPED_AT_EDGE, RATE, quality]
            likelihoods[pair, quality] = room[last % 2, length, quality] * stop
