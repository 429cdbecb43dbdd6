"""One JSON read, looked at with care: accepted whole, or refused with a named reason.

This path decides what the scanner in `kernels.json_scan` leaves open, and it alone refuses reads.
Syntax and duplicate names are checked by the standard library, types and bounds by the model.
"""

import json
import re
from collections import Counter
from typing import Any, NoReturn

from pydantic import ValidationError

from anpr_engine.records.read import READ_BYTES_MAX, PlateRead
from anpr_engine.records.rejected_read import RejectReason

DEPTH_MAX = 16
"""Deepest nesting accepted; a read of version 1 needs three levels."""

_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_RANGE_ERRORS = frozenset(
    {
        "greater_than_equal",
        "less_than_equal",
        "string_too_long",
        "string_too_short",
        "too_long",
        "too_short",
    }
)
_KNOWN_FIELDS = frozenset(PlateRead.model_fields)


class ReadRefused(ValueError):
    """A record that is no read; says why without quoting it."""

    def __init__(self, reason: RejectReason, detail: str) -> None:
        """Keep the reason and the field or rule that failed."""
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


def _depth(text: str) -> int:
    deepest = depth = 0
    for character in _STRING.sub("", text):
        if character in "{[":
            depth += 1
            deepest = max(deepest, depth)
        elif character in "}]":
            depth -= 1
    return deepest


def _refuse_constant(name: str) -> NoReturn:
    raise ReadRefused(RejectReason.NOT_JSON, f"{name} is no JSON number")


def _load(text: str) -> None:
    repeated: set[str] = set()

    def keep(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        # Called innermost first, so what stays is what the outermost object repeats.
        found = dict(pairs)
        repeated.clear()
        if len(found) < len(pairs):
            counts = Counter(name for name, _ in pairs)
            repeated.update(name for name, times in counts.items() if times > 1)
        return found

    try:
        loaded = json.loads(text, object_pairs_hook=keep, parse_constant=_refuse_constant)
    except ReadRefused:
        raise
    except ValueError as error:
        place = getattr(error, "pos", 0)
        raise ReadRefused(RejectReason.NOT_JSON, f"at character {place}") from None
    if not isinstance(loaded, dict):
        raise ReadRefused(RejectReason.NOT_AN_OBJECT, "the record is no JSON object")
    twice = sorted(repeated & _KNOWN_FIELDS)
    if twice:
        raise ReadRefused(RejectReason.DUPLICATE_FIELD, twice[0])


def _refusal(error: ValidationError) -> ReadRefused:
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    field = ".".join(str(step) for step in first["loc"])
    top = str(first["loc"][0]) if first["loc"] else ""
    if first["type"] == "missing":
        return ReadRefused(RejectReason.FIELD_MISSING, field)
    if top == "country":
        return ReadRefused(RejectReason.BAD_COUNTRY, field)
    if top in ("captured_at", "sent_at"):
        return ReadRefused(RejectReason.BAD_TIME, field)
    if first["type"] in _RANGE_ERRORS:
        return ReadRefused(RejectReason.OUT_OF_RANGE, field)
    if first["type"] == "json_invalid":
        return ReadRefused(RejectReason.NOT_JSON, "text that is no valid Unicode")
    return ReadRefused(RejectReason.WRONG_TYPE, field)


def parse_read(value: bytes) -> PlateRead:
    """Read one record's value.

    Raises:
        ReadRefused: names why the value is no read of version 1.

    """
    if not value.strip():
        raise ReadRefused(RejectReason.EMPTY, "the record holds nothing")
    if len(value) > READ_BYTES_MAX:
        raise ReadRefused(RejectReason.OVERSIZED, f"over {READ_BYTES_MAX} bytes")
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ReadRefused(RejectReason.NOT_UTF8, f"at byte {error.start}") from None
    if text.count("{") + text.count("[") > DEPTH_MAX and _depth(text) > DEPTH_MAX:
        raise ReadRefused(RejectReason.TOO_DEEP, f"over {DEPTH_MAX} levels")
    _load(text)
    try:
        return PlateRead.model_validate_json(text)
    except ValidationError as error:
        raise _refusal(error) from None
