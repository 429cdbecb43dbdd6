"""Newline-separated JSON: a record's lines are scanned where they lie."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from anpr_engine.kernels.lines import split_lines
from anpr_engine.pipeline.batches.forms import JSON, LINES
from anpr_engine.pipeline.batches.merge import without_rows
from anpr_engine.pipeline.batches.rows import LineTexts
from anpr_engine.pipeline.crew import ALONE, Crew
from anpr_engine.pipeline.decode import decode_rows
from anpr_engine.ports import RecordValues
from anpr_engine.records.columns import ReadColumns

_BYTES_PER_LINE = 64
"""About the shortest: by this room is made, and workers know how much there is to share."""


def lines_of(
    values: RecordValues, kind: NDArray[np.uint8], reads_max: int, crew: Crew = ALONE
) -> tuple[LineTexts, NDArray[np.int64], NDArray[np.intp]]:
    """Split the records that are of lines; the crew shares them.

    Args:
        values: all records of the batch.
        kind: uint8 (n,), the form of each.
        reads_max: lines that a record may have.
        crew: who shares the work.

    Returns the lines, int64 (n,), how many each record has, and the records with too many lines,
    each of which is one line.
    """
    of_lines = (kind == LINES).astype(np.uint8)
    while True:
        bounds, counts = _split(values, of_lines, crew)
        over = np.flatnonzero(counts > reads_max)
        if not len(over):
            break
        of_lines[over] = 0
    lines = LineTexts(values.buffer, bounds, of_lines != 0, counts)
    return lines, counts, np.flatnonzero((kind == LINES) & (of_lines == 0))


def _split(
    values: RecordValues, of_lines: NDArray[np.uint8], crew: Crew
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    # Where each line begins, and the end of the last; and how many lines each record has.
    first = np.arange(len(values)) + values.bounds[:-1] // _BYTES_PER_LINE
    counts = np.empty(len(values), dtype=np.int64)

    def split(begin: int, end: int) -> NDArray[np.int64]:
        low, high = np.searchsorted(first, (begin, end)).tolist()
        run = values.bounds[low : high + 1], of_lines[low:high]
        room = end - begin + 2
        while True:
            bounds = np.empty(room, dtype=np.int64)
            split_lines(values.buffer, *run, bounds, counts[low:high])
            lines = int(counts[low:high].sum())
            if lines < room:
                return bounds[: lines + 1]
            room = lines + 1

    weight = len(values) + int(values.bounds[-1]) // _BYTES_PER_LINE
    shares = crew.each(weight, split)
    if len(shares) == 1:
        return shares[0], counts
    begins = [share[:-1] for share in shares]
    return np.concatenate([*begins, values.bounds[-1:]]), counts


def text_reads(
    values: RecordValues,
    kind: NDArray[np.uint8],
    reads_max: int,
    latest_us: int,
    crew: Crew = ALONE,
) -> tuple[ReadColumns, NDArray[np.intp]]:
    """Decode the records that are JSON, one read or a line each; the crew shares the lines.

    Returns the reads, and the records with too many lines, which are left out.
    """
    lines, counts, over = lines_of(values, kind, reads_max, crew)
    record = np.repeat(np.arange(len(values)), counts)
    first = np.repeat(np.cumsum(counts) - counts, counts)
    place = np.arange(len(record)) - first
    if np.any(kind == JSON):
        place[kind[record] != LINES] = -1
    taken = (kind == JSON) | (kind == LINES)
    taken[over] = False
    gone = None if taken.all() else ~taken[record]
    part = with_origin(decode_rows(lines, lines, latest_us, gone, crew), record, place)
    return part if gone is None else without_rows(part, gone), over


def with_origin(
    part: ReadColumns, record: NDArray[np.int64], place: NDArray[np.int64]
) -> ReadColumns:
    """Say of each read where it came from."""
    return replace(part, record=record, place=place)
