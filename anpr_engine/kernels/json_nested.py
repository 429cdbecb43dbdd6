"""Nested JSON values of a read: skipped when unknown, checked member by member when known.

One loop without recursion: it keeps, for every open level, what that level is (a node, such as
`_CHARACTER`, or `UNKNOWN`) and whether it is an object, in five bits a level. What the loop accepts
is valid JSON and fits the model in `records.read`; the rest is left to the careful path: deeper
nesting, a member given twice, escapes where the text is used, texts that may be too long.

Why a kernel of its own that `scan_reads` calls: inlined it slowed the scan of plain reads by 4 %
and doubled the time to compile.
"""

import numpy as np
from numpy.typing import NDArray

from anpr_engine.kernels._jit import Word, given, helper, i64, kernel, u8, written
from anpr_engine.kernels.json_fields import FIELDS, NESTED
from anpr_engine.kernels.json_text import any_string_end, number, skip_space, word_end

LEVELS_MAX = 8
"""Deepest nesting of one value; the read around it is one level more."""

UNKNOWN = 0
"""A node that may be any valid JSON."""
_POSITION = 1
_VEHICLE = 2
_CHARACTERS = 3
_CANDIDATES = 4
_CHARACTER = 5
_CANDIDATE = 6
_LATITUDE = 7
_LONGITUDE = 8
_SHARE = 9
_SYMBOL = 10
_OTHER_PLATE = 11
_TRAIT = 12
_SECOND_NAME = 13
_NODES = 14

_ARRAY = 1
_OBJECT = 2
_SHAPES = np.zeros(_NODES, dtype=np.int64)
"""Which brackets may open a node; none for leaves."""
_SHAPES[[_POSITION, _VEHICLE, _CHARACTER, _CANDIDATE]] = _OBJECT
_SHAPES[[_CHARACTERS, _CANDIDATES]] = _ARRAY
_SHAPES[UNKNOWN] = _ARRAY | _OBJECT

_ELEMENTS = np.zeros(_NODES, dtype=np.int64)
"""What stands in an array."""
_ELEMENTS[_CHARACTERS] = _CHARACTER
_ELEMENTS[_CANDIDATES] = _CANDIDATE

_ELEMENTS_MAX = np.full(_NODES, 64, dtype=np.int64)
"""How many characters or candidates there may be when a node opens."""
_ELEMENTS_MAX[_CHARACTER] = 32

_TEXT_BYTES = np.full((_NODES, 2), (1, 0), dtype=np.int64)
"""Shortest and longest text, in bytes as written: a safe subset of the model's characters."""
_TEXT_BYTES[UNKNOWN] = (0, 2**31)
_TEXT_BYTES[_SYMBOL] = (1, 4)
_TEXT_BYTES[_OTHER_PLATE] = (0, 256)
_TEXT_BYTES[_TRAIT] = (0, 64)

_RANGES = np.full((_NODES, 2), (1.0, 0.0), dtype=np.float64)
"""Smallest and largest number."""
_RANGES[UNKNOWN] = (-np.inf, np.inf)
_RANGES[_LATITUDE] = (-90, 90)
_RANGES[_LONGITUDE] = (-180, 180)
_RANGES[_SHARE] = (0, 1)

_MEMBERS: tuple[tuple[int, str, int], ...] = (
    (_POSITION, "lat", _LATITUDE),
    (_POSITION, "lon", _LONGITUDE),
    (_VEHICLE, "class", _TRAIT),
    (_VEHICLE, "make", _TRAIT),
    (_VEHICLE, "model", _TRAIT),
    (_VEHICLE, "colour", _TRAIT),
    # The model takes this for `class` too; which of the two counts is the careful path's matter.
    (_VEHICLE, "vehicle_class", _SECOND_NAME),
    (_CHARACTER, "char", _SYMBOL),
    (_CHARACTER, "confidence", _SHARE),
    (_CANDIDATE, "plate", _OTHER_PLATE),
    (_CANDIDATE, "confidence", _SHARE),
)
"""Members of the known objects: whose, name, what the value must be; an object's stand together."""

CANDIDATE_PLATE = 9
CANDIDATE_CONFIDENCE = 10
"""Places in the table of members."""

_OWNERS = np.array([owner for owner, *_ in _MEMBERS], dtype=np.int64)
_MEMBER_NODES = np.array([node for *_, node in _MEMBERS], dtype=np.int64)
_LENGTHS = np.array([len(name) for _, name, _ in _MEMBERS], dtype=np.int64)
_NAMES = np.zeros((len(_MEMBERS), int(_LENGTHS.max())), dtype=np.uint8)
for _place, (_, _name, _) in enumerate(_MEMBERS):
    _NAMES[_place, : len(_name)] = np.frombuffer(_name.encode(), dtype=np.uint8)

_FIRST_MEMBERS = np.zeros(_NODES, dtype=np.int64)
for _node in (_POSITION, _VEHICLE, _CHARACTER, _CANDIDATE):
    _FIRST_MEMBERS[_node] = _OWNERS.tolist().index(_node)

_REQUIRED = np.zeros(_NODES, dtype=np.int64)
"""Bits of the members that an object must have; a vehicle's are all optional."""
for _place, _owner in enumerate(_OWNERS.tolist()):
    _REQUIRED[_owner] |= 0 if _owner == _VEHICLE else 1 << _place

_FIELD_NODES = {
    "characters": _CHARACTERS,
    "candidates": _CANDIDATES,
    "position": _POSITION,
    "vehicle": _VEHICLE,
}
FIELD_NODES = np.array(
    [_FIELD_NODES[name] if kind == NESTED else _SECOND_NAME for name, kind, *_ in FIELDS],
    dtype=np.int64,
)
"""Which node the value of a known field is; one that opens nothing for plain fields."""

_QUOTE = 0x22
_NULL = np.frombuffer(b"null", dtype=np.uint8)
_TRUE = np.frombuffer(b"true", dtype=np.uint8)
_FALSE = np.frombuffer(b"false", dtype=np.uint8)


@helper
def member_of(buffer: NDArray[np.uint8], start: int, length: int, first: int) -> Word:
    """Find a name among the members of the object whose first member is given; -1 when unknown."""
    place = first
    while place < _OWNERS.shape[0] and _OWNERS[place] == _OWNERS[first]:
        if _LENGTHS[place] == length:
            step = 0
            while step < length and buffer[start + step] == _NAMES[place, step]:
                step += 1
            if step == length:
                return place
        place += 1
    return -1


@helper
def _leaf_end(buffer: NDArray[np.uint8], position: int, end: int, node: int) -> Word:
    # A text, number or word that a node may be.
    if position >= end:
        return -1
    byte = buffer[position]
    if byte == _QUOTE:
        closing, escaped = any_string_end(buffer, position + 1, end)
        length = closing - position - 1
        if closing < 0 or not _TEXT_BYTES[node, 0] <= length <= _TEXT_BYTES[node, 1]:
            return -1
        return -1 if escaped and node not in (UNKNOWN, _TRAIT) else closing + 1
    if byte == 0x6E:
        return word_end(buffer, position, end, _NULL) if node in (UNKNOWN, _TRAIT) else -1
    if byte in (0x74, 0x66):
        word = _TRUE if byte == 0x74 else _FALSE
        return word_end(buffer, position, end, word) if node == UNKNOWN else -1
    after, value, _ = number(buffer, position, end)
    return after if _RANGES[node, 0] <= value <= _RANGES[node, 1] else -1


@helper
def _name_end(
    buffer: NDArray[np.uint8], position: int, end: int, owner: int, seen: Word
) -> tuple[Word, Word, Word]:
    # A member's name and colon: where its value begins, what that must be, which were seen.
    if position >= end or buffer[position] != _QUOTE:
        return -1, UNKNOWN, seen
    closing, escaped = any_string_end(buffer, position + 1, end)
    if closing < 0 or (escaped and owner != UNKNOWN):
        return -1, UNKNOWN, seen
    colon = skip_space(buffer, closing + 1, end)
    if colon >= end or buffer[colon] != 0x3A:
        return -1, UNKNOWN, seen
    value = skip_space(buffer, colon + 1, end)
    if owner == UNKNOWN:
        return value, UNKNOWN, seen
    start = position + 1
    member = member_of(buffer, start, closing - start, _FIRST_MEMBERS[owner])
    if member < 0:
        return value, UNKNOWN, seen
    if (seen >> member) & 1:
        return -1, UNKNOWN, seen
    return value, _MEMBER_NODES[member], seen | (1 << member)


@helper
def _comma_end(buffer: NDArray[np.uint8], position: int, end: int) -> Word:
    if position >= end or buffer[position] != 0x2C:
        return -1
    return skip_space(buffer, position + 1, end)


@kernel(given(u8), i64, i64, i64, written(i64))
def nested_end(
    buffer: NDArray[np.uint8], position: int, end: int, node: int, found: NDArray[np.int64]
) -> None:
    """Find the end of an object or array that is what a node must be.

    Args:
        buffer: uint8 (bytes,).
        position: where the opening bracket stands.
        end: where the read ends.
        node: one of `FIELD_NODES`, or `UNKNOWN`: any valid JSON.
        found: int64 (1 or more,), first written: the position after the value, or -1.

    """
    found[0] = -1
    below, top, seen = 0, 0, 0
    levels, elements = 0, 0
    while True:
        opened = position < end and buffer[position] in (0x7B, 0x5B)
        if opened:
            is_object = 1 if buffer[position] == 0x7B else 0
            if node >= _CHARACTER:
                seen, elements = 0, elements + 1
            shaped = (_SHAPES[node] >> is_object) & 1
            if not shaped or levels == LEVELS_MAX or elements > _ELEMENTS_MAX[node]:
                return
            below = below << 5 | top
            top = node * 2 + is_object
            levels += 1
            position += 1
        else:
            position = _leaf_end(buffer, position, end, node)
            if position < 0:
                return
        position = skip_space(buffer, position, end)
        while position < end and buffer[position] == (0x7D if top & 1 else 0x5D):
            if (seen & _REQUIRED[top >> 1]) != _REQUIRED[top >> 1]:
                return
            levels -= 1
            if levels == 0:
                found[0] = position + 1
                return
            top, below, opened = below & 31, below >> 5, False
            position = skip_space(buffer, position + 1, end)
        if not opened:
            position = _comma_end(buffer, position, end)
        node = _ELEMENTS[top >> 1]
        if position >= 0 and top & 1:
            position, node, seen = _name_end(buffer, position, end, top >> 1, seen)
        if position < 0:
            return
