"""What officers decide about hits on another country's list, by command, before a real broker."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hits_world import ACTS, FACTS, JOINT, NOW, WHY, HitsWorld, alert_of, hits_world

from anpr_engine.audit.signing import SecretKey, write_pair
from anpr_engine.cli.errors_rows import VerdictRows
from anpr_engine.kafka.client_settings import NO_SECURITY
from anpr_engine.kafka.tail import follow_alerts
from anpr_engine.records.alert import Alert, AlsoListed
from anpr_engine.records.fields import Action, Category
from anpr_engine.records.handling_event import HandlingEvent
from anpr_engine.records.messages import ReportA, ReportB
from anpr_engine.records.schema_files import accept
from anpr_engine.wire import CROSS_BORDER_TOPIC, REPORTS_TOPIC, SiteTopics, json_bytes
from anpr_engine.wiring_alerts import alert_checker

FEEDBACK = SiteTopics("be").feedback


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HitsWorld]:
    """Give one world to the tests of this file; each has entries of its own."""
    with hits_world(tmp_path_factory.mktemp("hits")) as made:
        yield made


def reports_on(desk: HitsWorld, entry_id: str) -> list[dict[str, object]]:
    """Give the reports on an entry."""
    return [each for each in desk.records(REPORTS_TOPIC) if each["entry_id"] == entry_id]


def test_a_hit_that_was_acted_on_is_told_by_report_a(desk: HitsWorld) -> None:
    """Validated, acted on, told at once with the fields of article 18(1); all in the record."""
    hit = alert_of("a1", 1)
    desk.put(hit)
    desk.act("validate", hit.alert_id)
    told = desk.act("acted", hit.alert_id, "--facts", desk.facts())
    assert (told["report"], told["via"], told["sent_to"]) == ("A", "national", ["nl"])
    (report,) = reports_on(desk, "a1")
    assert isinstance(accept("report_a", json.dumps(report)), ReportA)
    assert desk.shown(hit)["state"] == "acted"
    lines = [each for each in desk.records(SiteTopics("be").audit) if each.get("entry_id") == "a1"]
    assert [(each["actor"], each["unit"], each["case_ref"]) for each in lines] == [
        ("officer.7", "unit west", "BE-12")
    ] * 2
    assert lines[-1]["recipients"] == ["nl"]
    assert "art13.18.1-acted" in lines[-1]["reasons"]


def test_an_urgent_report_goes_straight_with_notice(desk: HitsWorld) -> None:
    """Article 19(3)(a) and 19(4): direct, and the national contact point is told at once."""
    hit = alert_of("a2", 1)
    desk.put(hit)
    told = desk.act("acted", hit.alert_id, "--urgent", "--facts", desk.facts())
    assert (told["via"], told["notify_national_now"]) == ("direct", True)


def test_the_agreed_contact_of_the_border_area_is_the_way(desk: HitsWorld) -> None:
    """Article 19(2): the regional contact, when the entry is used in the border area only."""
    hit = alert_of("a3", 1)
    desk.put(hit)
    told = desk.act("acted", hit.alert_id, "--contact", "regional", "--facts", desk.facts())
    assert (told["via"], told["notify_national_now"]) == ("regional", True)


def test_a_hit_in_joint_action_is_told_straight(desk: HitsWorld, tmp_path: Path) -> None:
    """Article 19(3)(b), where the action was under way there and then on this list, and only so."""
    hit, lone = alert_of("j1", 1), alert_of("j2", 1)
    elsewhere = lone.read.model_copy(update={"camera_id": "be-2"})
    other = lone.model_copy(update={"read": elsewhere})
    desk.put(hit, other)
    path = tmp_path / "joint.toml"
    start, end = NOW - timedelta(hours=1), NOW + timedelta(hours=1)
    text = JOINT.format(start=f"{start:%Y-%m-%dT%H:%M:%SZ}", end=f"{end:%Y-%m-%dT%H:%M:%SZ}")
    path.write_text(text, encoding="utf-8")
    joint = ("--joint-action", "check-1", "--joint-actions", str(path))
    assert "not under way" in desk.refused("acted", other.alert_id, *joint)
    told = desk.act("acted", hit.alert_id, *joint, "--facts", desk.facts())
    assert (told["via"], told["notify_national_now"]) == ("direct", True)


def test_a_site_that_signs_signs_what_goes_on(
    desk: HitsWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The alert that goes on after a look bears the site's signature, as the engine's own do."""
    public = write_pair(tmp_path / "be.key", SecretKey.new())
    monkeypatch.setenv("ANPR_ALERTS__SIGNING_KEY", str(tmp_path / "be.key"))
    waiting = {"state": "review", "recipients": ["be"], "held_back_from": ["nl"]}
    other = AlsoListed(
        alert_id="ab" * 16,
        entry_id="e9",
        list_id="own",
        category=Category.BURGLARY,
        priority=50,
        action=Action.SEIZE,
        reasons=["be.own-use"],
        legal_basis="",
        handling_code="",
    )
    hit = alert_of("g1", 1, tier="fuzzy", **waiting)
    hit = hit.model_copy(update={"also": [other]})
    desk.put(hit)
    desk.act("validate", hit.alert_id)
    stop: list[bool] = []
    checker = alert_checker("nl", [f"be={public}"], None)
    topics = [CROSS_BORDER_TOPIC]
    for record in follow_alerts(
        desk.bootstrap, NO_SECURITY, topics, lambda: bool(stop), from_start=True
    ):
        alert = Alert.model_validate_json(record.value)
        if alert.alert_id == hit.alert_id:
            proof = checker.check(
                alert, record.value, record.headers, datetime.now(UTC).timestamp()
            )
            assert (proof.flaw, bool(proof.key_id)) == (None, True)
            # Who is told only now was told of no other list.
            assert (alert.state, alert.also) == ("validated", None)
            stop.append(True)


def test_a_report_b_names_nobody_and_shows_no_face(desk: HitsWorld) -> None:
    """Whatever an officer's file holds, the report of no action has the fields of 18(2) alone."""
    hit = alert_of("b1", 1)
    desk.put(hit)
    facts = desk.facts({**FACTS, "vehicle_photo": {"image_ref": "canary-face"}})
    desk.act("validate", hit.alert_id)
    told = desk.act("not-acted", hit.alert_id, "--reason", "no-unit-free", "--facts", facts)
    assert told["report"] == "B"
    (report,) = reports_on(desk, "b1")
    found = accept("report_b", json.dumps(report))
    assert isinstance(found, ReportB)
    assert found.asks_for_later
    assert "anary" not in json.dumps(report)


def test_only_the_first_hit_is_told_until_the_provider_wants_more(desk: HitsWorld) -> None:
    """Article 17(2)(b): the second stays, the answer `yes` lets the third go."""
    hits = [alert_of("b2", number) for number in (1, 2, 3)]
    desk.put(*hits)
    assert "handling.nothing-asked" in desk.refused(
        "answer", hits[0].alert_id, "--later", "yes", site="nl"
    )
    done = [("not-acted", "--reason", "unsafe", "--facts", desk.facts())] * 3
    desk.act("validate", hits[0].alert_id)
    first = desk.act(done[0][0], hits[0].alert_id, *done[0][1:])
    second = desk.act(done[1][0], hits[1].alert_id, *done[1][1:])
    assert (first.get("report"), second.get("report")) == ("B", None)
    assert "art13.17.2b-no-more" in second["rules"]
    desk.act("answer", hits[0].alert_id, "--later", "yes", site="nl")
    third = desk.act(done[2][0], hits[2].alert_id, *done[2][1:])
    assert third["report"] == "B"
    assert not reports_on(desk, "b2")[-1]["asks_for_later"]


def test_the_first_report_waits_for_a_persons_look(desk: HitsWorld) -> None:
    """Not validated, the act is recorded and no report goes; once looked at, it does."""
    hit = alert_of("b3", 1)
    desk.put(hit)
    words = ("not-acted", hit.alert_id, "--reason", "too-far", "--facts", desk.facts())
    done = desk.run(*words, *ACTS)
    assert done.exit_code == 3
    assert "An officer compares the picture and the plate first." in done.output
    desk.act("validate", hit.alert_id)
    facts = desk.facts({**FACTS, "not_acted_reason": "too-far"})
    assert desk.act("report", hit.alert_id, "--facts", facts)["report"] == "B"
    assert "handling.reported" in desk.refused("report", hit.alert_id, "--facts", facts)


def test_a_report_that_lacks_facts_names_them(desk: HitsWorld) -> None:
    """The act counts; what the report must hold and is not known is told by name."""
    hit = alert_of("b4", 1)
    desk.put(hit)
    done = desk.run("acted", hit.alert_id, *ACTS)
    assert done.exit_code == 3
    assert "Missing: " in done.output
    assert "driver" in done.output
    assert desk.shown(hit)["actions_done"] == 1


@pytest.mark.parametrize(
    ("before", "step", "rule"),
    [
        ((), ("acted",), "handling.no-person"),
        ((("dismiss", "--reason", "other-vehicle"),), ("validate",), "handling.dismissed"),
        ((("validate",),), ("validate",), "handling.validated"),
        ((("validate",), ("acted",)), ("not-acted", "--reason", "unsafe"), "handling.settled"),
    ],
)
def test_what_the_state_forbids_is_refused_by_name(
    desk: HitsWorld, before: tuple[tuple[str, ...], ...], step: tuple[str, ...], rule: str
) -> None:
    """Exit code 4, the rule and its sentence, and nothing written."""
    hit = alert_of(f"f-{rule}", 1, tier="fuzzy")
    desk.put(hit)
    for name, *more in before:
        desk.run(name, hit.alert_id, *more, *ACTS)
    count = len(desk.records(FEEDBACK))
    name, *more = step
    assert rule in desk.refused(name, hit.alert_id, *more)
    assert len(desk.records(FEEDBACK)) == count


def test_a_doubtful_hit_goes_on_once_somebody_looked(desk: HitsWorld) -> None:
    """The alert that waited goes to the provider as validated, under the same id."""
    waiting = {"state": "review", "recipients": ["be"], "held_back_from": ["nl"]}
    hit = alert_of("r1", 1, tier="fuzzy", probability=0.3, **waiting)
    desk.put(hit)
    listed = desk.run("list", *WHY, "--json").stdout.splitlines()
    assert ("review", hit.alert_id) in [
        (row["state"], row["alert_id"]) for row in map(json.loads, listed)
    ]
    assert desk.act("validate", hit.alert_id)["sent_to"] == ["be", "nl"]
    (onward,) = [
        each for each in desk.records(CROSS_BORDER_TOPIC) if each["alert_id"] == hit.alert_id
    ]
    assert (onward["state"], onward["recipients"]) == ("validated", ["be", "nl"])
    assert desk.shown(hit)["state"] == "validated"


def test_a_refused_entry_has_no_open_hits(desk: HitsWorld) -> None:
    """Article 12: refused with a reason, its open hits are recalled; once is enough."""
    hit = alert_of("n1", 1)
    desk.put(hit)
    words = ("refuse", "--list", "nl-joint", "--entry", "n1", "--reason", "own-law")
    desk.act(*words)
    assert desk.shown(hit)["state"] == "recalled"
    assert "handling.recalled" in desk.refused("validate", hit.alert_id)
    assert "handling.ended" in desk.refused(*words)


def test_an_event_that_contradicts_is_void_and_told(desk: HitsWorld) -> None:
    """Written past the desk, a second outcome changes nothing and is named as void."""
    hit = alert_of("v1", 1)
    desk.put(hit)
    desk.act("validate", hit.alert_id)
    desk.run("acted", hit.alert_id, *ACTS)
    rival = HandlingEvent(
        event_id="e7" * 16,
        occurred_at=datetime.now(UTC),
        event="not-acted",
        site="be",
        role="officer",
        unit="unit east",
        provider="nl",
        list_id="nl-joint",
        entry_id="v1",
        category=hit.category,
        alert_id=hit.alert_id,
        reason="unsafe",
    )
    desk.write(FEEDBACK, b"nl-joint/v1", json_bytes(rival))
    shown = desk.shown(hit)
    assert (shown["state"], shown["actions_done"]) == ("acted", 1)
    (void,) = [each for each in shown["events"] if "void" in each]
    assert void["unit"] == "unit east"
    assert "contradict earlier ones" in desk.run("list", *WHY).stderr


def test_who_says_not_why_decides_nothing(desk: HitsWorld) -> None:
    """No purpose, a purpose of another list, or no look without one: exit code 4."""
    hit = alert_of("w1", 1)
    desk.put(hit)
    assert desk.run("validate", hit.alert_id, "--unit", "x", "--case", "y").exit_code == 4
    other = ("--purpose", "drug-smuggling", "--case", "y", "--unit", "x")
    assert desk.run("validate", hit.alert_id, *other).exit_code == 4
    assert desk.run("list").exit_code == 4


def test_verdicts_and_events_share_a_topic(desk: HitsWorld) -> None:
    """Who learns from verdicts passes events over, and takes none for a bad line."""
    rows = VerdictRows()
    for number, each in enumerate(desk.records(FEEDBACK), start=1):
        rows.take(number, json.dumps(each).encode(), None)
    assert (rows.verdicts, rows.bad) == ([], [])


def test_statistics_hold_counts_and_no_plate(desk: HitsWorld) -> None:
    """By list, category and provider, as an evaluation needs them (article 23)."""
    lone = alert_of("s1", 1)
    own_list = lone.entry.model_copy(update={"list_id": "nl-stats"})
    hit = lone.model_copy(update={"entry": own_list})
    desk.put(hit)
    desk.act("validate", hit.alert_id)
    desk.act("acted", hit.alert_id, "--facts", desk.facts())
    done = desk.run("stats", "--from", "-1d", *WHY, "--json")
    assert done.exit_code == 0
    rows = {row["list_id"]: row for row in map(json.loads, done.stdout.splitlines())}
    row = rows["nl-stats"]
    assert (row["category"], row["provider"]) == ("burglary", "nl")
    assert [row[name] for name in ("hits", "validated", "acted", "reported")] == [1, 1, 1, 1]
    assert "XX" not in done.stdout
    later = desk.run("stats", "--from", "2099-01-01T00:00:00Z", *WHY, "--json")
    assert later.stdout == ""
