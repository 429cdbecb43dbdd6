"""The naive twins: what every kernel does, written so that it can be read at a glance.

A twin has the kernel's name and gives its outputs instead of writing them. `matches` is the twin
of the whole pipeline: dictionaries and dates, no filter, no table, no numba.
"""

import csv
import json
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from anpr_engine.plates.normaliser import Normalised, normalise
from anpr_engine.records.parse import ReadRefused, parse_read
from anpr_engine.records.read import PlateRead
from anpr_engine.records.watchlist_entry import WatchlistEntry

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÜ"


def plate_keys(texts: Sequence[str], characters_min: int) -> list[Normalised]:
    """Normalise by the complete path."""
    return [normalise(text, characters_min) for text in texts]


def key_of(text: str) -> int:
    """Read a canonical text of up to twelve characters as a number in base 40."""
    return sum(
        (ALPHABET.index(character) + 1) * 40**power
        for power, character in enumerate(reversed(text))
    )


def filter_add(keys: Iterable[int]) -> set[int]:
    """Remember the members themselves."""
    return set(keys)


def filter_rows(keys: Iterable[int], members: set[int]) -> list[int]:
    """Say for sure who is a member."""
    return [row for row, key in enumerate(keys) if key in members]


def table_build(keys: Sequence[int]) -> dict[int, int]:
    """Map each distinct key to its first row."""
    first: dict[int, int] = {}
    for row, key in enumerate(keys):
        first.setdefault(key, row)
    return first


def find_listed(keys: Sequence[int], listed: Sequence[int]) -> list[tuple[int, int]]:
    """Compare everything with everything."""
    return [
        (read, row)
        for read, key in enumerate(keys)
        for row, other in enumerate(listed)
        if key == other and key != 0
    ]


def plate_forms(texts: Sequence[str], keys: Sequence[int]) -> list[tuple[int, str] | None]:
    """Give each plate's separator places and separator; None where its key does not suffice."""
    return [_form(text, key) for text, key in zip(texts, keys, strict=True)]


def _form(text: str, key: int) -> tuple[int, str] | None:
    separators = [character for character in text if character not in ALPHABET[:36]]
    canonical = "".join(character for character in text if character in ALPHABET[:36])
    one_kind = len(set(separators)) < 2 and all(" " <= each <= "~" for each in separators)
    if len(text) > 16 or len(canonical) > 12 or not one_kind or key_of(canonical) != key:
        return None
    places = sum(1 << place for place, each in enumerate(text) if each in separators)
    return places, separators[0] if separators else "\0"


def scan_reads(values: Sequence[bytes]) -> list[PlateRead | None]:
    """Parse each value with care; None for what is no read."""
    reads: list[PlateRead | None] = []
    for value in values:
        try:
            reads.append(parse_read(value))
        except ReadRefused:
            reads.append(None)
    return reads


def plain_key(plate: str) -> str | None:
    """Give a plain plate's canonical text by regular expression; None when it is not plain."""
    text = re.sub(r"[^0-9A-Z]", "", plate.upper())
    return text if plate.isascii() and not set("?*") & set(plate) else None


def same_vehicle(read: PlateRead, entry: WatchlistEntry, characters_min: int) -> bool:
    """Say whether a read is of the listed plate: same text, no contradiction of countries."""
    seen, listed = normalise(read.plate, characters_min), normalise(entry.plate)
    if not seen.usable or not listed.usable or seen.text != listed.text:
        return False
    countries = {(read.country or "").upper(), (entry.country or "").upper()} - {""}
    return len(countries) < 2


def matches(
    values: Sequence[bytes],
    entries: Sequence[WatchlistEntry],
    now: datetime,
    characters_min: int = 4,
) -> set[tuple[str, str, str]]:
    """Give (read_id, list_id, entry_id) of every read of a listed vehicle in force."""
    by_text: dict[str, list[WatchlistEntry]] = {}
    for entry in {(entry.list_id, entry.entry_id): entry for entry in entries}.values():
        by_text.setdefault(normalise(entry.plate).text, []).append(entry)
    found = set()
    for read in scan_reads(values):
        if read is None:
            continue
        for entry in by_text.get(normalise(read.plate).text, []):
            in_force = entry.in_force(read.captured_at) and (
                entry.valid_until is None or now < entry.valid_until
            )
            if in_force and same_vehicle(read, entry, characters_min):
                found.add((read.read_id, entry.list_id, entry.entry_id))
    return found


def loads(value: bytes) -> object:
    """Parse JSON with the standard library."""
    return json.loads(value)


def file_matches(reads: Path, watchlist: Path) -> set[tuple[str, str, str]]:
    """Match a JSON lines file against a CSV file, both read with the standard library."""
    values = reads.read_bytes().splitlines()
    with watchlist.open(newline="", encoding="utf-8") as stream:
        rows = [
            {name: cell for name, cell in row.items() if cell} for row in csv.DictReader(stream)
        ]
    entries = [WatchlistEntry.model_validate(row) for row in rows]
    return matches(values, entries, datetime.fromtimestamp(0, UTC))
