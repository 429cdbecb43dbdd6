"""`anpr hit-no-hit keys`: the keys of an operation, which make and die with its pseudonyms."""

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from anpr_engine.cli.partner_options import FILE
from anpr_engine.cli.secret_files import (
    destroy,
    read_secret_file,
    replace_private,
    write_private,
)
from anpr_engine.policy.operation_keys import ring_of, ring_text
from anpr_engine.policy.pseudonym import LIFE, SECRET_BYTES, KeyRing, OperationKey

days_option = click.option(
    "--days",
    type=click.IntRange(1, 366),
    default=LIFE.days,
    show_default=True,
    help="How long the key lives.",
)


@click.group(
    name="keys",
    epilog="Example:  anpr hit-no-hit keys new --operation bus --country BE --out bus.keys",
)
def command() -> None:
    """Make, follow, replace, show and destroy the keys of an operation.

    Both sides need the same file. It goes by a way of its own: whoever has it can try plates.
    """


def read_ring(file: Path) -> KeyRing:
    """Read the keys of an operation.

    Raises:
        UsageError: others may read the file.
        InputFileError: it holds none.

    """
    return ring_of(read_secret_file(file), str(file))


def _tell(ring: KeyRing, *, as_json: bool = False) -> None:
    now = datetime.now(UTC)
    for key in ring.keys:
        state = "ended" if key.valid_until <= now else "in use" if key.lives(now) else "to come"
        told = {
            "key_id": key.key_id,
            "operation": key.operation,
            "country": key.country,
            "state": state,
            "valid_from": key.valid_from.isoformat(timespec="seconds"),
            "valid_until": key.valid_until.isoformat(timespec="seconds"),
        }
        click.echo(json.dumps(told) if as_json else "  ".join(told.values()))


@command.command(
    epilog="Example:  anpr hit-no-hit keys new --operation bus --country BE --out b.keys"
)
@click.option("--operation", required=True, help="Its name: small letters, digits and hyphens.")
@click.option("--country", required=True, help="Of the site that answers, such as BE.")
@click.option("--out", required=True, type=FILE, help="A new file; only its owner may read it.")
@days_option
def new(operation: str, country: str, out: Path, days: int) -> None:
    """Make the first key of an operation; it is in use at once."""
    secret, now = os.urandom(SECRET_BYTES), datetime.now(UTC).replace(microsecond=0)
    ring = KeyRing((OperationKey(secret, operation, country, now, timedelta(days=days)),))
    write_private(out, ring_text(ring))
    _tell(ring)


@command.command(name="next", epilog="Example:  anpr hit-no-hit keys next bus.keys")
@click.argument("file", type=FILE)
@days_option
def next_(file: Path, days: int) -> None:
    """Add the key that takes over when the last one ends; those that ended go."""
    now = datetime.now(UTC)
    followed = read_ring(file).followed(os.urandom(SECRET_BYTES), timedelta(days=days))
    ring = followed.pruned(now)
    replace_private(file, ring_text(ring))
    _tell(ring)


@command.command(epilog="Example:  anpr hit-no-hit keys replace bus.keys")
@click.argument("file", type=FILE)
@days_option
def replace(file: Path, days: int) -> None:
    """Put a new key in place at once, when the file may have been seen; all others die."""
    now = datetime.now(UTC).replace(microsecond=0)
    ring = read_ring(file).replaced(os.urandom(SECRET_BYTES), now, timedelta(days=days))
    replace_private(file, ring_text(ring))
    _tell(ring)


@command.command(epilog="Example:  anpr hit-no-hit keys prune bus.keys")
@click.argument("file", type=FILE)
def prune(file: Path) -> None:
    """Take out and destroy the keys that have ended; the file too, when none is left."""
    ring = read_ring(file).pruned(datetime.now(UTC))
    if not ring.keys:
        destroy(file)
        click.echo("the last key has ended: the file is destroyed", err=True)
        return
    replace_private(file, ring_text(ring))
    _tell(ring)


@command.command(epilog="Example:  anpr hit-no-hit keys show bus.keys")
@click.argument("file", type=FILE)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def show(file: Path, *, as_json: bool) -> None:
    """Show the keys by name and time; no secret is shown."""
    _tell(read_ring(file), as_json=as_json)


@command.command(name="destroy", epilog="Example:  anpr hit-no-hit keys destroy bus.keys")
@click.argument("file", type=FILE)
def destroy_(file: Path) -> None:
    """Write over the file and take it away: its pseudonyms can be traced to nothing any more."""
    for key in read_ring(file).keys:
        key.destroy()
    destroy(file)
