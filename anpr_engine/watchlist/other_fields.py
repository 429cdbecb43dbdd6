"""Texts in the plate column that are of another field: a date, a time, a telephone number, a VIN.

A file whose columns have moved would list what no vehicle carries, and what a person's number or
birthday is would stand where everybody looks.

Why shapes and no guess: a plate that is refused is a vehicle that is not found. Only what no
country prints is refused (a property test holds every format of every pack against it); digits
with a year of two digits are, where they fit a known format, a plate.
"""

import re
from datetime import date

from anpr_engine.plates.identify import fits

DIGITS_ALONE_MIN = 9
"""So many digits and nothing else are on no plate; on plates of digits alone there are eight."""

_AT = "@"
_TIME = re.compile(r"(?:.*[T ])?(?:[01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:[.,]\d+)?)?(?:Z|[+-]\d.*)?")
_DATES = (
    re.compile(r"(?P<y>\d{4})(?P<mark>[-./ ])(?P<m>\d{1,2})(?P=mark)(?P<d>\d{1,2})"),
    re.compile(r"(?P<d>\d{1,2})(?P<mark>[-./ ])(?P<m>\d{1,2})(?P=mark)(?P<y>\d{4}|\d{2})"),
    re.compile(r"(?P<m>\d{1,2})(?P<mark>[-./ ])(?P<d>\d{1,2})(?P=mark)(?P<y>\d{4})"),
)
_VIN = re.compile(r"(?=.*\d)[A-HJ-NPR-Z0-9]{17}")
_IBAN = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}")
_YEAR_DIGITS = 4
_CENTURY = 2000
_YEAR_MIN, _YEAR_MAX = 1900, 2200


def may_be_other(raw: str, text: str) -> bool:
    """Say whether a text is to be looked at more closely; nearly no plate is.

    Args:
        raw: as it stands in the column, without spaces around it.
        text: the same in canonical form, however long.

    """
    return text.isdigit() or ":" in raw or _AT in raw or len(text) > DIGITS_ALONE_MIN


def other_field(raw: str, text: str) -> str:
    """Say what a text is that is no plate; empty where it may be one. As for `may_be_other`."""
    whole = (
        ("an e-mail address", _AT in raw),
        ("a time", _TIME.fullmatch(raw) is not None),
        ("a vehicle identification number", _VIN.fullmatch(text) is not None),
        ("a bank account", _IBAN.fullmatch(text) is not None),
        ("a date", any(_is_date(pattern, raw) for pattern in _DATES)),
        ("a telephone number or another number", text.isdigit() and len(text) >= DIGITS_ALONE_MIN),
    )
    return next((what for what, holds in whole if holds), "")


def _is_date(pattern: re.Pattern[str], raw: str) -> bool:
    found = pattern.fullmatch(raw)
    if found is None or (len(found["y"]) < _YEAR_DIGITS and fits(re.sub(r"\D", "", raw))):
        return False
    year, month, day = (int(found[name]) for name in "ymd")
    try:
        date(year if year > 99 else _CENTURY + year, month, day)
    except ValueError:
        return False
    return len(found["y"]) < _YEAR_DIGITS or _YEAR_MIN <= year <= _YEAR_MAX
