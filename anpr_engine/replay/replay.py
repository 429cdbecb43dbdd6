"""Replays reads against watchlists: unit by unit to hits, then one output.

No alert, no offset and no record comes of it; what is written is the output alone.
"""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np

from anpr_engine.errors import InputFileError
from anpr_engine.pipeline.core import StepRules
from anpr_engine.records.columns import ReadColumns
from anpr_engine.records.hit import Hit
from anpr_engine.records.rejected_read import RejectReason
from anpr_engine.replay.matching import matched, told_hits
from anpr_engine.replay.parts import Manifest, Parts
from anpr_engine.replay.results import write_lines
from anpr_engine.replay.tally import REJECTS_NAMED_MAX, Tally, digest_of, hit_line
from anpr_engine.replay.units import Lane, Portion, Source, Unit, file_as_it_is
from anpr_engine.replay.work import Board, Done, work_through
from anpr_engine.watchlist.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class ReplayRules:
    """How to match, and which reads count: captured from one time on up to another, or all."""

    step: StepRules
    from_us: int | None = None
    until_us: int | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a replay came to.

    tally: of all units. rejects: the first refused reads, in words. reads_now: in this run.
    units_before: units that were done when this run began.
    """

    tally: Tally
    rejects: list[str]
    reads_now: int
    units_before: int


class Replay:
    """One replay: what is done is in its parts, what is to be done in its manifest."""

    def __init__(
        self,
        source: Source,
        snapshot: Snapshot,
        rules: ReplayRules,
        parts: Parts,
        manifest: Manifest,
    ) -> None:
        """Put it together; nothing is read yet."""
        self._source, self._snapshot, self._rules = source, snapshot, rules
        self._parts, self._manifest = parts, manifest
        self._latest_us = manifest.begun_us + rules.step.future_us_max
        self._kept = parts.kept()
        units = manifest.plan.units
        kept_weight = sum(unit.weight for unit in units if unit.number in self._kept)
        reads = sum(tally.reads for tally in self._kept.values())
        hits = sum(tally.hits for tally in self._kept.values())
        self.before = Done(kept_weight, reads, hits)

    def run(self, workers: int, watch: Callable[[Done], None]) -> Outcome:
        """Work off what is not done, and give what the whole came to; writes no output.

        Args:
            workers: how many at once.
            watch: told some times a second what is done.

        Raises:
            AnprError: input or broker cannot be read; what was done is kept.
            KeyboardInterrupt: likewise.

        """
        units_before = len(self._kept)
        board = Board(Done(self.before.weight, self.before.reads, self.before.hits))
        work_through(self._lanes(), self._work, workers, board, watch)
        total, first = Tally(), Tally()
        rejects: list[str] = []
        name = ""
        for unit in self._manifest.plan.units:
            if unit.name != name:
                name, first = unit.name, Tally()
            tally = self._kept[unit.number]
            rejects += _named(unit, tally, first.reads)
            first.add(tally)
            total.add(tally)
        now = total.reads - self.before.reads
        return Outcome(total, rejects[:REJECTS_NAMED_MAX], now, units_before)

    def write(self, out: str) -> None:
        """Write the output and forget the parts.

        Raises:
            InputFileError: it cannot be written, or the input changed meanwhile.

        """
        for file in self._manifest.identity.files:
            if file_as_it_is(file.path) != file:
                raise InputFileError(
                    f"{file.path} was changed while it was replayed; nothing is written.",
                    "Give --restart once it stays as it is.",
                )
        lines = self._parts.all_lines(self._manifest.plan)
        write_lines(out, lines, self._parts.folder / "output.new")
        self._parts.remove()

    def units_done(self) -> tuple[int, int]:
        """Give how many units are done, and how many there are."""
        return len(self._kept), len(self._manifest.plan.units)

    def _lanes(self) -> list[Lane]:
        lanes = [
            [unit for unit in lane if unit.number not in self._kept]
            for lane in self._manifest.plan.lanes()
        ]
        return [lane for lane in lanes if lane]

    def _work(self, lane: Lane, board: Board) -> None:
        if board.stopped:
            return
        with closing(self._source.portions(lane, lambda: board.stopped)) as portions:
            for unit, group in groupby(portions, key=lambda pair: pair[0]):
                self._work_unit(unit, (portion for _, portion in group), board)

    def _work_unit(self, unit: Unit, portions: Iterator[Portion], board: Board) -> None:
        tally, lines, weight = Tally(), list[bytes](), 0
        for portion in portions:
            if board.stopped:
                return
            reads_before = tally.reads
            found = self._lines(portion, tally)
            lines += found
            weight += portion.weight
            board.moved(portion.weight, tally.reads - reads_before, len(found))
        # A source told to stop ends early, so that this may be half a unit.
        if board.stopped:
            return
        tally.hits, tally.digest = len(lines), digest_of(lines)
        self._parts.keep(unit.number, tally, lines)
        self._kept[unit.number] = tally
        board.moved(unit.weight - weight, 0, 0)

    def _lines(self, portion: Portion, tally: Tally) -> list[bytes]:
        """Match a portion: its hits as lines, by read, then by entry."""
        for lost in portion.damaged:
            where = f"{lost.topic}/{lost.partition}/{lost.offset}"
            detail = f"{lost.detail} up to {lost.offset_end}"
            tally.refuse(tally.reads, where, RejectReason.CORRUPT_BATCH.value, detail)
        if portion.take is None:
            return []
        reads = portion.take(self._latest_us)
        wanted = self._wanted(reads)
        for reject in reads.rejects:
            wanted[reject.row] = True
            where = "" if portion.where is None else portion.where(reads, reject.row)
            tally.refuse(tally.reads + reject.row, where, reject.reason.value, reject.detail)
        tally.reads += len(reads)
        tally.outside += int(np.count_nonzero(~wanted))
        if not wanted.any():
            return []
        hits = matched(reads, self._snapshot, self._rules.step)
        places = np.flatnonzero(wanted[hits.read]).tolist()
        told, _ = told_hits(reads, hits, self._snapshot, places)
        rows = hits.read[places].tolist()
        pairs = sorted(zip(rows, told, strict=True), key=lambda each: (each[0], *_entry(each[1])))
        return [hit_line(hit) for _, hit in pairs]

    def _wanted(self, reads: ReadColumns) -> np.ndarray:
        wanted = np.ones(len(reads), dtype=np.bool_)
        if self._rules.from_us is not None:
            wanted &= reads.captured_at_us >= self._rules.from_us
        if self._rules.until_us is not None:
            wanted &= reads.captured_at_us < self._rules.until_us
        return wanted


def _entry(hit: Hit) -> tuple[str, str]:
    return hit.list_id, hit.entry_id


def _named(unit: Unit, tally: Tally, reads_before: int) -> list[str]:
    return [
        f"{each.where or f'{Path(unit.name).name} read {reads_before + each.row + 1}'}: "
        f"{each.reason} ({each.detail})"
        for each in tally.rejects
    ]
