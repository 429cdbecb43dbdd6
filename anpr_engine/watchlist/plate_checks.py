"""Whether a listed plate can be matched, and tells few enough vehicles to be on a list."""

from functools import cache
from typing import NamedTuple

from anpr_engine.kernels.plate_text import BAD_CHARACTER, PLATE_CHARACTERS_MAX, TOO_LONG
from anpr_engine.plates.normaliser import normalise
from anpr_engine.plates.pack_files import country_packs
from anpr_engine.plates.wildcard import (
    ANY_CHARACTER,
    ANY_RUN,
    FIXED_MIN,
    POSITIONS_MAX,
    Wildcard,
    WildcardFault,
    parse_wildcard,
)
from anpr_engine.plates.wildcard_share import PlateCounter, WildcardShare
from anpr_engine.watchlist.other_fields import DIGITS_ALONE_MIN, may_be_other, other_field
from anpr_engine.watchlist.row_problems import RowReason

_PLAIN_MAX = min(PLATE_CHARACTERS_MAX, DIGITS_ALONE_MIN)
_ASCII_PLATE = {code: None for code in range(128) if not chr(code).isalnum()}


class PlateFault(NamedTuple):
    """Why a plate is refused."""

    reason: RowReason
    text: str


_MISSING = PlateFault(RowReason.PLATE_MISSING, "The plate is missing.")
_TOO_SHORT = PlateFault(
    RowReason.PLATE_TOO_SHORT, "The plate has too few characters to be told from others."
)
_TOO_LONG = PlateFault(
    RowReason.PLATE_TOO_LONG, f"The plate has more than {PLATE_CHARACTERS_MAX} characters."
)
_BAD_CHARACTER = PlateFault(
    RowReason.PLATE_BAD_CHARACTER, "The plate has a character that no plate has."
)
_JUNK = PlateFault(RowReason.PLATE_JUNK, "The plate is one character over and over.")
_WILDCARD_FAULTS = {
    WildcardFault.BAD_CHARACTER: _BAD_CHARACTER,
    WildcardFault.TOO_LONG: PlateFault(
        RowReason.PLATE_TOO_LONG,
        f"A plate with ? or * has at most {POSITIONS_MAX} characters, * not counted.",
    ),
    WildcardFault.RUN_INSIDE: PlateFault(
        RowReason.WILDCARD_RUN_INSIDE,
        "A * may only be the first or last character; inside, write a ? for each character.",
    ),
}


def plain_plate(raw: str, characters_min: int) -> str:
    """Give the canonical text of a plate that `check_plate` surely takes; else nothing.

    Letters and digits, both, with nothing but dashes between: most plates of most lists.
    """
    text = raw.replace("-", "")
    if not characters_min <= len(text) <= _PLAIN_MAX or not (text.isalnum() and text.isascii()):
        return ""
    return "" if text.isalpha() or text.isdigit() else text.upper()


def check_plate(raw: str, characters_min: int) -> str | PlateFault:
    """Give the canonical text of a listed plate without wildcards, or why it is refused."""
    if raw.isascii():
        text, status = raw.translate(_ASCII_PLATE).upper(), 0
    else:
        found = normalise(raw)
        text, status = found.text, found.status
    if may_be_other(raw, text) and (what := other_field(raw, text)):
        return PlateFault(RowReason.PLATE_OTHER_FIELD, f"That is {what} and no plate.")
    if status == BAD_CHARACTER:
        return _BAD_CHARACTER
    if status == TOO_LONG or len(text) > PLATE_CHARACTERS_MAX:
        return _TOO_LONG
    if not text:
        return _MISSING
    if len(text) < characters_min:
        return _TOO_SHORT
    return _JUNK if len(set(text)) == 1 else text


def check_wildcard(raw: str, country: str, share_max: float) -> str | PlateFault:
    """Give the canonical text of a listed plate with `?` or `*`, or why it is refused.

    Args:
        raw: the plate as listed.
        country: the entry's country, empty for any.
        share_max: the largest share of the traffic that it may match.

    """
    wildcard = parse_wildcard(raw)
    if not isinstance(wildcard, Wildcard):
        return _MISSING if wildcard is None else _WILDCARD_FAULTS[wildcard]
    share = plate_counter().share(wildcard, country)
    if len(wildcard.fixed) < FIXED_MIN:
        limit = f"it needs at least {FIXED_MIN} known characters"
        return _too_wide(share, limit)
    if share.traffic_share > share_max:
        return _too_wide(share, f"at most {share_max:.4%} of the traffic is allowed")
    return _JUNK if len(set(wildcard.text.strip(ANY_CHARACTER + ANY_RUN))) == 1 else wildcard.text


@cache
def plate_counter() -> PlateCounter:
    """Give the counter of the plates of all country packs; it is made once."""
    return PlateCounter(country_packs())


def _too_wide(share: WildcardShare, limit: str) -> PlateFault:
    many = f"{share.plates:,} valid plates, {share.traffic_share:.4%} of the traffic"
    return PlateFault(RowReason.WILDCARD_TOO_WIDE, f"The plate would match {many}; {limit}.")
