"""The chain that the engine writes: sealed lines, what a rollback leaves, what a doubt asks."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import pytest
from audit_worlds import CHAIN, event, sealed
from fakes.memory_stream import MemoryBroker
from jsonschema import Draft202012Validator
from oracle_audit import chain_is_sound
from test_run import TOPICS, Overlapping, Site, read

from anpr_engine.audit.chain import (
    TAIL_BYTES,
    ChainWriter,
    Tip,
    chain_name,
    chain_start,
    link_of,
    newest_tip,
    seal,
    start_of,
)
from anpr_engine.metrics.table import Metrics
from anpr_engine.pipeline.ingest import RejectGuard
from anpr_engine.pipeline.report import EngineReport
from anpr_engine.pipeline.run import EnginePorts, EngineRules, SiteEngine
from anpr_engine.ports import AuditChain, BatchLimits, ReadStream
from anpr_engine.records.audit_event import AuditEvent
from anpr_engine.wire import json_bytes

SCHEMA = Path(__file__).parents[2] / "schemas" / "audit_event.v1.json"


def test_a_line_is_checked_by_its_own_bytes() -> None:
    """Its hash is that of its bytes before the last 75; no encoder is needed."""
    line, tip = seal(start_of(CHAIN), json_bytes(event(1)))
    assert line[-TAIL_BYTES:].startswith(b',"hash":"')
    assert hashlib.sha256(line[:-TAIL_BYTES]).hexdigest() == json.loads(line)["hash"] == tip.last
    assert link_of(line) == (CHAIN, 0, start_of(CHAIN).last, tip.last, tip.last)


def test_a_sealed_line_is_still_an_audit_event() -> None:
    """Schema and model take it, and what the event said is all there."""
    given = event(1, purpose="stolen", case_ref="EX-1", recipients=["nl"])
    line, _ = seal(start_of(CHAIN), json_bytes(given))
    Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8"))).validate(json.loads(line))
    again = AuditEvent.model_validate_json(line)
    assert (again.chain, again.sequence) == (CHAIN, 0)
    chained = {"chain", "sequence", "previous", "hash"}
    assert again.model_dump(exclude=chained) == given.model_dump(exclude=chained)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{}",
        json_bytes(event(1)),
        sealed([event(1)])[0][:-1],
        sealed([event(1)])[0] + b" ",
        sealed([event(1)])[0].replace(b'"sequence":0', b'"sequence":00'),
        sealed([event(1)])[0].replace(b"be/engine-0", b"BE/engine-0"),
        b"\xff" * 400,
    ],
)
def test_what_is_no_line_is_not_read(line: bytes) -> None:
    """Anything but the exact form belongs to no chain."""
    assert link_of(line) is None


@pytest.mark.parametrize("writer", ["", "Engine", 'a"b', "a" * 41, "a/b", "é"])
def test_a_chain_is_named_plainly(writer: str) -> None:
    """A name that would have to be escaped in JSON is refused."""
    with pytest.raises(ValueError, match="names no chain"):
        chain_name("be", writer)


def test_the_newest_line_tells_the_tip() -> None:
    """Of several partitions the largest number counts; other chains' lines do not."""
    lines = sealed([event(n) for n in range(5)])
    other = seal(start_of("be/desk"), json_bytes(event(9)))[0]
    assert newest_tip(CHAIN, [lines[1], lines[4], other]).size == 5
    assert newest_tip(CHAIN, [other, b"no line"]) == start_of(CHAIN)
    assert lines[0].startswith(chain_start(CHAIN))


def test_what_was_rolled_back_is_sealed_anew() -> None:
    """The same number and link are given again after a rollback, the next ones after a commit."""
    writer = ChainWriter(CHAIN, lambda: start_of(CHAIN))
    lost = writer.seal([json_bytes(event(1))])
    writer.settle(saved=False)
    kept = writer.seal([json_bytes(event(1)), json_bytes(event(2))])
    assert kept[0] == lost[0]
    writer.settle(saved=True)
    writer.settle(saved=True)
    kept += writer.seal([json_bytes(event(3))])
    assert chain_is_sound(CHAIN, kept)


def test_a_doubt_is_settled_by_the_log() -> None:
    """When nobody knows what became of a transaction, the log is read again, and only then."""
    log, doubts, asked = list[bytes](), [0], list[int]()

    def recover() -> Tip:
        asked.append(len(log))
        return newest_tip(CHAIN, log[-1:])

    writer = ChainWriter(CHAIN, recover, lambda: doubts[0])
    for number, (kept, told) in enumerate([(True, True), (True, False), (False, True)]):
        lines = writer.seal([json_bytes(event(number))])
        log += lines if kept else []
        doubts[0] += kept is not told
        writer.settle(saved=told)
    log += writer.seal([json_bytes(event(9))])
    assert asked == [0, 2, 2]
    assert chain_is_sound(CHAIN, log)
    assert len(log) == 3


def chain_of(broker: MemoryBroker) -> ChainWriter:
    """Give the engine's chain on a broker in memory."""

    def recover() -> Tip:
        return newest_tip(CHAIN, audit_lines(broker)[-1:])

    return ChainWriter(CHAIN, recover)


def audit_lines(broker: MemoryBroker) -> list[bytes]:
    """Give the committed audit lines."""
    return [each.value for each in broker.published if each.topic == TOPICS.audit]


def engine(site: Site, stream: ReadStream, chain: AuditChain) -> SiteEngine:
    """Give an engine that chains its audit lines; two reads a batch."""
    ports = EnginePorts(stream, site.lists, site.clock, audit=chain)
    rules = EngineRules("be", limits=BatchLimits(reads_max=2))
    return SiteEngine(rules, ports, RejectGuard(0.5, 1000), EngineReport(Metrics(), site.clock))


@pytest.mark.parametrize("refused", [set[int](), {1}, {2, 4}, {1, 2, 3, 5, 6}])
def test_the_engines_lines_are_one_chain(refused: Sequence[int]) -> None:
    """Whatever commits are rolled back, the committed audit lines are one sound chain."""
    site = Site([read(n) for n in range(9)])
    stream = cast("ReadStream", Overlapping(site.stream, set(refused)))
    engine(site, stream, chain_of(site.broker)).run(lambda: False, until_end=True)
    lines = audit_lines(site.broker)
    actions = [json.loads(line)["action"] for line in lines]
    assert actions[0] == "engine-started"
    alerts = [each for each in site.broker.published if "alerts" in each.topic]
    assert len(lines) == len(alerts) + 1
    assert chain_is_sound(CHAIN, lines)


def test_the_next_engine_goes_on_with_the_chain() -> None:
    """A second start begins behind the last line of the first; keys keep them in one partition."""
    site = Site([read(n) for n in range(3)])
    for _ in range(2):
        engine(site, site.stream, chain_of(site.broker)).run(lambda: False, until_end=True)
    lines = audit_lines(site.broker)
    assert [json.loads(line)["action"] for line in lines].count("engine-started") == 2
    assert chain_is_sound(CHAIN, lines)
    keys = {each.key for each in site.broker.published if each.topic == TOPICS.audit}
    assert keys == {CHAIN.encode()}
