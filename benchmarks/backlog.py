"""A backlog that is there all at once, and engines that are ready before it is.

Reads are written in one transaction. Engines read committed records only, so they wait, joined
and with their lists loaded, until it is committed: what is measured then is work alone, neither
starting nor a generator that is slower than the engine.
"""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import NamedTuple

from confluent_kafka import ConsumerGroupState, Producer
from confluent_kafka.admin import AdminClient

from anpr_engine.clock import SystemClock
from anpr_engine.kafka.client_settings import writer
from anpr_engine.wire import Header
from benchmarks import workloads
from benchmarks.alerts import ANSWER_S, check_alerts
from benchmarks.bench_latency import Arrivals, skip_to_end
from benchmarks.lab import READS_TOPIC, WrongAnswer, engine_running, engine_settings

WRITER = "bench.backlog"
JOIN_S_MAX = 60.0
LOOK_S = 0.1
WORK_S_MAX = 120.0
TRANSACTION_MS_MAX = 120_000
SERVE_EVERY = 1024


@dataclass(frozen=True, slots=True)
class Engines:
    """How many engine processes share a group, and what else each is told.

    members: processes. told: variables beside those of `engine_settings`.
    """

    members: int
    told: Mapping[str, str]


class Record(NamedTuple):
    """One record as it is written."""

    key: bytes
    value: bytes
    headers: tuple[Header, ...] = ()


Packed = Callable[[workloads.ReadPlan], Iterator[Record]]
"""Makes the records that hold the reads of a plan."""


def one_each(plan: workloads.ReadPlan) -> Iterator[Record]:
    """Make a record of each read."""
    for chunk in workloads.read_chunks(plan):
        yield from map(Record, chunk.keys, chunk.values)


def write_backlog(
    kafka: str, plan: workloads.ReadPlan, packed: Packed = one_each
) -> Callable[[], None]:
    """Write reads that nobody sees yet; give what makes all of them visible."""
    told = {"transactional.id": WRITER, "transaction.timeout.ms": TRANSACTION_MS_MAX}
    producer = Producer({"bootstrap.servers": kafka, "log_level": 3, **writer(), **told})
    producer.init_transactions(ANSWER_S)
    producer.begin_transaction()
    for written, record in enumerate(packed(plan), start=1):
        while True:
            try:
                producer.produce(READS_TOPIC, record.value, record.key, headers=[*record.headers])
                break
            except BufferError:
                producer.poll(LOOK_S)
        if not written % SERVE_EVERY:
            producer.poll(0)
    producer.flush(ANSWER_S)

    def release() -> None:
        producer.commit_transaction(ANSWER_S)
        producer.close()

    return release


def worked_off(
    kafka: str,
    plan: workloads.ReadPlan,
    arrivals: Arrivals,
    beside: Callable[[], None] | None = None,
    packed: Packed = one_each,
) -> float:
    """Let engines that wait work a backlog off; their alerts are checked.

    Args:
        kafka: the broker.
        plan: the reads.
        arrivals: the alerts as they become visible.
        beside: what else is done from the same moment on, in a thread of its own.
        packed: what makes records of the reads.

    Returns the seconds until the last alert, which is about one of the last reads, is visible.
    """
    arrivals.forget()
    release = write_backlog(kafka, plan, packed)
    other = threading.Thread(target=beside, name="beside") if beside else None
    started_ns = time.time_ns()
    if other is not None:
        other.start()
    release()
    arrivals.wait(workloads.listed_count(plan), WORK_S_MAX)
    seconds = (max(arrivals.seen_ns.values()) - started_ns) / 1e9
    if other is not None:
        other.join()
    check_alerts(arrivals.values, workloads.listed_read_ids(plan))
    return seconds


@contextmanager
def engines_ready(kafka: str, redis_url: str, engines: Engines) -> Iterator[str]:
    """Keep engines running that have joined and wait behind all reads; gives their group."""
    settings = engine_settings(kafka, redis_url)
    group = settings["ANPR_GROUP"]
    skip_to_end(kafka, group)
    with ExitStack() as running:
        for slot in range(engines.members):
            told = {**settings, **engines.told, "ANPR_SLOT": str(slot)}
            running.enter_context(engine_running(told))
        _wait_joined(kafka, group, engines.members)
        yield group


def _wait_joined(kafka: str, group: str, members: int) -> None:
    """Wait until as many members as can have partitions, and all partitions have a member."""
    admin, clock, pause = (
        AdminClient({"bootstrap.servers": kafka, "log_level": 3}),
        SystemClock(),
        threading.Event(),
    )
    partitions = len(admin.list_topics(READS_TOPIC, ANSWER_S).topics[READS_TOPIC].partitions)
    deadline_s = clock.monotonic_s() + JOIN_S_MAX
    while clock.monotonic_s() < deadline_s:
        found = admin.describe_consumer_groups([group])[group].result(ANSWER_S)
        held = [
            len(member.assignment.topic_partitions) if member.assignment else 0
            for member in found.members
        ]
        stable = found.state == ConsumerGroupState.STABLE and len(held) == members
        if stable and sum(held) == partitions and min(held) >= partitions // members:
            return
        pause.wait(LOOK_S)
    raise WrongAnswer(f"{members} engines did not share the partitions out in {JOIN_S_MAX:.0f} s")
