"""`anpr replay`: past reads, of files or of Kafka, through the same pipeline to hits."""

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from anpr_engine.cli.options import place_options
from anpr_engine.cli.reads_view import EXIT_REJECTED, REJECTS_SHOWN_MAX
from anpr_engine.cli.replay_options import ReplayOptions, replay_options
from anpr_engine.cli.replay_purpose import ask_for_reason, note_replay, use_replay_leave
from anpr_engine.cli.replay_site import ReplaySite, site_of
from anpr_engine.cli.replay_view import ReplayView, closing_line, stderr_is_terminal, summary
from anpr_engine.cli.times import us_of
from anpr_engine.clock import SystemClock
from anpr_engine.errors import InputFileError, UsageError
from anpr_engine.logs import configure_logs
from anpr_engine.replay.file_reads import FileReads
from anpr_engine.replay.kafka_reads import KafkaReads, Wanted
from anpr_engine.replay.lists import Lists, lists_of_file, lists_of_redis
from anpr_engine.replay.parts import VERSION_OF_PARTS, Identity, Manifest, Parts, refuse_other
from anpr_engine.replay.replay import Outcome, Replay, ReplayRules
from anpr_engine.replay.results import check_output
from anpr_engine.replay.sources import STDIN
from anpr_engine.replay.units import Plan, Source, file_as_it_is, found_files, plan_files
from anpr_engine.replay.work import worker_count
from anpr_engine.version import VERSION


@click.command(
    epilog="\b\nExample:  anpr replay --reads 'reads/*.parquet' --watchlist entries.csv "
    "--out hits.parquet\n          anpr replay --config be.toml --from -7d --to -1d "
    "--purpose burglary --case AN-17 --out hits.jsonl"
)
@place_options
@replay_options
def command(**given: Any) -> None:  # noqa: ANN401 - click hands over every option by name
    """Match past reads against watchlists and write every hit; no alert comes of it.

    Reads come from files, or from the site's topic on Kafka, of which no offset is saved. Who
    replays a topic, and why, goes into the site's record first; for another purpose than the lists'
    it is refused with exit code 4, and where audit.required is set without --purpose and --case.
    Entries count for the reads made while they were in force. The output appears whole or not at
    all; the digest told at the end is the same for the same hits.

    What is done when a replay is interrupted is kept beside the output, in OUT.part: the same
    command goes on from there, and -2h is then still what it was. It is refused when reads, options
    or lists changed; for a long replay against Redis, export the lists first. Reads that cannot be
    taken are named on stderr; the exit code is then 3.
    """
    options = ReplayOptions(**given)
    options.check()
    check_output(options.out)
    configure_logs(verbose=False)
    site = site_of(options)
    ask_for_reason(options, required=site.audit_required)
    clock = SystemClock()
    with _parts(options) as parts:
        manifest, lists = _begin(options, site, parts, clock.now_us())
        plan, begun_us = manifest.plan, manifest.begun_us
        since, until = (us_of(when, begun_us) for when in (options.since, options.until))
        rules = ReplayRules(site.rules, since, until)
        replay = Replay(_source(site), lists.snapshot, rules, parts, manifest)
        with ReplayView(plan, replay.before, clock, shown=stderr_is_terminal()) as view:
            outcome = _run(replay, view, options)
        replay.write(options.out)
    summary(outcome, len(lists.snapshot), view.elapsed_s)
    if options.as_json:
        line = closing_line(outcome, len(lists.snapshot), view.elapsed_s)
        click.echo(line, err=options.out == STDIN)
    if outcome.tally.rejected or lists.problems:
        sys.exit(EXIT_REJECTED)


def _begin(
    options: ReplayOptions, site: ReplaySite, parts: Parts, now_us: int
) -> tuple[Manifest, Lists]:
    """Take up what was begun, or begin; gives also the lists."""
    if options.restart or parts.is_empty():
        parts.clear()
    begun = parts.begun()
    begun_us = now_us if begun is None else begun.begun_us
    since_us, until_us = us_of(options.since, begun_us), us_of(options.until, begun_us)
    if since_us is not None and until_us is not None and since_us >= until_us:
        raise UsageError("--from is no earlier than --to.", "Give an earlier --from.")
    lists = _lists(options, site, begun_us)
    if site.history is not None:
        use_replay_leave(options, site, begun=begun is not None)
        profiles, required = lists.snapshot.profiles, site.audit_required
        note_replay(options, site.history.topic, profiles, required=required)
    paths = found_files(options.files)
    identity = Identity(
        VERSION,
        {**site.asked, **options.as_asked()},
        lists.version,
        [file_as_it_is(path) for path in paths if path != STDIN],
    )
    if begun is not None:
        refuse_other(begun.identity, identity, parts.folder)
        return begun, lists
    plan = _plan(options, site, begun_us, paths)
    manifest = Manifest(VERSION_OF_PARTS, begun_us, identity, plan)
    parts.begin(manifest)
    return manifest, lists


def _run(replay: Replay, view: ReplayView, options: ReplayOptions) -> Outcome:
    done, units = replay.units_done()
    if done:
        click.echo(f"going on: {done} of {units} units are done already", err=True)
    try:
        return replay.run(worker_count(options.workers), view)
    except KeyboardInterrupt:
        done, units = replay.units_done()
        if options.resumable and done:
            kept = f"{done} of {units} units are kept; the same command goes on from there"
            click.echo(f"anpr: {kept}", err=True)
        raise


def _lists(options: ReplayOptions, site: ReplaySite, begun_us: int) -> Lists:
    as_of_us = us_of(options.as_of, begun_us)
    if options.watchlist is None:
        return lists_of_redis(site.redis_url, as_of_us, site.trust)
    lists = lists_of_file(options.watchlist, site.rules.characters_min, as_of_us)
    for problem in lists.problems[:REJECTS_SHOWN_MAX]:
        click.echo(f"watchlist row {problem.row}: {problem.reason}. {problem.text}", err=True)
    if lists.problems:
        click.echo(f"{len(lists.problems)} watchlist rows refused", err=True)
    return lists


def _source(site: ReplaySite) -> Source:
    return FileReads() if site.history is None else KafkaReads(site.history, site.rules.records)


def _plan(options: ReplayOptions, site: ReplaySite, begun_us: int, paths: list[str]) -> Plan:
    if site.history is None:
        return plan_files(paths)
    wanted = Wanted(
        from_us=us_of(options.since, begun_us),
        until_us=us_of(options.until, begun_us),
        ahead_us=site.rules.future_us_max,
        late_us=options.late,
        begins=options.from_offset,
        ends=options.to_offset,
    )
    return KafkaReads(site.history, site.rules.records).plan(wanted)


@contextmanager
def _parts(options: ReplayOptions) -> Iterator[Parts]:
    """Open the folder for what is done: beside the output, or one that is gone afterwards."""
    if options.resumable:
        with Parts(Path(f"{options.out}.part")) as parts:
            yield parts
        return
    beside = None if options.out == STDIN else Path(options.out).parent
    try:
        folder = tempfile.mkdtemp(prefix=".anpr-replay-", dir=beside)
    except OSError as error:
        what = f"The output {options.out} cannot be written: {error.strerror}."
        raise InputFileError(what, "Give another path.") from None
    try:
        with Parts(Path(folder)) as parts:
            yield parts
    finally:
        shutil.rmtree(folder, ignore_errors=True)
