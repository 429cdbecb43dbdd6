"""What the kernels of `explained` are given, what they work in, and how ratios are weighed."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from anpr_engine.kernels._four import known, times, total
from anpr_engine.kernels._jit import (
    Word,
    f64,
    given,
    helper,
    i8,
    i32,
    i64,
    record,
    u16,
    u64,
    written,
)
from anpr_engine.kernels.channel import QUALITIES
from anpr_engine.kernels.edits import ADDED, LOST, TWO_EDITS
from anpr_engine.kernels.gate import SET_WORDS
from anpr_engine.kernels.plate_text import KEY_BASE, KEY_CHARACTERS_EXACT

NOTHING = 0
"""The class that prints nothing: what is added between two characters. The code of what is read
where a printed character was lost, too."""
LEAST, MOST = 0, 1
"""First axis of the sums: lower bounds of what all characters of a class come to together, and
upper bounds of what the likeliest of them does."""
NEED = QUALITIES
BEST = QUALITIES + 1
RUNS = QUALITIES + 2
ALL_NAMED = QUALITIES + 3
BOUND_COLUMNS = QUALITIES + 4
"""Columns of a read's bounds: P(state, all read right) for each state; the sum; the most that
P(read | any plate) can be; how many ways there may be to line a plate up with the read; and 1 if
every plate that may be half of the sum is named."""
TERMS_MAX = 64
VALUE, ROW, KIND, PLACE, KIND_2, PLACE_2 = range(6)
TERM_COLUMNS = 6
"""Columns of a term, one format and one or two edits: what its likeliest plate comes to; the row of
the gate's values; kind and place, in the read, of the first edit and of the second."""
SHIFTS = np.array([0, 1, -1])
"""How much longer the plate is than the read, by kind of edit."""
NO_EDIT = -1
SEEN_FROM = 64.0
"""Plates that are no such part of the sum are left out of it, if none of them can be named."""
NAMED_FROM = 4.0
"""A plate is named if it is half of the sum: it may stand in two formats, and line up with the
read in as many ways as `RUNS` says."""
ODDS, DENSEST, ALONE = 0, 1, 2
LIMITS = 3
"""Places of a read's limits, see `SeenReads`, and how many."""
LETTERS_FROM = 11
"""The code of the letter A."""


class SeenReads(NamedTuple):
    """Reads to look at; all arrays read-only.

    keys: uint64 (n,). gaps: uint16 (n,), see `kernels.plate_text`. bands: int64 (n,).
    claims: float64 (n, countries), P(claim | country).
    shares: float64 (n,), of the plate with just this text, see `kernels.gate.claimed_shares`.
    limits: float64 (n, LIMITS): how many times the sum a pair's likelihood must be to be searched
        for; the largest share of any plate, 0 if no plates need to be named; and how many times
        what the plate of just this text comes to, for a hit of any other. Where no likelihood is
        that much `BEST` becomes 0.
    """

    keys: NDArray[np.uint64]
    gaps: NDArray[np.uint16]
    bands: NDArray[np.int64]
    claims: NDArray[np.float64]
    shares: NDArray[np.float64]
    limits: NDArray[np.float64]


class ReadTables(NamedTuple):
    """What edits of a text come to; all arrays read-only, by character code (see `plate_text`).

    By position class, by the code read, then the code printed; floats by state of quality last.
    """

    classes: NDArray[np.int32]
    """int32 (rows, GATE_CHARACTERS_MAX), the class of each position of the gate's rows."""
    sums: NDArray[np.float64]
    """float64 (2, classes, KEY_BASE, QUALITIES), by the code read; see `NOTHING` and `LEAST`."""
    ratios: NDArray[np.float64]
    """float64 (2, KEY_BASE, KEY_BASE, QUALITIES), by the codes read and printed, single characters'
    lower and upper bounds; in [0, 0, 0], how much less likely a text is read right at the edges
    than elsewhere."""
    right: NDArray[np.float64]
    """float64 (KEY_BASE, QUALITIES), P(the character is read right, nothing added behind it)."""
    best: NDArray[np.float64]
    """float64 (3, KEY_BASE, QUALITIES), the largest ratio of an edit of each kind, by the code
    read; of a lost character in row 0."""
    ranked: NDArray[np.int8]
    """int8 (KEY_BASE, KEY_BASE), by the code read: the codes printed, the likeliest first."""
    rest: NDArray[np.float64]
    """float64 (KEY_BASE, KEY_BASE, QUALITIES), by the code read: the largest upper bound of each
    state's from this rank on."""
    quality: NDArray[np.float64]
    """float64 (bands, QUALITIES)."""
    densest: NDArray[np.float64]
    """float64 (GATE_CHARACTERS_MAX + 1, countries), by length: the largest share of a plate."""


class Room(NamedTuple):
    """What the kernel works in.

    codes: int64 (2, KEY_CHARACTERS_EXACT + 3), the read's characters, and a plate's.
    sets: uint64 (5, 2, KEY_CHARACTERS_EXACT + 1, SET_WORDS), by the length of the plate less the
        read's, plus two: rows that allow the read's first characters, or its last ones.
    terms: float64 (TERMS_MAX, TERM_COLUMNS).
    best: float64 (3, QUALITIES), the largest ratio of an edit of each kind of the read.
    densest: float64 (5,), as `sets` by length: the largest share of a plate, its country claimed.
    """

    codes: NDArray[np.int64]
    sets: NDArray[np.uint64]
    terms: NDArray[np.float64]
    best: NDArray[np.float64]
    densest: NDArray[np.float64]


def empty_room() -> Room:
    """Make room for one caller at a time."""
    places = KEY_CHARACTERS_EXACT + 1
    return Room(
        codes=np.empty((2, places + TWO_EDITS), np.int64),
        sets=np.empty((2 * TWO_EDITS + 1, 2, places, SET_WORDS), np.uint64),
        terms=np.empty((TERMS_MAX, TERM_COLUMNS)),
        best=np.empty((3, QUALITIES)),
        densest=np.empty(2 * TWO_EDITS + 1),
    )


class Named(NamedTuple):
    """Plates that are a large part of their reads' sums.

    keys: uint64 (room,). reads: int64 (room,). found: int64 (1,), how many there are: more than
    the room means that some were left out.
    """

    keys: NDArray[np.uint64]
    reads: NDArray[np.int64]
    found: NDArray[np.int64]


SEEN = record(
    SeenReads, given(u64), given(u16), given(i64), given(f64, 2), given(f64), given(f64, 2)
)
NAMED = record(Named, written(u64), written(i64), written(i64))
READ_TABLES = record(
    ReadTables,
    given(i32, 2),
    given(f64, 4),
    given(f64, 4),
    given(f64, 2),
    given(f64, 3),
    given(i8, 2),
    given(f64, 3),
    given(f64, 2),
    given(f64, 2),
)
ROOM = record(
    Room, written(i64, 2), written(u64, 4), written(f64, 2), written(f64, 2), written(f64)
)


@helper
def weigh_known(start: NDArray[np.float64], ratio: NDArray[np.float64]) -> Word:
    """Sum over the states but the worst what an edit leaves of their worth.

    The worst state makes garbage of average plates: of single ones nothing is known.
    """
    return known(times(start, ratio))


@helper
def most_of(
    bounds: NDArray[np.float64], one: NDArray[np.float64], two: NDArray[np.float64]
) -> Word:
    """Sum over all states what two edits leave at most."""
    return total(times(times(bounds, one), two))


@helper
def key_of(codes: NDArray[np.int64], length: Word) -> Word:
    """Give the key of the first characters, given as codes."""
    key: Word = np.uint64(0)
    for place in range(length):
        key = key * np.uint64(KEY_BASE) + np.uint64(codes[place])
    return key


@helper
def seen_in(edit: Word, codes: NDArray[np.int64]) -> Word:
    """Give the code read where an edit, its kind and its place, was made."""
    return NOTHING if edit[0] == LOST else codes[edit[1]]


@helper
def class_of(edit: Word, shift: Word, row: Word, of: Word) -> Word:
    """Give the class of the position edited, and the code read there.

    Args:
        edit: its kind and its place.
        shift: how much longer the plate is than the read, so far.
        row: of the gate's values.
        of: the codes read, and the tables.

    """
    kind, place = edit
    codes, tables = of
    shown = NOTHING if kind == ADDED else tables.classes[row, place + shift]
    return shown, seen_in(edit, codes)
