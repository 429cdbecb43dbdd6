"""From a read's append to its alert at a reader of committed records, on a fixed schedule.

Three processes: the load generator, the engine, and this one, which follows the alerts. When each
read was appended is looked up afterwards on the reads topic, whose times are the broker's own in
whole milliseconds, rounded down, so a latency comes out up to one millisecond too long.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from anpr_engine.kafka.writer import ReadWriter
from anpr_engine.wire import CROSS_BORDER_TOPIC
from benchmarks import workloads
from benchmarks.alerts import Stored, TopicReader, check_alerts, noted
from benchmarks.bench_end_to_end import load_command
from benchmarks.definitions import Size
from benchmarks.lab import (
    READS_TOPIC,
    Lab,
    WrongAnswer,
    engine_running,
    engine_settings,
    expect,
    run_json,
)
from benchmarks.measure import Outcome, percentile

ARRIVAL_S_MAX = 30.0
NAMES = ("high", "low", "usual")
"""Rates, with as many reads of listed vehicles as the benchmark's size says of each."""
WARM_UP_SEED = 99


@dataclass(slots=True)
class Arrivals:
    """Alerts as they become visible: the read they are about, when, and their bytes."""

    seen_ns: dict[str, int] = field(default_factory=dict)
    values: list[bytes] = field(default_factory=list)
    _news: threading.Condition = field(default_factory=threading.Condition)

    def note(self, value: bytes, at_ns: int) -> None:
        """Take one alert."""
        read_id: str = json.loads(value)["read"]["read_id"]
        with self._news:
            self.values.append(value)
            self.seen_ns.setdefault(read_id, at_ns)
            self._news.notify_all()

    def forget(self) -> None:
        """Start anew."""
        with self._news:
            self.seen_ns.clear()
            self.values.clear()

    def wait(self, count: int, seconds: float) -> None:
        """Wait for a number of alerts; raises `WrongAnswer` when they do not come."""
        with self._news:
            if not self._news.wait_for(lambda: len(self.values) >= count, seconds):
                raise WrongAnswer(f"{len(self.values)} of {count} alerts came in {seconds:.0f} s")


@dataclass(frozen=True, slots=True)
class Schedule:
    """What is sent: reads in all, how many a second, and how many of the first do not count."""

    plan: workloads.ReadPlan
    reads_per_s: int
    warm_reads: int


def run(lab: Lab, size: Size, repeats: int) -> Outcome:
    """Measure every rate in each repeat, one engine after the other."""
    kafka, redis_url = lab.kafka(), lab.redis(size["entries"])
    outcome = Outcome(digests={"entries": workloads.entries_digest(size["entries"])})
    for turn in range(repeats):
        settings = engine_settings(kafka, redis_url)
        # Behind everything that other benchmarks left on the topic, not from its beginning.
        skip_to_end(kafka, settings["ANPR_GROUP"])
        figures: dict[str, float] = {}
        with engine_running(settings), following(kafka) as arrivals:
            _wait_for_engine(kafka, size["entries"], arrivals)
            for place, name in enumerate(NAMES):
                schedule = _schedule(size, name, seed=2 + len(NAMES) * turn + place)
                figures |= _figures(name, _measure(kafka, schedule, arrivals))
        outcome.add(figures)
    return outcome


def _figures(name: str, latencies: dict[str, list[float]]) -> dict[str, float]:
    shares = (("p50", 0.5), ("p99", 0.99), ("p999", 0.999))
    found = {
        f"{name}_{label}_ms": percentile(latencies["appended"], share) for label, share in shares
    }
    if name == "high":
        found["high_due_p99_ms"] = percentile(latencies["due"], 0.99)
    return found


def _schedule(size: Size, name: str, seed: int) -> Schedule:
    rate = size[f"rate_{name}"]
    reads = rate * (size["seconds"] + size["warm_seconds"])
    plan = workloads.ReadPlan(reads, size["entries"], size[f"one_in_{name}"], seed)
    return Schedule(plan, rate, rate * size["warm_seconds"])


def _measure(kafka: str, schedule: Schedule, arrivals: Arrivals) -> dict[str, list[float]]:
    arrivals.forget()
    reads = TopicReader(kafka, READS_TOPIC)
    try:
        starts = reads.ends()
        told = run_json(load_command(kafka, schedule.plan, schedule.reads_per_s))
        arrivals.wait(workloads.listed_count(schedule.plan), ARRIVAL_S_MAX)
        check_alerts(arrivals.values, workloads.listed_read_ids(schedule.plan))
        return _latencies(schedule, arrivals, reads.since(starts), int(told["start_ns"]))
    finally:
        reads.close()


def skip_to_end(kafka: str, group: str) -> None:
    """Let a group begin behind the reads that are there now."""
    reads = TopicReader(kafka, READS_TOPIC)
    try:
        reads.commit_ends(group)
    finally:
        reads.close()


@contextmanager
def following(kafka: str) -> Iterator[Arrivals]:
    """Note alerts in a thread for the length of a block."""
    arrivals = Arrivals()
    with noted(kafka, CROSS_BORDER_TOPIC, arrivals.note):
        yield arrivals


def _wait_for_engine(kafka: str, entries: int, arrivals: Arrivals) -> None:
    """Send one listed read and wait for its alert, so that no read meets a starting engine."""
    with ReadWriter(kafka) as writer:
        for chunk in workloads.read_chunks(workloads.ReadPlan(1, entries, 1, WARM_UP_SEED)):
            writer.write(READS_TOPIC, chunk.keys[0], chunk.values[0])
    arrivals.wait(1, ARRIVAL_S_MAX)


def _latencies(
    schedule: Schedule, arrivals: Arrivals, stored: list[Stored], start_ns: int
) -> dict[str, list[float]]:
    """Give each counted alert's latency, in ms, by what it is taken from.

    appended: from the broker's append of the read; due: from the read's time on the schedule.
    """
    found: dict[str, list[float]] = {"appended": [], "due": []}
    for record in stored:
        read_id: str = json.loads(record.value)["read_id"]
        row = int(read_id.rpartition("-")[2])
        seen_ns = arrivals.seen_ns.get(read_id)
        if seen_ns is not None and row >= schedule.warm_reads:
            found["appended"].append(seen_ns / 1e6 - record.appended_ms)
            found["due"].append((seen_ns - start_ns) / 1e6 - row / schedule.reads_per_s * 1000)
    rows = workloads.listed_rows(schedule.plan, 0, schedule.plan.reads)
    expect("latencies", len(found["due"]), int(rows[schedule.warm_reads :].sum()))
    return found
