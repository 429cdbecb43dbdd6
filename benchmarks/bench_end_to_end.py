"""Whole engines over a real Kafka and a real Redis, and peers on the same topic."""

import gc
import sys
from functools import partial
from pathlib import Path
from tempfile import NamedTemporaryFile

from redis import Redis

from benchmarks import peers, workloads
from benchmarks.alerts import TopicReader, check_alerts
from benchmarks.bench_kernels import FALSE_SHARE
from benchmarks.definitions import Size
from benchmarks.lab import READS_TOPIC, Lab, engine_settings, expect, run_engine, run_json
from benchmarks.measure import Outcome
from benchmarks.peer_answers import look_for
from benchmarks.peer_client import ClientAlone
from benchmarks.peer_hits import Trial
from benchmarks.peer_programs import Bytewax, Quix
from benchmarks.peer_streams import VARIANTS, WARM, KafkaStreams


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
    expect("topic was empty before", before, 0)
    rivals = _Rivals((kafka, redis_url), plan, size, expected)
    outcome.missing = rivals.missing
    for name, reason in rivals.missing.items():
        print(f"throughput: {name} is not measured: {reason}", file=sys.stderr)
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
    """The peers with what they look up in, made once; `close` them.

    missing: figure to what its peer lacks on this machine.
    """

    def __init__(
        self,
        servers: tuple[str, str],
        plan: workloads.ReadPlan,
        size: Size,
        expected: frozenset[str],
    ) -> None:
        kafka, redis_url = servers
        listed = frozenset(map(workloads.canonical, workloads.plates(0, plan.entries)))
        peers.fill_redis(redis_url, listed)
        self._answers = look_for(kafka, plan.reads, expected)
        self._client: Redis = Redis.from_url(redis_url)
        # It lives as long as the peers; `close` deletes it.
        self._file = NamedTemporaryFile("w", encoding="ascii")  # noqa: SIM115
        self._file.write("\n".join(listed))
        self._file.flush()
        trial = partial(Trial, kafka, Path(self._file.name))
        look_up = partial(peers.LookUpPeer, kafka)
        field: dict[str, peers.Peer] = {
            "c_client": ClientAlone(kafka, plan.reads),
            **{name: KafkaStreams(trial(plan.reads), name) for name in VARIANTS},
            "bytewax": Bytewax(trial(plan.reads)),
            "quix": Quix(trial(size["quix_reads"])),
            "orjson_set": look_up(size["peer_reads"], peers.in_set(listed)),
            "rbloom_set": look_up(size["peer_reads"], peers.in_bloom(listed, FALSE_SHARE)),
            "redis_pipelined": look_up(
                size["pipelined_reads"], peers.in_redis_pipelined(self._client)
            ),
            "redis_single": look_up(size["redis_reads"], peers.in_redis(self._client)),
        }
        self.missing = {name: told for name, peer in field.items() if (told := peer.missing())}
        for name in VARIANTS.keys() & self.missing.keys():
            self.missing[name + WARM] = self.missing[name]
        self._field = {name: peer for name, peer in field.items() if name not in self.missing}

    def round(self) -> dict[str, float]:
        """Let each peer work once; its answer is checked before its time counts."""
        measured: dict[str, float] = {}
        gc.collect()
        gc.freeze()
        for name, peer in self._field.items():
            taken = peer.work()
            self._answers.check(name, taken, peer.reads)
            measured |= {name: taken.reads_per_s, **taken.more}
        gc.unfreeze()
        return measured

    def close(self) -> None:
        """Disconnect from Redis and delete the file of plates."""
        self._client.close()
        self._file.close()
