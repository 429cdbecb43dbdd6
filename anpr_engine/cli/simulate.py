"""`anpr simulate`: realistic traffic with ground truth, into a file or onto Kafka."""

import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any

import click
from pydantic import TypeAdapter, ValidationError

from anpr_engine.clock import SystemClock
from anpr_engine.errors import UsageError
from anpr_engine.ports import Clock
from anpr_engine.records.fields import Timestamp
from anpr_engine.replay.sources import read_tables_door
from anpr_engine.simulate.avro_records import avro_read, avro_reads
from anpr_engine.simulate.lists import listed_vehicles, sample_entries
from anpr_engine.simulate.playback import EachWriter, GatheredWriter, RecordForm, Tally, play
from anpr_engine.simulate.rendering import SimulatedRead
from anpr_engine.simulate.roads import SITES
from anpr_engine.simulate.traffic import ReadWriter, Traffic
from anpr_engine.simulate.truth import truth_line, write_lists
from anpr_engine.simulate.vehicles import make_fleet
from anpr_engine.version import VERSION
from anpr_engine.wiring import open_read_writer

KAFKA = "kafka"
AVRO = b"application/vnd.apache.avro"
STDOUT = "-"
JSON_LINES, PARQUET = "jsonl", "parquet"
FILE_FORMS = (JSON_LINES, PARQUET)
KAFKA_FORMS = ("json", "ndjson", "arrow", "avro", "avro-batch")
GROUP_READS = 65_536
"""Reads of a Parquet file's row group."""
_PROGRESS_STEP = 1000


@dataclass(frozen=True, slots=True)
class SimulateOptions:
    """What was asked for; the fields are the command's options."""

    rate: float
    seconds: float
    sites: tuple[str, ...]
    seed: int
    out: str
    truth: Path | None
    lists: Path | None
    per_list: int
    listed_share: float
    start: datetime | None
    kafka: str | None
    form: str | None
    batch: int


def _parse_sites(_ctx: click.Context, _param: click.Parameter, value: str) -> tuple[str, ...]:
    sites = tuple(dict.fromkeys(part.strip() for part in value.split(",")))
    unknown = [site for site in sites if site not in SITES]
    if unknown:
        message = f"{', '.join(map(repr, unknown))} is no simulated site; allowed: be, nl."
        raise click.BadParameter(message)
    return sites


def _parse_start(
    _ctx: click.Context, _param: click.Parameter, value: str | None
) -> datetime | None:
    if value is None:
        return None
    try:
        start: datetime = TypeAdapter(Timestamp).validate_python(value)
    except ValidationError:
        message = f"{value!r} is no RFC 3339 time, such as 2026-11-22T08:00:00Z."
        raise click.BadParameter(message) from None
    return start.astimezone(UTC)


@click.command(
    epilog="\b\nExample:  anpr simulate --rate 500 --seconds 60 --out reads.jsonl --truth t.jsonl"
)
@click.option(
    "--rate",
    type=click.FloatRange(0.1, 100_000),
    required=True,
    help="Reads a second, of all sites together.",
)
@click.option(
    "--seconds", type=click.FloatRange(0.1), required=True, help="How much event time to make."
)
@click.option(
    "--sites", default="be,nl", show_default=True, callback=_parse_sites, help="Whose cameras."
)
@click.option(
    "--seed",
    type=click.IntRange(0, 2**32),
    default=1,
    show_default=True,
    help="Same seed and start: same bytes.",
)
@click.option(
    "--out",
    default=STDOUT,
    show_default=True,
    help="A JSONL or .parquet file, - for stdout, or kafka for the sites' read topics in real "
    "time.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice([*FILE_FORMS, *KAFKA_FORMS]),
    help="Of a file jsonl or parquet, default by its ending; of Kafka's records json (one read "
    "each, default), ndjson, arrow or avro-batch (many), or avro (one each). Avro's schema ids: 1 "
    'for one read; 2 for many, which the engine takes by ingest.avro_schemas, "2" = '
    '"plate_reads.v1".',
)
@click.option(
    "--batch",
    type=click.IntRange(1, 65_536),
    default=500,
    show_default=True,
    help="Reads in a record of ndjson, arrow or avro-batch at most.",
)
@click.option("--truth", type=click.Path(path_type=Path), help="A JSONL file for the truth.")
@click.option(
    "--lists",
    type=click.Path(path_type=Path, file_okay=False),
    help="A folder for the sample watchlists, one CSV file a site.",
)
@click.option(
    "--per-list",
    type=click.IntRange(1, 500),
    default=60,
    show_default=True,
    help="Vehicles of the fleet on each sample watchlist.",
)
@click.option(
    "--listed-share",
    type=click.FloatRange(0, 1),
    default=0.0005,
    show_default=True,
    help="Share of the reads that are of a listed vehicle.",
)
@click.option(
    "--start",
    callback=_parse_start,
    help="Event time of the first read (RFC 3339); default: so that the last read is of now.",
)
@click.option(
    "--kafka", envvar="ANPR_KAFKA", help="host:port of the broker, for --out kafka [ANPR_KAFKA]."
)
@click.version_option(VERSION, prog_name="anpr simulate", message="%(prog)s %(version)s")
def command(**given: Any) -> None:  # noqa: ANN401 - click hands over every option by name
    """Make realistic, seeded traffic with ground truth, misreads included."""
    options = SimulateOptions(**given)
    if options.out == KAFKA and not options.kafka:
        what = "--out kafka needs a broker and none is given."
        raise UsageError(what, "Give --kafka host:port, or set ANPR_KAFKA.")
    form = _form_of(options)
    make_fleet(options.seed)  # takes half a second; the traffic is to start after that
    traffic = _traffic(options)
    tally = Tally()
    try:
        with ExitStack() as stack:
            reads = tally.count(_reads(options, traffic, form, stack))
            truth = stack.enter_context(options.truth.open("wb")) if options.truth else None
            _write_truth(_with_progress(reads, options), truth)
    except BrokenPipeError:
        raise
    except OSError as error:
        what = f"{error.filename or options.out} cannot be written: {error.strerror}."
        raise UsageError(what, "Give another path.") from None
    summary = f"{tally.reads} reads, {tally.misread} misread, {tally.listed} of listed vehicles"
    click.echo(summary, err=True)


def _traffic(options: SimulateOptions) -> Traffic:
    """Set up the traffic, and write the sample watchlists when asked."""
    fleet = make_fleet(options.seed)
    now = datetime.now(UTC).replace(microsecond=0)
    past = timedelta(0) if options.out == KAFKA else timedelta(seconds=options.seconds)
    start = options.start or now - past
    entries = sample_entries(options.seed, fleet, options.per_list, start)
    if options.lists:
        try:
            paths = write_lists(options.lists, entries)
        except OSError as error:
            what = f"{error.filename} cannot be written: {error.strerror}."
            raise UsageError(what, "Give another folder with --lists.") from None
        click.echo(f"watchlists: {', '.join(str(path) for path in paths)}", err=True)
    listed = listed_vehicles(entries, fleet)
    return Traffic(options.seed, start, options.rate, options.sites, listed, options.listed_share)


def _form_of(options: SimulateOptions) -> str:
    """Settle the form of what is written."""
    to_kafka = options.out == KAFKA
    by_ending = PARQUET if options.out.endswith(".parquet") else JSON_LINES
    form = options.form or (KAFKA_FORMS[0] if to_kafka else by_ending)
    allowed = KAFKA_FORMS if to_kafka else FILE_FORMS
    if form not in allowed:
        what = f"--format {form} does not go with --out {options.out}."
        raise UsageError(what, f"Give {' or '.join(allowed)}.")
    if form == PARQUET and options.out == STDOUT:
        raise UsageError("A Parquet file cannot go to stdout.", "Give --out FILE.parquet.")
    return form


def _reads(
    options: SimulateOptions, traffic: Traffic, form: str, stack: ExitStack
) -> Iterator[SimulatedRead]:
    """Give each read once it is where it was to go."""
    if options.out == KAFKA:
        clock, stop = SystemClock(), threading.Event()
        writer = _writer(options, form, clock)
        blocks = play(traffic, options.seconds, writer, clock, stop)
        return (read for block in blocks for read in block)
    reads = traffic.reads(options.seconds)
    if form == PARQUET:
        return _into_parquet(Path(options.out), reads)
    if options.out == STDOUT:
        return _into(sys.stdout.buffer, reads)
    path = Path(options.out)
    file = stack.enter_context(path.open("wb"))
    return _into(file, reads)


def _writer(options: SimulateOptions, form: str, clock: Clock) -> ReadWriter:
    """Open what takes reads to Kafka, one a record or many."""
    writer = open_read_writer(options.kafka or "")
    if form == "ndjson":
        lines = RecordForm(b"\n".join, b"application/x-ndjson", options.batch)
        return GatheredWriter(writer, lines, clock)
    if form == "arrow":
        pack = read_tables_door().arrow_record
        stream = RecordForm(pack, b"application/vnd.apache.arrow.stream", options.batch)
        return GatheredWriter(writer, stream, clock)
    if form == "avro-batch":
        return GatheredWriter(writer, RecordForm(avro_reads, AVRO, options.batch), clock)
    return EachWriter(writer, avro_read, AVRO) if form == "avro" else writer


def _into_parquet(path: Path, reads: Iterable[SimulatedRead]) -> Iterator[SimulatedRead]:
    file = read_tables_door().ParquetReads(path)
    try:
        waiting: list[bytes] = []
        for read in reads:
            waiting.append(read.json_bytes)
            if len(waiting) == GROUP_READS:
                file.write(waiting)
                waiting = []
            yield read
        file.write(waiting)
        file.close()
    finally:
        file.discard()


def _into(file: IO[bytes], reads: Iterable[SimulatedRead]) -> Iterator[SimulatedRead]:
    for read in reads:
        file.write(read.json_bytes + b"\n")
        yield read


def _write_truth(reads: Iterable[SimulatedRead], file: IO[bytes] | None) -> None:
    for read in reads:
        if file is not None:
            file.write(truth_line(read))


def _with_progress(
    reads: Iterable[SimulatedRead], options: SimulateOptions
) -> Iterator[SimulatedRead]:
    """Show a progress bar on stderr when that is a terminal."""
    if not sys.stderr.isatty():
        yield from reads
        return
    expected = max(1, round(options.rate * options.seconds))
    with click.progressbar(length=expected, label="reads", file=sys.stderr) as bar:
        for number, read in enumerate(reads, start=1):
            yield read
            if number % _PROGRESS_STEP == 0:
                bar.update(_PROGRESS_STEP)
