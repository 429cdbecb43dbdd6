"""A fresh process that loads the watchlists and matches one batch: `-m benchmarks.first_match`.

Making the batch is no part of what an engine does at its start, so its time is told apart.
"""

import argparse
import json
import sys
import time
from pathlib import Path

from anpr_engine.clock import SystemClock
from anpr_engine.logs import configure_logs
from anpr_engine.metrics.table import Metrics
from anpr_engine.watchlist.refresh import WatchlistFollower
from benchmarks import workloads
from benchmarks.bench_pipeline import alerts_of


def memory_mb(field: str) -> float:
    """Read this process's own memory: `VmRSS` now, `VmHWM` at its largest; in MB of 10^6 bytes.

    Where the system tells neither, NaN.
    """
    status = Path("/proc/self/status")
    if not status.is_file():
        return float("nan")
    lines = status.read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field)) * 1024 / 1e6


def main() -> None:
    """Load, match, and tell what it took."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--redis", required=True)
    for name in ("reads", "entries", "one-in"):
        parser.add_argument(f"--{name}", type=int, required=True)
    given = parser.parse_args()
    configure_logs(verbose=False)
    follower = WatchlistFollower(given.redis, SystemClock(), Metrics())
    started_s = time.perf_counter()
    follower.start()
    told = {"load_s": time.perf_counter() - started_s, "resident_mb": memory_mb("VmRSS")}
    told["peak_mb"] = memory_mb("VmHWM")
    making_s = time.perf_counter()
    batch = workloads.reads(workloads.ReadPlan(given.reads, given.entries, given.one_in))
    told["workload_s"] = time.perf_counter() - making_s
    told["alerts"] = len(alerts_of([batch], follower.current))
    told["matched_at_s"] = time.time()
    follower.stop()
    print(json.dumps(told))
    sys.stdout.flush()


if __name__ == "__main__":
    main()
