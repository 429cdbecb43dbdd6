"""Arrow streams of a batch: those of one schema are joined, and taken as one table.

Why joined: a column costs some microseconds whatever its length, and cameras' networks send
many small streams of one schema.
"""

import numpy as np
from numpy.typing import NDArray

from anpr_engine.pipeline.batches.arrow import ERRORS, opened
from anpr_engine.pipeline.batches.arrow_reads import columns_of
from anpr_engine.pipeline.batches.arrow_stream import Stream, check_stream
from anpr_engine.pipeline.batches.lines import with_origin
from anpr_engine.pipeline.batches.rules import (
    BATCH_BYTES_MAX,
    RecordRefused,
    RecordRules,
    too_large,
    unreadable,
)
from anpr_engine.ports import RecordValues
from anpr_engine.records.columns import ReadColumns, Reject

Opened = tuple[int, Stream]
"""A record's row and its stream."""


def arrow_reads(
    values: RecordValues, rows: NDArray[np.intp], rules: RecordRules, latest_us: int
) -> tuple[list[ReadColumns], list[Reject]]:
    """Decode the records that are Arrow streams.

    Returns the reads by schema, and the records that could not be opened.
    """
    groups: dict[object, list[Opened]] = {}
    rejects: list[Reject] = []
    room = BATCH_BYTES_MAX // 2
    for row in rows.tolist():
        try:
            stream = check_stream(values[row], rules)
            room -= stream.size
            if room < 0:
                raise too_large(rules.unpacked_bytes_max)
        except RecordRefused as refusal:
            rejects.append(Reject(row, refusal.reason, refusal.detail))
            continue
        # Behind another stream it must not find that one's dictionaries instead of its own.
        alike = row if stream.dictionaries is None else (bytes(stream.schema), stream.dictionaries)
        groups.setdefault(alike, []).append((row, stream))
    parts: list[ReadColumns] = []
    for group in groups.values():
        for part in _taken(group, latest_us):
            if isinstance(part, ReadColumns):
                parts.append(part)
            else:
                rejects.append(part)
    return parts, rejects


def _taken(group: list[Opened], latest_us: int) -> list[ReadColumns | Reject]:
    # Together; where that fails, each by itself, so that it is known whose fault it was.
    try:
        table = opened([stream for _, stream in group])
        sizes = [stream.rows for _, stream in group]
        record = np.repeat(np.array([row for row, _ in group], dtype=np.int64), sizes)
        first = np.cumsum([0, *sizes[:-1]])
        place = np.arange(len(record)) - np.repeat(first, sizes)
        return [with_origin(columns_of(table, latest_us), record, place)]
    except RecordRefused as refusal:
        wrong = refusal
    except ERRORS as error:
        wrong = unreadable(f"the Arrow columns cannot be taken: {type(error).__name__}")
    if len(group) == 1:
        return [Reject(group[0][0], wrong.reason, wrong.detail)]
    return [part for each in group for part in _taken([each], latest_us)]
