"""Signed and sealed alerts over a real broker, and what a control room's terminal makes of them."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from anpr_engine.audit.alert_guard import AlertSealer, SealRules
from anpr_engine.audit.sealing import OpeningKey
from anpr_engine.audit.signing import SecretKey, write_pair
from anpr_engine.cli.alerts import command
from anpr_engine.config import AlertSettings
from anpr_engine.pipeline.columns import Circumstances
from anpr_engine.pipeline.core import StepRules, step
from anpr_engine.records.alert import Alert
from anpr_engine.records.watchlist_entry import WatchlistEntry
from anpr_engine.watchlist.snapshot import snapshot_of
from anpr_engine.wire import CROSS_BORDER_TOPIC, Header, SiteTopics

if TYPE_CHECKING:
    from servers import Broker

HERE, THERE = "xh", "xt"
"""Sites that no other test follows alerts of."""
WAIT_S = 15.0
OURS, FOREIGN = SecretKey.new(), SecretKey.new()
HOME, AWAY = OpeningKey.new(), OpeningKey.new()


@cache
def alert(number: int) -> Alert:
    """Make an alert for the site abroad by the engine's own way."""
    now = datetime.now(UTC)
    entry = WatchlistEntry(
        entry_id=f"e{number}", list_id="l", plate="1-ABC-123", sharing="be,nl", note="grey box"
    )
    read = (
        b'{"read_id":"r%d","camera_id":"c","captured_at":"2026-01-01T08:59:59Z",'
        b'"plate":"1ABC123"}' % number
    )
    where = Circumstances("be", int(now.timestamp() * 1e6), 120, watchlist_stale=False)
    made = step([read], snapshot_of([entry]), StepRules(), where).alerts[0].alert
    return made.model_copy(update={"site": HERE, "recipients": [HERE, THERE]})


@dataclass
class Room:
    """A control room abroad: its broker, its keys, and the alerts that were sent so far."""

    bootstrap: str
    folder: Path
    sent: int = 0
    producer: Producer = field(init=False)

    def __post_init__(self) -> None:
        """Connect a writer of alerts."""
        self.producer = Producer({"bootstrap.servers": self.bootstrap, "linger.ms": 0})

    def send(self, value: bytes, headers: tuple[Header, ...]) -> None:
        """Put a record on the cross-border topic."""
        self.producer.produce(CROSS_BORDER_TOPIC, value, partition=0, headers=list(headers))
        assert self.producer.flush(WAIT_S) == 0
        self.sent += 1

    def tail(self, *words: str) -> Result:
        """Follow the alerts until all that were sent have been seen."""
        place = ("--site", THERE, "--kafka", self.bootstrap, "--from-start")
        count = ("--count", str(self.sent))
        return CliRunner().invoke(command, ["tail", *place, *count, *words])


@pytest.fixture(scope="module")
def room(kafka: "Broker", tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    """Give a room to which one alert of each sort was sent."""
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap})
    there = admin.list_topics(timeout=WAIT_S).topics
    names = [each for each in (CROSS_BORDER_TOPIC, SiteTopics(THERE).alerts) if each not in there]
    if names:
        for made in admin.create_topics([NewTopic(name, 1, 1) for name in names]).values():
            made.result(WAIT_S)
    made_room = Room(kafka.bootstrap, tmp_path_factory.mktemp("room"))
    write_pair(made_room.folder / "here.key", OURS)
    write_pair(made_room.folder / "seal.key", AWAY)
    rules = SealRules({HERE: HOME.public, THERE: AWAY.public}, AlertSettings().sealed_fields)
    plain, sealed = AlertSealer(OURS), AlertSealer(OURS, rules)
    (good,) = plain.guarded([alert(1)])
    made_room.send(*good)
    made_room.send(*AlertSealer(None).guarded([alert(2)])[0])
    made_room.send(*sealed.guarded([alert(3)])[0])
    made_room.send(good[0].replace(b"1ABC123", b"1ABC128"), good[1])
    made_room.send(*AlertSealer(FOREIGN).guarded([alert(4)])[0])
    made_room.send(*good)
    yield made_room
    made_room.producer.flush(WAIT_S)


def keys(room: Room) -> tuple[str, ...]:
    """Give the option that names the sender's key, for its site alone."""
    return ("--key", f"{HERE}={room.folder}/here.key.pub")


def test_each_alert_is_told_to_be_signed_unsigned_or_forged(room: Room) -> None:
    """In order, with the key or the reason; of a forged one nothing else, and the exit code 1."""
    done = room.tail(*keys(room), "--json")
    told = [json.loads(line) for line in done.stdout.splitlines()]
    found = [(each["proof"]["state"], each["proof"].get("flaw")) for each in told]
    assert found == [
        ("signed", None),
        ("unsigned", None),
        ("signed", None),
        ("forged", "signature"),
        ("forged", "unknown-key"),
        ("forged", "replayed"),
    ]
    assert told[0]["proof"]["key"] == OURS.key_id
    assert told[0]["alert_id"] == alert(1).alert_id
    assert all(each.keys() == {"proof"} for each in told[3:])
    assert told[3]["proof"]["place"].startswith(f"{CROSS_BORDER_TOPIC}/0/")
    assert done.exit_code == 1
    assert "3 alerts or recalls were forged" in done.stderr
    assert "Traceback" not in done.output


def test_a_person_reads_who_vouches_for_an_alert(room: Room) -> None:
    """The block names the key, or says that nobody vouches; a forged one is one line."""
    text = room.tail(*keys(room)).stdout
    assert text.count(f"by key {OURS.key_id}") == 2
    assert text.count("UNSIGNED: nobody vouches for it") == 1
    assert text.count("FORGED") == 3
    assert "1ABC128" not in text
    assert "sealed: only a recipient's --secret opens them" in text


def test_sealed_fields_are_opened_with_the_recipients_key(room: Room) -> None:
    """Without the key they are not there; with it they stand where they belong."""
    closed = [json.loads(line) for line in room.tail("--json").stdout.splitlines()]
    assert "plate" not in closed[2]["read"]
    assert "note" not in closed[2]["entry"]
    secret = ("--secret", f"{room.folder}/seal.key")
    done = room.tail(*keys(room), *secret, "--json")
    opened = json.loads(done.stdout.splitlines()[2])
    assert opened["read"]["plate"] == "1ABC123"
    assert (opened["entry"]["plate"], opened["entry"]["note"]) == ("1-ABC-123", "grey box")
    assert opened["proof"]["state"] == "signed"
    assert "as read: 1ABC123" in room.tail(*secret).stdout


def test_without_keys_an_alert_is_shown_as_it_was_published(room: Room) -> None:
    """Whoever checks nothing sees every record byte for byte, and the exit code 0."""
    done = room.tail("--json")
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    assert len(lines) == room.sent
    assert Alert.model_validate_json(lines[0]) == alert(1)


def test_words_that_do_not_fit_are_refused(room: Room) -> None:
    """An age without a key, a key that is none: named, before anything is read."""
    assert "Give --key too" in str(room.tail("--age-max", "9").exception)
    wrong = room.tail("--key", f"{room.folder}/seal.key.pub")
    assert "holds no Ed25519 public key" in str(wrong.exception)
