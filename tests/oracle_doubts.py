"""The naive twins of the kernels that read what a reader doubted: nested values, candidates.

A twin has the kernel's name and gives its outputs instead of writing them.
"""

import json
from collections.abc import Sequence
from typing import NamedTuple

from anpr_engine.plates.normaliser import normalise
from anpr_engine.records.parse import ReadRefused, parse_read

CANDIDATES_MAX = 10

_PLAIN = (
    b'{"read_id":"r1","camera_id":"c1","captured_at":"2026-11-22T08:00:00Z","plate":"1-ABC-123",'
)


class Candidate(NamedTuple):
    """Another reading of one read, by row and rank, as its text or key."""

    read: int
    rank: int
    confidence_ppm: int
    text: str


def nested_end(value: bytes, field: str) -> int:
    """Parse the value at the start; give where it ends, or -1 when no read may hold it."""
    text = value.decode(errors="surrogateescape")
    try:
        _, end = json.JSONDecoder().raw_decode(text)
        raw = text[:end].encode(errors="surrogateescape")
        parse_read(_PLAIN + json.dumps(field).encode() + b":" + raw + b"}")
    except (ValueError, RecursionError, ReadRefused):
        return -1
    return len(raw)


def scan_candidates(values: Sequence[bytes]) -> list[Candidate]:
    """Parse each value with care and list the first candidates of those that are reads."""
    return [
        Candidate(row, rank, int(other.confidence * 1e6 + 0.5), other.plate)
        for row, value in enumerate(values)
        if is_read(value)
        for rank, other in enumerate((parse_read(value).candidates or [])[:CANDIDATES_MAX])
    ]


def offering_rows(lengths: Sequence[int]) -> list[int]:
    """Give the rows of reads whose array of candidates has a length."""
    return [row for row, length in enumerate(lengths) if length]


def is_read(value: bytes) -> bool:
    """Say whether the careful path takes a value."""
    try:
        parse_read(value)
    except ReadRefused:
        return False
    return True


def candidates_of(
    values: Sequence[bytes], characters_min: int
) -> list[tuple[int, int, float, int]]:
    """Give row, rank, confidence and key of every candidate that can match."""
    found = [
        (each.read, each.rank, each.confidence_ppm / 1e6, normalise(each.text, characters_min).key)
        for each in scan_candidates(values)
    ]
    return [each for each in found if each[-1] != 0]


def characters_of(value: bytes) -> list[tuple[str, float]]:
    """Give the characters of a read with their confidences."""
    return [(each.char, each.confidence) for each in parse_read(value).characters or []]
