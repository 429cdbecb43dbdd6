"""What peers that are programs of their own are given, and where they leave their hits.

They are judged by what a reader of committed records finds on their topic, and by the offsets
that their group has saved.
"""

import json
import uuid
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from benchmarks.alerts import ANSWER_S, TopicReader
from benchmarks.lab import PARTITIONS, READS_TOPIC
from benchmarks.peers import Ends


@dataclass(frozen=True, slots=True)
class Trial:
    """The broker, the file of listed plates, a number of reads."""

    kafka: str
    plates: Path
    reads: int


class HitsTopic:
    """A new topic for hits, whose name is the group's too; a context manager that deletes it."""

    def __init__(self, kafka: str) -> None:
        """Choose a name."""
        self.name = f"bench.hits.{uuid.uuid4().hex}"
        self._kafka = kafka
        self._admin = AdminClient({"bootstrap.servers": kafka, "log_level": 3})

    def __enter__(self) -> Self:
        """Make the topic and wait until it is there."""
        made = self._admin.create_topics([NewTopic(self.name, 1, 1)], operation_timeout=ANSWER_S)
        made[self.name].result(ANSWER_S)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Delete the topic."""
        self._admin.delete_topics([self.name])[self.name].result(ANSWER_S)

    def read_ids(self) -> list[str]:
        """Name the reads of the committed records."""
        reader = TopicReader(self._kafka, self.name)
        try:
            return [json.loads(record.value)["read_id"] for record in reader.since({0: 0})]
        finally:
            reader.close()

    def committed(self) -> Ends:
        """Give the offsets of the topic of reads that the group has saved."""
        asked = [TopicPartition(READS_TOPIC, partition) for partition in range(PARTITIONS)]
        consumer = Consumer({"bootstrap.servers": self._kafka, "group.id": self.name})
        try:
            found = consumer.committed(asked, timeout=ANSWER_S)
        finally:
            consumer.close()
        return {place.partition: max(place.offset, 0) for place in found}
