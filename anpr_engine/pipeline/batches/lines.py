"""Newline-separated JSON: a record's lines are scanned where they lie."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from anpr_engine.kernels.lines import count_lines, split_lines
from anpr_engine.pipeline.batches.forms import JSON, LINES
from anpr_engine.pipeline.batches.merge import without_rows
from anpr_engine.pipeline.batches.rows import LineTexts
from anpr_engine.pipeline.crew import ALONE, Crew
from anpr_engine.pipeline.decode import decode_rows
from anpr_engine.ports import RecordValues
from anpr_engine.records.columns import ReadColumns


def lines_of(
    values: RecordValues, kind: NDArray[np.uint8], reads_max: int
) -> tuple[LineTexts, NDArray[np.int64], NDArray[np.intp]]:
    """Split the records that are of lines.

    Args:
        values: all records of the batch.
        kind: uint8 (n,), the form of each.
        reads_max: lines that a record may have.

    Returns the lines, int64 (lines,), the record of each, and the records with too many lines,
    each of which is one line.
    """
    of_lines = (kind == LINES).astype(np.uint8)
    counts = np.empty(len(values), dtype=np.int64)
    while True:
        count_lines(values.buffer, values.bounds, of_lines, counts)
        bounds = np.empty(int(counts.sum()) + 1, dtype=np.int64)
        split_lines(values.buffer, values.bounds, of_lines, bounds, counts)
        over = np.flatnonzero(counts > reads_max)
        if not len(over):
            break
        of_lines[over] = 0
    record = np.repeat(np.arange(len(values)), counts)
    is_line = of_lines[record] != 0
    lines = LineTexts(values.buffer, bounds[: len(record) + 1], is_line)
    return lines, record, np.flatnonzero((kind == LINES) & (of_lines == 0))


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
    lines, record, over = lines_of(values, kind, reads_max)
    gone = (kind[record] != JSON) & (kind[record] != LINES)
    gone |= np.isin(record, over)
    part = decode_rows(lines, lines, latest_us, gone, crew)
    first = np.searchsorted(record, record)
    place = np.where(kind[record] == LINES, np.arange(len(record)) - first, -1)
    part = with_origin(part, record, place)
    return without_rows(part, gone), over


def with_origin(
    part: ReadColumns, record: NDArray[np.int64], place: NDArray[np.int64]
) -> ReadColumns:
    """Say of each read where it came from."""
    return replace(part, record=record, place=place)
