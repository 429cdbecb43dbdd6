"""Reads as Avro records in a schema registry's frame, by the schemas that the engine ships.

Why the writer is made of the schema: fields and the order of a union's branches stand there, and
a second list of them would differ one day.

Source: Apache Avro specification 1.12, "Binary Encoding"; the frame is a zero byte and the schema's
id in four bytes, the highest first.
"""

import json
import struct
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from anpr_engine.records.avro_schema_files import AVRO_FILES, avro_schema

ONE_READ_ID, MANY_READS_ID = 1, 2
"""Schema ids in the frames of `AVRO_FILES`: of one read, and of an array of reads."""

Writer = Callable[[Any], bytes]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_US = timedelta(microseconds=1)
_TAKES: Mapping[str, type | tuple[type, ...]] = {
    "string": str,
    "long": int,
    "double": (int, float),
    "array": list,
    "record": dict,
}


def avro_read(value: bytes) -> bytes:
    """Write one read, given as JSON, as a framed record."""
    return _framed(ONE_READ_ID, _shipped(AVRO_FILES[0])(json.loads(value)))


def avro_reads(values: Sequence[bytes]) -> bytes:
    """Write reads, each given as JSON, as one framed record."""
    reads = [json.loads(value) for value in values]
    return _framed(MANY_READS_ID, _shipped(AVRO_FILES[1])(reads))


def _framed(schema_id: int, datum: bytes) -> bytes:
    return struct.pack(">xI", schema_id) + datum


@lru_cache(maxsize=2)
def _shipped(name: str) -> Writer:
    return _writer(avro_schema(name))


def _writer(schema: Any) -> Writer:  # noqa: ANN401 - a schema is any JSON
    if isinstance(schema, list):
        return _union(schema)
    kind = _kind(schema)
    if kind == "record":
        return _record(schema)
    if kind == "array":
        return _array(_writer(schema["items"]))
    if kind == "double":
        return struct.Struct("<d").pack
    if kind == "string":
        return _string
    return _time if isinstance(schema, dict) else _long


def _kind(schema: Any) -> str:  # noqa: ANN401 - as above
    return str(schema["type"] if isinstance(schema, dict) else schema)


def _record(schema: Mapping[str, Any]) -> Writer:
    fields = [(field["name"], _writer(field["type"])) for field in schema["fields"]]
    return lambda value: b"".join(write(value.get(name)) for name, write in fields)


def _array(write: Writer) -> Writer:
    # One block of all items, and the empty one that ends them.
    return lambda value: (
        (_long(len(value)) + b"".join(map(write, value)) if value else b"") + _long(0)
    )


def _union(branches: Sequence[Any]) -> Writer:
    known = [
        (_takes(schema), _long(place), _writer(schema))
        for place, schema in enumerate(branches)
        if schema != "null"
    ]
    nothing = _long(branches.index("null"))

    def written(value: Any) -> bytes:  # noqa: ANN401 - what JSON holds
        if value is None:
            return nothing
        place, write = next(
            (place, write) for takes, place, write in known if isinstance(value, takes)
        )
        return place + write(value)

    return written


def _takes(schema: Any) -> type | tuple[type, ...]:  # noqa: ANN401 - as above
    is_time = isinstance(schema, dict) and "logicalType" in schema
    return str if is_time else _TAKES[_kind(schema)]


def _string(value: str) -> bytes:
    data = value.encode()
    return _long(len(data)) + data


def _time(value: str) -> bytes:
    return _long((datetime.fromisoformat(value) - _EPOCH) // _US)


def _long(value: int) -> bytes:
    # Zigzag, seven bits a byte, the lowest first.
    rest = (value << 1) ^ (value >> 63)
    found = bytearray()
    while rest > 0x7F:
        found.append(rest & 0x7F | 0x80)
        rest >>= 7
    found.append(rest)
    return bytes(found)
