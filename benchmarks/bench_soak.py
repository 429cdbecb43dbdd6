"""Does an engine's memory stay as it is? Hours of steady reads with list changes beside.

What an engine remembers on purpose (passages, alerts that may be recalled) is bounded by its
settings; these are set low, so that the books are full soon and what grows after that is a leak.
Reads come in stretches, for the generator makes those of a stretch beforehand.
"""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from anpr_engine.clock import SystemClock
from anpr_engine.watchlist.redis_client import RedisSession
from anpr_engine.watchlist.redis_writer import StoreWriter
from benchmarks import workloads
from benchmarks.alerts import check_alerts
from benchmarks.bench_end_to_end import load_command
from benchmarks.bench_latency import Arrivals, following, skip_to_end
from benchmarks.bench_list_change import REPLY_S_MAX, changed_entries
from benchmarks.definitions import Size
from benchmarks.lab import SITE, Lab, engine_running, engine_settings, run_json
from benchmarks.measure import Outcome

ARRIVAL_S_MAX = 180.0
SETTLED_SHARE = 0.25
"""The first part of the run, in which books and caches fill; the slope is of what comes after."""
MIB = 1 << 20
Samples = list[tuple[float, float]]
"""Seconds since the start, and MiB resident then."""


@dataclass(slots=True)
class _Beside:
    """What goes on beside the reads: lists change, and the engine's memory is looked at."""

    redis_url: str
    pid: int
    size: Size
    samples: Samples = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)
    changes: int = 0

    def look(self) -> None:
        """Take samples until told to stop."""
        started_s = time.monotonic()
        while not self.stop.wait(self.size["sample_s"]):
            self.samples.append((time.monotonic() - started_s, resident_mib(self.pid)))

    def change(self) -> None:
        """Change some listed entries again and again until told to stop."""
        with RedisSession(self.redis_url, reply_s_max=REPLY_S_MAX) as session:
            writer = StoreWriter(session, SITE, SystemClock())
            while not self.stop.wait(self.size["change_s"]):
                self.changes += 1
                writer.put(changed_entries(self.size["changes"], f"S{self.changes}"))

    @contextmanager
    def running(self) -> Iterator[None]:
        """Do both in threads for the length of a block."""
        threads = [threading.Thread(target=work) for work in (self.look, self.change)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self.stop.set()
            for thread in threads:
                thread.join()


def run(lab: Lab, size: Size, _repeats: int) -> Outcome:
    """Run one engine for as long as asked, once, whatever the number of rounds."""
    kafka, redis_url = lab.kafka(), lab.redis(size["entries"])
    outcome = Outcome(digests={"entries": workloads.entries_digest(size["entries"])})
    settings = engine_settings(kafka, redis_url) | {
        "ANPR_ALERTS__OPEN_MAX": str(size["remembered"]),
        "ANPR_PASSAGES__PASSAGES_MAX": str(size["remembered"]),
    }
    skip_to_end(kafka, settings["ANPR_GROUP"])
    with engine_running(settings) as engine, following(kafka) as arrivals:
        beside = _Beside(redis_url, engine.pid, size)
        with beside.running():
            for turn in range(size["stretches"]):
                _stretch(kafka, size, turn, arrivals)
    lab.close_redis(size["entries"])
    outcome.add(memory_figures(beside.samples) | {"changes": beside.changes * size["changes"]})
    outcome.curves["resident_mib"] = [[round(at, 1), round(mib, 1)] for at, mib in beside.samples]
    return outcome


def _stretch(kafka: str, size: Size, turn: int, arrivals: Arrivals) -> None:
    reads = size["rate"] * size["stretch_s"]
    plan = workloads.ReadPlan(reads, size["entries"], size["one_in"], seed=1000 + turn)
    arrivals.forget()
    run_json(load_command(kafka, plan, size["rate"]))
    arrivals.wait(workloads.listed_count(plan), ARRIVAL_S_MAX)
    check_alerts(arrivals.values, workloads.listed_read_ids(plan))


def memory_figures(samples: Sequence[tuple[float, float]]) -> dict[str, float]:
    """Give where memory stood once it had settled, its slope from there, and its largest."""
    settled = samples[int(len(samples) * SETTLED_SHARE) :]
    times, sizes = np.array(settled).T
    slope, _ = np.polyfit(times / 3600, sizes, 1) if len(settled) > 1 else (0.0, 0.0)
    return {
        "settled_mib": float(sizes[0]),
        "end_mib": float(sizes[-1]),
        "largest_mib": max(mib for _, mib in samples),
        "slope": float(slope),
    }


def resident_mib(pid: int) -> float:
    """Give the memory of a process that is resident."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    kib = next(line.split()[1] for line in lines if line.startswith("VmRSS:"))
    return int(kib) * 1024 / MIB
