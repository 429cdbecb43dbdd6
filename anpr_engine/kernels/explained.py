"""What a read may have been, if it was misread: how much of the traffic, and which plates most.

The sum over the traffic, cut down to plates within two edits of the text, without a walk: which
formats a text follows but for an edit is the AND of two row sets, one of what stands before the
edit and one of what stands behind it (see `kernels.gate`), and what one position of a format may
have been is a sum that is worked out beforehand. It is a lower bound of P(read | traffic).

A listed plate is no part of the traffic that competes with it. Where most of the sum is one plate,
that plate may be worth a hit although the sum says that none can: such plates are named.
"""

import numpy as np
from numpy.typing import NDArray

from anpr_engine.kernels._four import even, four, larger, plus, put, times
from anpr_engine.kernels._jit import Word, f64, helper, kernel, written
from anpr_engine.kernels.edits import ADDED, LOST, REPLACED, TWO_EDITS, longest_run, weigh
from anpr_engine.kernels.explained_names import name_plates
from anpr_engine.kernels.explained_rows import add_rows, line_up
from anpr_engine.kernels.explained_tables import (
    ALL_NAMED,
    ALONE,
    BEST,
    DENSEST,
    LEAST,
    MOST,
    NAMED,
    NAMED_FROM,
    NEED,
    NO_EDIT,
    NOTHING,
    ODDS,
    READ_TABLES,
    ROOM,
    RUNS,
    SEEN,
    SHIFTS,
    TERMS_MAX,
    VALUE,
    Named,
    ReadTables,
    Room,
    SeenReads,
    most_of,
    seen_in,
    weigh_known,
)
from anpr_engine.kernels.gate import (
    GAP_MASKS,
    GATE,
    GATE_CHARACTERS_MAX,
    GateTables,
)
from anpr_engine.kernels.plate_text import KEY_BASE, count_characters


@helper
def _bounds_of_text(
    length: Word, band: Word, tables: ReadTables, room: Room, bounds: NDArray[np.float64]
) -> None:
    # What is known of a text without the grammar. One edit lines up in one way but among equal
    # characters; two edits in so many as `RUNS` says, and as many again beside one edit.
    codes = room.codes[0]
    run = longest_run(codes, length)
    bounds[RUNS] = (run + 1) * (run + 1)
    start, lost = four(tables.quality[band]), four(tables.best[LOST, NOTHING])
    replaced, added, twin = even(0.0), even(0.0), even(0.0)
    for place in range(length):
        code = codes[place]
        start = times(start, tables.right[code])
        replaced = larger(replaced, tables.best[REPLACED, code])
        added = larger(added, tables.best[ADDED, code])
        twin = larger(twin, tables.ratios[MOST, NOTHING, code])
    put(room.best[REPLACED], replaced)
    put(room.best[LOST], lost)
    put(room.best[ADDED], added)
    put(bounds, start)
    twins = larger(times(twin, even(run + 1.0)), times(added, even(run * 1.0)))
    once = weigh(start, larger(larger(replaced, lost), twins))
    shifted = larger(lost, added)
    swapped = plus(times(replaced, replaced), times(times(even(2.0), lost), added))
    twice = weigh(start, larger(swapped, times(shifted, larger(shifted, replaced))))
    bounds[BEST] = once + 2 * bounds[RUNS] * twice


@helper
def _densest_of(length: Word, claims: Word, tables: ReadTables, room: Room) -> None:
    # The largest share of any one plate of each length, as far as the claim allows.
    for shift in range(-TWO_EDITS, TWO_EDITS + 1):
        densest = 0.0
        if 0 < length + shift <= GATE_CHARACTERS_MAX:
            for country in range(claims.shape[0]):
                share = tables.densest[length + shift, country] * claims[country]
                densest = max(densest, share)
        room.densest[TWO_EDITS + shift] = densest


@helper
def _twice_most(bounds: NDArray[np.float64], room: Room) -> Word:
    # The most that a plate two edits away can come to, for one way to line it up.
    most = 0.0
    for kind in range(3):
        for other in range(kind, 3):
            densest = room.densest[TWO_EDITS + SHIFTS[kind] + SHIFTS[other]]
            most = max(most, most_of(bounds, room.best[kind], room.best[other]) * densest)
    return most


@helper
def _one_edit(read: Word, gap: Word, by: Word, room: Room) -> Word:
    # Everything one edit away; gives how many terms there are.
    bounds, claims, length, count = read
    tables, gate = by
    for kind in range(3):
        plate = length + SHIFTS[kind]
        if not 0 < plate <= GATE_CHARACTERS_MAX:
            continue
        heads, tails = (
            room.sets[TWO_EDITS + SHIFTS[kind], 0],
            room.sets[TWO_EDITS + SHIFTS[kind], 1],
        )
        every = gate.gaps[plate, 0]
        for place in range(length + 1 if kind == LOST else length):
            one, two = heads[place], tails[place if kind == LOST else place + 1]
            first, second = one[0] & two[0] & every[0], one[1] & two[1] & every[1]
            third = one[2] & two[2] & every[2]
            if first | second | third == np.uint64(0):
                continue
            best = weigh(four(bounds), tables.best[kind, seen_in((kind, place), room.codes[0])])
            edits = ((kind, place), (NO_EDIT, 0))
            so_far = (bounds, claims, gap, plate, count, best)
            count = add_rows(edits, (first, second, third), so_far, by, room)
    return count


@helper
def _second_edits(edits: Word, rows: Word, read: Word, by: Word, room: Room) -> Word:
    # All second edits behind a first one; gives how many terms there are.
    (kind, place), other, left = edits
    bounds, claims, length, count, gap = read
    tables, gate = by
    shift = SHIFTS[kind] + SHIFTS[other]
    plate = length + shift
    tails = room.sets[TWO_EDITS + shift, 1]
    first, second, third = rows
    densest = room.densest[TWO_EDITS + shift] * bounds[RUNS] * NAMED_FROM
    for at in range(place if kind == LOST else place + 1, length + 1 if other == LOST else length):
        behind = tails[at if other == LOST else at + 1]
        found = (first & behind[0], second & behind[1], third & behind[2])
        if found[0] | found[1] | found[2] != np.uint64(0):
            best = weigh(left, tables.best[other, seen_in((other, at), room.codes[0])])
            if best * densest >= bounds[NEED]:
                so_far = (bounds, claims, gap, plate, count, best)
                count = add_rows(((kind, place), (other, at)), found, so_far, by, room)
        if at == length or at + SHIFTS[kind] >= plate:
            break
        allowed = gate.sets[plate, at + SHIFTS[kind], room.codes[0, at]]
        first, second, third = first & allowed[0], second & allowed[1], third & allowed[2]
        if first | second | third == np.uint64(0):
            break
    return count


@helper
def _two_edits(read: Word, gap: Word, by: Word, room: Room) -> Word:
    # Everything two edits away; gives how many terms there are.
    bounds, claims, length, count = read
    tables, gate = by
    for pair in range(9):
        kind, other = pair // 3, pair % 3
        shift = SHIFTS[kind] + SHIFTS[other]
        plate = length + shift
        if not 0 < plate <= GATE_CHARACTERS_MAX:
            continue
        heads, every = room.sets[TWO_EDITS + shift, 0], gate.gaps[plate, 0]
        densest = room.densest[TWO_EDITS + shift] * bounds[RUNS] * NAMED_FROM
        if most_of(bounds, room.best[kind], room.best[other]) * densest < bounds[NEED]:
            continue
        if abs(shift) == TWO_EDITS:
            line_up(room.codes[0], length, shift, gate.sets, room.sets)
        for place in range(min(plate, length if kind == LOST else length - 1) + 1):
            one = heads[place]
            rows = (one[0] & every[0], one[1] & every[1], one[2] & every[2])
            if rows[0] | rows[1] | rows[2] == np.uint64(0):
                break
            best = tables.best[kind, seen_in((kind, place), room.codes[0])]
            left = times(four(bounds), four(best))
            if weigh(left, room.best[other]) * densest < bounds[NEED]:
                continue
            edits = ((kind, place), other, left)
            count = _second_edits(edits, rows, (bounds, claims, length, count, gap), by, room)
    return count


@helper
def _spell(key: Word, codes: NDArray[np.int64]) -> Word:
    # The codes of a key's characters; gives how many there are.
    length = count_characters(key)
    for place in range(length - 1, -1, -1):
        codes[place] = np.int64(key % np.uint64(KEY_BASE))
        key = key // np.uint64(KEY_BASE)
    return length


@helper
def _sum_up(read: Word, gap: Word, by: Word, room: Room, limits: NDArray[np.float64]) -> Word:
    # Add up the edits of one read; gives how many terms are worth naming.
    found, claims, length, _ = read
    if found[NEED] * limits[ALONE] >= found[BEST]:
        # The plate of just this text competes with every other, and says all that is asked.
        found[BEST] = 0.0
        found[ALL_NAMED] = 1.0
        return 0
    _densest_of(length, claims, by[0], room)
    for shift in range(-1, 2):
        line_up(room.codes[0], length, shift, by[1].sets, room.sets)
    count = _one_edit(read, gap, by, room)
    named_from = found[NEED] / (found[RUNS] * NAMED_FROM)
    enough = found[NEED] * limits[ODDS] >= found[BEST]
    named = limits[DENSEST] > 0.0 and _twice_most(found, room) >= named_from
    if not enough or named:
        count = _two_edits((found, claims, length, count), gap, by, room)
    if limits[DENSEST] == 0.0:
        return 0
    if count == TERMS_MAX:
        # Nothing explains the read: rather than naming all, let everything be searched for.
        found[NEED] *= min(1.0, 1 / (2 * limits[DENSEST] * max(limits[ODDS], 1e-300)))
        return 0
    found[ALL_NAMED] = 1.0
    return count


@kernel(SEEN, GATE, READ_TABLES, ROOM, written(f64, 2), NAMED)
def explained_parts(
    seen: SeenReads,
    gate: GateTables,
    tables: ReadTables,
    room: Room,
    bounds: NDArray[np.float64],
    named: Named,
) -> None:
    """Sum up what reads may have been, within two edits, and name the plates it mostly is.

    Args:
        seen: the reads.
        gate: the formats.
        tables: what edits come to.
        room: to work in.
        bounds: float64 (n, BOUND_COLUMNS), written, see there.
        named: written: every plate of a known format that may be half of its read's P(read |
            traffic); others too, and some twice.

    """
    named.found[0] = 0
    by = (tables, gate)
    for row in range(seen.keys.shape[0]):
        length = _spell(seen.keys[row], room.codes[0])
        found, claims = bounds[row], seen.claims[row]
        _bounds_of_text(length, seen.bands[row], tables, room, found)
        found[ALL_NAMED] = 0.0
        found[NEED] = seen.shares[row] * weigh_known(found, tables.ratios[LEAST, NOTHING, NOTHING])
        gap = np.int64(seen.gaps[row])
        if length > GATE_CHARACTERS_MAX or gap >= GAP_MASKS:
            continue
        count = _sum_up((found, claims, length, 0), gap, by, room, seen.limits[row])
        for term in range(count):
            if room.terms[term, VALUE] * found[RUNS] * NAMED_FROM >= found[NEED]:
                name_plates(room.terms[term], (found, claims, length, row), by, room, named)
