"""Keeps an engine's book of handled entries by its site's topic of feedback, in a thread.

Why read whole before the first batch: an entry whose action was done as often as wanted gives no
more alerts, after a start no less than before it. What the topic still holds is what is known.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from anpr_engine.kafka.client_settings import StreamSettings
from anpr_engine.kafka.tail import TailedRecord
from anpr_engine.kafka.topic_book import CATCH_UP_S_MAX, TopicBook, kept_by_topic
from anpr_engine.policy.handling_book import HandledBook
from anpr_engine.policy.handling_records import read_event
from anpr_engine.ports import Clock
from anpr_engine.records.handling_event import HandlingEvent
from anpr_engine.wire import SiteTopics

Heeds = Callable[[HandlingEvent, TailedRecord], bool]
"""Says whether an event counts, by the record that it came in."""


def heeds_all(_event: HandlingEvent, _record: TailedRecord) -> bool:
    """Let every event count."""
    return True


@contextmanager
def handled_entries(
    site: str,
    settings: StreamSettings,
    clock: Clock,
    catch_up_s_max: float = CATCH_UP_S_MAX,
    heeds: Heeds = heeds_all,
) -> Iterator[HandledBook]:
    """Give the book, read up to now and kept from then on, as long as this lasts.

    Args:
        site: whose feedback.
        settings: how the engine reaches its broker.
        clock: the machine's.
        catch_up_s_max: after so long the engine starts, and the rest is read beside it.
        heeds: which events count.

    Raises:
        BrokerError: nobody answers, or we are refused.

    """
    book = HandledBook(site)

    def take(record: TailedRecord) -> None:
        event = read_event(record.value)
        if event is not None and heeds(event, record):
            book.take(event)

    kept = TopicBook("handled-entries", SiteTopics(site).feedback, take)
    with kept_by_topic(kept, settings, clock, catch_up_s_max):
        yield book
