"""Kernel cost a read, beside what a Python program would use instead."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
import orjson
from numpy.typing import NDArray
from rbloom import Bloom

from anpr_engine.kernels.bloom import filter_add, filter_rows, filter_words
from anpr_engine.kernels.json_scan import DECODED, ROW_WORDS, scan_reads
from anpr_engine.kernels.json_values import NUMBERS, SPAN_PLATE, SPANS
from anpr_engine.kernels.plate_text import plate_keys
from anpr_engine.kernels.table import FOUND, find_listed, table_build, table_slots
from benchmarks import workloads
from benchmarks.definitions import Size
from benchmarks.lab import Lab, expect
from benchmarks.measure import Outcome, rounds

BATCH_READS = 65_536
BLOCK_READS = 2_048
"""As many reads as a core's own cache holds; what batches of that size would cost."""
CHARACTERS_MIN = 4
FALSE_SHARE = 0.001
"""What rbloom is sized for; our filter's own is about the same at 16 bits a key."""
NS = 1e9

Batch = TypeVar("Batch")
Prepared = TypeVar("Prepared")


@dataclass(frozen=True, slots=True)
class _Batch:
    """One batch's inputs, and room for every kernel's outputs."""

    buffer: NDArray[np.uint8]
    bounds: NDArray[np.int64]
    spans: NDArray[np.int32]
    numbers: NDArray[np.int64]
    scanned: NDArray[np.uint8]
    plates: NDArray[np.int32]
    keys: NDArray[np.uint64]
    status: NDArray[np.uint8]


def keys_of(plates: list[str]) -> NDArray[np.uint64]:
    """Give the keys of plates, by the kernel itself: uint64 (n,)."""
    raw = [plate.encode() for plate in plates]
    spans = np.zeros((len(raw), 2), dtype=np.int32)
    spans[:, 1] = np.fromiter(map(len, raw), np.int32, len(raw))
    np.cumsum(spans[:-1, 1], out=spans[1:, 0])
    keys, status = np.zeros(len(raw), dtype=np.uint64), np.zeros(len(raw), dtype=np.uint8)
    buffer = np.frombuffer(b"".join(raw), dtype=np.uint8)
    plate_keys(buffer, spans, CHARACTERS_MIN, keys, status)
    return keys


class Kernels:
    """The kernels over a watchlist; each takes one batch."""

    def __init__(self, listed: list[str]) -> None:
        """Build filter and table."""
        self._keys = np.sort(keys_of(listed))
        self._words = filter_words(len(self._keys))
        filter_add(self._keys, self._words)
        self._slots = table_slots(len(self._keys))
        table_build(self._keys, self._slots)
        self._found = np.empty((2, BATCH_READS), dtype=np.int64)
        self._tally = np.zeros(4, dtype=np.int64)
        self._row = np.empty(ROW_WORDS, dtype=np.int64)

    def scan(self, batch: _Batch) -> int:
        """Scan the JSON; give how many reads were decoded."""
        outputs = (batch.spans, batch.numbers, batch.scanned, self._row)
        scan_reads(batch.buffer, batch.bounds, *outputs)
        return int(np.count_nonzero(batch.scanned == DECODED))

    def scanned(self, batch: _Batch) -> _Batch:
        """Give the batch as the engine's next stage meets it: just scanned."""
        self.scan(batch)
        batch.plates[:] = batch.spans[:, SPAN_PLATE]
        return batch

    def keyed(self, batch: _Batch) -> _Batch:
        """Give the batch as the table meets it: just normalised."""
        self.normalise(self.scanned(batch))
        return batch

    def normalise(self, batch: _Batch) -> int:
        """Turn the plates into keys; give how many can match."""
        plate_keys(batch.buffer, batch.plates, CHARACTERS_MIN, batch.keys, batch.status)
        return int(np.count_nonzero(batch.keys))

    def filter(self, batch: _Batch) -> int:
        """Ask the filter alone; give its `maybe`s."""
        maybe = np.empty(len(batch.keys) + 1, dtype=np.int64)
        filter_rows(batch.keys, self._words, maybe)
        return int(maybe[0])

    def find(self, batch: _Batch) -> int:
        """Ask filter and table; give how many reads are listed."""
        arrays = (self._words, self._slots, self._keys, self._found, self._tally)
        find_listed(batch.keys, *arrays)
        return int(self._tally[FOUND])

    def match(self, batch: _Batch) -> int:
        """Normalise and find; give how many reads are listed."""
        plate_keys(batch.buffer, batch.plates, CHARACTERS_MIN, batch.keys, batch.status)
        return self.find(batch)


def _column(plates: list[str]) -> _Batch:
    """Lay plates one after another, as a Parquet column has them, without any JSON between."""
    column = _batch([plate.encode() for plate in plates])
    column.plates[:, 0] = column.bounds[:-1]
    column.plates[:, 1] = np.diff(column.bounds)
    return column


def _batch(values: list[bytes]) -> _Batch:
    count = len(values)
    bounds = np.zeros(count + 1, dtype=np.int64)
    np.cumsum(np.fromiter(map(len, values), np.int64, count), out=bounds[1:])
    return _Batch(
        buffer=np.frombuffer(b"".join(values), dtype=np.uint8),
        bounds=bounds,
        spans=np.zeros((count, SPANS, 2), dtype=np.int32),
        numbers=np.zeros((count, NUMBERS), dtype=np.int64),
        scanned=np.zeros(count, dtype=np.uint8),
        plates=np.zeros((count, 2), dtype=np.int32),
        keys=np.zeros(count, dtype=np.uint64),
        status=np.zeros(count, dtype=np.uint8),
    )


class Peers:
    """The same work with a Python set, with rbloom and with orjson."""

    def __init__(self, listed: list[str]) -> None:
        """Build set and filter."""
        self._listed = {workloads.canonical(plate) for plate in listed}
        self._bloom = Bloom(len(listed), FALSE_SHARE)
        self._bloom.update(self._listed)

    def raw(self, values: list[bytes]) -> list[str]:
        """Give the plates as read."""
        return [orjson.loads(value)["plate"] for value in values]

    def plates(self, values: list[bytes]) -> list[str]:
        """Give the plates normalised."""
        return [workloads.canonical(plate) for plate in self.raw(values)]

    def set(self, plates: list[str]) -> int:
        """Look up normalised plates in the set."""
        listed = self._listed
        return sum(plate in listed for plate in plates)

    def normalise_set(self, raw: list[str]) -> int:
        """Normalise as shortly as Python can, and look up."""
        listed = self._listed
        return sum(plate.upper().replace("-", "") in listed for plate in raw)

    def rbloom(self, plates: list[str]) -> int:
        """Ask rbloom for normalised plates."""
        bloom = self._bloom
        return sum(plate in bloom for plate in plates)

    def orjson(self, values: list[bytes]) -> int:
        """Parse the reads."""
        return sum("plate" in orjson.loads(value) for value in values)


@dataclass(slots=True)
class Contender(Generic[Batch, Prepared]):
    """Work on batches, each prepared just before so that it is as fresh as in the engine.

    prepare: not timed; work: timed; total: what work gave, summed over one call's batches.
    """

    batches: list[Batch]
    prepare: Callable[[Batch], Prepared]
    work: Callable[[Prepared], int]
    total: int = 0

    def __call__(self) -> float:
        """Work on all batches; give the processor seconds of the work alone."""
        seconds, self.total = 0.0, 0
        for batch in self.batches:
            prepared = self.prepare(batch)
            started_s = time.thread_time()
            self.total += self.work(prepared)
            seconds += time.thread_time() - started_s
        return seconds


def contenders(values: list[bytes], listed: list[str]) -> dict[str, Contender[Any, Any]]:
    """Lay out everything that is measured."""
    ours, peers = Kernels(listed), Peers(listed)
    parts = [values[at : at + BATCH_READS] for at in range(0, len(values), BATCH_READS)]
    batches = [_batch(part) for part in parts]
    blocks = [_batch(values[at : at + BLOCK_READS]) for at in range(0, len(values), BLOCK_READS)]
    return {
        "match_column": Contender([_column(peers.raw(values))], _as_is, ours.match),
        "match": Contender(batches, ours.scanned, ours.match),
        "match_block": Contender(blocks, ours.scanned, ours.match),
        "normalise_set": Contender(parts, peers.raw, peers.normalise_set),
        "normalise": Contender(batches, ours.scanned, ours.normalise),
        "filter": Contender(batches, ours.keyed, ours.filter),
        "rbloom": Contender(parts, peers.plates, peers.rbloom),
        "filter_table": Contender(batches, ours.keyed, ours.find),
        "set": Contender(parts, peers.plates, peers.set),
        "json_scan": Contender(batches, _as_is, ours.scan),
        "orjson": Contender(parts, _as_is, peers.orjson),
    }


def _as_is(batch: Batch) -> Batch:
    return batch


def run(_lab: Lab, size: Size, repeats: int) -> Outcome:
    """Measure the kernels; a wrong answer ends the run and its times with it."""
    plan = workloads.ReadPlan(size["reads"], size["entries"], size["one_in"])
    field = contenders(workloads.reads(plan), workloads.plates(0, plan.entries))
    hits = workloads.listed_count(plan)
    finders = ("match_column", "match", "match_block", "normalise_set", "filter_table", "set")
    expected = dict.fromkeys(finders, hits)
    expected |= dict.fromkeys(("normalise", "json_scan", "orjson"), plan.reads)
    taken = rounds(field, repeats)
    for name, total in expected.items():
        expect(f"answer of {name}", field[name].total, total)
    for name in ("filter", "rbloom"):
        expect(f"listed reads that {name} misses", max(0, hits - field[name].total), 0)
    figures = {name: [s / plan.reads * NS for s in each] for name, each in taken.items()}
    return Outcome(figures, digests(plan))


def digests(plan: workloads.ReadPlan) -> dict[str, str]:
    """Name the workload of a plan."""
    return {
        "entries": workloads.entries_digest(plan.entries),
        "reads": workloads.reads_digest(plan),
    }
