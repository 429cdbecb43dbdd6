"""Threads that share a batch: each row once, in order, and nothing left running."""

import itertools
import json
import threading
from datetime import UTC, datetime

import numpy as np
import pytest
from test_near_gate import entry, read_value, traffic

from anpr_engine.pipeline import crew as crews
from anpr_engine.pipeline.columns import Circumstances
from anpr_engine.pipeline.core import Looked, StepRules, look
from anpr_engine.pipeline.crew import Crew
from anpr_engine.pipeline.match import MatchRules
from anpr_engine.watchlist.snapshot import Snapshot, snapshot_of

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
HERE = Circumstances("be", int(NOW.timestamp() * 1e6), 0, watchlist_stale=False)
RULES = StepRules(MatchRules(near_probability_min=0.02, traffic_share=0.01))
BAD = b"{no read"
CAREFUL = json.dumps(
    {
        "read_id": "r\\u00e9",
        "camera_id": "c1",
        "captured_at": "2026-11-22T08:59:59Z",
        "plate": "\u0130-ABC-123",
    }
).encode()


@pytest.fixture
def small_stretches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let stretches be as small as a test's batch needs them."""
    monkeypatch.setattr(crews, "ROWS_MIN", 5)


@pytest.mark.parametrize("workers", [1, 2, 3, 8])
@pytest.mark.parametrize("rows", [0, 1, 4, 5, 9, 10, 23, 100])
@pytest.mark.usefixtures("small_stretches")
def test_every_row_is_worked_on_once_and_in_order(workers: int, rows: int) -> None:
    """Stretches follow each other without a gap, and none is smaller than it may be."""
    found = Crew(workers).each(rows, lambda first, end: (first, end))
    assert [row for first, end in found for row in range(first, end)] == list(range(rows))
    assert len(found) <= workers
    assert len(found) == 1 or min(end - first for first, end in found) >= crews.ROWS_MIN


@pytest.mark.usefixtures("small_stretches")
def test_the_callers_thread_works_too() -> None:
    """Two workers are one thread beside the caller's."""
    found = Crew(2).each(10, lambda _first, _end: threading.get_ident())
    assert found[0] == threading.get_ident()
    assert len(set(found)) == 2


@pytest.mark.parametrize("failing", [0, 1, 2])
@pytest.mark.usefixtures("small_stretches")
def test_nothing_runs_on_after_a_failure(failing: int) -> None:
    """Whichever stretch fails, the others have ended when the caller hears of it."""
    ended = []
    others = threading.Barrier(2)

    def work(first: int, _end: int) -> None:
        if first == failing * 5:
            raise ArithmeticError
        others.wait(timeout=10)
        ended.append(first)

    with pytest.raises(ArithmeticError):
        Crew(3).each(15, work)
    assert len(ended) == 2


def _batch() -> tuple[Snapshot, list[bytes]]:
    entries, values = traffic(np.random.default_rng(5), 40)
    # Make and colour are not among a batch's columns: they are looked up in the reads themselves.
    listed = {"vehicle_make": "VOLVO", "vehicle_colour": "red"}
    entries = [each.model_copy(update=listed) for each in entries]
    values = [
        json.dumps(json.loads(value) | {"vehicle": {"make": make}}).encode()
        for value, make in zip(values, itertools.cycle(["Volvo", "Skoda"]), strict=False)
    ]
    entries.append(entry(99, "1-AB?-123", None))
    values[7:7] = [BAD, CAREFUL, read_value("1ABX123", "BE", 0.9)]
    return snapshot_of(entries), [*values, BAD]


def _as_data(looked: Looked) -> dict[str, object]:
    hits, reads = looked.hits, looked.reads
    columns = (hits.read, hits.entry, hits.recent, hits.tier, hits.edits, hits.probability)
    return {
        "hits": [column.tolist() for column in columns],
        "withheld": dict(hits.withheld),
        "tally": hits.tally.tolist(),
        "keys": looked.plates.keys.tolist(),
        "status": looked.plates.status.tolist(),
        "gaps": looked.plates.gaps.tolist(),
        "spans": reads.spans.tolist(),
        "times": reads.captured_at_us.tolist(),
        "careful": sorted(reads.careful),
        "rejects": list(reads.rejects),
        "values": list(reads.values),
    }


@pytest.mark.parametrize("workers", [2, 3, 7])
@pytest.mark.usefixtures("small_stretches")
def test_the_number_of_workers_changes_nothing(workers: int) -> None:
    """Hits, refusals, careful reads and counts are those of one thread, to the bit."""
    snapshot, values = _batch()
    alone = look(values, snapshot, RULES, HERE)
    assert len(alone.hits) > 20
    shared = look(values, snapshot, RULES, HERE, crew=Crew(workers))
    assert _as_data(shared) == _as_data(alone)
