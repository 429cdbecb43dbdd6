"""`anpr hits reports`: what other sites report on this site's lists and hits, and who signed."""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple, get_args

import click
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table

from anpr_engine.cli.audit_source import note_reading
from anpr_engine.cli.hits_options import HitOptions, look_options, options_of
from anpr_engine.cli.hits_source import Desk
from anpr_engine.records.audit_event import AuditAction
from anpr_engine.records.messages import Channel, Refusal, ReportA, ReportB
from anpr_engine.wire import REPORTS_TOPIC, json_bytes

_Told = ReportA | ReportB | Refusal
_KINDS: tuple[type[_Told], ...] = (ReportA, ReportB, Refusal)
_SUBSTANCE = frozenset({"facts", "asks_for_later"})
"""What a notice leaves out: plate, people, what happened."""
_WORDS: dict[type[_Told], str] = {ReportA: "A", ReportB: "B", Refusal: "refusal"}


class Reported(NamedTuple):
    """A report, and what its signature is worth; empty where nobody looked.

    notice: it went another way, and the national contact point is told that, and no more.
    """

    report: _Told
    proof: str
    notice: bool = False

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
            "told": "notice" if self.notice else "whole",
            "proof": self.proof or "not checked",
        }

    def told(self) -> dict[str, Any]:
        """Give what a program is told: of a notice nothing of the vehicle or anybody in it."""
        given: dict[str, Any] = json.loads(json_bytes(self.report))
        given |= {"proof": self.proof} if self.proof else {}
        if not self.notice:
            return given
        return {"notice": True} | {name: given[name] for name in given if name not in _SUBSTANCE}


@click.command(
    "reports", epilog="Example:  anpr hits reports --at national --purpose burglary --case BE-12"
)
@click.option(
    "--at",
    type=click.Choice(get_args(Channel)),
    help="What this contact point gets; the national one also notices of what went other ways.",
)
@look_options
def command(**given: Any) -> None:  # noqa: ANN401 - click hands over every option by name
    """List what other sites report on this site's lists, with --json in full.

    Reports on hits, and refusals of lists with the proof of their destruction.

    Where the settings name keys, one that is forged is told by its place and not shown.
    """
    options: HitOptions = options_of(given)
    desk = options.desk()
    at = given["at"]
    about = f"{REPORTS_TOPIC} reports" + (f" at {at}" if at else "")
    note_reading(options.asked, about, AuditAction.DATA_LOOKED_UP)
    found = list(reports_to(desk))
    if at:
        found = [sent for each in found for sent in _at(each, at)]
    if options.as_json:
        for one in found:
            click.echo(json.dumps(one.told()))
        return
    names = (
        "created_at",
        "report",
        "site",
        "list_id",
        "entry_id",
        "hit_id",
        "via",
        "told",
        "proof",
    )
    table = Table(*names, box=None)
    for one in found:
        table.add_row(*map(str, one.row().values()))
    # On a wide page, so that what follows in a pipe is not cut.
    Console(width=None if Console().is_terminal else 200).print(table)
    click.echo(f"{len(found)} reports")


def _at(one: Reported, way: str) -> Iterator[Reported]:
    """Give what a contact point gets of a report (article 19); a refusal goes to the national."""
    report = one.report
    via = "national" if isinstance(report, Refusal) else report.via
    if via == way:
        yield one
    elif way == "national" and not isinstance(report, Refusal) and report.notify_national_now:
        yield one._replace(notice=True)


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
