"""The probe alone: normalised plates against the list, in whatever others would ask."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from redis import Redis

from anpr_engine.kernels.bloom import filter_add, filter_words
from anpr_engine.kernels.table import FOUND, find_listed, table_build, table_slots
from benchmarks import peers, workloads
from benchmarks.bench_kernels import BATCH_READS, FALSE_SHARE, NS, digests, keys_of
from benchmarks.definitions import Size
from benchmarks.lab import Lab, expect
from benchmarks.measure import Outcome, rounds

Rows = NDArray[np.int64]


@dataclass(slots=True)
class Probe:
    """One way to ask; `found` is the rows of the last answer.

    Why the clock on the wall: Redis works in another process, and its time counts.
    """

    plates: int
    ask: Callable[[], Sequence[int] | Rows]
    found: Sequence[int] | Rows = ()

    def __call__(self) -> float:
        """Ask for all plates; give the seconds."""
        started_s = time.perf_counter()
        self.found = self.ask()
        return time.perf_counter() - started_s


class OurTable:
    """Our filter and table, in batches as the engine has them."""

    def __init__(self, listed: NDArray[np.uint64], asked: NDArray[np.uint64]) -> None:
        """Build both from sorted keys."""
        self._listed, self._asked = listed, asked
        self._words, self._slots = filter_words(len(listed)), table_slots(len(listed))
        filter_add(listed, self._words)
        table_build(listed, self._slots)
        self._found = np.empty((2, BATCH_READS), dtype=np.int64)
        self._tally = np.zeros(4, dtype=np.int64)

    def ask(self) -> Rows:
        """Find all keys."""
        parts = []
        for first in range(0, len(self._asked), BATCH_READS):
            keys = self._asked[first : first + BATCH_READS]
            arrays = (self._words, self._slots, self._listed, self._found, self._tally)
            find_listed(keys, *arrays)
            parts.append(self._found[0, : self._tally[FOUND]] + first)
        return np.concatenate(parts)


def _in_filter(listed: frozenset[str]) -> peers.LookUp:
    bloom = peers.bloom_of(listed, FALSE_SHARE)
    return lambda plates: [row for row, plate in enumerate(plates) if plate in bloom]


def _arrow(listed: Any, asked: Any) -> Callable[[], Rows]:  # noqa: ANN401 - untyped library
    options = pc.SetLookupOptions(value_set=listed)

    def ask() -> Rows:
        found = pc.call_function("is_in", [asked], options)
        # The answer is bits, which cannot be had as an array without a copy.
        return np.flatnonzero(found.to_numpy(zero_copy_only=False))

    return ask


def probes(plan: workloads.ReadPlan, client: Redis, size: Size) -> dict[str, Probe]:
    """Lay out everything that is asked; Redis is asked for the first plates only."""
    raw = workloads.plates(0, plan.entries)
    canonical = list(map(workloads.canonical, raw))
    listed, listed_keys = frozenset(canonical), np.sort(keys_of(raw))
    text = workloads.plate_bytes(workloads.plate_numbers(plan, 0, plan.reads))
    asked_raw = [plate.decode() for plate in text.view(f"S{text.shape[1]}").ravel().tolist()]
    asked, asked_keys = list(map(workloads.canonical, asked_raw)), keys_of(asked_raw)
    texts = _arrow(pa.array(canonical), pa.array(asked))
    ways: dict[str, peers.LookUp] = {
        "set": peers.in_set(listed),
        "rbloom": _in_filter(listed),
        "rbloom_set": peers.in_bloom(listed, FALSE_SHARE),
    }
    pipelined, single = asked[: size["pipelined_reads"]], asked[: size["redis_reads"]]
    return {
        "ours": Probe(plan.reads, OurTable(listed_keys, asked_keys).ask),
        **{name: Probe(plan.reads, partial(way, asked)) for name, way in ways.items()},
        "arrow_text": Probe(plan.reads, texts),
        "arrow_keys": Probe(plan.reads, _arrow(pa.array(listed_keys), pa.array(asked_keys))),
        "redis_pipelined": Probe(
            len(pipelined), partial(peers.in_redis_pipelined(client), pipelined)
        ),
        "redis_single": Probe(len(single), partial(peers.in_redis(client), single)),
    }


def check(name: str, probe: Probe, listed: NDArray[np.bool_]) -> None:
    """Check an answer, row by row; a filter alone may say yes too often.

    Raises:
        WrongAnswer: it is another than it should be.

    """
    expected = frozenset(np.flatnonzero(listed[: probe.plates]).tolist())
    found = frozenset(int(row) for row in probe.found)
    if name == "rbloom":
        found &= expected
    expect(f"rows that {name} finds too many or too few", len(found ^ expected), 0)


def run(lab: Lab, size: Size, repeats: int) -> Outcome:
    """Measure the probes; a wrong answer ends the run and its times with it."""
    plan = workloads.ReadPlan(size["reads"], size["entries"], size["one_in"])
    url = lab.redis(plan.entries)
    peers.fill_redis(url, frozenset(map(workloads.canonical, workloads.plates(0, plan.entries))))
    with Redis.from_url(url) as client:
        field = probes(plan, client, size)
        taken = rounds(field, repeats)
    listed = workloads.listed_rows(plan, 0, plan.reads)
    for name, probe in field.items():
        check(name, probe, listed)
    figures = {name: [s / field[name].plates * NS for s in each] for name, each in taken.items()}
    return Outcome(figures, digests(plan))
