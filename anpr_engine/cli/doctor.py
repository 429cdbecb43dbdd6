"""`anpr doctor`: what is wrong with a site, and what to do about it."""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from anpr_engine.audit.odd_use import OddUseLimits
from anpr_engine.cli.options import place_options
from anpr_engine.clock import SystemClock
from anpr_engine.kafka.checks import check_broker
from anpr_engine.kafka.history import HistorySettings
from anpr_engine.kernels import warm
from anpr_engine.logs import configure_logs
from anpr_engine.pipeline.columns import Circumstances
from anpr_engine.pipeline.core import StepRules, step
from anpr_engine.policy.policy_set import PolicySet
from anpr_engine.records.finding import Finding
from anpr_engine.records.watchlist_entry import WatchlistEntry
from anpr_engine.watchlist.checks import check_store
from anpr_engine.watchlist.seals import Trust
from anpr_engine.watchlist.snapshot import snapshot_of
from anpr_engine.wire import SiteTopics
from anpr_engine.wiring import Overrides, Place, place_of, settings_of
from anpr_engine.wiring_keys import list_keys
from anpr_engine.wiring_lists import check_lists_used
from anpr_engine.wiring_odd_use import check_odd_use
from anpr_engine.wiring_policy import policies_of

MARKS = {"ok": "ok  ", "warn": "warn", "fail": "FAIL"}


@dataclass(frozen=True, slots=True)
class DoctorOptions:
    """What was asked for; the fields are the command's options."""

    config: Path | None
    site: str | None
    kafka: str | None
    redis_url: str | None
    as_json: bool


def _engine_itself() -> Finding:
    """Match one made-up read against one made-up entry."""
    warm.warm()
    listed = WatchlistEntry(entry_id="doctor", list_id="doctor", plate="1-AAA-000")
    read = (
        b'{"read_id":"doctor","camera_id":"doctor","plate":"1aaa000",'
        b'"captured_at":"2026-01-01T00:00:00Z"}'
    )
    where = Circumstances("be", SystemClock().now_us(), 0, watchlist_stale=False)
    found = step([read], snapshot_of([listed]), StepRules(), where)
    if len(found.alerts) != 1:
        remedy = "Remove the folder NUMBA_CACHE_DIR names, or reinstall the package."
        return Finding("engine", "fail", "a made-up read does not find its entry", remedy)
    return Finding("engine", "ok", f"{len(warm.WARMED)} groups of kernels work on this processor")


def _findings(
    place: Place, trust: Trust, accepted: int | str, by: tuple[OddUseLimits, PolicySet]
) -> Iterator[Finding]:
    yield Finding("settings", "ok", f"site {place.site}, group {place.group_id}")
    odd, policies = by
    yield check_odd_use(odd)
    yield _engine_itself()
    yield from check_store(place.redis_url, SystemClock(), trust)
    yield from check_broker(place.kafka, place.security, place.site, policies)
    topic = SiteTopics(place.site).audit
    log = HistorySettings(place.kafka, topic, place.security, group="anpr.tail")
    yield check_lists_used(place.site, place.redis_url, log, accepted)


@click.command(epilog="Example:  anpr doctor --config deploy/config/be.toml")
@place_options
@click.option("--json", "as_json", is_flag=True, help="One JSON line a finding.")
def command(**given: Any) -> None:  # noqa: ANN401 - click hands over every option by name
    """Check configuration, kernels, Redis, clock, lists, brokers, topics and record.

    Exit code 1 when something is wrong that keeps the engine from working.
    """
    options = DoctorOptions(**given)
    configure_logs()
    overrides = Overrides(options.site, options.kafka, options.redis_url)
    settings = settings_of(options.config, overrides)
    lists, policies = settings.watchlist, policies_of(settings.policy.folder)
    place, trust = place_of(options.config, overrides), Trust(list_keys(lists.manifest_keys))
    failed = False
    for finding in _findings(place, trust, lists.accept_older, (settings.odd_use.limits, policies)):
        failed |= finding.state == "fail"
        if options.as_json:
            click.echo(json.dumps(finding._asdict()))
            continue
        click.echo(f"{MARKS[finding.state]}  {finding.check:<9} {finding.what}")
        if finding.remedy:
            click.echo(f"{'':16}{finding.remedy}")
    if failed:
        sys.exit(1)
