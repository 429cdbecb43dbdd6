"""All plates that the country packs allow, as trees that a kernel can sum over.

Why trees: formats that begin alike share their positions, so that a read is compared with a
prefix once, and a prefix that nothing in the read speaks for is left with all that follows it. So
it costs nothing that a German plate may begin with any of 769 districts.

Odd plates: a small part of the traffic follows no format (personalised plates, other countries,
series that nobody told us). `ODD` stands for them: any row of letters and digits.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from anpr_engine.kernels.plate_text import ALPHABET
from anpr_engine.kernels.tokens import SEPARATOR, TOKEN_OF, TOKENS
from anpr_engine.kernels.traffic import AFTER, CALL, CLASS, COUNTRY, REACH, SHARE
from anpr_engine.plates.formats import CharacterSet, CountryPack, Layout, Part, Separator, WordSet

ODD = "??"
"""Stands for every country without a pack."""
ODD_SHARE = 0.02
ODD_LENGTHS: Mapping[int, float] = {4: 0.04, 5: 0.12, 6: 0.3, 7: 0.34, 8: 0.16, 9: 0.04}
"""How long plates of no known format are: an estimate."""
LOOSE_SHARE = 0.03
"""Part of a format's traffic with letters that its set lacks: what the packs say of letters is
less sure than what they say of shapes, and some that were never to be issued were."""
ODD_CHARACTERS = 36
STRAY, STRAY_BLURRED = 1, 3
"""By how much more than the whole a part of a read may be ahead of its plate or behind it; further
only where readers make garbage."""
_LETTERS = ALPHABET[10:36]
_ANY_LETTER = CharacterSet(_LETTERS)
_SOME = 5
"""Fewest letters of a set that is a series' letters, not a mark of its own."""
_ODD_SET = CharacterSet(ALPHABET[:36])

_Tokens = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class TrafficTree:
    """The trees, see `kernels.traffic`.

    countries: what the country places mean; the last is `ODD`.
    tree: int32 (positions, TREE_COLUMNS). weights: float64 (positions, 2).
    classes: float64 (classes, TOKENS), how much of each character; class 0 prints nothing.
    """

    countries: tuple[str, ...]
    tree: NDArray[np.int32]
    weights: NDArray[np.float64]
    classes: NDArray[np.float64]


@dataclass(slots=True)
class _Node:
    """What may follow a prefix.

    letters: by tokens and, where a plate ends, its country (-1: it goes on).
    words: by whole words of one length, likewise.
    """

    share: float = 0.0
    letters: dict[tuple[_Tokens, int], "_Node"] = field(default_factory=dict)
    words: dict[tuple[tuple[str, ...], int], "_Node"] = field(default_factory=dict)

    @property
    def reach(self) -> float:
        """Bound what one plate that goes on from here can have for a share."""
        behind = [node.reach for node in (*self.letters.values(), *self.words.values())]
        return self.share + max(behind, default=0.0)


def _length(part: Part) -> int:
    return len(part.words[0]) if isinstance(part, WordSet) else 1


def _tokens(part: CharacterSet | Separator) -> _Tokens:
    if isinstance(part, Separator):
        return (SEPARATOR,)
    return tuple(TOKEN_OF[character] for character in part.characters)


def _add(
    roots: dict[int, _Node], layout: Layout, country: int, share: float, *, printed: bool
) -> None:
    parts = [part for part in layout.parts if printed or not isinstance(part, Separator)]
    node = roots.setdefault(sum(map(_length, parts)), _Node())
    for place, part in enumerate(parts):
        ending = country if place == len(parts) - 1 else -1
        if isinstance(part, WordSet):
            node = node.words.setdefault((part.words, ending), _Node())
        else:
            node = node.letters.setdefault((_tokens(part), ending), _Node())
    node.share += share / layout.size


def _odd_layouts() -> Iterator[Layout]:
    # Half of them with one gap, anywhere; the canonical text is the same.
    for length, share in ODD_LENGTHS.items():
        yield Layout((_ODD_SET,) * length, share / 2)
        for gap in range(1, length):
            parts: tuple[Part, ...] = (
                *(_ODD_SET,) * gap,
                Separator(),
                *(_ODD_SET,) * (length - gap),
            )
            yield Layout(parts, share / 2 / (length - 1))


def _loosened(layout: Layout) -> Layout | None:
    # The same shape with any letter where some are allowed; None where all are already.
    parts = tuple(
        _ANY_LETTER
        if isinstance(part, CharacterSet) and len(set(part.characters) & set(_LETTERS)) >= _SOME
        else part
        for part in layout.parts
    )
    return None if parts == layout.parts else Layout(parts, layout.share)


def _layouts(packs: Iterable[CountryPack]) -> Iterator[tuple[str, Layout, float]]:
    for pack in packs:
        for plate_format in pack.formats:
            for layout in plate_format.layouts:
                share = pack.traffic_share * plate_format.share * layout.share
                loose = _loosened(layout)
                if share > 0:
                    yield pack.country, layout, share * (1 - LOOSE_SHARE if loose else 1)
                if share > 0 and loose:
                    yield pack.country, loose, share * LOOSE_SHARE
        for layout in pack.odd:
            yield pack.country, layout, pack.traffic_share * layout.share
        for layout in _odd_layouts() if pack.free_share else ():
            yield pack.country, layout, pack.traffic_share * pack.free_share * layout.share
    for layout in _odd_layouts():
        yield ODD, layout, ODD_SHARE * layout.share


@dataclass(slots=True)
class _Writer:
    classes: dict[_Tokens, int] = field(default_factory=lambda: {(): 0})
    tree: list[list[int]] = field(default_factory=list)
    weights: list[tuple[float, float]] = field(default_factory=list)
    heads: list[list[int]] = field(default_factory=list)
    later: list[tuple[_Node, int, list[list[int]]]] = field(default_factory=list)

    def row(self, row: list[int], share: float = 0.0, reach: float = 0.0) -> list[int]:
        self.tree.append(row)
        self.weights.append((share, reach))
        return row

    def head(self, length: int, root: _Node) -> None:
        head = self.row([length, 0, STRAY, 0, -1], reach=root.reach)
        self.walk(root, 1)
        head[AFTER] = head[COUNTRY] = len(self.tree)
        self.heads.append(head)

    def walk(self, node: _Node, depth: int) -> None:
        # The likeliest first: the larger the sum already found, the more may be left out.
        likeliest = sorted(node.letters.items(), key=lambda item: -item[1].reach)
        for (tokens, country), behind in likeliest:
            row = self._position(tokens, depth, country, behind)
            self.walk(behind, depth + 1)
            row[AFTER] = len(self.tree)
        for (words, country), behind in node.words.items():
            calls: list[list[int]] = []
            self._spell(words, depth, (country, behind, calls))
            if calls:
                self.later.append((behind, depth + len(words[0]), calls))

    def _position(self, tokens: _Tokens, depth: int, country: int, behind: _Node) -> list[int]:
        place = self.classes.setdefault(tokens, len(self.classes))
        edge = int(depth == 1) + 2 * int(country >= 0)
        return self.row([place, depth, edge, 0, country], behind.share, behind.reach)

    def _spell(
        self, words: tuple[str, ...], depth: int, end: tuple[int, _Node, list[list[int]]]
    ) -> None:
        # The words letter by letter; what follows them is written once and jumped to.
        country, behind, calls = end
        last = len(words[0]) == 1
        for first, group in groupby(words, key=lambda word: word[0]):
            node = behind if last else _Node(0.0, {((), -1): behind})
            row = self._position((TOKEN_OF[first],), depth, country if last else -1, node)
            if not last:
                self._spell(tuple(word[1:] for word in group), depth + 1, end)
            elif country < 0:
                calls.append(self.row([0, CALL, 0, 0, -1]))
            row[AFTER] = len(self.tree)

    def finish(self) -> None:
        """Write what follows the words, behind all trees."""
        while self.later:
            node, depth, calls = self.later.pop()
            start = len(self.tree)
            self.walk(node, depth)
            for call in calls:
                call[CLASS], call[AFTER] = start, len(self.tree)
        self.heads[-1][AFTER] = len(self.tree)


def layouts_of(
    packs: tuple[CountryPack, ...], countries: dict[str, int]
) -> Iterator[tuple[str, Layout, float]]:
    """Give the layouts that follow a format, with their country and part of the traffic.

    Args:
        packs: the countries.
        countries: filled with the place of each country.

    """
    countries.update((pack.country, place) for place, pack in enumerate(packs))
    total = sum(share for _, _, share in _layouts(packs))
    for country, layout, share in _layouts(packs):
        if not any(part is _ODD_SET for part in layout.parts):
            yield country, layout, share / total


def free_shares(packs: tuple[CountryPack, ...]) -> NDArray[np.float64]:
    """Give the part of the traffic with plates of no format: float64 (countries,), `ODD` last."""
    total = sum(share for _, _, share in _layouts(packs))
    return np.array([*(each.traffic_share * each.free_share for each in packs), ODD_SHARE]) / total


def traffic_tree(packs: Iterable[CountryPack], *, printed: bool) -> TrafficTree:
    """Build the trees of all formats that have a share of the traffic.

    Args:
        packs: the countries.
        printed: with separators between the groups, or the canonical text alone.

    """
    chosen = tuple(packs)
    countries = (*(pack.country for pack in chosen), ODD)
    roots: dict[int, _Node] = {}
    total = 0.0
    for country, layout, share in _layouts(chosen):
        _add(roots, layout, countries.index(country), share, printed=printed)
        total += share
    writer = _Writer()
    for length in sorted(roots):
        writer.head(length, roots[length])
    writer.finish()
    weights = np.empty((len(writer.weights), 2))
    weights[:, [SHARE, REACH]] = np.array(writer.weights) / total
    classes = np.zeros((len(writer.classes), TOKENS))
    for tokens, place in writer.classes.items():
        classes[place, list(tokens)] = 1.0
    tree = np.array(writer.tree, dtype=np.int32)
    return TrafficTree(countries, tree, weights, classes)


def blurred_tree(packs: Iterable[CountryPack], *, printed: bool) -> TrafficTree:
    """Build the trees of average plates: one a length, of no country in particular.

    Each position holds every character as often as plates of that length have it there.
    """
    shares: dict[int, float] = {}
    rows: dict[int, NDArray[np.float64]] = {}
    for _, layout, share in _layouts(packs):
        row = np.concatenate([_part_rows(part) for part in layout.parts])
        if not printed:
            row = row[row[:, SEPARATOR] == 0]
        rows[len(row)] = rows.get(len(row), np.zeros((1, 1))) + row * share
        shares[len(row)] = shares.get(len(row), 0.0) + share
    tree: list[list[int]] = []
    weights: list[tuple[float, float]] = []
    classes = [np.zeros(TOKENS)]
    total = sum(shares.values())
    for length in sorted(rows):
        after = len(tree) + length + 1
        part = shares[length] / total
        tree.append([length, 0, STRAY_BLURRED, after, after])
        weights.append((0.0, part))
        for depth, sums in enumerate(rows[length], start=1):
            ends = depth == length
            edge = int(depth == 1) + 2 * int(ends)
            tree.append([len(classes), depth, edge, after, 0 if ends else -1])
            weights.append((part if ends else 0.0, part))
            classes.append(sums / sums.sum())
    return TrafficTree((ODD,), np.array(tree, np.int32), np.array(weights), np.array(classes))


def _part_rows(part: Part) -> NDArray[np.float64]:
    # How often each character stands at each position of a part.
    rows = np.zeros((_length(part), TOKENS))
    if not isinstance(part, WordSet):
        tokens = _tokens(part)
        rows[0, list(tokens)] = 1 / len(tokens)
        return rows
    words = part.words
    for word in words:
        for place, character in enumerate(word):
            rows[place, TOKEN_OF[character]] += 1 / len(words)
    return rows
