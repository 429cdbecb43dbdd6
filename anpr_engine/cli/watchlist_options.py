"""Options that watchlist commands share: where the store is, an entry's columns; a progress bar."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import click
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from anpr_engine.clock import SystemClock
from anpr_engine.records.fields import Action, Category
from anpr_engine.records.watchlist_entry import SubjectCategory

Command = TypeVar("Command", bound=Callable[..., Any])

PROGRESS_AFTER_S = 1.0
PROGRESS_EVERY_ROWS = 500

ENTRY_OPTIONS = {
    "owner": "Authority that answers for the entries.",
    "purpose": "What they are listed for.",
    "legal_basis": "Law or order that permits it.",
    "sharing": "Sites that may have them, such as `nl,de`, or `own`.",
    "country": "Where the plate was issued, two letters.",
    "case_ref": "Reference of the case.",
    "priority": "0 to 100, the most urgent.",
    "valid_from": "RFC 3339 time.",
    "valid_until": "RFC 3339 time.",
    "handling_code": "Code for what may be done with the data.",
    "note": "Remark without personal data.",
    "max_actions": "How often the action is wanted, 0 to 10000.",
    "area_cameras": "Cameras where it is used, parted by spaces; default: all.",
    "area_polygon": "Where it is used, such as '51.2,4.4 51.3,4.4 51.3,4.5'.",
    "hours_utc": "When it is used, such as 22:00-06:00.",
    "direction": "Only vehicles that the camera sees going there.",
    "danger": "What to beware of.",
    "reliability": "Source and information, such as B2.",
}
"""Columns that can be given as an option, beside those below."""

ENTRY_CHOICES = {
    "category": ([each.value for each in Category], "The reason."),
    "action": ([each.value for each in Action], "What is asked."),
    "list_kind": (["structural", "ad_hoc"], "How the list is delivered."),
    "sis_action": ([each.value for each in Action], "What the SIS asks for; it wins."),
    "subject_category": ([each.value for each in SubjectCategory], "Who is behind it."),
}
ENTRY_FLAGS = {
    "border_area_only": "Used near the border only: reports may go the regional way agreed on. "
    "Where it is used is said by --area-cameras.",
    "sis_derived": "Made from the SIS: it is never delivered or used abroad.",
}


def store_options(command: Command) -> Command:
    """Add `--redis`, `--site`, `--config` and `--signing-key`."""
    for option in (
        click.option(
            "--signing-key",
            type=click.Path(path_type=Path, dir_okay=False),
            envvar="ANPR_WATCHLIST_KEY",
            help="Secret key that signs changes [ANPR_WATCHLIST_KEY].",
        ),
        click.option(
            "--config",
            type=click.Path(path_type=Path, dir_okay=False),
            envvar="ANPR_CONFIG",
            help="TOML file with the site's settings.",
        ),
        click.option("--site", envvar="ANPR_SITE", help="The site, such as be [ANPR_SITE]."),
        click.option(
            "--redis", "redis_url", envvar="ANPR_REDIS_URL", help="Address [ANPR_REDIS_URL]."
        ),
    ):
        command = option(command)
    return command


def list_option(command: Command) -> Command:
    """Add `--list`."""
    return click.option("--list", "list_id", required=True, help="Id of the list.")(command)


def entry_options(command: Command) -> Command:
    """Add an option for every column that rows may have in common."""
    for name, text in reversed(ENTRY_FLAGS.items()):
        command = click.option(_option(name), name, is_flag=True, help=text)(command)
    for name, text in reversed(ENTRY_OPTIONS.items()):
        command = click.option(_option(name), name, help=text)(command)
    for name, (words, text) in reversed(ENTRY_CHOICES.items()):
        command = click.option(_option(name), name, type=click.Choice(words), help=text)(command)
    return command


def _option(column: str) -> str:
    return f"--{column.replace('_', '-')}"


def column_values(given: Mapping[str, Any]) -> dict[str, str]:
    """Take the columns given as options."""
    names = (*ENTRY_CHOICES, *ENTRY_OPTIONS, *ENTRY_FLAGS)
    return {name: str(given[name]) for name in names if given.get(name)}


def guard_option(command: Command) -> Command:
    """Add `--needs-approval`."""
    return click.option(
        "--needs-approval",
        is_flag=True,
        help="From now on every change of this list waits for a second person.",
    )(command)


class RowProgress:
    """Shows how many rows are done, on a terminal and after a second; a context manager."""

    def __init__(self, what: str) -> None:
        """Prepare without showing anything."""
        columns: list[Any] = [SpinnerColumn(), TextColumn("{task.description}")]
        columns += [MofNCompleteColumn(), TimeElapsedColumn()]
        self._progress = Progress(*columns, console=Console(stderr=True), transient=True)
        self._task = self._progress.add_task(what, total=None)
        self._clock = SystemClock()
        self._begun_s = self._clock.monotonic_s()
        self._wanted = sys.stderr.isatty()
        self._shown = False
        self._rows = 0

    def __call__(self) -> None:
        """Count one row."""
        self._rows += 1
        if not self._wanted or self._rows % PROGRESS_EVERY_ROWS:
            return
        if not self._shown and self._clock.monotonic_s() - self._begun_s > PROGRESS_AFTER_S:
            self._progress.start()
            self._shown = True
        if self._shown:
            self._progress.update(self._task, completed=self._rows)

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Take the bar away."""
        if self._shown:
            self._progress.stop()
