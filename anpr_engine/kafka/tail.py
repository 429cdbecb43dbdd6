"""Follows topics as they grow, committed records only, without leaving a trace on the broker.

Why: partitions are assigned by hand and nothing is committed, so that a terminal that looks at
alerts is no member of any group and needs no access rule beyond reading.
"""

import uuid
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from typing import NamedTuple

from confluent_kafka import (
    OFFSET_BEGINNING,
    TIMESTAMP_LOG_APPEND_TIME,
    Consumer,
    Message,
    TopicPartition,
)

from anpr_engine.clock import SystemClock
from anpr_engine.errors import BrokerError
from anpr_engine.kafka.batch import headers_of
from anpr_engine.kafka.client_settings import Security, common, follower
from anpr_engine.kafka.errors import PASSING, translate, translated
from anpr_engine.kafka.watch import ClientWatch, reach, watermarks
from anpr_engine.wire import Header

LOOK_S = 0.1
"""How often `stop` is asked while nothing comes; a record is given as soon as it is there."""

GROUP_MAX = 500
"""Records given together, beside the first."""

START_S = 15.0


class TailedRecord(NamedTuple):
    """One committed record; `appended_at_us` is -1 when the broker does not say."""

    topic: str
    partition: int
    offset: int
    appended_at_us: int
    key: bytes
    headers: tuple[Header, ...]
    value: bytes


class Follower:
    """Reads topics from the start or from now; a start from now is fixed on construction."""

    def __init__(
        self,
        bootstrap: str,
        security: Security,
        topics: Sequence[str],
        *,
        from_start: bool = False,
        check_crcs: bool = True,
        where_there: Sequence[str] = (),
    ) -> None:
        """Connect and note where each partition stands.

        Args:
            bootstrap: `host:port[,host:port…]`.
            security: how to prove who we are.
            topics: must exist.
            from_start: give what is there already too.
            check_crcs: refuse batches whose checksum is wrong; the stand-in writes none.
            where_there: more topics, which need not exist; `topics` says those that are followed.

        Raises:
            BrokerError: nobody answers, we are refused, or a topic does not exist.

        """
        self._where = bootstrap
        self._watch = ClientWatch(bootstrap)
        base = common(bootstrap, security, self._watch.hear)
        group = f"anpr.tail.{uuid.uuid4().hex}"
        with translated(bootstrap):
            self._consumer = Consumer({**base, **follower(group, check_crcs=check_crcs)})
            places = [place for topic in topics for place in self._places(topic)]
            there = self._consumer.list_topics(timeout=START_S).topics if where_there else {}
            more = [topic for topic in where_there if topic in there]
            places += [place for topic in more for place in self._places(topic)]
            self.topics = (*topics, *more)
            for place in places:
                place.offset = OFFSET_BEGINNING if from_start else self._end(place)
            self._consumer.assign(places)

    def records(self, stop: Callable[[], bool]) -> Iterator[TailedRecord]:
        """Give records as they are committed, until `stop` says so.

        Raises:
            BrokerError: when following cannot go on.

        """
        with closing(self.groups(stop)) as groups:
            for group in groups:
                yield from group

    def groups(self, stop: Callable[[], bool]) -> Generator[list[TailedRecord]]:
        """Give records as they are committed, until `stop` says so, those that are there together.

        Nobody waits for a group to grow: records of one transaction mostly are one, those of
        several topics in any order, those of a partition in theirs.

        Raises:
            BrokerError: when following cannot go on.

        """
        try:
            while not stop():
                with translated(self._where):
                    first = self._consumer.poll(LOOK_S)
                    rest = [] if first is None else self._consumer.consume(GROUP_MAX, 0)
                self._watch.check()
                found, fault = self._taken([] if first is None else [first, *rest])
                if found:
                    yield found
                if fault is not None:
                    raise fault
        finally:
            self._consumer.close()

    def _taken(self, messages: Sequence[Message]) -> tuple[list[TailedRecord], BrokerError | None]:
        # What came before a fault is given first.
        found = list[TailedRecord]()
        for message in messages:
            error = message.error()
            if error is None:
                found.append(tailed(message))
            elif error.code() not in PASSING:
                return found, translate(error, self._where)
        return found, None

    def _places(self, topic: str) -> list[TopicPartition]:
        clock = SystemClock()
        found = reach(
            self._consumer,
            topic,
            watch=self._watch,
            serve=lambda: self._consumer.consume(1, 0),
            deadline_s=clock.monotonic_s() + START_S,
            clock=clock,
        )
        return [TopicPartition(topic, partition) for partition in sorted(found.partitions)]

    def _end(self, place: TopicPartition) -> int:
        return watermarks(self._consumer, place, START_S)[1]


def follow_alerts(
    bootstrap: str,
    security: Security,
    topics: Sequence[str],
    stop: Callable[[], bool],
    *,
    from_start: bool = False,
    check_crcs: bool = True,
) -> Iterator[TailedRecord]:
    """Follow topics until `stop` says so; see `Follower`.

    "From now" is the moment of this call, not of the first record taken from the iterator.

    Raises:
        BrokerError: nobody answers, we are refused, or a topic does not exist.

    """
    found = Follower(bootstrap, security, topics, from_start=from_start, check_crcs=check_crcs)
    return found.records(stop)


def tailed(message: Message) -> TailedRecord:
    """Give a message as a record."""
    kind, at_ms = message.timestamp()
    return TailedRecord(
        topic=message.topic() or "",
        partition=message.partition() or 0,
        offset=message.offset() or 0,
        appended_at_us=at_ms * 1000 if kind == TIMESTAMP_LOG_APPEND_TIME else -1,
        key=message.key() or b"",
        headers=headers_of(message),
        value=message.value() or b"",
    )
