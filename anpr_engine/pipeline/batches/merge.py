"""Parts of one batch, each decoded from its own form, as one batch in the records' order."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from anpr_engine.kernels.json_values import NUMBERS, SPANS
from anpr_engine.pipeline.batches.rows import ChosenTexts, in_a_row
from anpr_engine.records.columns import PlateColumns, ReadColumns, Reject


def refused_records(rejects: Sequence[Reject], values: Sequence[bytes]) -> ReadColumns:
    """Give each refused record one row of its own; a reject's row is the record's."""
    rows = len(rejects)
    record = np.array([reject.row for reject in rejects], dtype=np.int64)
    numbers = np.zeros((rows, NUMBERS), dtype=np.int64)
    return ReadColumns(
        buffer=np.zeros(1, dtype=np.uint8),
        spans=np.zeros((rows, SPANS, 2), dtype=np.int32),
        captured_at_us=np.zeros(rows, dtype=np.int64),
        country=numbers[:, 0].astype(np.uint16),
        confidence=np.full(rows, np.nan),
        country_confidence=np.full(rows, np.nan),
        careful={},
        rejects=[reject._replace(row=row) for row, reject in enumerate(rejects)],
        values=ChosenTexts([values], np.zeros(rows, dtype=np.int64), record),
        record=record,
        place=np.full(rows, -1, dtype=np.int64),
    )


def without_rows(part: ReadColumns, gone: Sequence[bool] | np.ndarray) -> ReadColumns:
    """Leave rows out that were never a part's own; none of them is careful or refused."""
    kept = np.flatnonzero(~np.asarray(gone, dtype=np.bool_))
    return part if len(kept) == len(part) else _chosen(part, kept)


def merged(parts: Sequence[ReadColumns]) -> ReadColumns:
    """Put parts together, reads in the order of their records.

    Each part tells records and places; no record is in two of them.
    """
    if len(parts) == 1:
        return parts[0]
    buffer, firsts = _one_buffer(parts)
    rows = np.cumsum([0, *(len(part) for part in parts)])
    spans = np.concatenate([part.spans for part in parts])
    number = np.repeat(np.arange(len(parts)), np.diff(rows))
    spans[:, :, 0] += firsts[number, None].astype(np.int32)
    joined = ReadColumns(
        buffer=buffer,
        spans=spans,
        captured_at_us=np.concatenate([part.captured_at_us for part in parts]),
        country=np.concatenate([part.country for part in parts]),
        confidence=np.concatenate([part.confidence for part in parts]),
        country_confidence=np.concatenate([part.country_confidence for part in parts]),
        careful={
            int(first) + row: read
            for part, first in zip(parts, rows, strict=False)
            for row, read in part.careful.items()
        },
        rejects=[
            reject._replace(row=int(first) + reject.row)
            for part, first in zip(parts, rows, strict=False)
            for reject in part.rejects
        ],
        values=in_a_row([part.values for part in parts]),
        record=np.concatenate([_told(part.record) for part in parts]),
        place=np.concatenate([_told(part.place) for part in parts]),
        plates=_joined_plates([part.plates for part in parts]),
    )
    record = _told(joined.record)
    in_order = bool(np.all(record[:-1] <= record[1:]))
    return joined if in_order else _chosen(joined, np.argsort(record, kind="stable"))


def _one_buffer(parts: Sequence[ReadColumns]) -> tuple[np.ndarray, np.ndarray]:
    # All texts in one run of bytes, and where those of each part begin; what lies in the batch's
    # own records is not copied.
    if all(part.buffer is parts[0].buffer for part in parts):
        return parts[0].buffer, np.zeros(len(parts), dtype=np.int64)
    sizes = [len(part.buffer) for part in parts]
    return np.concatenate([part.buffer for part in parts]), np.cumsum([0, *sizes[:-1]])


def _joined_plates(parts: Sequence[PlateColumns | None]) -> PlateColumns | None:
    made = [part for part in parts if part is not None]
    if len(made) < len(parts):
        return None
    return PlateColumns(
        np.concatenate([part.keys for part in made]),
        np.concatenate([part.status for part in made]),
        np.concatenate([part.gaps for part in made]),
    )


def _told(column: np.ndarray | None) -> np.ndarray:
    if column is None:
        raise AssertionError("a part does not tell where its reads came from")
    return column


def _chosen(part: ReadColumns, rows: np.ndarray) -> ReadColumns:
    now = {row: place for place, row in enumerate(rows.tolist())} if _named(part) else {}
    return replace(
        part,
        spans=np.ascontiguousarray(part.spans[rows]),
        captured_at_us=part.captured_at_us[rows],
        country=part.country[rows],
        confidence=part.confidence[rows],
        country_confidence=part.country_confidence[rows],
        careful={now[row]: read for row, read in part.careful.items() if row in now},
        rejects=sorted(
            each._replace(row=now[each.row]) for each in part.rejects if each.row in now
        ),
        values=ChosenTexts([part.values], np.zeros(len(rows), dtype=np.int64), rows),
        record=_told(part.record)[rows],
        place=_told(part.place)[rows],
        plates=None if part.plates is None else part.plates.at(rows),
    )


def _named(part: ReadColumns) -> bool:
    return bool(part.careful or part.rejects)
