"""`anpr watchlist`: the watchlists in Redis."""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click
import msgspec

from anpr_engine.cli import (
    watchlist_deliver,
    watchlist_edit,
    watchlist_import,
    watchlist_preview,
)
from anpr_engine.cli.watchlist_options import (
    RowProgress,
    Store,
    list_option,
    open_store,
    store_options,
)
from anpr_engine.errors import AnprError
from anpr_engine.records.watchlist_entry import WatchlistEntry
from anpr_engine.watchlist.file_export import export_entries, file_values
from anpr_engine.watchlist.file_rows import FileForm
from anpr_engine.watchlist.redis_reader import ListSummary


@click.group(name="watchlist", epilog="Example:  anpr watchlist list --redis redis://localhost")
def command() -> None:
    """Keep the watchlists in Redis."""


command.add_command(watchlist_import.command)
command.add_command(watchlist_edit.add)
command.add_command(watchlist_edit.remove)
command.add_command(watchlist_preview.command, name="preview")
command.add_command(watchlist_deliver.command, name="deliver")


@command.command(name="list", epilog="Example:  anpr watchlist list --json | jq .list_id")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@store_options
def list_lists(**given: Any) -> None:  # noqa: ANN401 - click hands over every option by name
    """Name the lists, whose they are, and how many entries they have."""
    with open_store(given, writing=False) as store:
        summaries = store.reader.lists()
    if given["as_json"]:
        for summary in summaries:
            click.echo(json.dumps(_summary_values(summary)))
        return
    rows = [("LIST", "ENTRIES", "SITE", "CATEGORY", "OWNER")]
    for summary in summaries:
        what = summary.definition
        entries = str(summary.entries)
        rows.append((what.list_id, entries, what.provider, what.category, what.owner))
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    for row in rows:
        line = "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True))
        click.echo(line.rstrip())


def _summary_values(summary: ListSummary) -> dict[str, Any]:
    return {**msgspec.structs.asdict(summary.definition), "entries": summary.entries}


@command.command(epilog="Example:  anpr watchlist show --list stolen --entry 5f0c6a1e9b7d3c42")
@list_option
@click.option("--entry", "entry_id", help="One entry instead of the list.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@store_options
def show(**given: Any) -> None:  # noqa: ANN401 - click hands over every option by name
    """Show what a list is, or one of its entries."""
    list_id, entry_id = given["list_id"], given["entry_id"]
    with open_store(given, writing=False) as store:
        if entry_id:
            entry = store.reader.entry(list_id, entry_id)
            values = None if entry is None else _entry_values(entry)
        else:
            found = [each for each in store.reader.lists() if each.definition.list_id == list_id]
            values = _summary_values(found[0]) if found else None
    if values is None:
        what = f"List {list_id} has no such entry." if entry_id else f"There is no list {list_id}."
        raise AnprError(what, "See `anpr watchlist list`.")
    if given["as_json"]:
        click.echo(json.dumps(values))
        return
    width = max(map(len, values))
    for name, value in values.items():
        click.echo(f"{name.ljust(width)}  {value}")


def _entry_values(entry: WatchlistEntry) -> dict[str, Any]:
    return {**file_values(entry), "provider": entry.provider or ""}


@command.command(epilog="Example:  anpr watchlist export --list stolen --out stolen.csv")
@list_option
@click.option("--format", "form", type=click.Choice(["csv", "jsonl"]), help="Default: csv.")
@click.option("--out", type=click.Path(path_type=Path), help="File; default: standard output.")
@click.option("--shared-with", metavar="SITE", help="Only what this site may have of ours.")
@store_options
def export(**given: Any) -> None:  # noqa: ANN401 - click hands over every option by name
    """Write a list's entries as a file that can be imported again."""
    form = FileForm(given["form"] or "csv")
    shared = bool(given["shared_with"])
    with (
        open_store(given, writing=shared) as store,
        watchlist_import.private_file(given["out"]) as file,
        RowProgress("exporting") as progress,
    ):
        count = export_entries(_chosen(store, given, progress), file or sys.stdout, form)
    click.echo(f"{count} entries written", err=True)


def _chosen(
    store: Store, given: Mapping[str, Any], progress: RowProgress
) -> Iterator[WatchlistEntry]:
    site = given["shared_with"]
    for entry in store.reader.entries(given["list_id"]):
        progress()
        # What another site provides is never handed on.
        if not site or (entry.provider == store.site and site in entry.shared_with):
            yield entry
