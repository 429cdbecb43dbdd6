"""Arrow streams of plain schemas: taken by a kernel where they lie, no object a column.

What the kernel is not sure of, be it one row, leaves the whole stream to `arrow_records`.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from anpr_engine.kernels.arrow_frames import FIRST, FRAME_WORDS, ROWS, SOUND, STREAM, find_frames
from anpr_engine.kernels.arrow_take import take_columns
from anpr_engine.pipeline.batches.arrow_cells import plain_rows
from anpr_engine.pipeline.batches.arrow_columns import Gathered
from anpr_engine.pipeline.batches.arrow_schema import PlainSchema, plain_schema
from anpr_engine.pipeline.batches.arrow_stream import schema_message
from anpr_engine.pipeline.batches.lines import with_origin
from anpr_engine.pipeline.batches.merge import without_rows
from anpr_engine.pipeline.batches.rows import RowTexts
from anpr_engine.pipeline.batches.rules import RecordRules
from anpr_engine.pipeline.crew import Crew
from anpr_engine.pipeline.decode import STRETCH_READS, settled, write_keys
from anpr_engine.ports import RecordValues
from anpr_engine.records.columns import PlateColumns, ReadColumns

SCHEMAS_MAX = 4
"""Schemas of a batch that are looked for; streams of more go the careful way."""
_FRAMES_PER_STREAM, _FRAMES_FREE = 2, 64
"""Record batches that there is room for."""


def plain_reads(
    values: RecordValues,
    rows: NDArray[np.intp],
    rules: RecordRules,
    latest_us: int,
    crew: Crew,
) -> tuple[list[ReadColumns], NDArray[np.intp]]:
    """Decode what is plain among the records that are Arrow streams.

    Returns the reads by schema, and the records that are left for the careful path.
    """
    parts: list[ReadColumns] = []
    careful: list[NDArray[np.intp]] = []
    for _ in range(SCHEMAS_MAX):
        if not len(rows):
            break
        schema = plain_schema(schema_message(values.text_view(int(rows[0]))))
        if schema is None:
            careful.append(rows[:1])
            rows = rows[1:]
            continue
        bounds = np.column_stack([values.bounds[rows], values.bounds[rows + 1]])
        frames, found = _frames(values.buffer, bounds, schema, rules)
        mine = rows[found[:, 0] > 0]
        if not len(mine):
            careful.append(rows[:1])
            rows = rows[1:]
            continue
        rows = rows[found[:, 0] == 0]
        part, unsound = _taken(values, schema, (frames, mine), latest_us, crew)
        parts.append(part)
        careful.append(unsound)
    return parts, np.sort(np.concatenate([*careful, rows]))


def _frames(
    buffer: NDArray[np.uint8],
    bounds: NDArray[np.int64],
    schema: PlainSchema,
    rules: RecordRules,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    # The record batches of streams, streams numbered among those that have any; what each has.
    room = _FRAMES_PER_STREAM * len(bounds) + _FRAMES_FREE
    frames = np.empty((room, FRAME_WORDS), dtype=np.int64)
    found = np.empty((len(bounds), 2), dtype=np.int64)
    limits = [schema.nodes, schema.buffers, rules.reads_max, rules.unpacked_bytes_max]
    find_frames(buffer, bounds, schema.message, np.array(limits), frames, found)
    frames = frames[: int(found[:, 0].sum())]
    frames[:, STREAM] = np.cumsum(found[:, 0] > 0)[frames[:, STREAM]] - 1
    return frames, found


def _taken(
    values: RecordValues,
    schema: PlainSchema,
    streams: tuple[NDArray[np.int64], NDArray[np.intp]],
    latest_us: int,
    crew: Crew,
) -> tuple[ReadColumns, NDArray[np.intp]]:
    # The reads of streams of one schema, and the records that they cannot be taken of.
    frames, rows = streams
    buffer, first = values.buffer, frames[:, FIRST]
    found = Gathered(int(frames[:, ROWS].sum()))
    plates = PlateColumns.of(found.rows)

    def take(begin: int, end: int) -> None:
        low, high = np.searchsorted(first, (begin, end)).tolist()
        while low < high:
            # So few at a time that a core still has their texts when it makes the keys.
            some = int(np.searchsorted(first, int(first[low]) + STRETCH_READS))
            run = frames[low : min(max(some, low + 1), high)]
            take_columns(buffer, schema.steps, run, found.spans, found.numbers)
            if run[:, SOUND].all():
                reads = slice(int(run[0, FIRST]), int(run[-1, FIRST] + run[-1, ROWS]))
                write_keys(buffer, found.spans[reads], plates.at(reads))
            low += len(run)

    crew.each(found.rows, take)
    of_stream = np.repeat(frames[:, STREAM], frames[:, ROWS])
    sizes = np.bincount(frames[:, STREAM], frames[:, ROWS], len(rows)).astype(np.int64)
    place = np.arange(found.rows) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    texts = RowTexts(found.rows, lambda wanted: plain_rows(values, schema, frames, wanted))
    nobody = np.empty(0, dtype=np.intp)
    reads = settled((buffer, found.spans, found.numbers), nobody, texts, latest_us)
    reads = with_origin(replace(reads, plates=plates), rows[of_stream], place)
    unsound = np.unique(frames[frames[:, SOUND] == 0, STREAM])
    if not len(unsound):
        return reads, nobody
    return without_rows(reads, np.isin(of_stream, unsound)), rows[unsound]
