"""The country packs as the tables of the gate before near matching, see `kernels.gate`."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from anpr_engine.kernels._jit import kept
from anpr_engine.kernels.gate import (
    GAP_MASKS,
    GATE_CHARACTERS_MAX,
    GATE_PAIRS,
    PAIR_BASE,
    SET_BITS,
    SET_WORDS,
    VALUE_COLUMNS,
    WORD_CHARACTERS_MAX,
    WORDS_SHAPE,
    GateTables,
    plate_densities,
)
from anpr_engine.kernels.plate_text import KEY_BASE
from anpr_engine.plates.formats import CharacterSet, CountryPack, Layout, Separator, WordSet
from anpr_engine.plates.normaliser import plate_key
from anpr_engine.plates.traffic import layouts_of

_LENGTHS = GATE_CHARACTERS_MAX + 1


@dataclass(frozen=True, slots=True)
class Gate:
    """The tables; `countries` counts the countries.

    positions: by row, the characters that each position allows (a word's columns each for
    itself).
    digest: of the tables: gates of one digest give every plate the same share.
    """

    countries: int
    tables: GateTables
    positions: tuple[tuple[str, ...], ...]
    digest: str

    def densities(self, keys: NDArray[np.uint64]) -> NDArray[np.float64]:
        """Give each plate's own share of the traffic by country: float64 (n, countries)."""
        found = np.empty((len(keys), self.countries))
        plate_densities(keys, self.tables, found)
        return found


@dataclass(frozen=True, slots=True)
class _Row:
    positions: tuple[str, ...]
    gaps: int
    words: WordSet | None
    share: float
    country: int


def _row(layout: Layout, share: float, country: int) -> _Row | None:
    """Write a layout as one row; None where it is too long, or has words in the middle."""
    parts = [part for part in layout.parts if not isinstance(part, Separator)]
    words = parts[0] if isinstance(parts[0], WordSet) else None
    if any(isinstance(part, WordSet) for part in parts[1:]):
        return None
    if words is not None and len(words.words[0]) > WORD_CHARACTERS_MAX:
        return None
    positions: list[str] = []
    gaps = 0
    for part in layout.parts:
        if isinstance(part, Separator):
            gaps |= 1 << len(positions)
        elif isinstance(part, CharacterSet):
            positions.append(part.characters)
        else:
            columns = zip(*part.words, strict=True)
            positions += ["".join(sorted(set(column))) for column in columns]
    if len(positions) > GATE_CHARACTERS_MAX:
        return None
    return _Row(tuple(positions), gaps, words, share / layout.size, country)


def _split(layout: Layout) -> Iterator[Layout]:
    """Write words at the end as characters: a layout for every first letter of two."""
    last = layout.parts[-1]
    if not isinstance(last, WordSet) or len(last.words[0]) != 2:
        yield layout
        return
    for first, words in groupby(last.words, key=lambda word: word[0]):
        seconds = "".join(word[1] for word in words)
        parts = (*layout.parts[:-1], CharacterSet(first), CharacterSet(seconds))
        yield Layout(parts, layout.share)


def gate_tables(packs: Iterable[CountryPack]) -> Gate:
    """Build the tables of all formats with a shape of their own."""
    countries: dict[str, int] = {}
    rows: list[_Row] = []
    for country, whole, share in layouts_of(tuple(packs), countries):
        for layout in _split(whole):
            row = _row(layout, share * layout.size / whole.size, countries[country])
            rows += [row] if row else []
    # By length; then the likeliest first: of a full row set the rarest formats are left out.
    rows.sort(key=lambda row: (len(row.positions), -row.share))
    by_length = groupby(rows, key=lambda row: len(row.positions))
    kept_rows = [row for _, some in by_length for row in list(some)[: SET_BITS * SET_WORDS]]
    # One more place stands for plates of no format; none of them is looked up here.
    positions = tuple(row.positions for row in kept_rows)
    tables = _tables(kept_rows)
    digest = hashlib.blake2b(b"".join(part.tobytes() for part in tables), digest_size=16)
    return Gate(len(countries) + 1, tables, positions, digest.hexdigest())


def _tables(rows: list[_Row]) -> GateTables:
    sets = np.zeros((_LENGTHS, GATE_CHARACTERS_MAX, KEY_BASE, SET_WORDS), dtype=np.uint64)
    gaps = np.zeros((_LENGTHS, GAP_MASKS, SET_WORDS), dtype=np.uint64)
    first = np.zeros(_LENGTHS, dtype=np.int32)
    values = np.zeros((len(rows), VALUE_COLUMNS))
    tables: dict[tuple[str, ...], int] = {}
    for place, row in enumerate(rows):
        length = len(row.positions)
        if place == 0 or len(rows[place - 1].positions) < length:
            first[length] = place
        word, bit = divmod(place - int(first[length]), SET_BITS)
        mask = np.uint64(1 << bit)
        for position, characters in enumerate(row.positions):
            codes = [plate_key(character) for character in characters]
            sets[length, position, codes, word] |= mask
        gaps[length, [0, row.gaps], word] |= mask
        table = tables.setdefault(row.words.words, len(tables)) if row.words else 0
        letters = len(row.words.words[0]) if row.words else 0
        values[place] = row.share, row.country, letters, table
    words = np.zeros((max(1, len(tables)), WORDS_SHAPE), dtype=np.uint8)
    for listed, table in tables.items():
        words[table, [plate_key(text) for text in listed]] = 1
    pairs = _pairs(sets[..., 0])
    return GateTables(kept(sets), kept(pairs), kept(gaps), kept(first), kept(values), kept(words))


def _pairs(sets: NDArray[np.uint64]) -> NDArray[np.uint64]:
    # Two characters at once, from the end; before the beginning of a text there is nothing.
    every = np.uint64(0xFFFFFFFFFFFFFFFF)
    pairs = np.zeros((_LENGTHS, GATE_PAIRS, PAIR_BASE), dtype=np.uint64)
    for length in range(_LENGTHS):
        ends = np.zeros((2 * GATE_PAIRS, KEY_BASE), dtype=np.uint64)
        ends[:length] = sets[length, :length][::-1]
        ends[length:, 0] = every
        both = ends[1::2, :, None] & ends[::2, None, :]
        pairs[length] = both.reshape(GATE_PAIRS, PAIR_BASE)
    return pairs
