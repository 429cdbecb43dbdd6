"""The pure step in memory, and a fresh process's way to its first match."""

import sys
import time

import orjson

from anpr_engine.pipeline.columns import Circumstances
from anpr_engine.pipeline.core import StepRules, step
from anpr_engine.watchlist.snapshot import Snapshot, snapshot_of
from benchmarks import workloads
from benchmarks.bench_kernels import BATCH_READS, digests
from benchmarks.definitions import Size
from benchmarks.lab import SITE, Lab, expect, run_json
from benchmarks.measure import Outcome, rounds, timed

NOW_US = 1_767_225_600_000_000
"""2026-01-01, after every read of the workloads."""
START_REPEATS_MAX = 3


def alerts_of(batches: list[list[bytes]], snapshot: Snapshot) -> list[str]:
    """Work on all batches; give the read ids of the alerts."""
    where, rules = Circumstances(SITE, NOW_US, 0, watchlist_stale=False), StepRules()
    return [
        decided.alert.read.read_id
        for batch in batches
        for decided in step(batch, snapshot, rules, where).alerts
    ]


def _peer_hits(batches: list[list[bytes]], listed: set[str]) -> int:
    return sum(
        orjson.loads(value)["plate"].upper().replace("-", "") in listed
        for batch in batches
        for value in batch
    )


def run(_lab: Lab, size: Size, repeats: int) -> Outcome:
    """Measure the step in memory beside orjson and a set."""
    plan = workloads.ReadPlan(size["reads"], size["entries"], size["one_in"])
    values = workloads.reads(plan)
    batches = [values[at : at + BATCH_READS] for at in range(0, len(values), BATCH_READS)]
    snapshot = snapshot_of(list(workloads.entries(plan.entries)))
    listed = {workloads.canonical(plate) for plate in workloads.plates(0, plan.entries)}
    expected = sorted(workloads.listed_read_ids(plan))
    expect("alerts of the step", sorted(alerts_of(batches, snapshot)), expected)
    expect("hits of the peer", _peer_hits(batches, listed), len(expected))
    contenders = {
        "step": timed(lambda: alerts_of(batches, snapshot)),
        "orjson_set": timed(lambda: _peer_hits(batches, listed)),
    }
    taken = rounds(contenders, repeats)
    figures = {name: [plan.reads / s for s in each] for name, each in taken.items()}
    return Outcome(figures, digests(plan))


def run_start(lab: Lab, size: Size, repeats: int) -> Outcome:
    """Measure fresh processes; the first one, which fills caches, does not count."""
    plan = workloads.ReadPlan(size["reads"], size["entries"], size["one_in"])
    url = lab.redis(plan.entries)
    command = [sys.executable, "-m", "benchmarks.first_match", "--redis", url]
    for name, value in (
        ("reads", plan.reads),
        ("entries", plan.entries),
        ("one-in", size["one_in"]),
    ):
        command += [f"--{name}", str(value)]
    outcome = Outcome(digests=digests(plan))
    for turn in range(size["warm_ups"] + min(repeats, START_REPEATS_MAX)):
        started_s = time.time()
        told = run_json(command)
        expect("alerts of the first batch", told["alerts"], workloads.listed_count(plan))
        if turn >= size["warm_ups"]:
            matched_s = told.pop("matched_at_s") - started_s - told.pop("workload_s")
            del told["alerts"]
            outcome.add({"first_match_s": matched_s, **told})
    return outcome


def run_huge(lab: Lab, size: Size, repeats: int) -> Outcome:
    """Measure fresh processes with a very large watchlist, then free its memory."""
    outcome = run_start(lab, size, repeats)
    lab.close_redis(size["entries"])
    return outcome
