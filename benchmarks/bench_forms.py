"""Reads a second of one engine by the form of its records: one read each, or many in one.

The same reads in every form, as a backlog that is there all at once. Records of many reads are
made as concentrators of cameras make them: a camera always sends by the same one.
"""

import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

from anpr_engine.replay.read_tables import arrow_record
from benchmarks import workloads
from benchmarks.backlog import Engines, Packed, Record, engines_ready, one_each, worked_off
from benchmarks.bench_kernels import digests
from benchmarks.bench_latency import following
from benchmarks.definitions import Size
from benchmarks.lab import Lab
from benchmarks.measure import Outcome

CONCENTRATORS = 16
REPEATS_MAX = 3

Pack = Callable[[Sequence[bytes]], bytes]


def run(lab: Lab, size: Size, repeats: int) -> Outcome:
    """Measure each form in each round; every run's alerts are checked."""
    reads = workloads.ReadPlan(size["reads"], size["entries"], size["one_in"])
    warm = workloads.ReadPlan(size["warm_reads"], size["entries"], size["one_in"], seed=2)
    kafka, redis_url = lab.kafka(), lab.redis(size["entries"])
    outcome = Outcome(digests=digests(reads))
    forms = forms_of(size["batch"])
    for _ in range(min(repeats, REPEATS_MAX)):
        found: dict[str, float] = {}
        for name, packed in forms.items():
            with engines_ready(kafka, redis_url, Engines(1, {})), following(kafka) as arrivals:
                worked_off(kafka, warm, arrivals, packed=packed)
                seconds = worked_off(kafka, reads, arrivals, packed=packed)
            found[name] = reads.reads / seconds
        outcome.add(found)
    return outcome


def forms_of(batch: int) -> Mapping[str, Packed]:
    """Give what makes records of each form, with some number of reads at most."""
    many = partial(_many, batch)
    return {
        "json": one_each,
        "ndjson": partial(many, b"application/x-ndjson", b"\n".join),
        "arrow": partial(many, b"application/vnd.apache.arrow.stream", arrow_record),
    }


def _many(
    batch: int, content_type: bytes, pack: Pack, plan: workloads.ReadPlan
) -> Iterator[Record]:
    headers = (("content-type", content_type),)
    waiting: dict[bytes, list[bytes]] = {}
    for each in one_each(plan):
        concentrator = b"concentrator-%d" % (zlib.crc32(each.key) % CONCENTRATORS)
        gathered = waiting.setdefault(concentrator, [])
        gathered.append(each.value)
        if len(gathered) == batch:
            yield Record(concentrator, pack(waiting.pop(concentrator)), headers)
    for concentrator, gathered in waiting.items():
        yield Record(concentrator, pack(gathered), headers)
