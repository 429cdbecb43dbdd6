"""`anpr alerts tail`: a control room's alerts in a terminal, committed ones only."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from pydantic import ValidationError

from anpr_engine.cli.alert_proof import ProofView
from anpr_engine.cli.options import place_options
from anpr_engine.cli.run import stop_on_signals
from anpr_engine.clock import SystemClock
from anpr_engine.errors import UsageError
from anpr_engine.kafka.tail import TailedRecord, follow_alerts
from anpr_engine.records.alert import Alert
from anpr_engine.wire import CROSS_BORDER_TOPIC, SiteTopics
from anpr_engine.wiring import Overrides, place_of
from anpr_engine.wiring_alerts import alert_checker, alert_opener

EXIT_FORGED = 1
_PATH = click.Path(path_type=Path)


@dataclass(frozen=True, slots=True)
class TailOptions:
    """What was asked for; the fields are the command's options."""

    config: Path | None
    site: str | None
    kafka: str | None
    redis_url: str | None
    as_json: bool
    from_start: bool
    count: int | None
    key: tuple[str, ...]
    secret: Path | None
    age_max: float | None


@click.group(name="alerts", epilog="Example:  anpr alerts tail --site be")
def command() -> None:
    """Follow alerts in a terminal."""


@command.command(epilog="Example:  anpr alerts tail --site nl --from-start --json | jq .category")
@place_options
@click.option("--json", "as_json", is_flag=True, help="One alert a line, as published.")
@click.option("--from-start", is_flag=True, help="Show what the topics still hold first.")
@click.option("--count", type=click.IntRange(1), help="Stop after so many alerts.")
@click.option(
    "--key",
    multiple=True,
    metavar="[SITE=]FILE",
    help="A site's public key: check who signed each alert, and refuse what is forged.",
)
@click.option("--secret", type=_PATH, help="This site's secret key: open sealed fields.")
@click.option(
    "--age-max", type=click.FloatRange(1), metavar="SECONDS", help="Refuse what was signed earlier."
)
def tail(**given: Any) -> None:  # noqa: ANN401 - click hands over every option by name
    """Follow the site's own alerts and the cross-border ones meant for it.

    Only committed alerts are shown, each once, in the order they come. With --key each one is
    told to be signed, unsigned or forged; of a forged one only that is shown, and the exit code
    is 1.
    """
    options = TailOptions(**given)
    stop = stop_on_signals()
    # A control room needs no Redis: its address plays no part here.
    place = place_of(
        options.config,
        Overrides(options.site, options.kafka, options.redis_url or "redis://unused"),
    )
    topics = [SiteTopics(place.site).alerts, CROSS_BORDER_TOPIC]
    view, shown = _view(options, place.site), 0
    records = follow_alerts(
        place.kafka, place.security, topics, stop.is_set, from_start=options.from_start
    )
    for record in records:
        shown += _show(record, place.site, view)
        if options.count is not None and shown >= options.count:
            break
    if view.forged:
        click.echo(f"anpr: {view.forged} alerts were forged", err=True)
        click.get_current_context().exit(EXIT_FORGED)


def _view(options: TailOptions, site: str) -> ProofView:
    if options.age_max is not None and not options.key:
        raise UsageError("--age-max is of signed alerts.", "Give --key too.")
    clock = SystemClock()
    return ProofView(
        alert_checker(site, options.key, options.age_max) if options.key else None,
        alert_opener(options.secret) if options.secret else None,
        lambda: clock.now_us() / 1e6,
        options.as_json,
    )


def _show(record: TailedRecord, site: str, view: ProofView) -> bool:
    try:
        alert = Alert.model_validate_json(record.value)
    except ValidationError:
        place = f"{record.topic}/{record.partition}/{record.offset}"
        click.echo(f"anpr: the record at {place} is no alert of version 1", err=True)
        return False
    if site not in alert.recipients and not view.is_named(record):
        return False
    view.show(alert, record)
    return True
