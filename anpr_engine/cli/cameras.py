"""`anpr cameras`: learn what each camera usually sees from its reads, and show what is known."""

import sys
from functools import partial
from pathlib import Path

import click
import msgspec
from rich.table import Table

from anpr_engine.cli.reads_view import (
    EXIT_REJECTED,
    REJECTS_SHOWN_MAX,
    show_rejects,
    with_progress,
)
from anpr_engine.cli.text_console import echo_console, text_console
from anpr_engine.errors import AnprError
from anpr_engine.pipeline.normalise import normalise_plates
from anpr_engine.plates.camera_fit import CameraFit
from anpr_engine.plates.camera_mix import (
    CameraCounts,
    CameraMixes,
    camera_mixes,
    load_cameras,
    save_cameras,
)
from anpr_engine.plates.pack_files import country_packs
from anpr_engine.replay.sources import read_columns

CHARACTERS_MIN = 4
ANY_TIME_US = 2**62
"""Reads teach the same whenever they are learned from: none is refused for its time."""


@click.group(name="cameras", epilog="Example:  anpr cameras show cameras.json")
def command() -> None:
    """Learn what each camera usually sees, and show it."""


@command.command(epilog="Example:  anpr cameras fit reads.parquet --out cameras.json")
@click.argument("reads")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The file to make.")
@click.option("--quiet", is_flag=True, help="Say nothing of what was counted.")
def fit(reads: str, out: Path, *, quiet: bool) -> None:
    """Count each camera's reads by country; READS is .jsonl, .parquet, a pattern, or - for stdin.

    Reads that cannot be taken are named on stderr; the rest is counted, and the exit code is
    then 3. `match.cameras` and `anpr match --cameras` take the file.
    """
    found = CameraFit(country_packs())
    taken = refused = 0
    batches = read_columns(reads)
    if not quiet:
        batches = with_progress(batches, "counting", partial(_so_far, found))
    for take in batches:
        batch = take(ANY_TIME_US)
        found.take(batch, normalise_plates(batch, CHARACTERS_MIN))
        show_rejects(batch.rejects, REJECTS_SHOWN_MAX - refused, taken)
        taken += len(batch)
        refused += len(batch.rejects)
    counts = found.counts()
    if not counts.reads:
        raise AnprError(
            "No read can be used.",
            "Give reads whose plates fit a known format and whose reader was sure.",
        )
    save_cameras(counts, out)
    if not quiet:
        click.echo(f"{_summary(counts)}; {refused} no reads", err=True)
    if refused:
        sys.exit(EXIT_REJECTED)


def _so_far(found: CameraFit) -> str:
    return f"{found.reads + found.left_out:,} reads"


def _summary(counts: CameraCounts) -> str:
    return (
        f"version {counts.version}: {len(counts.cameras)} cameras, {counts.reads} reads counted, "
        f"{counts.left_out} left out (unsure, or of no known format)"
    )


@command.command(epilog="Example:  anpr cameras show cameras.json | jq .factors")
@click.argument("file", type=click.Path(path_type=Path))
def show(file: Path) -> None:
    """Show each camera's mix of countries: a table in a terminal, one JSON line each otherwise.

    `factors` say how much more often than all roads a camera is taken to see a country, after few
    reads were drawn towards 1.
    """
    counts = load_cameras(file)
    mixes = camera_mixes(counts, country_packs())
    if sys.stdout.isatty():
        _show_table(counts, mixes)
        return
    for camera, seen in counts.cameras.items():
        line = {
            "camera_id": camera,
            "reads": round(sum(seen.values())),
            "mix": _shares(seen),
            "factors": mixes.of_camera(camera.encode()),
        }
        click.echo(msgspec.json.encode(line))


def _shares(seen: dict[str, float]) -> dict[str, float]:
    total = sum(seen.values())
    return {country: round(count / total, 6) for country, count in seen.items()}


def _show_table(counts: CameraCounts, mixes: CameraMixes) -> None:
    table = Table(box=None, pad_edge=False)
    for place, column in enumerate(("camera", "reads", *counts.countries)):
        table.add_column(column, justify="right" if place else "left", no_wrap=True)
    for camera, seen in counts.cameras.items():
        shares = _shares(seen)
        factors = mixes.of_camera(camera.encode()) or {}
        cells = (
            f"{shares.get(country, 0.0):.1%} x{factors.get(country, 1.0):.2f}"
            for country in counts.countries
        )
        table.add_row(camera, f"{sum(seen.values()):,.0f}", *cells)
    console = text_console()
    console.print(table)
    console.print(f"{_summary(counts)}; x: how much more often than all roads, as it is used")
    echo_console(console)
