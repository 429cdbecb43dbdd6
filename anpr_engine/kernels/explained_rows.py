"""The formats that edits of a text lead to, and what their plates come to.

See `kernels.explained`, which calls this for one edit and for two.
"""

import numpy as np
from numpy.typing import NDArray

from anpr_engine.kernels._four import times, total
from anpr_engine.kernels._jit import Word, helper, routine, view
from anpr_engine.kernels.edits import ADDED, LOST, REPLACED, TWO_EDITS, weigh
from anpr_engine.kernels.explained_tables import (
    KIND,
    KIND_2,
    LEAST,
    LETTERS_FROM,
    MOST,
    NAMED_FROM,
    NEED,
    NO_EDIT,
    NOTHING,
    PLACE,
    PLACE_2,
    ROW,
    RUNS,
    SEEN_FROM,
    SHIFTS,
    TERM_COLUMNS,
    TERMS_MAX,
    VALUE,
    Room,
    class_of,
    key_of,
    seen_in,
    weigh_known,
)
from anpr_engine.kernels.gate import (
    COUNTRY,
    GAP_MASKS,
    GATE_CHARACTERS_MAX,
    SET_WORDS,
    SHARE,
    WORD_LENGTH,
    WORD_TABLE,
    take_row,
)
from anpr_engine.kernels.plate_text import KEY_BASE


@routine
def line_up(
    codes: NDArray[np.int64],
    length: Word,
    shift: Word,
    gate_sets: NDArray[np.uint64],
    sets: NDArray[np.uint64],
) -> None:
    """Write the row sets of the beginnings and the ends of a text, see `Room.sets`.

    Args:
        codes: of the text.
        length: its characters.
        shift: how many more the plates have.
        gate_sets: see `kernels.gate.GateTables.sets`.
        sets: written, for this shift.

    """
    plate = length + shift
    heads, tails = sets[shift + TWO_EDITS, 0], sets[shift + TWO_EDITS, 1]
    heads[0] = tails[length] = np.uint64(0xFFFFFFFFFFFFFFFF)
    if 0 < plate <= GATE_CHARACTERS_MAX:
        by_place = gate_sets[plate]
        first = second = third = np.uint64(0xFFFFFFFFFFFFFFFF)
        for place in range(min(length, plate)):
            allowed = by_place[place, codes[place]]
            first, second, third = first & allowed[0], second & allowed[1], third & allowed[2]
            heads[place + 1, 0], heads[place + 1, 1], heads[place + 1, 2] = first, second, third
        first = second = third = np.uint64(0xFFFFFFFFFFFFFFFF)
        for place in range(length - 1, max(0, -shift) - 1, -1):
            allowed = by_place[place + shift, codes[place]]
            first, second, third = first & allowed[0], second & allowed[1], third & allowed[2]
            tails[place, 0], tails[place, 1], tails[place, 2] = first, second, third


@helper
def _gap_after(kind: Word, place: Word, gap: Word) -> Word:
    # Where the plate's separators stand if the read's are these and one character was edited; a
    # lost one may have stood on either side of a separator.
    if kind == REPLACED or gap == 0:
        return gap, gap
    low = gap & ((1 << place) - 1)
    here = (gap >> place) & 1
    high = gap >> (place + 1)
    if kind == ADDED:
        # Of separators on both sides one must have been added, too: bit 0 fits no plate.
        moved = low | here << place | high << place | (here & high)
        return moved, moved
    high = high << (place + 2)
    return low | here << place | high, low | here << (place + 1) | high


@view
def _rows_printed(gap: Word, plate: Word, gaps: NDArray[np.uint64]) -> Word:
    # The rows with these separators: none with any before the first character or after the last.
    return gaps[plate, gap if gap < GAP_MASKS else 1]


@helper
def _in_its_place(place: Word, gap: Word) -> Word:
    # As `_gap_after`, for a character added in front of a lost one: a separator behind it may have
    # stood between the two.
    moves = (gap >> place) & 0b11 == 0b10
    return gap, gap ^ (0b11 << place) if moves else gap


@routine
def printed_rows(
    first: Word, second: Word, gap: Word, plate: Word, gaps: NDArray[np.uint64]
) -> Word:
    """Give the rows whose separators fit after one edit or two, as the words of a row set."""
    kind, place = first
    one, other = _gap_after(kind, place, gap)
    left, right, near, far = one, one, other, other
    if kind == ADDED and second[0] == LOST and second[1] == place + 1:
        left, right = _in_its_place(place, gap)
        near, far = left, right
    elif second[0] != NO_EDIT:
        at = second[1] + SHIFTS[kind]
        left, right = _gap_after(second[0], at, one)
        near, far = _gap_after(second[0], at, other)
    a, b = _rows_printed(left, plate, gaps), _rows_printed(right, plate, gaps)
    c, d = _rows_printed(near, plate, gaps), _rows_printed(far, plate, gaps)
    return a[0] | b[0] | c[0] | d[0], a[1] | b[1] | c[1] | d[1], a[2] | b[2] | c[2] | d[2]


@routine
def _word_sum(
    edit: Word,
    text: Word,
    words: NDArray[np.uint8],
    ratios: NDArray[np.float64],
    start: NDArray[np.float64],
) -> Word:
    # What one edit within the word that a plate begins with comes to, over all words.
    kind, place = edit
    codes, plate, letters = text
    for at in range(letters):
        plate[at] = codes[at] if at < place else codes[at - SHIFTS[kind]]
    found = 0.0
    if kind == ADDED:
        if words[np.int64(key_of(plate, letters))] != 0:
            found = weigh_known(start, ratios[codes[place], NOTHING])
        return found
    seen = seen_in(edit, codes)
    plate[place] = 0
    key, step = np.int64(key_of(plate, letters)), 1
    for _ in range(letters - 1 - place):
        step *= KEY_BASE
    for code in range(LETTERS_FROM, KEY_BASE):
        if code != seen and words[key + code * step] != 0:
            found += weigh_known(start, ratios[seen, code])
    return found


@helper
def _least_of_row(edits: Word, row: Word, texts: Word, by: Word, bounds: Word) -> Word:
    # What one format's plates all come to at least; and whether there may be any.
    first, second = edits
    tables, gate = by
    letters = np.int64(gate.values[row, WORD_LENGTH])
    words = gate.words[np.int64(gate.values[row, WORD_TABLE])]
    shown, seen = class_of(first, 0, row, (texts[0], tables))
    if second[0] == NO_EDIT:
        if first[1] < letters:
            text = (texts[0], texts[1], letters)
            return _word_sum(first, text, words, tables.ratios[LEAST], bounds), True
        least = weigh_known(bounds, tables.sums[LEAST, shown, seen])
    else:
        if first[1] < letters:
            return 0.0, True
        start = times(bounds, tables.sums[LEAST, shown, seen])
        shown, seen = class_of(second, SHIFTS[first[0]], row, (texts[0], tables))
        least = weigh_known(start, tables.sums[LEAST, shown, seen])
    if letters > 0 and words[np.int64(key_of(texts[0], letters))] == 0:
        return 0.0, False
    return least, True


@helper
def _peak_of_row(edits: Word, row: Word, codes: NDArray[np.int64], by: Word, bounds: Word) -> Word:
    # What the likeliest of one format's plates comes to at most.
    first, second = edits
    tables = by[0]
    shown, seen = class_of(first, 0, row, (codes, tables))
    start = times(bounds, tables.sums[MOST, shown, seen])
    if second[0] == NO_EDIT:
        return total(start)
    shown, seen = class_of(second, SHIFTS[first[0]], row, (codes, tables))
    return weigh(start, tables.sums[MOST, shown, seen])


@routine
def _keep_term(edits: Word, row: Word, value: Word, read: Word, terms: NDArray[np.float64]) -> Word:
    # Keep one more; where there is no room, drop those that the sum has outgrown.
    bounds, count = read
    first, second = edits
    if count == TERMS_MAX:
        left = 0
        for term in range(count):
            if terms[term, VALUE] * bounds[RUNS] * NAMED_FROM >= bounds[NEED]:
                for column in range(TERM_COLUMNS):
                    terms[left, column] = terms[term, column]
                left += 1
        count = left
    if count < TERMS_MAX:
        terms[count, VALUE] = value
        terms[count, ROW] = row
        terms[count, KIND], terms[count, PLACE] = first
        terms[count, KIND_2], terms[count, PLACE_2] = second
        count += 1
    return count


@helper
def add_rows(edits: Word, rows: Word, read: Word, by: Word, room: Room) -> Word:
    """Add all formats of a row set to the sum; the likeliest plates are kept as terms.

    Gives how many terms there are.

    Args:
        edits: both; the second may be none.
        rows: the words of the row set, whatever separators the formats have; one or more.
        read: its bounds, claims and separators, how many characters its plates have, how many
            terms there are, and the most that the edits can leave of "all read right".
        by: the tables, and the formats.
        room: to work in.

    """
    bounds, claims, gap, plate, count, best = read
    gate = by[1]
    begin = 0 if rows[0] != np.uint64(0) else 1 if rows[1] != np.uint64(0) else 2
    likeliest, _ = take_row(rows[begin], begin, plate, gate)
    seen_from = best * max(SEEN_FROM, bounds[RUNS] * NAMED_FROM)
    if gate.values[likeliest, SHARE] * seen_from < bounds[NEED]:
        return count
    if gap != 0:
        shown = printed_rows(edits[0], edits[1], gap, plate, gate.gaps)
        rows = (rows[0] & shown[0], rows[1] & shown[1], rows[2] & shown[2])
    texts = (room.codes[0], room.codes[1])
    for word in range(SET_WORDS):
        left = rows[word]
        while left != np.uint64(0):
            row, left = take_row(left, word, plate, gate)
            if gate.values[row, SHARE] * seen_from < bounds[NEED]:
                # The others are rarer still.
                return count
            weight = gate.values[row, SHARE] * claims[np.int64(gate.values[row, COUNTRY])]
            if weight * seen_from < bounds[NEED]:
                continue
            least, any_plate = _least_of_row(edits, row, texts, by, bounds)
            bounds[NEED] += weight * least
            peak = _peak_of_row(edits, row, texts[0], by, bounds) if any_plate else 0.0
            if weight * peak * bounds[RUNS] * NAMED_FROM >= bounds[NEED]:
                count = _keep_term(edits, row, weight * peak, (bounds, count), room.terms)
    return count
