"""What matching keeps back stands in the record: exact hits by entry, all others by number."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from clocks import FixedClock
from fakes.memory_stream import MemoryBroker, MemoryReadStream

from anpr_engine.metrics.table import Metrics
from anpr_engine.pipeline.core import StepRules
from anpr_engine.pipeline.crew import joined_hits
from anpr_engine.pipeline.ingest import RejectGuard
from anpr_engine.pipeline.match import MatchRules
from anpr_engine.pipeline.passages import PassageRules
from anpr_engine.pipeline.report import EngineReport
from anpr_engine.pipeline.run import EnginePorts, EngineRules, SiteEngine
from anpr_engine.ports import BatchLimits
from anpr_engine.records.columns import DroppedHit, HitColumns
from anpr_engine.records.fields import Category
from anpr_engine.records.watchlist_entry import WatchlistEntry
from anpr_engine.watchlist.snapshot import Snapshot, snapshot_of
from anpr_engine.wire import CROSS_BORDER_TOPIC, SiteTopics

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
NOW_US = int(NOW.timestamp() * 1e6)
TOPICS = SiteTopics("be")
OVER, LISTED, STRANGER = "1-ABC-001", "2-XKR-418", "2-GHD-566"
Lines = list[dict[str, Any]]


class Lists:
    """Holds some entries of the site's own."""

    received_at_us: Mapping[str, int] | None = None
    verified_at_us = NOW_US

    def __init__(self, snapshot: Snapshot) -> None:
        """Begin with these."""
        self.current = snapshot


def listed(entry_id: str, plate: str, *, until: datetime) -> WatchlistEntry:
    """Make an entry."""
    return WatchlistEntry(
        entry_id=entry_id,
        list_id="be-list",
        plate=plate,
        country="BE",
        category=Category.BURGLARY,
        valid_until=until,
    )


ENTRIES = (
    listed("over", OVER, until=NOW - timedelta(days=1)),
    listed("holds", LISTED, until=NOW + timedelta(days=1)),
    listed("gone", "1-AB?-2*", until=NOW - timedelta(days=1)),
)


def read(number: int, plate: str, **fields: object) -> bytes:
    """Write one read."""
    stamp = (NOW - timedelta(seconds=2)).isoformat()
    known = {"read_id": f"r{number}", "camera_id": "c", "captured_at": stamp, "country": "BE"}
    return json.dumps(known | {"plate": plate} | fields).encode()


def worked_on(
    values: Sequence[bytes], rules: StepRules | None = None, reads_max: int = 100
) -> tuple[Lines, Metrics]:
    """Let an engine work reads off; gives the lines on what was withheld, and the metrics."""
    broker, clock, metrics = MemoryBroker(), FixedClock(NOW), Metrics()
    for topic in (TOPICS.reads, TOPICS.alerts, TOPICS.rejected, TOPICS.audit, CROSS_BORDER_TOPIC):
        broker.add_topic(topic, 1)
    broker.write(TOPICS.reads, 0, values)
    stream = MemoryReadStream(broker, TOPICS.reads, "g", clock)
    engine = EngineRules("be", rules or StepRules(), BatchLimits(reads_max=reads_max))
    ports = EnginePorts(stream, Lists(snapshot_of(list(ENTRIES))), clock)
    report = EngineReport(metrics, clock)
    SiteEngine(engine, ports, RejectGuard(0.5, 1000), report).run(lambda: False, until_end=True)
    lines = [json.loads(each.value) for each in broker.published if each.topic == TOPICS.audit]
    return [each for each in lines if each["action"] == "hit-withheld"], metrics


def test_an_exact_hit_on_an_entry_that_is_over_is_recorded() -> None:
    """Read, list, entry and reason are named, no plate; of many in a batch the first is."""
    lines, _ = worked_on([read(0, STRANGER), read(1, OVER), read(2, LISTED), read(3, OVER)])
    names = ("list_id", "entry_id", "read_id", "reasons", "hits")
    assert [[each[name] for name in names] for each in lines] == [
        ["be-list", "over", "r1", ["not-in-force"], 2]
    ]
    assert OVER[2:5] not in json.dumps(lines)


def test_an_exact_text_of_another_country_is_recorded_where_no_misreads_are_looked_for() -> None:
    """With near matching it would be a hit with its probability; without, it is withheld."""
    rules = StepRules(MatchRules(near=False))
    lines, _ = worked_on([read(1, LISTED, country="FR")], rules)
    assert [(each["entry_id"], each["reasons"]) for each in lines] == [("holds", ["other-country"])]


def test_what_is_a_hit_only_perhaps_is_counted_alone() -> None:
    """A pattern that fits, over or too doubtful, leaves a number a batch, and nobody's name."""
    values = [read(number, "1-ABX-200") for number in range(4)]
    lines, _ = worked_on(values, reads_max=2)
    assert [(each["reasons"], each["hits"]) for each in lines] == [(["not-in-force"], 2)] * 2
    assert {each["read_id"] + each["entry_id"] + each["list_id"] for each in lines} == {""}
    assert len({each["event_id"] for each in lines}) == 2


def test_what_hits_nothing_leaves_no_line() -> None:
    """Strangers, and misreads that are too improbable to be looked for."""
    values = [read(number, plate) for number, plate in enumerate((STRANGER, "2-XKB-478"))]
    assert worked_on(values)[0] == []


@pytest.mark.parametrize("reads_max", [1, 3, 100])
def test_the_record_holds_as_many_as_the_metric_counts(reads_max: int) -> None:
    """By reason, whatever kept a hit back, held back within its passage too."""
    values = [read(1, OVER), read(2, LISTED), read(3, LISTED), read(4, "1-ABX-200"), read(5, OVER)]
    rules = StepRules(MatchRules(probability_min=0.05), passages=PassageRules(60_000_000))
    lines, metrics = worked_on(values, rules, reads_max)
    for reason, number in (("not-in-force", 3), ("same-passage", 1)):
        said = sum(each["hits"] for each in lines if each["reasons"] == [reason])
        counted = metrics.value("anpr_hits_withheld_total", reason=reason)
        assert (said, counted) == (number, number)


def test_stretches_of_a_batch_keep_their_rows() -> None:
    """What a second thread dropped is named by its row in the whole batch."""
    none = np.zeros(0, np.int64)
    parts = [
        HitColumns(
            *(none, none, none.astype(bool), none.astype(np.uint8), none.astype(np.uint8)),
            *(none.astype(float), {"not-in-force": 1}, np.zeros(4, np.int64)),
            dropped=[DroppedHit(2, 7, recent=False, reason="not-in-force")],
        )
        for _ in range(2)
    ]
    joined = joined_hits([(0, parts[0]), (10, parts[1])])
    assert [each.read for each in joined.dropped] == [2, 12]
    assert joined.withheld == {"not-in-force": 2}
