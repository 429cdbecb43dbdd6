"""The root of the command line: finds commands by name and loads one only when it is called."""

import os
import sys
from typing import Any

import click

from anpr_engine.cli.lazy import LazyGroup, Table
from anpr_engine.errors import AnprError
from anpr_engine.kernels.cache import prepare
from anpr_engine.version import VERSION

COMMANDS: Table = {
    "alerts": ("alerts", "Follow alerts in a terminal."),
    "audit": ("audit", "Check, show and export the record; sign its heads."),
    "cameras": ("cameras", "Learn what each camera usually sees, and show it."),
    "deconflict": ("deconflict", "Compare two sites' lists without showing either."),
    "demo": ("demo", "Run both sites with simulated traffic, nothing to install."),
    "doctor": ("doctor", "Check configuration, broker, Redis, clock and lists."),
    "errors": ("errors", "Learn how readers misread, and show what is known."),
    "hit-no-hit": ("hit_no_hit", "Ask and answer whether there is something to ask."),
    "hits": ("hits", "See to hits: look, act, report to the country that listed them."),
    "match": ("match", "Match a file of reads against a watchlist file."),
    "normalise": ("normalise", "Turn raw plates into canonical ones."),
    "policy": ("policy", "Show the rules in force, explain and test them."),
    "replay": ("replay", "Match past reads, of files or of Kafka, against lists."),
    "run": ("run", "Run the engine of one site."),
    "simulate": ("simulate", "Make realistic traffic with ground truth."),
    "topics": ("topics", "Plan and apply the topics a site needs."),
    "watchlist": ("watchlist", "Keep the watchlists in Redis."),
}
_FEW_KERNELS = ("hit-no-hit", "normalise", "policy")
"""Commands that start faster than all kernels compile."""


def _before(name: str) -> None:
    if name not in _FEW_KERNELS:
        prepare()


@click.group(
    cls=LazyGroup,
    table=COMMANDS,
    before=_before,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Example:  anpr demo --seconds 20 --headless",
)
@click.version_option(VERSION, prog_name="anpr", message="%(prog)s %(version)s")
def root() -> None:
    """Match plate reads of two countries' cameras against shared watchlists."""


def _fail(error: AnprError) -> None:
    click.echo(f"anpr: {error}", err=True)
    sys.stdout.flush()
    sys.exit(error.exit_code)


def main(args: list[str] | None = None) -> Any:  # noqa: ANN401 - click returns what a command does
    """Run the command line; errors meant for a person become one sentence and an exit code."""
    try:
        return root.main(args=args, prog_name="anpr", standalone_mode=False)
    except AnprError as error:
        _fail(error)
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("anpr: interrupted", err=True)
        sys.exit(130)
    except BrokenPipeError:
        # The reader of our output went away (`anpr … | head`); nothing is left to say to it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
