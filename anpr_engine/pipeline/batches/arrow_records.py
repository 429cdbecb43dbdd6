"""Arrow streams of a batch: the plain ones by a kernel, others of one schema as one table.

Why those are joined: a column costs some microseconds whatever its length, and cameras' networks
send many small streams of one schema. A crew shares them: each worker joins and takes a run.
"""

from itertools import chain

import numpy as np
from numpy.typing import NDArray

from anpr_engine.pipeline.batches.arrow import ERRORS, opened
from anpr_engine.pipeline.batches.arrow_columns import Gathered
from anpr_engine.pipeline.batches.arrow_plain import plain_reads
from anpr_engine.pipeline.batches.arrow_reads import decided, gather
from anpr_engine.pipeline.batches.arrow_stream import Stream, check_stream
from anpr_engine.pipeline.batches.lines import with_origin
from anpr_engine.pipeline.batches.rows import in_a_row
from anpr_engine.pipeline.batches.rules import (
    BATCH_BYTES_MAX,
    RecordRefused,
    RecordRules,
    too_large,
    unreadable,
)
from anpr_engine.pipeline.crew import ALONE, Crew
from anpr_engine.ports import RecordValues, Texts
from anpr_engine.records.columns import ReadColumns, Reject

Opened = tuple[int, Stream]
"""A record's row and its stream."""


def arrow_reads(
    values: RecordValues,
    rows: NDArray[np.intp],
    rules: RecordRules,
    latest_us: int,
    crew: Crew = ALONE,
) -> tuple[list[ReadColumns], list[Reject]]:
    """Decode the records that are Arrow streams; the crew shares those of one schema.

    Returns the reads by schema, and the records that could not be opened.
    """
    parts, rows = plain_reads(values, rows, rules, latest_us, crew)
    groups, rejects = _checked(values, rows, rules)
    for group in groups:
        for part in _taken(group, latest_us, crew):
            if isinstance(part, ReadColumns):
                parts.append(part)
            else:
                rejects.append(part)
    return parts, rejects


def _checked(
    values: RecordValues, rows: NDArray[np.intp], rules: RecordRules
) -> tuple[list[list[Opened]], list[Reject]]:
    # Streams that can be read one behind another, and the records that are none.
    groups: dict[object, list[Opened]] = {}
    rejects: list[Reject] = []
    room, known = BATCH_BYTES_MAX // 2, b""
    data, bounds = values.buffer.data, values.bounds.tolist()
    for row in rows.tolist():
        try:
            stream = check_stream(data[bounds[row] : bounds[row + 1]], rules, known)
            room -= stream.size
            if room < 0:
                raise too_large(rules.unpacked_bytes_max)
        except RecordRefused as refusal:
            rejects.append(Reject(row, refusal.reason, refusal.detail))
            continue
        known = stream.schema
        # Behind another stream it must not find that one's dictionaries instead of its own.
        alike = row if stream.dictionaries is None else (known, stream.dictionaries)
        groups.setdefault(alike, []).append((row, stream))
    return list(groups.values()), rejects


def _taken(group: list[Opened], latest_us: int, crew: Crew) -> list[ReadColumns | Reject]:
    # Together; where that fails, each by itself, so that it is known whose fault it was.
    try:
        return [_together(group, latest_us, crew)]
    except RecordRefused as refusal:
        wrong = refusal
    except ERRORS as error:
        wrong = unreadable(f"the Arrow columns cannot be taken: {type(error).__name__}")
    if len(group) == 1:
        return [Reject(group[0][0], wrong.reason, wrong.detail)]
    return [part for each in group for part in _taken([each], latest_us, ALONE)]


def _together(group: list[Opened], latest_us: int, crew: Crew) -> ReadColumns:
    streams = [stream for _, stream in group]
    sizes = [stream.rows for stream in streams]
    first = np.cumsum([0, *sizes])
    found = Gathered(int(first[-1]))

    def gathered(begin: int, end: int) -> list[tuple[Gathered, Texts]]:
        # The streams that begin within these rows: none where one long stream fills them.
        low, high = np.searchsorted(first[:-1], (begin, end)).tolist()
        if low == high:
            return []
        table = opened(streams[low:high])
        part = found.part(int(first[low]), int(first[high]))
        return [(part, gather(table, part))]

    shares = list(chain.from_iterable(crew.each(found.rows, gathered)))
    for part, _ in shares:
        found.take_texts(part)
    record = np.repeat(np.array([row for row, _ in group], dtype=np.int64), sizes)
    place = np.arange(found.rows) - np.repeat(first[:-1], sizes)
    values = shares[0][1] if len(shares) == 1 else in_a_row([texts for _, texts in shares])
    return with_origin(decided(found, values, latest_us), record, place)
