"""Keeps a book by a topic, in a thread: all that it holds before an engine begins, then what comes.

Why a start that takes too long goes on in the thread: a book that lacks something is put right by
people; a hit that nobody hears of is not.
Why a topic that does not exist is no end: a site without those who write it has no such records.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from anpr_engine.errors import BrokerError, TopicMissing
from anpr_engine.kafka.client_settings import StreamSettings
from anpr_engine.kafka.history import HistorySettings
from anpr_engine.kafka.tail import Follower, TailedRecord
from anpr_engine.kafka.topic_values import committed_records
from anpr_engine.logs import get_logger
from anpr_engine.ports import Clock

CATCH_UP_S_MAX = 30.0
RETRY_S = 5.0
JOIN_S = 5.0

Past = Callable[[HistorySettings, Callable[[], bool]], Iterator[TailedRecord]]
"""Gives the records that a topic holds; the second argument ends it early."""


@dataclass(frozen=True, slots=True)
class TopicBook:
    """A book: what it is called in the log, its topic, and what takes a record in.

    take: must be able to take a record twice. past: what of the topic's past is taken.
    """

    name: str
    topic: str
    take: Callable[[TailedRecord], None]
    past: Past = committed_records


@contextmanager
def kept_by_topic(
    book: TopicBook, settings: StreamSettings, clock: Clock, catch_up_s_max: float = CATCH_UP_S_MAX
) -> Iterator[None]:
    """Keep a book as long as this lasts; it is read up to now first.

    Args:
        book: which one.
        settings: how the engine reaches its broker.
        clock: the machine's.
        catch_up_s_max: after so long the engine starts, and the rest is read beside it.

    Raises:
        BrokerError: nobody answers, or we are refused.

    """
    following = _Following(book, settings, clock)
    following.begin(catch_up_s_max)
    thread = threading.Thread(target=following.run, name=book.name, daemon=True)
    thread.start()
    try:
        yield
    finally:
        following.stop.set()
        thread.join(JOIN_S)


class _Following:
    """Reads what there is, then what comes.

    The follower notes its place before the past is read, so that nothing falls between; what is
    read twice counts once.
    """

    def __init__(self, book: TopicBook, settings: StreamSettings, clock: Clock) -> None:
        self.stop = threading.Event()
        self._book, self._settings, self._clock = book, settings, clock
        self._source: Follower | None = None
        self._complete = False

    def begin(self, catch_up_s_max: float) -> None:
        begun_s = self._clock.monotonic_s()
        name = self._book.name
        try:
            self._open()
        except TopicMissing:
            get_logger().warning("topic_book_unknown", book=name, topic=self._book.topic)
            return
        self._catch_up(begun_s + catch_up_s_max)
        took_ms = round((self._clock.monotonic_s() - begun_s) * 1000)
        get_logger().info("topic_book_read", book=name, took_ms=took_ms, complete=self._complete)

    def run(self) -> None:
        """Follow until told to stop; what fails is tried again."""
        while not self.stop.is_set():
            try:
                source = self._source or self._open()
                if not self._complete:
                    self._catch_up(None)
                for record in source.records(self.stop.is_set):
                    self._book.take(record)
            except BrokerError as error:
                cause = type(error).__name__
                get_logger().warning("topic_book_behind", book=self._book.name, cause=cause)
            # A follower is used once; the next one reads from the start again.
            self._source, self._complete = None, False
            self.stop.wait(RETRY_S)

    def _open(self) -> Follower:
        given = self._settings
        self._source = Follower(
            given.bootstrap, given.security, [self._book.topic], check_crcs=given.check_crcs
        )
        return self._source

    def _catch_up(self, deadline_s: float | None) -> None:
        def late() -> bool:
            passed = deadline_s is not None and self._clock.monotonic_s() > deadline_s
            return passed or self.stop.is_set()

        log = HistorySettings.beside(self._settings, self._book.topic, "anpr.tail")
        for record in self._book.past(log, late):
            self._book.take(record)
        self._complete = not late()
