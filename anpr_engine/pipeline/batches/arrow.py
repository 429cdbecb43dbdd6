"""The pipeline's door to pyarrow: streams and tables of reads to columns; loaded when needed.

Columns are known by the names that a read's fields have. Only those of a type that a field can
have are taken; the rest of a table is never looked at.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from anpr_engine.kernels.json_fields import (
    COUNTRY,
    FIELDS,
    LANE,
    NUMBER,
    REQUIRED,
    TEXT,
    TIME,
)
from anpr_engine.pipeline.batches.arrow_stream import Stream
from anpr_engine.pipeline.batches.rules import RecordRefused, unreadable
from anpr_engine.records.rejected_read import RejectReason

KINDS: Mapping[str, int] = {name: kind for name, kind, *_ in FIELDS}
_REQUIRED_NAMES = tuple(name for place, (name, *_) in enumerate(FIELDS) if (REQUIRED >> place) & 1)
PARTS: Mapping[str, Mapping[str, int]] = {
    "characters": {"char": TEXT, "confidence": NUMBER},
    "candidates": {"plate": TEXT, "confidence": NUMBER},
    "position": {"lat": NUMBER, "lon": NUMBER},
    "vehicle": {"class": TEXT, "make": TEXT, "model": TEXT, "colour": TEXT},
}
"""What nested fields hold."""
LISTS = frozenset({"characters", "candidates"})
_WANTED = {
    TEXT: "texts",
    NUMBER: "numbers",
    TIME: "timestamps or texts",
    COUNTRY: "texts",
    LANE: "texts or whole numbers",
}
ERRORS = (pa.ArrowException, OSError, ValueError, TypeError, KeyError, MemoryError)
"""What pyarrow raises for damaged input; its own errors are subclasses of several."""


END_MARK = b"\xff\xff\xff\xff\0\0\0\0"


def opened(streams: Sequence[Stream]) -> Any:  # noqa: ANN401 - pyarrow is untyped
    """Open streams of one schema as one table of the fields of a read.

    Raises:
        RecordRefused: names why no reads can be taken from them.

    """
    parts: list[bytes | memoryview] = [
        streams[0].schema,
        *(stream.rest for stream in streams),
        END_MARK,
    ]
    try:
        with pa.ipc.open_stream(pa.py_buffer(b"".join(parts))) as stream:
            table = stream.read_all()
        table = known_columns(table)
        table.validate(full=True)
        table = without_empty(table)
    except RecordRefused:
        raise
    except ERRORS as error:
        raise unreadable(f"the Arrow stream is damaged: {type(error).__name__}") from None
    if table.num_rows != sum(stream.rows for stream in streams):
        raise unreadable("the Arrow stream holds other reads than it says")
    return table


def known_columns(table: Any) -> Any:  # noqa: ANN401 - pyarrow is untyped
    """Keep the columns that are fields of a read, in the order of their names.

    Raises:
        RecordRefused: a required one is missing, one is there twice, or of a wrong type.

    """
    names: Sequence[str] = table.schema.names
    for name in _REQUIRED_NAMES:
        if name not in names:
            raise RecordRefused(RejectReason.FIELD_MISSING, f"no column {name}")
    found = sorted(set(names) & set(KINDS))
    for name in found:
        if names.count(name) > 1:
            raise RecordRefused(RejectReason.DUPLICATE_FIELD, f"two columns {name}")
        problem = _type_problem(name, table.schema.field(name).type)
        if problem:
            raise RecordRefused(RejectReason.WRONG_TYPE, f"column {problem}")
    return table.select(found)


def _type_problem(name: str, kind: Any) -> str:  # noqa: ANN401 - pyarrow is untyped
    # pa.null() is how a column without any value comes.
    if pa.types.is_null(kind):
        return ""
    if name in LISTS:
        if not (pa.types.is_list(kind) or pa.types.is_large_list(kind)):
            return f"{name} holds {kind}, wanted lists"
        kind = kind.value_type
    if name in PARTS:
        return _part_problem(name, kind)
    wanted = KINDS[name]
    fits = _fits(kind, wanted) or (wanted != NUMBER and pa.types.is_string_view(kind))
    return "" if fits else f"{name} holds {kind}, wanted {_WANTED[wanted]}"


def _part_problem(name: str, kind: Any) -> str:  # noqa: ANN401 - pyarrow is untyped
    if not pa.types.is_struct(kind):
        return f"{name} holds {kind}, wanted structs"
    for part, wanted_part in PARTS[name].items():
        if len(kind.get_all_field_indices(part)) > 1:
            return f"{name}.{part} is there twice"
        place = kind.get_field_index(part)
        if place < 0:
            if name != "vehicle":
                return f"{name} has no {part}"
            continue
        held = kind.field(place).type
        lacking = name == "vehicle" and pa.types.is_null(held)
        if not lacking and not _fits(held, wanted_part):
            return f"{name}.{part} holds {held}, wanted {_WANTED[wanted_part]}"
    return ""


def is_text(kind: Any) -> bool:  # noqa: ANN401 - pyarrow is untyped
    """Say whether a type holds texts, a dictionary of texts included."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def without_views(table: Any) -> Any:  # noqa: ANN401 - pyarrow is untyped
    """Copy texts that are views, which few of the library's functions take, to plain ones."""
    for place, field in enumerate(table.schema):
        if pa.types.is_string_view(field.type):
            plain = table.column(place).cast(pa.large_string())
            table = table.set_column(place, field.name, plain)
    return table


def without_empty(table: Any) -> Any:  # noqa: ANN401 - pyarrow is untyped
    """Put a column without any value, once it is known to be sound, as one of the null type."""
    for place, column in enumerate(table.columns):
        if column.null_count == table.num_rows:
            table = table.set_column(place, table.schema.names[place], pa.nulls(table.num_rows))
    return table


def is_number(kind: Any) -> bool:  # noqa: ANN401 - pyarrow is untyped
    """Say whether a type holds numbers that a float64 can take."""
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def _fits(kind: Any, wanted: int) -> bool:  # noqa: ANN401 - pyarrow is untyped
    if wanted == TIME:
        return bool(pa.types.is_timestamp(kind)) or is_text(kind)
    if wanted == NUMBER:
        return is_number(kind)
    return is_text(kind) or (wanted == LANE and is_number(kind))
