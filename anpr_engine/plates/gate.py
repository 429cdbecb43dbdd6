"""The country packs as the tables of the gate before near matching, see `kernels.gate`."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby, product

import numpy as np
from numpy.typing import NDArray

from anpr_engine.kernels.gate import (
    GATE_CHARACTERS_MAX,
    SHAPES,
    WORD_CHARACTERS_MAX,
    WORDS_SHAPE,
    plate_densities,
)
from anpr_engine.plates.formats import CharacterSet, CountryPack, Layout, Separator, WordSet
from anpr_engine.plates.normaliser import plate_key
from anpr_engine.plates.traffic import layouts_of

_Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class GateTables:
    """The tables, see `kernels.gate.plate_densities`; `countries` counts the countries."""

    countries: int
    shape_rows: NDArray[np.int32]
    masks: NDArray[np.uint64]
    values: NDArray[np.float64]
    words: NDArray[np.uint8]

    def densities(self, keys: NDArray[np.uint64]) -> NDArray[np.float64]:
        """Give each plate's own share of the traffic: float64 (n, countries + 2).

        By country, then the largest share of one format, and the place of its country.
        """
        found = np.empty((len(keys), self.countries + 2))
        plate_densities(keys, self.shape_rows, self.masks, self.values, self.words, found)
        return found


def _positions(layout: Layout) -> tuple[list[str], WordSet | None] | None:
    """Give what each position allows, and the words that the plate begins with; None: too much."""
    parts = [part for part in layout.parts if not isinstance(part, Separator)]
    words = parts[0] if isinstance(parts[0], WordSet) else None
    if any(isinstance(part, WordSet) for part in parts[1:]):
        return None
    if words is not None and len(words.words[0]) > WORD_CHARACTERS_MAX:
        return None
    sets = [part.characters for part in parts if isinstance(part, CharacterSet)]
    if words is not None:
        sets = ["".join(sorted(set(column))) for column in zip(*words.words, strict=True)] + sets
    return (sets, words) if len(sets) <= GATE_CHARACTERS_MAX else None


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


def _mask(characters: Iterable[str]) -> int:
    return sum(1 << plate_key(character) for character in characters)


def _rows(
    sets: list[str],
) -> Iterator[tuple[int, list[int]]]:
    """Give each shape of a layout with the masks of its positions."""
    kinds: list[list[tuple[int, int]]] = []
    for characters in sets:
        digits = [one for one in characters if one.isdigit()]
        letters = [one for one in characters if not one.isdigit()]
        chosen = [(0, _mask(digits))] * bool(digits) + [(1, _mask(letters))] * bool(letters)
        kinds.append(chosen)
    for row in product(*kinds):
        shape = 1
        for bit, _ in row:
            shape = shape << 1 | bit
        yield shape, [mask for _, mask in row]


def gate_tables(packs: Iterable[CountryPack]) -> GateTables:
    """Build the tables of all formats with a shape of their own."""
    rows: dict[int, list[tuple[list[int], list[float]]]] = {}
    tables: dict[tuple[str, ...], int] = {}
    countries: dict[str, int] = {}
    for country, whole, share_of_all in layouts_of(tuple(packs), countries):
        for layout in _split(whole):
            share = share_of_all * layout.size / whole.size
            found = _positions(layout)
            if found is None:
                continue
            sets, words = found
            table = tables.setdefault(words.words, len(tables)) if words else 0
            length = len(words.words[0]) if words else 0
            values = [share / layout.size, float(countries[country]), float(length), float(table)]
            for shape, masks in _rows(sets):
                rows.setdefault(shape, []).append((masks, values))
    # One more place stands for plates of no format; none of them is looked up here.
    return _filled(rows, tables, len(countries) + 1)


def _filled(
    rows: dict[int, list[tuple[list[int], list[float]]]],
    tables: dict[tuple[str, ...], int],
    countries: int,
) -> GateTables:
    shape_rows = np.zeros((SHAPES, 2), dtype=np.int32)
    masks: list[list[int]] = []
    values: list[list[float]] = []
    for shape, found in rows.items():
        # The likeliest first: the others then need no look.
        found.sort(key=lambda row: -row[1][0])
        shape_rows[shape] = len(masks), len(masks) + len(found)
        for row, value in found:
            masks.append(row + [0] * (GATE_CHARACTERS_MAX - len(row)))
            values.append(value)
    words = np.zeros((max(1, len(tables)), WORDS_SHAPE), dtype=np.uint8)
    for listed, table in tables.items():
        words[table, [plate_key(word) for word in listed]] = 1
    return GateTables(countries, shape_rows, np.array(masks, np.uint64), np.array(values), words)
