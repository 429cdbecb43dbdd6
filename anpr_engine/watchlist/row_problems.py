"""Why a row of a watchlist file is refused, in words for a person and a code for a script."""

from dataclasses import dataclass
from enum import StrEnum

ROW_BYTES_MAX = 65_536
"""Longest row of a file, as bytes."""


class RowReason(StrEnum):
    """Why a row was refused; a closed set, for scripts to act on."""

    PLATE_MISSING = "plate-missing"
    PLATE_TOO_SHORT = "plate-too-short"
    PLATE_TOO_LONG = "plate-too-long"
    PLATE_BAD_CHARACTER = "plate-bad-character"
    PLATE_JUNK = "plate-junk"
    PLATE_OTHER_FIELD = "plate-other-field"
    WILDCARD_TOO_WIDE = "wildcard-too-wide"
    WILDCARD_RUN_INSIDE = "wildcard-run-inside"
    BAD_COUNTRY = "bad-country"
    BAD_DATE = "bad-date"
    ALREADY_EXPIRED = "already-expired"
    EXPIRY_MISSING = "expiry-missing"
    EXPIRY_TOO_FAR = "expiry-too-far"
    UNKNOWN_CATEGORY = "unknown-category"
    UNKNOWN_ACTION = "unknown-action"
    BAD_PRIORITY = "bad-priority"
    BAD_SHARING = "bad-sharing"
    BAD_VALUE = "bad-value"
    FORMULA_CELL = "formula-cell"
    BAD_CHARACTER = "bad-character"
    FIELD_TOO_LONG = "field-too-long"
    DUPLICATE_ENTRY_ID = "duplicate-entry-id"
    OTHER_LIST = "other-list"
    WRONG_TYPE = "wrong-type"
    ROW_TOO_LONG = "row-too-long"
    COLUMN_COUNT = "wrong-column-count"
    MALFORMED = "malformed-row"
    NOT_UTF8 = "not-utf8"


@dataclass(frozen=True, slots=True)
class RowProblem:
    """A row that was refused: line (or place in an array, from 1), field, reason, one sentence.

    `value` is what stood there; it is not shown unless asked for.
    """

    row: int
    field: str
    reason: RowReason
    text: str
    value: str = ""


_TEXTS = {
    RowReason.ROW_TOO_LONG: f"The row is longer than {ROW_BYTES_MAX} bytes.",
    RowReason.NOT_UTF8: "The row is not written in UTF-8.",
    RowReason.MALFORMED: "The row cannot be read; a quote or bracket may be missing.",
    RowReason.COLUMN_COUNT: "The row has more or fewer cells than the header.",
    RowReason.WRONG_TYPE: "Only texts and whole numbers are allowed; of flags true and false too.",
}


def problem(row: int, reason: RowReason, field: str = "") -> RowProblem:
    """Make the problem of a row that could not be taken apart."""
    return RowProblem(row, field, reason, _TEXTS[reason])
