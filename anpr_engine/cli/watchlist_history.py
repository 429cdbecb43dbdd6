"""`anpr watchlist history`: who changed what on the lists, when and why."""

import json
from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

import click
import msgspec

from anpr_engine.cli.leave import leave_option, show_by_leave
from anpr_engine.cli.times import TimeType, us_of
from anpr_engine.cli.watchlist_options import store_options
from anpr_engine.cli.watchlist_record import Noted
from anpr_engine.cli.watchlist_site import who_options
from anpr_engine.cli.watchlist_store import Store, open_store
from anpr_engine.errors import StoreNotTrusted
from anpr_engine.records.audit_event import AuditAction
from anpr_engine.watchlist.history import DAY_US, History, HistoryRecord
from anpr_engine.watchlist.history_seals import HistoryProof

WHO = ("kind", "by", "reason", "purpose", "case_ref", "proposal", "approved_by", "operation")
SUMS = ("added", "changed", "removed")


@click.command(epilog="Example:  anpr watchlist history --list stolen --since -7d")
@click.option("--list", "list_id", help="Only changes of this list.")
@click.option("--entry", "entry_id", help="Only changes of this entry.")
@click.option("--since", type=TimeType(), help="Only from this time on, such as -7d.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@leave_option
@who_options
@store_options
def command(**given: Any) -> None:  # noqa: ANN401 - click hands over every option by name
    """Tell who changed what, when and why, the latest first.

    What is told reaches back as far as the setting `watchlist.history_days` lets it. Where
    `watchlist.manifest_keys` names keys, each record is checked: what was changed or taken out is
    named by its version, exit code 1.
    """
    with open_store(given, writing=False) as store:
        about = (given["list_id"] or "", given["entry_id"] or "")
        noted = Noted(AuditAction.DATA_LOOKED_UP, "history of the lists", *about)
        if given["entry_id"]:
            show_by_leave(store, given, noted)
        else:
            store.record.shown(noted)
        since_us = us_of(given["since"], store.clock.now_us()) or 0
        proof = _proof(store)
        for values in _acts(_records(store, proof), since_us, given):
            click.echo(json.dumps(values) if given["as_json"] else _line(values))
    if proof is not None and proof.found:
        for flaw in proof.found:
            click.echo(str(flaw), err=True)
        what = "The history of the lists is not as it was written."
        raise StoreNotTrusted(what, "Find out who changed Redis past the commands.")


def _proof(store: Store) -> HistoryProof | None:
    """Give what checks the records, where versions have to be signed.

    Raises:
        StoreNotTrusted: the newest version is not signed, so nothing says what came before it.

    """
    trust, manifest = store.session.trust, store.reader.manifest()
    if not trust or manifest is None:
        return None
    trust.require(manifest, store.session.where)
    return HistoryProof(manifest, trust)


def _records(store: Store, proof: HistoryProof | None) -> Iterator[HistoryRecord]:
    history = History(store.session)
    if proof is None:
        return history.newest_first()
    keep_from_us = store.clock.now_us() - round(store.settings.history_days * DAY_US)
    return proof.checked(history.newest_first(proof.manifest.version), keep_from_us)


def _acts(
    history: Iterator[HistoryRecord], since_us: int, given: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    records = _wanted(history, since_us, given["list_id"])
    if given["entry_id"]:
        yield from _of_entry(records, given["entry_id"], given["list_id"])
        return
    # One act may have made many versions.
    for _, same in groupby(records, key=lambda record: record.head.operation):
        yield _sums(list(same))


def _wanted(
    history: Iterator[HistoryRecord], since_us: int, list_id: str | None
) -> Iterator[HistoryRecord]:
    for record in history:
        if record.head.at_us < since_us:
            return
        if list_id is None or list_id in record.lists:
            yield record


def _of_entry(
    records: Iterator[HistoryRecord], entry_id: str, list_id: str | None
) -> Iterator[dict[str, Any]]:
    for record in records:
        for row in record.rows():
            if row.entry_id == entry_id and list_id in {None, row.list_id}:
                about = {"lists": [row.list_id], "entry_id": entry_id, "what": row.what.value}
                yield _told(record) | about


def _sums(records: list[HistoryRecord]) -> dict[str, Any]:
    sums = {name: sum(getattr(each.head, name) for each in records) for name in SUMS}
    lists = sorted({name for each in records for name in each.lists})
    return _told(records[0]) | {"first_version": records[-1].version, "lists": lists} | sums


def _told(record: HistoryRecord) -> dict[str, Any]:
    head = msgspec.structs.asdict(record.head)
    at = record.at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"at": at, "version": record.version} | {name: head[name] for name in WHO}


def _line(values: Mapping[str, Any]) -> str:
    what = values.get("what") or "+{added} ~{changed} -{removed}".format(**values)
    second = f", let through by {values['approved_by']}" if values["approved_by"] else ""
    case = f"  case {values['case_ref']}" if values["case_ref"] else ""
    who = f"{values['kind']:<8}  by {values['by'] or '-'}{second}"
    lists = ", ".join(values["lists"])
    line = f"{values['at']}  version {values['version']}  {what}  {lists}  {who}{case}"
    return f"{line}  {values['reason']}".rstrip()
