"""Avro schemas as programs for `kernels.avro`: what stands in a datum, and what JSON it becomes.

Any schema will do that describes one read or an array of reads, whatever else it holds: fields
are known by name. A field without value is left out; bytes become null, for no field of a read
holds any.
"""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from anpr_engine.errors import UsageError
from anpr_engine.kernels._jit import kept
from anpr_engine.kernels.avro import (
    BLOCKS,
    BOOLEAN,
    CHOICE,
    CLOSE,
    DEPTH_MAX,
    DONE,
    DOUBLE,
    FLOAT,
    JUMP,
    LITERAL,
    LONG,
    LOOP,
    READ_END,
    SKIP,
    SKIP_BYTES,
    STRING,
    TIME,
    AvroProgram,
)

STEPS_MAX = 20_000
_NESTING_MAX = 32
_PLAIN = {
    "boolean": BOOLEAN,
    "int": LONG,
    "long": LONG,
    "float": FLOAT,
    "double": DOUBLE,
    "string": STRING,
}
_TIMES = {"timestamp-millis": (1000, 1), "timestamp-micros": (1, 1), "timestamp-nanos": (1, 1000)}
"""Multiplier and divisor to microseconds."""


def compile_schema(text: str | bytes, name: str) -> AvroProgram:
    """Make the program of a schema.

    Args:
        text: the schema as JSON.
        name: where it comes from, for the message.

    Raises:
        UsageError: it is no Avro schema, or not one of reads.

    """
    try:
        return _Compiler().program(json.loads(text))
    except RecursionError:
        problem = "it is nested too deeply"
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        problem = str(error) if isinstance(error, _NoProgram) else "it is no Avro schema"
    raise UsageError(
        f"The Avro schema {name} cannot be used: {problem}.",
        "Give a schema of one read, or of an array of reads, as a .avsc file.",
    )


class _NoProgram(ValueError):
    """A schema that no program can be made of."""


class _Compiler:
    def __init__(self) -> None:
        self._steps: list[list[int]] = []
        # `BOOLEAN` takes its words from here.
        self._literals = bytearray(b"truefalse")
        self._named: dict[str, Any] = {}
        self._open: list[str] = []
        self._nesting = 0

    def program(self, schema: Any) -> AvroProgram:  # noqa: ANN401 - JSON as it was loaded
        is_array = isinstance(schema, dict) and schema.get("type") == "array"
        read = schema["items"] if is_array else schema
        if not isinstance(read, dict) or read.get("type") != "record":
            raise _NoProgram("it describes neither a record nor an array of records")
        if is_array:
            self._blocks(lambda: self._read(read), 0)
        else:
            self._read(read)
        self._add(DONE)
        self._shorten()
        steps = np.array(self._steps, dtype=np.int64)
        return AvroProgram(kept(steps), kept(np.frombuffer(bytes(self._literals), np.uint8)))

    def _shorten(self) -> None:
        # A jump to a jump goes where that one does; all lead forward, so the last is done first.
        for step in reversed(self._steps):
            if step[0] == JUMP and self._steps[step[1]][0] == JUMP:
                step[1] = self._steps[step[1]][1]

    def _read(self, read: Any) -> None:  # noqa: ANN401 - as above
        self._value(read, "", 1)
        self._add(READ_END)

    def _add(self, kind: int, first: int = 0, second: int = 0) -> int:
        if len(self._steps) >= STEPS_MAX:
            raise _NoProgram(f"it takes more than {STEPS_MAX} steps")
        self._steps.append([kind, first, second])
        return len(self._steps) - 1

    def _literal(self, text: str) -> None:
        data = text.encode()
        self._add(LITERAL, len(self._literals), len(data))
        self._literals += data

    def _value(self, schema: Any, space: str, depth: int) -> None:  # noqa: ANN401 - as above
        self._nesting += 1
        if self._nesting > _NESTING_MAX:
            raise _NoProgram(f"it is nested over {_NESTING_MAX} levels deep")
        if isinstance(schema, list):
            self._choice([lambda s=each: self._value(s, space, depth) for each in schema])
        elif isinstance(schema, str):
            self._by_name(schema, space, depth)
        else:
            self._by_type(schema, space, depth)
        self._nesting -= 1

    def _by_name(self, name: str, space: str, depth: int) -> None:
        if name == "null":
            self._literal("null")
        elif name == "bytes":
            self._add(SKIP_BYTES)
            self._literal("null")
        elif name in _PLAIN:
            self._add(_PLAIN[name])
        else:
            full = name if "." in name else f"{space}.{name}".lstrip(".")
            found = full if full in self._named else name
            if found in self._open:
                raise _NoProgram("a type in it contains itself")
            self._by_type(self._named[found], space, depth)

    def _by_type(self, schema: Mapping[str, Any], space: str, depth: int) -> None:
        kind = schema["type"]
        if kind in ("record", "enum", "fixed"):
            self._of_name(schema, kind, space, depth)
        elif kind in ("array", "map"):
            self._collection(schema, space, depth)
        elif kind == "long" and schema.get("logicalType") in _TIMES:
            self._add(TIME, *_TIMES[schema["logicalType"]])
        else:
            self._value(kind, space, depth)

    def _of_name(self, schema: Mapping[str, Any], kind: str, space: str, depth: int) -> None:
        space = schema.get("namespace", space)
        name = schema["name"]
        full = name if "." in name else f"{space}.{name}".lstrip(".")
        space = full.rpartition(".")[0]
        self._named[full] = schema
        if kind == "fixed":
            self._add(SKIP, int(schema["size"]))
            self._literal("null")
        elif kind == "enum":
            words = [json.dumps(str(symbol)) for symbol in schema["symbols"]]
            self._choice([lambda w=word: self._literal(w) for word in words])
        else:
            self._open.append(full)
            self._literal("{")
            for field in schema["fields"]:
                self._field(json.dumps(str(field["name"])), field["type"], space, depth)
            self._add(CLOSE, ord("}"))
            self._open.pop()

    def _field(self, name: str, schema: Any, space: str, depth: int) -> None:  # noqa: ANN401
        def filled(branch: Any) -> None:  # noqa: ANN401 - as above
            self._literal(f"{name}:")
            self._value(branch, space, depth)
            self._literal(",")

        if isinstance(schema, list):
            self._choice(
                [(lambda: None) if each == "null" else lambda s=each: filled(s) for each in schema]
            )
        elif schema != "null":
            filled(schema)

    def _choice(self, branches: list[Any]) -> None:
        self._add(CHOICE, len(branches))
        jumps = [self._add(JUMP) for _ in branches]
        ends = []
        for jump, branch in zip(jumps, branches, strict=True):
            self._steps[jump][1] = len(self._steps)
            branch()
            ends.append(self._add(JUMP))
        for end in ends:
            self._steps[end][1] = len(self._steps)

    def _blocks(self, item: Any, depth: int) -> None:  # noqa: ANN401 - a call without arguments
        if depth >= DEPTH_MAX:
            raise _NoProgram(f"it holds lists over {DEPTH_MAX} levels deep")
        head = self._add(BLOCKS, depth)
        item()
        self._add(LOOP, depth, head + 1)
        self._steps[head][2] = len(self._steps)

    def _collection(self, schema: Mapping[str, Any], space: str, depth: int) -> None:
        is_map = schema["type"] == "map"

        def item() -> None:
            if is_map:
                self._add(STRING)
                self._literal(":")
            self._value(schema["values" if is_map else "items"], space, depth + 1)
            self._literal(",")

        self._literal("{" if is_map else "[")
        self._blocks(item, depth)
        self._add(CLOSE, ord("}" if is_map else "]"))
