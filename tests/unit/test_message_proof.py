"""Signatures over handling events, reports and receipts, and which of them count."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from anpr_engine.audit.check_alerts import AlertFlaw, PinnedKey
from anpr_engine.audit.jws import HEADER_NAME, from_base64url
from anpr_engine.audit.message_proof import (
    Doubt,
    Message,
    MessageChecker,
    signature_headers,
)
from anpr_engine.audit.signing import SecretKey
from anpr_engine.kafka.tail import TailedRecord
from anpr_engine.records.fields import Category
from anpr_engine.records.handling_event import HandlingEvent
from anpr_engine.records.messages import Effect, RecallReceipt, Refusal, ReportA, ReportB
from anpr_engine.wire import Header, json_bytes

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
BE, NL = SecretKey.new(), SecretKey.new()
KEYS = {BE.key_id: PinnedKey(BE.public, "be"), NL.key_id: PinnedKey(NL.public, "nl")}
ID, HIT = "0a" * 16, "0b" * 16
SEEN = {"captured_at": NOW.isoformat(), "camera_id": "be-1", "place": "E19"}
VEHICLE = {
    "plate": "XX123X",
    "country": "NL",
    "vehicle_category": "car",
    "make": "example",
    "place_time": SEEN,
}
REPORT = {
    "message_id": ID,
    "created_at": NOW.isoformat(),
    "site": "be",
    "provider": "nl",
    "list_id": "nl-joint",
    "entry_id": "e-1",
    "hit_id": HIT,
    "via": "national",
    "notify_national_now": False,
    "policy_version": "1",
    "rules": ["art13.18.1-acted"],
}
REFUSAL = {
    "message_id": ID,
    "created_at": NOW.isoformat(),
    "site": "be",
    "provider": "nl",
    "list_id": "nl-joint",
    "list_version": 7,
    "reasons": ["own-law"],
    "explanation": "No basis here.",
    "decided_by": "contact point",
    "destruction": {
        "manifest_sha256": "0d" * 32,
        "entries": 2,
        "destroyed_at": NOW.isoformat(),
        "destroyed_by": "contact point",
    },
}
DONE = {
    "circumstances": "Stopped.",
    "driver": {"name": "Canary"},
    "unit_contact": "unit west",
    "result": "Seized.",
}


def event(**more: object) -> HandlingEvent:
    """Make an event of the Belgian desk."""
    told = {
        "event_id": ID,
        "occurred_at": NOW,
        "event": "acted",
        "site": "be",
        "role": "officer",
        "unit": "unit west",
        "provider": "nl",
        "list_id": "nl-joint",
        "entry_id": "e-1",
        "category": Category.BURGLARY,
        "alert_id": HIT,
    }
    return HandlingEvent.model_validate(told | more)


def messages() -> Mapping[str, Message]:
    """Make one message of each kind, all under the same id."""
    report_a = REPORT | {"facts": VEHICLE | DONE}
    report_b = REPORT | {
        "facts": VEHICLE | {"not_acted_reason": "too-far"},
        "asks_for_later": True,
    }
    receipt = RecallReceipt(
        message_id=ID,
        created_at=NOW,
        site="be",
        provider="nl",
        list_id="nl-joint",
        cause_id="0c" * 16,
        received_at=NOW,
        entries_removed=["e-1"],
        last_version_with=6,
        effects=[Effect(part="open-alerts", version=7, effective_at=NOW)],
        alerts_recalled=[HIT],
    )
    return {
        "handling-event": event(),
        "report-a": ReportA.model_validate_json(json.dumps(report_a)),
        "report-b": ReportB.model_validate_json(json.dumps(report_b)),
        "recall-receipt": receipt,
        "refusal": Refusal.model_validate_json(json.dumps(REFUSAL)),
    }


KINDS = tuple(messages())


def reader(kind: str) -> str:
    """Say for whom a message of the Belgian site is signed."""
    return "nl" if kind.startswith(("report", "refusal")) else "be"


def flaw_of(
    message: Message, to: str, headers: tuple[Header, ...], value: bytes = b""
) -> AlertFlaw | None:
    """Check a message as its reader does."""
    value = value or json_bytes(message)
    return MessageChecker(KEYS).proof(message, to, value, headers).flaw


@pytest.mark.parametrize("kind", KINDS)
def test_a_genuine_message_is_signed_by_its_site_for_its_reader(kind: str) -> None:
    """The header says kind, site, time, id and reader, and holds for the value."""
    message, to = messages()[kind], reader(kind)
    value = json_bytes(message)
    ((name, text),) = signature_headers(message, to, value, BE)
    assert name == HEADER_NAME
    told = json.loads(from_base64url(text.split(b".")[0]))
    assert told["typ"] == f"anpr-{kind}+jws"
    assert (told["iss"], told["jti"], told["aud"]) == ("be", ID, [to])
    assert (told["iat"], told["kid"]) == (int(NOW.timestamp()), BE.key_id)
    proof = MessageChecker(KEYS).proof(message, to, value, ((name, text),))
    assert (proof.state, proof.key_id) == ("signed", BE.key_id)


@pytest.mark.parametrize("kind", KINDS)
def test_an_altered_message_is_forged(kind: str) -> None:
    """One name changed, and the signature does not hold."""
    message, to = messages()[kind], reader(kind)
    headers = signature_headers(message, to, json_bytes(message), BE)
    other = message.model_copy(update={"list_id": "nl-other"})
    assert flaw_of(other, to, headers) is AlertFlaw.SIGNATURE


@pytest.mark.parametrize(
    "change",
    [{"event": "validated"}, {"unit": "unit east"}, {"alert_id": "0d" * 16}, {"site": "nl"}],
    ids=["event", "unit", "hit", "site"],
)
def test_who_did_what_about_which_hit_cannot_be_altered(change: dict[str, str]) -> None:
    """Each of them is signed."""
    headers = signature_headers(event(), "be", json_bytes(event()), BE)
    assert flaw_of(event(**change), "be", headers) is AlertFlaw.SIGNATURE


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("other", KINDS)
def test_a_signature_of_one_kind_is_none_of_another(kind: str, other: str) -> None:
    """A message's signature put under another kind, same id and site, is of the wrong type."""
    message, to = messages()[kind], reader(kind)
    taken = messages()[other]
    headers = signature_headers(taken, to, json_bytes(taken), BE)
    expected = None if kind == other else AlertFlaw.TYPE
    assert flaw_of(message, to, headers) is expected


@pytest.mark.parametrize("kind", KINDS)
def test_another_site_s_key_signs_nothing_for_this_one(kind: str) -> None:
    """A known key is pinned to its site, and an unknown one to none."""
    message, to = messages()[kind], reader(kind)
    value = json_bytes(message)
    assert flaw_of(message, to, signature_headers(message, to, value, NL)) is AlertFlaw.ISSUER
    stranger = signature_headers(message, to, value, SecretKey.new())
    assert flaw_of(message, to, stranger) is AlertFlaw.UNKNOWN_KEY


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_signed_for_one_reader_is_forged_for_another(kind: str) -> None:
    """A record copied onto another site's topic does not count there."""
    message, to = messages()[kind], reader(kind)
    headers = signature_headers(message, to, json_bytes(message), BE)
    assert flaw_of(message, "lu", headers) is AlertFlaw.AUDIENCE


def test_a_signature_under_another_id_is_forged() -> None:
    """Two events never share one signature."""
    headers = signature_headers(event(event_id="0e" * 16), "be", json_bytes(event()), BE)
    assert flaw_of(event(), "be", headers) is AlertFlaw.ALERT


def record(offset: int, headers: tuple[Header, ...]) -> TailedRecord:
    """Lay the event onto the topic."""
    return TailedRecord("anpr.feedback.be", 2, offset, -1, b"", headers, json_bytes(event()))


def test_what_is_forged_never_counts_and_what_is_unsigned_does_unless_forbidden() -> None:
    """Each is told once, by its place and nothing else."""
    good = signature_headers(event(), "be", json_bytes(event()), BE)
    bad = signature_headers(event(), "be", json_bytes(event()), NL)
    told: list[Doubt] = []
    checker = MessageChecker(KEYS, tell=told.append)
    for _ in range(2):
        found = [
            checker.heeds(event(), "be", record(at, each))
            for at, each in enumerate((good, bad, ()))
        ]
        assert found == [True, False, True]
    assert [(each.offset, each.proof.state, each.heeded) for each in told] == [
        (1, "forged", False),
        (2, "unsigned", True),
    ]
    words = str(told[0])
    assert words.startswith("the record at anpr.feedback.be/2/1 is forged: its key is another")
    assert words.endswith("; it counts for nothing")
    assert not any(part in words for part in (ID, HIT, "nl-joint", "unit west"))
    strict = MessageChecker(KEYS, signed_only=True)
    found = [strict.heeds(event(), "be", record(at, each)) for at, each in enumerate((good, ()))]
    assert found == [True, False]


def test_where_no_key_is_known_nothing_is_checked() -> None:
    """As it is for alerts."""
    told: list[Doubt] = []
    bad = signature_headers(event(), "be", json_bytes(event()), NL)
    assert MessageChecker({}, tell=told.append).heeds(event(), "be", record(0, bad))
    assert told == []


def test_a_site_without_a_key_sends_no_signature() -> None:
    """Its record stays as it was."""
    assert signature_headers(event(), "be", json_bytes(event()), None) == ()
