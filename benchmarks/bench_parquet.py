"""Reads a second of one core that replays a Parquet file, beside what pyarrow and a set would do.

Only the columns that a match looks at, or tells of a hit, are read of the file; the peers read the
plates alone, check nothing and count.
"""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from anpr_engine.pipeline.core import StepRules
from anpr_engine.pipeline.match import NEAR_ALERT_MIN, MatchRules
from anpr_engine.records.fields import Tier
from anpr_engine.replay.arrow import row_group_reads, sized_columns
from anpr_engine.replay.matching import matched, told_hits
from anpr_engine.replay.read_tables import ParquetReads
from anpr_engine.replay.sources import TABLE_READS
from anpr_engine.watchlist.snapshot import Snapshot, snapshot_of
from benchmarks import workloads
from benchmarks.bench_kernels import digests
from benchmarks.definitions import Size
from benchmarks.lab import Lab, expect
from benchmarks.measure import Outcome, Timed, rounds

LATEST_US = 2**62


def run(_lab: Lab, size: Size, repeats: int) -> Outcome:
    """Measure the replay in memory of one file by one core; every answer is checked first."""
    plan = workloads.ReadPlan(size["reads"], size["entries"], size["one_in"])
    snapshot = snapshot_of(list(workloads.entries(plan.entries)))
    listed = workloads.listed_read_ids(plan)
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "reads.parquet")
        write_reads(path, plan)
        texts = [workloads.canonical(plate) for plate in workloads.plates(0, plan.entries)]
        column, among = pa.array(texts), frozenset(texts)
        expect("exact hits", replayed(path, snapshot, near=False), listed)
        expect("exact hits of all tiers", replayed(path, snapshot, near=True), listed)
        ways: dict[str, Callable[[], object]] = {
            "parquet_exact": lambda: replayed(path, snapshot, near=False),
            "parquet_all_tiers": lambda: replayed(path, snapshot, near=True),
            "is_in": lambda: expect("hits of is_in", _is_in(path, column), len(listed)),
            "set": lambda: expect("hits of the set", _in_set(path, among), len(listed)),
        }
        taken = rounds({name: _timed(way) for name, way in ways.items()}, repeats)
    figures = {name: [plan.reads / seconds for seconds in each] for name, each in taken.items()}
    return Outcome(figures, digests(plan))


def write_reads(path: str, plan: workloads.ReadPlan) -> None:
    """Write the reads of a plan as one file."""
    writer = ParquetReads(Path(path))
    for chunk in workloads.read_chunks(plan):
        writer.write(chunk.values)
    writer.close()


def replayed(path: str, snapshot: Snapshot, *, near: bool) -> frozenset[str]:
    """Match a file as a replay's worker does, to hits told in full; name the reads hit exactly."""
    rules = StepRules(MatchRules(near_probability_min=NEAR_ALERT_MIN, near=near))
    found: list[str] = []
    groups = range(len(row_group_reads(path)))
    for _, take in sized_columns(path, TABLE_READS, groups):
        reads = take(LATEST_US)
        hits = matched(reads, snapshot, rules)
        told, _ = told_hits(reads, hits, snapshot, range(len(hits)))
        found += [hit.read_id for hit in told if hit.tier == Tier.EXACT.value]
    return frozenset(found)


def _plates(path: str) -> Any:  # noqa: ANN401 - pyarrow is untyped
    return pq.read_table(path, columns=["plate"], use_threads=False).column(0)


def _is_in(path: str, listed: Any) -> int:  # noqa: ANN401 - as above
    capitals = pc.call_function("utf8_upper", [_plates(path)])
    without = pc.ReplaceSubstringOptions("-", "")
    plain = pc.call_function("replace_substring", [capitals], without)
    among = pc.call_function("is_in", [plain], pc.SetLookupOptions(listed))
    return int(np.count_nonzero(among.to_numpy()))


def _in_set(path: str, listed: frozenset[str]) -> int:
    return sum(plate.upper().replace("-", "") in listed for plate in _plates(path).to_pylist())


def _timed(way: Callable[[], object]) -> Timed:
    # The processor's time of all threads, so that a helper's does not come for nothing.
    def work() -> float:
        started_s = time.process_time()
        way()
        return time.process_time() - started_s

    return work
