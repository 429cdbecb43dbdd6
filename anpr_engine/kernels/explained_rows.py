"""The formats that edits of a text lead to, and what their plates come to.

See `kernels.explained`, which calls this for one edit and for two.
"""

import numpy as np
from numpy.typing import NDArray

from anpr_engine.kernels._four import times
from anpr_engine.kernels._jit import Word, helper, routine, view
from anpr_engine.kernels.edits import ADDED, LOST, REPLACED, TWO_EDITS
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
    ReadTables,
    Room,
    key_of,
    most_of,
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


@helper
def _class_of(edit: Word, shift: Word, row: Word, of: Word) -> Word:
    # The class of the position edited, and the code read there.
    kind, place = edit
    codes, tables = of
    shown = NOTHING if kind == ADDED else tables.classes[row, place + shift]
    return shown, seen_in(edit, codes)


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
    total = 0.0
    if kind == ADDED:
        if words[np.int64(key_of(plate, letters))] != 0:
            total = weigh_known(start, ratios[codes[place], NOTHING])
        return total
    seen = seen_in(edit, codes)
    plate[place] = 0
    key, step = np.int64(key_of(plate, letters)), 1
    for _ in range(letters - 1 - place):
        step *= KEY_BASE
    for code in range(LETTERS_FROM, KEY_BASE):
        if code != seen and words[key + code * step] != 0:
            total += weigh_known(start, ratios[seen, code])
    return total


@helper
def _sum_of_row(edits: Word, row: Word, texts: Word, by: Word, bounds: NDArray[np.float64]) -> Word:
    # One format's plates: what they all come to at least, and the likeliest of them at most.
    first, second = edits
    tables, gate = by
    letters = np.int64(gate.values[row, WORD_LENGTH])
    shown, seen = _class_of(first, 0, row, (texts[0], tables))
    least = tables.sums[LEAST, shown, seen]
    highest = tables.sums[MOST, shown, seen]
    if second[0] == NO_EDIT:
        peak = most_of(bounds, highest, tables.sums[MOST, NOTHING, NOTHING])
        if first[1] < letters:
            words = gate.words[np.int64(gate.values[row, WORD_TABLE])]
            text = (texts[0], texts[1], letters)
            return _word_sum(first, text, words, tables.ratios[LEAST], bounds), peak
        total = weigh_known(bounds, least)
    else:
        shown, seen = _class_of(second, SHIFTS[first[0]], row, (texts[0], tables))
        peak = most_of(bounds, highest, tables.sums[MOST, shown, seen])
        if first[1] < letters:
            return 0.0, peak
        total = weigh_known(times(bounds, least), tables.sums[LEAST, shown, seen])
    table = np.int64(gate.values[row, WORD_TABLE])
    if letters > 0 and gate.words[table, np.int64(key_of(texts[0], letters))] == 0:
        return 0.0, 0.0
    return total, peak


@helper
def best_of(edits: Word, codes: NDArray[np.int64], tables: ReadTables, bounds: Word) -> Word:
    """Give the most that these edits can leave of what "all read right" is worth."""
    first, second = edits
    one = tables.best[first[0], seen_in(first, codes)]
    if second[0] == NO_EDIT:
        return most_of(bounds, one, tables.sums[MOST, NOTHING, NOTHING])
    return most_of(bounds, one, tables.best[second[0], seen_in(second, codes)])


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
    """
    first, second = edits
    bounds, claims, length, count = read
    tables, gate = by
    plate = length + SHIFTS[first[0]] + (0 if second[0] == NO_EDIT else SHIFTS[second[0]])
    likeliest = best_of(edits, room.codes[0], tables, bounds) * SEEN_FROM
    for word in range(SET_WORDS):
        left = rows[word]
        while left != np.uint64(0):
            row, left = take_row(left, word, plate, gate)
            if gate.values[row, SHARE] * likeliest < bounds[NEED]:
                # The others are rarer still.
                return count
            weight = gate.values[row, SHARE] * claims[np.int64(gate.values[row, COUNTRY])]
            texts = (room.codes[0], room.codes[1])
            total, peak = _sum_of_row(edits, row, texts, by, bounds)
            bounds[NEED] += weight * total
            if weight * peak * bounds[RUNS] * NAMED_FROM >= bounds[NEED]:
                count = _keep_term(edits, row, weight * peak, (bounds, count), room.terms)
    return count
