"""What a desk writes for one decision: events, reports, an alert that goes on, the audit line."""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from anpr_engine.audit.jws import Signer
from anpr_engine.audit.message_proof import signature_headers
from anpr_engine.cli.desk import act_in, desk_at
from anpr_engine.cli.hits_options import HitOptions
from anpr_engine.cli.hits_source import Desk
from anpr_engine.cli.told_records import record_of
from anpr_engine.clock import SystemClock
from anpr_engine.errors import PolicyRefused
from anpr_engine.kafka.audit_desk import Deed
from anpr_engine.kafka.handling_desk import write_deed
from anpr_engine.policy.handling_events import IllegalStep, SubjectId
from anpr_engine.records.alert import Alert
from anpr_engine.records.audit_event import AuditAction, AuditEvent
from anpr_engine.records.fields import Category
from anpr_engine.records.handling_event import HandlingEvent, Happened
from anpr_engine.records.messages import ReportA, ReportB
from anpr_engine.wire import (
    REPORTS_TOPIC,
    EventAttributes,
    Header,
    OutgoingRecord,
    SiteTopics,
    entry_key,
    json_bytes,
)


@dataclass(frozen=True, slots=True)
class About:
    """What a decision is about; `alert` None: the entry alone. site: where the read was made."""

    id: SubjectId
    site: str
    category: Category
    alert: Alert | None = None

    @property
    def key(self) -> bytes:
        """Keep all of an entry in one partition, in order."""
        return entry_key(self.id.list_id, self.id.entry_id)


@dataclass(frozen=True, slots=True)
class Clerk:
    """Writes for one person at one desk; `signer` is the site's key, None signs nothing."""

    desk: Desk
    options: HitOptions
    signer: Signer | None = None

    def event(self, about: About, event: Happened, **more: object) -> HandlingEvent:
        """Make an event of now, with an id of its own.

        Raises:
            UsageError: an option does not have the form it must have.

        """
        given: dict[str, object] = {
            "event_id": uuid.uuid4().hex,
            "occurred_at": datetime.now(UTC).isoformat(),
            "event": event,
            "site": self.desk.site,
            "role": "officer",
            "unit": self.options.unit,
            "provider": about.id.provider,
            "list_id": about.id.list_id,
            "entry_id": about.id.entry_id,
            "category": about.category.value,
            "alert_id": None if about.alert is None else about.alert.alert_id,
        }
        return record_of(HandlingEvent, given | more, "an event")

    def write(self, plan: Callable[[], Deed]) -> None:
        """Write a deed.

        Raises:
            PolicyRefused: the newest state forbids it; named by rule and sentence.
            BrokerError: it cannot be written.

        """
        try:
            write_deed(*desk_at(self.desk.site, self.desk.log), plan, SystemClock())
        except IllegalStep as refused:
            name = refused.illegal.name.lower().replace("_", "-")
            raise PolicyRefused(f"handling.{name}: {refused.what}", refused.remedy) from None

    def act(self, about: About, subject: str, **more: object) -> tuple[bytes, tuple[Header, ...]]:
        """Make the audit event of a decision."""
        given: dict[str, object] = {
            "event_id": uuid.uuid4().hex,
            "occurred_at": datetime.now(UTC),
            "site": self.desk.site,
            "actor": self.options.person,
            "action": AuditAction.HIT_HANDLED,
            "purpose": self.options.purpose,
            "case_ref": self.options.case_ref,
            "unit": self.options.unit,
            "list_id": about.id.list_id,
            "entry_id": about.id.entry_id,
            "subject": subject,
        }
        if about.alert is not None:
            given |= {"alert_id": about.alert.alert_id, "read_id": about.alert.read.read_id}
        return act_in(AuditEvent.model_validate(given | more))

    def records(self, about: About, events: Sequence[HandlingEvent]) -> list[OutgoingRecord]:
        """Write events for the topic of the site of the read."""
        topic = SiteTopics(about.site).feedback
        made = []
        for each in events:
            value = json_bytes(each)
            headers = self._headers(each.event_id, "handling_event", each.occurred_at)
            signature = signature_headers(each, about.site, value, self.signer)
            made.append(OutgoingRecord(topic, about.key, value, headers + signature))
        return made

    def report(self, about: About, message: ReportA | ReportB) -> OutgoingRecord:
        """Write a report for the topic that both sides read; its subject is who it is for."""
        kind = "report_a" if isinstance(message, ReportA) else "report_b"
        headers = self._headers(
            message.message_id, kind, message.created_at, subject=message.provider
        )
        value = json_bytes(message)
        signature = signature_headers(message, message.provider, value, self.signer)
        return OutgoingRecord(REPORTS_TOPIC, about.key, value, headers + signature)

    def _headers(
        self, id_: str, kind: str, at: datetime, *, subject: str = ""
    ) -> tuple[Header, ...]:
        site = self.desk.site
        attributes = EventAttributes.of(id_, kind, site, at)
        return replace(attributes, subject=subject or site).headers()
