"""`anpr audit show`: the acts of a record, newest first, and those worth a question."""

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import click
import msgspec
from pydantic import ValidationError
from rich.table import Table

from anpr_engine.audit.odd_use import ASKING, OddUse, odd_use
from anpr_engine.audit.verify import AuditLine
from anpr_engine.cli.audit_source import (
    asked_of,
    in_chunks,
    in_files,
    in_topic,
    limits_of,
    note_reading,
    reason_options,
    record_options,
)
from anpr_engine.cli.text_console import echo_console, text_console
from anpr_engine.records.audit_event import AuditAction, AuditEvent

SHOWN = 50


@dataclass(frozen=True, slots=True)
class ShowOptions:
    """What was asked for, beside which record."""

    files: tuple[Path, ...]
    action: tuple[str, ...]
    who: str | None
    list_id: str | None
    entry_id: str | None
    about_case: str | None
    count: int
    odd: bool
    as_json: bool

    def fits(self, event: AuditEvent) -> bool:
        """Say whether an event is asked for."""
        wanted = (
            (self.who, event.actor),
            (self.list_id, event.list_id),
            (self.entry_id, event.entry_id),
            (self.about_case, event.case_ref),
        )
        if self.action and event.action not in self.action:
            return False
        return all(asked in (None, found) for asked, found in wanted)

    def words(self) -> str:
        """Say what is looked for, for the record; values that name a case or a list are ids."""
        pairs = {
            "action": ",".join(self.action),
            "who": self.who,
            "list": self.list_id,
            "entry": self.entry_id,
            "case": self.about_case,
            "odd": "yes" if self.odd else "",
        }
        told = [f"{name}={value}" for name, value in pairs.items() if value]
        return " ".join(["show", *told])[:256]


@click.command(epilog="Example:  anpr audit show --site be --purpose control --case AUD-7 --odd")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path, exists=True))
@record_options
@reason_options
@click.option(
    "--action", multiple=True, type=click.Choice([each.value for each in AuditAction]),
    help="Only acts of this kind.",
)  # fmt: skip
@click.option("--who", help="Only acts of this actor.")
@click.option("--list", "list_id", help="Only acts on this list.")
@click.option("--entry", "entry_id", help="Only acts on this entry.")
@click.option("--about-case", help="Only acts in this case.")
@click.option("--count", type=click.IntRange(1), default=SHOWN, show_default=True, help="How many.")
@click.option("--odd", is_flag=True, help="Only what a supervisor should ask about, and why.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def show(**given: Any) -> None:  # noqa: ANN401 - click hands over every option by name
    """Show acts, the newest first.

    FILES are JSONL files of lines, or one exported folder. Without any the site's topic is read;
    that is recorded itself, so --purpose and --case are needed (exit code 4 without them). --odd
    goes by the site's settings; for files by those of --config, or as they come with the engine.
    """
    asked = asked_of(given)
    options = ShowOptions(**{name: given[name] for name in ShowOptions.__slots__})
    if not options.files:
        note_reading(asked, options.words())
    found = in_files(options.files, asked) if options.files else in_topic(asked)
    events = _events(line for chunk in in_chunks(found.lines, "reading") for line in chunk)
    chosen = (event for event in events if options.fits(event))
    if options.odd:
        limits = limits_of(asked, from_files=bool(options.files))
        if limits.off:
            off = ", ".join(sorted(limits.off))
            click.echo(f"rules that the site has switched off (odd_use.off): {off}", err=True)
        odd = odd_use(_kept(chosen), limits)
        _show_odd(list(_newest(odd, options.count)), as_json=options.as_json)
        return
    newest = heapq.nlargest(options.count, chosen, key=lambda event: event.occurred_at)
    if options.as_json:
        for event in newest:
            click.echo(event.model_dump_json(exclude_none=True))
        return
    _print(newest)


def _events(lines: Iterable[AuditLine]) -> Iterator[AuditEvent]:
    unread = 0
    for line in lines:
        try:
            yield AuditEvent.model_validate_json(line.value)
        except ValidationError:
            unread += 1
    if unread:
        text = f"{unread:,} lines are no audit event of version 1; `anpr audit verify` names them"
        click.echo(text, err=True)


def _kept(events: Iterable[AuditEvent]) -> list[AuditEvent]:
    """Keep what the rules look at: a record is mostly what the engine did."""
    return [event for event in events if event.action in ASKING]


def _newest(odd: list[OddUse], count: int) -> Iterator[OddUse]:
    yield from reversed(odd[-count:])


def _show_odd(odd: list[OddUse], *, as_json: bool) -> None:
    for each in odd:
        if as_json:
            click.echo(msgspec.json.encode(each))
        else:
            words = f"{each.rule}: {each.actor} {each.sentence} [{each.event_id}]"
            click.echo(f"{_time(each.occurred_at)}  {words}")
    if not as_json:
        click.echo(f"{len(odd)} to ask about", err=True)


def _print(events: list[AuditEvent]) -> None:
    console = text_console()
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in ("time", "who", "what", "about", "why", "to whom"):
        table.add_column(name, overflow="fold")
    for event in events:
        about = event.entry_id or event.list_id or event.subject or ""
        if event.entry_id and event.list_id:
            about = f"{event.list_id}/{event.entry_id}"
        why = " ".join(part for part in (event.purpose, event.case_ref) if part)
        why = why or " ".join(event.reasons)
        whom = ", ".join([*event.recipients, *(event.given_to or ())])
        table.add_row(_time(event.occurred_at), event.actor, event.action, about, why, whom)
    console.print(table)
    echo_console(console)


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}"
