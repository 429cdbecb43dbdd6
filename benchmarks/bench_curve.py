"""Latency against load: reads on a schedule at rising rates, until no engine keeps up.

At each rate the engine is measured first; then the bare transactional round trip, with as many
transactions a second as the engine made and the same reads written beside it.
"""

import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks import workloads
from benchmarks.alerts import Stored, TopicReader, check_alerts
from benchmarks.backlog import Engines, engines_ready, worked_off
from benchmarks.bench_end_to_end import load_command
from benchmarks.bench_latency import Arrivals, Schedule, following
from benchmarks.definitions import Size
from benchmarks.engine_page import EnginePage, free_port, gained
from benchmarks.lab import READS_TOPIC, ROOT, Lab, WrongAnswer, expect, run_json
from benchmarks.measure import Outcome, percentile
from benchmarks.round_trip import round_trips_ms

REPEATS_MAX = 2
ARRIVAL_S_MAX = 10.0
LATE_MS_MAX = 500.0
"""A generator that is later than this cannot keep its schedule, and says nothing of the engine."""
BATCHES = 'anpr_stage_seconds_count{stage="publish"}'
COLUMNS = ("p50", "p99", "p999", "bare50", "bare99", "batches")
_ID = b'"read_id":"'


def rates_of(size: Size) -> dict[str, int]:
    """Give the loads in reads a second, by the name that their figures begin with."""
    return {name: rate for name, rate in size.items() if name.startswith("load")}


def run(lab: Lab, size: Size, repeats: int) -> Outcome:
    """Measure every rate, the engine and the bare round trip in turn, until it saturates."""
    kafka, redis_url = lab.kafka(), lab.redis(size["entries"])
    outcome = Outcome(digests={"entries": workloads.entries_digest(size["entries"])})
    stopped = ""
    for _ in range(min(repeats, REPEATS_MAX)):
        climb = Climb((kafka, redis_url), size)
        for name, found in climb.figures():
            outcome.add({f"{name}_{column}": value for column, value in found.items()})
        stopped = climb.stopped or stopped
    for name in rates_of(size):
        if f"{name}_p50" not in outcome.figures:
            outcome.missing |= {f"{name}_{column}": stopped for column in COLUMNS}
    return outcome


@dataclass(slots=True)
class Climb:
    """One engine at rising rates; `stopped` says at which it did not keep up, and why."""

    servers: tuple[str, str]
    size: Size
    stopped: str = ""

    def figures(self) -> Iterator[tuple[str, dict[str, float]]]:
        """Give the figures of each rate that is kept up with, by the rate's name."""
        kafka, size = self.servers[0], self.size
        found = self._of_engine()
        for name, figures in found.items():
            bare = _bare(kafka, _schedule(size, rates_of(size)[name]), figures["batches"])
            figures |= {"bare50": percentile(bare, 0.5), "bare99": percentile(bare, 0.99)}
            yield name, figures

    def _of_engine(self) -> dict[str, dict[str, float]]:
        kafka, size, page = self.servers[0], self.size, EnginePage(free_port())
        found: dict[str, dict[str, float]] = {}
        with engines_ready(*self.servers, Engines(1, page.told)), following(kafka) as arrivals:
            # An engine's first batch is no measure of the others.
            warm = workloads.ReadPlan(size["warm_reads"], size["entries"], 10)
            worked_off(kafka, warm, arrivals)
            for name, rate in rates_of(size).items():
                measured = _latencies(kafka, _schedule(size, rate), arrivals, page)
                if isinstance(measured, str):
                    self.stopped = f"at {rate:,} reads/s {measured}"
                    break
                found[name] = measured
        return found


def _schedule(size: Size, rate: int) -> Schedule:
    reads = rate * (size["seconds"] + size["warm_seconds"])
    one_in = max(2, rate // size["alerts_per_s"])
    plan = workloads.ReadPlan(reads, size["entries"], one_in, seed=rate)
    return Schedule(plan, rate, rate * size["warm_seconds"])


def _latencies(
    kafka: str, schedule: Schedule, arrivals: Arrivals, page: EnginePage
) -> dict[str, float] | str:
    """Measure one rate; says instead who did not keep up, where somebody did not."""
    arrivals.forget()
    reads, before = TopicReader(kafka, READS_TOPIC), page.read()
    try:
        starts = reads.ends()
        told = run_json(load_command(kafka, schedule.plan, schedule.reads_per_s))
        seconds = schedule.plan.reads / schedule.reads_per_s
        batches_per_s = gained(before, page.read(), BATCHES) / seconds
        if told["late_ms"] > LATE_MS_MAX:
            return f"the generator was {told['late_ms']:,.0f} ms late"
        if not _all_came(schedule, arrivals):
            return f"alerts were over {ARRIVAL_S_MAX:.0f} s late"
        found = latencies_ms(schedule, arrivals, reads.since(starts))
    finally:
        reads.close()
    shares = (("p50", 0.5), ("p99", 0.99), ("p999", 0.999))
    figures = {name: percentile(found, share) for name, share in shares}
    return {**figures, "batches": batches_per_s}


def _all_came(schedule: Schedule, arrivals: Arrivals) -> bool:
    # Late is saturated; another answer than the right one is an error as everywhere.
    try:
        arrivals.wait(workloads.listed_count(schedule.plan), ARRIVAL_S_MAX)
    except WrongAnswer:
        return False
    check_alerts(arrivals.values, workloads.listed_read_ids(schedule.plan))
    return True


def latencies_ms(schedule: Schedule, arrivals: Arrivals, stored: list[Stored]) -> list[float]:
    """Give each counted alert's time from its read's append until it was visible."""
    found = []
    for record in stored:
        start = record.value.index(_ID) + len(_ID)
        read_id = record.value[start : record.value.index(b'"', start)].decode()
        seen_ns = arrivals.seen_ns.get(read_id)
        if seen_ns is not None and int(read_id.rpartition("-")[2]) >= schedule.warm_reads:
            found.append(seen_ns / 1e6 - record.appended_ms)
    rows = workloads.listed_rows(schedule.plan, 0, schedule.plan.reads)
    expect("latencies", len(found), int(rows[schedule.warm_reads :].sum()))
    return found


def _bare(kafka: str, schedule: Schedule, batches_per_s: float) -> list[float]:
    """Make bare round trips for as long as the same reads are written beside them."""
    command = load_command(kafka, schedule.plan, schedule.reads_per_s)
    stop = threading.Event()
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL) as load:

        def until_written() -> None:
            load.wait()
            stop.set()

        watch = threading.Thread(target=until_written, name="load")
        watch.start()
        try:
            found = round_trips_ms(kafka, max(1.0, batches_per_s), stop)
        finally:
            stop.set()
            load.terminate()
            watch.join()
    expect("the generator's status", load.returncode, 0)
    return found
