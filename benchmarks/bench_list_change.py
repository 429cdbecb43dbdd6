"""Does a large change of the lists hold an engine up that has a backlog to work off?

All alerts of a batch say when it was begun (`created_at`), so the times between batches can be
read off the alerts. Writing the change takes processor time from the engine on one machine, so
the same change is also written to a Redis that the engine does not follow.
"""

import json
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise

from anpr_engine.clock import SystemClock
from anpr_engine.records.watchlist_entry import WatchlistEntry
from anpr_engine.watchlist.embedded import EmbeddedRedis
from anpr_engine.watchlist.redis_client import RedisSession
from anpr_engine.watchlist.redis_writer import StoreWriter
from benchmarks import workloads
from benchmarks.backlog import Engines, engines_ready, worked_off
from benchmarks.bench_kernels import digests
from benchmarks.bench_latency import Arrivals, following
from benchmarks.definitions import Size
from benchmarks.engine_page import EnginePage, free_port
from benchmarks.lab import SITE, Lab, WrongAnswer, expect
from benchmarks.measure import Outcome, Spread

REPEATS_MAX = 2
VERSION = "anpr_watchlist_version"
TAKE_OVER_S_MAX = 60.0
LOOK_S = 0.01
REPLY_S_MAX = 30.0


@dataclass(slots=True)
class _Change:
    """Writes changed entries once; knows then how long it took and the version made."""

    redis_url: str
    entries: Sequence[WatchlistEntry]
    seconds: float = 0.0
    version: int = 0
    done: threading.Event = field(default_factory=threading.Event)

    def __call__(self) -> None:
        started_s = time.perf_counter()
        with RedisSession(self.redis_url, reply_s_max=REPLY_S_MAX) as session:
            tally = StoreWriter(session, SITE, SystemClock()).put(self.entries)
        self.seconds = time.perf_counter() - started_s
        if tally.changed + tally.added == len(self.entries):
            self.version = tally.version
        self.done.set()


def changed_entries(count: int, mark: str) -> list[WatchlistEntry]:
    """Give the first listed entries with another case reference: as many alerts as before."""
    return [entry.model_copy(update={"case_ref": mark}) for entry in workloads.entries(count)]


def batch_gaps_ms(alerts: Sequence[bytes]) -> list[float]:
    """Give the times between batches, in order, told from when their alerts were made."""
    begun = {json.loads(alert)["created_at"] for alert in alerts}
    moments = sorted(datetime.fromisoformat(text).timestamp() for text in begun)
    return [(late - early) * 1000 for early, late in pairwise(moments)]


def run(lab: Lab, size: Size, repeats: int) -> Outcome:
    """Work the same backlog off without a change, beside one elsewhere, and through one."""
    reads = workloads.ReadPlan(size["reads"], size["entries"], size["one_in"])
    warm = workloads.ReadPlan(size["warm_reads"], size["entries"], size["one_in"], seed=2)
    kafka, redis_url = lab.kafka(), lab.redis(size["entries"])
    page = EnginePage(free_port())
    outcome = Outcome(digests=digests(reads))
    with (
        EmbeddedRedis() as elsewhere,
        engines_ready(kafka, redis_url, Engines(1, page.told)),
        following(kafka) as arrivals,
    ):
        worked_off(kafka, warm, arrivals)
        for turn in range(min(repeats, REPEATS_MAX)):
            changed = changed_entries(size["changes"], f"R{turn}")
            quiet = _gaps(kafka, reads, arrivals)
            other = _gaps(kafka, reads, arrivals, _Change(elsewhere.url, changed))
            change = _Change(redis_url, changed)
            through = _gaps(kafka, reads, arrivals, change)
            _wait_for(page, change.version)
            outcome.add(_figures(quiet, other, through) | {"write_s": change.seconds})
    lab.close_redis(size["entries"])
    return outcome


def _gaps(
    kafka: str, reads: workloads.ReadPlan, arrivals: Arrivals, change: _Change | None = None
) -> list[float]:
    worked_off(kafka, reads, arrivals, change)
    if change is not None:
        expect("whether the change was written", change.done.is_set(), expected=True)
        expect("whether it changed every entry", change.version > 0, expected=True)
    return batch_gaps_ms(arrivals.values)


def _figures(quiet: list[float], other: list[float], through: list[float]) -> dict[str, float]:
    median = Spread.of(quiet).median
    return {
        "median_ms": median,
        "longest_ms": max(quiet),
        "elsewhere_ms": max(other),
        "change_ms": max(through),
        "delay_ms": max(0.0, max(through) - median),
    }


def _wait_for(page: EnginePage, version: int) -> None:
    """Wait until the engine uses a version of the lists."""
    deadline_s, pause = time.monotonic() + TAKE_OVER_S_MAX, threading.Event()
    while page.read()[VERSION] < version:
        if time.monotonic() > deadline_s:
            raise WrongAnswer(f"version {version} is not in use after {TAKE_OVER_S_MAX:.0f} s")
        pause.wait(LOOK_S)
