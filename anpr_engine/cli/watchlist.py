"""`anpr watchlist`: the watchlists in Redis."""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import msgspec

from anpr_engine.cli import (
    watchlist_approve,
    watchlist_deliver,
    watchlist_edit,
    watchlist_history,
    watchlist_import,
    watchlist_preview,
    watchlist_purge,
    watchlist_refuse,
    watchlist_seal,
)
from anpr_engine.cli.leave import leave_option, show_by_leave
from anpr_engine.cli.times import TimeType
from anpr_engine.cli.watchlist_options import Command, RowProgress, list_option, store_options
from anpr_engine.cli.watchlist_record import Noted
from anpr_engine.cli.watchlist_shown import lists_of, tell_proof
from anpr_engine.cli.watchlist_site import who_options
from anpr_engine.cli.watchlist_store import Store, open_store
from anpr_engine.errors import AnprError
from anpr_engine.records.audit_event import AuditAction
from anpr_engine.records.watchlist_entry import WatchlistEntry
from anpr_engine.watchlist.approval import Guards
from anpr_engine.watchlist.file_export import export_entries, file_values
from anpr_engine.watchlist.file_rows import FileForm
from anpr_engine.watchlist.redis_reader import ListSummary

UNPROVED = "At once, without reading all entries to prove what is shown."


@click.group(name="watchlist", epilog="Example:  anpr watchlist list --redis redis://localhost")
def command() -> None:
    """Keep the watchlists in Redis."""


command.add_command(watchlist_import.command)
command.add_command(watchlist_edit.add)
command.add_command(watchlist_edit.remove)
command.add_command(watchlist_edit.withdraw)
command.add_command(watchlist_approve.approve)
command.add_command(watchlist_approve.proposals)
command.add_command(watchlist_approve.request)
command.add_command(watchlist_approve.unguard)
command.add_command(watchlist_history.command, name="history")
command.add_command(watchlist_preview.command, name="preview")
command.add_command(watchlist_deliver.command, name="deliver")
command.add_command(watchlist_refuse.refuse)
command.add_command(watchlist_refuse.accept)
command.add_command(watchlist_seal.command)
command.add_command(watchlist_purge.command)


def _as_of_option(option: Command) -> Command:
    help_ = "As the lists stood at this time, such as 2026-11-22T08:00:00Z or -2h."
    return click.option("--as-of", type=TimeType(), metavar="TIME", help=help_)(option)


@command.command(name="list", epilog="Example:  anpr watchlist list --json | jq .list_id")
@click.option("--unproved", is_flag=True, help=UNPROVED)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@_as_of_option
@store_options
def list_lists(**given: Any) -> None:  # noqa: ANN401 - click hands over every option by name
    """Name the lists, whose they are, and how many entries they have."""
    with open_store(given, writing=False) as store:
        lists = lists_of(store, given, proved=not given["unproved"])
        _tell_lists(lists.lists(), Guards(store.session, store.clock), as_json=given["as_json"])
        tell_proof(lists, given).require()


def _tell_lists(summaries: Sequence[ListSummary], guards: Guards, *, as_json: bool) -> None:
    if as_json:
        guarded = guards.lists()
        for summary in summaries:
            waits = {"needs_approval": summary.definition.list_id in guarded}
            click.echo(json.dumps(_summary_values(summary) | waits))
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
    return {**msgspec.to_builtins(summary.definition), "entries": summary.entries}


@command.command(epilog="Example:  anpr watchlist show --list stolen --entry 5f0c6a1e9b7d3c42")
@list_option
@click.option("--entry", "entry_id", help="One entry instead of the list.")
@click.option("--unproved", is_flag=True, help=UNPROVED)
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@_as_of_option
@leave_option
@who_options
@store_options
def show(**given: Any) -> None:  # noqa: ANN401 - click hands over every option by name
    """Show what a list is, or one of its entries."""
    list_id, entry_id = given["list_id"], given["entry_id"]
    with open_store(given, writing=False) as store:
        subject = "look at an entry" if entry_id else "look at a list"
        noted = Noted(AuditAction.DATA_LOOKED_UP, subject, list_id, entry_id or "")
        if entry_id:
            show_by_leave(store, given, noted)
        else:
            store.record.shown(noted)
        lists = lists_of(store, given, proved=not given["unproved"])
        if entry_id:
            entry = lists.entry(list_id, entry_id)
            values = None if entry is None else _entry_values(entry)
        else:
            found = [each for each in lists.lists() if each.definition.list_id == list_id]
            values = _summary_values(found[0]) if found else None
        _show(values, as_json=given["as_json"])
        tell_proof(lists, given).require()
    if values is None:
        what = f"List {list_id} has no such entry." if entry_id else f"There is no list {list_id}."
        raise AnprError(what, "See `anpr watchlist list`.")


def _show(values: Mapping[str, Any] | None, *, as_json: bool) -> None:
    if values is None:
        return
    if as_json:
        click.echo(json.dumps(values))
        return
    width = max(map(len, values))
    for name, value in values.items():
        text = " ".join(value) if isinstance(value, list) else value
        click.echo(f"{name.ljust(width)}  {text}")


def _entry_values(entry: WatchlistEntry) -> dict[str, Any]:
    return {**file_values(entry), "provider": entry.provider or ""}


@command.command(epilog="Example:  anpr watchlist export --list stolen --out stolen.csv")
@list_option
@click.option("--format", "form", type=click.Choice(["csv", "jsonl"]), help="Default: csv.")
@click.option("--out", type=click.Path(path_type=Path), help="File; default: standard output.")
@click.option("--shared-with", metavar="SITE", help="Only what this site may have of ours.")
@_as_of_option
@leave_option
@who_options
@store_options
def export(**given: Any) -> None:  # noqa: ANN401 - click hands over every option by name
    """Write a list's entries as a file that can be imported again."""
    form = FileForm(given["form"] or "csv")
    with open_store(given, writing=bool(given["shared_with"])) as store:
        _note_export(store, given)
        lists = lists_of(store, given)
        with (
            watchlist_import.private_file(given["out"]) as file,
            RowProgress("exporting") as progress,
        ):
            chosen = _chosen(lists.entries(given["list_id"]), store.site, given, progress)
            count = export_entries(chosen, file or sys.stdout, form)
        click.echo(f"{count} entries written", err=True)
        verdict = tell_proof(lists, given)
        if not verdict.holds and given["out"] and given["out"].is_file():
            # What nobody vouches for is not left behind as if it were the list.
            given["out"].unlink()
        verdict.require()


def _note_export(store: Store, given: Mapping[str, Any]) -> None:
    counts, manifest = store.reader.counts()
    list_id, version = given["list_id"], manifest.version if manifest else 0
    subject = f"export for {given['shared_with']}" if given["shared_with"] else "export"
    subject = f"{subject}, as of {given['as_of'].text}" if given["as_of"] else subject
    rows = counts.get(list_id, 0)
    noted = Noted(AuditAction.DATA_EXPORTED, subject, list_id, "", rows, version)
    show_by_leave(store, given, noted)


def _chosen(
    entries: Iterable[WatchlistEntry], site: str, given: Mapping[str, Any], progress: RowProgress
) -> Iterator[WatchlistEntry]:
    wanted = given["shared_with"]
    for entry in entries:
        progress()
        # What another site provides is never handed on.
        if not wanted or (entry.provider == site and wanted in entry.shared_with):
            yield entry
