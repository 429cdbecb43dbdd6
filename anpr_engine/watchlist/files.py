"""Watchlist files: which form a file has, and its rows as entries or problems."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

from anpr_engine.errors import InputFileError, UsageError
from anpr_engine.records.watchlist_entry import WatchlistEntry
from anpr_engine.watchlist.file_checks import FileRules, RowChecker
from anpr_engine.watchlist.file_rows import FileForm, RowSource, rows_of_mappings
from anpr_engine.watchlist.listed_row import ListedRow
from anpr_engine.watchlist.row_problems import RowProblem

_SUFFIXES = {
    ".csv": FileForm.CSV,
    ".txt": FileForm.CSV,
    ".jsonl": FileForm.JSONL,
    ".ndjson": FileForm.JSONL,
    ".json": FileForm.JSON,
}


def form_of(path: Path) -> FileForm:
    """Tell a file's form by its name.

    Raises:
        UsageError: the name does not tell.

    """
    form = _SUFFIXES.get(path.suffix.lower())
    if form is None:
        known = ", ".join(_SUFFIXES)
        raise UsageError(f"The name {path.name} does not tell what the file is.", f"Use {known}.")
    return form


def open_file(path: Path) -> BinaryIO:
    """Open a file for reading.

    Raises:
        InputFileError: it cannot be read.

    """
    try:
        return path.open("rb")
    except OSError as error:
        what = f"The file {path} cannot be read: {error.strerror}."
        raise InputFileError(what, "Check its name and permissions.") from None


class WatchlistFile:
    """The entries of one file; iterating gives entries and problems in the file's order."""

    def __init__(self, stream: BinaryIO, form: FileForm, rules: FileRules) -> None:
        """Prepare to read a file from its beginning."""
        self._source = RowSource(stream, form)
        self.checker = RowChecker(rules)

    def __iter__(self) -> Iterator[WatchlistEntry | RowProblem]:
        """Read and check the rows, and give their entries; as `listed`."""
        for row in self.listed():
            yield row if isinstance(row, RowProblem) else row.entry()

    def listed(self) -> Iterator[ListedRow | RowProblem]:
        """Read and check the rows.

        Raises:
            InputFileError: the file as a whole cannot be read.

        """
        check = self.checker.listed
        for row in self._source:
            yield row if isinstance(row, RowProblem) else check(row)

    @property
    def unknown_columns(self) -> list[str]:
        """Columns that were ignored; complete when the file was read."""
        return self._source.unknown_columns


def read_entries(
    source: Path | Iterable[Mapping[str, object]], characters_min: int = 4
) -> Iterator[WatchlistEntry | RowProblem]:
    """Read entries for matching without a store, those whose time is over included.

    Args:
        source: a file, or rows by column name: texts, numbers, times, None.
        characters_min: fewest canonical characters of a plate.

    Raises:
        InputFileError: the file as a whole cannot be read.
        UsageError: the file's name does not tell its form.

    """
    if isinstance(source, Path):
        form = form_of(source)
        rules = FileRules(characters_min=characters_min, escaped=form is FileForm.CSV)
        with open_file(source) as stream:
            yield from WatchlistFile(stream, form, rules)
        return
    checker = RowChecker(FileRules(characters_min=characters_min, escaped=False))
    for row in rows_of_mappings(source):
        yield row if isinstance(row, RowProblem) else checker.check(row)
