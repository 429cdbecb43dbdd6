"""Naive twins of the kernels that take records of many reads apart: obvious, slow, independent."""

import json
import re
import struct
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from anpr_engine.records.fields import RFC3339_PATTERN

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PLAIN_TIME = RFC3339_PATTERN.replace("[Tt]", "T").replace("[Zz]", "Z")


class Cut(Exception):
    """A datum that is none of its schema."""


def split_lines(values: Sequence[bytes], of_lines: Sequence[bool]) -> list[list[bytes]]:
    """Give each record's lines that are not white space alone; a record without any, itself."""
    return [
        ([line for line in value.split(b"\n") if line.strip(b" \t\r\n")] if split else [])
        or [value]
        for value, split in zip(values, of_lines, strict=True)
    ]


def text_times(texts: Sequence[str]) -> list[int | None]:
    """Give plain RFC 3339 times in microseconds since 1970."""
    return [_time(text) for text in texts]


def _time(text: str) -> int | None:
    if not re.fullmatch(_PLAIN_TIME, text, re.ASCII):
        return None
    try:
        moment = datetime.fromisoformat(re.sub(r"(\.[0-9]{6})[0-9]+", r"\1", text))
    except ValueError:
        return None
    return (moment - _EPOCH) // timedelta(microseconds=1)


def doubt_texts(
    lists: Sequence[Sequence[tuple[str, float]]], name: str
) -> list[list[dict[str, object]]]:
    """Give the objects that each list is as JSON."""
    return [[{name: text, "confidence": sure} for text, sure in each] for each in lists]


def avro_texts(values: Sequence[bytes], schema: Any) -> list[list[Any] | None]:  # noqa: ANN401
    """Read Avro data as what stands in their JSON: the reads of each, None for a damaged one."""
    found: list[list[Any] | None] = []
    for value in values:
        try:
            read, at = _value(schema, value, 0)
            whole = at == len(value)
        except (Cut, struct.error):
            whole, read = False, None
        reads = read if isinstance(schema, dict) and schema["type"] == "array" else [read]
        found.append(reads if whole and reads else None)
    return found


def kind_of(schema: Any) -> str:  # noqa: ANN401 - any JSON
    """Name the type of a schema that is no union."""
    return str(schema if isinstance(schema, str) else schema["type"])


def _value(schema: Any, data: bytes, at: int) -> tuple[Any, int]:  # noqa: ANN401 - any JSON
    if isinstance(schema, list):
        branch, at = _long(data, at)
        if not 0 <= branch < len(schema):
            raise Cut
        return _value(schema[branch], data, at)
    kind = kind_of(schema)
    if kind == "record":
        read = {}
        for field in schema["fields"]:
            found, at = _value(field["type"], data, at)
            # A union's null leaves a field out.
            if not (found is None and isinstance(field["type"], list)):
                read[field["name"]] = found
        return read, at
    if kind in ("array", "map"):
        return _blocks(schema, kind, data, at)
    return _named(schema, kind, data, at)


def _named(schema: Any, kind: str, data: bytes, at: int) -> tuple[Any, int]:  # noqa: ANN401
    if kind == "enum":
        place, at = _long(data, at)
        if not 0 <= place < len(schema["symbols"]):
            raise Cut
        return schema["symbols"][place], at
    if kind == "fixed":
        return None, _end(data, at, schema["size"])
    if isinstance(schema, dict) and schema.get("logicalType") == "timestamp-micros":
        ticks, at = _long(data, at)
        return (_EPOCH + timedelta(microseconds=ticks)).isoformat().replace("+00:00", "Z"), at
    return _plain(kind, data, at)


def _blocks(schema: Any, kind: str, data: bytes, at: int) -> tuple[Any, int]:  # noqa: ANN401
    items: list[Any] = []
    while True:
        count, at = _long(data, at)
        if count < 0:
            count = -count
            _, at = _long(data, at)
        if count == 0:
            return (dict(items) if kind == "map" else items), at
        if count > len(data):
            raise Cut
        for _ in range(count):
            if kind == "map":
                name, at = _plain("string", data, at)
                found, at = _value(schema["values"], data, at)
                items.append((name, found))
            else:
                found, at = _value(schema["items"], data, at)
                items.append(found)


def _plain(kind: str, data: bytes, at: int) -> tuple[Any, int]:
    if kind == "null":
        return None, at
    if kind == "boolean":
        end = _end(data, at, 1)
        if data[at] > 1:
            raise Cut
        return bool(data[at]), end
    if kind in ("float", "double"):
        form, size = ("<f", 4) if kind == "float" else ("<d", 8)
        end = _end(data, at, size)
        return struct.unpack_from(form, data, at)[0], end
    if kind in ("string", "bytes"):
        length, at = _long(data, at)
        end = _end(data, at, length)
        return (data[at:end].decode() if kind == "string" else None), end
    return _long(data, at)


def _end(data: bytes, at: int, length: int) -> int:
    if length < 0 or at + length > len(data):
        raise Cut
    return at + length


def _long(data: bytes, at: int) -> tuple[int, int]:
    raw = shift = 0
    while True:
        if at >= len(data) or shift >= 70:
            raise Cut
        raw |= (data[at] & 0x7F) << shift
        shift += 7
        at += 1
        if data[at - 1] < 0x80:
            raw &= 2**64 - 1
            return (raw >> 1) ^ -(raw & 1), at


def as_json(text: bytes) -> Any:  # noqa: ANN401 - any JSON
    """Read a text the ordinary way."""
    return json.loads(text)
