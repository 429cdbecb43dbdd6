"""Verdicts straight from a site's topic, for `anpr errors`; the look is recorded."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

import click

from anpr_engine.cli.audit_source import (
    Asked,
    asked_of,
    log_of,
    note_reading,
    reason_options,
    record_options,
    site_of,
)
from anpr_engine.cli.errors_rows import VerdictRows, read_verdicts
from anpr_engine.cli.times import us_of
from anpr_engine.clock import SystemClock
from anpr_engine.errors import UsageError
from anpr_engine.kafka.audit_log import committed_lines
from anpr_engine.records.audit_event import AuditAction
from anpr_engine.wire import SiteTopics

Command = TypeVar("Command", bound=Callable[..., Any])


def verdict_options(command: Command) -> Command:
    """Add the two ways to name verdicts, a file or the site's topic, and why it is read."""
    command = reason_options(record_options(command))
    command = click.option(
        "--feedback", is_flag=True, help="Verdicts of the site's topic anpr.feedback.<site>."
    )(command)
    return click.option("--verdicts", help="JSONL of a control room's verdicts; - stdin.")(command)


def verdicts_of(given: Mapping[str, Any]) -> VerdictRows:
    """Read the verdicts that a command was given; none if it names none.

    Raises:
        UsageError: both a file and the topic are named.
        PolicyRefused: the topic is to be read, and nobody says what for or in which case.
        BrokerError: the topic cannot be read, or the look at it not be recorded.

    """
    if not given["feedback"]:
        path = given["verdicts"]
        return read_verdicts(path, given["reader"]) if path else VerdictRows()
    if given["verdicts"]:
        raise UsageError("Verdicts come from one place.", "Give --verdicts or --feedback.")
    return _of_topic(asked_of(given), given["reader"])


def _of_topic(asked: Asked, reader: str | None) -> VerdictRows:
    topic = SiteTopics(site_of(asked)).feedback
    note_reading(asked, topic, AuditAction.DATA_LOOKED_UP)
    now_us = SystemClock().now_us()
    between_us = us_of(asked.begin, now_us), us_of(asked.until, now_us)
    log = replace(log_of(asked), topic=topic)
    found = VerdictRows()
    lines = committed_lines(log, lambda: False, between_us=between_us)
    for number, (_, _, value) in enumerate(lines, start=1):
        found.take(number, value, reader)
    return found
