"""`anpr alerts tail`: a control room's alerts in a terminal, committed ones only."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from pydantic import ValidationError

from anpr_engine.cli.alert_text import show_alert
from anpr_engine.cli.options import place_options
from anpr_engine.cli.run import stop_on_signals
from anpr_engine.kafka.tail import TailedRecord, follow_alerts
from anpr_engine.records.alert import Alert
from anpr_engine.wire import CROSS_BORDER_TOPIC, SiteTopics
from anpr_engine.wiring import Overrides, place_of


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


@click.group(name="alerts", epilog="Example:  anpr alerts tail --site be")
def command() -> None:
    """Follow alerts in a terminal."""


@command.command(epilog="Example:  anpr alerts tail --site nl --from-start --json | jq .category")
@place_options
@click.option("--json", "as_json", is_flag=True, help="One alert a line, as published.")
@click.option("--from-start", is_flag=True, help="Show what the topics still hold first.")
@click.option("--count", type=click.IntRange(1), help="Stop after so many alerts.")
def tail(**given: Any) -> None:  # noqa: ANN401 - click hands over every option by name
    """Follow the site's own alerts and the cross-border ones meant for it.

    Only committed alerts are shown, each once, in the order they come.
    """
    options = TailOptions(**given)
    stop = stop_on_signals()
    # A control room needs no Redis: its address plays no part here.
    place = place_of(
        options.config,
        Overrides(options.site, options.kafka, options.redis_url or "redis://unused"),
    )
    topics = [SiteTopics(place.site).alerts, CROSS_BORDER_TOPIC]
    shown = 0
    records = follow_alerts(
        place.kafka, place.security, topics, stop.is_set, from_start=options.from_start
    )
    for record in records:
        shown += _show(record, place.site, as_json=options.as_json)
        if options.count is not None and shown >= options.count:
            break


def _show(record: TailedRecord, site: str, *, as_json: bool) -> bool:
    try:
        alert = Alert.model_validate_json(record.value)
    except ValidationError:
        place = f"{record.topic}/{record.partition}/{record.offset}"
        click.echo(f"anpr: the record at {place} is no alert of version 1", err=True)
        return False
    if site not in alert.recipients:
        return False
    if as_json:
        click.echo(record.value.decode())
    else:
        show_alert(alert)
    return True
