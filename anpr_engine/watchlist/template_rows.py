"""Rows of another system's list file as rows of ours, by its template.

Why a line is a row here, quotes or not: these systems write no line breaks inside cells, and a
quote that was never closed must cost its own line alone.
"""

import csv
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import BinaryIO

from anpr_engine.errors import InputFileError
from anpr_engine.records.watchlist_entry import WatchlistEntry
from anpr_engine.watchlist.file_checks import RowChecker
from anpr_engine.watchlist.file_rows import UNKNOWN_COLUMNS_MAX, RawRow
from anpr_engine.watchlist.listed_row import ListedRow
from anpr_engine.watchlist.row_problems import ROW_BYTES_MAX, RowProblem, RowReason, problem
from anpr_engine.watchlist.templates import Template, TemplateColumn

OTHERS = "*"
Line = tuple[int, str | RowReason]
"""A line's number, from 1, and its text, or why it has none."""


class TemplateFile:
    """The entries of one file of another system's form; as `WatchlistFile` for our own."""

    def __init__(self, stream: BinaryIO, template: Template, checker: RowChecker) -> None:
        """Prepare to read a file from its beginning."""
        self._stream = stream
        self._template = template
        self._columns = {each.name.lower(): each for each in template.column}
        self.checker = checker
        self.unknown_columns: list[str] = []

    def __iter__(self) -> Iterator[WatchlistEntry | RowProblem]:
        """Read and check the rows, and give their entries; as `listed`."""
        for row in self.listed():
            yield row if isinstance(row, RowProblem) else row.entry()

    def listed(self) -> Iterator[ListedRow | RowProblem]:
        """Read and check the rows.

        Raises:
            InputFileError: the file as a whole cannot be read.

        """
        for row in self.rows():
            yield row if isinstance(row, RowProblem) else self.checker.listed(row)

    def rows(self) -> Iterator[RawRow | RowProblem]:
        """Read the rows as texts by our columns."""
        lines = _lines(self._stream)
        for _ in range(self._template.skip_lines):
            next(lines, None)
        texts = self._cut(lines) if self._template.form == "fixed" else self._parted(lines)
        for number, cells in texts:
            if isinstance(cells, RowReason):
                yield problem(number, cells)
            else:
                yield RawRow(number, self._template.defaults | dict(self._filled(cells)))

    def _cut(self, lines: Iterator[Line]) -> Iterator[tuple[int, Mapping[str, str] | RowReason]]:
        columns = self._columns.items()
        least = max(each.begin for each in self._template.column if "plate" in each.fills) + 1
        for number, line in lines:
            if isinstance(line, RowReason):
                yield number, line
            elif len(line) < least:
                yield number, RowReason.COLUMN_COUNT
            else:
                yield number, {name: line[each.begin : each.end] for name, each in columns}

    def _parted(self, lines: Iterator[Line]) -> Iterator[tuple[int, Mapping[str, str] | RowReason]]:
        first, line = next(lines, (1, ""))
        if isinstance(line, RowReason):
            what = f"The first line of the file cannot be read: {line.value}."
            raise InputFileError(what, "Save the file as text, UTF-8.")
        delimiter = max(self._template.delimiters, key=line.count)
        header = [cell.strip().strip('"').lower() for cell in line.split(delimiter)]
        if not self._names_the_plate(header):
            header = [name.lower() for name in self._template.names]
            lines = chain([(first, line)], lines)
        if not header:
            wanted = ", ".join(each.name for each in self._template.column)
            what = "The first line names no column that holds the plate."
            raise InputFileError(what, f"The template knows these columns: {wanted}.")
        for name in header:
            if name not in self._columns and len(self.unknown_columns) < UNKNOWN_COLUMNS_MAX:
                self.unknown_columns.append(name[:64])
        for number, text in lines:
            cells = text if isinstance(text, RowReason) else _cells(text, delimiter)
            if isinstance(cells, RowReason):
                yield number, cells
            elif len(cells) == len(header):
                yield number, dict(zip(header, cells, strict=True))
            elif any(cells):
                yield number, RowReason.COLUMN_COUNT

    def _names_the_plate(self, header: list[str]) -> bool:
        known = (self._columns[name] for name in header if name in self._columns)
        return any("plate" in each.fills for each in known)

    def _filled(self, cells: Mapping[str, str]) -> Iterator[tuple[str, str]]:
        for name, cell in cells.items():
            column, text = self._columns.get(name), cell.strip()
            if column is None or not text:
                continue
            for wrong, right in column.characters.items():
                text = text.replace(wrong, right)
            for ours in column.fills:
                value = _value(column, ours, text)
                if value:
                    yield ours, value


def _value(column: TemplateColumn, ours: str, text: str) -> str:
    values = column.values.get(ours)
    if values is not None:
        return values.get(text.lower(), values.get(OTHERS, text))
    if ours in {"valid_from", "valid_until"} and column.dates:
        return _time(text, column)
    return text


def _time(text: str, column: TemplateColumn) -> str:
    for form in column.dates:
        try:
            found = datetime.strptime(text, form).replace(tzinfo=UTC)
        except ValueError:
            continue
        if column.until_day_end and "%H" not in form:
            found += timedelta(days=1)
        return found.isoformat().replace("+00:00", "Z")
    return text


def _cells(line: str, delimiter: str) -> list[str] | RowReason:
    try:
        return next(csv.reader([line], delimiter=delimiter, strict=True), [])
    except csv.Error:
        return RowReason.MALFORMED


def _lines(stream: BinaryIO) -> Iterator[Line]:
    number = 0
    while line := stream.readline(ROW_BYTES_MAX + 1):
        number += 1
        rest = line
        while len(rest) > ROW_BYTES_MAX and not rest.endswith(b"\n"):
            rest = stream.readline(ROW_BYTES_MAX + 1)
        if len(line) > ROW_BYTES_MAX:
            yield number, RowReason.ROW_TOO_LONG
            continue
        try:
            text = line.decode("utf-8").rstrip("\r\n")
        except UnicodeDecodeError:
            yield number, RowReason.NOT_UTF8
            continue
        yield number, text.removeprefix("\ufeff") if number == 1 else text
