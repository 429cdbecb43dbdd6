"""Groups of commands that are imported when they are called.

Why: importing numba, redis and pydantic takes over a second; `anpr --help` and shell completion
must answer in less than a tenth of that. And what a command does not need is not compiled for it.
"""

import importlib
from collections.abc import Callable, Mapping
from typing import Any

import click

Table = Mapping[str, tuple[str, str]]
"""Command name to (module in `anpr_engine.cli`, one-line help).

The command is the module's `command`, unless the module's name goes on with `:` and another one.
"""


def _nothing(_name: str) -> None:
    """Do nothing before a command is loaded."""


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called."""

    def __init__(
        self,
        *args: Any,  # noqa: ANN401 - as click has it
        table: Table,
        before: Callable[[str], None] = _nothing,
        **more: Any,  # noqa: ANN401 - as above
    ) -> None:
        """Take the table of commands, and what is done before one of them is loaded."""
        super().__init__(*args, **more)
        self._table, self._before = table, before

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name the commands."""
        return sorted(self._table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load one command."""
        if cmd_name not in self._table:
            return None
        self._before(cmd_name)
        module, _, attribute = self._table[cmd_name][0].partition(":")
        loaded = importlib.import_module(f"anpr_engine.cli.{module}")
        command: click.Command = getattr(loaded, attribute or "command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands from the table, without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, self._table[name][1]) for name in sorted(self._table)])
