"""Whole engines over a real Kafka and a real Redis, and peers on the same topic."""

import gc
import sys

from redis import Redis

from benchmarks import peers, workloads
from benchmarks.alerts import TopicReader, check_alerts
from benchmarks.bench_kernels import FALSE_SHARE
from benchmarks.definitions import Size
from benchmarks.lab import READS_TOPIC, Lab, engine_settings, expect, run_engine, run_json
from benchmarks.measure import Outcome


def load_command(kafka: str, plan: workloads.ReadPlan, reads_per_s: int = 0) -> list[str]:
    """Give the command of the load generator; without a rate it writes as fast as it can."""
    command = [sys.executable, "-m", "benchmarks.load", "--kafka", kafka]
    for name, value in (
        ("reads", plan.reads),
        ("entries", plan.entries),
        ("one-in", plan.one_in),
        ("seed", plan.seed),
        ("rate", reads_per_s),
    ):
        command += [f"--{name}", str(value)]
    return command


def run(lab: Lab, size: Size, repeats: int) -> Outcome:
    """Measure the engine and its peers in turn; warm-up runs do not count."""
    plan = workloads.ReadPlan(size["reads"], size["entries"], size["one_in"])
    kafka, redis_url = lab.kafka(), lab.redis(plan.entries)
    before = _first_offsets(kafka)
    told = run_json(load_command(kafka, plan))
    outcome = Outcome(digests={"reads": str(told["digest"])})
    outcome.digests["entries"] = workloads.entries_digest(plan.entries)
    expected = workloads.listed_read_ids(plan)
    rivals = _Rivals(kafka, redis_url, plan, size)
    expect("topic was empty before", before, 0)
    for turn in range(size["warm_ups"] + repeats):
        reads_per_s = _engine_round(kafka, redis_url, plan, expected)
        if turn >= size["warm_ups"]:
            outcome.add({"engine": reads_per_s, **rivals.round()})
    rivals.close()
    return outcome


def _first_offsets(kafka: str) -> int:
    reader = TopicReader(kafka, READS_TOPIC)
    try:
        return sum(reader.ends().values())
    finally:
        reader.close()


def _engine_round(
    kafka: str, redis_url: str, plan: workloads.ReadPlan, expected: frozenset[str]
) -> float:
    reader = TopicReader(kafka)
    try:
        starts = reader.ends()
        told = run_engine(engine_settings(kafka, redis_url))
        check_alerts([record.value for record in reader.since(starts)], expected)
    finally:
        reader.close()
    counts = (told["reads"], told["rejected"], told["alerts"])
    expect("reads, rejected, alerts", counts, (plan.reads, 0, len(expected)))
    return told["reads_per_second"]


class _Rivals:
    """The peers with what they look up in, made once."""

    def __init__(self, kafka: str, redis_url: str, plan: workloads.ReadPlan, size: Size) -> None:
        listed = frozenset(map(workloads.canonical, workloads.plates(0, plan.entries)))
        peers.fill_redis(redis_url, listed)
        self._kafka, self._plan = kafka, plan
        self._client: Redis = Redis.from_url(redis_url)
        self._look_ups = {
            "orjson_set": (size["peer_reads"], peers.in_set(listed)),
            "rbloom_set": (size["peer_reads"], peers.in_bloom(listed, FALSE_SHARE)),
            "redis_pipelined": (
                size["pipelined_reads"],
                peers.in_redis_pipelined(self._client),
            ),
            "redis_single": (size["redis_reads"], peers.in_redis(self._client)),
        }
        self._hits: dict[int, set[int]] = {}

    def round(self) -> dict[str, float]:
        """Let each peer work once.

        Why only bounds on the hits of a part: partitions come interleaved as the broker gives
        them, so which reads are the first differs from run to run.
        """
        measured: dict[str, float] = {}
        gc.collect()
        gc.freeze()
        for name, (count, look_up) in self._look_ups.items():
            measured[name], hits = peers.measure(self._kafka, count, look_up)
            if count == self._plan.reads:
                expect(f"hits of {name}", hits, workloads.listed_count(self._plan))
            else:
                close = abs(hits - count / self._plan.one_in) <= 0.5 * count / self._plan.one_in + 5
                expect(f"hits of {name} near their share", close, True)  # noqa: FBT003 - the answer
        gc.unfreeze()
        return measured

    def close(self) -> None:
        """Disconnect from Redis."""
        self._client.close()
