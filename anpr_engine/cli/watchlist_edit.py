"""`anpr watchlist add`, `remove` and `withdraw`: entries named in the call."""

import json
import sys
from collections.abc import Mapping
from typing import Any

import click

from anpr_engine.cli.watchlist_options import (
    column_values,
    entry_options,
    guard_option,
    list_option,
    store_options,
)
from anpr_engine.cli.watchlist_preview import preview_options, show_preview
from anpr_engine.cli.watchlist_record import Noted
from anpr_engine.cli.watchlist_site import by_options, require_by, who_options
from anpr_engine.cli.watchlist_store import Store, begin_change, open_store
from anpr_engine.errors import AnprError, UsageError
from anpr_engine.plates.wildcard import listed_text
from anpr_engine.records.audit_event import AuditAction
from anpr_engine.records.watchlist_entry import WatchlistEntry
from anpr_engine.watchlist.acts import ActKind
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
@guard_option
@by_options
@store_options
def add(**given: Any) -> None:  # noqa: ANN401 - click hands over every option by name
    """Add one entry, or change the one of the same id; in use within a second."""
    entry = _entry(given)
    if given["preview"]:
        show_preview(entry, given)
        return
    with open_store(given, kind=ActKind.ADD) as store:
        change = begin_change(store, given)
        tally = change.writer.put([entry])
        change.close(tally)
    done = "added" if tally.added else "changed" if tally.changed else "unchanged"
    if change.proposal is not None:
        waits = {"result": "waiting", "proposal": change.proposal.proposal_id}
        told = {"entry_id": entry.entry_id, **waits}
        click.echo(json.dumps(told) if given["as_json"] else change.waits)
    elif given["as_json"]:
        click.echo(json.dumps({"entry_id": entry.entry_id, "result": done}))
    else:
        click.echo(f"{done}: entry {entry.entry_id} on list {entry.list_id}")


@click.command(epilog="Example:  anpr watchlist remove --list stolen --entry 5f0c6a1e9b7d3c42")
@list_option
@click.option("--entry", "entry_id", help="Id of the entry.")
@click.option("--plate", help="All entries of this plate; - takes it from standard input.")
@click.option("--json", "as_json", is_flag=True, help="Print what was done as one JSON line.")
@who_options
@store_options
def remove(**given: Any) -> None:  # noqa: ANN401 - click hands over every option by name
    """Remove an entry by id, or all entries of a plate; out of use within a second."""
    if bool(given["entry_id"]) == bool(given["plate"]):
        raise UsageError("Name the entry in one way.", "Give either --entry or --plate.")
    with open_store(given, kind=ActKind.REMOVE) as store:
        list_id = given["list_id"]
        change = begin_change(store, given)
        ids = [given["entry_id"]] if given["entry_id"] else _ids_of_plate(store, given)
        tally = change.writer.remove((list_id, entry_id) for entry_id in ids)
        change.close(tally)
    if change.proposal is not None:
        told = {"removed": 0, "proposal": change.proposal.proposal_id}
        click.echo(json.dumps(told) if given["as_json"] else change.waits)
        return
    if not tally.removed:
        raise AnprError(f"List {list_id} has no such entry.", "Nothing was removed.")
    if given["as_json"]:
        click.echo(json.dumps({"removed": tally.removed}))
    else:
        click.echo(f"removed: {tally.removed} from list {list_id}")


@click.command(
    epilog="Example:  anpr watchlist withdraw --list stolen --entry 5f0c6a1e9b7d3c42 "
    "--by anna --reason 'car found'",
)
@list_option
@click.option("--entry", "entry_ids", multiple=True, help="Id of an entry; default: all of them.")
@click.option("--json", "as_json", is_flag=True, help="Print what was done as one JSON line.")
@who_options
@store_options
def withdraw(**given: Any) -> None:  # noqa: ANN401 - click hands over every option by name
    """Take entries back because they should not, or no longer, be there.

    Needs --by and --reason, which stay in the history. Nobody else is asked, even where changes
    of the list wait for a second person.
    """
    require_by(given, "who withdraws an entry is kept")
    if not str(given["reason"] or "").strip():
        raise UsageError("--reason is not given, and why is kept.", "Say why.")
    list_id = given["list_id"]
    with open_store(given, kind=ActKind.WITHDRAW) as store:
        store.record.begin(Noted(AuditAction.WATCHLIST_CHANGED, "withdraw: begun", list_id))
        ids = given["entry_ids"] or list(store.reader.entry_ids(list_id))
        tally = store.writer.remove((list_id, entry_id) for entry_id in ids)
        if tally.removed:
            subject, one = f"withdraw: {tally.removed} removed", ids[0] if len(ids) == 1 else ""
            action = AuditAction.WATCHLIST_CHANGED
            store.record.done(Noted(action, subject, list_id, one, tally.removed, tally.version))
    if not tally.removed:
        raise AnprError(f"List {list_id} has no such entry.", "Nothing was withdrawn.")
    if given["as_json"]:
        click.echo(json.dumps({"withdrawn": tally.removed, "not_there": tally.unchanged}))
    else:
        click.echo(f"withdrawn: {tally.removed} from list {list_id}")


def _ids_of_plate(store: Store, given: Mapping[str, Any]) -> list[str]:
    wanted = listed_text(_plate(given["plate"]))
    if not wanted:
        raise UsageError("This is no plate that can be on a list.", "Give it as it is listed.")
    return [
        entry.entry_id
        for entry in store.reader.entries(given["list_id"])
        if listed_text(entry.plate) == wanted
    ]
