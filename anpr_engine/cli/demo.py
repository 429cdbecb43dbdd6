"""`anpr demo`: both sites, real broker, real Redis, simulated traffic; nothing to install."""

import json
import secrets
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import click

from anpr_engine.cli.alert_text import alert_block
from anpr_engine.cli.demo_view import DemoView
from anpr_engine.cli.demo_watch import AlertWatch, TimedWriter
from anpr_engine.cli.demo_world import SITES, STEP_S, DemoWorld, demo_world
from anpr_engine.cli.run import stop_on_signals
from anpr_engine.clock import SystemClock
from anpr_engine.errors import AnprError
from anpr_engine.kernels import warm
from anpr_engine.simulate.lists import listed_vehicles, sample_entries
from anpr_engine.simulate.playback import play
from anpr_engine.simulate.traffic import Traffic
from anpr_engine.simulate.vehicles import make_fleet
from anpr_engine.wiring import open_read_writer

PER_LIST = 60
LISTED_SHARE = 0.01
DRAIN_S_MAX = 30.0
FOREVER_S = 7 * 24 * 3600.0


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """What was asked for; the fields are the command's options."""

    seconds: float | None
    rate: float
    headless: bool
    port: int
    as_json: bool
    seed: int | None
    kafka: str | None


@click.command(
    epilog='Example:  anpr demo --seconds 20 --headless --json   (or: make demo ARGS="…")'
)
@click.option("--seconds", type=click.FloatRange(1), help="How long; default until Ctrl-C.")
@click.option(
    "--rate",
    type=click.FloatRange(1, 50_000),
    default=500.0,
    show_default=True,
    help="Reads a second, of both sites together.",
)
@click.option("--headless", is_flag=True, help="No live table: a line every five seconds.")
@click.option(
    "--port",
    type=click.IntRange(0, 65_534),
    default=0,
    show_default=True,
    help="Of the first engine's /metrics page; the second takes the next; 0 means free ones.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one closing line of JSON.")
@click.option("--seed", type=click.IntRange(0, 2**32), help="Same traffic again; default random.")
@click.option("--kafka", envvar="ANPR_KAFKA", help="A cluster to use instead [ANPR_KAFKA].")
def command(**given: Any) -> None:  # noqa: ANN401 - click hands over every option by name
    """Start both sites and play Belgian and Dutch camera traffic through them.

    Starts an Apache Kafka and a Redis for each site, loads sample watchlists, delivers the shared
    ones across the border, and shows alerts as a reader of committed records sees them.
    """
    options = DemoOptions(**given)
    stop = stop_on_signals()
    seed = secrets.randbits(32) if options.seed is None else options.seed
    _tell("preparing kernels and traffic")
    warm.main()
    fleet = make_fleet(seed)
    entries = sample_entries(seed, fleet, PER_LIST, datetime.now(UTC).replace(microsecond=0))
    listed = listed_vehicles(entries, fleet)
    with demo_world(entries, options.port, options.kafka, _tell) as world:
        pages = ", ".join(f"{e.site} http://127.0.0.1:{e.port}/metrics" for e in world.engines)
        _tell(f"running; metrics: {pages}")
        start = datetime.now(UTC)
        traffic = Traffic(seed, start, options.rate, SITES, listed, LISTED_SHARE)
        watch = AlertWatch(world.bootstrap, SITES, check_crcs=world.exactly_once)
        seconds = _play(options, world, traffic, watch, stop)
        _drain(world, watch)
        watch.stop()
        _close(options, world, watch, seconds)


def _tell(text: str) -> None:
    click.echo(f"anpr demo: {text}", err=True)


def _play(
    options: DemoOptions,
    world: DemoWorld,
    traffic: Traffic,
    watch: AlertWatch,
    stop: threading.Event,
) -> float:
    clock = SystemClock()
    start_s = clock.monotonic_s()
    view = DemoView(world, watch, live=not options.headless)
    with view.shown(), open_read_writer(world.bootstrap) as writer:
        timed = TimedWriter(writer, clock)
        for block in play(traffic, options.seconds or FOREVER_S, timed, clock, stop):
            watch.handed_over(block, timed.take_began_s())
            view.refresh(clock.monotonic_s() - start_s)
            if watch.failure is not None:
                raise watch.failure
    return clock.monotonic_s() - start_s


def _drain(world: DemoWorld, watch: AlertWatch) -> None:
    """Wait until the engines have done every read and every alert was seen."""
    clock, pause = SystemClock(), threading.Event()
    deadline_s = clock.monotonic_s() + DRAIN_S_MAX
    while clock.monotonic_s() < deadline_s:
        totals = {engine.site: engine.totals() for engine in world.engines}
        with watch.lock:
            reads, told = dict(watch.seen.reads), dict(watch.seen.told)
        done = all(
            totals[site].get("anpr_reads_total", 0) >= number for site, number in reads.items()
        )
        expected = {
            site: sum(t.get(f'anpr_alerts_total{{recipient="{site}"}}', 0) for t in totals.values())
            for site in SITES
        }
        if done and all(told.get(site, 0) >= number for site, number in expected.items()):
            return
        pause.wait(STEP_S)
    raise AnprError(
        "The engines did not finish the reads in time.",
        "Try a lower --rate: this machine may be too busy.",
    )


def _close(options: DemoOptions, world: DemoWorld, watch: AlertWatch, seconds: float) -> None:
    seen = watch.seen
    if seen.recent:
        _tell("one alert in full:\n" + alert_block(seen.recent[-1]))
    rejected = sum(e.totals().get("anpr_reads_rejected_total", 0) for e in world.engines)
    closing = {
        "reads": sum(seen.reads.values()),
        "alerts": seen.alerts,
        "alert_latency_ms": seen.latency_ms(),
        "seconds": round(seconds, 1),
        "cross_border": seen.cross_border,
        "repeated": seen.repeated,
        "rejected": int(rejected),
        "exactly_once": world.exactly_once,
    }
    if options.as_json:
        click.echo(json.dumps(closing))
        return
    latency = seen.latency_ms()
    _tell(
        f"{closing['reads']} reads, {closing['alerts']} alerts ({closing['cross_border']} "
        f"cross-border, {closing['repeated']} repeated) in {closing['seconds']} s; from read "
        f"to alert p50 {latency['p50']} ms, p99 {latency['p99']} ms"
    )
