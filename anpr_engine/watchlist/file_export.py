"""Entries as rows of a watchlist file, the same columns as are imported.

Why: a spreadsheet runs a cell that begins with = + - or @ as a formula. Such a text gets a ' in
front in CSV, which import takes off again, so that a list goes out and in unchanged.
"""

import csv
import re
from collections.abc import Iterable
from datetime import datetime
from typing import TextIO

import msgspec

from anpr_engine.errors import UsageError
from anpr_engine.records.watchlist_entry import WatchlistEntry
from anpr_engine.watchlist.file_rows import COLUMNS, FileForm

_LIKE_FORMULA = re.compile(r"'*[=+\-@\t\r]")

FileValue = str | int | bool | list[str]
"""What stands in a column; in CSV a flag is `true`, and names are parted by spaces."""


def file_values(entry: WatchlistEntry) -> dict[str, FileValue]:
    """Give an entry's values by column; columns without a value are left out."""
    values: dict[str, FileValue] = {}
    for column in COLUMNS:
        value = getattr(entry, column)
        if isinstance(value, datetime):
            value = value.isoformat().replace("+00:00", "Z")
        elif isinstance(value, tuple):
            value = list(value)
        if value is not None and value is not False and value not in ("", []):
            values[column] = value
    return values


def file_cells(entry: WatchlistEntry) -> dict[str, str]:
    """Give an entry's values by column as they stand in CSV."""
    return {column: _cell(value) for column, value in file_values(entry).items()}


def _cell(value: FileValue) -> str:
    if isinstance(value, list):
        value = " ".join(value)
    return "true" if value is True else escaped(str(value))


def escaped(text: str) -> str:
    """Give a text as it may stand in a spreadsheet's cell."""
    return f"'{text}" if _LIKE_FORMULA.match(text) else text


def export_entries(entries: Iterable[WatchlistEntry], out: TextIO, form: FileForm) -> int:
    """Write entries to a file and count them.

    Raises:
        UsageError: the form is none that is written.

    """
    if form is FileForm.JSON:
        raise UsageError("JSON arrays are read, not written.", "Choose csv or jsonl.")
    return _csv(entries, out) if form is FileForm.CSV else _jsonl(entries, out)


def _csv(entries: Iterable[WatchlistEntry], out: TextIO) -> int:
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\r\n")
    writer.writeheader()
    count = 0
    for entry in entries:
        writer.writerow(file_cells(entry))
        count += 1
    return count


def _jsonl(entries: Iterable[WatchlistEntry], out: TextIO) -> int:
    count = 0
    for entry in entries:
        out.write(msgspec.json.encode(file_values(entry)).decode() + "\n")
        count += 1
    return count
