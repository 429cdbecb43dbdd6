"""What a terminal tells of recalls: which alerts do not stand any more; and the receipt for it."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol

import click
from pydantic import ValidationError

from anpr_engine.audit.jws import Signer
from anpr_engine.audit.message_proof import MessageChecker, signature_headers
from anpr_engine.cli.alert_proof import ProofView
from anpr_engine.cli.recall_text import WORDS
from anpr_engine.clock import SystemClock
from anpr_engine.kafka.history import HistorySettings
from anpr_engine.kafka.tail import TailedRecord
from anpr_engine.kafka.topic_values import committed_records
from anpr_engine.kafka.writer import ReadWriter
from anpr_engine.pipeline.columns import instant
from anpr_engine.records.alert import Alert
from anpr_engine.records.messages import Effect, RecallReceipt, read_receipt
from anpr_engine.records.recall import Recall
from anpr_engine.wire import EventAttributes, Header, SiteTopics, entry_key, json_bytes, told_apart
from anpr_engine.wiring import Place

REMEMBERED_MAX = 100_000
"""Recalled alerts remembered, for an alert may come after its recall."""


class ReceiptWriter(Protocol):
    """Puts records on topics."""

    def write(self, topic: str, key: bytes, value: bytes, headers: tuple[Header, ...]) -> None:
        """Hand over one record."""
        ...

    def flush(self) -> None:
        """Wait until everything has arrived."""
        ...


@dataclass(slots=True)
class ReceiptDesk:
    """Answers recalls, each once; `answered` holds the ids of receipts that were written.

    signer: the site's key; None signs nothing.
    """

    site: str
    writer: ReceiptWriter
    answered: set[str]
    now: Callable[[], datetime]
    signer: Signer | None = None

    def answer(self, recall: Recall) -> None:
        """Write the receipt of a recall, unless it was written before.

        Raises:
            BrokerError: it could not be written.

        """
        receipt = recall_receipt(recall, self.site, self.now())
        if receipt.message_id in self.answered:
            return
        about = receipt.message_id, "recall_receipt", self.site, receipt.created_at
        attributes = replace(EventAttributes.of(*about), source=f"/anpr/{self.site}/control-room")
        key = entry_key(recall.list_id, recall.entry_id)
        topic = SiteTopics(self.site).feedback
        value = json_bytes(receipt)
        signature = signature_headers(receipt, self.site, value, self.signer)
        self.writer.write(topic, key, value, attributes.headers() + signature)
        self.writer.flush()
        self.answered.add(receipt.message_id)


@contextmanager
def receipt_desk(
    place: Place, signer: Signer | None, checker: MessageChecker
) -> Iterator[ReceiptDesk]:
    """Open a desk that knows which recalls the site has answered so far.

    Args:
        place: the site's.
        signer: signs receipts.
        checker: says which receipts count; a recall whose receipt is forged is answered still.

    Raises:
        BrokerError: the topic of feedback cannot be read or written.

    """
    feedback = SiteTopics(place.site).feedback
    log = HistorySettings(place.kafka, feedback, place.security, group="anpr.tail")
    answered = answered_so_far(committed_records(log, lambda: False), place.site, checker)
    clock = SystemClock()
    with ReadWriter(place.kafka, place.security) as writer:
        yield ReceiptDesk(place.site, writer, answered, lambda: instant(clock.now_us()), signer)


def answered_so_far(
    records: Iterable[TailedRecord], site: str, checker: MessageChecker
) -> set[str]:
    """Give the ids of the receipts of a site that count, of all that lies on its topic."""
    found = ((record, read_receipt(record.value)) for record in records)
    return {
        receipt.message_id
        for record, receipt in found
        if receipt is not None and receipt.site == site and checker.heeds(receipt, site, record)
    }


@dataclass(slots=True)
class RecallView:
    """Shows recalls meant for a site and knows what they recalled."""

    site: str
    proofs: ProofView
    desk: ReceiptDesk | None = None
    reasons: dict[str, str] = field(default_factory=dict[str, str])

    def take(self, record: TailedRecord) -> None:
        """Show a recall, remember its alerts, and answer it where that was asked for."""
        try:
            recall = Recall.model_validate_json(record.value)
        except ValidationError:
            place = f"{record.topic}/{record.partition}/{record.offset}"
            click.echo(f"anpr: the record at {place} is no recall of version 1", err=True)
            return
        if self.site not in recall.recipients and not self.proofs.is_named(record):
            return
        if not self.proofs.show_recall(recall, record):
            return
        for alert_id in recall.alerts:
            self.reasons[alert_id] = recall.reason
            if len(self.reasons) > REMEMBERED_MAX:
                del self.reasons[next(iter(self.reasons))]
        if self.desk is not None:
            self.desk.answer(recall)

    def note(self, alert: Alert) -> None:
        """Warn of an alert that was recalled before it came."""
        reason = self.reasons.get(alert.alert_id)
        if reason is not None and not self.proofs.as_json:
            click.echo(f"RECALLED already: {WORDS[reason]}; do NOT act on the alert below")


def recall_receipt(recall: Recall, site: str, received_at: datetime) -> RecallReceipt:
    """Make the answer to a recall: its alerts are marked as recalled where they are shown.

    Args:
        recall: what came.
        site: who answers. The same recall always gives a receipt of the same id.
        received_at: when it came and took effect.

    """
    about = told_apart((site, recall.recall_id))
    name = hashlib.blake2b(about, digest_size=16, person=b"anpr.receipt.v1").hexdigest()
    version = recall.watchlist_version
    return RecallReceipt(
        message_id=name,
        created_at=received_at,
        site=site,
        provider=recall.provider,
        list_id=recall.list_id,
        cause_id=recall.recall_id,
        received_at=received_at,
        entries_removed=[recall.entry_id],
        last_version_with=max(0, version - 1),
        effects=[Effect(part="open-alerts", version=version, effective_at=received_at)],
        alerts_recalled=list(recall.alerts),
    )
