"""`anpr match`: a file of reads against a watchlist file, no broker and no Redis."""

import sys
from functools import partial
from typing import Any

import click

from anpr_engine.cli.reads_view import (
    EXIT_REJECTED,
    REJECTS_SHOWN_MAX,
    show_rejects,
    with_progress,
)
from anpr_engine.errors import AnprError
from anpr_engine.pipeline.match import NEAR_MIN
from anpr_engine.replay.engine import Engine, Hits
from anpr_engine.replay.results import check_output, hit_writer


@click.command(
    epilog="Example:  anpr match --watchlist entries.csv --reads reads.jsonl --out hits.jsonl",
)
@click.option("--watchlist", required=True, help="CSV or JSONL file of entries.")
@click.option("--reads", required=True, help=".jsonl or .parquet file, - for JSONL on stdin.")
@click.option("--out", required=True, help=".jsonl or .parquet file, - for JSONL on stdout.")
@click.option(
    "--min-probability",
    type=click.FloatRange(0, 1),
    default=0.0,
    show_default=True,
    help=f"Leave out hits that are less likely; unless given, near matches under {NEAR_MIN}.",
)
@click.option(
    "--traffic-share",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.0001,
    show_default=True,
    help="Assumed share of reads that are of any listed vehicle.",
)
@click.option("--cameras", help="What each camera usually sees: a file of `anpr cameras fit`.")
@click.option(
    "--misread-share",
    type=click.FloatRange(0, 0.5, min_open=True, max_open=True),
    help="Share of reads with an error in them; default: as the readers' errors were learned.",
)
@click.option(
    "--explain",
    type=click.IntRange(0),
    default=0,
    metavar="N",
    help="Explain the first N hits on stderr: what differs, and what the evidence is worth.",
)
def command(**given: Any) -> None:  # noqa: ANN401 - click hands over every option by name
    """Match reads against a watchlist and write every hit with its probability.

    Reads and rows that cannot be taken are named on stderr; the rest is done, and the exit code
    is then 3.
    """
    check_output(given["out"])
    watchlist, probability_min = given["watchlist"], given["min_probability"]
    engine = Engine(
        watchlist,
        traffic_share=given["traffic_share"],
        probability_min=probability_min,
        near_probability_min=probability_min or NEAR_MIN,
        cameras=given["cameras"],
        misread_share=given["misread_share"],
    )
    for problem in engine.problems[:REJECTS_SHOWN_MAX]:
        click.echo(f"watchlist row {problem.row}: {problem.reason}. {problem.text}", err=True)
    if not len(engine.snapshot):
        raise AnprError(
            f"No entry of {watchlist} can be used.", "Look at the rows named above, if any."
        )
    shown = explained = 0
    with hit_writer(given["out"]) as writer:
        batches = engine.stream(given["reads"])
        for hits in with_progress(batches, "matching", partial(_so_far, engine)):
            writer.write(list(hits))
            shown += show_rejects(hits.rejects, REJECTS_SHOWN_MAX - shown)
            explained += _explain(engine, hits, given["explain"] - explained)
    _summary(engine)
    if engine.totals.rejected or engine.problems:
        sys.exit(EXIT_REJECTED)


def _so_far(engine: Engine) -> str:
    return f"{engine.totals.reads:,} reads, {engine.totals.hits:,} hits"


def _explain(engine: Engine, hits: Hits, room: int) -> int:
    count = min(max(0, room), len(hits))
    for place in range(count):
        hit = hits[place]
        words = engine.explain(hit, hits.reads[place]).words()
        click.echo(f"read {hit.read_id}, entry {hit.entry_id} of {hit.list_id}: {words}", err=True)
    return count


def _summary(engine: Engine) -> None:
    totals = engine.totals
    reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(totals.by_reason.items()))
    refused = f"; {totals.rejected} no reads ({reasons})" if totals.rejected else ""
    rows = f"; {len(engine.problems)} watchlist rows refused" if engine.problems else ""
    text = f"{totals.reads} reads, {totals.hits} hits, {len(engine.snapshot)} entries"
    click.echo(f"{text}{refused}{rows}", err=True)
