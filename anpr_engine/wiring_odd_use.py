"""Puts together what tells of odd use by itself: the record followed, the rules, the alarm.

An alarm is a line of the record, a metric and a line of the log, which names the rule and the act
by its id, never who or which vehicle.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

from anpr_engine.audit.chain import chain_from, chain_name, chain_start
from anpr_engine.audit.odd_alarms import OddAlarms, alarm_id
from anpr_engine.audit.odd_use import OddRule, OddUse, OddUseLimits
from anpr_engine.audit.work_times import DAYS
from anpr_engine.kafka.alarm_desk import (
    EVERY_S,
    Alarm,
    alarm_transactional_id,
    alarms_recorded,
    recorded_once,
)
from anpr_engine.kafka.audit_desk import DeskSettings
from anpr_engine.kafka.audit_log import committed_lines
from anpr_engine.kafka.client_settings import StreamSettings
from anpr_engine.kafka.history import HistorySettings
from anpr_engine.kafka.tail import TailedRecord
from anpr_engine.kafka.topic_book import TopicBook, kept_by_topic
from anpr_engine.logs import get_logger
from anpr_engine.metrics.table import ODD_USE, Metrics
from anpr_engine.ports import Clock
from anpr_engine.records.finding import Finding
from anpr_engine.wire import EventAttributes, SiteTopics, json_bytes

DAY_US = 86_400_000_000


@contextmanager
def odd_use_watched(
    site: str,
    kafka: StreamSettings,
    metrics: Metrics,
    clock: Clock,
    limits: OddUseLimits,
    every_s: float = EVERY_S,
) -> Iterator[None]:
    """Tell of odd use in a site's record as long as this lasts.

    Args:
        site: whose record it is.
        kafka: how the engine reaches its broker.
        metrics: the engine's.
        clock: the machine's.
        limits: from when on something is odd, and which rules do not apply.
        every_s: how often to look.

    Raises:
        BrokerError: the record cannot be followed.

    """
    for rule in OddRule:
        metrics.add(ODD_USE, 0, rule.value)
    if limits.off:
        get_logger().warning("odd_use_rules_off", rules=sorted(limits.off))
    alarms = OddAlarms(site, lambda: datetime.fromtimestamp(clock.now_us() / 1e6, UTC), limits)
    topic, chain = SiteTopics(site).audit, chain_name(site, "alarms")
    log = HistorySettings.beside(kafka, topic, "anpr.tail")
    name = alarm_transactional_id(site)
    desk = DeskSettings(site, log, chain_start(chain), name)

    def of_late(settings: HistorySettings, stop: Callable[[], bool]) -> Iterator[TailedRecord]:
        since_us = clock.now_us() - round(alarms.days * DAY_US)
        for place in committed_lines(settings, stop, between_us=(since_us, None)):
            yield TailedRecord(topic, place[0], place[1], -1, b"", (), place[2])

    def due() -> list[Alarm]:
        return [_alarm(alarms, odd) for odd in alarms.due()]

    def once(found: Sequence[Alarm]) -> list[Alarm]:
        return recorded_once(desk, lambda lines: chain_from(chain, lines), found, clock)

    def tell(found: Sequence[Alarm], written: Sequence[Alarm]) -> None:
        alarms.told([each.event_id for each in found])
        for each in written:
            metrics.add(ODD_USE, 1, each.rule)
            get_logger().warning("odd_use", rule=each.rule, act=each.about)

    book = TopicBook("odd-use", topic, lambda record: alarms.take(record.value), of_late)
    with kept_by_topic(book, kafka, clock, 0.0), alarms_recorded(once, due, tell, every_s):
        yield


def _alarm(alarms: OddAlarms, odd: OddUse) -> Alarm:
    event = alarms.event(odd)
    attributes = EventAttributes.of(event.event_id, "audit_event", event.site, event.occurred_at)
    line = json_bytes(event), attributes.headers()
    since_us = round(odd.occurred_at.timestamp() * 1e6)
    return Alarm(alarm_id(odd), since_us, line, odd.rule.value, odd.event_id)


def check_odd_use(limits: OddUseLimits) -> Finding:
    """Say which rules of odd use a site's engines follow; one that is off is a warning."""
    work = limits.work
    days = (
        "every day" if len(work.days) == len(DAYS) else " ".join(sorted(work.days, key=DAYS.index))
    )
    hours = f"hours {work.hours} {work.zone}, {days}"
    if limits.off:
        what = f"rules that are off: {', '.join(sorted(limits.off))}; {hours}"
        return Finding("odd use", "warn", what, "Take them out of odd_use.off, or know why not.")
    return Finding("odd use", "ok", f"all {len(OddRule)} rules are on; {hours}")
