"""The desk's chain in a site's record: lines of what people do, each an audit event."""

from collections.abc import Sequence

from anpr_engine.audit.chain import chain_from, chain_name, chain_start
from anpr_engine.clock import SystemClock
from anpr_engine.kafka.audit_desk import ChainOf, DeskSettings, write_acts
from anpr_engine.kafka.history import HistorySettings
from anpr_engine.records.audit_event import AuditEvent
from anpr_engine.wire import EventAttributes, Header, json_bytes


def desk_at(site: str, log: HistorySettings) -> tuple[DeskSettings, ChainOf]:
    """Say where a site's desk writes, and what its chain goes on from."""
    chain = chain_name(site, "desk")
    settings = DeskSettings(site, log, chain_start(chain))
    return settings, lambda lines: chain_from(chain, lines)


def act_in(event: AuditEvent) -> tuple[bytes, tuple[Header, ...]]:
    """Write an event as a record's value and headers."""
    attributes = EventAttributes.of(event.event_id, "audit_event", event.site, event.occurred_at)
    return json_bytes(event), attributes.headers()


def record_act(log: HistorySettings, event: AuditEvent) -> None:
    """Write what somebody did into the record of its site.

    Raises:
        BrokerError: it cannot be written.

    """
    record_acts(log, [event])


def record_acts(log: HistorySettings, events: Sequence[AuditEvent]) -> None:
    """Write acts of one site, all or none of them.

    Raises:
        BrokerError: they cannot be written.

    """
    settings, chain_of = desk_at(events[0].site, log)
    write_acts(settings, chain_of, [act_in(each) for each in events], SystemClock())
