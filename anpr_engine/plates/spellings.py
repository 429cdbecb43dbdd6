"""How else a plate may be written: its groups, its umlauts, its other reading.

Umlauts are kept in the canonical text, for `MÜ` and `MU` are two districts. Readers without
umlauts write the bare vowel, people the vowel and an E; both are candidates beside the
text itself.

Sources: ICAO 9303 part 3 for the E; Fahrzeug-Zulassungsverordnung for the German parts.
"""

from bisect import bisect_left

from anpr_engine.plates.formats import CharacterSet, Layout, PlateFormat, Separator
from anpr_engine.plates.identify import fits, fits_in

_VOWELS = {"Ä": "A", "Ö": "O", "Ü": "U"}
_DIGRAPHS = {umlaut: vowel + "E" for umlaut, vowel in _VOWELS.items()}
_BARE = str.maketrans(_VOWELS)
_SPELT = str.maketrans(_DIGRAPHS)
CHARACTERS_MAX = 10
"""Longer texts are no plate with an umlaut in any spelling."""


def spelt_out(text: str) -> str:
    """Write every umlaut as a vowel and an E, as registers and people do."""
    return text.translate(_SPELT)


def spellings(text: str) -> tuple[str, ...]:
    """Give the other canonical texts that people or readers write for the same plate.

    With an umlaut: the bare vowel, and the vowel and an E. With those two letters: the umlaut,
    where a German district of that name makes it a plate.
    """
    folded = (text.translate(_BARE), spelt_out(text))
    found = {other: None for other in folded if other != text}
    if len(text) <= CHARACTERS_MAX:
        for umlaut, digraph in _DIGRAPHS.items():
            place = text.find(digraph)
            while place >= 0:
                other = text[:place] + umlaut + text[place + 2 :]
                if fits(other):
                    found[other] = None
                place = text.find(digraph, place + 1)
    return tuple(found)


def printed(text: str, plate_format: PlateFormat) -> str | None:
    """Give a canonical text with its gaps, by the format's first layout that fits."""
    return next(iter(_readings(text, plate_format)), None)


def splits(text: str, country: str) -> tuple[str, ...]:
    """Give every printed plate of a country that a canonical text may stand for, the usual first.

    German ones are different registrations: `BAB123` is B-AB 123 in Berlin, BA-B 123 in Bamberg.
    """
    found = {
        reading: None
        for plate_format in fits_in(text, country)
        for reading in _readings(text, plate_format)
    }
    return tuple(found)


def _readings(text: str, plate_format: PlateFormat) -> list[str]:
    found = (_laid_out(text, layout) for layout in plate_format.layouts)
    return [reading for reading in found if reading is not None]


def _laid_out(text: str, layout: Layout) -> str | None:
    """Write a text in a layout's groups; None where it does not fit."""
    groups = []
    place = 0
    for part in layout.parts:
        if isinstance(part, Separator):
            groups.append(part.mark)
            continue
        if isinstance(part, CharacterSet):
            piece = text[place : place + 1]
            known = piece != "" and piece in part.characters
        else:
            piece = text[place : place + len(part.words[0])]
            index = bisect_left(part.words, piece)
            known = index < len(part.words) and part.words[index] == piece
        if not known:
            return None
        groups.append(piece)
        place += len(piece)
    return "".join(groups) if place == len(text) else None
