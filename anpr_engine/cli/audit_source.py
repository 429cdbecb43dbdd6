"""Where `anpr audit` finds a record: files, an exported folder, or a site's topic.

A look at a site's topic is an act that is recorded itself, before anything is shown.
"""

import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import click

from anpr_engine.audit.findings import Finding
from anpr_engine.audit.folder import check_files, lines_of, read_manifest, record_files
from anpr_engine.audit.key_modules import key_module
from anpr_engine.audit.odd_use import OddUseLimits
from anpr_engine.audit.verify import AuditLine
from anpr_engine.cli.desk import record_act
from anpr_engine.cli.options import logged_in, place_options
from anpr_engine.cli.reads_view import with_progress
from anpr_engine.cli.times import TimeType, When, us_of
from anpr_engine.clock import SystemClock
from anpr_engine.errors import PolicyRefused, UsageError
from anpr_engine.kafka.audit_log import committed_lines
from anpr_engine.kafka.history import HistorySettings
from anpr_engine.records.audit_event import AuditAction, AuditEvent
from anpr_engine.wire import SiteTopics
from anpr_engine.wiring import Overrides, place_of, settings_of

Command = TypeVar("Command", bound=Callable[..., Any])
LINES_A_CHUNK = 20_000
UNUSED_REDIS = "redis://unused"


@dataclass(frozen=True, slots=True)
class Asked:
    """Which record, and who asks for what; the fields are options that commands share."""

    config: Path | None = None
    site: str | None = None
    kafka: str | None = None
    redis_url: str | None = None
    begin: When | None = None
    until: When | None = None
    purpose: str | None = None
    case_ref: str | None = None
    actor: str | None = None

    @property
    def cut(self) -> bool:
        """Whether a part in time is asked for."""
        return self.begin is not None or self.until is not None


@dataclass(slots=True)
class Found:
    """A record that was found; `names` are of its files, by partition; empty for a topic."""

    lines: Iterator[AuditLine]
    names: list[str] = field(default_factory=list[str])
    heads: list[Path] = field(default_factory=list[Path])
    findings: list[Finding] = field(default_factory=list[Finding])


def record_options(command: Command) -> Command:
    """Add where the record is, and from when to when."""
    times = TimeType()
    command = click.option("--to", "until", type=times, help="Up to this time.")(command)
    help_ = "Only from this time on, such as 2026-11-22T08:00:00Z or -2h."
    return place_options(click.option("--from", "begin", type=times, help=help_)(command))


def reason_options(command: Command) -> Command:
    """Add who asks, what for, and in which case."""
    for option in (
        click.option("--purpose", help="What for; goes into the record."),
        click.option("--case", "case_ref", help="In which case; goes into the record."),
        click.option(
            "--as", "actor", envvar="ANPR_ACTOR", help="Who asks; default: the user logged in."
        ),
    ):
        command = option(command)
    return command


def asked_of(given: Mapping[str, Any]) -> Asked:
    """Take the shared options out of a command's."""
    return Asked(**{name: given[name] for name in Asked.__slots__ if name in given})


def in_files(paths: tuple[Path, ...], asked: Asked) -> Found:
    """Find the record in files, or in one exported folder.

    Raises:
        InputFileError: a file cannot be read, or the folder is no export.
        UsageError: a part in time is asked for.

    """
    if asked.cut:
        what = "--from and --to choose a part of a site's topic, not of files."
        raise UsageError(what, "Leave them out, or leave the files out.")
    if len(paths) == 1 and paths[0].is_dir():
        folder = paths[0]
        changed = check_files(folder, read_manifest(folder))
        files, heads = record_files(folder), sorted(folder.glob("heads.jsonl"))
        return Found(lines_of(files), [path.name for path in files], heads, changed)
    return Found(lines_of(paths), [path.name for path in paths])


def in_topic(asked: Asked) -> Found:
    """Find the record in the site's topic.

    Raises:
        ConfigError: nobody says which site, or where its broker is.
        BrokerError: the topic cannot be read.

    """
    now_us = SystemClock().now_us()
    between_us = us_of(asked.begin, now_us), us_of(asked.until, now_us)
    found = committed_lines(log_of(asked), lambda: False, between_us=between_us)
    return Found(AuditLine(*each) for each in found)


def site_of(asked: Asked) -> str:
    """Name the site that is asked for."""
    return place_of(asked.config, _overrides(asked)).site


def log_of(asked: Asked) -> HistorySettings:
    """Say where the site's audit topic is."""
    place = place_of(asked.config, _overrides(asked))
    crcs = settings_of(asked.config, _overrides(asked)).kafka_client.check_crcs
    topic = SiteTopics(place.site).audit
    return HistorySettings(place.kafka, topic, place.security, crcs, group="anpr.tail")


def limits_of(asked: Asked, *, from_files: bool) -> OddUseLimits:
    """Say from when on something is odd: by the site's settings; files need none."""
    if from_files and asked.config is None:
        return OddUseLimits()
    return settings_of(asked.config, _overrides(asked)).odd_use.limits


def _overrides(asked: Asked) -> Overrides:
    return Overrides(asked.site, asked.kafka, asked.redis_url or UNUSED_REDIS)


def missing_reasons(purpose: str | None, case_ref: str | None) -> list[str]:
    """Name the options that say why and were not given."""
    given = (("--purpose", purpose), ("--case", case_ref))
    return [name for name, value in given if not (value or "").strip()]


def note_reading(asked: Asked, subject: str, action: AuditAction = AuditAction.AUDIT_READ) -> None:
    """Write into the site's record that somebody reads it, or its topics, before that is done.

    Raises:
        PolicyRefused: no purpose or no case is given.
        BrokerError: it cannot be written.

    """
    missing = missing_reasons(asked.purpose, asked.case_ref)
    if missing:
        what = f"Whoever reads a site's data says why: {' and '.join(missing)} is not given."
        raise PolicyRefused(what, "Give both; they go into the record.")
    write_reading(asked, subject, action)


def write_reading(asked: Asked, subject: str, action: AuditAction) -> None:
    """Write that somebody reads a site's data, whatever reason is given.

    Raises:
        BrokerError: it cannot be written.

    """
    event = AuditEvent(
        event_id=uuid.uuid4().hex,
        occurred_at=datetime.now(UTC),
        site=site_of(asked),
        actor=asked.actor or logged_in(),
        action=action,
        purpose=asked.purpose or "",
        case_ref=asked.case_ref or "",
        subject=subject,
    )
    record_act(log_of(asked), event)


def in_chunks(lines: Iterable[AuditLine], doing: str) -> Iterator[list[AuditLine]]:
    """Give lines in chunks, and say on a terminal how many have gone by, and how fast."""
    clock, count = SystemClock(), 0
    begun_s = clock.monotonic_s()

    def chunks() -> Iterator[list[AuditLine]]:
        nonlocal count
        iterator = iter(lines)
        while chunk := list(islice(iterator, LINES_A_CHUNK)):
            count += len(chunk)
            yield chunk

    def told() -> str:
        return f"{count:,} lines, {count / max(clock.monotonic_s() - begun_s, 1e-6):,.0f} a second"

    yield from with_progress(chunks(), doing, told)


def signing() -> Any:  # noqa: ANN401 - a module that may not be installed
    """Load what knows keys; `UsageError` says which package is missing."""
    return key_module("signing")


def sealing() -> Any:  # noqa: ANN401 - as above
    """Load what knows keys of sealed fields; `UsageError` as above."""
    return key_module("sealing")
