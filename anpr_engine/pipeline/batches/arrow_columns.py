"""Values of Arrow columns as numpy arrays: texts, numbers, times; no object per value.

Why texts are copied once into one run of bytes: spans point into one buffer. A dictionary's texts
are copied once for all rows.
"""

from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from anpr_engine.kernels.json_times import NO_TIME
from anpr_engine.kernels.json_values import CONFIDENCE_PPM, COUNTRY_CONFIDENCE_PPM, NUMBERS, SPANS
from anpr_engine.kernels.json_write import TIME_US_MAX, TIME_US_MIN
from anpr_engine.kernels.text_columns import text_times
from anpr_engine.pipeline.batches.arrow import is_text

Mask = NDArray[np.bool_]
Words = NDArray[np.int64]

UNITS = {"s": (1_000_000, 1), "ms": (1000, 1), "us": (1, 1), "ns": (1, 1000)}
"""Multiplier and divisor to microseconds."""
_CLIP = 2**52
"""A time beyond this in any unit is outside the calendar, and does not wrap around within it."""


_NO_BYTES = np.empty(0, dtype=np.uint8)


class Texts(NamedTuple):
    """Where each text begins and how long it is: int64 (n,); which are missing: bool (n,)."""

    start: Words
    length: Words
    missing: Mask


class Gathered:
    """The scan of tables under way: their texts, spans and numbers, and the rows left open."""

    def __init__(self, rows: int) -> None:
        """Begin with nothing found."""
        self.rows = rows
        self.pieces: list[NDArray[np.uint8]] = []
        self.size = 0
        self.spans = np.zeros((rows, SPANS, 2), dtype=np.int32)
        self.numbers = np.zeros((rows, NUMBERS), dtype=np.int64)
        self.numbers[:, CONFIDENCE_PPM] = self.numbers[:, COUNTRY_CONFIDENCE_PPM] = -1
        self.open = np.zeros(rows, dtype=np.bool_)
        self.weight = np.zeros(rows, dtype=np.int64)

    def part(self, first: int, end: int) -> "Gathered":
        """Give a run of rows to be filled by itself, with texts of its own; see `take_texts`."""
        part, rows = Gathered(0), slice(first, end)
        part.rows, part.spans, part.numbers = end - first, self.spans[rows], self.numbers[rows]
        part.open, part.weight = self.open[rows], self.weight[rows]
        return part

    def take_texts(self, part: "Gathered") -> None:
        """Put the texts of a part that is filled behind the others."""
        part.spans[:, :, 0] += self.size
        self.pieces += part.pieces
        self.size += part.size

    def add(self, data: NDArray[np.uint8]) -> int:
        """Put bytes behind the others, and say where they begin."""
        begin = self.size
        self.pieces.append(data)
        self.size += len(data)
        return begin

    def buffer(self) -> NDArray[np.uint8]:
        """Give all bytes in one run, never an empty one."""
        return np.concatenate([*self.pieces, np.zeros(1, dtype=np.uint8)])


def whole(column: Any) -> Any:  # noqa: ANN401 - pyarrow is untyped
    """Give a column as one array."""
    if isinstance(column, pa.ChunkedArray):
        if pa.types.is_dictionary(column.type):
            column = column.unify_dictionaries()
        column = column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
    return column


def nulls_of(array: Any) -> Mask:  # noqa: ANN401 - pyarrow is untyped
    """Say which values are missing: bool (n,)."""
    if array.null_count == 0:
        return np.zeros(len(array), dtype=np.bool_)
    return np.asarray(array.is_null().to_numpy(zero_copy_only=False), np.bool_)


def texts_of(found: Gathered | None, array: Any) -> Texts:  # noqa: ANN401 - pyarrow is untyped
    """Take over the bytes of texts, missing ones as empty; None where only lengths are wanted."""
    rows = len(array)
    nothing = np.zeros(rows, dtype=np.int64)
    if rows == 0 or pa.types.is_null(array.type):
        return Texts(nothing, nothing, np.ones(rows, dtype=np.bool_))
    if pa.types.is_dictionary(array.type):
        if len(array.dictionary) > rows:
            return texts_of(found, array.dictionary_decode())
        return _of_dictionary(found, array)
    form = np.int64 if pa.types.is_large_string(array.type) else np.int32
    _, offsets, data = array.buffers()
    ends = np.frombuffer(offsets, form, rows + 1, array.offset * form().itemsize).astype(np.int64)
    low, high = int(ends[0]), int(ends[-1])
    begin = low
    if found is not None:
        begin = found.add(np.frombuffer(data, np.uint8)[low:high] if high > low else _NO_BYTES)
    missing = nulls_of(array)
    length = np.diff(ends)
    if array.null_count:
        length[missing] = 0
    return Texts(ends[:-1] + (begin - low), length, missing)


def _of_dictionary(found: Gathered | None, array: Any) -> Texts:  # noqa: ANN401 - as above
    gone = nulls_of(array.indices)
    words = texts_of(found, array.dictionary)
    if not len(words.start):
        return texts_of(found, pa.nulls(len(array)))
    places = np.asarray(without_nulls(array.indices).to_numpy(zero_copy_only=False), np.intp)
    start, length = words.start[places], words.length[places]
    if not (array.indices.null_count or array.dictionary.null_count):
        return Texts(start, length, gone)
    missing = words.missing[places] | gone
    return Texts(start, np.where(missing, 0, length), missing)


def without_nulls(array: Any) -> Any:  # noqa: ANN401 - as above
    """Give whole numbers with 0 for missing ones; where none is missing no copy is made."""
    return array.fill_null(0) if array.null_count else array


def numbers_of(array: Any) -> NDArray[np.float64]:  # noqa: ANN401 - pyarrow is untyped
    """Give numbers, NaN for missing ones: float64 (n,)."""
    if pa.types.is_null(array.type):
        return np.full(len(array), np.nan)
    wide = array.cast(pa.float64(), safe=False)
    return np.asarray(wide.to_numpy(zero_copy_only=False), np.float64)


def times_of(found: Gathered, array: Any) -> tuple[Words, Mask]:  # noqa: ANN401 - as above
    """Give times in microseconds since 1970, `NO_TIME` for what is none; and which are missing."""
    if pa.types.is_null(array.type):
        return np.full(len(array), NO_TIME), np.ones(len(array), dtype=np.bool_)
    if is_text(array.type):
        texts = texts_of(found, array)
        spans = np.column_stack([texts.start, texts.length]).astype(np.int32)
        times_us = np.empty(len(array), dtype=np.int64)
        text_times(found.buffer(), spans, times_us)
        return times_us, texts.missing
    missing = nulls_of(array)
    ticks = without_nulls(array.cast(pa.int64())).to_numpy(zero_copy_only=False)
    times_us = ticks_us(np.asarray(ticks, np.int64), UNITS[array.type.unit])
    times_us = np.where((times_us < TIME_US_MIN) | (times_us > TIME_US_MAX), NO_TIME, times_us)
    return times_us, missing


def ticks_us(ticks: Words, unit: tuple[int, int]) -> Words:
    """Give ticks of one of `UNITS` as microseconds."""
    times, parts = unit
    return np.asarray((np.clip(ticks, -_CLIP, _CLIP) if times > 1 else ticks) * times // parts)
