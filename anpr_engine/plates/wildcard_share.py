"""How many valid plates a wildcard matches, and which share of the traffic they are.

A layout's plates are counted, not listed: the number is the product of what each part leaves
open. Traffic is as the country packs weigh it; plates of other countries, and those of no fixed
shape, are not counted.
"""

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from anpr_engine.plates.formats import CharacterSet, CountryPack, Separator
from anpr_engine.plates.wildcard import ANY_CHARACTER, Wildcard

WILDCARD_SHARE_MAX = 0.0001
"""The largest share of the traffic that an entry may match: one read in ten thousand."""


class WildcardShare(NamedTuple):
    """How many valid plates match, and their part of the traffic, 0 to 1."""

    plates: int
    traffic_share: float


class _Fitting(dict[str, int]):
    """How many of some words of one length fit a text with `?` in it; counted when first asked."""

    def __init__(self, words: Sequence[str]) -> None:
        super().__init__()
        self._words = words
        self.length = len(words[0])

    def __missing__(self, wanted: str) -> int:
        pattern = re.compile(wanted.replace(ANY_CHARACTER, "."))
        self[wanted] = sum(pattern.fullmatch(word) is not None for word in self._words)
        return self[wanted]


@dataclass(frozen=True, slots=True)
class _Shape:
    """A layout: its parts and characters, how many plates it has, their share of the traffic."""

    country: str
    parts: tuple[_Fitting, ...]
    length: int
    size: int
    traffic_share: float

    def count(self, wildcard: Wildcard) -> int:
        """Count the plates that fit, where the wildcard may lie at several places at most."""
        wanted = wildcard.positions
        spare = self.length - len(wanted)
        if spare < 0 or (spare > 0 and not wildcard.open_start and not wildcard.open_end):
            return 0
        if not wildcard.fixed:
            return self.size
        first = 0 if wildcard.open_end else spare
        places = range(first, (spare if wildcard.open_start else first) + 1)
        texts = (ANY_CHARACTER * at + wanted + ANY_CHARACTER * (spare - at) for at in places)
        return min(self.size, sum(map(self._fitting, texts)))

    def _fitting(self, text: str) -> int:
        count, place = 1, 0
        for part in self.parts:
            end = place + part.length
            count *= part[text[place:end]]
            if not count:
                return 0
            place = end
        return count


class PlateCounter:
    """Counts the valid plates of some countries that wildcards match."""

    def __init__(self, packs: Iterable[CountryPack]) -> None:
        """Count the plates of country packs."""
        self._shapes = tuple(_shapes(packs))
        self._countries = {shape.country for shape in self._shapes}

    def share(self, wildcard: Wildcard, country: str = "") -> WildcardShare:
        """Count what a wildcard matches.

        A plate of two formats counts in both. With `*` at both ends the count is an upper bound:
        a plate that holds the text at two places counts twice.

        Args:
            wildcard: what is listed.
            country: count this country's plates only, where there is a pack of it.

        """
        one = country.upper() if country.upper() in self._countries else ""
        plates, traffic_share = 0, 0.0
        for shape in self._shapes:
            count = 0 if one not in ("", shape.country) else shape.count(wildcard)
            plates += count
            traffic_share += shape.traffic_share * count / shape.size
        return WildcardShare(plates, traffic_share)


def share_of(wildcard: Wildcard, packs: Iterable[CountryPack]) -> WildcardShare:
    """Count what one wildcard matches; for many, keep a `PlateCounter`."""
    return PlateCounter(packs).share(wildcard)


def _shapes(packs: Iterable[CountryPack]) -> Iterator[_Shape]:
    # Layouts have many parts in common; what was counted for one is known for all.
    known: dict[tuple[str, ...], _Fitting] = {}
    for pack in packs:
        for plate_format in pack.formats:
            for layout in plate_format.layouts:
                parts = [
                    tuple(part.characters) if isinstance(part, CharacterSet) else part.words
                    for part in layout.parts
                    if not isinstance(part, Separator)
                ]
                yield _Shape(
                    country=pack.country,
                    parts=tuple(known.setdefault(words, _Fitting(words)) for words in parts),
                    length=sum(len(words[0]) for words in parts),
                    size=math.prod(map(len, parts)),
                    traffic_share=pack.traffic_share * plate_format.share * layout.share,
                )
