"""Keeps an engine's book of handled entries by its site's topic of feedback, in a thread.

Why read whole before the first batch: an entry whose action was done as often as wanted gives no
more alerts, after a start no less than before it. What the topic still holds is what is known.
Why a start that takes too long goes on in the thread: a hit told once too often is put right by a
person; a hit that nobody hears of is not.
Why a topic that does not exist is no end: a site without a desk has no events.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from anpr_engine.errors import BrokerError, TopicMissing
from anpr_engine.kafka.client_settings import StreamSettings
from anpr_engine.kafka.history import HistorySettings
from anpr_engine.kafka.tail import Follower
from anpr_engine.kafka.topic_values import committed_values
from anpr_engine.logs import get_logger
from anpr_engine.policy.handling_book import HandledBook
from anpr_engine.ports import Clock
from anpr_engine.wire import SiteTopics

CATCH_UP_S_MAX = 30.0
RETRY_S = 5.0
JOIN_S = 5.0


@contextmanager
def handled_entries(
    site: str, settings: StreamSettings, clock: Clock, catch_up_s_max: float = CATCH_UP_S_MAX
) -> Iterator[HandledBook]:
    """Give the book, read up to now and kept from then on, as long as this lasts.

    Args:
        site: whose feedback.
        settings: how the engine reaches its broker.
        clock: the machine's.
        catch_up_s_max: after so long the engine starts, and the rest is read beside it.

    Raises:
        BrokerError: nobody answers, or we are refused.

    """
    following = _Following(site, settings, clock)
    following.begin(catch_up_s_max)
    thread = threading.Thread(target=following.run, name="handled-entries", daemon=True)
    thread.start()
    try:
        yield following.book
    finally:
        following.stop.set()
        thread.join(JOIN_S)


class _Following:
    """Reads what there is, then what comes.

    The follower notes its place before the past is read, so that nothing falls between; what is
    read twice counts once.
    """

    def __init__(self, site: str, settings: StreamSettings, clock: Clock) -> None:
        self.book, self.stop = HandledBook(site), threading.Event()
        self._settings, self._clock = settings, clock
        self._topic = SiteTopics(site).feedback
        self._source: Follower | None = None
        self._complete = False

    def begin(self, catch_up_s_max: float) -> None:
        begun_s = self._clock.monotonic_s()
        try:
            self._open()
        except TopicMissing:
            get_logger().warning("handled_entries_unknown", topic=self._topic)
            return
        deadline_s = begun_s + catch_up_s_max
        self._catch_up(deadline_s)
        took_ms = round((self._clock.monotonic_s() - begun_s) * 1000)
        get_logger().info(
            "handled_entries_read",
            entries=len(self.book),
            took_ms=took_ms,
            complete=self._complete,
        )

    def run(self) -> None:
        """Follow until told to stop; what fails is tried again."""
        while not self.stop.is_set():
            try:
                source = self._source or self._open()
                if not self._complete:
                    self._catch_up(None)
                for record in source.records(self.stop.is_set):
                    self.book.take(record.value)
            except BrokerError as error:
                get_logger().warning("handled_entries_behind", cause=type(error).__name__)
            # A follower is used once; the next one reads from the start again.
            self._source, self._complete = None, False
            self.stop.wait(RETRY_S)

    def _open(self) -> Follower:
        given = self._settings
        self._source = Follower(
            given.bootstrap, given.security, [self._topic], check_crcs=given.check_crcs
        )
        return self._source

    def _catch_up(self, deadline_s: float | None) -> None:
        def late() -> bool:
            passed = deadline_s is not None and self._clock.monotonic_s() > deadline_s
            return passed or self.stop.is_set()

        log = HistorySettings.beside(self._settings, self._topic, "anpr.tail")
        for value in committed_values(log, late):
            self.book.take(value)
        self._complete = not late()
