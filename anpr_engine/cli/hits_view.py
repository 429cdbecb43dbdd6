"""Shows hits, what was done, and statistics: a table for people, JSON for programs."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, NamedTuple

import click
from rich.console import Console
from rich.table import Table

from anpr_engine.cli.alert_text import show_alert
from anpr_engine.cli.hits_act import Done
from anpr_engine.cli.hits_book import COUNTED, Group, Listed
from anpr_engine.policy.handling_events import Illegal
from anpr_engine.records.handling_event import HandlingEvent
from anpr_engine.wire import json_bytes


def show_list(found: Sequence[Listed], *, as_json: bool) -> None:
    """Show hits, one a line."""
    if as_json:
        for one in found:
            click.echo(json.dumps(_row(one)))
        return
    names = ("alert_id", "captured_at", "state", "plate", "list_id", "category", "action")
    table = Table(*names, "probability", box=None)
    for one in found:
        row = _row(one)
        table.add_row(*(str(row[name]) for name in names), f"{one.alert.probability:.2f}")
    # On a wide page, so that what follows in a pipe is not cut.
    Console(width=None if Console().is_terminal else 200).print(table)
    click.echo(f"{len(found)} open hits")


def _row(one: Listed) -> dict[str, Any]:
    alert = one.alert
    told: dict[str, Any] = json.loads(json_bytes(alert))
    return {
        "alert_id": alert.alert_id,
        "captured_at": told["read"]["captured_at"],
        "state": one.state,
        "camera_id": alert.read.camera_id,
        "plate": alert.read.plate,
        "list_id": alert.entry.list_id,
        "entry_id": alert.entry.entry_id,
        "provider": one.subject.id.provider,
        "category": alert.category.value,
        "action": alert.action.value,
        "probability": alert.probability,
        "tier": alert.tier.value,
        "report": one.hit.report,
        "actions_done": one.subject.actions_done,
        "later_wanted": one.subject.later_wanted,
    }


class Told(NamedTuple):
    """An event: why it counts for nothing, or None; and what its signature is worth, if checked."""

    event: HandlingEvent
    void: Illegal | None
    proof: str

    def row(self) -> dict[str, Any]:
        """Give it as JSON has it."""
        row: dict[str, Any] = json.loads(json_bytes(self.event))
        if self.void is not None:
            row["void"] = self.void.value
        return row | ({"proof": self.proof} if self.proof else {})


def show_hit(one: Listed, told: Sequence[Told], *, as_json: bool) -> None:
    """Show one hit with all that was done about its entry; what counts for nothing says so."""
    rows = [each.row() for each in told]
    if as_json:
        alert = json.loads(json_bytes(one.alert))
        click.echo(json.dumps(_row(one) | {"alert": alert, "events": rows}))
        return
    show_alert(one.alert, "")
    click.echo(f"state {one.state}; actions done on the entry: {one.subject.actions_done}")
    for row in rows:
        end = "  UNSIGNED" if row.get("proof") == "unsigned" else ""
        end += f"  VOID: {row['void']}" if "void" in row else ""
        click.echo(f"{row['occurred_at']}  {row['event']}  by {row['site']} {row['unit']}{end}")


def show_done(done: Done, *, as_json: bool) -> None:
    """Say what was written, and what of a report went or did not."""
    if as_json:
        told = {name: value for name, value in asdict(done).items() if value not in (None, "", [])}
        click.echo(json.dumps(told))
        return
    click.echo(f"Recorded: {done.event}.")
    to = ", ".join(done.sent_to)
    if done.report:
        notice = "; the national contact point is told at once" if done.notify_national_now else ""
        by = f" ({done.contact})" if done.contact else ""
        click.echo(f"Report {done.report} went to {to}, way: {done.via}{by}{notice}.")
    elif to:
        click.echo(f"Sent on to {to}.")
    if done.obstacle is not None:
        rest = f" Missing: {', '.join(done.missing)}." if done.missing else ""
        click.echo(f"No report: {done.obstacle.value}{rest} {done.note}".rstrip())
        click.echo(f"By the rules {', '.join(done.rules)}.")


def show_counts(counts: Mapping[Group, Counter[str]], *, as_json: bool) -> None:
    """Show statistics by list, category and provider, and all together."""
    rows = [
        {**group._asdict(), **{name: counts[group][name] for name in COUNTED}}
        for group in sorted(counts)
    ]
    if as_json:
        for row in rows:
            click.echo(json.dumps(row))
        return
    table = Table(*Group._fields, *COUNTED, box=None)
    for row in rows:
        table.add_row(*map(str, row.values()))
    total = sum(counts.values(), Counter[str]())
    table.add_row("all", "", "", *(str(total[name]) for name in COUNTED))
    Console(width=None if Console().is_terminal else 200).print(table)
