"""A topic's past, read from a real broker: ranges, committed records, what is gone or damaged.

Every test is one of both clients.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import batch_records
import pytest
from batch_records import ARROW, NDJSON
from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from stream_worlds import MISSING, READS, WAIT_S, KafkaWorld
from test_kafka_damage import PER_BATCH, damage_second_batch, write_batches

from anpr_engine.errors import BrokerError, BrokerUnavailable, TopicMissing, UsageError
from anpr_engine.kafka.embedded import EmbeddedKafka
from anpr_engine.kafka.history import History, HistorySettings, OffsetRange
from anpr_engine.pipeline.batches.rules import RecordRules
from anpr_engine.replay.kafka_reads import KafkaReads, Wanted

if TYPE_CHECKING:
    from servers import Broker

    from anpr_engine.kafka.client_settings import ClientName
    from anpr_engine.ports import DamagedRecord
    from anpr_engine.replay.units import Unit
    from anpr_engine.wire import Header

CLIENTS: "dict[str, ClientName]" = {"told": "plain"}
RECORDS = 30
DAY_US = 86_400_000_000


@pytest.fixture(autouse=True, params=["plain", "native"])
def client(request: pytest.FixtureRequest) -> None:
    """Say which client reads."""
    CLIENTS["told"] = request.param


@pytest.fixture
def world(kafka: "Broker") -> Iterator[KafkaWorld]:
    """Give topics of the test's own on the real broker."""
    made = KafkaWorld(kafka.bootstrap)
    yield made
    made.tear_down()


def settings(world: KafkaWorld, name: str = READS) -> HistorySettings:
    """Say how to reach a topic."""
    return HistorySettings(world.bootstrap, world.topic(name), client=CLIENTS["told"])


def values(world: KafkaWorld, ranges: Sequence[OffsetRange]) -> list[list[bytes]]:
    """Read ranges of one partition, each by itself."""
    found: list[list[bytes]] = [[] for _ in ranges]
    with closing(History(settings(world))) as history:
        for place, batch, reached in history.batches(ranges, lambda: False):
            assert reached <= ranges[place].end
            found[place] += batch.values
    return found


def texts(first: int, end: int) -> list[bytes]:
    """Give the values of records by number."""
    return [b"r%03d" % number for number in range(first, end)]


def write_at(world: KafkaWorld, times_ms: Sequence[int]) -> None:
    """Append records with times of their own, one after another."""
    producer = Producer({"bootstrap.servers": world.bootstrap, "enable.idempotence": True})
    for number, at_ms in enumerate(times_ms):
        value = b"r%03d" % number
        producer.produce(world.topic(READS), value, partition=0, timestamp=at_ms)
    assert producer.flush(WAIT_S) == 0


def test_ranges_are_given_whole_and_in_order(world: KafkaWorld) -> None:
    """However a partition is cut, each range has its own records, and all together have all."""
    world.write(0, texts(0, RECORDS))
    cuts = [0, 1, 7, 7, 29, RECORDS]
    ranges = [OffsetRange(0, *pair) for pair in pairwise(cuts)]
    assert values(world, ranges) == [texts(*pair) for pair in pairwise(cuts)]


def test_a_time_is_the_first_record_at_or_after_it(world: KafkaWorld) -> None:
    """Records before the first time and from the last one on are left out."""
    start_ms = 1_790_000_000_000
    write_at(world, [start_ms + 1000 * number for number in range(10)])
    with closing(History(settings(world))) as history:
        found = history.between((start_ms + 2500) * 1000, (start_ms + 6000) * 1000)
        assert found == [OffsetRange(0, 3, 6), OffsetRange(1, 0, 0)]
        everything = history.between(None, None)
        assert everything == [OffsetRange(0, 0, 10), OffsetRange(1, 0, 0)]
        later = history.between((start_ms + DAY_US) * 1000, None)
        assert later == [OffsetRange(0, 10, 10), OffsetRange(1, 0, 0)]


def test_the_end_is_fixed_before_reading(world: KafkaWorld) -> None:
    """What comes in after the ranges were made is not given."""
    world.write(0, texts(0, RECORDS))
    with closing(History(settings(world))) as history:
        ranges = history.between(None, None)
        world.write(0, [b"late"] * 5)
        batches = list(history.batches(ranges[:1], lambda: False))
    assert [value for _, batch, _ in batches for value in batch.values] == texts(0, RECORDS)


def test_only_committed_records_are_given_and_markers_end_a_range(world: KafkaWorld) -> None:
    """Aborted records are left out; a range that ends with markers alone comes to its end."""
    names = {"bootstrap.servers": world.bootstrap, "transactional.id": world.topic("writer")}
    producer = Producer(names)
    producer.init_transactions(WAIT_S)
    for value, kept in ((b"kept", True), (b"lost", False)):
        producer.begin_transaction()
        for _ in range(3):
            producer.produce(world.topic(READS), value, partition=0)
        producer.flush(WAIT_S)
        if kept:
            producer.commit_transaction(WAIT_S)
        else:
            producer.abort_transaction(WAIT_S)
    with closing(History(settings(world))) as history:
        (whole, _) = history.between(None, None)
    assert whole.end == 8
    ranges = [OffsetRange(0, 0, 4), OffsetRange(0, 4, 7), OffsetRange(0, 7, 8)]
    assert values(world, ranges) == [[b"kept"] * 3, [], []]


def test_records_that_are_gone_are_an_error_and_no_shorter_result(world: KafkaWorld) -> None:
    """Records deleted after the ranges were made are told of, with what to do."""
    world.write(0, texts(0, RECORDS))
    admin = AdminClient({"bootstrap.servers": world.bootstrap})
    before = TopicPartition(world.topic(READS), 0, 10)
    for deleted in admin.delete_records([before]).values():
        deleted.result()
    with pytest.raises(BrokerError, match=r"offset 5 on are not there any more.*--restart"):
        values(world, [OffsetRange(0, 5, RECORDS)])
    assert values(world, [OffsetRange(0, 10, RECORDS)]) == [texts(10, RECORDS)]
    with closing(History(settings(world))) as history:
        assert history.at_offsets({0: 12}, {1: 0}) == [
            OffsetRange(0, 12, RECORDS),
            OffsetRange(1, 0, 0),
        ]
        with pytest.raises(UsageError, match="begins at offset 10"):
            history.at_offsets({0: 9}, {})
        with pytest.raises(UsageError, match="no partition 7, but 0 to 1"):
            history.at_offsets({}, {7: 9})


def test_reading_ends_soon_after_it_is_told_to(world: KafkaWorld) -> None:
    """A stop between two batches ends the reading, whatever is left."""
    world.write(0, texts(0, RECORDS))
    stop = threading.Event()
    told = 0
    with closing(History(settings(world))) as history:
        ranges = [OffsetRange(0, at, at + 1) for at in range(RECORDS)]
        for _ in history.batches(ranges, stop.is_set):
            told += 1
            stop.set()
    assert told == 1


def test_no_topic_and_no_broker_are_told(world: KafkaWorld) -> None:
    """A missing topic and a silent address are named."""
    with pytest.raises(TopicMissing):
        History(settings(world, MISSING))
    with pytest.raises(BrokerUnavailable, match=r"127\.0\.0\.1:1"):
        History(HistorySettings("127.0.0.1:1", "reads", start_timeout_s=0.5))


def test_records_of_many_reads_are_units_of_a_plan(world: KafkaWorld) -> None:
    """NDJSON and Arrow records give their reads; refused ones are named by record and place."""
    rows = [
        {
            "read_id": f"r{number}",
            "camera_id": "" if number == 1 else "c",
            "captured_at": "2026-11-22T08:00:00Z",
            "plate": "1-ABC-123",
        }
        for number in range(3)
    ]
    records: list[tuple[bytes, tuple[Header, ...]]] = [
        (batch_records.lines(rows), NDJSON),
        (batch_records.arrow(rows), ARROW),
        (b"{", ()),
    ]
    producer = Producer({"bootstrap.servers": world.bootstrap, "enable.idempotence": True})
    for value, headers in records:
        producer.produce(world.topic(READS), value, partition=1, headers=list(headers))
    assert producer.flush(WAIT_S) == 0
    source = KafkaReads(settings(world), RecordRules())
    plan = source.plan(Wanted())
    assert plan.weight == 3
    (lane,) = plan.lanes()
    seen: list[Unit] = []
    reads, refused, weight = 0, [], 0
    for unit, portion in source.portions(lane, lambda: False):
        seen.append(unit)
        weight += portion.weight
        if portion.take is not None:
            columns = portion.take(2**62)
            assert portion.where is not None
            reads += len(columns)
            refused += [portion.where(columns, reject.row) for reject in columns.rejects]
    topic = world.topic(READS)
    assert refused == [f"{topic}/1/0 read 2", f"{topic}/1/1 read 2", f"{topic}/1/2"]
    assert (reads, weight, set(seen)) == (7, 3, set(plan.units))


@pytest.mark.parametrize(("compression", "keep_checksum_right"), [("none", False), ("zstd", True)])
def test_a_damaged_batch_is_passed_over_and_told(
    tmp_path: Path, compression: str, *, keep_checksum_right: bool
) -> None:
    """Every record around the damage comes once, though ranges end amid it."""
    data = tmp_path / "broker"
    with EmbeddedKafka(data) as broker:
        world = KafkaWorld(broker.bootstrap, partitions=1)
        written = write_batches(world, compression)
        log = next(data.glob(f"**/{world.topic(READS)}-0/*.log"))
        damage_second_batch(log, keep_checksum_right=keep_checksum_right)
        cuts = [0, PER_BATCH + 50, 2 * PER_BATCH + 10, 3 * PER_BATCH]
        ranges = [OffsetRange(0, *pair) for pair in pairwise(cuts)]
        found: list[bytes] = []
        damaged: list[DamagedRecord] = []
        with closing(History(settings(world))) as history:
            for _, batch, _ in history.batches(ranges, lambda: False):
                found += batch.values
                damaged += batch.damaged
        world.tear_down()
    assert found == written[:PER_BATCH] + written[2 * PER_BATCH :]
    assert [record[1:4] for record in damaged] == [(0, PER_BATCH, 2 * PER_BATCH)]
