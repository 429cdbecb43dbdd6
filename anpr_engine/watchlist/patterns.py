"""The wildcards of a block as arrays, for `kernels.wildcards.find_wildcards` to search.

Nothing in an index is ever written after it was built, so any number of threads may search it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from anpr_engine.kernels.table import FOUND
from anpr_engine.kernels.wildcards import (
    CHARACTER_BITS,
    READ_CHARACTERS_MAX,
    find_wildcards,
    wildcard_homes,
)
from anpr_engine.plates.wildcard import Wildcard
from anpr_engine.watchlist.pattern_groups import Shape, packed, shape_of, shared_masks

_FIRST_ROOM = 256
_ROW_BITS = 32
_SALT_STEP = 0xD6E8FEB86659FD93

WildcardPairs: TypeAlias = tuple[NDArray[np.int64], NDArray[np.int64]]
"""Read rows and entry rows, int64 (pairs,) both; sorted by read, then entry, each pair once."""


@dataclass(frozen=True, slots=True)
class PatternIndex:
    """Patterns in the arrays that `find_wildcards` takes; `patterns` is how many."""

    patterns: int
    probes: NDArray[np.uint64]
    words: NDArray[np.uint64]
    table: NDArray[np.uint64]

    def __len__(self) -> int:
        """Count the patterns."""
        return self.patterns

    def pairs(self, keys: NDArray[np.uint64]) -> WildcardPairs:
        """Find the entries whose pattern the keys of a batch fit: uint64 (reads,)."""
        if not self.patterns:
            return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
        tally = np.zeros(4, dtype=np.int64)
        room = _FIRST_ROOM
        while True:
            found = np.empty((2, room), dtype=np.int64)
            find_wildcards(keys, self.probes, self.words, self.table, found, tally)
            count = int(tally[FOUND])
            if count <= room:
                break
            room = count
        # In one number each pair sorts and is told from others faster than in two.
        distinct = np.unique(found[0, :count] << _ROW_BITS | found[1, :count])
        return distinct >> _ROW_BITS, distinct & ((1 << _ROW_BITS) - 1)


class _Group(NamedTuple):
    """Patterns of one shape that are looked for by the same positions."""

    shape: Shape
    mask: int
    salt: int


class _Packed(NamedTuple):
    """Patterns in words, all uint64 (patterns,): what they fix and how, and their groups."""

    fixed: NDArray[np.uint64]
    values: NDArray[np.uint64]
    looked_at: NDArray[np.uint64]
    salts: NDArray[np.uint64]


def pattern_index(wildcards: Sequence[Wildcard], rows: Sequence[int]) -> PatternIndex:
    """Build the index over some wildcards.

    Args:
        wildcards: each with at least three fixed characters.
        rows: the entry row of each.

    """
    count = len(wildcards)
    words_of = np.array([packed(each) for each in wildcards], dtype=np.uint64).reshape(count, 2)
    patterns = _Packed(words_of[:, 0], words_of[:, 1], *np.zeros((2, count), dtype=np.uint64))
    groups = _grouped(wildcards, patterns)
    unit = max(1, count)
    # One word of 64 bits a pattern: about one stranger in a thousand gets a `maybe` from a group.
    words = np.zeros(unit, dtype=np.uint64)
    homes = np.zeros(count, dtype=np.int64)
    wildcard_homes(patterns.values & patterns.looked_at, patterns.salts, 2 * unit, homes, words)
    # In order of their homes each takes its own, or the next slot behind the one before it.
    order = np.argsort(homes, kind="stable")
    steps = np.arange(count)
    taken = np.maximum.accumulate(homes[order] - steps) + steps
    entries = np.array(rows, dtype=np.uint64) + np.uint64(1)
    columns = patterns.values, patterns.fixed, patterns.salts, entries
    table = np.zeros((3 * unit + 1, len(columns)), dtype=np.uint64)
    table[taken] = np.stack(columns, axis=1)[order]
    return PatternIndex(count, _probes(groups), words, table)


def _grouped(wildcards: Sequence[Wildcard], patterns: _Packed) -> list[_Group]:
    """Put each pattern into a group: what is looked at and the group's salt are written."""
    shapes: dict[Shape, list[int]] = {}
    for place, wildcard in enumerate(wildcards):
        shapes.setdefault(shape_of(wildcard), []).append(place)
    groups: list[_Group] = []
    for shape, members in shapes.items():
        places = np.array(members)
        for mask, served in shared_masks(patterns.fixed[places], patterns.values[places]):
            groups.append(_Group(shape, mask, (len(groups) + 1) * _SALT_STEP % 2**64))
            patterns.looked_at[places[served]] = mask
            patterns.salts[places[served]] = groups[-1].salt
    return groups


def _probes(groups: Iterable[_Group]) -> NDArray[np.uint64]:
    """Write down what is probed for each number of characters, see the kernel."""
    by_length: list[list[tuple[int, int, int]]] = [
        [
            (group.mask, group.salt, place * CHARACTER_BITS)
            for group in groups
            for place in group.shape.places(length)
        ]
        for length in range(READ_CHARACTERS_MAX + 1)
    ]
    most = max(map(len, by_length))
    probes = np.zeros((READ_CHARACTERS_MAX + 1, most + 1, 3), dtype=np.uint64)
    for length, rows in enumerate(by_length):
        for place, row in enumerate(rows):
            probes[length, place] = row
    return probes
