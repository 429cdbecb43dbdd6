"""What the columns of an Arrow schema are to the kernel that takes them where they lie.

Only plain types are known here: no dictionaries, no views, nothing that another count tells of.
Any other schema goes the careful way, as does one that holds no reads, to be told why.
"""

import struct
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from anpr_engine.kernels.arrow_buffers import (
    COUNTRY,
    DOUBLE,
    FLOAT,
    LIST,
    LONG,
    NULL,
    STEP_WORDS,
    TEXT,
    TIME,
    TIME_TEXT,
    WIDE,
    WORD,
)
from anpr_engine.kernels.json_fields import COUNTRY as COUNTRY_FIELD
from anpr_engine.kernels.json_fields import LANE, NUMBER
from anpr_engine.kernels.json_fields import TEXT as TEXT_FIELD
from anpr_engine.kernels.json_fields import TIME as TIME_FIELD
from anpr_engine.kernels.json_values import CAPTURED_AT_US, COUNTRY_CODE
from anpr_engine.pipeline.batches.arrow import ERRORS, KINDS, LISTS, PARTS, known_columns
from anpr_engine.pipeline.batches.arrow_columns import UNITS
from anpr_engine.pipeline.batches.arrow_reads import (
    BOUNDS,
    NEEDED,
    PART_BOUNDS,
    PPM_OF,
    SPAN_OF,
    TRAIT_BOUNDS,
)
from anpr_engine.pipeline.batches.arrow_stream import is_little_endian
from anpr_engine.pipeline.batches.rules import RecordRefused

SCHEMA_BYTES_MAX = 65_536
_NUMBERS = {pa.float64(): DOUBLE, pa.float32(): FLOAT, pa.int64(): LONG, pa.int32(): WORD}


class PlainColumn(NamedTuple):
    """One column: the field and the part of it that it holds, and the kernel's step."""

    name: str
    part: str
    step: tuple[int, ...]


class PlainSchema(NamedTuple):
    """A schema whose columns a kernel can take.

    message: uint8, as it stands in front of each stream. nodes, buffers: what a record batch has.
    steps: int64 (columns, STEP_WORDS), see `kernels.arrow_take`.
    """

    message: NDArray[np.uint8]
    nodes: int
    buffers: int
    steps: NDArray[np.int64]
    columns: tuple[PlainColumn, ...]


class _OtherType(Exception):
    """A column is of a type that the kernel does not know."""


@lru_cache(maxsize=32)
def plain_schema(message: bytes) -> PlainSchema | None:
    """Read a schema's message; None where its streams have to go the careful way."""
    if len(message) > SCHEMA_BYTES_MAX:
        return None
    try:
        if not is_little_endian(message):
            return None
        schema = pa.ipc.read_schema(pa.py_buffer(message))
        known_columns(schema.empty_table())
        columns: list[PlainColumn] = []
        node = buffer = 0
        for field in schema:
            if field.name in KINDS:
                columns += _columns(field, node, buffer)
            nodes, buffers = _counts(field.type)
            node, buffer = node + nodes, buffer + buffers
    except (_OtherType, RecordRefused, struct.error, *ERRORS):
        return None
    steps = np.array([column.step for column in columns], dtype=np.int64).reshape(-1, STEP_WORDS)
    text = np.frombuffer(message, dtype=np.uint8)
    return PlainSchema(text, node, buffer, steps, tuple(columns))


def _counts(kind: Any) -> tuple[int, int]:  # noqa: ANN401 - pyarrow is untyped
    # Nodes and buffers of a column, whether it is a read's or not.
    types = pa.types
    if types.is_null(kind):
        return 1, 0
    if types.is_struct(kind):
        parts = [_counts(field.type) for field in kind]
        return 1 + sum(nodes for nodes, _ in parts), 1 + sum(buffers for _, buffers in parts)
    if types.is_list(kind) or types.is_large_list(kind):
        nodes, buffers = _counts(kind.value_type)
        return 1 + nodes, 2 + buffers
    if types.is_string(kind) or types.is_large_string(kind) or types.is_binary(kind):
        return 1, 3
    if types.is_primitive(kind):
        return 1, 2
    raise _OtherType(str(kind))


def _columns(field: Any, node: int, buffer: int) -> Iterator[PlainColumn]:  # noqa: ANN401
    kind, name = field.type, field.name
    if pa.types.is_null(kind):
        if name in NEEDED:
            raise _OtherType(name)
        yield PlainColumn(name, "", _step(NULL, node, buffer))
    elif name in LISTS:
        if not pa.types.is_list(kind) or _counts(kind) != (4, 8):
            raise _OtherType(name)
        yield PlainColumn(name, "", _step(LIST, node, buffer))
    elif name in PARTS:
        yield from _parts(name, kind, node, buffer)
    else:
        needed = int(name in NEEDED)
        yield PlainColumn(name, "", (*_value_step(name, kind, node, buffer), needed, -1, -1))


def _parts(name: str, kind: Any, node: int, buffer: int) -> Iterator[PlainColumn]:  # noqa: ANN401
    around = node, buffer
    node, buffer = node + 1, buffer + 1
    for part in kind:
        wanted = PARTS[name].get(part.name)
        if wanted == TEXT_FIELD and pa.types.is_string(part.type):
            step = (TEXT, node, buffer, *TRAIT_BOUNDS, -1, 0)
        elif wanted == NUMBER and part.type in _NUMBERS:
            step = (_NUMBERS[part.type], node, buffer, *PART_BOUNDS[part.name], -1, 1)
        else:
            raise _OtherType(part.name)
        yield PlainColumn(name, part.name, (*step, *around))
        nodes, buffers = _counts(part.type)
        node, buffer = node + nodes, buffer + buffers


def _value_step(name: str, kind: Any, node: int, buffer: int) -> tuple[int, ...]:  # noqa: ANN401
    # A step up to its place, of a field that is no struct or list.
    wanted = KINDS[name]
    place = CAPTURED_AT_US if name == "captured_at" else -1
    if pa.types.is_timestamp(kind):
        return (TIME, node, buffer, *UNITS[kind.unit], place)
    if pa.types.is_string(kind):
        if wanted == COUNTRY_FIELD:
            return COUNTRY, node, buffer, 0, 0, COUNTRY_CODE
        if wanted == TIME_FIELD:
            return TIME_TEXT, node, buffer, 0, 0, place
        low, high = map(int, BOUNDS[name])
        return TEXT, node, buffer, low, high, SPAN_OF.get(name, -1)
    if wanted == LANE and pa.types.is_integer(kind):
        return WIDE, node, buffer, kind.bit_width, 0, -1
    if wanted == NUMBER and kind in _NUMBERS:
        return (_NUMBERS[kind], node, buffer, *map(int, BOUNDS[name]), PPM_OF.get(name, -1))
    raise _OtherType(name)


def _step(kind: int, node: int, buffer: int) -> tuple[int, ...]:
    return kind, node, buffer, 0, 0, -1, 0, -1, -1
