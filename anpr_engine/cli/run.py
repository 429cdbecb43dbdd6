"""`anpr run`: the engine of one site."""

import json
import signal
import threading
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import click

from anpr_engine.cli.collector import calm_collector
from anpr_engine.cli.options import place_options
from anpr_engine.logs import configure_logs
from anpr_engine.pipeline.report import RunTotals
from anpr_engine.wiring import Overrides, settings_of, site_engine


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What was asked for; the fields are the command's options."""

    config: Path | None
    site: str | None
    kafka: str | None
    redis_url: str | None
    slot: int | None
    until_end: bool
    as_json: bool
    verbose: bool


def stop_on_signals() -> threading.Event:
    """Give an event that SIGTERM and SIGINT set; a second signal ends the process at once."""
    stop = threading.Event()

    def handle(number: int, _frame: FrameType | None) -> None:
        if stop.is_set():
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        stop.set()

    signal.signal(signal.SIGTERM, handle)
    signal.signal(signal.SIGINT, handle)
    return stop


@click.command(epilog="Example:  ANPR_SITE=be ANPR_KAFKA=host:9092 ANPR_REDIS_URL=… anpr run")
@place_options
@click.option("--slot", type=int, help="Number of this engine among the site's [ANPR_SLOT].")
@click.option("--until-end", is_flag=True, help="Stop at the end offsets seen at the start.")
@click.option("--json", "as_json", is_flag=True, help="Print what was done as one JSON line.")
@click.option("--verbose", "-v", is_flag=True, help="Log more.")
def command(**given: Any) -> None:  # noqa: ANN401 - click hands over every option by name
    """Consume reads, match, decide and publish alerts until SIGTERM.

    Stops cleanly: the batch in hand is finished and its progress saved.
    """
    options = RunOptions(**given)
    configure_logs(verbose=options.verbose)
    stop = stop_on_signals()
    calm_collector()
    wanted = Overrides(options.site, options.kafka, options.redis_url, options.slot)
    with site_engine(settings_of(options.config, wanted)) as engine:
        totals = engine.run(stop.is_set, until_end=options.until_end)
    if options.as_json or options.until_end:
        click.echo(json.dumps(totals_json(totals)))


def totals_json(totals: RunTotals) -> dict[str, float]:
    """Give the totals as the closing line has them."""
    return asdict(totals) | {"reads_per_second": round(totals.reads_per_second, 1)}
