"""Odd use told by itself on a real broker: once, whichever engine does it, without a name."""

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from audit_worlds import event
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from oracle_audit import chain_is_sound
from stream_worlds import WAIT_S, SkippingClock
from structlog.testing import capture_logs
from watchlist_world import until

from anpr_engine.audit.odd_use import OddRule, OddUseLimits
from anpr_engine.cli.desk import record_act
from anpr_engine.kafka.audit_log import committed_lines
from anpr_engine.kafka.client_settings import StreamSettings
from anpr_engine.kafka.history import HistorySettings
from anpr_engine.metrics.table import Metrics
from anpr_engine.records.audit_event import AuditAction
from anpr_engine.wiring_odd_use import odd_use_watched

if TYPE_CHECKING:
    from servers import Broker

SITE = "oy"
TOPIC = f"anpr.audit.{SITE}"
EVERY_S = 0.1
LONG_S = 60.0


@pytest.fixture
def site(kafka: "Broker") -> Iterator[StreamSettings]:
    """Give how an engine of a site with an empty record reaches its broker."""
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap})
    admin.create_topics([NewTopic(TOPIC, 2, 1)])[TOPIC].result(WAIT_S)
    yield StreamSettings(kafka.bootstrap, "anpr.reads.oy", "engine.oy", "anpr.engine.oy.0")
    admin.delete_topics([TOPIC])[TOPIC].result(WAIT_S)


def log(site: StreamSettings) -> HistorySettings:
    """Say where the record is."""
    return HistorySettings.beside(site, TOPIC, "anpr.tail")


def act(site: StreamSettings, number: int, **fields: object) -> None:
    """Let somebody look something up."""
    given = {"actor": "officer.7", "action": AuditAction.DATA_LOOKED_UP, "site": SITE}
    more = {"occurred_at": datetime.now(UTC), "on_duty": True, "case_ref": f"OY-{number}"}
    record_act(log(site), event(number, **{**given, **more, **fields}))


def told(site: StreamSettings) -> list[dict[str, Any]]:
    """Give the alarms in the record."""
    lines = [value for _, _, value in committed_lines(log(site), lambda: False)]
    mine = [line for line in lines if line.startswith(b'{"chain":"oy/alarms"')]
    assert chain_is_sound("oy/alarms", mine)
    return [json.loads(line) for line in mine]


def reasons(site: StreamSettings) -> list[str]:
    """Name the rules that were told of."""
    return sorted(each["reasons"][0] for each in told(site))


def watched(
    site: StreamSettings, metrics: Metrics, limits: OddUseLimits | None = None
) -> AbstractContextManager[None]:
    """Tell of odd use as an engine does."""
    return odd_use_watched(SITE, site, metrics, SkippingClock(), limits or OddUseLimits(), EVERY_S)


def test_a_rule_that_is_off_is_told_of_by_nobody(site: StreamSettings) -> None:
    """The others are, and the log says at the start that it is off."""
    limits = OddUseLimits(off=frozenset({OddRule.NO_CASE}), rows=10)
    with capture_logs() as logs, watched(site, Metrics(), limits):
        act(site, 1, case_ref="")
        act(site, 2, rows=10)
        until(lambda: reasons(site) == ["mass-look-ups"], LONG_S)
        act(site, 3, case_ref="", on_duty=False)
        until(lambda: reasons(site) == ["mass-look-ups", "off-duty"], LONG_S)
    (off,) = [each for each in logs if each["event"] == "odd_use_rules_off"]
    assert off["rules"] == ["no-case"]


def test_odd_use_is_told_once_by_whichever_engine(site: StreamSettings) -> None:
    """In the record, in the metric, in the log without a name; acts before the start too."""
    act(site, 1, case_ref="")
    metrics = [Metrics(), Metrics()]
    with capture_logs() as logs, ExitStack() as engines:
        for each in metrics:
            engines.enter_context(watched(site, each))
        until(lambda: reasons(site) == ["no-case"], LONG_S)
        for number in (2, 3, 4):
            act(site, number, entry_id="e7")
        act(site, 5, on_duty=False)
        act(site, 6, rows=5_000)
        wanted = ["mass-look-ups", "no-case", "off-duty", "same-target-again"]
        until(lambda: reasons(site) == wanted, LONG_S)

        def counted() -> list[float]:
            rules = [{"rule": rule} for rule in wanted]
            return [sum(m.value("anpr_odd_use_total", **rule) for m in metrics) for rule in rules]

        until(lambda: counted() == [1, 1, 1, 1], LONG_S)
    lines = [each for each in logs if each["event"] == "odd_use"]
    assert sorted(each["rule"] for each in lines) == wanted
    assert "officer" not in json.dumps(lines)
    with watched(site, Metrics()):
        act(site, 9, case_ref="")
        until(lambda: len(told(site)) == len(wanted) + 1, LONG_S)
    assert reasons(site) == sorted([*wanted, "no-case"])
