"""Which country and format a canonical text belongs to.

In a country the first format that fits names it. Between countries the hinted one decides where
it fits; without it a text that fits one country is that country's, and one that fits several
stays open: the text alone cannot tell.

Why: a hint is a claim of the reader, often right and sometimes wrong, so a text that does not fit
it is looked for elsewhere instead of being refused. A hint of a country without a pack says
nothing here.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from anpr_engine.kernels.plate_text import ALPHABET
from anpr_engine.plates.formats import CharacterSet, Layout, PlateFormat, Separator, WordSet
from anpr_engine.plates.pack_files import country_packs

AMBIGUOUS = "AMBIGUOUS"
"""The format id of a text that fits several countries, none of them hinted."""

_KINDS = str.maketrans({character: "d" if character.isdigit() else "l" for character in ALPHABET})


@dataclass(frozen=True, slots=True)
class Identity:
    """What a canonical text is.

    country, format_id: None where nothing fits; an ambiguous text has no country.
    valid: whether any format of any country fits.
    also: ids of formats that fit too, one a country; of an ambiguous text all of them.
    """

    country: str | None
    format_id: str | None
    valid: bool
    also: tuple[str, ...]


NOTHING = Identity(None, None, valid=False, also=())


def country_of(hint: str | None) -> str | None:
    """Give the alpha-2 code behind a country code or distinguishing sign in any case, if known."""
    return _hints().get(hint.strip().upper()) if hint else None


def fits(text: str) -> tuple[PlateFormat, ...]:
    """Give the format that a canonical text has in each country, by country code."""
    found: dict[str, PlateFormat] = {}
    for plate_format in _of_shape(text):
        if plate_format.country not in found and plate_format.pattern.fullmatch(text):
            found[plate_format.country] = plate_format
    return tuple(found.values())


def fits_in(text: str, country: str) -> tuple[PlateFormat, ...]:
    """Give every format of one country that a canonical text fits, the naming one first."""
    return tuple(
        plate_format
        for plate_format in _of_shape(text)
        if plate_format.country == country and plate_format.pattern.fullmatch(text)
    )


def identify(text: str, country: str | None = None) -> Identity:
    """Say what a canonical text is.

    Args:
        text: canonical, as `normalise` gives it, of any length.
        country: a hint: alpha-2 or alpha-3 code or distinguishing sign, in any case.

    """
    found = fits(text)
    hinted = country_of(country)
    named = next((one for one in found if one.country == hinted), None)
    if named is None and len(found) == 1:
        named = found[0]
    also = tuple(one.format_id for one in found if one is not named)
    if named is not None:
        return Identity(named.country, named.format_id, valid=True, also=also)
    return Identity(None, AMBIGUOUS, valid=True, also=also) if found else NOTHING


def be_ready() -> None:
    """Make now what the first hits would wait for: to compile the patterns takes 0.1 s."""
    for plate_format in itertools.chain.from_iterable(_formats_by_shape().values()):
        _ = plate_format.pattern


@cache
def _hints() -> dict[str, str]:
    return {
        hint: pack.country
        for pack in country_packs()
        for hint in (pack.sign, pack.alpha3, pack.country)
    }


def _of_shape(text: str) -> tuple[PlateFormat, ...]:
    """Give the formats with plates of the text's shape; only their patterns need a look."""
    return _formats_by_shape().get(text.translate(_KINDS), ())


@cache
def _formats_by_shape() -> dict[str, tuple[PlateFormat, ...]]:
    found: dict[str, dict[str, PlateFormat]] = {}
    for pack in country_packs():
        for plate_format in pack.formats:
            for shape in itertools.chain.from_iterable(map(_shapes, plate_format.layouts)):
                found.setdefault(shape, {})[plate_format.format_id] = plate_format
    return {shape: tuple(formats.values()) for shape, formats in found.items()}


def _shapes(layout: Layout) -> Iterator[str]:
    kinds = (_kinds(part) for part in layout.parts if not isinstance(part, Separator))
    return map("".join, itertools.product(*kinds))


@cache
def _kinds(part: CharacterSet | WordSet) -> frozenset[str]:
    choices = part.characters if isinstance(part, CharacterSet) else part.words
    return frozenset(choice.translate(_KINDS) for choice in choices)
