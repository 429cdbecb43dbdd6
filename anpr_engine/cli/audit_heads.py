"""`anpr audit heads` and `anpr audit keys`: signed heads of a record, and the keys for them."""

import os
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from anpr_engine.audit.check_heads import KnownKeys, Verifier, check_signatures, time_of
from anpr_engine.audit.cosign import cosign as cosign_heads
from anpr_engine.audit.folder import heads_of
from anpr_engine.audit.heads import HeadLine
from anpr_engine.audit.sign_heads import HeadSigner
from anpr_engine.cli.audit_source import (
    Asked,
    asked_of,
    in_files,
    in_topic,
    record_options,
    sealing,
    signing,
)
from anpr_engine.cli.run import stop_on_signals
from anpr_engine.cli.times import When
from anpr_engine.clock import SystemClock
from anpr_engine.errors import InputFileError

EXIT_REFUSED = 1
AGAIN_US = 3_600_000_000
"""How long before the newest head lines are read again: clocks differ, transactions take time."""
_PATH = click.Path(path_type=Path)


@click.group(name="keys", epilog="Example:  anpr audit keys new --out be.key")
def keys() -> None:
    """Make keys."""


@keys.command(epilog="Example:  anpr audit keys new --out be.key")
@click.option("--out", required=True, type=_PATH, help="The secret key; FILE.pub is beside it.")
@click.option("--seal", is_flag=True, help="X25519, for the sealed fields of alerts.")
def new(out: Path, *, seal: bool) -> None:
    """Make a pair of keys, Ed25519 for signing; only its owner may read the secret one."""
    door = signing()
    key = sealing().OpeningKey.new() if seal else door.SecretKey.new()
    public = door.write_pair(out, key)
    click.echo(f"key {key.key_id}: secret in {out}, public in {public}")


@click.group(name="heads", epilog="Example:  anpr audit heads sign --key be.key --out heads.jsonl")
def heads() -> None:
    """Sign what a record was at a time, and cosign what the other side signed."""


@dataclass(frozen=True, slots=True)
class SignOptions:
    """What was asked for, beside which record."""

    files: tuple[Path, ...]
    key: Path
    out: Path
    follow: bool
    every: float


@heads.command(
    epilog="Example:  anpr audit heads sign --site be --key be.key --out h.jsonl --follow"
)
@click.argument("files", nargs=-1, type=click.Path(path_type=Path, exists=True))
@record_options
@click.option("--key", required=True, type=_PATH, help="The site's secret key.")
@click.option("--out", required=True, type=_PATH, help="File of heads; new ones are added.")
@click.option("--follow", is_flag=True, help="Go on until stopped.")
@click.option(
    "--every", type=click.FloatRange(0.1), default=60.0, show_default=True, help="Seconds."
)
def sign(**given: Any) -> None:  # noqa: ANN401 - click hands over every option by name
    """Sign a head of each chain of the site's record.

    Lines that do not continue their chain get no head: they are told, and the exit code is 1.
    """
    asked = asked_of(given)
    options = SignOptions(**{name: given[name] for name in SignOptions.__slots__})
    key = signing().read_secret(options.key)
    done = _known(options.out, {key.key_id: key.public})
    signer, clock = _signer(done, key), SystemClock()
    stop = stop_on_signals() if options.follow else threading.Event()
    while True:
        found = in_files(options.files, asked) if options.files else in_topic(_since(asked, done))
        signer.take(found.lines)
        made = signer.make(clock.now_us())
        _add(options.out, made)
        done = made or done
        click.echo(f"{len(made)} heads signed with {key.key_id}", err=True)
        if signer.problems() or not options.follow or stop.wait(options.every):
            break
    _leave(signer.problems())


def _since(asked: Asked, done: list[HeadLine]) -> Asked:
    """Read no more of the topic than what may not be under a head yet."""
    if not done or asked.begin is not None:
        return asked
    newest: dict[str, float] = {}
    for line in done:
        newest[line.head.chain] = time_of(line.head).timestamp()
    at_us = round(min(newest.values()) * 1e6) - AGAIN_US
    return Asked(asked.config, asked.site, asked.kafka, begin=When("", at_us), until=asked.until)


def _signer(done: list[HeadLine], key: Any) -> HeadSigner:  # noqa: ANN401 - see `signing`
    try:
        return HeadSigner(done, key)
    except ValueError as error:
        raise InputFileError(f"The heads in --out are damaged: {error}.", "Restore it.") from None


def _known(path: Path, own: dict[str, Verifier]) -> list[HeadLine]:
    """Read the heads there are; only what this key has signed is gone on from."""
    if not path.exists():
        return []
    found, wrong = heads_of(path)
    wrong += [each for line in found for each in check_signatures(line, KnownKeys(own))]
    if wrong:
        what = f"{path} cannot be gone on from: {wrong[0].words()}."
        raise InputFileError(what, "Give the key that signed it, or another --out.")
    return found


@heads.command(
    epilog="Example:  anpr audit heads cosign --key nl.key --site-key be.pub --heads be.jsonl "
    "--out be-cosigned.jsonl"
)
@click.option("--key", required=True, type=_PATH, help="This side's secret key.")
@click.option("--site-key", required=True, multiple=True, type=_PATH, help="The site's public key.")
@click.option("--heads", "given", required=True, type=_PATH, help="The site's signed heads.")
@click.option("--out", required=True, type=_PATH, help="Cosigned heads; new ones are added.")
def cosign(key: Path, site_key: tuple[Path, ...], given: Path, out: Path) -> None:
    """Sign the other side's heads that continue those signed before; no line is needed.

    A head whose record was changed under what was signed is refused, and all behind it; each is
    told, and the exit code is 1.
    """
    door = signing()
    secret = door.read_secret(key)
    public = {each.key_id: each for each in map(door.read_public, site_key)}
    found, wrong = heads_of(given)
    done = _known(out, {secret.key_id: secret.public})
    result = cosign_heads(found, done, public, secret)
    _add(out, result.heads)
    click.echo(f"{len(result.heads)} heads cosigned with {secret.key_id}", err=True)
    refused = [f"{line.place}: head {line.head.number}: {why}" for line, why in result.refused]
    _leave([*(each.words() for each in wrong), *refused])


def _add(path: Path, made: Iterable[HeadLine]) -> None:
    try:
        with path.open("ab") as file:
            file.write(b"".join(head.line() + b"\n" for head in made))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        what = f"{path} cannot be written: {error.strerror}."
        raise InputFileError(what, "Give --out another place.") from None


def _leave(problems: list[str]) -> None:
    for problem in problems:
        click.echo(f"not signed: {problem}", err=True)
    if problems:
        click.get_current_context().exit(EXIT_REFUSED)
