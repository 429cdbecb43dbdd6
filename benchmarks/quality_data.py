"""Reads with their truth to judge the matcher by, the public set, and plates to list.

The public set is a file of JSON lines with `truth`, `country`, `read` and `confidence`, named by
the environment variable `ANPR_MISREADS`. Simulated ones are made in `quality_scene`.
"""

import hashlib
import json
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anpr_engine.errors import UsageError
from anpr_engine.records.watchlist_entry import WatchlistEntry
from anpr_engine.simulate.number_plates import draw_plates, is_issued
from anpr_engine.simulate.rendering import SimulatedRead
from anpr_engine.simulate.traffic import Traffic

VARIABLE = "ANPR_MISREADS"
COUNTRY_SHARES = {"NL": 0.44, "BE": 0.38, "DE": 0.11, "LU": 0.04, "FR": 0.03}
TRAFFIC_START = datetime(2025, 6, 2, 12, tzinfo=UTC)
TRAFFIC_PER_S = 1000.0
SURPLUS = 1.15
"""How many more plates are drawn than needed, as some are equal or never issued."""

_LETTERS = {
    "NL": "BDFGHJKLNPRSTVXZ",
    "BE": "ABCDEFGHJKLNPRSTUVXYZ",
    "LU": "ABCDEFGHJKLMNPRSTUVWXYZ",
}
_ANY_LETTER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True, slots=True)
class Seen:
    """One read and its truth; `told` holds the optional fields of a read that its reader gives."""

    truth: str
    country: str
    read: str
    confidence: float
    told: Mapping[str, Any]


def canonical(text: str) -> str:
    """Give a plate's letters and digits alone, in upper case."""
    return "".join(character for character in text.upper() if character.isalnum())


def misreads_path() -> Path | None:
    """Say where the public set lies; None when the environment does not name it."""
    named = os.environ.get(VARIABLE, "")
    return Path(named) if named else None


def rendered(path: Path, count: int) -> list[Seen]:
    """Read the first pairs of a public set.

    Raises:
        UsageError: the file is missing or no such set.

    """
    try:
        with path.open(encoding="utf-8") as lines:
            rows = [json.loads(line) for line in islice(lines, count)]
        return [
            Seen(
                row["truth"],
                row["country"],
                row["read"],
                float(row["confidence"]),
                # The set does not say what country a reader would claim: the true one.
                {"country": row["country"], "confidence": float(row["confidence"])},
            )
            for row in rows
        ]
    except (OSError, ValueError, KeyError, TypeError) as error:
        what = f"The misreads that {VARIABLE} names cannot be read: {type(error).__name__}."
        remedy = "It must be JSON lines with truth, country, read and confidence."
        raise UsageError(what, remedy) from None


def vehicles(count: int, seed: int = 1) -> list[tuple[str, str]]:
    """Draw vehicles, no two with one plate: (plate as printed, country)."""
    rng = np.random.default_rng([seed, 4])
    return list(islice(_drawn(rng, count), count))


def _drawn(rng: np.random.Generator, count: int) -> Iterator[tuple[str, str]]:
    taken: set[str] = set()
    while True:
        drawn: list[tuple[str, str]] = []
        for country, share in COUNTRY_SHARES.items():
            wanted = int(count * share * SURPLUS) + 1
            drawn += [(plate, country) for plate in draw_plates(rng, country, "car", wanted)]
        for place in rng.permutation(len(drawn)).tolist():
            plate, country = drawn[place]
            if canonical(plate) not in taken and is_issued(plate, country):
                taken.add(canonical(plate))
                yield plate, country


def value_of(row: int, seen: Seen, fields: Collection[str]) -> bytes:
    """Write one read as JSON with some of the fields that its reader could give."""
    value: dict[str, Any] = {
        "read_id": str(row),
        "camera_id": "bench",
        "captured_at": "2025-06-01T02:15:30Z",
        "plate": seen.read,
    }
    value |= {name: told for name, told in seen.told.items() if name in fields}
    return json.dumps(value).encode()


def fill(seen: list[Seen], count: int, seed: int = 1) -> list[tuple[str, str]]:
    """Draw plates of the same shapes as the vehicles', none of them one of these: (plate, country).

    A watchlist is as dense around a read as real ones of its size only if its plates are alike.
    """
    rng = np.random.default_rng([seed, 2])
    taken = {canonical(each.truth) for each in seen}
    found: list[tuple[str, str]] = []
    while len(found) < count:
        places = rng.integers(0, len(seen), count).tolist()
        for place in places:
            plate = _alike(rng, seen[place].truth, seen[place].country)
            text = canonical(plate)
            if text not in taken and len(found) < count:
                taken.add(text)
                found.append((plate, seen[place].country))
    return found


def _alike(rng: np.random.Generator, plate: str, country: str) -> str:
    drawn = ""
    draws = rng.random(len(plate)).tolist()
    for place, (character, draw) in enumerate(zip(plate, draws, strict=True)):
        choice = _choice(plate, place, country, drawn)
        drawn += choice[int(draw * len(choice))] if choice else character
    return drawn


def _choice(plate: str, place: int, country: str, drawn: str) -> str:
    """Give what may stand instead of a character; empty: it stays."""
    character = plate[place]
    if character.isdigit():
        index_digit = country == "BE" and place == 0 and plate[1:2] == "-"
        first = country == "DE" and not drawn[-1:].isdigit()
        return "" if index_digit else "123456789" if first else "0123456789"
    district = country == "DE" and "-" not in drawn
    stays = district or not character.isalpha()
    return "" if stays else _LETTERS.get(country, _ANY_LETTER)


def entries_of(
    plates: Sequence[tuple[str, str]], looks: Sequence[tuple[str, str]] = ()
) -> list[WatchlistEntry]:
    """List plates, without end; the entry ids are their places.

    Args:
        plates: (plate, country).
        looks: (make, colour) of each, where the list tells any.

    """
    told = looks or [("", "")] * len(plates)
    return [
        WatchlistEntry.model_construct(
            entry_id=str(place),
            list_id="bench-list",
            plate=plate,
            country=country,
            vehicle_make=make,
            vehicle_colour=colour,
        )
        for place, ((plate, country), (make, colour)) in enumerate(zip(plates, told, strict=True))
    ]


def ordinary(count: int, seed: int = 1) -> list[SimulatedRead]:
    """Give reads of ordinary traffic at noon, 3 in 100 misread, as the cameras send them."""
    blocks = Traffic(seed, TRAFFIC_START, TRAFFIC_PER_S).blocks(10.0)
    return list(islice((read for block in blocks for read in block), count))


def pairs_digest(seen: list[Seen]) -> str:
    """Name a set of reads by everything that is in it."""
    digest = hashlib.blake2b(digest_size=8)
    for each in seen:
        row = [each.truth, each.country, each.read, each.confidence, each.told]
        digest.update(json.dumps(row).encode())
    return digest.hexdigest()


def words_digest(words: NDArray[np.uint32]) -> str:
    """Name a filter by its words."""
    return hashlib.blake2b(words.tobytes(), digest_size=8).hexdigest()


def plates_digest(plates: Sequence[Any]) -> str:
    """Name a watchlist by its plates and countries, and what else it tells of each."""
    return hashlib.blake2b(json.dumps(plates).encode(), digest_size=8).hexdigest()


def traffic_digest(reads: list[SimulatedRead]) -> str:
    """Name traffic by the bytes of its reads."""
    digest = hashlib.blake2b(digest_size=8)
    for read in reads:
        digest.update(read.json_bytes)
    return digest.hexdigest()


def places_of(texts: list[str]) -> NDArray[np.int64]:
    """Turn entry ids of `entries_of` back into places: int64 (n,)."""
    return np.array(texts, dtype=np.int64)
