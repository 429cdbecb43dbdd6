"""A child process that copies each read to the alerts topic, made to be killed.

Arguments: bootstrap, topic of reads, topic of alerts, group, client, and `forever` or `die-inside`.
`die-inside` kills itself when the first transaction's records are on the broker, uncommitted.
"""

import os
import signal
import sys
from collections.abc import Iterator, Sequence
from typing import overload

from confluent_kafka import Consumer, TopicPartition

from anpr_engine.clock import SystemClock
from anpr_engine.kafka.client_settings import StreamSettings
from anpr_engine.kafka.stream import KafkaReadStream
from anpr_engine.metrics.table import Metrics
from anpr_engine.ports import BatchLimits
from anpr_engine.wire import OutgoingRecord


class DeadlyRecords(Sequence[OutgoingRecord]):
    """Records after the last of which the process kills itself."""

    def __init__(self, records: list[OutgoingRecord], bootstrap: str) -> None:
        """Take the records, and the broker to watch until they have arrived."""
        self._records, self._bootstrap = records, bootstrap

    def __len__(self) -> int:
        """Count the records."""
        return len(self._records)

    @overload
    def __getitem__(self, row: int) -> OutgoingRecord: ...
    @overload
    def __getitem__(self, row: slice) -> Sequence[OutgoingRecord]: ...
    def __getitem__(self, row: int | slice) -> OutgoingRecord | Sequence[OutgoingRecord]:
        """Give records by row."""
        return self._records[row]

    def __iter__(self) -> Iterator[OutgoingRecord]:
        """Give the records, wait until the broker has one of them, and die."""
        yield from self._records
        config = {"bootstrap.servers": self._bootstrap, "group.id": "look"}
        place = TopicPartition(self._records[0].topic, 0)
        with Consumer({**config, "isolation.level": "read_uncommitted"}) as consumer:
            while consumer.get_watermark_offsets(place, timeout=5)[1] == 0:
                pass
        os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    """Copy until killed."""
    bootstrap, reads, alerts, group, client, way = sys.argv[1:]
    settings = StreamSettings(
        *(bootstrap, reads, group, f"{group}.0"),
        transaction_timeout_ms=5000,
        client="native" if client == "native" else "plain",
    )
    stream = KafkaReadStream(settings, Metrics(), SystemClock())
    while True:
        batch = stream.poll(BatchLimits(reads_max=50))
        if batch is None:
            continue
        records = [OutgoingRecord(alerts, b"key", value) for value in batch.values]
        stream.commit(DeadlyRecords(records, bootstrap) if way == "die-inside" else records)


if __name__ == "__main__":
    main()
