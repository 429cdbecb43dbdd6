"""What a plate format is: a country's shapes as data, in the terms that matching works with.

A format is one series of a country; its layouts are the fixed-length shapes it is printed in. A
layout is a row of parts: sets of characters, lists of whole words (German districts), separators.
Every plate of a layout is taken to be equally frequent, so that `share / size` is a plate's part
of the traffic.

Why: a pattern leaves out the few combinations that are never issued (SS in France, 000), the
layouts keep them: they are under two in a hundred of a format, and a layout that is a plain
product of sets can be summed over fast. A text that two layouts of a format fit, as German ones
do (B-AB 123, BA-B 123), stands for two plates.
"""

import math
import re
from dataclasses import dataclass
from functools import cache
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Separator:
    """A gap between two groups: printed, but no part of the canonical text."""

    mark: str = "-"


@dataclass(frozen=True, slots=True)
class CharacterSet:
    """One position and the canonical characters that may stand there, each once, sorted."""

    characters: str


@dataclass(frozen=True, slots=True)
class WordSet:
    """Whole words of one length that may stand at a place, each once, sorted."""

    words: tuple[str, ...]


Part: TypeAlias = Separator | CharacterSet | WordSet


@dataclass(frozen=True, slots=True)
class Layout:
    """One fixed-length shape of a format.

    share: the layout's part of its format, above 0; the layouts of a format sum to 1.
    """

    parts: tuple[Part, ...]
    share: float

    @property
    def size(self) -> int:
        """Count the plates of this shape."""
        return math.prod(
            len(part.characters) if isinstance(part, CharacterSet) else len(part.words)
            for part in self.parts
            if not isinstance(part, Separator)
        )


@cache
def _compiled(expression: str) -> re.Pattern[str]:
    return re.compile(expression)


@dataclass(frozen=True, slots=True)
class PlateFormat:
    """One series of one country.

    format_id: as in reports, e.g. `NL-sidecode-9`. country: ISO 3166 alpha-2.
    expression: the regular expression of `pattern`.
    share: the format's part of its country's traffic, 0 for series no longer or hardly seen that
        must still be recognised.
    classes: vehicle classes that carry it; empty: any.
    first_year, last_year: when plates of it were issued, None where unknown or still.
    """

    format_id: str
    country: str
    expression: str
    layouts: tuple[Layout, ...]
    share: float
    classes: tuple[str, ...] = ()
    first_year: int | None = None
    last_year: int | None = None
    meaning: str = ""

    @property
    def pattern(self) -> re.Pattern[str]:
        """Give what fully matches the canonical text of its plates and of nothing else.

        It is compiled when first asked for: all of them together take some 130 ms.
        """
        return _compiled(self.expression)


@dataclass(frozen=True, slots=True)
class CountryPack:
    """One country's formats, in the order in which they are tried.

    sign: the distinguishing sign of the 1968 convention (B, D, F, L, NL).
    alpha3: ISO 3166 alpha-3.
    traffic_share: the country's part of the traffic at the border, all packs and unknown
        countries together make 1.
    free_share: the part of the country's traffic whose plates have no shape (Belgian
        personalised ones); it, the formats' shares and the odd layouts' sum to 1.
    odd: layouts that no format allows and that are seen all the same; a read of one is no plate
        of the country by its format, but more likely one than any row of characters.
    """

    country: str
    name: str
    sign: str
    alpha3: str
    traffic_share: float
    free_share: float
    formats: tuple[PlateFormat, ...]
    odd: tuple[Layout, ...] = ()
