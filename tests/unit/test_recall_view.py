"""What a control room sees of a recall, and the receipt that it gives."""

import json
from datetime import UTC, datetime

import pytest

from anpr_engine.cli.recall_view import RecallView, ReceiptDesk
from anpr_engine.kafka.tail import TailedRecord
from anpr_engine.records.messages import receipt_id
from anpr_engine.records.recall import Recall
from anpr_engine.records.schema_files import accept
from anpr_engine.wire import CROSS_BORDER_RECALLS, Header, json_bytes

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
ALERTS = ["0a" * 16, "0b" * 16]


class Writer:
    """Keeps what is written."""

    def __init__(self) -> None:
        """Start empty."""
        self.written: list[tuple[str, bytes, bytes, dict[str, bytes]]] = []
        self.flushes = 0

    def write(self, topic: str, key: bytes, value: bytes, headers: tuple[Header, ...]) -> None:
        """Keep one record."""
        self.written.append((topic, key, value, dict(headers)))

    def flush(self) -> None:
        """Count."""
        self.flushes += 1


def record(*recipients: str, value: bytes = b"") -> TailedRecord:
    """Make a recall as it comes."""
    recall = Recall(
        recall_id="ab" * 16,
        created_at=NOW,
        site="nl",
        recipients=list(recipients or ("be", "nl")),
        provider="nl",
        list_id="nl-stolen",
        entry_id="e1",
        reason="corrected",
        alerts=ALERTS,
        watchlist_version=7,
        effective_at=NOW,
    )
    return TailedRecord(CROSS_BORDER_RECALLS, 0, 5, -1, b"", (), value or json_bytes(recall))


def test_a_recall_is_shown_with_its_reason(capsys: pytest.CaptureFixture[str]) -> None:
    """In words, with every alert, and as one line of JSON under a name of its own."""
    RecallView("be", as_json=False).take(record())
    text = capsys.readouterr().out
    for part in ("RECALLED", "corrected", "do NOT act", "nl-stolen", "version 7", *ALERTS):
        assert part in text
    RecallView("be", as_json=True).take(record())
    assert json.loads(capsys.readouterr().out)["recall"]["alerts"] == ALERTS


def test_recalls_for_others_and_what_is_none_are_passed_over(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Neither is shown nor answered; what is no recall is named by its place."""
    writer = Writer()
    view = RecallView("be", as_json=False, desk=ReceiptDesk("be", writer, set(), lambda: NOW))
    view.take(record("nl"))
    view.take(record(value=b"{}"))
    told = capsys.readouterr()
    assert told.out == ""
    assert f"{CROSS_BORDER_RECALLS}/0/5" in told.err
    assert not writer.written


def test_a_receipt_is_written_once_and_names_what_was_recalled() -> None:
    """Valid by the schema, on the site's own topic, and again only under the same id."""
    writer, answered = Writer(), set[str]()
    view = RecallView("be", as_json=True, desk=ReceiptDesk("be", writer, answered, lambda: NOW))
    view.take(record())
    view.take(record())
    ((topic, key, value, headers),) = writer.written
    assert (topic, key, writer.flushes) == ("anpr.feedback.be", b"nl-stolen/e1", 1)
    assert headers["ce_type"] == b"eu.anpr.recall_receipt.v1"
    accept("recall_receipt", value)
    told = json.loads(value)
    assert (told["cause_id"], told["alerts_recalled"]) == ("ab" * 16, ALERTS)
    assert (told["site"], told["provider"], told["last_version_with"]) == ("be", "nl", 6)
    assert answered == {receipt_id(value)}
    later = RecallView("be", as_json=True, desk=ReceiptDesk("be", writer, answered, lambda: NOW))
    later.take(record())
    assert len(writer.written) == 1


@pytest.mark.parametrize("value", [b"{}", b"{", b"\xff", b'{"message_id":"a","cause_id":"b"}'])
def test_other_records_of_feedback_are_no_receipts(value: bytes) -> None:
    """A verdict, or what is no JSON, has no receipt's id."""
    assert receipt_id(value) is None
