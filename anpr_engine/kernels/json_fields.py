"""The fields of a read as the JSON scanner knows them: names, kinds, bounds.

Field numbers index every array here. A name is recognised by a small hash of its length and two
of its bytes, then compared in full; the table is built here and checked to be free of collisions.
"""

import numpy as np
from numpy.typing import NDArray

TEXT = 0
NUMBER = 1
TIME = 2
COUNTRY = 3
LANE = 4
NESTED = 5

READ_ID = 0
CAMERA_ID = 1
CAPTURED_AT = 2
PLATE = 3
COUNTRY_CONFIDENCE = 5
CONFIDENCE = 6
CHARACTERS = 14
CANDIDATES = 15

FIELDS: tuple[tuple[str, int, float, float], ...] = (
    ("read_id", TEXT, 1, 64),
    ("camera_id", TEXT, 1, 64),
    ("captured_at", TIME, 0, 0),
    ("plate", TEXT, 0, 65_536),
    ("country", COUNTRY, 0, 0),
    ("country_confidence", NUMBER, 0, 1),
    ("confidence", NUMBER, 0, 1),
    ("lane", LANE, 0, 64),
    ("direction", TEXT, 0, 64),
    ("heading_deg", NUMBER, 0, 360),
    ("speed_kmh", NUMBER, 0, 1000),
    ("image_ref", TEXT, 0, 2048),
    ("passage_id", TEXT, 0, 64),
    ("sent_at", TIME, 0, 0),
    ("characters", NESTED, 0, 0),
    ("candidates", NESTED, 0, 0),
    ("position", NESTED, 0, 0),
    ("vehicle", NESTED, 0, 0),
)
"""Name, kind, and bounds: bytes for text (a safe subset of characters), the value for numbers."""

REQUIRED = 0b1111
"""Bits of the four required fields."""

NAME_BYTES_MIN = 4
NAME_BYTES_MAX = 18
_SLOTS = 64


def name_slot(length: int, first: int, second: int) -> int:
    """Hash a name by its length and first two bytes to a slot of `SLOT_FIELDS`."""
    return (length + first + second * 10) % _SLOTS


def _slot_fields() -> NDArray[np.int64]:
    slots = np.full(_SLOTS, -1, dtype=np.int64)
    for field, (name, *_) in enumerate(FIELDS):
        slot = name_slot(len(name), ord(name[0]), ord(name[1]))
        if slots[slot] != -1:
            raise AssertionError(f"{name} and {FIELDS[slots[slot]][0]} share a slot")
        slots[slot] = field
    return slots


def _name_bytes() -> NDArray[np.uint8]:
    names = np.zeros((len(FIELDS), NAME_BYTES_MAX), dtype=np.uint8)
    for field, (name, *_) in enumerate(FIELDS):
        names[field, : len(name)] = np.frombuffer(name.encode(), dtype=np.uint8)
    return names


SLOT_FIELDS = _slot_fields()
NAMES = _name_bytes()
NAME_LENGTHS = np.array([len(name) for name, *_ in FIELDS], dtype=np.int64)
KINDS = np.array([kind for _, kind, *_ in FIELDS], dtype=np.int64)
LOWEST = np.array([low for *_, low, _ in FIELDS], dtype=np.float64)
HIGHEST = np.array([high for *_, high in FIELDS], dtype=np.float64)
