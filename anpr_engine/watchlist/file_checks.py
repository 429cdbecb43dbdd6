"""One row of a watchlist file to an entry, or to the reason why it is none.

Why: rows of one file mostly differ in plate, id and case only, and a full check by the model
takes four times as long as reading the row. So what rows share is checked by the model once and
remembered; what differs is checked here by the same rules. A test holds both ways equal.
"""

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from operator import itemgetter

from pydantic import ValidationError

from anpr_engine.plates.wildcard_share import WILDCARD_SHARE_MAX
from anpr_engine.records.watchlist_entry import WatchlistEntry
from anpr_engine.watchlist.cell_texts import (
    LOWER_COLUMNS,
    OWN_LENGTHS,
    WORD_COLUMNS,
    Refusal,
    RefusedError,
    check_text,
    plain_row,
    unescape,
)
from anpr_engine.watchlist.file_rows import LIST_COLUMN, RawRow
from anpr_engine.watchlist.listed_row import ListedRow
from anpr_engine.watchlist.plate_checks import PlateFault, check_plate, check_wildcard
from anpr_engine.watchlist.row_problems import RowProblem, RowReason
from anpr_engine.watchlist.stored import LIMITS

SHARED_COLUMNS = (
    "list_id",
    "category",
    "owner",
    "purpose",
    "legal_basis",
    "action",
    "priority",
    "valid_from",
    "valid_until",
    "sharing",
    "handling_code",
    "vehicle_make",
    "vehicle_model",
    "vehicle_colour",
)
"""Columns whose texts many rows have in common."""

_SHARED = dict.fromkeys((*SHARED_COLUMNS, *LIMITS))

UNNAMED_LIST = "watchlist"
"""The list of rows that name none, where none was named for the file."""

_REMEMBERED_MAX = 10_000
_STAND_IN = "X"

_COUNTRY = re.compile(r"[A-Za-z]{2}", re.ASCII)

_REASONS = {
    "category": (RowReason.UNKNOWN_CATEGORY, "The category is none of those known."),
    "action": (RowReason.UNKNOWN_ACTION, "The action is none of those known."),
    "priority": (RowReason.BAD_PRIORITY, "The priority is no whole number from 0 to 100."),
    "sharing": (RowReason.BAD_SHARING, "Sharing is `own`, or site codes parted by commas."),
    "valid_from": (RowReason.BAD_DATE, "The time is not like 2026-11-22T08:15:30Z."),
    "valid_until": (RowReason.BAD_DATE, "The time is not like 2026-11-22T08:15:30Z."),
    "sis_action": (RowReason.UNKNOWN_ACTION, "The action is none of those known."),
    "list_kind": (RowReason.BAD_VALUE, "The list is structural or ad_hoc."),
    "max_actions": (RowReason.BAD_VALUE, "The number of actions is none from 0 to 10000."),
    LIST_COLUMN: (RowReason.BAD_VALUE, "The area is up to 1000 cameras, parted by spaces or `;`."),
    "area_polygon": (
        RowReason.BAD_VALUE,
        "The area is not three or more `latitude,longitude`.",
    ),
    "border_area_only": (RowReason.BAD_VALUE, "The flag is neither true nor false."),
    "sis_derived": (RowReason.BAD_VALUE, "The flag is neither true nor false."),
    "hours_utc": (RowReason.BAD_VALUE, "The hours are not like 22:00-06:00."),
    "subject_category": (
        RowReason.BAD_VALUE,
        "The person is none of suspect, convicted, victim, witness, other.",
    ),
    "reliability": (RowReason.BAD_VALUE, "The code is not like B2: A, B, C or X, then 1 to 4."),
    "country": (RowReason.BAD_COUNTRY, "The country is no code of two letters."),
    "": (RowReason.BAD_DATE, "The entry ends before it begins."),
}


@dataclass(frozen=True, slots=True)
class FileRules:
    """What rows are checked against.

    list_id: the list all rows are of; empty where rows name it, `watchlist` if they do not.
    now: entries that ended before are refused; None lets them pass.
    defaults: texts by column, for cells that are empty.
    escaped: whether texts that begin like a formula are refused unless escaped (CSV).
    wildcard_share_max: the largest share of the traffic that an entry with ? or * may match.
    """

    list_id: str = ""
    now: datetime | None = None
    defaults: Mapping[str, str] = field(default_factory=dict)
    characters_min: int = 4
    escaped: bool = True
    wildcard_share_max: float = WILDCARD_SHARE_MAX


def _checked_texts(cells: Mapping[str, str], plate: str, country: str, rules: FileRules) -> str:
    """Look at a row's own texts one by one; gives the canonical plate."""
    for column, length in OWN_LENGTHS.items():
        if column in cells:
            check_text(column, cells[column], length)
    if "?" in plate or "*" in plate:
        checked = check_wildcard(plate, country, rules.wildcard_share_max)
    else:
        checked = check_plate(plate, rules.characters_min)
    if isinstance(checked, PlateFault):
        raise RefusedError("plate", checked.reason, checked.text, plate)
    if country and not _COUNTRY.fullmatch(country):
        raise RefusedError("country", *_REASONS["country"], country)
    return checked


class _Met:
    """What was met of rows that have the same columns: shared texts, and what they came to."""

    def __init__(self, columns: Sequence[str]) -> None:
        """Begin with nothing."""
        names = [name for name in columns if name in _SHARED]
        self.texts_of: Callable[[Mapping[str, str]], object] = (
            itemgetter(*names) if names else _nothing
        )
        self.shared: dict[object, WatchlistEntry | Refusal] = {}


def _nothing(_: Mapping[str, str]) -> str:
    return ""


def default_entry_id(list_id: str, plate: str, country: str) -> str:
    """Make the id of an entry that was given none: the same for the same list and vehicle."""
    text = f"{list_id}\x1f{plate}\x1f{country.upper()}"
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


class RowChecker:
    """Checks rows one after another; remembers the ids met.

    ids: of accepted rows. kept_ids: given by rows refused for another reason than their age;
        what the store has under them should stay.
    """

    def __init__(self, rules: FileRules) -> None:
        """Check against rules."""
        self._rules = rules
        self._met: dict[tuple[str, ...], _Met] = {}
        self._remembered = 0
        self.ids: set[str] = set()
        self.kept_ids: set[str] = set()

    def check(self, raw: RawRow) -> WatchlistEntry | RowProblem:
        """Check one row, and give its entry."""
        checked = self.listed(raw)
        return checked if isinstance(checked, RowProblem) else checked.entry()

    def listed(self, raw: RawRow) -> ListedRow | RowProblem:
        """Check one row."""
        cells = {**self._rules.defaults, **raw.cells}
        try:
            return self._listed(cells)
        except RefusedError as refused:
            entry_id = cells.get("entry_id", "")
            if entry_id and refused.why.reason is not RowReason.ALREADY_EXPIRED:
                self.kept_ids.add(entry_id)
            return RowProblem(raw.row, *refused.why)

    def _listed(self, cells: dict[str, str]) -> ListedRow:
        rules = self._rules
        canonical = plain_row(cells, rules.characters_min)
        if not canonical and rules.escaped:
            unescape(cells)
        list_id = rules.list_id or cells.get("list_id", UNNAMED_LIST)
        if cells.get("list_id", list_id) != list_id:
            raise RefusedError("list_id", RowReason.OTHER_LIST, "The row is of another list.")
        plate = cells.get("plate", "").strip()
        country = cells.get("country", "").strip()
        if not canonical:
            canonical = _checked_texts(cells, plate, country, rules)
        shared = self._shared_part(cells, list_id)
        entry_id = cells.get("entry_id") or default_entry_id(list_id, canonical, country)
        known = entry_id if rules.list_id else f"{list_id}/{entry_id}"
        if known in self.ids:
            what = "An earlier row has the same entry id, given or made from the plate."
            raise RefusedError("entry_id", RowReason.DUPLICATE_ENTRY_ID, what, entry_id)
        self.ids.add(known)
        case_ref, note = cells.get("case_ref", ""), cells.get("note", "")
        return ListedRow(shared, entry_id, plate, country or None, case_ref, note)

    def _shared_part(self, cells: Mapping[str, str], list_id: str) -> WatchlistEntry:
        columns = tuple(cells)
        met = self._met.get(columns)
        if met is None:
            met = self._met[columns] = _Met(columns)
        key = met.texts_of(cells)
        found = met.shared.get(key)
        if found is None:
            self._remembered += 1
            if self._remembered > _REMEMBERED_MAX:
                self._met, self._remembered = {columns: met}, 1
                met.shared.clear()
            given = {name: cells[name] for name in _SHARED if cells.get(name)}
            try:
                found = self._validated({**given, "list_id": list_id})
            except RefusedError as refused:
                found = refused.why
            met.shared[key] = found
        if isinstance(found, Refusal):
            # Made anew: an error raised again and again would keep every frame it came through.
            raise RefusedError(*found)
        return found

    def _validated(self, cells: dict[str, str]) -> WatchlistEntry:
        values = {name: _tidied(name, text) for name, text in cells.items()}
        for name, text in values.items():
            check_text(name, text, 2**16)
        named = {LIST_COLUMN: _names_in(values[LIST_COLUMN])} if LIST_COLUMN in values else {}
        try:
            entry = WatchlistEntry.model_validate(
                {**values, **named, "entry_id": _STAND_IN, "plate": _STAND_IN}
            )
        except ValidationError as error:
            raise _refusal(error, cells) from None
        now = self._rules.now
        if now is not None and entry.valid_until is not None and entry.valid_until <= now:
            what = "The entry's time is over."
            raise RefusedError("valid_until", RowReason.ALREADY_EXPIRED, what, cells["valid_until"])
        return entry


def _tidied(column: str, text: str) -> str:
    if column not in WORD_COLUMNS:
        return text
    text = text.strip()
    if column == "reliability":
        return text.upper()
    if column in LOWER_COLUMNS:
        return text.lower()
    return text.replace(" ", "").lower() if column == "sharing" else text


def _names_in(text: str) -> list[str]:
    return [name for name in text.replace(";", " ").split(" ") if name]


def _refusal(error: ValidationError, cells: Mapping[str, str]) -> RefusedError:
    first = error.errors(include_url=False, include_context=False)[0]
    column = str(first["loc"][0]) if first["loc"] else ""
    if column in _REASONS:
        return RefusedError(column, *_REASONS[column], cells.get(column, ""))
    text = "The text is longer than allowed."
    return RefusedError(column, RowReason.FIELD_TOO_LONG, text, cells.get(column, ""))
