"""`anpr watchlist add` and `remove`: one entry in one call."""

import json
import sys
from collections.abc import Mapping
from typing import Any

import click

from anpr_engine.cli.watchlist_options import (
    Store,
    column_values,
    entry_options,
    list_option,
    open_store,
    store_options,
)
from anpr_engine.cli.watchlist_preview import preview_options, show_preview
from anpr_engine.errors import AnprError, UsageError
from anpr_engine.plates.wildcard import listed_text
from anpr_engine.records.watchlist_entry import WatchlistEntry
from anpr_engine.watchlist.file_checks import FileRules, RowChecker
from anpr_engine.watchlist.file_rows import RawRow

FROM_STDIN = "-"


def _plate(given: str | None) -> str:
    """Give the plate; from standard input where asked, for everybody can see a command line."""
    if given != FROM_STDIN:
        return given or ""
    return sys.stdin.readline().strip()


def _entry(given: Mapping[str, Any]) -> WatchlistEntry:
    cells = column_values(given) | {"plate": _plate(given["plate"])}
    if given["entry_id"]:
        cells["entry_id"] = given["entry_id"]
    rules = FileRules(given["list_id"], characters_min=given["characters_min"], escaped=False)
    checked = RowChecker(rules).check(RawRow(1, {k: v for k, v in cells.items() if v}))
    if not isinstance(checked, WatchlistEntry):
        raise UsageError(f"The entry was not added: {checked.text}", f"See {checked.field}.")
    return checked


@click.command(
    epilog="Example:  echo 1-ABC-123 | anpr watchlist add --list stolen --plate - --country BE",
)
@list_option
@click.option("--plate", required=True, help="As listed; - takes it from standard input.")
@click.option("--entry", "entry_id", help="Id; the default is made from list and plate.")
@entry_options
@click.option("--characters-min", type=click.IntRange(1, 16), default=4, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print what was done as one JSON line.")
@click.option("--preview", is_flag=True, help="Save nothing; show which misreads would fire.")
@preview_options
@store_options
def add(**given: Any) -> None:  # noqa: ANN401 - click hands over every option by name
    """Add one entry, or change the one of the same id; in use within a second."""
    entry = _entry(given)
    if given["preview"]:
        show_preview(entry, given)
        return
    with open_store(given) as store:
        tally = store.writer.put([entry])
    done = "added" if tally.added else "changed" if tally.changed else "unchanged"
    if given["as_json"]:
        click.echo(json.dumps({"entry_id": entry.entry_id, "result": done}))
    else:
        click.echo(f"{done}: entry {entry.entry_id} on list {entry.list_id}")


@click.command(epilog="Example:  anpr watchlist remove --list stolen --entry 5f0c6a1e9b7d3c42")
@list_option
@click.option("--entry", "entry_id", help="Id of the entry.")
@click.option("--plate", help="All entries of this plate; - takes it from standard input.")
@click.option("--json", "as_json", is_flag=True, help="Print what was done as one JSON line.")
@store_options
def remove(**given: Any) -> None:  # noqa: ANN401 - click hands over every option by name
    """Remove an entry by id, or all entries of a plate; out of use within a second."""
    if bool(given["entry_id"]) == bool(given["plate"]):
        raise UsageError("Name the entry in one way.", "Give either --entry or --plate.")
    with open_store(given) as store:
        list_id = given["list_id"]
        ids = [given["entry_id"]] if given["entry_id"] else _ids_of_plate(store, given)
        tally = store.writer.remove((list_id, entry_id) for entry_id in ids)
    if not tally.removed:
        raise AnprError(f"List {list_id} has no such entry.", "Nothing was removed.")
    if given["as_json"]:
        click.echo(json.dumps({"removed": tally.removed}))
    else:
        click.echo(f"removed: {tally.removed} from list {list_id}")


def _ids_of_plate(store: Store, given: Mapping[str, Any]) -> list[str]:
    wanted = listed_text(_plate(given["plate"]))
    if not wanted:
        raise UsageError("This is no plate that can be on a list.", "Give it as it is listed.")
    return [
        entry.entry_id
        for entry in store.reader.entries(given["list_id"])
        if listed_text(entry.plate) == wanted
    ]
