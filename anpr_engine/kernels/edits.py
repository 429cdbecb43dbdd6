"""What the likeliest way to line a listed plate up with a read is worth, within two edits.

See `kernels.neighbours`, which calls this for the few plates that share a half with the read.
"""

import numpy as np
from numpy.typing import NDArray

from anpr_engine.kernels._four import times, total
from anpr_engine.kernels._jit import Word, helper, routine

REPLACED = 0
LOST = 1
ADDED = 2
"""Kinds of edit, from the plate to the read; the first axis of the ratios."""
TWO_EDITS = 2


@helper
def longest_run(text: Word, length: Word) -> Word:
    """Count the equal characters side by side, where there are most; at least 1."""
    run = 1
    longest = 1
    for place in range(1, length):
        run = run + 1 if text[place] == text[place - 1] else 1
        longest = max(longest, run)
    return longest


@helper
def ways_to_line_up(text: Word, length: Word) -> Word:
    """Bound in how many ways a plate within two edits may be lined up with a text.

    A lost twin may have stood on either side of the one that was read, twice over.
    """
    run = longest_run(text, length)
    return (run + 1) * (run + 1)


@helper
def weigh(start: Word, ratio: Word) -> Word:
    """Sum over the states what an edit leaves of their worth."""
    return total(times(start, ratio))


@helper
def edge_of(place: Word, last: Word) -> Word:
    """Say whether an edit may count as one at an edge: 1, or 0.

    The places next to the ends do too: after one more edit they may be the ends.
    """
    return 1 if place <= 1 or place >= last - 1 else 0


@routine
def _edge_of_run(text: Word, place: Word, last: Word) -> Word:
    # An edit within equal characters may stand at any of them: an edge if one of those is.
    first, end = place, place
    while first > 0 and text[first - 1] == text[place]:
        first -= 1
    while end < last and text[end + 1] == text[place]:
        end += 1
    return 1 if edge_of(first, last) + edge_of(end, last) > 0 else 0


@helper
def _aligned(texts: Word, first: Word, shift: Word, worth: Word, ratios: Word) -> Word:
    # Compare plate[place] with read[place + shift] for the places of `first`; edits made, worth.
    plate, read = texts
    edits = 0
    for place in range(first[0], first[1]):
        printed, seen = plate[place], np.int64(read[place + shift])
        if printed != seen:
            edits += 1
            if edits > TWO_EDITS:
                break
            worth = times(worth, ratios[REPLACED, seen, printed])
    return edits, worth


@routine
def _same_length(texts: Word, sizes: Word, start: Word, ratios: Word) -> Word:
    # Two characters taken for others, and one lost and another added: each is the likeliest way
    # in some state, so they are added up.
    plate, read = texts
    length = sizes[0]
    edits, worth = _aligned(texts, (0, length), 0, start, ratios)
    found = total(worth) if edits <= TWO_EDITS else 0.0
    same_head = 0
    while same_head < length and plate[same_head] == read[same_head]:
        same_head += 1
    same_tail = 0
    while (
        same_head + same_tail < length
        and plate[length - 1 - same_tail] == read[length - 1 - same_tail]
    ):
        same_tail += 1
    end = length - same_tail
    if end == same_head:
        return found
    # Lost at the front of what differs and added at its end, or the other way round; where one
    # place differs, a poor reader may have lost it and added another sooner than mistaken it.
    last = length - 1
    edits, _ = _aligned(texts, (same_head + 1, end), -1, start, ratios)
    if edits == 0:
        lost = ratios[LOST, _edge_of_run(plate, same_head, last), plate[same_head]]
        added = ratios[ADDED, _edge_of_run(read, end - 1, last), np.int64(read[end - 1])]
        found += weigh(times(start, lost), added)
    edits, _ = _aligned(texts, (same_head, end - 1), 1, start, ratios)
    if edits == 0:
        lost = ratios[LOST, _edge_of_run(plate, end - 1, last), plate[end - 1]]
        added = ratios[ADDED, _edge_of_run(read, same_head, last), np.int64(read[same_head])]
        found += weigh(times(start, lost), added)
    return found


@routine
def _one_longer(texts: Word, sizes: Word, start: Word, ratios: Word) -> Word:
    # The plate has one character more: it was lost, and at most one other was replaced.
    length = sizes[0]
    best = 0.0
    for gap in range(length):
        before, worth = _aligned(texts, (0, gap), 0, start, ratios)
        if before > 1:
            break
        behind, worth = _aligned(texts, (gap + 1, length), -1, worth, ratios)
        if before + behind <= 1:
            lost = ratios[LOST, edge_of(gap, length - 1), texts[0][gap]]
            best = max(best, weigh(worth, lost))
    return best


@routine
def _one_shorter(texts: Word, sizes: Word, start: Word, ratios: Word) -> Word:
    # The read has one character more: it was added, and at most one other was replaced.
    length, seen_length = sizes
    best = 0.0
    for gap in range(seen_length):
        before, worth = _aligned(texts, (0, gap), 0, start, ratios)
        if before > 1:
            break
        behind, worth = _aligned(texts, (gap, length), 1, worth, ratios)
        if before + behind <= 1:
            added = ratios[ADDED, edge_of(gap, seen_length - 1), np.int64(texts[1][gap])]
            best = max(best, weigh(worth, added))
    return best


@routine
def _two_apart(texts: Word, sizes: Word, start: Word, ratios: Word) -> Word:
    # Two characters lost, or two added, and none replaced.
    length, seen_length = sizes
    longest = max(length, seen_length)
    step = -1 if length > seen_length else 1
    best = 0.0
    for gap in range(longest - 1):
        edits, _ = _aligned(texts, (0, gap), 0, start, ratios)
        if edits > 0:
            break
        for other in range(gap + 1, longest):
            if step < 0:
                edits, _ = _aligned(texts, (gap + 1, other), -1, start, ratios)
                more, _ = _aligned(texts, (other + 1, length), -2, start, ratios)
                first = ratios[LOST, edge_of(gap, length - 1), texts[0][gap]]
                second = ratios[LOST, edge_of(other, length - 1), texts[0][other]]
            else:
                edits, _ = _aligned(texts, (gap, other - 1), 1, start, ratios)
                more, _ = _aligned(texts, (other - 1, length), 2, start, ratios)
                first = ratios[ADDED, edge_of(gap, seen_length - 1), np.int64(texts[1][gap])]
                second = ratios[ADDED, edge_of(other, seen_length - 1), np.int64(texts[1][other])]
            if edits + more == 0:
                best = max(best, weigh(times(start, first), second))
    return best


@routine
def pair_worth(texts: Word, sizes: Word, start: Word, ratios: NDArray[np.float64]) -> Word:
    """Give the likelihood of the likeliest way within two edits, 0 for none.

    Args:
        texts: the plate's tokens and the read's.
        sizes: how many each has; at most two apart.
        start: P(state, all read right), one a state.
        ratios: see `kernels.neighbours.EditModel`.

    """
    difference = sizes[0] - sizes[1]
    if difference == 0:
        return _same_length(texts, sizes, start, ratios)
    if difference == 1:
        return _one_longer(texts, sizes, start, ratios)
    if difference == -1:
        return _one_shorter(texts, sizes, start, ratios)
    return _two_apart(texts, sizes, start, ratios)
