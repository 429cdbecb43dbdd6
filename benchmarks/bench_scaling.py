"""Reads a second over partitions, engine processes and workers, on a broker of its own.

Topics only ever grow, so each round has a new broker whose topic of reads grows from one
partition to the next size.
"""

from collections.abc import Iterator, Mapping

from anpr_engine.kafka.embedded import EmbeddedKafka
from anpr_engine.kafka.topic_admin import TopicAdmin
from anpr_engine.kafka.topics import TOPICS, plan, wanted_topics
from benchmarks import workloads
from benchmarks.backlog import Engines, engines_ready, worked_off
from benchmarks.bench_kernels import digests
from benchmarks.bench_latency import following
from benchmarks.definitions import Size
from benchmarks.lab import SITE, Lab
from benchmarks.measure import Outcome
from benchmarks.scaling_law import law_of

REPEATS_MAX = 2
PARTITIONS = (1, 2, 4, 8)
PROCESSES = (1, 2, 3, 4)
WORKERS = 2
LEFT_OUT = "left out at the small size"

Run = tuple[str, Engines]


def runs_at(partitions: int, size: Size) -> Iterator[Run]:
    """Give what is measured at some number of partitions, by figure."""
    if partitions <= size["partitions_most"]:
        yield f"partitions_{partitions}", Engines(1, {"ANPR_WORKERS": str(WORKERS)})
    if partitions == size["shared"]:
        for members in PROCESSES[: size["processes_most"]]:
            yield f"processes_{members}", Engines(members, {"ANPR_WORKERS": "1"})


def run(lab: Lab, size: Size, repeats: int) -> Outcome:
    """Measure each set-up in each round; every run's alerts are checked."""
    reads = workloads.ReadPlan(size["reads"], size["entries"], size["one_in"])
    warm = workloads.ReadPlan(size["warm_reads"], size["entries"], size["one_in"], seed=2)
    redis_url = lab.redis(size["entries"])
    outcome = Outcome(digests=digests(reads))
    rates: dict[str, float] = {}
    for _ in range(min(repeats, REPEATS_MAX)):
        rates = {}
        with EmbeddedKafka() as broker:
            for partitions in PARTITIONS:
                _grow(broker.bootstrap, partitions)
                for name, engines in runs_at(partitions, size):
                    rates[name] = _rate((broker.bootstrap, redis_url), engines, warm, reads)
        outcome.add(rates | law_figures(rates))
    wanted = [f"partitions_{n}" for n in PARTITIONS] + [f"processes_{n}" for n in PROCESSES]
    outcome.missing = dict.fromkeys((name for name in wanted if name not in rates), LEFT_OUT)
    return outcome


def _grow(kafka: str, partitions: int) -> None:
    admin = TopicAdmin(kafka)
    topics = wanted_topics(TOPICS, [SITE], replication=1, reads_partitions=partitions)
    admin.apply(plan(admin.existing([topic.name for topic in topics]), topics))


def _rate(
    servers: tuple[str, str], engines: Engines, warm: workloads.ReadPlan, reads: workloads.ReadPlan
) -> float:
    kafka, redis_url = servers
    with engines_ready(kafka, redis_url, engines), following(kafka) as arrivals:
        worked_off(kafka, warm, arrivals)
        return reads.reads / worked_off(kafka, reads, arrivals)


def law_figures(rates: Mapping[str, float]) -> dict[str, float]:
    """Give the fitted laws as figures."""
    found: dict[str, float] = {}
    for kind in ("partitions", "processes"):
        law = law_of(rates, kind)
        found |= {f"{kind}_sigma": law.sigma, f"{kind}_kappa": law.kappa}
        found[f"{kind}_residual"] = 100 * law.residual
    return found
