"""What costs little to know of a listed plate and a read: may one come from the other?

The answer may be yes for plates that are not likely enough, never no for one that is. See
`kernels.neighbours`, which asks before it lines the two texts up.
"""

import numpy as np
from numpy.typing import NDArray

from anpr_engine.kernels._four import even, four, larger, smaller, times, total
from anpr_engine.kernels._jit import Word, helper, routine
from anpr_engine.kernels.edits import ADDED, REPLACED, TWO_EDITS, weigh
from anpr_engine.kernels.plate_text import KEY_BASE
from anpr_engine.kernels.tokens import TOKENS

REPLACED_ROW = TOKENS
"""Row of the ratios of characters replaced that holds, by token read, the largest of each state."""


@helper
def one_apart(key: Word, other: Word) -> Word:
    """Say whether two keys of one length may differ in one character or none."""
    apart = np.int64(key) - np.int64(other)
    apart = max(apart, -apart)
    while apart >= KEY_BASE and apart % KEY_BASE == 0:
        apart = apart // KEY_BASE
    return apart < KEY_BASE


@helper
def _replaced_only(key: Word, of: Word, ratios: NDArray[np.float64]) -> Word:
    # Whether two characters or fewer, taken for others, leave enough; for texts of equal length.
    read, sizes, start, need, _ = of
    worth = start
    edits = 0
    for place in range(sizes[1] - 1, -1, -1):
        printed = np.int64(key % np.uint64(KEY_BASE)) - 1
        key = key // np.uint64(KEY_BASE)
        seen = np.int64(read[place])
        if printed != seen:
            edits += 1
            worth = times(worth, ratios[REPLACED, seen, printed])
            if edits > TWO_EDITS or total(worth) < need:
                return False
    return True


@helper
def _shifted_once(key: Word, read: NDArray[np.int8], sizes: Word) -> Word:
    # Whether one character lost or added and at most one replaced can explain the read.
    longer = sizes[0] > sizes[1]
    shorter = min(sizes[0], sizes[1])
    ahead = key // np.uint64(KEY_BASE) if longer else key
    # All that differs with both texts aligned at the beginning; then, from the end, ever more of
    # what differs with them aligned at the end instead.
    left = ahead
    differ = 0
    for place in range(shorter - 1, -1, -1):
        differ += 1 if np.int64(left % np.uint64(KEY_BASE)) - 1 != read[place] else 0
        left = left // np.uint64(KEY_BASE)
    least = differ
    behind = key
    shift = 0 if longer else 1
    for place in range(shorter - 1, -1, -1):
        differ -= 1 if np.int64(ahead % np.uint64(KEY_BASE)) - 1 != read[place] else 0
        differ += 1 if np.int64(behind % np.uint64(KEY_BASE)) - 1 != read[place + shift] else 0
        ahead = ahead // np.uint64(KEY_BASE)
        behind = behind // np.uint64(KEY_BASE)
        least = min(least, differ)
    return least <= 1


@helper
def may_be(key: Word, of: Word, swapped: Word, ratios: NDArray[np.float64]) -> Word:
    """Say whether a plate that shares a half with the read may be likely enough.

    Args:
        key: the plate's.
        of: the read, both lengths, P(state, all read right), the least likelihood, the read's row.
        swapped: whether one character lost and another added may leave enough.
        ratios: see `kernels.neighbours.EditModel`.

    """
    sizes = of[1]
    difference = sizes[0] - sizes[1]
    if difference == 0:
        return swapped or _replaced_only(key, of, ratios)
    return difference not in (-1, 1) or _shifted_once(key, of[0], sizes)


@helper
def best_edits(
    read: NDArray[np.int8], length: Word, best: NDArray[np.float64], ratios: NDArray[np.float64]
) -> Word:
    """Give the largest ratios of one of a read's characters replaced, of one lost, of one added.

    Args:
        read: its tokens.
        length: how many.
        best: see `kernels.neighbours.EditModel.token_best`.
        ratios: see `kernels.neighbours.EditModel.ratios`.

    """
    lost = four(best[TOKENS])
    return most_replaced(read, 0, length, ratios), lost, most_added(read, 0, length, ratios)


@helper
def most_added(read: NDArray[np.int8], first: Word, end: Word, ratios: NDArray[np.float64]) -> Word:
    """Give the largest ratio of one of some of a read's characters added.

    Args:
        read: its tokens.
        first: the place of the first of them.
        end: the place behind the last.
        ratios: see `kernels.neighbours.EditModel.ratios`.

    """
    added = even(0.0)
    for place in range(first, end):
        token = np.int64(read[place])
        # Beside its twin it may stand at an edge or not.
        added = larger(added, ratios[ADDED, 0, token])
        added = larger(added, ratios[ADDED, 1, token])
    return added


@helper
def most_replaced(
    read: NDArray[np.int8], first: Word, end: Word, ratios: NDArray[np.float64]
) -> Word:
    """Give the largest ratio of one of some of a read's characters replaced.

    Args:
        read: its tokens.
        first: the place of the first of them.
        end: the place behind the last.
        ratios: see `kernels.neighbours.EditModel.ratios`.

    """
    replaced = even(0.0)
    for place in range(first, end):
        replaced = larger(replaced, ratios[REPLACED, REPLACED_ROW, np.int64(read[place])])
    return replaced


@routine
def twice_in_head(of: Word, edits: Word, ends: Word, ratios: NDArray[np.float64]) -> Word:
    """Give the most that two edits of a read's first characters can leave.

    Args:
        of: the read, both lengths, P(state, all read right), the least likelihood, the read's row.
        edits: see `best_edits`.
        ends: how many first characters, and how many characters the plate has more than the read.
        ratios: see `kernels.neighbours.EditModel.ratios`.

    """
    read, _, start, need, _ = of
    end, longer = ends
    replaced, lost, added = edits
    # First as if the whole read could be edited, which is known already.
    shift = lost if longer > 0 else added
    if longer == 0:
        most = weigh(times(start, replaced), replaced) + 2 * weigh(times(start, lost), added)
    else:
        most = weigh(times(start, shift), replaced if abs(longer) == 1 else shift)
    if most < need or abs(longer) == 2:
        return most
    first, second = even(0.0), even(0.0)
    for place in range(end):
        ratio = ratios[REPLACED, REPLACED_ROW, np.int64(read[place])]
        second = larger(second, smaller(ratio, first))
        first = larger(first, ratio)
    added = most_added(read, 0, end, ratios)
    if longer == 0:
        return weigh(times(start, first), second) + 2 * weigh(times(start, lost), added)
    return weigh(times(start, lost if longer > 0 else added), first)
