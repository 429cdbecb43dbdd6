"""How one transaction goes to the broker: what waits for what."""

import threading
from typing import Any

import pytest
from confluent_kafka import TopicPartition

from anpr_engine.clock import SystemClock
from anpr_engine.kafka import producer
from anpr_engine.kafka.client_settings import StreamSettings
from anpr_engine.kafka.producer import Outcome, TransactionalProducer
from anpr_engine.metrics.table import Metrics
from anpr_engine.wire import OutgoingRecord

MEET_S = 5.0


class _Client:
    """Takes the library's place: offsets are on record only once records are being pushed out."""

    def __init__(self, _properties: dict[str, Any]) -> None:
        self.calls: list[str] = []
        self._pushed, self._sent = threading.Event(), threading.Event()

    def produce(self, *_record: object, **_more: object) -> None:
        self.calls.append("produce")

    def flush(self, _timeout_s: float) -> int:
        self._pushed.set()
        if self._sent.wait(MEET_S):
            self.calls.append("both under way")
        return 0

    def send_offsets_to_transaction(self, *_what: object) -> None:
        self._sent.set()
        if not self._pushed.wait(MEET_S):
            self.calls.append("offsets alone")

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever else is called
        return lambda *_: self.calls.append(name)


def test_records_and_offsets_are_under_way_at_the_same_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Neither waits for the other, and the commit comes after both."""
    monkeypatch.setattr(producer, "Producer", _Client)
    settings = StreamSettings("nowhere:1", "reads", "group", "writer")
    writer = TransactionalProducer(settings, Metrics(), SystemClock())
    record = OutgoingRecord("alerts", b"key", b"value", ())
    outcome = writer.save([record], [TopicPartition("reads", 0, 1)], object())
    writer.close()
    assert outcome is Outcome.SAVED
    client: Any = writer._producer  # noqa: SLF001 - what stands in the library's place
    begun = client.calls.index("begin_transaction")
    assert client.calls[begun : begun + 4] == [
        *("begin_transaction", "produce", "both under way", "commit_transaction")
    ]
