"""Where a read's nanoseconds go: the engine's own laps, the C client, and the parts of matching.

Three views of one read. The laps are a whole engine's, on the clock on the wall, with as many
workers as it takes by default. The C client is the same topic fetched and given back unseen. The
parts are one core's processor time on ordinary traffic, misreads included, all tiers on.
"""

import time
from dataclasses import dataclass

import numpy as np

from anpr_engine.config import MatchSettings
from anpr_engine.kernels.bloom import filter_rows
from anpr_engine.pipeline import find, match, near, promising
from anpr_engine.pipeline.decode import decode
from anpr_engine.pipeline.match import MatchRules
from anpr_engine.pipeline.normalise import normalise_plates
from anpr_engine.plates.reading import ReadingModel
from anpr_engine.watchlist.snapshot import Snapshot, snapshot_of
from anpr_engine.wiring import reading_model_of
from benchmarks import quality_data as data
from benchmarks import workloads
from benchmarks.backlog import Engines, engines_ready, worked_off
from benchmarks.bench_kernels import BATCH_READS, NS, digests
from benchmarks.bench_latency import following
from benchmarks.bench_list_size import listed_reads, shown_by
from benchmarks.bench_near import exact_hits
from benchmarks.definitions import Size
from benchmarks.engine_page import EnginePage, Samples, free_port, gained
from benchmarks.lab import Lab, expect
from benchmarks.measure import Outcome, quiet
from benchmarks.peer_client import ClientAlone
from benchmarks.quality_trial import CHARACTERS_MIN, LATEST_US
from benchmarks.record_weights import weights
from benchmarks.stopwatch import Place, Stopwatch

REPEATS_MAX = 3
LAPS = ("decode", "normalise", "match", "decide", "publish", "commit")

PARTS: tuple[Place, ...] = (
    ("table", match, "listed_pairs"),
    ("table", find, "listed_pairs"),
    ("gate", near, "through_gate"),
    ("bound", ReadingModel, "explained_parts"),
    ("search", near, "near_pairs"),
    ("sums", near, "traffic_of"),
    ("sums", promising, "traffic_of"),
    ("sums", match, "traffic_of"),
    ("sums", match, "promising"),
    ("sums", match, "pair_evidence"),
    ("sums", match, "posteriors"),
)
"""Where `match` calls its parts; what is in none of them is its rest."""


def run(lab: Lab, size: Size, repeats: int) -> Outcome:
    """Take all three views in each round."""
    reads = workloads.ReadPlan(size["reads"], size["entries"], size["one_in"])
    parts = _Parts.of(size)
    outcome = Outcome(digests={**digests(reads), "traffic": parts.digest})
    engine = _Engine(lab.kafka(), lab.redis(size["entries"]), reads)
    client = ClientAlone(engine.kafka, reads.reads)
    if client.missing():
        outcome.missing["c_client"] = client.missing()
    for _ in range(min(repeats, REPEATS_MAX)):
        outcome.add(engine.laps(size["warm_reads"]))
        if not client.missing():
            outcome.add({"c_client": NS / client.work().reads_per_s})
        outcome.add(parts.times())
    outcome.add(weights(engine.kafka))
    return outcome


@dataclass(frozen=True, slots=True)
class _Engine:
    kafka: str
    redis_url: str
    reads: workloads.ReadPlan

    def laps(self, warm_reads: int) -> dict[str, float]:
        """Work a backlog off; give what each stage took, in ns a read of the clock on the wall."""
        page = EnginePage(free_port())
        entries, one_in = self.reads.entries, self.reads.one_in
        warm = workloads.ReadPlan(warm_reads, entries, one_in, seed=2)
        engines = engines_ready(self.kafka, self.redis_url, Engines(1, page.told))
        with engines, following(self.kafka) as arrivals:
            worked_off(self.kafka, warm, arrivals)
            before = page.read()
            seconds = worked_off(self.kafka, self.reads, arrivals)
            return _laps(before, page.read(), seconds, self.reads.reads)


def _laps(before: Samples, after: Samples, seconds: float, reads: int) -> dict[str, float]:
    found = {"wall": seconds / reads * NS}
    for stage in LAPS:
        took_s = gained(before, after, f'anpr_stage_seconds_sum{{stage="{stage}"}}')
        found[f"lap_{stage}"] = took_s / reads * NS
    rest = found["wall"] - sum(found[f"lap_{stage}"] for stage in LAPS)
    return {**found, "lap_rest": max(0.0, rest)}


@dataclass(frozen=True, slots=True)
class _Parts:
    """One core's parts of a read of ordinary traffic."""

    values: list[bytes]
    snapshot: Snapshot
    rules: MatchRules
    expected: int
    digest: str

    @classmethod
    def of(cls, size: Size) -> "_Parts":
        """Make traffic and lists, and know which reads are exact hits."""
        traffic = data.ordinary(size["traffic"])
        values = [read.json_bytes for read in traffic]
        entries = size["entries"]
        return cls(
            values,
            snapshot_of(list(workloads.entries(entries))),
            MatchRules(model=reading_model_of(MatchSettings())),
            listed_reads(shown_by(values), entries),
            data.traffic_digest(traffic),
        )

    def times(self) -> dict[str, float]:
        """Work on all reads once; give each part's processor time, in ns a read."""
        watch, filter_s = Stopwatch(), 0.0
        hits = 0
        with quiet(), watch.watching(PARTS):
            for at in range(0, len(self.values), BATCH_READS):
                with watch.of("scan"):
                    reads = decode(self.values[at : at + BATCH_READS], LATEST_US)
                with watch.of("normalise"):
                    plates = normalise_plates(reads, CHARACTERS_MIN)
                maybe = np.empty(len(reads) + 1, dtype=np.int64)
                started_s = time.thread_time()
                filter_rows(plates.keys, self.snapshot.base.words, maybe)
                filter_s += time.thread_time() - started_s
                with watch.of("match_rest"):
                    hits += exact_hits([(reads, plates)], self.snapshot, self.rules)
        expect("exact hits", hits, self.expected)
        parts = {name: watch.seconds.get(name, 0.0) for name, _, _ in PARTS}
        parts |= {name: watch.seconds[name] for name in ("scan", "normalise", "match_rest")}
        # The table asks the filter itself; the filter alone came first, so that it met the keys
        # as cold as the table does.
        parts["filter"], parts["table"] = filter_s, max(0.0, parts["table"] - filter_s)
        return {name: seconds / len(self.values) * NS for name, seconds in parts.items()}
