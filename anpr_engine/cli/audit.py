"""`anpr audit`: checks a site's record, shows and exports it, signs its heads."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click
import msgspec

from anpr_engine.audit.check_heads import KnownKeys, report_of
from anpr_engine.audit.findings import AuditReport, Finding
from anpr_engine.audit.folder import heads_of
from anpr_engine.audit.heads import HeadLine
from anpr_engine.audit.verify import RecordCheck, VerifyRules
from anpr_engine.cli.audit_export import export
from anpr_engine.cli.audit_heads import heads, keys
from anpr_engine.cli.audit_show import show
from anpr_engine.cli.audit_source import (
    Asked,
    Found,
    asked_of,
    in_chunks,
    in_files,
    in_topic,
    record_options,
    signing,
    site_of,
)
from anpr_engine.cli.collector import calm_collector
from anpr_engine.clock import SystemClock

EXIT_TAMPERED = 1
FINDINGS_SHOWN_MAX = 100


@click.group(name="audit", epilog="Example:  anpr audit verify --site be --heads heads.jsonl")
def command() -> None:
    """Check, show and export a site's record of what was done, and sign its heads."""


command.add_command(show)
command.add_command(export)
command.add_command(heads)
command.add_command(keys)


@dataclass(frozen=True, slots=True)
class VerifyOptions:
    """What was asked for, beside which record."""

    files: tuple[Path, ...]
    heads: tuple[Path, ...]
    key: tuple[Path, ...]
    cosigner: tuple[Path, ...]
    part: bool
    as_json: bool


_PATH = click.Path(path_type=Path)


@command.command(
    epilog="Example:  anpr audit verify export/ --key be.pub --cosigner nl.pub --site be"
)
@click.argument("files", nargs=-1, type=click.Path(path_type=Path, exists=True))
@record_options
@click.option("--heads", multiple=True, type=_PATH, help="A file of signed heads.")
@click.option("--key", multiple=True, type=_PATH, help="A public key of the site.")
@click.option("--cosigner", multiple=True, type=_PATH, help="A public key of the other side.")
@click.option("--part", is_flag=True, help="A part is given: miss nothing before or after it.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def verify(**given: Any) -> None:  # noqa: ANN401 - click hands over every option by name
    """Check every line, link, head and signature of a record.

    FILES are JSONL files of lines, or one folder made by `anpr audit export`; without any the
    site's topic is read. The exit code is 0 when the record is sound and 1 when anything was
    found; all that was found is told, with its place.
    """
    calm_collector()
    asked = asked_of(given)
    options = VerifyOptions(**{name: given[name] for name in VerifyOptions.__slots__})
    found = in_files(options.files, asked) if options.files else in_topic(asked)
    clock = SystemClock()
    begun_s = clock.monotonic_s()
    report = _check(options, asked, found)
    seconds = clock.monotonic_s() - begun_s
    if options.as_json:
        click.echo(msgspec.json.encode(_as_json(report)))
    else:
        _print(report)
    rate = report.lines / max(seconds, 1e-6)
    click.echo(f"{report.lines:,} lines in {seconds:.1f} s, {rate:,.0f} a second", err=True)
    if not any(chain.heads for chain in report.chains):
        click.echo("No head was there: a cut or rewritten end cannot be told.", err=True)
    if not options.key:
        click.echo("No --key was given: signatures were not checked.", err=True)
    if not report.sound:
        click.get_current_context().exit(EXIT_TAMPERED)


def _check(options: VerifyOptions, asked: Asked, found: Found) -> AuditReport:
    heads_found, findings = list[HeadLine](), list(found.findings)
    for path in [*found.heads, *options.heads]:
        more, wrong = heads_of(path)
        heads_found += more
        findings += wrong
    whole = not (options.part or asked.cut)
    # Lines of files are as old as they are: only a topic's newest ones are due for a head now.
    now_us = 0 if options.files or not whole else SystemClock().now_us()
    site = (asked.site or "") if options.files else site_of(asked)
    rules = VerifyRules(site, from_start=whole, to_end=whole, now_us=now_us)
    check = RecordCheck(rules)
    for chunk in in_chunks(found.lines, "checking"):
        check.take(chunk)
    report = report_of(check, heads_found, known_keys(options.key, options.cosigner), rules)
    named = [_named(each, found.names) for each in report.findings]
    return replace(report, findings=[*findings, *named])


def known_keys(own: Sequence[Path], cosigners: Sequence[Path]) -> KnownKeys:
    """Read public keys.

    Raises:
        InputFileError: a file holds none.

    """
    if not own and not cosigners:
        return KnownKeys()
    door = signing()
    ours = [door.read_public(path) for path in own]
    theirs = [door.read_public(path) for path in cosigners]
    return KnownKeys({key.key_id: key for key in ours}, {key.key_id: key for key in theirs})


def _named(finding: Finding, names: Sequence[str]) -> Finding:
    """Say file and line in place of partition and offset, where lines came from files."""
    place = finding.place
    if not names or place.offset < 0 or place.source:
        return finding
    source = f"{names[place.partition]} line {place.offset + 1}"
    return replace(finding, place=replace(place, source=source, partition=-1, offset=-1))


def _print(report: AuditReport) -> None:
    for chain in report.chains:
        under = f", {chain.covered:,} under {chain.heads:,} heads" if chain.heads else ", no head"
        lines = f"lines {chain.first:,} to {chain.size - 1:,}{under}"
        click.echo(f"{chain.chain} in partition {chain.partition}: {lines}; last {chain.last}")
    for finding in report.findings[:FINDINGS_SHOWN_MAX]:
        click.echo(finding.words())
    more = len(report.findings) - FINDINGS_SHOWN_MAX
    if more > 0:
        click.echo(f"and {more:,} more; --json tells all")
    number = len(report.findings)
    click.echo("sound" if report.sound else f"not sound: {number:,} findings")


def _as_json(report: AuditReport) -> dict[str, Any]:
    return {
        "sound": report.sound,
        "lines": report.lines,
        "chains": report.chains,
        "findings": [
            {"kind": each.kind, "place": each.place, "detail": each.detail, "words": each.words()}
            for each in report.findings
        ],
    }
