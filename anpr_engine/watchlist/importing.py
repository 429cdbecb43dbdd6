"""Brings a watchlist file into the store: merged, in place of what was there, or taken out."""

from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from typing import Protocol

from anpr_engine.errors import InputFileError
from anpr_engine.records.watchlist_entry import WatchlistEntry
from anpr_engine.watchlist.file_checks import RowChecker
from anpr_engine.watchlist.listed_row import ListedRow
from anpr_engine.watchlist.read_ahead import read_ahead
from anpr_engine.watchlist.redis_reader import StoreReader
from anpr_engine.watchlist.redis_writer import WriteTally
from anpr_engine.watchlist.report import ImportReport
from anpr_engine.watchlist.row_problems import RowProblem


class ImportMode(StrEnum):
    """What becomes of entries in the file, and of those that are not."""

    MERGE = "merge"
    REPLACE = "replace"
    REMOVE = "remove"


class ListFile(Protocol):
    """A file of entries, of whatever form."""

    checker: RowChecker

    def listed(self) -> Iterator[ListedRow | RowProblem]:
        """Give entries and problems in the file's order."""
        ...

    @property
    def unknown_columns(self) -> list[str]:
        """Columns that were ignored; complete when the file was read."""
        ...


class EntryWriter(Protocol):
    """Takes what is to be in force, at once or once it is approved."""

    def put(self, entries: Iterable[WatchlistEntry | ListedRow]) -> WriteTally:
        """Add or change entries."""
        ...

    def remove(self, identities: Iterable[tuple[str, str]]) -> WriteTally:
        """Remove entries by list id and entry id."""
        ...


class Importer:
    """Imports one file into one list.

    Why entries are put before others are removed: at no moment does the list hold fewer vehicles
    than both its old and its new state ask for.
    """

    def __init__(
        self,
        reader: StoreReader,
        writer: EntryWriter,
        on_problem: Callable[[RowProblem], None],
        on_row: Callable[[], None] = lambda: None,
    ) -> None:
        """Import through a reader and a writer of the same store.

        Args:
            reader: for the entries a list has.
            writer: for the changes.
            on_problem: told of every refused row.
            on_row: told of every row, for a progress bar.

        """
        self._reader = reader
        self._writer = writer
        self._on_problem = on_problem
        self._on_row = on_row

    def run(self, file: ListFile, list_id: str, mode: ImportMode) -> ImportReport:
        """Import a file; rows that were refused are in the report, the others are done.

        Raises:
            InputFileError: the file cannot be read, or would empty the list.
            StoreError: the store does not take it; what was reported until then is written.

        """
        report = ImportReport(list_id)
        rows = read_ahead(self._accepted(file, report))
        if mode is ImportMode.REMOVE:
            report.tally = self._writer.remove((list_id, entry.entry_id) for entry in rows)
        else:
            report.tally = self._writer.put(rows)
        if mode is ImportMode.REPLACE:
            self._remove_others(file, report)
        report.unknown_columns = file.unknown_columns
        return report

    def _accepted(self, file: ListFile, report: ImportReport) -> Iterator[ListedRow]:
        for row in file.listed():
            self._on_row()
            if isinstance(row, RowProblem):
                report.reasons[row.reason.value] += 1
                self._on_problem(row)
            else:
                report.accepted += 1
                yield row

    def _remove_others(self, file: ListFile, report: ImportReport) -> None:
        if report.accepted == 0:
            what = f"No row of the file was accepted; list {report.list_id} was left as it is."
            raise InputFileError(what, "Correct the file, or remove entries with --remove.")
        stay = file.checker.ids | file.checker.kept_ids
        others = (
            (report.list_id, entry_id)
            for entry_id in self._reader.entry_ids(report.list_id)
            if entry_id not in stay
        )
        removed: WriteTally = self._writer.remove(others)
        report.tally.removed += removed.removed
        report.tally.version = removed.version or report.tally.version
