"""What the stream does with a batch that is damaged on the broker's disk."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from confluent_kafka import Producer
from stream_worlds import ALERTS, CLIENTS, READS, KafkaWorld, poll_some

from anpr_engine.kafka.embedded import EmbeddedKafka
from anpr_engine.wire import OutgoingRecord

if TYPE_CHECKING:
    from anpr_engine.ports import DamagedRecord

PER_BATCH = 300
HEADER_BYTES = 61
"""Of a stored batch: offset 8, length 4, epoch 4, magic 1, checksum 4 (from byte 17), and so on
to the records (KIP-98)."""

CASTAGNOLI = 0x82F63B78


@pytest.fixture(params=CLIENTS)
def damaging(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[KafkaWorld, Path]]:
    """Give a broker of the test's own, whose files the test may change."""
    data = tmp_path / "broker"
    with EmbeddedKafka(data) as broker:
        world = KafkaWorld(broker.bootstrap, request.param, partitions=1)
        yield world, data
        world.tear_down()


def crc32c(content: bytes) -> int:
    """Compute the checksum that Kafka stores with a batch (RFC 3720, appendix B.4)."""
    value = 0xFFFFFFFF
    for byte in content:
        value ^= byte
        for _ in range(8):
            value = (value >> 1) ^ (CASTAGNOLI if value & 1 else 0)
    return value ^ 0xFFFFFFFF


def write_batches(world: KafkaWorld, compression: str) -> list[bytes]:
    """Write three batches of reads, one request each."""
    producer = Producer(
        {
            "bootstrap.servers": world.bootstrap,
            # A batch goes when it is full, however long it took to find the partition.
            "linger.ms": 60_000,
            "batch.num.messages": PER_BATCH,
            "compression.type": compression,
        }
    )
    producer.list_topics(world.topic(READS), 10)
    written = []
    for batch in range(3):
        for number in range(PER_BATCH):
            value = b"%d.%03d.%s" % (batch, number, b"abcdefgh" * 20)
            producer.produce(world.topic(READS), value, partition=0)
            written.append(value)
        assert producer.flush(10) == 0
    return written


def damage_second_batch(log: Path, *, keep_checksum_right: bool) -> None:
    """Change a byte amid the second batch's records, on disk."""
    content = bytearray(log.read_bytes())
    start = 12 + int.from_bytes(content[8:12])
    end = start + 12 + int.from_bytes(content[start + 8 : start + 12])
    assert int.from_bytes(content[start : start + 8]) == PER_BATCH
    for at in range(start + HEADER_BYTES, start + HEADER_BYTES + 40):
        content[at] ^= 0xFF
    if keep_checksum_right:
        # The checksum covers everything from the attributes, at byte 21, on.
        content[start + 17 : start + 21] = crc32c(bytes(content[start + 21 : end])).to_bytes(4)
    log.write_bytes(content)


@pytest.mark.parametrize(
    ("compression", "keep_checksum_right"),
    [("none", False), ("zstd", False), ("zstd", True), ("lz4", True)],
)
def test_passes_over_a_damaged_batch(
    damaging: tuple[KafkaWorld, Path], compression: str, *, keep_checksum_right: bool
) -> None:
    """Every read around the damage comes once, and the damage is told with its exact extent."""
    world, data = damaging
    written = write_batches(world, compression)
    log = next(data.glob(f"**/{world.topic(READS)}-0/*.log"))
    damage_second_batch(log, keep_checksum_right=keep_checksum_right)
    stream = world.open()
    found: list[bytes] = []
    damaged: list[DamagedRecord] = []
    while not stream.caught_up():
        batch = poll_some(stream)
        found += batch.values
        damaged += batch.damaged
        assert stream.commit([OutgoingRecord(world.topic(ALERTS), b"key", b"told")])
    assert found == written[:PER_BATCH] + written[2 * PER_BATCH :]
    assert [record[1:4] for record in damaged] == [(0, PER_BATCH, 2 * PER_BATCH)]
