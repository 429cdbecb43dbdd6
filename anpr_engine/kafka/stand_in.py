"""The client library's in-memory broker, for `anpr demo` where Kafka cannot be had; never tests.

Why: it starts in milliseconds with nothing fetched, and a demo that says what it lacks is worth
more than none.
"""

from collections.abc import Iterable
from types import TracebackType
from typing import Self

from confluent_kafka import Producer

from anpr_engine.errors import EmbeddedError

BANNER = (
    "No Apache Kafka here: this is the client library's in-memory stand-in. It does not isolate "
    "transactions, so exactly-once is NOT shown; it keeps about 5 MiB a partition and loses "
    "everything at exit."
)
ANSWER_TIMEOUT_S = 5.0


class MemoryKafka:
    """An in-memory broker inside this process; topics are made on first use."""

    def __init__(self) -> None:
        """Prepare a stand-in without starting it."""
        self._owner: Producer | None = None
        self._bootstrap = ""

    @property
    def bootstrap(self) -> str:
        """Where clients of any process on this machine connect.

        Raises:
            EmbeddedError: it was not started.

        """
        if not self._bootstrap:
            raise EmbeddedError("The in-memory stand-in was not started.")
        return self._bootstrap

    def start(self) -> None:
        """Start the stand-in."""
        self._owner = Producer(
            {"bootstrap.servers": "127.0.0.1:1", "test.mock.num.brokers": 1, "log_level": 0}
        )
        brokers = self._owner.list_topics(timeout=ANSWER_TIMEOUT_S).brokers.values()
        self._bootstrap = ",".join(f"{broker.host}:{broker.port}" for broker in brokers)

    def add_topics(self, names: Iterable[str]) -> None:
        """Make topics of four partitions; the stand-in makes one when it is first asked for it.

        Raises:
            EmbeddedError: it was not started.

        """
        if self._owner is None:
            raise EmbeddedError("The in-memory stand-in was not started.")
        for name in names:
            self._owner.list_topics(name, timeout=ANSWER_TIMEOUT_S)

    def stop(self) -> None:
        """End the stand-in and all it holds."""
        self._owner = None
        self._bootstrap = ""

    def __enter__(self) -> Self:
        """Start the stand-in."""
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the stand-in."""
        self.stop()
