"""Texts of single cells: what none may hold, and rows of which all are plainly right.

Why a short way: nearly all rows of a file hold a plain plate and plain texts. One look at all
texts of a row together says so at a third of the price of a look at each; a row of which that
cannot be said is checked text by text, and refused or taken there. A test holds both ways equal.
"""

import re
import string
from collections.abc import Mapping
from itertools import product
from typing import NamedTuple

from anpr_engine.watchlist.plate_checks import plain_plate
from anpr_engine.watchlist.row_problems import RowReason

OWN_LENGTHS = {"entry_id": 64, "plate": 64, "case_ref": 256, "note": 1024}
LOWER_COLUMNS = frozenset({"border_area_only", "sis_derived", "list_kind", "subject_category"})
WORD_COLUMNS = LOWER_COLUMNS | {
    *("category", "action", "sharing", "priority", "valid_from", "valid_until"),
    *("max_actions", "hours_utc", "sis_action", "reliability"),
}

_OWN_LENGTHS = tuple(OWN_LENGTHS.items())
_SHORT = min(OWN_LENGTHS.values())
_COUNTRIES = frozenset({"", *map("".join, product(string.ascii_letters, repeat=2))})
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_CONTROL_OR_BREAK = re.compile(r"[\x00-\x1f\x7f]")
_FORMULA = re.compile(r"[=+\-@\t\r]")
_FORMULA_STARTS = frozenset("=+-@\t\r'")
_ESCAPED_FORMULA = re.compile(r"'+[=+\-@\t\r]")
_PART = "|"
_PART_THEN_FORMULA = re.compile(r"\|[=+\-@']")


class Refusal(NamedTuple):
    """Which column is refused, and why."""

    column: str
    reason: RowReason
    text: str
    value: str = ""


class RefusedError(Exception):
    """Leaves a check, with why."""

    def __init__(self, column: str, reason: RowReason, text: str, value: str = "") -> None:
        """Refuse a column."""
        super().__init__(reason.value)
        self.why = Refusal(column, reason, text, value)


def plain_row(cells: Mapping[str, str], characters_min: int) -> str:
    """Give the canonical plate of a row whose own texts are surely right; else nothing.

    Right is: plate, country, lengths, no control character, nothing that begins like a formula.
    """
    raw = cells.get("plate", "")
    plate = plain_plate(raw, characters_min)
    if not plate or cells.get("country", "") not in _COUNTRIES:
        return ""
    texts = _PART + _PART.join(cells.values())
    # Printable texts hold no control character; what begins in a cell, begins behind a part.
    if not texts.isprintable() or _PART_THEN_FORMULA.search(texts):
        return ""
    if len(texts) > _SHORT:
        for column, length in _OWN_LENGTHS:
            if column in cells and len(cells[column]) > length:
                return ""
    return plate


def check_text(column: str, text: str, length: int) -> None:
    """Raise `RefusedError` for a text that is too long or holds a control character."""
    if len(text) > length:
        what = f"The text is longer than {length} characters."
        raise RefusedError(column, RowReason.FIELD_TOO_LONG, what, text[:length])
    if text.isprintable():
        # So it holds no control character, and most texts are.
        return
    control = _CONTROL if column in {"note", "case_ref"} else _CONTROL_OR_BREAK
    if control.search(text):
        what = "The text holds a control character."
        raise RefusedError(column, RowReason.BAD_CHARACTER, what)


def unescape(cells: dict[str, str]) -> None:
    """Take the ' off texts that begin like a formula; raises `RefusedError` where none stands."""
    for column, text in cells.items():
        if text[:1] not in _FORMULA_STARTS or column in WORD_COLUMNS or column == "country":
            continue
        if _FORMULA.match(text):
            what = "The text begins like a formula; put ' before it."
            raise RefusedError(column, RowReason.FORMULA_CELL, what, text)
        if _ESCAPED_FORMULA.match(text):
            cells[column] = text[1:]
