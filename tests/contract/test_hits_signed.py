"""What services answer each other is signed on a real broker, and what is forged counts nowhere."""

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from confluent_kafka import Producer
from fakes.memory_stream import MemoryBroker, MemoryReadStream
from hits_world import WAIT_S, WHY, HitsWorld, alert_of, hits_world
from stream_worlds import WAIT_S as STEP_S

from anpr_engine.audit.message_proof import signature_headers
from anpr_engine.audit.signing import SecretKey, write_pair
from anpr_engine.clock import SystemClock
from anpr_engine.errors import ConfigError
from anpr_engine.kafka.client_settings import StreamSettings
from anpr_engine.kafka.handled_book import handled_entries
from anpr_engine.kafka.history import HistorySettings
from anpr_engine.kafka.tail import TailedRecord
from anpr_engine.kafka.topic_values import committed_records
from anpr_engine.metrics.table import FEEDBACK_UNPROVED, Metrics
from anpr_engine.pipeline.run import EnginePorts
from anpr_engine.policy.handling_events import SubjectId
from anpr_engine.policy.handling_records import read_event
from anpr_engine.policy.policy_set import shipped_policies
from anpr_engine.records.alert import Alert
from anpr_engine.records.handling_event import HandlingEvent
from anpr_engine.records.messages import ReportA, ReportB
from anpr_engine.watchlist.snapshot import snapshot_of
from anpr_engine.wire import REPORTS_TOPIC, Header, SiteTopics, json_bytes
from anpr_engine.wiring import Overrides, settings_of
from anpr_engine.wiring_hits import Beside, event_gate, message_checker, ports_watched

FEEDBACK = SiteTopics("be").feedback
BE, NL = SecretKey.new(), SecretKey.new()


class NoLists:
    """Nothing is listed."""

    current, verified_at_us, received_at_us = snapshot_of([]), 0, None


class Rules:
    """Whose signatures count at a site."""

    def __init__(self, keys: tuple[str, ...], *, signed_only: bool = False) -> None:
        """Take the files."""
        self.keys, self.signed_only = keys, signed_only


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HitsWorld]:
    """Give one world to the tests of this file; each has entries of its own."""
    with hits_world(tmp_path_factory.mktemp("signed")) as made:
        for site, key in (("be", BE), ("nl", NL)):
            write_pair(made.folder / f"{site}.key", key)
        yield made


@pytest.fixture
def keys(desk: HitsWorld, monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    """Let both sites' keys be known; the Belgian desk signs."""
    found = tuple(f"{site}={desk.folder / site}.key.pub" for site in ("be", "nl"))
    monkeypatch.setenv("ANPR_FEEDBACK__KEYS", str(list(found)).replace("'", '"'))
    monkeypatch.setenv("ANPR_ALERTS__SIGNING_KEY", str(desk.folder / "be.key"))
    return found


def on(desk: HitsWorld, topic: str, entry_id: str) -> list[TailedRecord]:
    """Give the records on an entry, with their headers."""
    log, mark = HistorySettings(desk.bootstrap, topic), f'"{entry_id}"'.encode()
    return [each for each in committed_records(log, lambda: False) if mark in each.value]


def write(desk: HitsWorld, record: TailedRecord, value: bytes, headers: tuple[Header, ...]) -> None:
    """Lay a record beside another one, past the desk."""
    producer = Producer({"bootstrap.servers": desk.bootstrap})
    producer.produce(record.topic, value, record.key, record.partition, headers=list(headers))
    assert producer.flush(WAIT_S) == 0


def event_on(hit: Alert, event: str, number: int, **more: object) -> HandlingEvent:
    """Make an event on a hit as the Belgian desk would."""
    told = {
        "event_id": f"{number:032x}",
        "occurred_at": datetime.now(UTC),
        "event": event,
        "site": "be",
        "role": "officer",
        "unit": "unit west",
        "provider": "nl",
        "list_id": hit.entry.list_id,
        "entry_id": hit.entry.entry_id,
        "category": hit.category,
        "alert_id": hit.alert_id,
    }
    return HandlingEvent.model_validate(told | more)


def key_of(hit: Alert) -> TailedRecord:
    """Say where records on a hit go: all of an entry into one partition."""
    key = f"{hit.entry.list_id}/{hit.entry.entry_id}".encode()
    return TailedRecord(FEEDBACK, 0, 0, -1, key, (), b"")


@pytest.mark.usefixtures("keys")
def test_a_desk_signs_events_and_reports_with_the_site_s_key(
    desk: HitsWorld, keys: tuple[str, ...]
) -> None:
    """Each is proved to be the site's, and shown as signed."""
    hit, other = alert_of("s1", 1), alert_of("s2", 1)
    desk.put(hit, other)
    desk.act("validate", hit.alert_id)
    desk.act("acted", hit.alert_id, "--facts", desk.facts())
    desk.act("validate", other.alert_id)
    desk.act("not-acted", other.alert_id, "--reason", "unsafe", "--facts", desk.facts())
    checker = message_checker(Rules(keys), lambda _: None)
    events = [*on(desk, FEEDBACK, "s1"), *on(desk, FEEDBACK, "s2")]
    assert len(events) == 6
    for record in events:
        event = read_event(record.value)
        assert event is not None
        assert checker.weigh(event, "be", record).state == "signed"
    ((record_a,), (record_b,)) = (on(desk, REPORTS_TOPIC, name) for name in ("s1", "s2"))
    report_a = ReportA.model_validate_json(record_a.value)
    report_b = ReportB.model_validate_json(record_b.value)
    assert checker.weigh(report_a, "nl", record_a).state == "signed"
    assert checker.weigh(report_b, "nl", record_b).state == "signed"
    assert [each["proof"] for each in desk.shown(hit)["events"]] == ["signed"] * 3


@pytest.mark.usefixtures("keys")
def test_a_forged_event_changes_nothing_and_is_told_by_its_place(desk: HitsWorld) -> None:
    """Neither for who looks nor for who decides; no word of what it holds is told."""
    hit = alert_of("f1", 1)
    desk.put(hit)
    forged = event_on(hit, "acted", 0xF1)
    value = json_bytes(forged)
    write(desk, key_of(hit), value, signature_headers(forged, "be", value, NL))
    done = desk.run("show", hit.alert_id, *WHY)
    assert "state unverified" in done.stdout
    (record,) = on(desk, FEEDBACK, "f1")
    place = f"{FEEDBACK}/{record.partition}/{record.offset}"
    assert f"the record at {place} is forged" in done.stderr
    assert not any(part in done.stderr for part in ("f1", "XX123X", hit.alert_id))
    assert desk.shown(hit)["events"] == []
    desk.act("validate", hit.alert_id)
    assert desk.shown(hit)["state"] == "validated"


def test_an_unsigned_event_counts_and_is_told_unless_signatures_are_asked_for(
    desk: HitsWorld, keys: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As an alert that nobody signed."""
    assert keys
    hit = alert_of("u1", 1)
    desk.put(hit)
    write(desk, key_of(hit), json_bytes(event_on(hit, "acted", 0xD1)), ())
    done = desk.run("show", hit.alert_id, *WHY)
    assert "state acted" in done.stdout
    assert "unit west  UNSIGNED" in done.stdout
    assert "events are unsigned" in done.stderr
    assert desk.shown(hit)["events"][0]["proof"] == "unsigned"
    monkeypatch.setenv("ANPR_FEEDBACK__SIGNED_ONLY", "true")
    strict = desk.run("show", hit.alert_id, *WHY)
    assert "state unverified" in strict.stdout
    assert "is unsigned" in strict.stderr


@pytest.mark.usefixtures("keys")
def test_a_provider_sees_reports_to_it_and_none_that_is_forged(desk: HitsWorld) -> None:
    """In full as JSON, without a name in the table; a forged one is told by its place alone."""
    hit = alert_of("r1", 1)
    desk.put(hit)
    desk.act("acted", hit.alert_id, "--facts", desk.facts())
    (record,) = on(desk, REPORTS_TOPIC, "r1")
    forged = record.value.replace(b'"r1"', b'"r9"')
    write(desk, record, forged, record.headers)
    done = desk.run("reports", *WHY, "--json", site="nl")
    told = [json.loads(line) for line in done.stdout.splitlines()]
    mine = {each["entry_id"]: each for each in told}
    assert (mine["r1"]["proof"], mine["r1"]["facts"]["driver"]["name"]) == (
        "signed",
        "Canary Driver",
    )
    assert "r9" not in mine
    (other,) = on(desk, REPORTS_TOPIC, "r9")
    assert f"{REPORTS_TOPIC}/{other.partition}/{other.offset} is forged" in done.stderr
    table = desk.run("reports", *WHY, site="nl")
    assert hit.alert_id in table.stdout
    assert not any(part in table.stdout for part in ("Canary", "XX123X", "r9"))
    assert desk.run("reports", *WHY, site="be").stdout.splitlines()[-1] == "0 reports"
    audit = desk.records(SiteTopics("nl").audit)
    assert any(each.get("subject") == f"{REPORTS_TOPIC} reports" for each in audit)


@pytest.mark.usefixtures("keys")
def test_a_forged_question_is_not_answered(
    desk: HitsWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A provider answers a report B that the other site signed, and no other one."""
    hit = alert_of("q1", 1)
    desk.put(hit)
    desk.act("validate", hit.alert_id)
    desk.act("not-acted", hit.alert_id, "--reason", "unsafe", "--facts", desk.facts())
    (record,) = on(desk, REPORTS_TOPIC, "q1")
    other = alert_of("q2", 1)
    desk.put(other)
    value = record.value.replace(b'"q1"', b'"q2"').replace(
        hit.alert_id.encode(), other.alert_id.encode()
    )
    write(desk, record, value, record.headers)
    monkeypatch.setenv("ANPR_ALERTS__SIGNING_KEY", str(desk.folder / "nl.key"))
    assert "asked nothing" in desk.refused("answer", other.alert_id, "--later", "no", site="nl")
    desk.act("answer", hit.alert_id, "--later", "no", site="nl")
    assert desk.shown(hit)["later_wanted"] is False


def test_an_engine_heeds_what_is_genuine_alone(desk: HitsWorld, keys: tuple[str, ...]) -> None:
    """What is forged is counted once, the topic read again or not; what is unsigned, too."""
    good, bad, bare = (alert_of(name, 1) for name in ("e-good", "e-bad", "e-bare"))
    for number, (hit, key) in enumerate(((good, BE), (bad, NL), (bare, None)), start=0xE0):
        event = event_on(hit, "refused", number, refusal=["own-law"])
        value = json_bytes(event)
        write(desk, key_of(hit), value, signature_headers(event, "be", value, key))
    metrics = Metrics()
    gate = event_gate("be", Rules(keys), metrics)
    settings = StreamSettings(desk.bootstrap, SiteTopics("be").reads, "anpr.engine.be", "x")

    def ended(hit: Alert) -> bool:
        return book.of(SubjectId("nl", "nl-joint", hit.entry.entry_id)).ended

    counts: list[tuple[float, float]] = []
    for _ in range(2):
        with handled_entries("be", settings, SystemClock(), heeds=gate) as book:
            assert (ended(good), ended(bad), ended(bare)) == (True, False, True)
            name = FEEDBACK_UNPROVED.name
            counts.append(
                (metrics.value(name, state="forged"), metrics.value(name, state="unsigned"))
            )
    assert counts[0] == counts[1]
    assert min(counts[0]) >= 1.0
    with handled_entries("be", settings, SystemClock(), heeds=gate) as book:
        later = alert_of("e-later", 1)
        event = event_on(later, "refused", 0xEF, refusal=["own-law"])
        value = json_bytes(event)
        write(desk, key_of(later), value, signature_headers(event, "be", value, BE))
        clock, pause = SystemClock(), threading.Event()
        deadline_s = clock.monotonic_s() + STEP_S
        while not ended(later) and clock.monotonic_s() < deadline_s:
            pause.wait(0.01)
        assert ended(later)
    strict = event_gate("be", Rules(keys, signed_only=True), metrics)
    with handled_entries("be", settings, SystemClock(), heeds=strict) as book:
        assert (ended(good), ended(bad), ended(bare)) == (True, False, False)


@pytest.mark.usefixtures("keys")
def test_an_engine_goes_by_its_site_s_settings(
    desk: HitsWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What stands under `feedback` decides which events the engine heeds."""
    monkeypatch.setenv("ANPR_FEEDBACK__SIGNED_ONLY", "true")
    signed, bare = alert_of("w-signed", 1), alert_of("w-bare", 1)
    for number, (hit, key) in enumerate(((signed, BE), (bare, None)), start=0xA0):
        event = event_on(hit, "acted", number)
        value = json_bytes(event)
        write(desk, key_of(hit), value, signature_headers(event, "be", value, key))
    clock, broker = SystemClock(), MemoryBroker()
    broker.add_topic("reads", 1)
    given = EnginePorts(MemoryReadStream(broker, "reads", "g", clock), NoLists(), clock)
    settings = settings_of(None, Overrides("be", desk.bootstrap, "redis://unused"))
    stream = StreamSettings(desk.bootstrap, SiteTopics("be").reads, "anpr.engine.be", "x")
    about = Beside("", settings.feedback, settings.odd_use.limits, shipped_policies)
    with ports_watched("be", stream, Metrics(), given, about) as watched:
        done = [
            watched.handled(SubjectId("nl", "nl-joint", hit.entry.entry_id)).actions_done
            for hit in (signed, bare)
        ]
    assert done == [1, 0]


@pytest.mark.parametrize("given", ["be.pub", "=be.pub", "be="])
def test_a_key_without_its_site_is_refused(given: str, tmp_path: Path) -> None:
    """A key that any site might use would prove nothing."""
    (tmp_path / "be.pub").write_bytes(BE.public.pem())
    with pytest.raises(ConfigError, match="names no site"):
        message_checker(Rules((given,)), lambda _: None)


def test_asking_for_signatures_without_a_key_is_refused() -> None:
    """Nothing would ever count, and nobody would know why."""
    with pytest.raises(ConfigError, match="signed_only"):
        message_checker(Rules((), signed_only=True), lambda _: None)
    assert not message_checker(Rules(()), lambda _: None).keys
