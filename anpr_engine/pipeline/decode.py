"""Record values to columns; what is no read is named, and costs the others nothing."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from anpr_engine.kernels.json_scan import (
    CAPTURED_AT_US,
    CONFIDENCE_PPM,
    COUNTRY_CODE,
    COUNTRY_CONFIDENCE_PPM,
    NUMBERS,
    ROW_WORDS,
    SPANS,
    UNDECIDED,
    scan_reads,
)
from anpr_engine.records.columns import ReadColumns, Reject, country_code
from anpr_engine.records.parse import ReadRefused, parse_read
from anpr_engine.records.read import READ_BYTES_MAX, PlateRead
from anpr_engine.records.rejected_read import RejectReason

_US = 1_000_000


def decode(values: Sequence[bytes], latest_us: int) -> ReadColumns:
    """Decode a batch.

    Args:
        values: the records' values.
        latest_us: reads captured later than this, in microseconds since 1970, are refused: a
            camera whose clock runs ahead would outlive expiry dates.

    """
    lengths = np.fromiter(map(len, values), dtype=np.int64, count=len(values))
    bounds = np.zeros(len(values) + 1, dtype=np.int64)
    np.cumsum(lengths, out=bounds[1:])
    buffer = np.frombuffer(b"".join(values), dtype=np.uint8)
    spans = np.empty((len(values), SPANS, 2), dtype=np.int32)
    numbers = np.empty((len(values), NUMBERS), dtype=np.int64)
    status = np.empty(len(values), dtype=np.uint8)
    scan_reads(buffer, bounds, spans, numbers, status, np.empty(ROW_WORDS, dtype=np.int64))
    open_rows = np.flatnonzero((status == UNDECIDED) | (lengths > READ_BYTES_MAX))
    careful, rejects = _decide_with_care(values, open_rows, spans, numbers)
    rejects += _future_dated(numbers[:, CAPTURED_AT_US], latest_us, rejects)
    return ReadColumns(
        buffer=buffer,
        spans=spans,
        captured_at_us=np.ascontiguousarray(numbers[:, CAPTURED_AT_US]),
        country=numbers[:, COUNTRY_CODE].astype(np.uint16),
        confidence=_share(numbers[:, CONFIDENCE_PPM]),
        country_confidence=_share(numbers[:, COUNTRY_CONFIDENCE_PPM]),
        careful={row: read for row, read in careful.items() if row not in _rows(rejects)},
        rejects=rejects,
        values=values,
    )


def _share(ppm: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.where(ppm < 0, np.nan, ppm / 1e6)


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
