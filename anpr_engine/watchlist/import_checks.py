"""What is asked of an import beside a row's own form: how long entries last, where plates stand.

Why a plate in another field is told and not refused: a case reference may look like one, and the
row is good without it. But a plate in a remark is found by no removal, and goes abroad unseen.
"""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from io import BufferedReader
from typing import BinaryIO

from anpr_engine.errors import InputFileError
from anpr_engine.plates.identify import fits
from anpr_engine.records.watchlist_entry import WatchlistEntry
from anpr_engine.watchlist.file_checks import FileRules, RowChecker
from anpr_engine.watchlist.file_rows import RawRow
from anpr_engine.watchlist.listed_row import ListedRow
from anpr_engine.watchlist.row_problems import RowProblem, RowReason

OTHERS = "*"
BEGINNING_BYTES = 4096
TEXTS_LOOKED_AT_MAX = 20_000
"""Texts of a file that are looked at for plates: what is wrong with a whole file shows in these."""
PLATE_TEXT_MAX = 16

_SEPARATORS = re.compile(r"[ .\-]")
_PLATE_LIKE = re.compile(r"(?=.*[0-9])(?=.*[A-Z])[A-Z0-9]{5,9}")
_SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"PK\x03\x04", "a workbook or archive (zip)"),
    (b"\x1f\x8b", "packed (gzip)"),
    (b"%PDF", "a PDF document"),
    (b"\xff\xfe", "written in UTF-16"),
    (b"\xfe\xff", "written in UTF-16"),
)
_STRANGE_DELIMITERS = {"\t": "a tab", "|": "a |", ":": "a colon"}


@dataclass(frozen=True, slots=True)
class ExpiryCeilings:
    """How many days ahead an entry may end at most, by purpose or category; `*` for all others."""

    days_max: Mapping[str, float] = field(default_factory=dict)

    def days_of(self, entry: WatchlistEntry) -> float | None:
        """Give the ceiling of an entry; None where there is none."""
        for name in (entry.purpose.lower(), entry.category.value, OTHERS):
            if name in self.days_max:
                return self.days_max[name]
        return None


@dataclass(slots=True)
class ImportNotes:
    """What an import tells beside the rows refused.

    endless: entries accepted that never end. plate_like: by field, texts that look like plates,
    among the first `TEXTS_LOOKED_AT_MAX` of the file.
    """

    endless: int = 0
    plate_like: Counter[str] = field(default_factory=Counter)
    ceilings: ExpiryCeilings = field(default_factory=ExpiryCeilings)

    def as_dict(self) -> dict[str, object]:
        """Give the notes for JSON."""
        return {
            "without_end": self.endless,
            "plate_like": {name: n for name, n in sorted(self.plate_like.items()) if n},
            "expiry_days_max": dict(sorted(self.ceilings.days_max.items())),
        }

    def lines(self) -> list[str]:
        """Give the notes for a person."""
        lines = [
            f"  warning: {count} times {name} looks like a plate; plates belong in `plate` alone"
            for name, count in sorted(self.plate_like.items())
            if count
        ]
        if self.endless:
            lines.append(f"  {self.endless} entries have no end; no ceiling is set for them")
        return lines


class ImportChecker(RowChecker):
    """Checks rows as every list file's, and against what a site asks of an import."""

    def __init__(self, rules: FileRules, now: datetime | None, ceilings: ExpiryCeilings) -> None:
        """Check against rules; `now` None leaves an entry's end alone, as for taking it out."""
        super().__init__(rules)
        self.rules = rules
        self._now = now
        self._texts_left = TEXTS_LOOKED_AT_MAX
        self.notes = ImportNotes(ceilings=ceilings)

    def listed(self, raw: RawRow) -> ListedRow | RowProblem:
        """Check one row."""
        checked = super().listed(raw)
        if isinstance(checked, RowProblem) or self._now is None:
            return checked
        if self.notes.ceilings.days_max:
            problem = self._too_long(raw.row, checked.shared, self._now)
            if problem is not None:
                return problem
        elif checked.shared.valid_until is None:
            self.notes.endless += 1
        if self._texts_left:
            self._look_for_plates(checked)
        return checked

    def _too_long(self, row: int, entry: WatchlistEntry, now: datetime) -> RowProblem | None:
        days = self.notes.ceilings.days_of(entry)
        if days is None:
            self.notes.endless += entry.valid_until is None
            return None
        if entry.valid_until is None:
            what = f"The entry has no end; such entries end within {days:g} days."
            return RowProblem(row, "valid_until", RowReason.EXPIRY_MISSING, what)
        if entry.valid_until > now + timedelta(days=days):
            what = f"The entry ends too late; such entries end within {days:g} days."
            return RowProblem(row, "valid_until", RowReason.EXPIRY_TOO_FAR, what)
        return None

    def _look_for_plates(self, row: ListedRow) -> None:
        for name, text in (("note", row.note), ("case_ref", row.case_ref)):
            if text and self._texts_left:
                self._texts_left -= 1
                self.notes.plate_like[name] += is_plate_like(text, row.country)


def is_plate_like(text: str, country: str | None = None) -> bool:
    """Say whether a text is written like a plate: of a country, or of any that is known."""
    if len(text) > PLATE_TEXT_MAX:
        return False
    bare = _SEPARATORS.sub("", text).upper()
    if _PLATE_LIKE.fullmatch(bare) is None:
        return False
    # A case reference fits some country's plates easily; those of the entry's own seldom.
    return any(country is None or each.country == country.upper() for each in fits(bare))


def check_beginning(beginning: bytes, delimiters: str = ",;") -> None:
    """Look at a file's first bytes for what no list file is.

    Args:
        beginning: up to `BEGINNING_BYTES` of it.
        delimiters: what may part the columns.

    Raises:
        InputFileError: it is written in another way; names the line and the way.

    """
    for signature, what in _SIGNATURES:
        if beginning.startswith(signature):
            raise InputFileError(f"Line 1: the file is {what}.", "Save it as text, UTF-8.")
    if b"\x00" in beginning:
        line = beginning[: beginning.index(b"\x00")].count(b"\n") + 1
        what = f"Line {line}: the file holds zero bytes; it is no text in UTF-8."
        raise InputFileError(what, "Save it as text, UTF-8.")
    first = beginning.partition(b"\n")[0].decode("utf-8", "replace")
    if first[:1] in "{[" or any(each in first for each in delimiters):
        return
    for delimiter, name in _STRANGE_DELIMITERS.items():
        if delimiter in first and delimiter not in delimiters:
            wanted = " or ".join(f"`{each}`" for each in delimiters)
            what = f"Line 1: the columns are parted by {name}."
            raise InputFileError(what, f"Part them by {wanted}, or use --template.")


def beginning_of(stream: BinaryIO) -> bytes:
    """Give a file's first bytes without taking them; nothing where it cannot be looked into."""
    if not isinstance(stream, BufferedReader):
        return b""
    return stream.peek(BEGINNING_BYTES)[:BEGINNING_BYTES]
