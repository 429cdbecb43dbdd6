"""Options that the commands between a site and its partners share."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from anpr_engine.audit.jws import Signer
from anpr_engine.audit.key_modules import secret_signer
from anpr_engine.errors import PolicyRefused, UsageError

Command = TypeVar("Command", bound=Callable[..., Any])
FILE = click.Path(path_type=Path, dir_okay=False)


def site_options(command: Command) -> Command:
    """Add where the site is, and who acts."""
    for option in (
        click.option("--by", envvar="ANPR_USER", help="Who acts [ANPR_USER]."),
        click.option("--kafka", envvar="ANPR_KAFKA", help="Brokers of the record [ANPR_KAFKA]."),
        click.option("--redis", "redis_url", envvar="ANPR_REDIS_URL", help="[ANPR_REDIS_URL]"),
        click.option("--site", envvar="ANPR_SITE", help="The site, such as be [ANPR_SITE]."),
        click.option("--config", type=FILE, envvar="ANPR_CONFIG", help="The site's settings."),
    ):
        command = option(command)
    return command


def reason_options(command: Command) -> Command:
    """Add what for, and in which case."""
    case = click.option("--case", "case_ref", help="In which case; goes into the record.")
    return click.option("--purpose", help="What for; goes into the record.")(case(command))


def require_by(given: Mapping[str, Any]) -> None:
    """Insist on who acts; raises `UsageError` where nobody says."""
    if not str(given["by"] or "").strip():
        raise UsageError("--by (ANPR_USER) is not given, and it is kept.", "Say who acts.")


def require_reasons(given: Mapping[str, Any], *names: str) -> None:
    """Insist on what for, and in which case.

    Raises:
        PolicyRefused: one of the options is not given.

    """
    for name in names:
        if not str(given[name] or "").strip():
            option = name.removesuffix("_ref")
            what = f"--{option} is not given: whoever asks about vehicles says why."
            raise PolicyRefused(what, "Give it; it goes into the record.")


def signer_of(file: str, setting: str) -> Signer:
    """Read the secret key that signs what goes out.

    Raises:
        UsageError: none is set, a package is missing, or others may read the file.
        InputFileError: it holds no secret key.

    """
    signer = secret_signer(file, "Signed files")
    if signer is None:
        what = f"There is no key to sign with: {setting} is not set."
        raise UsageError(what, "Make a pair with `anpr audit keys new --out FILE`.")
    return signer
