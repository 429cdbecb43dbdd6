"""`anpr watchlist import`: a file into a list."""

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

import click

from anpr_engine.cli.collector import calm_collector
from anpr_engine.cli.secret_files import PRIVATE
from anpr_engine.cli.watchlist_options import (
    RowProgress,
    column_values,
    entry_options,
    guard_option,
    list_option,
    store_options,
)
from anpr_engine.cli.watchlist_site import by_options
from anpr_engine.cli.watchlist_store import Change, begin_change, open_store
from anpr_engine.errors import InputFileError, UsageError
from anpr_engine.watchlist.acts import ActKind
from anpr_engine.watchlist.file_checks import FileRules
from anpr_engine.watchlist.file_rows import FileForm
from anpr_engine.watchlist.files import WatchlistFile, form_of, open_file
from anpr_engine.watchlist.import_checks import ImportChecker, beginning_of, check_beginning
from anpr_engine.watchlist.importing import Importer, ImportMode, ListFile
from anpr_engine.watchlist.report import ImportReport, ProblemLog
from anpr_engine.watchlist.template_rows import TemplateFile
from anpr_engine.watchlist.templates import Template, template_of

EXIT_REFUSED_ROWS = 3


@click.command(
    name="import",
    epilog="Example:  anpr watchlist import stolen.csv --list stolen --owner 'Police Ghent' "
    "--category stolen-vehicle --report refused.jsonl",
)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@list_option
@click.option("--merge", "mode", flag_value="merge", default=True, help="Add and change (default).")
@click.option("--replace", "mode", flag_value="replace", help="Also remove what is not there.")
@click.option("--remove", "mode", flag_value="remove", help="Remove the file's entries.")
@entry_options
@click.option("--format", "form", type=click.Choice([form.value for form in FileForm]))
@click.option("--template", metavar="NAME", help="Another system's form: genetec, ncic, …")
@click.option("--characters-min", type=click.IntRange(1, 16), default=4, show_default=True)
@click.option("--report", type=click.Path(path_type=Path), help="JSONL file of refused rows.")
@click.option("--show-values", is_flag=True, help="Put refused values into the report.")
@click.option("--json", "as_json", is_flag=True, help="Print the sums as one JSON line.")
@guard_option
@by_options
@store_options
def command(file: Path, **given: Any) -> None:  # noqa: ANN401 - click hands over options by name
    """Import a CSV, JSONL or JSON file into a list.

    Options such as --owner fill columns that a row leaves empty. Rows that cannot be taken are
    refused one by one, the rest is done, and the exit code is then 3.
    """
    calm_collector()
    mode = ImportMode(given["mode"])
    template = template_of(given["template"]) if given["template"] else None
    if template and given["form"]:
        raise UsageError("--template says what the file is.", "Leave --format out.")
    with (
        open_store(given, kind=ActKind.IMPORT) as store,
        private_file(given["report"]) as refused,
        open_file(file) as stream,
    ):
        form = _form(file, given, template)
        check_beginning(beginning_of(stream), template.delimiters if template else ",;")
        problems = ProblemLog(refused, show_values=given["show_values"])
        change = begin_change(store, given)
        checker = _checker(change, given, form)
        read: ListFile
        if template:
            read = TemplateFile(stream, template, checker)
        else:
            read = WatchlistFile(stream, form, checker.rules)
            read.checker = checker
        report = _import(read, change, problems, mode)
        report.notes = checker.notes
    click.echo(json.dumps(report.as_dict()) if given["as_json"] else "\n".join(report.lines()))
    if report.refused:
        if not given["report"]:
            click.echo(f"anpr: {mode.value} done; --report FILE names each refused row", err=True)
        sys.exit(EXIT_REFUSED_ROWS)


def _form(file: Path, given: Mapping[str, Any], template: Template | None) -> FileForm:
    if template is not None:
        return FileForm.CSV
    return FileForm(given["form"]) if given["form"] else form_of(file)


def _checker(change: Change, given: Mapping[str, Any], form: FileForm) -> ImportChecker:
    # Whether an entry's time is over does not matter for taking it out.
    takes_out = ImportMode(given["mode"]) is ImportMode.REMOVE
    now = datetime.fromtimestamp(change.store.clock.now_us() / 1e6, UTC)
    rules = FileRules(
        list_id=change.list_id,
        now=None if takes_out else now,
        defaults=column_values(given),
        characters_min=given["characters_min"],
        escaped=form is FileForm.CSV,
    )
    return ImportChecker(rules, rules.now, change.store.settings.ceilings)


def _import(file: ListFile, change: Change, problems: ProblemLog, mode: ImportMode) -> ImportReport:
    with RowProgress("importing") as progress:
        importer = Importer(change.store.reader, change.writer, problems.note, progress)
        report = importer.run(file, change.list_id, mode)
    change.close(report.tally)
    if change.proposal is not None:
        report.waiting, report.proposal = change.writer.waiting, change.proposal.proposal_id
    return report


@contextmanager
def private_file(path: Path | None) -> Iterator[TextIO | None]:
    """Open a file for writing that only its owner may read; None where no path is given.

    Raises:
        InputFileError: it cannot be written.

    """
    if path is None:
        yield None
        return
    try:
        number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE)
    except OSError as error:
        what = f"The file {path} cannot be written: {error.strerror}."
        raise InputFileError(what, "Check the folder and its permissions.") from None
    with os.fdopen(number, "w", encoding="utf-8", newline="") as out:
        yield out
