"""Recalls written thousands at once are those that the models would write."""

from datetime import UTC, datetime, timedelta

import msgspec
from clocks import FixedClock
from hypothesis import given
from hypothesis import strategies as st
from recall_worlds import BOTH, NOW, TOPICS, Lists, entry

from anpr_engine.audit.alert_guard import AlertSealer
from anpr_engine.audit.jws import HEADER_NAME, RECALL_TYPE, read_signature
from anpr_engine.audit.signing import SecretKey
from anpr_engine.audit.tree_signature import MESSAGES_A_TREE
from anpr_engine.pipeline.open_alerts import OpenAlert, OpenAlerts
from anpr_engine.pipeline.recall_records import ALERTS_A_RECALL, Fallen, RecallWriter
from anpr_engine.pipeline.recalls import ENTRIES_AT_ONCE, Recalls
from anpr_engine.records.audit_event import AuditEvent
from anpr_engine.records.recall import Recall, RecallForm
from anpr_engine.wire import CROSS_BORDER_RECALLS, EventAttributes, OutgoingRecord, json_bytes

NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=64)
TIMES = st.integers(0, 2**52)
KEY = SecretKey.new()


def fallen(number: int, *recipients: str) -> tuple[Fallen, list[str]]:
    """Give an entry with one alert that was withdrawn."""
    why = Fallen(("l1", f"e{number}"), "be", 2, 1, "withdrawn", recipients or BOTH)
    return why, [f"{number:032x}"]


@given(list_id=NAMES, entry_id=NAMES, at_us=TIMES, made_us=TIMES, count=st.integers(1, 3))
def test_forms_are_the_models_byte_for_byte(
    list_id: str, entry_id: str, at_us: int, made_us: int, count: int
) -> None:
    """Whatever the ids hold, and however round the time: read and written again it is the same."""
    why = Fallen((list_id, entry_id), "nl", 7, at_us, "corrected", BOTH)
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=made_us)
    ids = [f"{number:032x}" for number in range(count)]
    told, *lines = RecallWriter("be").records(at, [(why, ids)])
    recall = Recall.model_validate_json(told.value)
    assert json_bytes(recall) == told.value
    assert (recall.created_at, recall.alerts) == (at, ids)
    assert told.headers == EventAttributes.of(recall.recall_id, "recall", "be", at).headers()
    events = [AuditEvent.model_validate_json(line.value) for line in lines]
    assert [json_bytes(event) for event in events] == [line.value for line in lines]
    assert [event.alert_id for event in events] == ids
    for event in events:
        done = event.actor, event.action, event.reasons, event.recipients, event.occurred_at
        assert done == ("engine", "alert-recalled", ["corrected"], list(BOTH), at)
        about = event.site, event.list_id, event.entry_id, event.watchlist_version, event.subject
        assert about == ("be", list_id, entry_id, 7, recall.recall_id)
    named = [EventAttributes.of(e.event_id, "audit_event", "be", at).headers() for e in events]
    assert [line.headers for line in lines] == named


def test_a_recall_names_so_many_alerts_at_most() -> None:
    """More of one entry are told in several, each with an id of its own."""
    ids = [f"{number:032x}" for number in range(ALERTS_A_RECALL + 1)]
    records = RecallWriter("be").records(NOW, [(fallen(1, "be")[0], ids)])
    values = [msgspec.json.decode(r.value) for r in records if r.topic == TOPICS.recalls]
    assert [len(each["alerts"]) for each in values] == [ALERTS_A_RECALL, 1]
    assert len({each["recall_id"] for each in values}) == len(values)
    assert len(records) == len(ids) + len(values)


def test_signatures_made_together_stand_with_their_recalls() -> None:
    """Each recall of a large part is signed, for its own recipients; no line is."""
    count = 2 * MESSAGES_A_TREE + 1
    given_ = [fallen(number, *(BOTH if number % 2 else ("be",))) for number in range(count)]
    records = RecallWriter("be", AlertSealer(KEY)).records(NOW, given_)
    signed = [record for record in records if record.topic != TOPICS.audit]
    assert len(signed) == count
    for record in signed:
        form = msgspec.json.decode(record.value, type=RecallForm)
        found = read_signature(dict(record.headers)[HEADER_NAME])
        assert found is not None
        assert found.holds(record.value, KEY.public.verifies)
        about = found.claims.typ, found.claims.jti, found.claims.aud
        assert about == (RECALL_TYPE, form.recall_id, form.recipients)
    assert not any(HEADER_NAME in dict(r.headers) for r in records if r.topic == TOPICS.audit)


def test_nothing_fallen_is_nothing_written() -> None:
    """Changes that take no alert back need no signature, with a key and without."""
    for guard in (None, AlertSealer(None), AlertSealer(KEY)):
        assert RecallWriter("be", guard).records(NOW, []) == []


def names(records: list[OutgoingRecord]) -> set[str]:
    """Name the entries that are recalled."""
    values = [msgspec.json.decode(r.value) for r in records if r.topic == CROSS_BORDER_RECALLS]
    return {each["entry_id"] for each in values}


def open_site(count: int) -> tuple[Recalls, Lists, OpenAlerts]:
    """Give lists with an open alert on each entry."""
    lists = Lists([entry(f"e{n}") for n in range(count)])
    book = OpenAlerts("be")
    alerts = [("l1", f"e{n}") for n in range(count)]
    book.put(
        OpenAlert(f"{n:032x}", identity, "be", BOTH, 1, 1, "1-ABC-123", "BE", 2**32 - 1)
        for n, identity in enumerate(alerts)
    )
    return Recalls(lists, book, FixedClock(NOW)), lists, book


def test_parts_under_way_are_told_once_and_all_again_after_a_roll_back() -> None:
    """Of parts not settled yet none repeats another; what was rolled back comes whole, in order."""
    recalls, lists, book = open_site(ENTRIES_AT_ONCE + 1)
    lists.put(gone=[f"e{n}" for n in range(ENTRIES_AT_ONCE + 1)])
    first = names(recalls.due())
    lists.changes.anew(2, 1)
    second = names(recalls.due())
    assert (len(first), second) == (ENTRIES_AT_ONCE, {f"e{ENTRIES_AT_ONCE}"})
    recalls.settle(saved=False)
    assert len(book) == ENTRIES_AT_ONCE + 1
    assert names(recalls.due()) == first
    recalls.settle(saved=True)
    assert len(book) == 1
    found = set[str]()
    while recalls.pending():
        found |= names(recalls.due())
        recalls.settle(saved=True)
    assert (found, len(book)) == (second, 0)
