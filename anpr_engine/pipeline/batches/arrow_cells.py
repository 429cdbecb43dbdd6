"""Single rows of Arrow record batches that a kernel took, for the few that become hits."""

import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anpr_engine.kernels.arrow_buffers import (
    BUFFER,
    DOUBLE,
    FLOAT,
    HIGH,
    KIND,
    LIST,
    LONG,
    LOW,
    NODE,
    NULL,
    PARENT_BUFFER,
    PARENT_NODE,
    TIME,
    WIDE,
    WORD,
)
from anpr_engine.kernels.arrow_frames import (
    BODY_AT,
    BUFFER_BYTES,
    BUFFERS_AT,
    FIRST,
    NODE_BYTES,
    NODES_AT,
)
from anpr_engine.pipeline.batches.arrow_columns import ticks_us
from anpr_engine.pipeline.batches.arrow_reads import time_cell
from anpr_engine.pipeline.batches.arrow_schema import PlainSchema
from anpr_engine.pipeline.batches.rows import row_value
from anpr_engine.ports import RecordValues

_FORMS = {DOUBLE: "<d", FLOAT: "<f", LONG: "<q", WORD: "<i", TIME: "<q"}
_WIDE_FORMS = {8: "b", 16: "<h", 32: "<i", 64: "<q"}


def plain_rows(
    values: RecordValues, schema: PlainSchema, frames: NDArray[np.int64], rows: list[int]
) -> list[bytes]:
    """Write some rows of sound record batches as JSON, as the careful path does."""
    data = values.buffer.data
    of_rows = np.searchsorted(frames[:, FIRST], rows, side="right") - 1
    return [
        row_value(_cells(_Frame(data, frames[frame].tolist()), schema, row))
        for frame, row in zip(of_rows.tolist(), rows, strict=True)
    ]


def _cells(frame: "_Frame", schema: PlainSchema, row: int) -> dict[str, Any]:
    # Every field of a row, in the order of their names; parts as the schema has them.
    row -= frame.words[FIRST]
    cells: dict[str, Any] = {}
    for column in sorted(schema.columns, key=lambda each: each.name):
        step = column.step
        if not column.part:
            cells[column.name] = frame.cell(step, row)
        elif frame.is_there(step[PARENT_NODE], step[PARENT_BUFFER], row):
            cells.setdefault(column.name, {})[column.part] = frame.cell(step, row)
    return cells


class _Frame:
    """One record batch: its words, see `kernels.arrow_frames`, and the bytes they point into."""

    def __init__(self, data: memoryview, words: list[int]) -> None:
        self._data, self.words = data, words

    def _long(self, at: int) -> int:
        found: int = struct.unpack_from("<q", self._data, at)[0]
        return found

    def _begin(self, buffer: int) -> int:
        return self.words[BODY_AT] + self._long(self.words[BUFFERS_AT] + BUFFER_BYTES * buffer)

    def is_there(self, node: int, buffer: int, row: int) -> bool:
        """Say whether a column has a value in a row."""
        if self._long(self.words[NODES_AT] + NODE_BYTES * node + 8) == 0:
            return True
        return bool(self._data[self._begin(buffer) + (row >> 3)] >> (row & 7) & 1)

    def cell(self, step: tuple[int, ...], row: int) -> Any:  # noqa: ANN401 - what JSON holds
        """Give the value of a column in a row, None where it has none."""
        kind, buffer = step[KIND], step[BUFFER]
        if kind in (NULL, LIST) or not self.is_there(step[NODE], buffer, row):
            return None
        begin = self._begin(buffer + 1)
        form = _WIDE_FORMS[step[LOW]] if kind == WIDE else _FORMS.get(kind)
        if form is None:
            low, high = struct.unpack_from("<2i", self._data, begin + 4 * row)
            text = self._begin(buffer + 2)
            return bytes(self._data[text + low : text + high]).decode()
        found = struct.unpack_from(form, self._data, begin + struct.calcsize(form) * row)[0]
        if kind != TIME:
            return found
        ticks = np.array([found], dtype=np.int64)
        return time_cell(int(ticks_us(ticks, (step[LOW], step[HIGH]))[0]))
