"""Reads written in every form that a record may have, plainly, for tests to compare."""

import io
import json
import struct
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
from oracle_batches import kind_of

from anpr_engine.records.avro_schema_files import avro_schema
from anpr_engine.wire import Header

NDJSON: tuple[Header, ...] = (("content-type", b"application/x-ndjson"),)
ARROW: tuple[Header, ...] = (("Content-Type", b"application/vnd.apache.arrow.stream"),)
AVRO: tuple[Header, ...] = (("content-type", b"avro/binary"),)
ONE_READ = avro_schema("plate_read.v1")
MANY_READS = avro_schema("plate_reads.v1")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_SHARE = pa.float64()
_LISTED = {
    name: pa.list_(pa.struct([(part, pa.string()), ("confidence", _SHARE)]))
    for name, part in (("characters", "char"), ("candidates", "plate"))
}
ARROW_SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("read_id", "camera_id", "plate", "country")),
        *((name, pa.timestamp("us", "UTC")) for name in ("captured_at", "sent_at")),
        *((name, _SHARE) for name in ("confidence", "country_confidence")),
        *((name, _SHARE) for name in ("heading_deg", "speed_kmh")),
        *((name, pa.string()) for name in ("lane", "direction", "image_ref", "passage_id")),
        *_LISTED.items(),
        ("position", pa.struct([("lat", _SHARE), ("lon", _SHARE)])),
        ("vehicle", pa.struct([(n, pa.string()) for n in ("class", "make", "model", "colour")])),
    ]
)
"""Every field of a read, of the plainest type."""


def lines(reads: Sequence[Mapping[str, Any]]) -> bytes:
    """Write reads as newline-separated JSON."""
    return b"".join(json.dumps(read).encode() + b"\n" for read in reads)


def with_times(read: Mapping[str, Any]) -> dict[str, Any]:
    """Give a read with its times as such."""
    times = {
        name: datetime.fromisoformat(read[name]) for name in ("captured_at", "sent_at")
        if read.get(name) is not None
    }  # fmt: skip
    return {**read, **times}


def arrow(reads: Sequence[Mapping[str, Any]], schema: Any = ARROW_SCHEMA) -> bytes:  # noqa: ANN401
    """Write reads as an Arrow stream."""
    return arrow_stream(pa.Table.from_pylist([with_times(read) for read in reads], schema=schema))


def arrow_stream(table: Any, compression: str | None = None) -> bytes:  # noqa: ANN401 - untyped
    """Write a table as an Arrow stream."""
    sink = io.BytesIO()
    options = pa.ipc.IpcWriteOptions(compression=compression)
    with pa.ipc.new_stream(sink, table.schema, options=options) as stream:
        stream.write_table(table)
    return sink.getvalue()


def framed(schema_id: int, datum: bytes) -> bytes:
    """Put a datum into a schema registry's frame."""
    return b"\0" + struct.pack(">i", schema_id) + datum


def avro(schema: Any, value: Any) -> bytes:  # noqa: ANN401 - schemas and data are any JSON
    """Write a value by an Avro schema; of a union the branch that fits its type."""
    if isinstance(schema, list):
        branch = next(at for at, each in enumerate(schema) if _fits(each, value))
        return _long(branch) + avro(schema[branch], value)
    kind = kind_of(schema)
    if kind == "record":
        return b"".join(avro(each["type"], value.get(each["name"])) for each in schema["fields"])
    if kind == "array":
        items = b"".join(avro(schema["items"], each) for each in value)
        return (_long(len(value)) + items if value else b"") + _long(0)
    if kind == "map":
        pairs = b"".join(avro("string", k) + avro(schema["values"], v) for k, v in value.items())
        return (_long(len(value)) + pairs if value else b"") + _long(0)
    if kind == "enum":
        value = schema["symbols"].index(value)
    return _plain(kind, value)


def _plain(kind: str, value: Any) -> bytes:  # noqa: ANN401 - as above
    if kind in ("null", "fixed"):
        return b"" if value is None else bytes(value)
    if kind == "boolean":
        return bytes([value])
    if kind in ("float", "double"):
        return struct.pack("<f" if kind == "float" else "<d", value)
    if kind in ("string", "bytes"):
        data = value if isinstance(value, bytes) else value.encode()
        return _long(len(data)) + data
    if isinstance(value, str):
        return _long((datetime.fromisoformat(value) - _EPOCH) // timedelta(microseconds=1))
    return _long(value)


def _fits(schema: Any, value: Any) -> bool:  # noqa: ANN401 - as above
    kind = kind_of(schema)
    if value is None or kind == "null":
        return value is None and kind == "null"
    if isinstance(value, bool):
        return bool(kind == "boolean")
    if isinstance(value, int):
        return kind in ("int", "long", "float", "double")
    if isinstance(value, str):
        return kind in ("string", "enum") or (isinstance(schema, dict) and "logicalType" in schema)
    return True


def _long(value: int) -> bytes:
    zigzag = (value << 1) ^ (value >> 63)
    found = bytearray()
    while zigzag > 0x7F:
        found.append(zigzag & 0x7F | 0x80)
        zigzag >>= 7
    return bytes([*found, zigzag])


def inlined(schema: Any, names: Mapping[str, Any]) -> Any:  # noqa: ANN401 - as above
    """Give a schema with the types in place of their names."""
    if isinstance(schema, str):
        return names.get(schema, schema)
    if isinstance(schema, list):
        return [inlined(each, names) for each in schema]
    return {
        key: [{**each, "type": inlined(each["type"], names)} for each in found]
        if key == "fields"
        else (inlined(found, names) if key in ("type", "items", "values") else found)
        for key, found in schema.items()
    }
