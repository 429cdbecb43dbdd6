"""What a list of some size costs: a fresh process that loads it and matches ordinary traffic.

`python -m benchmarks.list_cost`, JSON out. The memory of a process can be told only of a fresh one.
"""

import argparse
import json
import time
from functools import partial

import numpy as np

from anpr_engine.clock import SystemClock
from anpr_engine.config import MatchSettings
from anpr_engine.logs import configure_logs
from anpr_engine.metrics.table import Metrics
from anpr_engine.pipeline.match import MatchRules
from anpr_engine.watchlist.refresh import WatchlistFollower
from anpr_engine.watchlist.snapshot import Snapshot
from anpr_engine.wiring import reading_model_of
from benchmarks import quality_data as data
from benchmarks.array_bytes import held_bytes
from benchmarks.bench_kernels import NS
from benchmarks.bench_near import Batch, batches_of, exact_hits
from benchmarks.first_match import memory_mb
from benchmarks.measure import rounds, timed


def costs(snapshot: Snapshot, batches: list[Batch], repeats: int) -> dict[str, float]:
    """Time exact matching and all tiers in turn; medians, in ns a read, and their exact hits."""
    # As the engine is set up by default.
    every = MatchRules(model=reading_model_of(MatchSettings()))
    ways = {"exact": MatchRules(near=False), "all": every}
    told = {
        f"{name}_hits": float(exact_hits(batches, snapshot, rules)) for name, rules in ways.items()
    }
    work = {
        name: timed(partial(exact_hits, batches, snapshot, rules)) for name, rules in ways.items()
    }
    reads = sum(len(reads) for reads, _ in batches)
    taken = rounds(work, repeats)
    return told | {name: float(np.median(each)) / reads * NS for name, each in taken.items()}


def main() -> None:
    """Load, match, and tell what it took."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--redis", required=True)
    for name in ("reads", "rounds"):
        parser.add_argument(f"--{name}", type=int, required=True)
    given = parser.parse_args()
    configure_logs(verbose=False)
    follower = WatchlistFollower(given.redis, SystemClock(), Metrics())
    started_s = time.perf_counter()
    follower.start()
    told = {"load": time.perf_counter() - started_s, "resident": memory_mb("VmRSS")}
    told["peak"] = memory_mb("VmHWM")
    snapshot = follower.current
    follower.stop()
    told |= {"listed": len(snapshot), "entry": held_bytes(snapshot) / max(1, len(snapshot))}
    batches = batches_of([read.json_bytes for read in data.ordinary(given.reads)])
    print(json.dumps(told | costs(snapshot, batches, given.rounds)), flush=True)


if __name__ == "__main__":
    main()
