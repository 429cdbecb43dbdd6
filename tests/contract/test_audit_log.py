"""The audit topic on a real broker: the chain's end, acts of people, and an engine's own lines."""

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from audit_worlds import CHAIN, event, sealed
from click.testing import CliRunner, Result
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from oracle_audit import chain_is_sound
from stream_worlds import ALERTS, MISSING, WAIT_S, KafkaWorld

from anpr_engine.audit.chain import (
    ChainWriter,
    Tip,
    chain_from,
    chain_name,
    chain_start,
    newest_tip,
)
from anpr_engine.cli.audit import command
from anpr_engine.clock import SystemClock
from anpr_engine.kafka.audit_desk import DeskSettings, desk_transactional_id, write_acts
from anpr_engine.kafka.audit_log import LOOK_BACK, committed_lines, newest_lines
from anpr_engine.kafka.history import HistorySettings
from anpr_engine.records.audit_event import AuditAction
from anpr_engine.wire import OutgoingRecord, SiteTopics, json_bytes

if TYPE_CHECKING:
    from servers import Broker

DESK = chain_name("be", "desk")


@pytest.fixture
def world(kafka: "Broker") -> Iterator[KafkaWorld]:
    """Give a topic of the test's own, of one partition."""
    made = KafkaWorld(kafka.bootstrap)
    yield made
    made.tear_down()


def log(world: KafkaWorld) -> HistorySettings:
    """Say where the test's audit topic is."""
    return HistorySettings(world.bootstrap, world.topic(ALERTS))


def lines(world: KafkaWorld, chain: str) -> list[bytes]:
    """Give the committed lines of one chain."""
    found = [value for _, _, value in committed_lines(log(world), lambda: False)]
    return [value for value in found if value.startswith(chain_start(chain))]


def writer(world: KafkaWorld, name: str) -> Producer:
    """Give a transactional producer whose earlier transaction, if any, is settled."""
    made = Producer({"bootstrap.servers": world.bootstrap, "transactional.id": name})
    made.init_transactions(WAIT_S)
    return made


def write(world: KafkaWorld, producer: Producer, values: list[bytes]) -> None:
    """Write values in a transaction that stays open."""
    producer.begin_transaction()
    for value in values:
        producer.produce(world.topic(ALERTS), value, partition=0)
    producer.flush(WAIT_S)


def test_the_newest_line_of_a_chain_is_found_behind_others(world: KafkaWorld) -> None:
    """However many lines of other chains, and aborted ones of its own, lie behind it."""
    mine = sealed([event(n) for n in range(3)])
    producer = writer(world, world.topic("one"))
    for values, kept in ((mine, True), ([b"other"] * (LOOK_BACK * 2), True), (mine, False)):
        write(world, producer, values)
        end = producer.commit_transaction if kept else producer.abort_transaction
        end(WAIT_S)
    assert newest_lines(log(world), chain_start(CHAIN)) == mine[-1:]
    assert newest_lines(log(world), chain_start(DESK)) == []


def test_the_newest_line_is_waited_for(world: KafkaWorld) -> None:
    """A committed line behind another's open transaction is given once that one has ended."""
    mine = sealed([event(n) for n in range(3)])
    other, own = writer(world, world.topic("other")), writer(world, world.topic("own"))
    write(world, other, [b"open"])
    write(world, own, mine)
    own.commit_transaction(WAIT_S)
    begun = threading.Event()

    def find() -> list[bytes]:
        begun.set()
        return newest_lines(log(world), chain_start(CHAIN))

    with ThreadPoolExecutor(1) as pool:
        found = pool.submit(find)
        assert begun.wait(WAIT_S)
        other.commit_transaction(WAIT_S)
        assert found.result(WAIT_S) == mine[-1:]


def act(world: KafkaWorld, number: int) -> None:
    """Write one act of a person."""
    settings = DeskSettings("be", log(world), chain_start(DESK))
    made = event(number, action=AuditAction.AUDIT_READ, actor="auditor.1")
    given = json_bytes(made), (("ce_id", made.event_id.encode()),)
    write_acts(settings, lambda found: chain_from(DESK, found), [given], SystemClock())


def test_acts_of_people_are_one_chain(world: KafkaWorld) -> None:
    """Each one goes behind the one before, and what a crash left open is never seen."""
    act(world, 1)
    crashed = writer(world, desk_transactional_id("be"))
    write(world, crashed, sealed([event(2)]))
    act(world, 3)
    act(world, 4)
    found = lines(world, DESK)
    assert len(found) == 3
    assert chain_is_sound(DESK, found)
    assert lines(world, CHAIN) == []


def test_an_engines_lines_are_one_chain(world: KafkaWorld) -> None:
    """Over commits, a rollback, and a successor that takes the slot over."""

    def recover() -> Tip:
        return newest_tip(CHAIN, newest_lines(log(world), chain_start(CHAIN)))

    number = 0
    for _ in range(2):
        stream = world.open()
        chain = ChainWriter(CHAIN, recover, stream.doubts)
        for topics in ([ALERTS], [ALERTS, MISSING], [ALERTS]):
            number += 1
            (line,) = chain.seal([json_bytes(event(number))])
            outgoing = [OutgoingRecord(world.topic(name), chain.key, line) for name in topics]
            saved = stream.commit(outgoing)
            assert saved is (MISSING not in topics)
            chain.settle(saved=saved)
    found = lines(world, CHAIN)
    assert len(found) == 4
    assert chain_is_sound(CHAIN, found)


READ_SITE = "yy"
"""A site that no other test reads the record of."""


def test_whoever_reads_a_record_is_in_it(kafka: "Broker", tmp_path: Path) -> None:
    """A look and an export are the record's newest acts; what was exported is sound."""
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap})
    for made in admin.create_topics([NewTopic(SiteTopics(READ_SITE).audit, 1, 1)]).values():
        made.result()
    where = ["--site", READ_SITE, "--kafka", kafka.bootstrap]

    def run(*words: str) -> Result:
        done = CliRunner().invoke(command, list(words), env={"ANPR_ACTOR": "auditor.1"})
        assert done.exit_code == 0, done.output
        return done

    run("keys", "new", "--out", f"{tmp_path}/zz.key")
    shown = run("show", *where, "--purpose", "yearly control", "--case", "AUD-7", "--json")
    (line,) = map(json.loads, shown.stdout.splitlines())
    told = [line[name] for name in ("action", "actor", "purpose", "case_ref", "subject")]
    assert told == ["audit-read", "auditor.1", "yearly control", "AUD-7", "show"]
    heads, out, public = (f"{tmp_path}/{name}" for name in ("heads.jsonl", "out", "zz.key.pub"))
    run("heads", "sign", *where, "--key", f"{tmp_path}/zz.key", "--out", heads)
    reason = ["--purpose", "yearly control", "--case", "AUD-7"]
    run("export", *where, *reason, "--out", out, "--heads", heads, "--key", public)
    report = json.loads(run("verify", out, "--site", READ_SITE, "--key", public, "--json").stdout)
    (chain,) = report["chains"]
    assert (chain["chain"], chain["size"], chain["covered"]) == (f"{READ_SITE}/desk", 2, 1)
    run("heads", "sign", *where, "--key", f"{tmp_path}/zz.key", "--out", heads)
    live = run("verify", *where, "--heads", heads, "--key", public, "--json")
    assert json.loads(live.stdout)["chains"][0]["covered"] == 2
