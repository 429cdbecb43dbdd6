"""A table of reads as the columns that the scanner makes of JSON reads.

A row that is not plainly within the bounds of a read is left open, as the scanner leaves a text
open: it is then written as JSON and judged as such, so that both forms have one set of reasons.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from anpr_engine.kernels.json_fields import COUNTRY, FIELDS, LANE, NUMBER, REQUIRED, TEXT
from anpr_engine.kernels.json_times import NO_TIME
from anpr_engine.kernels.json_values import (
    CAPTURED_AT_US,
    CONFIDENCE_PPM,
    COUNTRY_CODE,
    COUNTRY_CONFIDENCE_PPM,
    SPAN_CAMERA_ID,
    SPAN_CANDIDATES,
    SPAN_CHARACTERS,
    SPAN_PLATE,
    SPAN_READ_ID,
)
from anpr_engine.kernels.json_write import TIME_US_MAX, TIME_US_MIN
from anpr_engine.kernels.text_columns import PAIR_BYTES_MAX, doubt_texts
from anpr_engine.pipeline.batches.arrow import KINDS, LISTS, PARTS, is_text, without_views
from anpr_engine.pipeline.batches.arrow_columns import (
    UNITS,
    Gathered,
    Mask,
    Words,
    nulls_of,
    numbers_of,
    texts_of,
    ticks_us,
    times_of,
    whole,
)
from anpr_engine.pipeline.batches.rows import RowTexts, row_value
from anpr_engine.pipeline.decode import settled
from anpr_engine.ports import Texts
from anpr_engine.records.columns import ReadColumns, Reject, country_code
from anpr_engine.records.read import READ_BYTES_MAX
from anpr_engine.records.rejected_read import RejectReason

OPEN_BYTES_MAX = 256 * 1024 * 1024
"""Texts of rows left open, of one table; a dictionary can make much of little."""

BOUNDS = {name: (low, high) for name, _, low, high in FIELDS} | {"plate": (0, 256)}
"""Of a text in bytes: a longer plate is a rare thing, and looked at with care."""
NEEDED = frozenset(name for place, (name, *_) in enumerate(FIELDS) if (REQUIRED >> place) & 1)
PART_BOUNDS = {
    "char": (1, 4),
    "plate": (0, 256),
    "confidence": (0, 1),
    "lat": (-90, 90),
    "lon": (-180, 180),
}
TRAIT_BOUNDS = (0, 64)
SPAN_OF = {"read_id": SPAN_READ_ID, "camera_id": SPAN_CAMERA_ID, "plate": SPAN_PLATE}
PPM_OF = {"confidence": CONFIDENCE_PPM, "country_confidence": COUNTRY_CONFIDENCE_PPM}
_LIST_OF = {"characters": (SPAN_CHARACTERS, 32), "candidates": (SPAN_CANDIDATES, 64)}
_ITEM_BYTES = 20
"""What an item of a list takes as JSON at least, beside its text."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def columns_of(table: Any, latest_us: int) -> ReadColumns:  # noqa: ANN401 - pyarrow is untyped
    """Take a table of known columns, see `gather`, as decoded reads.

    Args:
        table: see `gather`.
        latest_us: see `decode.decode`.

    """
    found = Gathered(table.num_rows)
    return decided(found, gather(table, found), latest_us)


def gather(table: Any, found: Gathered) -> Texts:  # noqa: ANN401 - pyarrow is untyped
    """Scan a table of known columns, see `arrow.known_columns`.

    Args:
        table: its texts are valid UTF-8, its offsets within bounds: validated in full.
        found: as many rows, written.

    Returns each row as JSON, made when it is asked for.
    """
    table = without_views(table)
    for name in table.column_names:
        column = table.column(name)
        if pa.types.is_null(column.type) and name not in NEEDED:
            continue
        array = whole(column)
        if name in LISTS:
            _take_lists(found, name, array)
        elif name in PARTS:
            _take_parts(found, name, array)
        else:
            _take_values(found, name, array)
    return RowTexts(found.rows, lambda rows: _rows_of(table, rows))


def decided(found: Gathered, values: Texts, latest_us: int) -> ReadColumns:
    """Give what was gathered as decoded reads.

    Args:
        found: all of the rows.
        values: each as JSON.
        latest_us: see `decode.decode`.

    """
    refused = _too_large(found)
    undecided = np.flatnonzero(found.open)
    values.plan(undecided.tolist())
    scanned = found.buffer(), found.spans, found.numbers
    return settled(scanned, undecided, values, latest_us, refused)


def _too_large(found: Gathered) -> list[Reject]:
    # Rows that can be no read whatever they hold, and what would be too much altogether.
    rows = np.flatnonzero(found.open)
    over = found.weight[rows] > READ_BYTES_MAX
    running = np.cumsum(np.where(over, 0, found.weight[rows]))
    beyond = ~over & (running > OPEN_BYTES_MAX)
    gone = rows[over | beyond]
    found.open[gone] = False
    found.spans[gone] = 0
    found.numbers[gone] = (0, 0, -1, -1)
    size = f"over {READ_BYTES_MAX} bytes"
    return [Reject(row, RejectReason.OVERSIZED, size) for row in rows[over].tolist()] + [
        Reject(row, RejectReason.UNPACKS_TOO_LARGE, "over the room for rows with long texts")
        for row in rows[beyond].tolist()
    ]


def _take_values(found: Gathered, name: str, array: Any) -> None:  # noqa: ANN401 - as above
    kind = KINDS[name]
    if kind == COUNTRY:
        found.numbers[:, COUNTRY_CODE] = _countries(found, array)
    elif kind == TEXT or (kind == LANE and not _is_numeric(array)):
        texts = texts_of(found if name in SPAN_OF else None, array)
        _judge_texts(found, texts.length, texts.missing, BOUNDS[name])
        if name in SPAN_OF:
            found.spans[:, SPAN_OF[name], 0] = texts.start
            found.spans[:, SPAN_OF[name], 1] = texts.length
        if name in NEEDED:
            found.open |= texts.missing
    elif kind == LANE:
        numbers = numbers_of(array)
        found.open |= ~np.isnan(numbers) & (numbers != np.floor(numbers))
    elif kind == NUMBER:
        _take_numbers(found, name, array)
    else:
        times_us, missing = times_of(found, array)
        found.open |= (times_us == NO_TIME) & ~missing
        if name in NEEDED:
            found.open |= missing
            found.numbers[:, CAPTURED_AT_US] = times_us


def _is_numeric(array: Any) -> bool:  # noqa: ANN401 - as above
    return not is_text(array.type) and not pa.types.is_null(array.type)


def _judge_texts(
    found: Gathered, length: Words, missing: Mask, bounds: tuple[float, float]
) -> None:
    found.weight += length
    found.open |= ~missing & ((length < bounds[0]) | (length > bounds[1]))


def _take_numbers(found: Gathered, name: str, array: Any) -> None:  # noqa: ANN401 - as above
    numbers = numbers_of(array)
    low, high = BOUNDS[name]
    told = ~np.isnan(numbers)
    outside = told & ~((numbers >= low) & (numbers <= high))
    found.open |= outside
    if name in PPM_OF:
        usable = np.where(told & ~outside, numbers, 0.0)
        ppm = (usable * 1e6 + 0.5).astype(np.int64)
        found.numbers[:, PPM_OF[name]] = np.where(told & ~outside, ppm, -1)


def _countries(found: Gathered, array: Any) -> Words:  # noqa: ANN401 - as above
    # One look at each different text.
    if pa.types.is_null(array.type):
        return np.zeros(len(array), dtype=np.int64)
    if not pa.types.is_dictionary(array.type):
        array = array.dictionary_encode()
    words = array.dictionary.to_pylist()
    codes = np.array([_code(word) for word in words] + [0], dtype=np.int64)
    sizes = np.array([len(word or "") for word in words] + [0], dtype=np.int64)
    places = array.indices.fill_null(len(words)) if array.indices.null_count else array.indices
    places = np.asarray(places.to_numpy(zero_copy_only=False), np.int64)
    found.weight += sizes[places]
    of_rows: Words = codes[places]
    found.open |= of_rows < 0
    return of_rows


def _code(text: str | None) -> int:
    if text is None:
        return 0
    lawful = len(text) == 2 and text.isascii() and text.isalpha()
    return country_code(text) if lawful else -1


def _take_parts(found: Gathered, name: str, array: Any) -> None:  # noqa: ANN401 - as above
    if pa.types.is_null(array.type):
        return
    given = ~nulls_of(array)
    names = [array.type.field(place).name for place in range(array.type.num_fields)]
    for part, values in zip(names, array.flatten(), strict=True):
        kind = PARTS[name].get(part)
        if kind == TEXT:
            texts = texts_of(None, values)
            _judge_texts(found, texts.length, texts.missing, TRAIT_BOUNDS)
        elif kind == NUMBER:
            low, high = PART_BOUNDS[part]
            numbers = numbers_of(values)
            found.open |= given & ~((numbers >= low) & (numbers <= high))


def _take_lists(found: Gathered, name: str, array: Any) -> None:  # noqa: ANN401 - as above
    if pa.types.is_null(array.type) or len(array) == 0:
        return
    place, most = _LIST_OF[name]
    missing = nulls_of(array)
    lists = np.asarray(array.offsets.to_numpy(zero_copy_only=False), np.int64)
    items = array.values.slice(int(lists[0]), int(lists[-1] - lists[0]))
    lists -= lists[0]
    parts = dict(zip([field.name for field in items.type], items.flatten(), strict=True))
    text_name = next(part for part, kind in PARTS[name].items() if kind == TEXT)
    texts = texts_of(found, parts[text_name])
    sure = numbers_of(parts["confidence"])
    low, high = PART_BOUNDS[text_name]
    fine = ~texts.missing & (texts.length >= low) & (texts.length <= high)
    fine &= (sure >= 0) & (sure <= 1)
    per_row = np.diff(lists)
    found.open |= ~missing & ((_sums(~fine, lists) > 0) | (per_row > most))
    found.weight += np.where(missing, 0, per_row * _ITEM_BYTES + _sums(texts.length, lists))
    opening = f'{{"{text_name}":"'.encode()
    begin = found.add(np.frombuffer(opening, dtype=np.uint8))
    starts = np.column_stack([texts.start, texts.length])
    named = np.vstack([starts, np.array([[begin, len(opening)]])])
    room = int(texts.length.sum()) + len(sure) * (len(opening) + PAIR_BYTES_MAX)
    out = np.empty(room + 2 * found.rows, dtype=np.uint8)
    spans = np.empty((found.rows, 2), dtype=np.int64)
    doubt_texts(found.buffer(), named, np.where(fine, sure, 0.0), lists, out, spans)
    found.open |= ~missing & (spans[:, 1] < 0)
    used = int(spans[-1, 0] + max(spans[-1, 1], 0))
    begin = found.add(out[:used])
    found.spans[:, place, 0] = np.where(missing, 0, spans[:, 0] + begin)
    found.spans[:, place, 1] = np.where(missing, 0, spans[:, 1])


def _sums(values: Any, lists: Words) -> Words:  # noqa: ANN401 - numbers or truths
    # The sum of each list's values; lists may be empty.
    running = np.concatenate([[0], np.cumsum(values, dtype=np.int64)])
    return np.asarray(running[lists[1:]] - running[lists[:-1]], np.int64)


def _rows_of(table: Any, rows: list[int]) -> list[bytes]:  # noqa: ANN401 - as above
    taken = table.take(pa.array(rows, type=pa.int64()))
    columns = {name: _cells(taken.column(name)) for name in table.column_names}
    return [
        row_value(dict(zip(columns, cells, strict=True)))
        for cells in zip(*columns.values(), strict=True)
    ]


def _cells(column: Any) -> list[Any]:  # noqa: ANN401 - as above
    if not pa.types.is_timestamp(column.type):
        cells: list[Any] = column.to_pylist()
        return cells
    array = whole(column)
    ticks = np.asarray(array.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False))
    missing = nulls_of(array).tolist()
    times_us = ticks_us(ticks, UNITS[array.type.unit]).tolist()
    return [None if no else time_cell(us) for no, us in zip(missing, times_us, strict=True)]


def time_cell(time_us: int) -> Any:  # noqa: ANN401 - a time, or a text that is none
    """Give microseconds since 1970 as a time to be written."""
    inside = TIME_US_MIN <= time_us <= TIME_US_MAX
    return _EPOCH + timedelta(microseconds=time_us) if inside else "?"
