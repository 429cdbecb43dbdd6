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
    BUFFERS_AT,
    FIRST,
    NODES_AT,
)
from anpr_engine.pipeline.batches.arrow_columns import ticks_us
from anpr_engine.pipeline.batches.arrow_reads import time_cell
from anpr_engine.pipeline.batches.arrow_schema import PlainColumn, PlainSchema
from anpr_engine.pipeline.batches.rows import row_value
from anpr_engine.ports import RecordValues

_FORMS = {
    kind: struct.Struct(form)
    for kind, form in {DOUBLE: "<d", FLOAT: "<f", LONG: "<q", WORD: "<i", TIME: "<q"}.items()
}
_WIDE_FORMS = {
    bits: struct.Struct(form) for bits, form in {8: "b", 16: "<h", 32: "<i", 64: "<q"}.items()
}
_ENDS = struct.Struct("<2i")


def plain_rows(
    values: RecordValues, schema: PlainSchema, frames: NDArray[np.int64], rows: list[int]
) -> list[bytes]:
    """Write some rows of sound record batches as JSON, as the careful path does."""
    data, columns = values.buffer.data, sorted(schema.columns, key=lambda each: each.name)
    of_rows = np.searchsorted(frames[:, FIRST], rows, side="right") - 1
    numbers = of_rows.tolist()
    known = {each: _Frame(data, schema, frames[each].tolist()) for each in set(numbers)}
    return [
        row_value(_cells(known[number], columns, row))
        for number, row in zip(numbers, rows, strict=True)
    ]


def _cells(frame: "_Frame", columns: list[PlainColumn], row: int) -> dict[str, Any]:
    # Every field of a row, in the order of their names; parts as the schema has them.
    row -= frame.first
    cells: dict[str, Any] = {}
    for name, part, step in columns:
        if not part:
            cells[name] = frame.cell(step, row)
        elif frame.is_there(step[PARENT_NODE], step[PARENT_BUFFER], row):
            cells.setdefault(name, {})[part] = frame.cell(step, row)
    return cells


class _Frame:
    """One record batch: which values are missing where, and where its buffers begin."""

    def __init__(self, data: memoryview, schema: PlainSchema, words: list[int]) -> None:
        # words: see `kernels.arrow_frames`.
        self._data, self.first = data, words[FIRST]
        nodes = struct.unpack_from(f"<{2 * schema.nodes}q", data, words[NODES_AT])
        buffers = struct.unpack_from(f"<{2 * schema.buffers}q", data, words[BUFFERS_AT])
        self._missing = nodes[1::2]
        self._begins = [words[BODY_AT] + begin for begin in buffers[::2]]

    def is_there(self, node: int, buffer: int, row: int) -> bool:
        """Say whether a column has a value in a row."""
        if self._missing[node] == 0:
            return True
        return bool(self._data[self._begins[buffer] + (row >> 3)] >> (row & 7) & 1)

    def cell(self, step: tuple[int, ...], row: int) -> Any:  # noqa: ANN401 - what JSON holds
        """Give the value of a column in a row, None where it has none."""
        kind, buffer = step[KIND], step[BUFFER]
        if kind in (NULL, LIST) or not self.is_there(step[NODE], buffer, row):
            return None
        begin = self._begins[buffer + 1]
        form = _WIDE_FORMS[step[LOW]] if kind == WIDE else _FORMS.get(kind)
        if form is None:
            low, high = _ENDS.unpack_from(self._data, begin + 4 * row)
            text = self._begins[buffer + 2]
            return bytes(self._data[text + low : text + high]).decode()
        found = form.unpack_from(self._data, begin + form.size * row)[0]
        if kind != TIME:
            return found
        ticks = np.array([found], dtype=np.int64)
        return time_cell(int(ticks_us(ticks, (step[LOW], step[HIGH]))[0]))
