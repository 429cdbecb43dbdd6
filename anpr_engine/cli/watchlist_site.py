"""What the watchlist commands take from a site's settings, and who it is that acts."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from anpr_engine.cli.options import logged_in
from anpr_engine.errors import ConfigError, UsageError
from anpr_engine.kafka.history import HistorySettings
from anpr_engine.watchlist.acts import Act, ActKind
from anpr_engine.watchlist.approval import Approval, ApprovalRule, Leave
from anpr_engine.watchlist.import_checks import ExpiryCeilings, is_plate_like
from anpr_engine.watchlist.seals import Sealer, Trust
from anpr_engine.wire import SiteTopics
from anpr_engine.wiring import Overrides, place_of, settings_of, watchlist_target
from anpr_engine.wiring_keys import list_keys, list_sealer

Command = TypeVar("Command", bound=Callable[..., Any])

NO_KAFKA = "-"
NO_SITE = "zz"
"""Stands for the site where none is given: ISO 3166 leaves this code to its users."""


@dataclass(frozen=True, slots=True)
class ListSite:
    """One site's watchlists: where they are, and what its settings ask of whoever changes them.

    log: the site's audit topic; None where no Kafka is set.
    """

    site: str
    redis_url: str
    rule: ApprovalRule
    ceilings: ExpiryCeilings
    history_days: float
    audit_required: bool
    log: HistorySettings | None
    sealer: Sealer | None
    trust: Trust
    leave: Leave


def who_options(command: Command) -> Command:
    """Add who acts, and why, for commands that take no entry's columns."""
    command = click.option("--case", "case_ref", help="The case it is done in.")(command)
    command = click.option("--purpose", help="What it is done for.")(command)
    return by_options(command)


def by_options(command: Command) -> Command:
    """Add `--by`, `--reason` and `--kafka`."""
    for option in (
        click.option("--kafka", envvar="ANPR_KAFKA", help="Brokers of the record [ANPR_KAFKA]."),
        click.option("--reason", help="Why; stays in the history."),
        click.option("--by", envvar="ANPR_USER", help="Who acts [ANPR_USER]."),
    ):
        command = option(command)
    return command


def list_site(given: Mapping[str, Any], *, writing: bool) -> ListSite:
    """Settle where the lists are and what the site asks; for reading, the site may be unknown.

    Raises:
        UsageError: an option is missing.
        ConfigError: a setting is wrong.

    """
    config: Path | None = given["config"]
    redis_url, site = given["redis_url"], given["site"]
    if writing or not redis_url:
        redis_url, site = watchlist_target(config, redis_url, site)
    if site and not (site.isascii() and site.islower() and len(site) == 2):
        raise UsageError("--site is no site code.", "It has two lower-case letters, such as be.")
    found = Overrides(site or None, given.get("kafka"), redis_url)
    without = Overrides(found.site, NO_KAFKA, redis_url)
    nowhere = Overrides(NO_SITE, NO_KAFKA, redis_url)
    chosen = _first_good(config, (found, without) if writing else (found, without, nowhere))
    if chosen is nowhere and given.get("kafka"):
        raise UsageError("--site (ANPR_SITE) is not given.", "The record needs to know it.")
    settings = settings_of(config, chosen)
    log = None
    if chosen is found:
        place, crcs = place_of(config, chosen), settings.kafka_client.check_crcs
        topic = SiteTopics(place.site).audit
        log = HistorySettings(place.kafka, topic, place.security, crcs, group="anpr.tail")
    lists = settings.watchlist
    secret = str(given.get("signing_key") or lists.signing_key)
    return ListSite(
        site="" if chosen is nowhere else settings.site,
        redis_url=settings.redis_url,
        rule=ApprovalRule(Approval(lists.approval), lists.proposal_hours),
        ceilings=ExpiryCeilings({name.lower(): n for name, n in lists.expiry_days_max.items()}),
        history_days=lists.history_days,
        audit_required=settings.audit.required,
        log=log,
        sealer=list_sealer(secret, lists.manifest_keys) if writing else None,
        trust=Trust(list_keys(lists.manifest_keys)),
        leave=Leave(settings.audit.leave),
    )


def _first_good(config: Path | None, tries: tuple[Overrides, ...]) -> Overrides:
    # A broker that nobody set is no error here: there is no record then, as there was none before.
    for each in tries[:-1]:
        with suppress(ConfigError):
            settings_of(config, each)
            return each
    return tries[-1]


def act_of(given: Mapping[str, Any], kind: ActKind) -> Act:
    """Say who acts and why; whoever is logged in, where nobody says.

    Raises:
        UsageError: the reason holds what looks like a plate.

    """
    reason = str(given.get("reason") or "").strip()
    if any(is_plate_like(word) for word in reason.split()):
        raise UsageError("--reason holds what looks like a plate.", "Name the entry by its id.")
    return Act(
        kind,
        by=str(given.get("by") or "").strip() or logged_in(),
        reason=reason,
        purpose=str(given.get("purpose") or ""),
        case_ref=str(given.get("case_ref") or ""),
    )


def require_by(given: Mapping[str, Any], why: str) -> None:
    """Insist on a name that was given; raises `UsageError` where there is none."""
    if not str(given.get("by") or "").strip():
        raise UsageError(f"--by (ANPR_USER) is not given, and {why}.", "Say who acts.")
