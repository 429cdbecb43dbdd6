"""`anpr hits reports`: what other sites report on this site's lists and hits, and who signed."""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

import click
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table

from anpr_engine.cli.audit_source import note_reading
from anpr_engine.cli.hits_options import HitOptions, look_options, options_of
from anpr_engine.cli.hits_source import Desk
from anpr_engine.records.audit_event import AuditAction
from anpr_engine.records.messages import Refusal, ReportA, ReportB
from anpr_engine.wire import REPORTS_TOPIC, json_bytes

_Told = ReportA | ReportB | Refusal
_KINDS: tuple[type[_Told], ...] = (ReportA, ReportB, Refusal)
_WORDS: dict[type[_Told], str] = {ReportA: "A", ReportB: "B", Refusal: "refusal"}


class Reported(NamedTuple):
    """A report, and what its signature is worth; empty where nobody looked."""

    report: _Told
    proof: str

    def row(self) -> dict[str, Any]:
        """Give what a table shows: what it is about, and nobody's name."""
        told = self.report
        of_hit = None if isinstance(told, Refusal) else told
        return {
            "created_at": f"{told.created_at:%Y-%m-%d %H:%M:%S}",
            "report": _WORDS[type(told)],
            "site": told.site,
            "list_id": told.list_id,
            "entry_id": of_hit.entry_id if of_hit else "",
            "hit_id": of_hit.hit_id if of_hit else "",
            "via": of_hit.via if of_hit else "",
            "proof": self.proof or "not checked",
        }


@click.command("reports", epilog="Example:  anpr hits reports --purpose burglary --case BE-12")
@look_options
def command(**given: Any) -> None:  # noqa: ANN401 - click hands over every option by name
    """List what other sites report on this site's lists, with --json in full.

    Reports on hits, and refusals of lists with the proof of their destruction.

    Where the settings name keys, one that is forged is told by its place and not shown.
    """
    options: HitOptions = options_of(given)
    desk = options.desk()
    note_reading(options.asked, f"{REPORTS_TOPIC} reports", AuditAction.DATA_LOOKED_UP)
    found = list(reports_to(desk))
    if options.as_json:
        for one in found:
            told = json.loads(json_bytes(one.report))
            click.echo(json.dumps(told | ({"proof": one.proof} if one.proof else {})))
        return
    names = ("created_at", "report", "site", "list_id", "entry_id", "hit_id", "via", "proof")
    table = Table(*names, box=None)
    for one in found:
        table.add_row(*map(str, one.row().values()))
    # On a wide page, so that what follows in a pipe is not cut.
    Console(width=None if Console().is_terminal else 200).print(table)
    click.echo(f"{len(found)} reports")


def reports_to(desk: Desk) -> Iterator[Reported]:
    """Give the reports to a site that count, each once, in the order of the topic.

    Raises:
        BrokerError: the topic cannot be read.

    """
    seen: set[bytes] = set()
    for record in desk.records(REPORTS_TOPIC):
        report = read_report(record.value)
        if report is None or report.provider != desk.site or record.value in seen:
            continue
        found = desk.proofs.checker.weigh(report, desk.site, record)
        if found.heeded:
            seen.add(record.value)
            yield Reported(report, found.state)


def read_report(value: bytes) -> _Told | None:
    """Read a report or a refusal; None for any other record."""
    for kind in _KINDS:
        try:
            return kind.model_validate_json(value)
        except ValidationError:
            continue
    return None
