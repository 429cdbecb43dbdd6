"""Whoever holds an alert hears within a second that its entry was withdrawn or corrected."""

import json
import os
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from sites import Engine, World, alert_topics, await_true, read_json, world

from anpr_engine.audit.check_alerts import AlertChecker, PinnedKey
from anpr_engine.audit.signing import SecretKey, write_pair
from anpr_engine.kafka.client_settings import NO_SECURITY
from anpr_engine.kafka.tail import Follower, TailedRecord
from anpr_engine.kafka.writer import ReadWriter
from anpr_engine.processes import ChildProcess
from anpr_engine.records.recall import Recall
from anpr_engine.records.watchlist_entry import WatchlistEntry
from anpr_engine.watchlist.redis_client import RedisSession
from anpr_engine.watchlist.redis_reader import StoreReader
from anpr_engine.wire import CROSS_BORDER_RECALLS, SiteTopics

OPEN = 200
KEY = SecretKey.new()
RECALLED_S_MAX = 10.0
NAMES = SiteTopics("be")
RECALL_TOPICS = [NAMES.recalls, CROSS_BORDER_RECALLS]
SCHEMAS = Path(__file__).parents[2] / "schemas"


def entry(number: int, **more: str) -> WatchlistEntry:
    """Make an entry; every second one is shared with the other site."""
    given = {
        "entry_id": f"e{number}",
        "list_id": "be-list",
        "plate": f"1-RCL-{number:03d}",
        "country": "BE",
        "sharing": "be,nl" if number % 2 else "own",
    }
    return WatchlistEntry.model_validate(given | more)


class Seen:
    """What a committed reader of some topics saw, and when."""

    def __init__(self) -> None:
        """Start with nothing."""
        self.records: list[tuple[float, TailedRecord]] = []

    def values(self) -> list[dict[str, Any]]:
        """Give the records' content, in order of coming."""
        return [json.loads(record.value) for _, record in list(self.records)]

    def alerts(self) -> set[str]:
        """Name the alerts that were recalled."""
        return {name for value in self.values() for name in value["alerts"]}


@contextmanager
def following(made: World, topics: Sequence[str]) -> Iterator[Seen]:
    """Follow topics in a thread for the length of a block."""
    seen, stop = Seen(), threading.Event()
    follower = Follower(made.bootstrap, NO_SECURITY, topics)

    def follow() -> None:
        for record in follower.records(stop.is_set):
            seen.records.append((time.time(), record))

    thread = threading.Thread(target=follow, daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        stop.set()
        thread.join()


def anpr(made: World, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the site's people."""
    place = ("--site", "be", "--redis", made.redis["be"].url)
    command = [sys.executable, "-m", "anpr_engine", *arguments, *place]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)


def alerted(made: World, entries: Sequence[WatchlistEntry], first: int = 0) -> dict[str, str]:
    """Let a camera see the listed plates; give alert ids by entry once all are there."""
    with ReadWriter(made.bootstrap) as writer:
        for number, each in enumerate(entries, start=first):
            value = read_json("be", number, each.plate, datetime.now(UTC).isoformat())
            writer.write(NAMES.reads, b"c", value)
    wanted = {each.entry_id for each in entries}
    found = map(json.loads, (r.value for r in made.committed(alert_topics(["be"]), len(wanted))))
    return {each["entry"]["entry_id"]: each["alert_id"] for each in found}


def started(made: World) -> Engine:
    """Start an engine that signs, and knows which alerts are open."""
    secret = made.folder / "be.key"
    if not secret.exists():
        write_pair(secret, KEY)
    engine = made.engine("be", ANPR_ALERTS__SIGNING_KEY=str(secret))
    engine.start()
    await_true(engine.ready, "engine ready")
    await_true(lambda: "open_alerts_known" in engine.log_path.read_text(), "open alerts known")
    return engine


@pytest.fixture
def made(tmp_path: Path) -> Iterator[World]:
    """Give a site without an engine."""
    with world(tmp_path, ["be"]) as given:
        yield given


def withdrawn_in_time(made: World, seen: Seen, ids: set[str]) -> list[float]:
    """Withdraw the list; give how long each recall took from its commit in Redis, in seconds."""
    anpr(made, "watchlist", "withdraw", "--list", "be-list", "--by", "anna", "--reason", "test")
    await_true(lambda: ids <= seen.alerts(), "all alerts are recalled", RECALLED_S_MAX)
    with RedisSession(made.redis["be"].url) as session:
        manifest = StoreReader(session).manifest()
    assert manifest is not None
    return sorted(at_s - manifest.changed_at_us / 1e6 for at_s, _ in seen.records)


def test_a_withdrawn_list_recalls_every_open_alert(
    made: World, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each alert once, valid by the schema, recorded, to those who had it, after a restart too."""
    entries = [entry(number) for number in range(OPEN)]
    made.load("be", entries)
    engine = started(made)
    alerts = alerted(made, entries)
    assert engine.stop() == 0
    engine.log_path.write_text("")
    engine = started(made)
    with following(made, RECALL_TOPICS) as seen:
        took_s = withdrawn_in_time(made, seen, set(alerts.values()))
        p99_s = took_s[int(len(took_s) * 0.99)]
        told = f"recalled: p50 {statistics.median(took_s):.3f} s, p99 {p99_s:.3f} s"
        with capsys.disabled():
            sys.stdout.write(f"\n{told}\n")
        assert engine.stop() == 0
    check = jsonschema.Draft202012Validator(json.loads((SCHEMAS / "recall.v1.json").read_text()))
    checker = AlertChecker("be", {KEY.key_id: PinnedKey(KEY.public, "be")})
    assert len(seen.records) == OPEN
    for _, record in seen.records:
        recall = json.loads(record.value)
        check.validate(recall)
        about = Recall.model_validate(recall)
        proof = checker.check_recall(about, record.value, record.headers, time.time())
        assert (proof.state, proof.flaw) == ("signed", None)
        assert record.key.decode() == f"be-list/{recall['entry_id']}"
        assert dict(record.headers)["ce_type"] == b"eu.anpr.recall.v1"
        assert recall["alerts"] == [alerts[recall["entry_id"]]]
        assert recall["reason"] == "withdrawn"
        abroad = record.topic == CROSS_BORDER_RECALLS
        assert recall["recipients"] == (["be", "nl"] if abroad else ["be"])
    lines = [json.loads(r.value) for r in made.committed([NAMES.audit], 2 * OPEN)]
    noted = [line["alert_id"] for line in lines if line["action"] == "alert-recalled"]
    assert sorted(noted) == sorted(alerts.values())


def test_only_what_was_alerted_counts(made: World) -> None:
    """Another plate is a correction; a note is nothing; less sharing is told those who lose it."""
    entries = [entry(number) for number in range(5)]
    made.load("be", entries)
    engine = started(made)
    alerts = alerted(made, entries)
    with following(made, RECALL_TOPICS) as seen:
        made.load("be", [entry(0, note="seen in town")])
        made.load("be", [entry(1, plate="1-XXX-999")])
        made.load("be", [entry(2, country="NL")])
        made.load("be", [entry(3, sharing="own")])
        await_true(lambda: len(seen.records) >= 3, "three recalls", RECALLED_S_MAX)
        made.load("be", [entry(4, valid_until="2026-01-01T00:00:00Z")])
        await_true(lambda: len(seen.records) >= 4, "the last recall", RECALLED_S_MAX)
        assert engine.stop() == 0
    told = {str(each["entry_id"]): each for each in seen.values()}
    assert told.keys() == {"e1", "e2", "e3", "e4"}
    reasons = {name: each["reason"] for name, each in told.items()}
    assert reasons == {"e1": "corrected", "e2": "corrected", "e3": "withdrawn", "e4": "withdrawn"}
    assert told["e3"]["recipients"] == ["nl"]
    assert told["e1"]["alerts"] == [alerts["e1"]]


def test_what_changes_while_no_engine_runs_is_recalled_at_the_start(made: World) -> None:
    """The next engine compares the open alerts with the lists as they are, and recalls once."""
    entries = [entry(number) for number in range(4)]
    made.load("be", entries)
    engine = started(made)
    alerts = alerted(made, entries)
    assert engine.stop() == 0
    anpr(made, "watchlist", "remove", "--list", "be-list", "--entry", "e0")
    made.load("be", [entry(1, plate="1-XXX-999"), entry(2, note="seen in town")])
    with following(made, RECALL_TOPICS) as seen:
        for _ in range(2):
            engine.log_path.write_text("")
            engine = started(made)
            await_true(lambda: len(seen.records) >= 2, "two recalls", RECALLED_S_MAX)
            assert engine.stop() == 0
    assert len(seen.records) == 2
    assert seen.alerts() == {alerts["e0"], alerts["e1"]}
    assert {str(each["reason"]) for each in seen.values()} == {"not-as-alerted"}


def test_a_control_room_answers_each_recall_once(made: World) -> None:
    """The terminal shows alert and recall, and writes one receipt however often it is begun."""
    entries = [entry(number) for number in range(3)]
    made.load("be", entries)
    engine = started(made)
    alerts = alerted(made, entries)
    with following(made, RECALL_TOPICS) as recalls, following(made, [NAMES.feedback]) as seen:
        anpr(made, "watchlist", "remove", "--list", "be-list", "--entry", "e1")
        await_true(lambda: len(recalls.records) == 1, "one recall", RECALLED_S_MAX)
        for name in ("first", "second"):
            log = made.folder / f"{name}.log"
            place = ("--site", "be", "--kafka", made.bootstrap, "--from-start", "--receipts")
            command = [sys.executable, "-m", "anpr_engine", "alerts", "tail", *place]
            room = ChildProcess(command, log_path=log)
            await_true(partial(whole, log, len(alerts)), "alerts and recall are shown")
            os.kill(room.pid, signal.SIGTERM)
            assert room.wait(10.0) == 0
        await_true(lambda: len(seen.records) == 1, "the receipt")
        assert engine.stop() == 0
    (receipt,) = seen.values()
    assert receipt["alerts_recalled"] == [alerts["e1"]]
    assert receipt["cause_id"] == recalls.values()[0]["recall_id"]


def whole(log: Path, alerts: int) -> bool:
    """Say whether a terminal has shown so many alerts and a recall."""
    text = log.read_text() if log.exists() else ""
    return text.count("plate listed") == alerts and "do NOT act on these alerts" in text
