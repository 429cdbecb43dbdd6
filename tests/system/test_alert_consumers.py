"""What others see: a third-party consumer, the published schema, the terminal, the dead letters."""

import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jsonschema
import pytest
from sites import World, alert_topics, await_true, read_json, world

from anpr_engine.kafka.writer import ReadWriter
from anpr_engine.records.watchlist_entry import WatchlistEntry
from anpr_engine.wire import CROSS_BORDER_TOPIC, SiteTopics

SCHEMAS = Path(__file__).parents[2] / "schemas"
NOW = datetime.now(UTC)
ALERTS = 8
PLATE = re.compile(rb"(?i)1-?abc-?00")


def schema(name: str) -> jsonschema.Draft202012Validator:
    """Load a published schema."""
    return jsonschema.Draft202012Validator(json.loads((SCHEMAS / name).read_text()))


@pytest.fixture(scope="module")
def alerted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Give a site that has worked off good and bad reads and published alerts."""
    with world(tmp_path_factory.mktemp("alerted"), ["be"]) as made:
        listed = [
            WatchlistEntry(
                entry_id=f"e{number}",
                list_id="be-list",
                plate=f"1-ABC-00{number}",
                country="BE",
                sharing="be,nl" if number % 2 else "own",
                vehicle_make="Volvo",
            )
            for number in range(ALERTS)
        ]
        made.load("be", listed)
        stamp = NOW.isoformat()
        with ReadWriter(made.bootstrap) as writer:
            for number in range(500):
                plate = f"1abc00{number}" if number < ALERTS else "1-TTT-001"
                writer.write(SiteTopics("be").reads, b"c", read_json("be", number, plate, stamp))
            late = (NOW + timedelta(hours=1)).isoformat()
            for bad in (
                b"",
                b"{",
                b"\xff",
                b"[" * 99,
                b"[]",
                read_json("be", 9, "1-ABC-001", late),
            ):
                writer.write(SiteTopics("be").reads, b"c", bad)
        engine = made.engine("be", 0, "--until-end")
        engine.start()
        assert engine.process is not None
        assert engine.process.wait(60.0) == 0
        yield made


def test_a_third_party_consumer_reads_alerts_that_obey_the_schema(alerted: World) -> None:
    """Kcat, reading committed records, gets every alert once, and each is valid."""
    check = schema("alert.v1.json")
    seen = []
    for topic in alert_topics(["be"]):
        lines = subprocess.run(
            [
                *("kcat", "-C", "-q", "-e", "-b", alerted.bootstrap, "-t", topic),
                *("-X", "isolation.level=read_committed", "-o", "beginning"),
            ],
            check=True,
            capture_output=True,
            timeout=60,
        ).stdout.splitlines()
        seen += [json.loads(line) for line in lines]
    for alert in seen:
        check.validate(alert)
    assert sorted(alert["entry"]["entry_id"] for alert in seen) == [f"e{n}" for n in range(ALERTS)]


def test_alerts_carry_cloudevents_attributes(alerted: World) -> None:
    """The headers name the event, and no key or header holds a plate."""
    for record in alerted.committed([CROSS_BORDER_TOPIC], ALERTS // 2):
        headers = dict(record.headers)
        assert headers["ce_type"] == b"eu.anpr.alert.v1"
        assert headers["ce_id"].decode() == json.loads(record.value)["alert_id"]
        assert b"ABC" not in record.key + b"".join(headers.values())


def test_dead_letters_name_reason_and_place_without_content(alerted: World) -> None:
    """Each bad record is a valid dead letter with its offset, size and digest, and no payload."""
    check = schema("rejected_read.v1.json")
    letters = [json.loads(r.value) for r in alerted.committed([SiteTopics("be").rejected], 6)]
    for letter in letters:
        check.validate(letter)
        assert "payload_base64" not in letter
    assert sorted(letter["reason"] for letter in letters) == [
        "empty",
        "future-dated",
        "not-an-object",
        "not-json",
        "not-utf8",
        "too-deep",
    ]


def test_audit_lines_obey_the_schema(alerted: World) -> None:
    """One audit line an alert and one for the start, valid, and without a plate."""
    check = schema("audit_event.v1.json")
    lines = [record.value for record in alerted.committed([SiteTopics("be").audit], ALERTS + 1)]
    actions = Counter(json.loads(line)["action"] for line in lines)
    assert actions == {"alert-published": ALERTS, "engine-started": 1}
    for line in lines:
        check.validate(json.loads(line))
        # Digests may hold three letters by chance.
        assert not PLATE.search(line)


@pytest.mark.parametrize(("site", "expected"), [("be", ALERTS), ("nl", ALERTS // 2)])
def test_the_terminal_shows_a_control_room_its_own_alerts(
    alerted: World, site: str, expected: int
) -> None:
    """Each site sees the alerts meant for it, as blocks of text or as JSON lines."""
    if site == "nl":
        make_topics(alerted, site)
    command = [sys.executable, "-m", "anpr_engine", "alerts", "tail", "--from-start"]
    place = ["--site", site, "--kafka", alerted.bootstrap, "--count", str(expected)]
    done = subprocess.run(
        [*command, *place], check=True, capture_output=True, text=True, timeout=60
    )
    assert done.stdout.count("plate listed") == expected
    assert "1ABC001" in done.stdout
    as_json = subprocess.run(
        [*command, *place, "--json"], check=True, capture_output=True, timeout=60
    )
    assert len([json.loads(line) for line in as_json.stdout.splitlines()]) == expected


def make_topics(made: World, site: str) -> None:
    """Make the topics of one more site."""
    subprocess.run(
        [sys.executable, "-m", "anpr_engine", "topics", "apply", "--sites", site],
        check=True,
        capture_output=True,
        timeout=60,
        env={"ANPR_KAFKA": made.bootstrap, "PATH": "/usr/bin:/bin"},
    )


def test_no_plate_stands_in_the_log(alerted: World) -> None:
    """The engine's log of the whole run names no plate, listed or read."""
    logs = "".join(path.read_text() for path in alerted.folder.glob("*.log")).upper()
    assert "ENGINE_STOPPED" in logs
    assert "ABC" not in logs
    assert "TTT-" not in logs


def test_too_many_bad_records_stop_the_engine(tmp_path: Path) -> None:
    """When the share of bad records passes the limit the engine stops and saves nothing of it."""
    with world(tmp_path, ["be"]) as made:
        with ReadWriter(made.bootstrap) as writer:
            for number in range(3_000):
                value = read_json("be", number, "1-TTT-001", NOW.isoformat())
                writer.write(SiteTopics("be").reads, b"c", value if number % 2 else b"{")
        engine = made.engine("be", 0)
        engine.start()
        assert engine.process is not None
        process = engine.process
        await_true(lambda: not process.running(), "the engine has stopped")
        assert process.wait(1.0) == 1
        last = engine.log_path.read_text().splitlines()[-1]
    assert "rejects.share_max" in last
    assert "Traceback" not in last
