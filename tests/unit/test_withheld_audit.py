"""What policy keeps back stands in the record, in the same transaction and chain as the rest."""

import json
from datetime import UTC, datetime, timedelta

from clocks import FixedClock
from fakes.memory_stream import MemoryBroker, MemoryReadStream
from oracle_audit import chain_is_sound

from anpr_engine.audit.chain import ChainWriter, start_of
from anpr_engine.metrics.table import Metrics
from anpr_engine.pipeline.ingest import RejectGuard
from anpr_engine.pipeline.report import EngineReport
from anpr_engine.pipeline.run import EnginePorts, EngineRules, SiteEngine
from anpr_engine.ports import BatchLimits
from anpr_engine.records.fields import Action, Category
from anpr_engine.records.watchlist_entry import WatchlistEntry
from anpr_engine.watchlist.snapshot import Snapshot, snapshot_of
from anpr_engine.wire import CROSS_BORDER_TOPIC, SiteTopics

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
NOW_US = int(NOW.timestamp() * 1e6)
TOPICS = SiteTopics("be")
CHAIN = "be/engine-0"
PLATES = {1: "1-ABC-001", 2: "2-XKR-418", 3: "1-TVW-793", 9: "2-GHD-566"}
"""Too far apart for one to be another misread."""


class OldLists:
    """Holds entries of the site's own, and a Dutch list that came too long ago."""

    def __init__(self, snapshot: Snapshot) -> None:
        """Confirm the snapshot now."""
        self.current, self.verified_at_us = snapshot, NOW_US
        self.received_at_us = {"nl": NOW_US - round(6 * 86_400e6)}


def listed(number: int, provider: str | None) -> WatchlistEntry:
    """Make an entry that lacks nothing."""
    return WatchlistEntry(
        entry_id=f"e{number}",
        list_id="nl-list" if provider else "be-list",
        plate=PLATES[number],
        country="BE",
        category=Category.DRUG_SMUGGLING,
        action=Action.INQUIRY_CHECK,
        owner="unit 7",
        case_ref="c-1",
        max_actions=1,
        valid_until=NOW + timedelta(days=9),
        sharing="be,nl",
        provider=provider,
    )


def read(number: int, plate: int) -> bytes:
    """Write one read."""
    stamp = (NOW - timedelta(seconds=2)).isoformat()
    fields = {"read_id": f"r{number}", "camera_id": "c", "captured_at": stamp}
    return json.dumps(fields | {"plate": PLATES[plate], "country": "BE"}).encode()


def worked_on(values: list[bytes], reads_max: int) -> MemoryBroker:
    """Let an engine work reads off, in batches of so many."""
    broker, clock = MemoryBroker(), FixedClock(NOW)
    for topic in (TOPICS.reads, TOPICS.alerts, TOPICS.rejected, TOPICS.audit, CROSS_BORDER_TOPIC):
        broker.add_topic(topic, 1)
    broker.write(TOPICS.reads, 0, values)
    lists = OldLists(snapshot_of([listed(1, None), listed(2, "nl"), listed(3, "nl")]))
    stream = MemoryReadStream(broker, TOPICS.reads, "g", clock)
    chain = ChainWriter(CHAIN, lambda: start_of(CHAIN))
    rules = EngineRules("be", limits=BatchLimits(reads_max=reads_max))
    ports = EnginePorts(stream, lists, clock, audit=chain)
    report = EngineReport(Metrics(), clock)
    SiteEngine(rules, ports, RejectGuard(0.5, 1000), report).run(lambda: False, until_end=True)
    return broker


def audit_of(broker: MemoryBroker) -> list[bytes]:
    """Give the committed audit lines."""
    return [each.value for each in broker.published if each.topic == TOPICS.audit]


def test_a_withheld_hit_is_recorded_by_entry_and_rule() -> None:
    """Read, list, entry and rule are named; the plate is not; the chain goes on over it."""
    broker = worked_on([read(1, 1), read(2, 2), read(3, 9)], 100)
    lines = audit_of(broker)
    assert chain_is_sound(CHAIN, lines)
    assert not any(plate[2:5].encode() in line for line in lines for plate in PLATES.values())
    told = [json.loads(line) for line in lines]
    assert [each["action"] for each in told] == [
        "engine-started",
        "alert-published",
        "hit-withheld",
    ]
    names = ("list_id", "entry_id", "read_id", "reasons", "hits", "actor")
    assert [told[2][name] for name in names] == [
        "nl-list",
        "e2",
        "r2",
        ["art13.14-age"],
        1,
        "engine",
    ]


def test_a_flood_of_withheld_hits_is_one_line_a_batch_and_entry() -> None:
    """A car that stands before a camera fills no record: the line says how many there were."""
    values = [read(number, 2 + number % 2) for number in range(40)]
    told = [json.loads(line) for line in audit_of(worked_on(values, 20))][1:]
    assert [(each["entry_id"], each["hits"]) for each in told] == [
        ("e2", 10),
        ("e3", 10),
        ("e2", 10),
        ("e3", 10),
    ]
    assert [each["read_id"] for each in told] == ["r0", "r1", "r20", "r21"]
    assert len({each["event_id"] for each in told}) == 4


def test_the_same_hits_give_the_same_events() -> None:
    """Worked on again, after a crash, an event keeps its id."""
    first, second = (audit_of(worked_on([read(1, 2)], 5)) for _ in range(2))
    assert first == second
