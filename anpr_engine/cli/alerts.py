"""`anpr alerts tail`: a control room's alerts in a terminal, committed ones only."""

from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import click
from pydantic import ValidationError

from anpr_engine.cli.alert_proof import ProofView
from anpr_engine.cli.hits_proof import tell_refused
from anpr_engine.cli.options import place_options
from anpr_engine.cli.recall_view import RecallView, ReceiptDesk, receipt_desk
from anpr_engine.cli.run import stop_on_signals
from anpr_engine.clock import SystemClock
from anpr_engine.errors import UsageError
from anpr_engine.kafka.tail import Follower, TailedRecord
from anpr_engine.records.alert import Alert
from anpr_engine.wire import CROSS_BORDER_RECALLS, CROSS_BORDER_TOPIC, SiteTopics
from anpr_engine.wiring import Overrides, Place, place_of, settings_of
from anpr_engine.wiring_alerts import alert_checker, alert_opener
from anpr_engine.wiring_hits import message_checker, message_signer

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
    receipts: bool


class AtHand(Protocol):
    """Gives records in groups, those that are there together."""

    @property
    def topics(self) -> Sequence[str]:
        """Name what is followed."""
        ...

    def groups(self, stop: Callable[[], bool]) -> Generator[list[TailedRecord]]:
        """Give groups until `stop` says so."""
        ...


@click.group(name="alerts", epilog="Example:  anpr alerts tail --site be")
def command() -> None:
    """Follow alerts in a terminal."""


@command.command(epilog="Example:  anpr alerts tail --site nl --from-start --json | jq .category")
@place_options
@click.option(
    "--json", "as_json", is_flag=True, help='One alert a line, as published; {"recall": …} too.'
)
@click.option("--from-start", is_flag=True, help="Show what the topics still hold first.")
@click.option("--count", type=click.IntRange(1), help="Stop after so many alerts.")
@click.option(
    "--key",
    multiple=True,
    metavar="[SITE=]FILE",
    help="A site's public key: check who signed each record, and refuse what is forged.",
)
@click.option("--secret", type=_PATH, help="This site's secret key: open sealed fields.")
@click.option(
    "--age-max", type=click.FloatRange(1), metavar="SECONDS", help="Refuse what was signed earlier."
)
@click.option(
    "--receipts", is_flag=True, help="Answer each recall on the site's topic of feedback."
)
def tail(**given: Any) -> None:  # noqa: ANN401 - click hands over every option by name
    """Follow the site's own alerts and the cross-border ones meant for it.

    Only committed alerts are shown, each once, in the order they come. With --key each one is
    told to be signed, unsigned or forged; of a forged one only that is shown, and the exit code
    is 1. Recalls are shown and checked likewise, and do not count for --count; a forged one takes
    nothing back.
    """
    options = TailOptions(**given)
    stop = stop_on_signals()
    # A control room needs no Redis: its address plays no part here.
    place = place_of(
        options.config,
        Overrides(options.site, options.kafka, options.redis_url or "redis://unused"),
    )
    view, shown = _view(options, place.site), 0
    follower = _follower(place, from_start=options.from_start)
    with _desk(options, place) as desk:
        recalls = RecallView(place.site, view, desk)
        for record in in_turn(follower, stop.is_set):
            if record.topic in (SiteTopics(place.site).recalls, CROSS_BORDER_RECALLS):
                recalls.take(record)
                continue
            shown += _show(record, place.site, view, recalls)
            if options.count is not None and shown >= options.count:
                break
    if view.forged:
        click.echo(f"anpr: {view.forged} alerts or recalls were forged", err=True)
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


def _follower(place: Place, *, from_start: bool) -> Follower:
    names = SiteTopics(place.site)
    wanted = (names.recalls, CROSS_BORDER_RECALLS)
    follower = Follower(
        place.kafka,
        place.security,
        (names.alerts, CROSS_BORDER_TOPIC),
        from_start=from_start,
        where_there=wanted,
    )
    if not set(wanted) <= set(follower.topics):
        what = "topics of recalls are missing, so recalls are not seen"
        click.echo(f"anpr: {what}; run `anpr topics apply`", err=True)
    return follower


def in_turn(follower: AtHand, stop: Callable[[], bool]) -> Generator[TailedRecord]:
    """Give records, of those that are there together topic by topic.

    The site's own alerts come first: what is for it alone names what goes abroad, too, and a
    vehicle on lists of both kinds is one block. A recall comes after the alert it takes back.
    """
    turn = {topic: place for place, topic in enumerate(follower.topics)}
    with closing(follower.groups(stop)) as groups:
        for group in groups:
            yield from sorted(group, key=lambda record: turn[record.topic])


def _desk(options: TailOptions, place: Place) -> AbstractContextManager[ReceiptDesk | None]:
    if not options.receipts:
        return nullcontext()
    where = Overrides(place.site, place.kafka, place.redis_url)
    settings = settings_of(options.config, where)
    checker = message_checker(settings.feedback, tell_refused)
    return receipt_desk(place, message_signer(settings.alerts.signing_key), checker)


def _show(record: TailedRecord, site: str, view: ProofView, recalls: RecallView) -> bool:
    try:
        alert = Alert.model_validate_json(record.value)
    except ValidationError:
        place = f"{record.topic}/{record.partition}/{record.offset}"
        click.echo(f"anpr: the record at {place} is no alert of version 1", err=True)
        return False
    if site not in alert.recipients and not view.is_named(record):
        return False
    recalls.note(alert)
    return view.show(alert, record)
