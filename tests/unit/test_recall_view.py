"""What a control room sees of a recall, and the receipt that it gives."""

import json
from datetime import UTC, datetime

import msgspec
import pytest

from anpr_engine.audit.alert_guard import AlertSealer
from anpr_engine.audit.check_alerts import AlertChecker, PinnedKey
from anpr_engine.audit.jws import ALGORITHM, HEADER_NAME, TYPE, Claims, signature_of
from anpr_engine.audit.message_proof import Doubt, MessageChecker
from anpr_engine.audit.signing import SecretKey
from anpr_engine.cli.alert_proof import ProofView
from anpr_engine.cli.recall_view import RecallView, ReceiptDesk, answered_so_far
from anpr_engine.kafka.tail import TailedRecord
from anpr_engine.records.messages import read_receipt, receipt_id
from anpr_engine.records.recall import Recall, RecallForm
from anpr_engine.records.schema_files import accept
from anpr_engine.wire import CROSS_BORDER_RECALLS, Header, json_bytes

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
ALERTS = ["0a" * 16, "0b" * 16]
KEY = SecretKey.new()


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


def proofs(checker: AlertChecker | None = None, *, as_json: bool = False) -> ProofView:
    """Give what shows recalls, unchecked unless something checks them."""
    return ProofView(checker, None, NOW.timestamp, as_json)


def recall(*recipients: str) -> Recall:
    """Make a recall."""
    return Recall(
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


def record(*recipients: str, value: bytes = b"", headers: tuple[Header, ...] = ()) -> TailedRecord:
    """Make a recall as it comes."""
    text = value or json_bytes(recall(*recipients))
    return TailedRecord(CROSS_BORDER_RECALLS, 0, 5, -1, b"", headers, text)


def test_a_recall_is_shown_with_its_reason(capsys: pytest.CaptureFixture[str]) -> None:
    """In words, with every alert, and as one line of JSON under a name of its own."""
    RecallView("be", proofs(as_json=False)).take(record())
    text = capsys.readouterr().out
    for part in ("RECALLED", "corrected", "do NOT act", "nl-stolen", "version 7", *ALERTS):
        assert part in text
    RecallView("be", proofs(as_json=True)).take(record())
    assert json.loads(capsys.readouterr().out)["recall"]["alerts"] == ALERTS


def test_recalls_for_others_and_what_is_none_are_passed_over(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Neither is shown nor answered; what is no recall is named by its place."""
    writer = Writer()
    view = RecallView(
        "be", proofs(as_json=False), desk=ReceiptDesk("be", writer, set(), lambda: NOW)
    )
    view.take(record("nl"))
    view.take(record(value=b"{}"))
    told = capsys.readouterr()
    assert told.out == ""
    assert f"{CROSS_BORDER_RECALLS}/0/5" in told.err
    assert not writer.written


def test_a_receipt_is_written_once_and_names_what_was_recalled() -> None:
    """Valid by the schema, on the site's own topic, and again only under the same id."""
    writer, answered = Writer(), set[str]()
    view = RecallView(
        "be", proofs(as_json=True), desk=ReceiptDesk("be", writer, answered, lambda: NOW)
    )
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
    later = RecallView(
        "be", proofs(as_json=True), desk=ReceiptDesk("be", writer, answered, lambda: NOW)
    )
    later.take(record())
    assert len(writer.written) == 1


def signed_as(type_: str, value: bytes) -> bytes:
    """Sign a recall's value as a record of some kind."""
    claims = Claims(
        alg=ALGORITHM,
        typ=type_,
        kid=KEY.key_id,
        iss="nl",
        iat=int(NOW.timestamp()),
        jti="ab" * 16,
        aud=("be", "nl"),
    )
    return signature_of(claims, value, KEY)


def signed(key: SecretKey, value: bytes) -> tuple[Header, ...]:
    """Give the headers of a recall as an engine with a key signs it."""
    form = msgspec.json.decode(value, type=RecallForm)
    (headers,) = AlertSealer(key).signed_recalls(NOW, [(form, value)])
    return headers


def checked(desk: ReceiptDesk | None = None, *, as_json: bool = False) -> RecallView:
    """Give the view of a control room that knows the site's key."""
    checker = AlertChecker("be", {KEY.key_id: PinnedKey(KEY.public, "nl")})
    return RecallView("be", proofs(checker, as_json=as_json), desk)


def test_a_signed_recall_names_its_key(capsys: pytest.CaptureFixture[str]) -> None:
    """In words and as data; one that nobody signed is said to be so."""
    named = record(headers=signed(KEY, json_bytes(recall())))
    checked().take(named)
    assert f"signed        by key {KEY.key_id}" in capsys.readouterr().out
    checked(as_json=True).take(named)
    told = json.loads(capsys.readouterr().out)
    assert told["proof"] == {"state": "signed", "key": KEY.key_id}
    checked().take(record())
    assert "UNSIGNED" in capsys.readouterr().out


@pytest.mark.parametrize("changed", ["content", "recipients", "key", "kind", "twice"])
def test_a_forged_recall_takes_nothing_back(
    changed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is told by its place alone, not remembered, and not answered."""
    writer, key = Writer(), SecretKey.new() if changed == "key" else KEY
    view = checked(ReceiptDesk("be", writer, set(), lambda: NOW))
    value = json_bytes(recall())
    headers = signed(key, value)
    if changed == "content":
        value = value.replace(ALERTS[0].encode(), b"0c" * 16)
    elif changed == "recipients":
        value = json_bytes(recall("nl"))
    elif changed == "kind":
        headers = ((HEADER_NAME, signed_as(TYPE, value)),)
    elif changed == "twice":
        headers *= 2
    view.take(record(value=value, headers=headers))
    out = capsys.readouterr().out
    assert out.startswith("FORGED")
    assert not any(each in out for each in (*ALERTS, "0c" * 16, "nl-stolen"))
    assert (view.proofs.forged, view.reasons, writer.written) == (1, {}, [])


@pytest.mark.parametrize("value", [b"{}", b"{", b"\xff", b'{"message_id":"a","cause_id":"b"}'])
def test_other_records_of_feedback_are_no_receipts(value: bytes) -> None:
    """A verdict, or what is no JSON, has no receipt's id."""
    assert (receipt_id(value), read_receipt(value)) == (None, None)


def receipts(key: SecretKey | None) -> TailedRecord:
    """Answer the recall, signing with some key; give the record as it lies on the topic."""
    writer = Writer()
    ReceiptDesk("be", writer, set(), lambda: NOW, key).answer(recall())
    ((topic, name, value, headers),) = writer.written
    return TailedRecord(topic, 0, 9, -1, name, tuple(headers.items()), value)


def test_a_recall_whose_receipt_is_forged_is_answered_still() -> None:
    """Only a receipt that the site itself signed, unaltered, counts as an answer."""
    told: list[Doubt] = []
    pinned = {KEY.key_id: PinnedKey(KEY.public, "be")}
    checker = MessageChecker(pinned, tell=told.append)
    good, other = receipts(KEY), receipts(SecretKey.new())
    receipt = read_receipt(good.value)
    assert receipt is not None
    assert answered_so_far([good], "be", checker) == {receipt.message_id}
    assert told == []
    altered = good._replace(offset=10, value=good.value.replace(b'"e1"', b'"e2"'))
    another = good._replace(offset=11, headers=((HEADER_NAME, signed_as(TYPE, good.value)),))
    assert answered_so_far([other, altered, another], "be", checker) == set()
    assert [(each.offset, each.heeded) for each in told] == [(9, False), (10, False), (11, False)]
    assert answered_so_far([good], "nl", MessageChecker({})) == set()


def test_an_unsigned_receipt_counts_unless_the_site_says_otherwise() -> None:
    """As alerts that nobody signed do; it is told either way."""
    told: list[Doubt] = []
    pinned = {KEY.key_id: PinnedKey(KEY.public, "be")}
    bare = receipts(None)
    assert "jws" not in dict(bare.headers)
    assert answered_so_far([bare], "be", MessageChecker(pinned, tell=told.append))
    strict = MessageChecker(pinned, signed_only=True, tell=told.append)
    assert not answered_so_far([bare], "be", strict)
    assert [(each.proof.state, each.heeded) for each in told] == [
        ("unsigned", True),
        ("unsigned", False),
    ]
