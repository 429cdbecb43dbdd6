"""Options that several commands share."""

import getpass
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])


NOBODY = "unknown"


def logged_in() -> str:
    """Name who is logged in; a container's user may have no name."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return NOBODY


def config_option(command: Command) -> Command:
    """Add `--config FILE`."""
    return click.option(
        "--config",
        type=click.Path(path_type=Path, dir_okay=False),
        envvar="ANPR_CONFIG",
        help="TOML file with the site's settings; ANPR_… variables go over it.",
    )(command)


def place_options(command: Command) -> Command:
    """Add `--config`, `--site`, `--kafka` and `--redis`."""
    for option in (
        click.option("--redis", "redis_url", help="Redis address [ANPR_REDIS_URL]."),
        click.option("--kafka", help="host:port of the brokers [ANPR_KAFKA]."),
        click.option("--site", help="The site, such as be or nl [ANPR_SITE]."),
    ):
        command = option(command)
    return config_option(command)
