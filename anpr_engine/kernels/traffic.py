"""P(read | somebody else's vehicle): a sum over every plate that the countries' grammars allow.

The formats of all countries form trees of printed positions, a tree for each length of plate;
formats that begin alike share their first positions. One walk per read sums over all plates and
all ways to misread them. What lies behind a position can add no more than the walk so far times
the shares that end there: where that is nothing beside the sum already found, the walk jumps over
it, so that of tens of thousands of positions some dozens are looked at.

Positions are summed, not averaged, over the characters they allow: a plate's own share of the
traffic stands at the position where its format ends.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from anpr_engine.kernels._four import even, four, less, plus, put, times
from anpr_engine.kernels._jit import (
    Word,
    f64,
    given,
    helper,
    i8,
    i32,
    i64,
    kernel,
    record,
    written,
)
from anpr_engine.kernels.channel import QUALITIES
from anpr_engine.kernels.edits import weigh
from anpr_engine.kernels.tokens import TOKENS, TOKENS_MAX

CLASS = 0
DEPTH = 1
AT_EDGE = 2
AFTER = 3
COUNTRY = 4
TREE_COLUMNS = 5
"""Columns of a position: its class of characters, its depth (from 1), whether it begins (1) or
ends (2) a plate or both (3), where the walk goes on when nothing behind it counts, and the place
of the country of the format that ends here (-1: none). A row of depth 0 heads the tree of plates
of as many tokens as its CLASS says; its AFTER is the next head, its COUNTRY the end of its tree.
A row of depth `CALL` goes on with a part that is written once for several prefixes, from its
CLASS to its AFTER, and then with the next row; such parts hold no calls."""
CALL = -1
SPAN = 3
"""Plates that are longer or shorter than the read by more tokens are left out."""
SHARE = 0
REACH = 1
"""Columns of a position's weights: a single plate's share of the traffic that ends here, and the
sum of all shares that end here or behind."""

LOST = TOKENS
ADDED = TOKENS + 1
MIXTURE = TOKENS + 2
DEAREST_ADDED = TOKENS + 3
DEAREST_LOST = TOKENS + 4
CLASS_COLUMNS = TOKENS + 5
"""Columns of a class after the tokens read: lost; how often something is added in the gap beside
it; and in class 0, which prints nothing: the mixture of the states of quality, and the most that
one addition and one loss can leave of a sum."""
NEGLIGIBLE = 1e-3
"""A branch that can add no more than this part of the sum so far is left out."""
LEAST = 1e-18
"""What the sum is taken to be before anything was found."""
ADDITIONS = TOKENS_MAX + 3
ADDED_AGAIN = TOKENS_MAX + 5
LOST_AGAIN = TOKENS_MAX + 6
WALK_SHAPE = (TOKENS_MAX + 7, TOKENS_MAX + 5, QUALITIES)
"""Room that `traffic_likelihoods` works in: the positions walked, places one further right than in
the read; for each place of the read, what it leaves if it was added, inside a plate and at its
edge; and the most that so many additions leave, or losses."""


class Grammar(NamedTuple):
    """The formats of all countries as trees, and what errors make of them; arrays read-only.

    tree: int32 (positions, TREE_COLUMNS), in the order of the walk.
    weights: float64 (positions, 2), `SHARE` and `REACH`.
    classes: float64 (bands, classes, 2, CLASS_COLUMNS, QUALITIES): for positions inside and at an
        edge of a plate, the sums over the class's characters of P(not lost and read as this
        token) and of P(lost); class 0 prints nothing, its tokens are what is added in a gap.
    """

    tree: NDArray[np.int32]
    weights: NDArray[np.float64]
    classes: NDArray[np.float64]


GRAMMAR = record(Grammar, given(i32, 2), given(f64, 2), given(f64, 5))
"""The trees as a kernel declares them."""


@helper
def _begin(room: NDArray[np.float64], read: NDArray[np.int8], nothing: NDArray[np.float64]) -> Word:
    # Before the first position all that was read was added; returns the read's length.
    row = room[0]
    length = 0
    row[0] = 0.0
    for quality in range(QUALITIES):
        row[1, quality] = nothing[0, MIXTURE, quality]
    while length < TOKENS_MAX and read[length] >= 0:
        token = np.int64(read[length])
        for quality in range(QUALITIES):
            for edge in range(2):
                begun = nothing[edge, ADDED, quality]
                room[ADDITIONS + edge, length, quality] = begun * nothing[edge, token, quality]
            added = room[ADDITIONS + 1, length, quality]
            row[length + 2, quality] = row[length + 1, quality] * added
        length += 1
    row[length + 2] = 0.0
    room[ADDED_AGAIN, 0] = room[LOST_AGAIN, 0] = 1.0
    for count in range(1, room.shape[1]):
        for quality in range(QUALITIES):
            dearest = nothing[0, DEAREST_ADDED, quality]
            room[ADDED_AGAIN, count, quality] = room[ADDED_AGAIN, count - 1, quality] * dearest
            dearest = nothing[0, DEAREST_LOST, quality]
            room[LOST_AGAIN, count, quality] = room[LOST_AGAIN, count - 1, quality] * dearest
    return length


@helper
def _ends_well(values: Word, excess: Word, room: NDArray[np.float64]) -> Word:
    # The most that a walk may still come to from one place: a read that is ahead of the plate or
    # behind it needs losses or additions to end well.
    left = room[ADDED_AGAIN, excess] if excess > 0 else room[LOST_AGAIN, -excess]
    return weigh(values, left)


@helper
def _advance(depth: Word, text: Word, classes: Word, gaps: Word, reach: Word, ends: Word) -> Word:
    # One printed position: lost or read, then additions, no further from the depth than allowed.
    # Returns the most that the walk may still come to.
    read, room = text
    seen_as, nothing = classes
    before, after = room[depth - 1], room[depth]
    additions = room[ADDITIONS + gaps[1]]
    begins = nothing[gaps[0], ADDED]
    stop = less(even(1.0), begins)
    lost = times(stop, seen_as[LOST])
    first, last = reach
    after[first] = 0.0
    came, most = even(0.0), 0.0
    behind = four(before[first])
    excess = ends + depth - first
    for place in range(first, last + 1):
        here = four(before[place + 1])
        value = times(here, lost)
        if place > 0:
            right = times(times(behind, stop), seen_as[np.int64(read[place - 1])])
            value = plus(plus(value, right), times(came, additions[place - 1]))
        put(after[place + 1], value)
        most = max(most, _ends_well(value, excess, room))
        came, behind = value, here
        excess -= 1
    after[last + 2] = 0.0
    return most


@helper
def _walk(head: Word, text: Word, trees: Word, totals: NDArray[np.float64], found: Word) -> Word:
    # One length's tree; gives what was found so far, this tree included.
    length = text[1]
    tree, weights, classes, room = trees
    nothing = classes[0]
    known = totals[totals.shape[0] - 4]
    enough = totals[totals.shape[0] - 3]
    steps = totals[totals.shape[0] - 2]
    at = np.int64(head) + 1
    stop = np.int64(tree[head, COUNTRY])
    excess = length - tree[head, CLASS]
    behind = min(0, excess) - tree[head, AT_EDGE]
    ahead = max(0, excess) + tree[head, AT_EDGE]
    most = 0.0
    for place in range(min(length, ahead) + 1):
        most = max(most, _ends_well(four(room[0, place + 1]), excess - place, room))
    if most * weights[head, REACH] <= NEGLIGIBLE * max(found, known):
        return found
    back = np.int64(-1)
    while (at < stop or back >= 0) and found < enough and steps > 0.0:
        steps -= 1.0
        if at >= stop:
            at, stop, back = back, np.int64(tree[head, COUNTRY]), np.int64(-1)
            continue
        depth = tree[at, DEPTH]
        if depth == CALL:
            back, stop, at = at + 1, np.int64(tree[at, AFTER]), np.int64(tree[at, CLASS])
            continue
        edge = tree[at, AT_EDGE]
        seen_as = classes[tree[at, CLASS], min(edge, 1)]
        reach = (max(0, depth + behind), min(length, depth + ahead))
        gaps = (edge & 1, edge >> 1)
        best = _advance(depth, (text[0], room), (seen_as, nothing), gaps, reach, excess)
        if edge & 2:
            end = 0.0
            for quality in range(QUALITIES):
                end += room[depth, length + 1, quality] * (1.0 - nothing[1, ADDED, quality])
            found += end * weights[at, SHARE] * totals[tree[at, COUNTRY]]
        goes_on = best * weights[at, REACH] > NEGLIGIBLE * max(found, known)
        at = at + 1 if goes_on else np.int64(tree[at, AFTER])
    totals[totals.shape[0] - 2] = steps
    return found


@kernel(given(i8, 2), given(i64), GRAMMAR, written(f64, 3), written(f64, 2))
def traffic_likelihoods(
    reads: NDArray[np.int8],
    bands: NDArray[np.int64],
    grammar: Grammar,
    room: NDArray[np.float64],
    totals: NDArray[np.float64],
) -> None:
    """Sum P(plate) P(read | plate) over all plates, each country with a weight of its own.

    Args:
        reads: int8 (n, TOKENS_MAX).
        bands: int64 (n,), each read's place in the classes.
        grammar: the formats.
        room: float64 `WALK_SHAPE`, to work in.
        totals: float64 (n, countries + 4): given each country's weight, what the sum is known to be
            at least, the sum at which the walk may stop, and its most steps; the last column is
            written: the sum, or a part of it.

    """
    tree, weights = grammar.tree, grammar.weights
    for row in range(reads.shape[0]):
        classes = grammar.classes[bands[row]]
        length = _begin(room, reads[row], classes[0])
        found = LEAST
        for difference in range(SPAN + 1):
            head = 0
            while head < tree.shape[0]:
                if abs(tree[head, CLASS] - length) == difference:
                    walk = (tree, weights, classes, room)
                    found = _walk(head, (reads[row], length), walk, totals[row], found)
                head = tree[head, AFTER]
        totals[row, totals.shape[1] - 1] = found
