"""`anpr watchlist preview` and `add --preview`: what an entry would do, before it is listed."""

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import click
import msgspec
import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from anpr_engine.cli.text_console import echo_console, text_console
from anpr_engine.cli.watchlist_options import store_options
from anpr_engine.cli.watchlist_store import open_store
from anpr_engine.errors import UsageError
from anpr_engine.pipeline.columns import FUZZY, WILDCARD
from anpr_engine.pipeline.decode import decode
from anpr_engine.pipeline.explain import pair_terms
from anpr_engine.pipeline.find import Pairs
from anpr_engine.pipeline.match import NEAR_MIN
from anpr_engine.pipeline.worth import Weights
from anpr_engine.plates.preview import (
    TEXTS_MAX,
    PlatePreview,
    PreviewRules,
    WildcardPreview,
    Worth,
    preview_plate,
    preview_wildcard,
)
from anpr_engine.plates.reading import ReadingModel, shipped_reading
from anpr_engine.plates.wildcard import Wildcard, listed_text, parse_wildcard
from anpr_engine.records.watchlist_entry import WatchlistEntry
from anpr_engine.watchlist.file_checks import FileRules, RowChecker
from anpr_engine.watchlist.file_rows import RawRow
from anpr_engine.watchlist.plate_checks import plate_counter
from anpr_engine.watchlist.snapshot import Snapshot, snapshot_of

Command = TypeVar("Command", bound=Callable[..., Any])

ENTRIES = 10_000
"""Entries assumed to be listed when nobody says how many there are."""
FROM_STDIN = "-"


def preview_options(command: Command) -> Command:
    """Add what a preview assumes: `--entries`, `--traffic-share`, `--confidence`, `--texts`."""
    share = click.FloatRange(0, 1, min_open=True, max_open=True)
    for option in (
        click.option(
            "--texts",
            "texts_max",
            type=click.IntRange(1, 100_000),
            default=TEXTS_MAX,
            show_default=True,
            help="Misreads to look at, the likeliest ones.",
        ),
        click.option(
            "--confidence",
            type=click.FloatRange(0, 1),
            help="How sure the reader is; default: any.",
        ),
        click.option(
            "--traffic-share",
            type=share,
            default=0.0001,
            show_default=True,
            help="Assumed share of reads that are of any listed vehicle.",
        ),
        click.option(
            "--entries",
            type=click.IntRange(1),
            help=f"Entries listed in all; default: as many as in Redis, else {ENTRIES:,}.",
        ),
    ):
        command = option(command)
    return command


@click.command(epilog="Example:  anpr watchlist preview 1-ABC-123 --country BE --entries 100000")
@click.argument("plate")
@click.option("--country", help="Where the plate was issued, two letters.")
@preview_options
@click.option("--characters-min", type=click.IntRange(1, 16), default=4, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@store_options
def command(**given: Any) -> None:  # noqa: ANN401 - click hands over every option by name
    """Show which misreads of PLATE would fire and how many other plates they are.

    Nothing is saved. PLATE is as it would be listed; - takes it from standard input.
    """
    plate = given["plate"]
    cells = {"plate": sys.stdin.readline().strip() if plate == FROM_STDIN else plate}
    cells["country"] = given["country"] or ""
    rules = FileRules("preview", characters_min=given["characters_min"], escaped=False)
    checked = RowChecker(rules).check(RawRow(1, {k: v for k, v in cells.items() if v}))
    if not isinstance(checked, WatchlistEntry):
        raise UsageError(f"It could not be listed: {checked.text}", f"See {checked.field}.")
    show_preview(checked, given)


def show_preview(entry: WatchlistEntry, given: Mapping[str, Any]) -> None:
    """Print what an entry would do, as the options ask for it."""
    found = _preview(entry, given)
    if given["as_json"]:
        click.echo(msgspec.json.encode(found))
    elif isinstance(found, PlatePreview):
        _show_plate(found)
    else:
        _show_wildcard(found)


def _preview(entry: WatchlistEntry, given: Mapping[str, Any]) -> PlatePreview | WildcardPreview:
    rules = PreviewRules(
        entries=given["entries"] or _entries_listed(given),
        traffic_share=given["traffic_share"],
        probability_min=NEAR_MIN,
        confidence=given["confidence"],
        characters_min=given["characters_min"],
        texts_max=given["texts_max"],
    )
    model = shipped_reading()
    worth = matcher_worth(entry, model, rules)
    wildcard = parse_wildcard(entry.plate)
    if isinstance(wildcard, Wildcard):
        country = entry.country or ""
        return preview_wildcard(wildcard, country, plate_counter(), worth, rules)
    return preview_plate(listed_text(entry.plate), model.channel, worth, rules)


def _entries_listed(given: Mapping[str, Any]) -> int:
    if not (given["redis_url"] or given["config"]):
        return ENTRIES
    with open_store(given, writing=False) as store:
        return max(1, sum(summary.entries for summary in store.reader.lists()))


def matcher_worth(entry: WatchlistEntry, model: ReadingModel, rules: PreviewRules) -> Worth:
    """Give the matcher's own probabilities of hits on an entry, as if it stood among others."""
    snapshot = snapshot_of([entry])
    wildcard = isinstance(parse_wildcard(entry.plate), Wildcard)
    tier = WILDCARD if wildcard else FUZZY
    weights = Weights(rules.traffic_share, rules.entries)

    def worth(texts: Sequence[str]) -> NDArray[np.float64]:
        return _probabilities(texts, (snapshot, model, weights), tier, rules.confidence)

    return worth


def _probabilities(
    texts: Sequence[str],
    by: tuple[Snapshot, ReadingModel, Weights],
    tier: int,
    confidence: float | None,
) -> NDArray[np.float64]:
    snapshot, model, weights = by
    told = {"read_id": "p", "camera_id": "p", "captured_at": "2026-01-01T00:00:00Z"}
    sure = {} if confidence is None else {"confidence": confidence}
    values = [msgspec.json.encode(told | sure | {"plate": text}) for text in texts]
    reads = decode(values, np.iinfo(np.int64).max)
    count = len(values)
    none = np.zeros(count, dtype=np.int64)
    tiers = np.full(count, tier, dtype=np.uint8)
    pairs = Pairs(np.arange(count), none, none.astype(np.bool_), tiers)
    return pair_terms(reads, pairs, snapshot, model, weights).probability


def _assumed(rules: PreviewRules) -> str:
    sure = "any confidence" if rules.confidence is None else f"confidence {rules.confidence:.2f}"
    return (
        f"Assumed: {rules.entries:,} entries in all, {rules.traffic_share:.3%} of the reads of "
        f"listed vehicles, {sure}."
    )


def _show_plate(found: PlatePreview) -> None:
    console = text_console()
    fits = f"fits {', '.join(found.formats)}" if found.formats else "fits no known format"
    exact = found.exact
    lost = max(0.0, 1 - found.found_share - found.below_share)
    near = f"of at least {found.rules.probability_min:g}"
    console.print(f"{found.plate} {fits}. {_assumed(found.rules)}")
    console.print(
        f"Read as listed ({exact.likelihood:.1%} of its reads), a hit is worth "
        f"{exact.probability:.4f}.\n"
        f"Of its misreads {found.firing:,} would fire with a probability {near}; "
        f"{found.firing_valid:,} of these are valid plates themselves. {found.below:,} would not.\n"
        f"Of its reads {found.found_share:.2%} fire and {found.below_share:.2%} do not; "
        f"{lost:.2%} are misread further than this looks.\n"
        f"{found.valid_near:,} other valid plates lie within one edit. Other vehicles give "
        f"{found.false_hits_per_million:.3g} hits in a million reads."
    )
    table = Table(box=None, pad_edge=False)
    for name in ("misread", "edits", "share of reads", "probability", "fires", "is itself"):
        numeric = name in ("edits", "share of reads", "probability")
        table.add_column(name, justify="right" if numeric else "left", no_wrap=True)
    for one in found.misreads:
        fires = "yes" if one.fires else "no"
        share, worth = f"{one.likelihood:.3%}", f"{one.probability:.4f}"
        valid = ", ".join(one.formats)
        table.add_row(one.text, str(one.edits), share, worth, fires, valid)
    if found.misreads:
        console.print("\nThe most frequent misreads:")
        console.print(table)
    echo_console(console)


def _show_wildcard(found: WildcardPreview) -> None:
    console = text_console()
    console.print(f"{found.plate}. {_assumed(found.rules)}")
    console.print(
        f"{found.plates:,} valid plates fit, {found.traffic_share:.5%} of the traffic: "
        f"{found.hits_per_million:.3g} hits in a million reads, each worth {found.probability:.4f}."
    )
    echo_console(console)
