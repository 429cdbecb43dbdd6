"""How each record of a batch is to be read: by its headers, or by its first byte.

JSON never begins with a zero byte, and Avro in a schema registry's framing always does. So a
record without headers costs one look at one byte.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anpr_engine.ports import RecordValues
from anpr_engine.wire import Header

JSON, LINES, AVRO, ARROW = range(4)

CONTENT_TYPES: Mapping[str, int] = {
    "application/x-ndjson": LINES,
    "application/ndjson": LINES,
    "application/jsonl": LINES,
    "application/vnd.apache.arrow.stream": ARROW,
    "avro/binary": AVRO,
    "application/avro": AVRO,
    "application/vnd.apache.avro": AVRO,
}
"""Content type to form; any other is taken for one JSON read, and judged as such."""
CONTENT_TYPE = "content-type"
SCHEMA_ID = "__value_schema_id"

FRAME_BYTES = 5
"""A zero byte and the schema's number, four bytes, the highest first."""
_GUID_BYTES = 17


@dataclass(frozen=True, slots=True)
class Forms:
    """The form of each record: uint8 (n,); schema ids of those that tell it in a header."""

    kind: NDArray[np.uint8]
    schema_ids: Mapping[int, str]


def forms_of(values: RecordValues, headers: Mapping[int, tuple[Header, ...]]) -> Forms | None:
    """Tell the form of each record; None where all are JSON, one read each.

    Args:
        values: the records.
        headers: of the rows whose headers may matter.

    """
    begin, end = values.bounds[:-1], values.bounds[1:]
    kind = np.zeros(len(values), dtype=np.uint8)
    if len(values.buffer):
        # An empty record at the very end has no first byte.
        inside = begin if begin[-1] < end[-1] else np.minimum(begin, len(values.buffer) - 1)
        framed = values.buffer[inside] == 0
        if framed.any():
            kind[framed & (begin < end)] = AVRO
    schema_ids: dict[int, str] = {}
    for row, named in headers.items():
        for name, value in named:
            if name.lower() == CONTENT_TYPE:
                kind[row] = _form_of(value, int(kind[row]))
            elif name == SCHEMA_ID:
                kind[row] = AVRO
                schema_ids[row] = _id_of(value)
    return Forms(kind, schema_ids) if kind.any() else None


def _form_of(content_type: bytes, otherwise: int) -> int:
    name = content_type.decode("latin-1").partition(";")[0].strip().lower()
    return CONTENT_TYPES.get(name, otherwise)


def _id_of(value: bytes) -> str:
    # 1 and a GUID, or 0 and a number; what is neither names no schema.
    if len(value) == _GUID_BYTES and value[0] == 1:
        return str(uuid.UUID(bytes=value[1:]))
    if len(value) == FRAME_BYTES and value[0] == 0:
        return str(int.from_bytes(value[1:], "big"))
    return ""
