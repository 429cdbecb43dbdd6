"""Alerts, audit lines and dead letters as Kafka records; one transaction takes them all."""

import base64
import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec

from anpr_engine.pipeline.columns import Circumstances, DecidedAlert, Withheld, instant
from anpr_engine.ports import AlertGuard, AuditChain, RecordOrigin
from anpr_engine.records.alert import Alert
from anpr_engine.records.audit_event import AuditAction, AuditEvent, AuditForm
from anpr_engine.records.rejected_read import RejectedRead, RejectReason
from anpr_engine.version import VERSION
from anpr_engine.wire import (
    CROSS_BORDER_TOPIC,
    EventAttributes,
    Header,
    Heading,
    OutgoingRecord,
    SiteTopics,
    entry_key,
    json_bytes,
)

ACTOR = "engine"
_PUBLISHED: str = AuditAction.ALERT_PUBLISHED.value
_ENCODER = msgspec.json.Encoder()


def alert_topic(alert: Alert, topics: SiteTopics) -> str:
    """Choose the topic: the cross-border one when anybody abroad is told, else the site's own."""
    abroad = any(recipient != alert.site for recipient in alert.recipients)
    return CROSS_BORDER_TOPIC if abroad else topics.alerts


def alert_records(
    decided: Sequence[DecidedAlert], topics: SiteTopics, guard: AlertGuard | None = None
) -> list[OutgoingRecord]:
    """Write each alert and its audit line; keyed by entry, so that a vehicle's alerts keep order.

    Without a guard alerts go out as they are.
    """
    records: list[OutgoingRecord] = []
    alerts = [item.alert for item in decided]
    guarded = _plain(alerts) if guard is None else guard.guarded(alerts)
    headings: dict[datetime, tuple[Heading, Heading]] = {}  # A batch has one time for all.
    for alert, (value, more) in zip(alerts, guarded, strict=True):
        at = alert.created_at
        if at not in headings:
            headings[at] = (
                Heading("alert", topics.site, at),
                Heading("audit_event", topics.site, at),
            )
        told, noted = headings[at]
        key = entry_key(alert.entry.list_id, alert.entry.entry_id)
        headers = told.of(alert.alert_id) + more
        records.append(OutgoingRecord(alert_topic(alert, topics), key, value, headers))
        event = _audit_form(alert, noted.time)
        line = _ENCODER.encode(event)
        records.append(OutgoingRecord(topics.audit, key, line, noted.of(event.event_id)))
    return records


def _plain(alerts: Sequence[Alert]) -> list[tuple[bytes, tuple[Header, ...]]]:
    return [(json_bytes(alert), ()) for alert in alerts]


def start_record(
    topics: SiteTopics,
    at: datetime,
    watchlist_version: int,
    policy_version: str = "",
    changes: Sequence[str] = (),
) -> OutgoingRecord:
    """Write the audit line of an engine's start; changes: settings that it names."""
    about = f"{AuditAction.ENGINE_STARTED}\x1f{topics.site}\x1f{at.isoformat()}"
    event = AuditEvent(
        event_id=_event_id(about),
        occurred_at=at,
        site=topics.site,
        actor=ACTOR,
        action=AuditAction.ENGINE_STARTED,
        watchlist_version=watchlist_version,
        policy_version=policy_version,
        reasons=list(changes),
    )
    return _audit_record(event, b"engine", topics)


def _audit_record(event: AuditEvent, key: bytes, topics: SiteTopics) -> OutgoingRecord:
    attributes = EventAttributes.of(event.event_id, "audit_event", event.site, event.occurred_at)
    return OutgoingRecord(topics.audit, key, json_bytes(event), attributes.headers())


def withheld_records(
    refused: Sequence[Withheld],
    topics: SiteTopics,
    where: Circumstances,
    watchlist_version: int,
    begins: RecordOrigin,
) -> list[OutgoingRecord]:
    """Write an audit line for the hits on an entry that one rule kept back in this batch.

    Why one line for many: a vehicle that stands before a camera, or a list that may not be used
    any more, gives a hit a read. The line names the first of them and says how many there were.
    Why by number alone where no entry is named: who perhaps passed is no matter for the record.
    begins: where the batch's first record is, by which such a line has an id of its own.
    """
    at = instant(where.now_us)
    batch = f"{begins.topic}/{begins.partition}/{begins.offset}"
    records = []
    for each in refused:
        read_id = each.read_id or batch
        parts = (AuditAction.HIT_WITHHELD, topics.site, read_id, each.list_id, each.entry_id)
        event = AuditEvent(
            event_id=_event_id("\x1f".join((*parts, each.rule))),
            occurred_at=at,
            site=topics.site,
            actor=ACTOR,
            action=AuditAction.HIT_WITHHELD,
            list_id=each.list_id,
            entry_id=each.entry_id,
            read_id=each.read_id,
            reasons=[each.rule],
            watchlist_version=watchlist_version,
            policy_version=each.policy_version,
            hits=each.hits,
        )
        key = entry_key(each.list_id, each.entry_id) if each.entry_id else b"engine"
        records.append(_audit_record(event, key, topics))
    return records


def _event_id(about: str) -> str:
    return hashlib.blake2b(about.encode(), digest_size=16, person=b"anpr.audit.v1").hexdigest()


def _audit_form(alert: Alert, at: str) -> AuditForm:
    entry = alert.entry
    return AuditForm(
        event_id=_event_id(f"{_PUBLISHED}\x1f{alert.alert_id}"),
        occurred_at=at,
        site=alert.site,
        actor=ACTOR,
        action=_PUBLISHED,
        purpose=entry.purpose,
        case_ref=entry.case_ref,
        list_id=entry.list_id,
        entry_id=entry.entry_id,
        read_id=alert.read.read_id,
        alert_id=alert.alert_id,
        recipients=alert.recipients,
        reasons=alert.reasons,
        watchlist_version=alert.watchlist_version,
        policy_version=alert.policy_version,
    )


def sealed(
    records: Sequence[OutgoingRecord], topics: SiteTopics, chain: AuditChain
) -> list[OutgoingRecord]:
    """Put the audit lines among some records into the chain; the others stay as they are."""
    audit = topics.audit
    events = [record.value for record in records if record.topic == audit]
    if not events:
        return list(records)
    lines, key = iter(chain.seal(events)), chain.key
    return [
        OutgoingRecord(audit, key, next(lines), record.headers) if record.topic == audit else record
        for record in records
    ]


class Refused(NamedTuple):
    """What could not be read, and why; place: of the read among those of its record, from 0."""

    value: bytes
    reason: RejectReason
    detail: str
    place: int | None = None


def dead_letter(
    origin: RecordOrigin,
    refused: Refused,
    topics: SiteTopics,
    rejected_at: datetime,
    *,
    keep_payload: bool = False,
) -> OutgoingRecord:
    """Write one dead letter: where the record is, how large, why, and a digest; not its content.

    The payload may hold a plate, so it goes along only where the site has asked for it.
    """
    value = refused.value
    of_many = "" if refused.place is None else f"; read {refused.place + 1} of its record"
    letter = RejectedRead(
        reason=refused.reason,
        detail=refused.detail + of_many,
        site=topics.site,
        topic=origin.topic,
        partition=origin.partition,
        offset=origin.offset,
        place=refused.place,
        size_bytes=len(value),
        digest=f"blake2b-128:{hashlib.blake2b(value, digest_size=16).hexdigest()}",
        rejected_at=rejected_at,
        engine_version=VERSION,
        payload_base64=base64.b64encode(value).decode() if keep_payload else None,
    )
    place = f"{origin.topic}/{origin.partition}/{origin.offset}"
    if refused.place is not None:
        place += f"/{refused.place}"
    attributes = EventAttributes.of(place, "rejected_read", topics.site, rejected_at)
    return OutgoingRecord(topics.rejected, place.encode(), json_bytes(letter), attributes.headers())
