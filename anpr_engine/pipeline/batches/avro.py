"""Avro records: as JSON texts by a kernel, then the way of all texts."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anpr_engine.kernels.avro import (
    BLOCKS,
    BYTES,
    DAMAGED,
    FAULT,
    NO_READS,
    NO_ROOM,
    NO_ROWS,
    READS_MAX,
    RECORD_BYTES_MAX,
    ROW_END,
    ROW_FAULT,
    ROW_RECORD,
    ROWS,
    STATE_WORDS,
    TOO_LARGE,
    TOO_MANY,
    AvroProgram,
    avro_texts,
)
from anpr_engine.pipeline.batches.forms import FRAME_BYTES
from anpr_engine.pipeline.batches.lines import with_origin
from anpr_engine.pipeline.batches.merge import without_rows
from anpr_engine.pipeline.batches.rules import (
    ANY_SCHEMA,
    BATCH_BYTES_MAX,
    RecordRefused,
    RecordRules,
    too_large,
    too_many,
    unreadable,
)
from anpr_engine.pipeline.crew import ALONE, Crew
from anpr_engine.pipeline.decode import decode_rows
from anpr_engine.ports import RecordValues
from anpr_engine.records.columns import ReadColumns, Reject
from anpr_engine.records.rejected_read import RejectReason

_ROOM_PER_BYTE = 4
_ROOM_FREE = 65_536
_BYTES_PER_READ = 64
"""About the smallest: by this workers know how much there is to share."""


def avro_reads(
    values: RecordValues,
    rows: NDArray[np.intp],
    schema_ids: Mapping[int, str],
    by: tuple[RecordRules, int],
    crew: Crew = ALONE,
) -> tuple[list[ReadColumns], list[Reject]]:
    """Decode Avro records.

    Args:
        values: all records of the batch.
        rows: int64, those that are Avro.
        schema_ids: of records that tell it in a header; their value is the datum alone.
        by: the schemas and limits, and the latest time, see `decode.decode`.
        crew: who shares the writing and the scan of the texts.

    Returns the reads by schema, and the records that could not be opened.
    """
    rules, latest_us = by
    framed = np.array([row for row in rows.tolist() if row not in schema_ids], dtype=np.int64)
    ids, rejects = _frame_ids(values, framed)
    begin, end = values.bounds[:-1], values.bounds[1:]
    of_schema: dict[str, list[NDArray[np.int64]]] = {}
    for number in np.unique(ids[ids >= 0]).tolist():
        chosen = framed[ids == number]
        of_schema[str(number)] = [
            np.column_stack([chosen, begin[chosen] + FRAME_BYTES, end[chosen]])
        ]
    for row, schema_id in schema_ids.items():
        if row in rows:
            datum = np.array([[row, begin[row], end[row]]])
            of_schema.setdefault(schema_id, []).append(datum)
    parts: list[ReadColumns] = []
    for schema_id, data in of_schema.items():
        program = rules.schemas.get(schema_id) or rules.schemas.get(ANY_SCHEMA)
        if program is None:
            rejects += [_unknown(row, schema_id) for each in data for row in each[:, 0].tolist()]
            continue
        chosen = np.concatenate(data)
        bounds = np.ascontiguousarray(chosen[:, 1:])
        written = shared_texts((values.buffer, bounds), program, rules, crew)
        part, refused = _of_schema(chosen[:, 0], written, rules, latest_us, crew)
        if bool(program.steps[0, 0] == BLOCKS):
            part = _placed(part)
        parts.append(part)
        rejects += refused
    return parts, rejects


def _frame_ids(
    values: RecordValues, rows: NDArray[np.int64]
) -> tuple[NDArray[np.int64], list[Reject]]:
    # The schema of each record by its frame, -1 where it has none.
    begin, end = values.bounds[rows], values.bounds[rows + 1]
    last = max(len(values.buffer) - 1, 0)
    head = values.buffer[np.minimum(begin[:, None] + np.arange(FRAME_BYTES), last)]
    lacking = (end - begin < FRAME_BYTES) | (head[:, 0] != 0)
    ids = head[:, 1:].astype(np.int64) @ np.array([1 << 24, 1 << 16, 1 << 8, 1])
    wrong = unreadable("no Avro record: it must begin with a zero byte and a schema id")
    rejects = [Reject(row, wrong.reason, wrong.detail) for row in rows[lacking].tolist()]
    return np.where(lacking, -1, ids), rejects


def _unknown(row: int, schema_id: str) -> Reject:
    which = f"schema {schema_id}" if schema_id else "a schema id that is neither number nor GUID"
    return Reject(row, RejectReason.UNKNOWN_SCHEMA, f"{which} is not in ingest.avro_schemas")


def _of_schema(
    data: NDArray[np.int64],
    written: tuple[NDArray[np.uint8], NDArray[np.int64]],
    rules: RecordRules,
    latest_us: int,
    crew: Crew,
) -> tuple[ReadColumns, list[Reject]]:
    text, rows = written
    record = data[rows[:, ROW_RECORD]]
    ends = np.concatenate([[0], rows[:, ROW_END]])
    lines = RecordValues(text, ends)
    gone = rows[:, ROW_FAULT] != 0
    part = decode_rows(lines, lines, latest_us, gone, crew)
    part = with_origin(part, record, np.full(len(rows), -1, dtype=np.int64))
    faults = zip(record[gone].tolist(), rows[gone, ROW_FAULT].tolist(), strict=True)
    refused = [_refusal(row, fault, rules) for row, fault in faults]
    return without_rows(part, gone), refused


def _placed(part: ReadColumns) -> ReadColumns:
    # A record's rows stand together, and one with a fault has none here.
    record = np.asarray(part.record)
    change = np.flatnonzero(np.diff(record, prepend=-1))
    first = np.repeat(change, np.diff(change, append=len(record)))
    return replace(part, place=np.arange(len(record)) - first)


def _refusal(row: int, fault: int, rules: RecordRules) -> Reject:
    reasons: Mapping[int, RecordRefused] = {
        DAMAGED: unreadable("the Avro record is damaged, or not of its schema"),
        TOO_MANY: too_many(rules.reads_max),
        TOO_LARGE: too_large(rules.unpacked_bytes_max),
        NO_READS: RecordRefused(RejectReason.EMPTY, "the Avro record holds no reads"),
    }
    return Reject(row, reasons[fault].reason, reasons[fault].detail)


def shared_texts(
    records: tuple[NDArray[np.uint8], NDArray[np.int64]],
    program: AvroProgram,
    rules: RecordRules,
    crew: Crew,
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Write data as JSON texts, runs of records side by side; see `written_texts`."""
    buffer, bounds = records
    first = np.cumsum(np.append(0, bounds[:, 1] - bounds[:, 0])) // _BYTES_PER_READ
    room = BATCH_BYTES_MAX // crew.workers

    def written(begin: int, end: int) -> tuple[int, NDArray[np.uint8], NDArray[np.int64]]:
        low, high = np.searchsorted(first[:-1], (begin, end)).tolist()
        return low, *written_texts(buffer, bounds[low:high], program, rules, room)

    try:
        shares = crew.each(int(first[-1]) + 1, written)
    except _NoRoom:
        # Rare, and what is too large is then known of all records together.
        return written_texts(buffer, bounds, program, rules)
    if len(shares) == 1:
        return shares[0][1:]
    begin = 0
    for low, text, rows in shares:
        rows[:, ROW_RECORD] += low
        rows[:, ROW_END] += begin
        begin += len(text)
    texts = np.concatenate([text for _, text, _ in shares])
    return texts, np.concatenate([rows for _, _, rows in shares])


class _NoRoom(Exception):
    """A run of records needs more than its share of the room."""


def written_texts(
    buffer: NDArray[np.uint8],
    bounds: NDArray[np.int64],
    program: AvroProgram,
    rules: RecordRules,
    room: int = BATCH_BYTES_MAX,
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Write data as JSON texts; room is made as it is needed, for nobody knows before."""
    size = int((bounds[:, 1] - bounds[:, 0]).sum())
    out = np.empty(_ROOM_PER_BYTE * size + _ROOM_FREE, dtype=np.uint8)
    rows = np.empty((len(bounds) + 1024, 3), dtype=np.int64)
    state = np.zeros(STATE_WORDS, dtype=np.int64)
    state[READS_MAX] = rules.reads_max
    state[RECORD_BYTES_MAX] = rules.unpacked_bytes_max
    while True:
        avro_texts(buffer, bounds, program, out, rows, state)
        fault, state[FAULT] = int(state[FAULT]), 0
        if fault == NO_ROWS:
            rows = _larger(rows)
        elif fault == NO_ROOM:
            if 2 * len(out) > room:
                if room < BATCH_BYTES_MAX:
                    raise _NoRoom
                # What is left would be more than a batch may be: all of it is refused as too large.
                state[RECORD_BYTES_MAX] = 0
            out = _larger(out)
        else:
            break
    return out[: state[BYTES]], rows[: state[ROWS]]


def _larger(array: NDArray[Any]) -> NDArray[Any]:
    made = np.empty((2 * len(array), *array.shape[1:]), dtype=array.dtype)
    made[: len(array)] = array
    return made
