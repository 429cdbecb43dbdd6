"""Threads that share the rows of a batch out among themselves, and go on together.

Why threads: kernels let go of the interpreter's lock, and the lists are one snapshot in one
memory. Each thread takes one stretch of rows, so that what a batch gives is in the order of its
reads whatever their number.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from typing import TypeVar

import numpy as np

from anpr_engine.ports import StretchTexts
from anpr_engine.records.columns import HitColumns, ReadColumns

WORKERS_MAX = 8
"""More threads find too few rows each in a batch of the usual size."""
ROWS_MIN = 4096
"""A thread is not asked for fewer rows than this: each stretch has a fixed cost of its own."""

R = TypeVar("R")


class Crew:
    """A number of workers, the caller's own thread among them; to be used from one thread."""

    def __init__(self, workers: int = 1) -> None:
        """Start no thread yet.

        Args:
            workers: how many rows may be worked on at the same moment, at least 1.

        """
        self.workers = workers
        others = max(1, workers - 1)
        self._others = ThreadPoolExecutor(others, thread_name_prefix="anpr-crew")

    def each(self, rows: int, work: Callable[[int, int], R]) -> list[R]:
        """Do the work on stretches of rows; all are done when this returns or raises.

        Args:
            rows: how many there are.
            work: takes the first row and the one behind the last; must not write elsewhere.

        Returns what each stretch gave, in order; where rows are few there is one.

        """
        count = max(1, min(self.workers, rows // ROWS_MIN))
        ends = [rows * share // count for share in range(count + 1)]
        others = [
            self._others.submit(work, ends[share], ends[share + 1]) for share in range(1, count)
        ]
        try:
            first = work(0, ends[1])
        finally:
            # Nobody may still be reading a batch that its stream takes back.
            wait(others)
        return [first, *(other.result() for other in others)]


ALONE = Crew()
"""The caller's thread by itself."""


def part_of(reads: ReadColumns, first: int, end: int) -> ReadColumns:
    """Give a stretch of a batch's reads, as views."""
    if first == 0 and end == len(reads):
        return reads
    rows = slice(first, end)
    return replace(
        reads,
        spans=reads.spans[rows],
        captured_at_us=reads.captured_at_us[rows],
        country=reads.country[rows],
        confidence=reads.confidence[rows],
        country_confidence=reads.country_confidence[rows],
        careful={row - first: read for row, read in reads.careful.items() if first <= row < end},
        rejects=[
            reject._replace(row=reject.row - first)
            for reject in reads.rejects
            if first <= reject.row < end
        ],
        values=StretchTexts(reads.values, first, end),
        record=None if reads.record is None else reads.record[rows],
        place=None if reads.place is None else reads.place[rows],
        plates=None if reads.plates is None else reads.plates.at(rows),
    )


def joined_hits(parts: list[tuple[int, HitColumns]]) -> HitColumns:
    """Put the hits of stretches together.

    Args:
        parts: each with the row that its stretch began at, in order.

    """
    if len(parts) == 1:
        return parts[0][1]
    found = [hits for _, hits in parts]
    withheld: dict[str, int] = {}
    for hits in found:
        for reason, count in hits.withheld.items():
            withheld[reason] = withheld.get(reason, 0) + count
    return HitColumns(
        read=np.concatenate([hits.read + first for first, hits in parts]),
        entry=np.concatenate([hits.entry for hits in found]),
        recent=np.concatenate([hits.recent for hits in found]),
        tier=np.concatenate([hits.tier for hits in found]),
        edits=np.concatenate([hits.edits for hits in found]),
        probability=np.concatenate([hits.probability for hits in found]),
        withheld=withheld,
        tally=np.sum([hits.tally for hits in found], axis=0),
        dropped=[
            each._replace(read=first + each.read) for first, hits in parts for each in hits.dropped
        ],
    )
