"""`anpr hits`: what becomes of a hit, decided by officers and told to who listed the vehicle."""

from typing import Any, cast, get_args

import click

from anpr_engine.cli.audit_source import note_reading
from anpr_engine.cli.hits_act import Done, Office
from anpr_engine.cli.hits_book import OPEN, SiteHits, site_hits
from anpr_engine.cli.hits_consent import consent, give_consent, hand_over
from anpr_engine.cli.hits_options import (
    HitOptions,
    act_options,
    look_options,
    options_of,
    report_options,
)
from anpr_engine.cli.hits_reports import command as reports
from anpr_engine.cli.hits_view import Told, show_counts, show_done, show_hit, show_list
from anpr_engine.cli.times import TimeType, us_of
from anpr_engine.clock import SystemClock
from anpr_engine.errors import UsageError
from anpr_engine.policy.handling_events import Illegal
from anpr_engine.records.audit_event import AuditAction
from anpr_engine.records.handling_event import DismissalReason
from anpr_engine.records.messages import NotActedReason, RefusalReason
from anpr_engine.wire import SiteTopics

EXIT_NO_REPORT = 3
_NOT_DUE = frozenset({Illegal.NOT_DUE, Illegal.REPORTED})


def _reasons(kind: object) -> click.Choice[str]:
    return click.Choice([str(each) for each in get_args(kind)])


@click.group(name="hits", epilog="Example:  anpr hits list --purpose burglary --case BE-12")
def command() -> None:
    """See to the hits of a site: look, act, report."""


command.add_command(reports)
command.add_command(give_consent)
command.add_command(consent)
command.add_command(hand_over)


@command.command("list", epilog="Example:  anpr hits list --purpose burglary --case BE-12 --json")
@look_options
def list_command(**given: Any) -> None:  # noqa: ANN401 - click hands over every option by name
    """List the open hits of the site, the newest first."""
    options = options_of(given)
    found = _look(options, "open hits")
    hits = [one for one in found.listed() if one.hit.state in OPEN]
    show_list(hits, as_json=options.as_json)
    count = len(list(found.void()))
    if count:
        click.echo(f"anpr: {count} events contradict earlier ones and count for nothing", err=True)


@command.command(epilog="Example:  anpr hits show 5f0c… --purpose burglary --case BE-12")
@click.argument("alert")
@look_options
def show(alert: str, **given: Any) -> None:  # noqa: ANN401 - as above
    """Show one hit, and all that was done about its entry."""
    options = options_of(given)
    found = _look(options, f"hit {alert}"[:200])
    one = next((each for each in found.listed() if each.alert.alert_id == alert), None)
    if one is None:
        raise UsageError("The topics hold no hit of that id.", "See `anpr hits list`.")
    about = one.subject.id
    mine = (about.provider, about.list_id, about.entry_id)
    events = [each for each in found.events if (each.provider, each.list_id, each.entry_id) == mine]
    void = {event.event_id: why for event, why in found.void()}
    told = [Told(event, void.get(event.event_id), found.proofs.state_of(event)) for event in events]
    show_hit(one, told, as_json=options.as_json)


@command.command(epilog="Example:  anpr hits stats --from -7d --purpose evaluation --case 2026")
@click.option("--to", "until", type=TimeType(), help="Up to this time.")
@click.option("--from", "begin", type=TimeType(), help="From this time on, such as -7d.")
@look_options
def stats(**given: Any) -> None:  # noqa: ANN401 - as above
    """Count hits and what became of them, by list, category and provider (article 23)."""
    options, now_us = options_of(given), SystemClock().now_us()
    found = _look(options, "statistics of hits")
    counts = found.counts(us_of(given["begin"], now_us), us_of(given["until"], now_us))
    show_counts(counts, as_json=options.as_json)


@command.command(epilog="Example:  anpr hits validate 5f0c… --unit west --purpose x --case y")
@click.argument("alert")
@act_options
def validate(alert: str, **given: Any) -> None:  # noqa: ANN401 - as above
    """Say that the picture shows the listed plate; a hit that waited for that goes on."""
    options = options_of(given)
    _tell(Office(options).look(alert, "validated"), options)


@command.command(epilog="Example:  anpr hits dismiss 5f0c… --reason other-vehicle --unit west …")
@click.argument("alert")
@click.option("--reason", required=True, type=_reasons(DismissalReason), help="Why.")
@act_options
def dismiss(alert: str, reason: str, **given: Any) -> None:  # noqa: ANN401 - as above
    """Say that it is another vehicle, or that nobody can tell."""
    options = options_of(given)
    _tell(Office(options).look(alert, "dismissed", dismissal=reason), options)


@command.command(epilog="Example:  anpr hits acted 5f0c… --facts facts.json --unit west …")
@click.argument("alert")
@report_options
def acted(alert: str, **given: Any) -> None:  # noqa: ANN401 - as above
    """Say that the action asked for was done, and send report A."""
    options = options_of(given)
    _tell(Office(options).settle(alert, "acted"), options)


@command.command("not-acted", epilog="Example:  anpr hits not-acted 5f0c… --reason unsafe …")
@click.argument("alert")
@click.option("--reason", required=True, type=_reasons(NotActedReason), help="Why.")
@report_options
def not_acted(alert: str, reason: str, **given: Any) -> None:  # noqa: ANN401 - as above
    """Say why the action could not be done; of the first such hit report B goes."""
    options = options_of(given)
    _tell(Office(options).settle(alert, "not-acted", reason=reason), options)


@command.command(epilog="Example:  anpr hits report 5f0c… --facts facts.json --unit west …")
@click.argument("alert")
@report_options
def report(alert: str, **given: Any) -> None:  # noqa: ANN401 - as above
    """Send the report of an outcome that is known, once its facts are."""
    options = options_of(given)
    _tell(Office(options).settle(alert, None), options)


@command.command(epilog="Example:  anpr hits answer 5f0c… --later no --unit desk …")
@click.argument("alert")
@click.option("--later", required=True, type=click.Choice(["yes", "no"]), help="Wanted or not.")
@act_options
def answer(alert: str, later: str, **given: Any) -> None:  # noqa: ANN401 - as above
    """Answer, as the country that listed the vehicle, whether later hits are wanted."""
    options = options_of(given)
    _tell(Office(options).answer(alert, wanted=later == "yes"), options)


@command.command(
    epilog="Example:  anpr hits refuse --list a --entry b --reason own-law --unit west …"
)
@click.option("--provider", help="Whose list it is; needed where the entry had no hit yet.")
@click.option("--list", "list_id", required=True, help="Id of the list.")
@click.option("--entry", required=True, help="Id of the entry.")
@click.option("--reason", multiple=True, required=True, type=_reasons(RefusalReason), help="Why.")
@act_options
def refuse(**given: Any) -> None:  # noqa: ANN401 - as above
    """Refuse an entry of another country: no more alerts, open hits recalled (article 12)."""
    options = options_of(given)
    office, reasons = Office(options), cast("tuple[str, ...]", given["reason"])
    about = office.entry(given["provider"], given["list_id"], given["entry"])
    _tell(office.refuse(about, reasons), options)


def _look(options: HitOptions, what: str) -> SiteHits:
    desk = options.desk()
    subject = f"{SiteTopics(desk.site).feedback} {what}"
    note_reading(options.asked, subject, AuditAction.DATA_LOOKED_UP)
    found = site_hits(desk)
    desk.proofs.tell_unsigned()
    return found


def _tell(done: Done, options: HitOptions) -> None:
    show_done(done, as_json=options.as_json)
    if done.obstacle is not None and done.obstacle not in _NOT_DUE:
        click.get_current_context().exit(EXIT_NO_REPORT)
