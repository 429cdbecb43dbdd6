"""The simulated set: vehicles on their way past a camera, and what list and register say of them.

One set for everything that is judged on simulated reads: what they tell is left out field by
field, and the later reads of a passage may be, so that nothing differs but the evidence.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anpr_engine.kernels.plate_text import plate_keys
from anpr_engine.plates.issued import IssuedPlates, issued_plates
from anpr_engine.simulate.number_plates import draw_plates
from anpr_engine.simulate.passage_reads import PassageRead, passage_reads
from anpr_engine.simulate.vehicles import Vehicle, draw_looks
from benchmarks.quality_data import Seen, canonical, vehicles

MISREAD_SHARE = 0.4
"""First reads that are wrong: far more than on the road, so that recall is worth a figure."""
LISTED_MAKE_SHARE, LISTED_COLOUR_SHARE = 0.7, 0.6
"""Entries that tell make and colour."""
OTHER_CAR_SHARE = 0.03
"""Entries that tell those of another car: typed wrong, painted since, or the plate was moved."""
REGISTER_COUNTRY = "NL"
UNREGISTERED_SHARE = 0.015
"""Vehicles that are newer than the register, or on plates that nobody issued."""
_CHUNK = 500_000


@dataclass(frozen=True, slots=True)
class Scene:
    """Passages of vehicles, no two with one plate; the first read of each, and the later ones.

    later: with the place of their vehicle.
    """

    vehicles: list[Vehicle]
    first: list[Seen]
    later: list[tuple[int, Seen]]


def scene(count: int, seed: int = 1) -> Scene:
    """Draw vehicles, and what a camera makes of each."""
    rng = np.random.default_rng([seed, 1])
    looks = draw_looks(rng, "car", count)
    cars = [
        Vehicle(canonical(printed), printed, country, "car", *look)
        for (printed, country), look in zip(vehicles(count, seed), looks, strict=True)
    ]
    wrong = (rng.random(count) < MISREAD_SHARE).tolist()
    first: list[Seen] = []
    later: list[tuple[int, Seen]] = []
    for place, (car, is_wrong) in enumerate(zip(cars, wrong, strict=True)):
        reads = [_seen(car, read) for read in passage_reads(rng, car, misread_first=is_wrong)]
        first.append(reads[0])
        later += [(place, read) for read in reads[1:]]
    return Scene(cars, first, later)


def _seen(car: Vehicle, read: PassageRead) -> Seen:
    told: dict[str, Any] = {
        "confidence": read.confidence,
        "characters": [{"char": char, "confidence": sure} for char, sure in read.characters],
    }
    if read.country:
        told["country"] = read.country
    if read.candidates:
        told["candidates"] = [
            {"plate": plate, "confidence": sure} for plate, sure in read.candidates
        ]
    look = {name: seen for name, seen in (("make", read.make), ("colour", read.colour)) if seen}
    if look:
        told["vehicle"] = look
    return Seen(car.printed, car.country, read.plate, read.confidence, told)


def listed_looks(cars: Sequence[Vehicle], others: int, seed: int = 1) -> list[tuple[str, str]]:
    """Draw the make and colour that a list tells, of vehicles and of others: empty where none."""
    rng = np.random.default_rng([seed, 5])
    drawn = draw_looks(rng, "car", others + len(cars))
    draws = rng.random((len(drawn), 3)).tolist()
    found = []
    for place, (look, (make, colour, other)) in enumerate(zip(drawn, draws, strict=True)):
        own = place < len(cars) and other >= OTHER_CAR_SHARE
        listed = (cars[place].make, cars[place].colour) if own else (look[0], look[2])
        found.append(
            (
                listed[0] if make < LISTED_MAKE_SHARE else "",
                listed[1] if colour < LISTED_COLOUR_SHARE else "",
            )
        )
    return found


def register(plates: Sequence[tuple[str, str]], count: int, seed: int = 1) -> IssuedPlates:
    """Make a register as dense as a real one: of nearly all these plates, and of strangers.

    Args:
        plates: (plate, country) that drive or are listed; those of other countries are left out.
        count: how many strangers are drawn; some are drawn twice.
        seed: of what is drawn.

    """
    rng = np.random.default_rng([seed, 6])
    mine = [plate for plate, country in plates if country == REGISTER_COUNTRY]
    there = rng.random(len(mine)) >= UNREGISTERED_SHARE
    parts = [_keys([plate for plate, is_there in zip(mine, there, strict=True) if is_there])]
    parts += [_keys(drawn) for drawn in _strangers(rng, count)]
    return issued_plates(REGISTER_COUNTRY, np.unique(np.concatenate(parts)))


def _strangers(rng: np.random.Generator, count: int) -> Iterator[list[str]]:
    for start in range(0, count, _CHUNK):
        yield draw_plates(rng, REGISTER_COUNTRY, "car", min(_CHUNK, count - start))


def _keys(plates: list[str]) -> NDArray[np.uint64]:
    buffer = np.frombuffer("".join(plates).encode("ascii"), dtype=np.uint8)
    lengths = np.array([len(plate) for plate in plates], dtype=np.int32)
    spans = np.column_stack([np.cumsum(lengths, dtype=np.int32) - lengths, lengths])
    keys = np.empty(len(plates), dtype=np.uint64)
    plate_keys(buffer, spans, 1, keys, np.empty(len(plates), dtype=np.uint8))
    return keys
