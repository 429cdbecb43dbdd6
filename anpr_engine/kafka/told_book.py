"""Keeps an engine's count of what went abroad today by the topic of cross-border alerts.

Why followed and not only read at the start: every engine of a site writes there, and so do its
people, so that each engine knows of the others' alerts as soon as they are committed.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from anpr_engine.kafka.audit_log import committed_lines
from anpr_engine.kafka.client_settings import StreamSettings
from anpr_engine.kafka.history import HistorySettings
from anpr_engine.kafka.tail import TailedRecord
from anpr_engine.kafka.topic_book import CATCH_UP_S_MAX, TopicBook, kept_by_topic
from anpr_engine.policy.told_today import ToldBook
from anpr_engine.ports import Clock
from anpr_engine.wire import CROSS_BORDER_TOPIC

CLOCKS_APART_US = 300_000_000
"""Alerts of today may bear a time of yesterday on the broker, whose clock is another."""


@contextmanager
def told_today(
    site: str, settings: StreamSettings, clock: Clock, catch_up_s_max: float = CATCH_UP_S_MAX
) -> Iterator[ToldBook]:
    """Give the book, read up to now and kept from then on, as long as this lasts.

    Args:
        site: whose alerts count.
        settings: how the engine reaches its broker.
        clock: the machine's.
        catch_up_s_max: after so long the engine starts, and the rest is read beside it.

    Raises:
        BrokerError: nobody answers, or we are refused.

    """
    book = ToldBook(site)

    def of_today(log: HistorySettings, stop: Callable[[], bool]) -> Iterator[TailedRecord]:
        since_us = _midnight_us(clock.now_us()) - CLOCKS_APART_US
        for partition, offset, value in committed_lines(log, stop, between_us=(since_us, None)):
            yield TailedRecord(CROSS_BORDER_TOPIC, partition, offset, -1, b"", (), value)

    def take(record: TailedRecord) -> None:
        book.take(record.value)

    kept = TopicBook("told-today", CROSS_BORDER_TOPIC, take, of_today)
    with kept_by_topic(kept, settings, clock, catch_up_s_max):
        yield book


def _midnight_us(now_us: int) -> int:
    now = datetime.fromtimestamp(now_us / 1e6, UTC)
    return round(now.replace(hour=0, minute=0, second=0, microsecond=0).timestamp()) * 1_000_000
