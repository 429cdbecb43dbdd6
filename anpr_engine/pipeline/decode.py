"""Record values to columns; what is no read is named, and costs the others nothing."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from anpr_engine.kernels.json_scan import ROW_WORDS, UNDECIDED, scan_reads
from anpr_engine.kernels.json_values import (
    NUMBERS,
    SPAN_PLATE,
    SPANS,
)
from anpr_engine.kernels.plate_text import read_keys_and_gaps
from anpr_engine.kernels.read_numbers import number_columns
from anpr_engine.pipeline.crew import ALONE, Crew
from anpr_engine.ports import RecordValues
from anpr_engine.records.columns import PlateColumns, ReadColumns, Reject, country_code
from anpr_engine.records.parse import ReadRefused, parse_read
from anpr_engine.records.read import READ_BYTES_MAX, PlateRead
from anpr_engine.records.rejected_read import RejectReason

STRETCH_READS = 2048
"""Reads scanned together: their bytes stay in a core's own cache until their keys are made."""
_US = 1_000_000


def decode(values: Sequence[bytes], latest_us: int) -> ReadColumns:
    """Decode a batch of JSON reads.

    Args:
        values: the reads; `RecordValues` are scanned where they are.
        latest_us: reads captured later than this, in microseconds since 1970, are refused: a
            camera whose clock runs ahead would outlive expiry dates.

    """
    return decode_rows(RecordValues.of(values), values, latest_us)


def decode_rows(
    packed: RecordValues,
    values: Sequence[bytes],
    latest_us: int,
    no_reads: NDArray[np.bool_] | None = None,
    crew: Crew = ALONE,
) -> ReadColumns:
    """Decode texts that lie one after another; `no_reads` are passed over, and not judged."""
    spans = np.empty((len(packed), SPANS, 2), dtype=np.int32)
    numbers = np.empty((len(packed), NUMBERS), dtype=np.int64)
    status = np.empty(len(packed), dtype=np.uint8)

    plates = PlateColumns.of(len(packed))

    def scan(first: int, end: int) -> None:
        room = np.empty(ROW_WORDS, dtype=np.int64)
        for begin in range(first, end, STRETCH_READS):
            rows = slice(begin, min(begin + STRETCH_READS, end))
            bounds = packed.bounds[rows.start : rows.stop + 1]
            scan_reads(packed.buffer, bounds, spans[rows], numbers[rows], status[rows], room)
            write_keys(packed.buffer, spans[rows], plates.at(rows))

    crew.each(len(packed), scan)
    undecided = (status == UNDECIDED) | (np.diff(packed.bounds) > READ_BYTES_MAX)
    if no_reads is not None:
        undecided &= ~no_reads
    scanned = packed.buffer, spans, numbers
    reads = settled(scanned, np.flatnonzero(undecided), values, latest_us)
    return replace(reads, plates=plates)


def write_keys(buffer: NDArray[np.uint8], spans: NDArray[np.int32], plates: PlateColumns) -> None:
    """Make the keys of plates of any length, while a core still has their texts in its cache.

    Args:
        buffer: uint8 (bytes,).
        spans: int32 (n, SPANS, 2), as in `ReadColumns`.
        plates: as many, written.

    """
    found = plates.keys, plates.status, plates.gaps
    read_keys_and_gaps(buffer, spans, SPAN_PLATE, *found)


def settled(
    scanned: tuple[NDArray[np.uint8], NDArray[np.int32], NDArray[np.int64]],
    undecided: NDArray[np.intp],
    values: Sequence[bytes],
    latest_us: int,
    refused: Iterable[Reject] = (),
) -> ReadColumns:
    """Take what a scan found, and decide with care on what it left open.

    Args:
        scanned: buffer, spans and numbers as `scan_reads` writes them.
        undecided: int64, rows to look at as JSON.
        values: each row as JSON.
        latest_us: see `decode`.
        refused: rows that were refused already; they are not among the undecided.

    """
    buffer, spans, numbers = scanned
    careful, rejects = _decide_with_care(values, undecided, spans, numbers)
    rejects += refused
    rows = len(numbers)
    captured_at_us, country = np.empty(rows, np.int64), np.empty(rows, np.uint16)
    shares = np.empty(rows), np.empty(rows)
    number_columns(numbers, captured_at_us, country, *shares)
    rejects += _future_dated(captured_at_us, latest_us, rejects)
    gone = _rows(rejects)
    return ReadColumns(
        buffer=buffer,
        spans=spans,
        captured_at_us=captured_at_us,
        country=country,
        confidence=shares[0],
        country_confidence=shares[1],
        careful={row: read for row, read in careful.items() if row not in gone},
        rejects=rejects,
        values=values,
    )


def _rows(rejects: Sequence[Reject]) -> set[int]:
    return {reject.row for reject in rejects}


def _decide_with_care(
    values: Sequence[bytes],
    rows: NDArray[np.intp],
    spans: NDArray[np.int32],
    numbers: NDArray[np.int64],
) -> tuple[dict[int, PlateRead], list[Reject]]:
    careful: dict[int, PlateRead] = {}
    rejects: list[Reject] = []
    for row in rows.tolist():
        spans[row] = 0
        numbers[row] = (0, 0, -1, -1)
        try:
            read = parse_read(values[row])
        except ReadRefused as refusal:
            rejects.append(Reject(row, refusal.reason, refusal.detail))
            continue
        careful[row] = read
        numbers[row] = read_numbers(read)
    return careful, rejects


def read_numbers(read: PlateRead) -> tuple[int, int, int, int]:
    """Give a read's numbers as the scanner writes them."""
    whole_us = round(read.captured_at.timestamp() * _US)
    country = country_code(read.country)
    return whole_us, country, _ppm(read.confidence), _ppm(read.country_confidence)


def _ppm(share: float | None) -> int:
    return -1 if share is None else int(share * 1e6 + 0.5)


def _future_dated(
    captured_at_us: NDArray[np.int64], latest_us: int, rejects: Sequence[Reject]
) -> list[Reject]:
    ahead = set(np.flatnonzero(captured_at_us > latest_us).tolist()) - _rows(rejects)
    return [Reject(row, RejectReason.FUTURE_DATED, "captured_at") for row in sorted(ahead)]
