"""Rows of tables written as JSON: those that will be wanted are written many at a time."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from anpr_engine.pipeline.batches import arrow_plain
from anpr_engine.pipeline.batches.arrow_cells import plain_rows
from anpr_engine.pipeline.batches.arrow_schema import PlainSchema
from anpr_engine.pipeline.batches.records_in import Incoming
from anpr_engine.pipeline.batches.rows import WRITTEN_ROWS, ChosenTexts, RowTexts, plan_rows
from anpr_engine.pipeline.columns import Circumstances
from anpr_engine.pipeline.core import StepRules, step
from anpr_engine.ports import RecordValues
from anpr_engine.records.watchlist_entry import WatchlistEntry
from anpr_engine.replay.read_tables import arrow_record
from anpr_engine.watchlist.snapshot import snapshot_of

NOW_US = 1_795_338_000_000_000


class Writer:
    """Writes rows, and keeps which were asked for together."""

    def __init__(self) -> None:
        """Nothing was asked for yet."""
        self.asked: list[list[int]] = []

    def write(self, rows: list[int]) -> list[bytes]:
        """Write some rows."""
        self.asked.append(rows)
        return [b"%d" % row for row in rows]


def all_of(texts: Sequence[bytes], rows: list[int]) -> list[bytes]:
    """Ask for rows one by one, as deciding does."""
    plan_rows(texts, rows)
    return [texts[row] for row in rows]


def test_planned_rows_are_written_together() -> None:
    """Each once, in groups; a row that was not planned comes alone."""
    writer, rows = Writer(), list(range(0, 2000, 3))
    texts = RowTexts(2000, writer.write)
    assert all_of(texts, rows) == [b"%d" % row for row in rows]
    assert len(writer.asked) == -(-len(rows) // WRITTEN_ROWS)
    assert texts[1] == b"1"
    assert writer.asked[-1] == [1]


def test_a_plan_reaches_the_parts_of_a_batch() -> None:
    """Also where a batch is of several forms, chosen anew."""
    writer = Writer()
    lines = [b"x", b"y"]
    part, row = np.array([0, 1, 1, 0, 1]), np.array([0, 5, 3, 1, 9])
    batch = ChosenTexts([lines, RowTexts(10, writer.write)], part, row)
    stretch = ChosenTexts([batch], np.zeros(4, dtype=np.int64), np.arange(1, 5))
    assert all_of(stretch, [0, 1, 2, 3]) == [b"5", b"3", b"y", b"9"]
    assert writer.asked == [[5, 3, 9]]


def test_the_reads_of_hits_are_written_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch is asked once for the rows of all its hits, not once a hit."""
    asked: list[list[int]] = []

    def seen(
        values: RecordValues,
        schema: PlainSchema,
        frames: Any,  # noqa: ANN401 - handed on
        rows: list[int],
    ) -> list[bytes]:
        asked.append(rows)
        return plain_rows(values, schema, frames, rows)

    monkeypatch.setattr(arrow_plain, "plain_rows", seen)
    read = (
        b'{"read_id":"%d","camera_id":"c","captured_at":"2026-11-22T08:59:59Z","plate":"1ABC%03d"}'
    )
    record = arrow_record([read % (number, number) for number in range(40)])
    entries = [
        WatchlistEntry(entry_id=f"e{number}", list_id="l", plate=f"1-ABC-{number:03d}")
        for number in range(40)
    ]
    values = Incoming([record], {0: (("content-type", b"application/vnd.apache.arrow.stream"),)})
    here = Circumstances("be", NOW_US, 0, watchlist_stale=False)
    found = step(values, snapshot_of(entries), StepRules(), here)
    assert [each.alert.read.read_id for each in found.alerts] == [str(n) for n in range(40)]
    assert asked == [list(range(40))]
