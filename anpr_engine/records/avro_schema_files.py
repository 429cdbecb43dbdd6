"""The Avro twins of the schema of a read, made from its model as the JSON Schemas are.

Why the model is the one source: fields are recognised by name in either form, and a name typed
twice would differ one day.
"""

import json
from collections.abc import Mapping
from typing import Any

from anpr_engine.records.read import PlateRead

NAMESPACE = "eu.anpr"
AVRO_FILES = ("plate_read.v1", "plate_reads.v1")
"""One read, and an array of reads."""

_TIME = {"type": "long", "logicalType": "timestamp-micros"}
_PLAIN: dict[str, Any] = {
    "string": "string",
    "number": "double",
    "integer": "long",
    "boolean": "boolean",
}


def avro_schema(name: str) -> Any:  # noqa: ANN401 - an Avro schema is any JSON
    """Make the Avro schema of a name in `AVRO_FILES`."""
    made = PlateRead.model_json_schema(by_alias=True)
    read = _record("PlateRead", made, made.get("$defs", {}))
    read = {**read, "namespace": NAMESPACE, "doc": "One plate seen by one camera, version 1."}
    return read if name == AVRO_FILES[0] else {"type": "array", "items": read}


def avro_text(name: str) -> str:
    """Write a schema the way it stands in its file."""
    return json.dumps(avro_schema(name), indent=2) + "\n"


def avro_file_name(name: str) -> str:
    """Name the file of a schema."""
    return f"{name}.avsc"


def _record(name: str, schema: Mapping[str, Any], named: Mapping[str, Any]) -> dict[str, Any]:
    required = schema.get("required", ())
    fields = []
    for field, found in schema["properties"].items():
        types = _types(found, named)
        if field in required:
            fields.append({"name": field, "type": types[0]})
        else:
            rest = [each for each in types if each != "null"]
            fields.append({"name": field, "type": ["null", *rest], "default": None})
    return {"type": "record", "name": name, "fields": fields}


def _types(schema: Mapping[str, Any], named: Mapping[str, Any]) -> list[Any]:
    if "anyOf" in schema:
        return [kind for each in schema["anyOf"] for kind in _types(each, named)]
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return [_record(name, named[name], named)]
    if schema["type"] == "array":
        return [{"type": "array", "items": _types(schema["items"], named)[0]}]
    if schema.get("format") == "date-time":
        return [_TIME]
    return [_PLAIN.get(schema["type"], schema["type"])]
