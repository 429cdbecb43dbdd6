"""Records of many reads through a real broker, by both clients: forms known by their headers."""

import json
from typing import TYPE_CHECKING

import batch_records
import pytest
from batch_records import ARROW, AVRO, MANY_READS, NDJSON
from confluent_kafka import Producer
from stream_worlds import CLIENTS, READS, WAIT_S, KafkaWorld, poll_some

from anpr_engine.kafka.client_settings import ClientName
from anpr_engine.pipeline.batches.records_in import reads_in
from anpr_engine.pipeline.batches.rules import RecordRules, schemas_from
from anpr_engine.pipeline.ingest import incoming

if TYPE_CHECKING:
    from servers import Broker

    from anpr_engine.wire import Header

LATEST_US = 2**62
RULES = RecordRules(schemas=schemas_from({"*": "plate_reads.v1"}))


def reads(first: int) -> list[dict[str, object]]:
    """Give three reads, the middle one without a camera."""
    return [
        {
            "read_id": f"r{number}",
            "camera_id": "" if number == first + 1 else "c1",
            "captured_at": "2026-11-22T08:00:00Z",
            "plate": "1-ABC-123",
        }
        for number in range(first, first + 3)
    ]


@pytest.mark.parametrize("client", CLIENTS)
def test_every_form_comes_through_with_its_header(kafka: "Broker", client: ClientName) -> None:
    """Reads in the records' order, each with its record and place; bad ones named alone."""
    world = KafkaWorld(kafka.bootstrap, client)
    id_header = ("__value_schema_id", b"\1" + bytes(16))
    avro = batch_records.avro(MANY_READS, reads(20))
    records: list[tuple[bytes, tuple[Header, ...]]] = [
        (json.dumps(reads(0)[0]).encode(), (("content-type", b"application/json"),)),
        (batch_records.lines(reads(10)), NDJSON),
        (batch_records.framed(7, avro), AVRO),
        (avro, (id_header,)),
        (batch_records.arrow(reads(30)), ARROW),
        (batch_records.arrow(reads(40))[:-40], ARROW),
    ]
    producer = Producer({"bootstrap.servers": kafka.bootstrap, "enable.idempotence": True})
    for value, headers in records:
        producer.produce(world.topic(READS), value, partition=0, headers=list(headers))
    assert producer.flush(WAIT_S) == 0
    stream = world.open()
    try:
        found: list[tuple[int, int | None, str]] = []
        while len({offset for offset, _, _ in found}) < len(records):
            batch = poll_some(stream)
            taken = reads_in(incoming(batch), RULES, LATEST_US)
            refused = {reject.row: reject.reason.value for reject in taken.rejects}
            for row in range(len(taken)):
                told = refused.get(row) or json.loads(taken.values[row])["read_id"]
                offset = batch.origin(taken.record_of(row)).offset
                found.append((offset, taken.place_of(row), told))
    finally:
        world.tear_down()
    bad = "out-of-range"
    assert found == [
        (0, None, "r0"),
        *[(1, place, told) for place, told in enumerate(["r10", bad, "r12"])],
        *[(2, place, told) for place, told in enumerate(["r20", bad, "r22"])],
        *[(3, place, told) for place, told in enumerate(["r20", bad, "r22"])],
        *[(4, place, told) for place, told in enumerate(["r30", bad, "r32"])],
        (5, None, "unreadable-record"),
    ]
