"""The plates that a read mostly is, if it was misread, spelled out.

See `kernels.explained`, which calls this for the terms that are a large part of a read's sum.
"""

import numpy as np
from numpy.typing import NDArray

from anpr_engine.kernels._four import four, times
from anpr_engine.kernels._jit import Word, helper
from anpr_engine.kernels.edits import ADDED, weigh
from anpr_engine.kernels.explained_tables import (
    KIND,
    KIND_2,
    MOST,
    NAMED_FROM,
    NEED,
    NO_EDIT,
    NOTHING,
    PLACE,
    PLACE_2,
    ROW,
    RUNS,
    SHIFTS,
    Named,
    Room,
    class_of,
    key_of,
    seen_in,
)
from anpr_engine.kernels.gate import COUNTRY, SET_BITS, SHARE, GateTables
from anpr_engine.kernels.plate_text import KEY_BASE


@helper
def _fits(code: Word, place: Word, row: Word, plate: Word, gate: GateTables) -> Word:
    # Whether a format allows a character at a position.
    at = row - gate.first[plate]
    word = gate.sets[plate, place, code, at // SET_BITS]
    return (word >> np.uint64(at % SET_BITS)) & np.uint64(1) != np.uint64(0)


@helper
def _put(code: Word, edit: Word, of: Word, spelled: NDArray[np.int64]) -> Word:
    # Put a character where an edit was; says whether the format allows it.
    place, row, plate, gate = of
    if edit[0] == ADDED:
        return True
    spelled[place] = code
    return _fits(code, place, row, plate, gate)


@helper
def _spell_rest(edits: Word, plate: Word, length: Word, room: Room) -> None:
    # What stands before, between and behind the edits.
    first, second = edits
    codes, spelled = room.codes[0], room.codes[1]
    shift = SHIFTS[first[0]]
    for at in range(plate):
        back = 0 if at <= first[1] - (1 if first[0] == ADDED else 0) else shift
        if second[0] != NO_EDIT and at > second[1] + shift - (1 if second[0] == ADDED else 0):
            back = plate - length
        spelled[at] = codes[at - back]


@helper
def _write(read: Word, plate: Word, room: Room, named: Named) -> None:
    # One more plate, if there is room.
    if named.found[0] < named.keys.shape[0]:
        named.keys[named.found[0]] = key_of(room.codes[1], plate)
        named.reads[named.found[0]] = read
    named.found[0] += 1


@helper
def _name_second(second: Word, so_far: Word, of: Word, room: Room, named: Named) -> None:
    # All plates whose second edit leaves enough.
    left, need, read = so_far
    tables, row, plate, gate, place = of
    seen = seen_in(second, room.codes[0])
    added = second[0] == ADDED
    for rank in range(1 if added else KEY_BASE - 1):
        code = NOTHING if added else np.int64(tables.ranked[seen, rank])
        if weigh(left, tables.ratios[MOST, seen, code]) >= need:
            if _put(code, second, (place, row, plate, gate), room.codes[1]):
                _write(read, plate, room, named)
        elif added or weigh(left, tables.rest[seen, rank]) < need:
            break


@helper
def name_plates(term: NDArray[np.float64], read: Word, by: Word, room: Room, named: Named) -> None:
    """Spell out a term's plates that are likely enough."""
    bounds, claims, length, number = read
    tables, gate = by
    row = np.int64(term[ROW])
    first = (np.int64(term[KIND]), np.int64(term[PLACE]))
    second = (np.int64(term[KIND_2]), np.int64(term[PLACE_2]))
    twice = second[0] != NO_EDIT
    shift = SHIFTS[first[0]]
    plate = length + shift + (SHIFTS[second[0]] if twice else 0)
    weight = gate.values[row, SHARE] * claims[np.int64(gate.values[row, COUNTRY])]
    need = bounds[NEED] / (weight * bounds[RUNS] * NAMED_FROM)
    _spell_rest((first, second), plate, length, room)
    seen = seen_in(first, room.codes[0])
    added = first[0] == ADDED
    # What the other edit leaves at most, whatever this one is.
    left = four(bounds)
    if twice:
        shown, other = class_of(second, shift, row, (room.codes[0], tables))
        left = times(left, tables.sums[MOST, shown, other])
    for rank in range(1 if added else KEY_BASE - 1):
        code = NOTHING if added else np.int64(tables.ranked[seen, rank])
        ratio = tables.ratios[MOST, seen, code]
        if weigh(left, ratio) < need:
            if added or weigh(left, tables.rest[seen, rank]) < need:
                break
            continue
        if not _put(code, first, (first[1], row, plate, gate), room.codes[1]):
            continue
        if twice:
            of = (tables, row, plate, gate, second[1] + shift)
            _name_second(second, (times(bounds, ratio), need, number), of, room, named)
        else:
            _write(number, plate, room, named)
