"""Recalls and their audit lines as Kafka records, thousands at once.

Why forms beside the models: what is told here was checked when its alert came in, and checking it
again for each of ten thousand recalls took half of the second that a withdrawal may take. A test
holds forms and models to the same bytes.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec

from anpr_engine.pipeline.columns import instant
from anpr_engine.pipeline.open_alerts import Identity
from anpr_engine.ports import AlertGuard
from anpr_engine.records.audit_event import AuditAction, AuditForm
from anpr_engine.records.recall import RecallForm, RecallReason
from anpr_engine.wire import (
    CROSS_BORDER_RECALLS,
    Header,
    Heading,
    OutgoingRecord,
    SiteTopics,
    entry_key,
    told_apart,
)

ALERTS_A_RECALL = 1_000

_ENCODER = msgspec.json.Encoder()


class Fallen(NamedTuple):
    """Why alerts on one entry do not stand any more, and for whom.

    version, at_us: of the lists, and since when, microseconds since 1970.
    """

    identity: Identity
    provider: str
    version: int
    at_us: int
    reason: RecallReason
    recipients: tuple[str, ...]


class RecallWriter:
    """Writes a site's recalls."""

    def __init__(self, site: str, guard: AlertGuard | None = None) -> None:
        """Take the site, and what signs recalls; None lets them out unsigned."""
        self._site, self._guard, self._topics = site, guard, SiteTopics(site)
        self._last: tuple[tuple[object, ...], tuple[bytes, bytes]] | None = None

    def records(
        self, at: datetime, fallen: Iterable[tuple[Fallen, Sequence[str]]]
    ) -> list[OutgoingRecord]:
        """Give each recall, and behind it the audit line of each alert that it takes back.

        Args:
            at: when they are made.
            fallen: with the ids of the alerts, at least one.

        """
        recalls = list(self._forms(_written(at), fallen))
        values = [_ENCODER.encode(recall) for recall in recalls]
        signed: Sequence[tuple[Header, ...]] = [()] * len(recalls)
        if self._guard is not None:
            signed = self._guard.signed_recalls(at, list(zip(recalls, values, strict=True)))
        told = Heading("recall", self._site, at)
        noted = Heading("audit_event", self._site, at)
        topics, audit = dict[tuple[str, ...], str](), self._topics.audit
        records: list[OutgoingRecord] = []
        for recall, value, more in zip(recalls, values, signed, strict=True):
            key = entry_key(recall.list_id, recall.entry_id)
            headers = told.of(recall.recall_id) + more
            to = recall.recipients
            if to not in topics:
                topics[to] = self._topic(to)
            records.append(OutgoingRecord(topics[to], key, value, headers))
            for event_id, line in _lines(recall):
                records.append(OutgoingRecord(audit, key, line, noted.of(event_id)))
        return records

    def _topic(self, recipients: tuple[str, ...]) -> str:
        abroad = any(each != self._site for each in recipients)
        return CROSS_BORDER_RECALLS if abroad else self._topics.recalls

    def _parts_of(self, list_id: str, why: Fallen) -> tuple[bytes, bytes]:
        """Give what the ids of recalls of one cause are made of, around the entry."""
        cause = list_id, why.reason, why.version, why.recipients
        if self._last is None or self._last[0] != cause:
            begin = told_apart((self._site, list_id))
            end = told_apart((why.reason, str(why.version), *why.recipients))
            self._last = cause, (begin, end)
        return self._last[1]

    def _forms(
        self, at: str, fallen: Iterable[tuple[Fallen, Sequence[str]]]
    ) -> Iterator[RecallForm]:
        since: dict[int, str] = {}
        for why, alerts in fallen:
            if why.at_us not in since:
                since[why.at_us] = _written(instant(why.at_us))
            for first in range(0, len(alerts), ALERTS_A_RECALL):
                ids = tuple(alerts[first : first + ALERTS_A_RECALL])
                yield self._form(at, since[why.at_us], why, ids)

    def _form(self, at: str, since: str, why: Fallen, ids: tuple[str, ...]) -> RecallForm:
        list_id, entry_id = why.identity
        begin, end = self._parts_of(list_id, why)
        parts = begin + told_apart((entry_id,)) + end + told_apart(ids)
        return RecallForm(
            recall_id=_digest(b"anpr.recall.v1", parts),
            created_at=at,
            site=self._site,
            recipients=why.recipients,
            provider=why.provider,
            list_id=list_id,
            entry_id=entry_id,
            reason=why.reason,
            alerts=ids,
            watchlist_version=why.version,
            effective_at=since,
        )


def _lines(recall: RecallForm) -> Iterator[tuple[str, bytes]]:
    """Give the audit events of one recall in JSON, each behind its id."""
    action: str = AuditAction.ALERT_RECALLED.value
    begin = told_apart((action, recall.recall_id))
    for alert_id in recall.alerts:
        event_id = _digest(b"anpr.audit.v1", begin + told_apart((alert_id,)))
        event = AuditForm(
            event_id=event_id,
            occurred_at=recall.created_at,
            site=recall.site,
            actor="engine",
            action=action,
            purpose="",
            case_ref="",
            list_id=recall.list_id,
            entry_id=recall.entry_id,
            read_id="",
            alert_id=alert_id,
            recipients=recall.recipients,
            reasons=(recall.reason,),
            watchlist_version=recall.watchlist_version,
            policy_version="",
            subject=recall.recall_id,
        )
        yield event_id, _ENCODER.encode(event)


def _digest(person: bytes, parts: bytes) -> str:
    """Name what is told by its parts, told apart."""
    return hashlib.blake2b(parts, digest_size=16, person=person).hexdigest()


def _written(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
