"""`anpr watchlist import`: a file into a list."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

import click

from anpr_engine.cli.watchlist_options import (
    RowProgress,
    Store,
    column_values,
    entry_options,
    list_option,
    open_store,
    store_options,
)
from anpr_engine.errors import InputFileError
from anpr_engine.watchlist.file_checks import FileRules
from anpr_engine.watchlist.file_rows import FileForm
from anpr_engine.watchlist.files import WatchlistFile, form_of, open_file
from anpr_engine.watchlist.importing import Importer, ImportMode
from anpr_engine.watchlist.report import ImportReport, ProblemLog

EXIT_REFUSED_ROWS = 3
PRIVATE = 0o600


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
@click.option("--characters-min", type=click.IntRange(1, 16), default=4, show_default=True)
@click.option("--report", type=click.Path(path_type=Path), help="JSONL file of refused rows.")
@click.option("--show-values", is_flag=True, help="Put refused values into the report.")
@click.option("--json", "as_json", is_flag=True, help="Print the sums as one JSON line.")
@store_options
def command(file: Path, **given: Any) -> None:  # noqa: ANN401 - click hands over options by name
    """Import a CSV, JSONL or JSON file into a list.

    Options such as --owner fill columns that a row leaves empty. Rows that cannot be taken are
    refused one by one, the rest is done, and the exit code is then 3.
    """
    mode = ImportMode(given["mode"])
    with open_store(given) as store, private_file(given["report"]) as refused:
        problems = ProblemLog(refused, show_values=given["show_values"])
        report = _import(file, given, store, problems)
    click.echo(json.dumps(report.as_dict()) if given["as_json"] else "\n".join(report.lines()))
    if report.refused:
        if not given["report"]:
            click.echo(f"anpr: {mode.value} done; --report FILE names each refused row", err=True)
        sys.exit(EXIT_REFUSED_ROWS)


def _import(file: Path, given: dict[str, Any], store: Store, problems: ProblemLog) -> ImportReport:
    mode, list_id = ImportMode(given["mode"]), given["list_id"]
    form = FileForm(given["form"]) if given["form"] else form_of(file)
    now = datetime.fromtimestamp(store.clock.now_us() / 1e6, UTC)
    rules = FileRules(
        list_id=list_id,
        # Whether an entry's time is over does not matter for taking it out.
        now=None if mode is ImportMode.REMOVE else now,
        defaults=column_values(given),
        characters_min=given["characters_min"],
        escaped=form is FileForm.CSV,
    )
    with open_file(file) as stream, RowProgress("importing") as progress:
        importer = Importer(store.reader, store.writer, problems.note, progress)
        return importer.run(WatchlistFile(stream, form, rules), list_id, mode)


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
