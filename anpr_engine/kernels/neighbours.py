"""The listed plates a read may come from: every one within two edits that is likely enough.

Two edits leave one half of a plate whole, or make one edit in each half (the pigeonhole of
approximate search, Navarro 2001). So the listed keys are filed by their first halves and by their
last ones: a read looks up its own halves, and its first half once for each likely edit of it, and
compares the few plates filed there. Only heads are edited, and only as far as a pair could still
reach what the caller asks for.

An edit's ratio is how much likelier or less likely the reader's output is under it than under
"all was read right"; two edits multiply. Ratios are of the likeliest way to line the texts up;
others add to it where equal characters stand side by side (a lost twin may have stood in either
place), at most (the longest run of them + 1) squared times as much.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from anpr_engine.kernels._four import four, times, total
from anpr_engine.kernels._jit import (
    Word,
    f64,
    given,
    helper,
    i8,
    i64,
    kernel,
    record,
    routine,
    written,
)
from anpr_engine.kernels.channel import QUALITIES
from anpr_engine.kernels.edits import (
    ADDED,
    LOST,
    edge_of,
    pair_worth,
    ways_to_line_up,
    weigh,
)
from anpr_engine.kernels.halves import (
    CHARACTERS_MIN,
    HALF_INDEX,
    HEAD_LENGTHS,
    LENGTH_CODES,
    TAIL_CODE,
    HalfIndex,
    code_of,
    filed_under,
    piece_of,
)
from anpr_engine.kernels.plate_text import KEY_BASE, KEY_CHARACTERS_EXACT
from anpr_engine.kernels.quick_looks import (
    best_edits,
    may_be,
    most_added,
    most_replaced,
    one_apart,
    twice_in_head,
)
from anpr_engine.kernels.tokens import CHARACTERS, TOKENS

NEED = QUALITIES
MOST = QUALITIES + 1
BOUND_COLUMNS = QUALITIES + 2
"""Columns of a read's bounds: P(state, all read right) for each state, the least likelihood that is
worth a look, and the most that any plate can have."""
RANKED_LOST = TOKENS
RANKED_ROWS = TOKENS + 1
"""Rows of the ranked characters: for each token read, what it may have been, the likeliest first;
and the characters that are lost, the most easily lost first."""
BEST_ROW = TOKENS + 1
"""Row of the ratios that holds the largest of each state."""
TAILS_AT_ONCE = 8
"""Plates with one last half that cost less to compare than it does to look edited heads up."""
NEXT_READ = 0
WRITTEN = 1
_PLATE = 2
PROGRESS_WORDS = _PLATE + KEY_CHARACTERS_EXACT
"""Words of the progress: the read to go on with, the pairs written, and room for one plate."""
_POWERS = np.array([KEY_BASE**power for power in range(KEY_CHARACTERS_EXACT + 1)], dtype=np.uint64)


class EditModel(NamedTuple):
    """What edits are worth; all arrays read-only.

    ranked: int8 (RANKED_ROWS, CHARACTERS), -1 behind the last one.
    ratios: float64 (3, TOKENS + 2, TOKENS, QUALITIES): taken for another (by token read and
        printed), lost (edge, printed), added (edge, read); `BEST_ROW` of the first holds the
        largest of all.
    token_best: float64 (TOKENS + 1, QUALITIES), the largest ratio of one edit at a token.
    """

    ranked: NDArray[np.int8]
    ratios: NDArray[np.float64]
    token_best: NDArray[np.float64]


_MODEL = record(EditModel, given(i8, 2), given(f64, 4), given(f64, 2))


@helper
def _spell(key: Word, length: Word, plate: NDArray[np.int64]) -> None:
    for place in range(length - 1, -1, -1):
        plate[place] = np.int64(key % np.uint64(KEY_BASE)) - 1
        key = key // np.uint64(KEY_BASE)


@helper
def _whole(code: Word, read: NDArray[np.int8], tail: Word, end: Word) -> Word:
    # The key of an edited head and the read's own tail; what is no character fits none.
    key = code // np.uint64(LENGTH_CODES)
    for place in range(max(tail, 0), end):
        token = np.int64(read[place])
        value = token + 1 if token < CHARACTERS else 0
        key = key * np.uint64(KEY_BASE) + np.uint64(value)
    return key


@routine
def _compare(
    half: Word, of: Word, index: HalfIndex, ratios: NDArray[np.float64], out: Word
) -> Word:
    # Compare the read with all plates filed under a half; says whether the room sufficed.
    read, sizes, start, need, row = of
    found, progress = out
    code, (first, end), tail, swapped = half
    filed_by_tail = code >= np.uint64(TAIL_CODE)
    wanted = _whole(code, read, tail, sizes[1])
    plate = progress[_PLATE:]
    for place in range(first, end):
        entry = np.int64(index.order[place]) if filed_by_tail else np.int64(place)
        key = index.keys[entry]
        # An edited head leaves one edit for a tail of the same length.
        if tail >= 0 and not one_apart(key, wanted):
            continue
        if not may_be(key, of, swapped, ratios):
            continue
        _spell(key, sizes[0], plate)
        if pair_worth((plate, read), sizes, start, ratios) < need:
            continue
        if progress[WRITTEN] == found.shape[1]:
            return False
        found[0, progress[WRITTEN]] = row
        found[1, progress[WRITTEN]] = entry
        progress[WRITTEN] += 1
    return True


@helper
def _choices(kind: Word, read: NDArray[np.int8], place: Word, length: Word) -> Word:
    # The ranked row of what an edit may bring back, and where the ratios of it stand.
    if kind == LOST:
        return RANKED_LOST, edge_of(place, length)
    seen = np.int64(read[place])
    return seen, edge_of(place, length - 1) if kind == ADDED else seen


@helper
def _undone(kind: Word, pieces: Word, power: Word, length: Word) -> Word:
    # The code of a head before the edit, without the character that it brings back; and what each
    # code of that character adds.
    before, behind = pieces
    step = np.uint64(0) if kind == ADDED else power * np.uint64(LENGTH_CODES)
    if kind != ADDED:
        before = before * np.uint64(KEY_BASE)
    return code_of(before * power + behind, length, tail=False), step


@helper
def _edited_heads(by: Word, of: Word, index: HalfIndex, model: EditModel, out: Word) -> Word:
    # Look up every likely head that is one edit of the read's; says whether the room sufficed.
    kind, more = by
    read, sizes, start, need, _ = of
    length, seen_length = sizes
    lost, swapped, whole = more
    head = HEAD_LENGTHS[length]
    taken = head - 1 if kind == LOST else head + 1 if kind == ADDED else head
    rest = (length - head) - (seen_length - taken)
    if taken > seen_length or abs(rest) > 1:
        return True
    if rest != 0:
        # What the tail of the plate has more was lost, what it has less was added in the read's.
        added = most_added(read, taken, seen_length, model.ratios)
        start = times(start, lost if rest > 0 else added)
    elif whole:
        # Plates with the read's own tail are known: here the tail has an edit, too.
        start = times(start, most_replaced(read, taken, seen_length, model.ratios))
    for place in range(taken + 1 if kind == LOST else taken):
        follows = place if kind == LOST else place + 1
        ranked, held = _choices(kind, read, place, seen_length)
        likeliest = ranked if kind == ADDED else np.int64(model.ranked[ranked, 0])
        if likeliest < 0 or weigh(start, model.ratios[kind, held, likeliest]) < need:
            continue
        before, behind = piece_of(read, 0, place), piece_of(read, follows, taken)
        if (before == 0 and place > 0) or (behind == 0 and follows < taken):
            continue
        bare, step = _undone(kind, (before, behind), _POWERS[taken - follows], length)
        for rank in range(1 if kind == ADDED else CHARACTERS):
            token = ranked if kind == ADDED else np.int64(model.ranked[ranked, rank])
            if token < 0 or weigh(start, model.ratios[kind, held, token]) < need:
                break
            code = bare + np.uint64(token + 1) * step
            places = filed_under(code, index)
            if places[0] == places[1]:
                continue
            half = (code, places, taken if rest == 0 else -1, swapped)
            if not _compare(half, of, index, model.ratios, out):
                return False
    return True


@helper
def _near_one(of: Word, best: Word, index: HalfIndex, model: EditModel, out: Word) -> Word:
    # All plates of one length; says whether the room sufficed.
    read, sizes, start, need, _ = of
    length, seen_length = sizes
    ratios = model.ratios
    _, lost, added = best
    shift = lost if length > seen_length else added
    likely = start
    for _ in range(abs(length - seen_length)):
        likely = times(likely, shift)
    if total(likely) < need:
        return True
    # One character lost and another added, beside each other or not.
    swapped = length == seen_length and weigh(times(start, lost), added) * 2 >= need
    head = HEAD_LENGTHS[length]
    tail = length - head
    if head <= seen_length:
        value = piece_of(read, 0, head)
        code = code_of(value, length, tail=False)
        places = filed_under(code, index)
        half = (code, places, -1, swapped)
        if value != 0 and places[0] != places[1] and not _compare(half, of, index, ratios, out):
            return False
    # Edits in the first half leave the last one whole. Where many plates have it, those one edit
    # away are found among the edited heads.
    known = False
    if tail <= seen_length:
        value = piece_of(read, seen_length - tail, seen_length)
        code = code_of(value, length, tail=True)
        places = filed_under(code, index)
        known = value == 0 or places[1] - places[0] <= TAILS_AT_ONCE
        ends = (seen_length - tail, length - seen_length)
        if known or twice_in_head(of, best, ends, ratios) >= need:
            half = (code, places, -1, swapped)
            if value != 0 and places[0] != places[1] and not _compare(half, of, index, ratios, out):
                return False
            known = True
    for kind in range(3):
        if not _edited_heads((kind, (lost, swapped, known)), of, index, model, out):
            return False
    return True


@kernel(given(i8, 2), given(f64, 2), HALF_INDEX, _MODEL, written(i64, 2), written(i64))
def near_rows(
    reads: NDArray[np.int8],
    bounds: NDArray[np.float64],
    index: HalfIndex,
    model: EditModel,
    found: NDArray[np.int64],
    progress: NDArray[np.int64],
) -> None:
    """Find the listed plates that reads may come from, up to two edits away.

    Args:
        reads: int8 (n, TOKENS_MAX), without separators.
        bounds: float64 (n, BOUND_COLUMNS), see there.
        index: the listed keys by their halves.
        model: what edits are worth.
        found: int64 (2, room), written: the read's row and the key's; a pair may come twice.
        progress: int64 (PROGRESS_WORDS,): the read to go on with (set 0 at first), the pairs
            written, and room to work in. Not all reads are done when the room does not suffice:
            take the pairs and call again.

    """
    progress[WRITTEN] = 0
    out = (found, progress)
    for row in range(progress[NEXT_READ], reads.shape[0]):
        begun = progress[WRITTEN]
        seen_length = 0
        while seen_length <= KEY_CHARACTERS_EXACT and reads[row, seen_length] >= 0:
            seen_length += 1
        if not CHARACTERS_MIN <= seen_length <= KEY_CHARACTERS_EXACT:
            continue
        start = four(bounds[row])
        need = bounds[row, NEED] / ways_to_line_up(reads[row], seen_length)
        best = best_edits(reads[row], seen_length, model.token_best, model.ratios)
        first = max(CHARACTERS_MIN, seen_length - 2)
        for length in range(first, min(KEY_CHARACTERS_EXACT, seen_length + 2) + 1):
            of = (reads[row], (length, seen_length), start, need, row)
            if index.counts[length] > 0 and not _near_one(of, best, index, model, out):
                # The room is used up: this read comes first next time.
                progress[NEXT_READ] = row
                progress[WRITTEN] = begun
                return
    progress[NEXT_READ] = reads.shape[0]
