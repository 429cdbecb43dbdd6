"""Entries as rows of a watchlist file, the same columns as are imported.

Why: a spreadsheet runs a cell that begins with = + - or @ as a formula. Such a text gets a ' in
front in CSV, which import takes off again, so that a list goes out and in unchanged.
"""

import csv
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TextIO

import msgspec

from anpr_engine.errors import UsageError
from anpr_engine.records.watchlist_entry import WatchlistEntry
from anpr_engine.watchlist.file_rows import COLUMNS, FileForm

_LIKE_FORMULA = re.compile(r"'*[=+\-@\t\r]")


def file_values(entry: WatchlistEntry) -> dict[str, str | int]:
    """Give an entry's values by column; columns without a value are left out."""
    values: dict[str, str | int] = {}
    for column in COLUMNS:
        value = getattr(entry, column)
        if isinstance(value, datetime):
            value = value.isoformat().replace("+00:00", "Z")
        if value not in ("", None):
            values[column] = value
    return values


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
    rows = (file_values(entry) for entry in entries)
    return _csv(rows, out) if form is FileForm.CSV else _jsonl(rows, out)


def _csv(rows: Iterable[Mapping[str, str | int]], out: TextIO) -> int:
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    count = 0
    for row in rows:
        writer.writerow([escaped(str(row.get(column, ""))) for column in COLUMNS])
        count += 1
    return count


def _jsonl(rows: Iterable[Mapping[str, str | int]], out: TextIO) -> int:
    count = 0
    for row in rows:
        out.write(msgspec.json.encode(row).decode() + "\n")
        count += 1
    return count
