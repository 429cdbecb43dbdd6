"""Rows of watchlist files as texts by column: CSV, JSON lines or a JSON array, streamed.

Why: one bad row must cost that row and no other. A quote that is never closed would swallow the
rest of a CSV file, so a record that grows too large or never ends is taken back, its first line
is refused, and reading goes on with the next line.
"""

import csv
import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import BinaryIO, NamedTuple

import msgspec

from anpr_engine.errors import InputFileError
from anpr_engine.watchlist.row_problems import ROW_BYTES_MAX, RowProblem, RowReason, problem

ARRAY_BYTES_MAX = 256 * 1024 * 1024
UNKNOWN_COLUMNS_MAX = 20

COLUMNS: tuple[str, ...] = (
    "plate",
    "entry_id",
    "country",
    "list_id",
    "category",
    "owner",
    "purpose",
    "legal_basis",
    "case_ref",
    "action",
    "priority",
    "valid_from",
    "valid_until",
    "sharing",
    "handling_code",
    "vehicle_make",
    "vehicle_model",
    "vehicle_colour",
    "note",
    "list_kind",
    "max_actions",
    "area_cameras",
    "area_polygon",
    "border_area_only",
    "hours_utc",
    "direction",
    "sis_action",
    "sis_derived",
    "danger",
    "subject_category",
    "reliability",
)
"""The columns of a watchlist file, in the order in which they are exported."""

_KNOWN = frozenset(COLUMNS)
_TEXTS = msgspec.json.Decoder(dict[str, str])
FLAG_COLUMNS = frozenset({"border_area_only", "sis_derived"})
LIST_COLUMN = "area_cameras"
"""The one column with several names in a cell, parted by spaces or semicolons."""
_PARTED = re.compile(r"[ ;\t\r\n]")


class FileForm(StrEnum):
    """How a watchlist file is written."""

    CSV = "csv"
    JSONL = "jsonl"
    JSON = "json"


class RawRow(NamedTuple):
    """A row's texts by column; columns without a text are left out."""

    row: int
    cells: Mapping[str, str]


class _UnreadableLineError(Exception):
    """A line that cannot be handed on; carries why."""

    def __init__(self, reason: RowReason) -> None:
        super().__init__(reason.value)
        self.reason = reason


class _Lines:
    """Lines of text that can be taken back; knows the number of the record's first line."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._waiting: deque[bytes] = deque()
        self._taken: list[bytes] = []
        self._size = 0
        self.first = 1

    def begin(self) -> None:
        """Begin a record."""
        self.first += len(self._taken)
        self._taken = []
        self._size = 0

    def take_back(self) -> bool:
        """Give all lines of this record but its first again; True when there were others."""
        many = len(self._taken) > 1
        self._waiting.extendleft(reversed(self._taken[1:]))
        del self._taken[1:]
        return many

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self._waiting.popleft() if self._waiting else self._read()
        if not line:
            raise StopIteration
        self._taken.append(line)
        self._size += len(line)
        if self._size > ROW_BYTES_MAX:
            raise _UnreadableLineError(RowReason.ROW_TOO_LONG)
        try:
            return line.decode("utf-8")
        except UnicodeDecodeError:
            raise _UnreadableLineError(RowReason.NOT_UTF8) from None

    def _read(self) -> bytes:
        line = self._stream.readline(ROW_BYTES_MAX + 1)
        rest = line
        while len(rest) > ROW_BYTES_MAX and not rest.endswith(b"\n"):
            rest = self._stream.readline(ROW_BYTES_MAX + 1)
        return line


class RowSource:
    """The rows of one file; `unknown_columns` names those ignored, once it was read."""

    def __init__(self, stream: BinaryIO, form: FileForm) -> None:
        """Prepare to read a file from its beginning."""
        self._stream = stream
        self._form = form
        self.unknown_columns: list[str] = []

    def __iter__(self) -> Iterator[RawRow | RowProblem]:
        """Read the rows.

        Raises:
            InputFileError: the file as a whole cannot be read.

        """
        if self._form is FileForm.CSV:
            return self._csv()
        if self._form is FileForm.JSONL:
            return self._jsonl()
        return self._json()

    def _csv(self) -> Iterator[RawRow | RowProblem]:
        lines = _Lines(self._stream)
        header, delimiter = _header(lines)
        for name in header:
            self._note(name)
        places = [(at, name) for at, name in enumerate(header) if name in COLUMNS]
        reader = csv.reader(lines, delimiter=delimiter, strict=True)
        while True:
            lines.begin()
            try:
                cells = next(reader)
            except StopIteration:
                return
            except _UnreadableLineError as error:
                many = lines.take_back()
                # Over several lines it is the open quote that is wrong, not the line it met.
                yield problem(lines.first, RowReason.MALFORMED if many else error.reason)
                continue
            except csv.Error:
                lines.take_back()
                yield problem(lines.first, RowReason.MALFORMED)
                continue
            if not any(cells):
                continue
            if len(cells) != len(header):
                yield problem(lines.first, RowReason.COLUMN_COUNT)
                continue
            yield RawRow(lines.first, {name: cells[at] for at, name in places if cells[at]})

    def _jsonl(self) -> Iterator[RawRow | RowProblem]:
        lines = _Lines(self._stream)
        while True:
            lines.begin()
            try:
                line = next(lines)
            except StopIteration:
                return
            except _UnreadableLineError as error:
                yield problem(lines.first, error.reason)
                continue
            if lines.first == 1:
                line = line.removeprefix("\ufeff")
            if line.strip():
                yield self._object(lines.first, line)

    def _json(self) -> Iterator[RawRow | RowProblem]:
        text = self._stream.read(ARRAY_BYTES_MAX + 1)
        if len(text) > ARRAY_BYTES_MAX:
            what = f"The file is larger than {ARRAY_BYTES_MAX >> 20} MiB."
            raise InputFileError(what, "Write one object a line and name the file .jsonl.")
        try:
            rows = msgspec.json.decode(text.removeprefix(b"\xef\xbb\xbf"), type=list[msgspec.Raw])
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            what = "The file holds no JSON array of objects."
            raise InputFileError(
                what, "Write [{...}, ...], or one object a line (.jsonl)."
            ) from None
        for number, row in enumerate(rows, start=1):
            raw = bytes(row)
            if len(raw) > ROW_BYTES_MAX:
                yield problem(number, RowReason.ROW_TOO_LONG)
            else:
                yield self._object(number, raw)

    def _object(self, number: int, text: str | bytes) -> RawRow | RowProblem:
        if plain := _plain_object(text):
            return RawRow(number, plain)
        try:
            found = msgspec.json.decode(text, type=dict[str, object])
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return problem(number, RowReason.MALFORMED)
        for name in found:
            self._note(name)
        return _raw_row(number, found)

    def _note(self, name: str) -> None:
        known = name in COLUMNS or name in self.unknown_columns
        if not known and len(self.unknown_columns) < UNKNOWN_COLUMNS_MAX:
            self.unknown_columns.append(name[:64])


def _plain_object(text: str | bytes) -> dict[str, str] | None:
    """Read an object that has nothing but texts in our columns; None for any other."""
    try:
        found = _TEXTS.decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return found if found.keys() <= _KNOWN and all(found.values()) else None


def _header(lines: _Lines) -> tuple[list[str], str]:
    try:
        line = next(lines, "").removeprefix("\ufeff")
        delimiter = ";" if line.count(";") > line.count(",") else ","
        cells = next(csv.reader([line], delimiter=delimiter, strict=True), [])
    except (_UnreadableLineError, csv.Error):
        what = "The first line is no CSV header in UTF-8."
        raise InputFileError(what, "Save the file as CSV, UTF-8, with a header.") from None
    header = [cell.strip().lower() for cell in cells]
    if "plate" not in header:
        raise InputFileError(
            "The CSV header names no column `plate`.", f"Name the columns: {', '.join(COLUMNS)}."
        )
    twice = sorted({name for name in header if name in COLUMNS and header.count(name) > 1})
    if twice:
        raise InputFileError(
            f"The CSV header names {', '.join(twice)} twice.", "Keep one of the columns."
        )
    return header, delimiter


def rows_of_mappings(rows: Iterable[Mapping[str, object]]) -> Iterator[RawRow | RowProblem]:
    """Give rows that a program holds already as texts by column; numbered from 1."""
    for number, row in enumerate(rows, start=1):
        yield _raw_row(number, row)


def _raw_row(number: int, values: Mapping[str, object]) -> RawRow | RowProblem:
    cells = {}
    for name in COLUMNS:
        value = values.get(name)
        # Not equal to itself is "not a number", which tables write for nothing.
        if value is None or value in ("", [], ()) or value != value:  # noqa: PLR0124
            continue
        if isinstance(value, datetime):
            value = value.isoformat()
        elif name in FLAG_COLUMNS and isinstance(value, bool):
            value = "true" if value else "false"
        elif name == LIST_COLUMN and isinstance(value, list | tuple):
            value = _in_one_cell(value)
        if isinstance(value, bool) or not isinstance(value, str | int):
            return problem(number, RowReason.WRONG_TYPE, name)
        cells[name] = str(value)
    return RawRow(number, cells)


def _in_one_cell(names: Sequence[object]) -> str | None:
    """Give names as they stand in one cell; None where one of them cannot."""
    texts = [name for name in names if isinstance(name, str) and not _PARTED.search(name)]
    return " ".join(texts) if len(texts) == len(names) else None
