"""The fleet: every vehicle on the simulated roads, with its plate, its looks and its home.

Why: the fleet is as large whatever the rate, so that the vehicles of one seed, and with them
the sample watchlists, stay the same when the traffic is made denser.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from anpr_engine.simulate.demand import TripKind, home_weights
from anpr_engine.simulate.number_plates import (
    COUNTRIES,
    VEHICLE_CLASSES,
    canonical,
    draw_plates,
    is_issued,
)
from anpr_engine.simulate.roads import SITES, TOWNS
from anpr_engine.simulate.routes import route_table

FLEET_VEHICLES = 150_000
_FLEET_STREAM = 1
"""Keeps the fleet's random stream apart from the traffic's."""


CLASS_SHARES: dict[TripKind, tuple[float, ...]] = {
    TripKind.COMMUTE: (0.88, 0.09, 0.0, 0.01, 0.02),
    TripKind.PRIVATE: (0.90, 0.05, 0.0, 0.01, 0.04),
    TripKind.FREIGHT: (0.0, 0.15, 0.85, 0.0, 0.0),
    TripKind.TRANSIT: (0.55, 0.05, 0.37, 0.03, 0.0),
}
"""By trip kind, in the order of `VEHICLE_CLASSES`."""

_COUNTRY_SHARES: dict[tuple[str, bool], tuple[float, ...]] = {
    ("nl", False): (0.955, 0.02, 0.018, 0.002, 0.005),
    ("be", False): (0.03, 0.935, 0.008, 0.007, 0.02),
    ("nl", True): (0.85, 0.06, 0.07, 0.005, 0.015),
    ("be", True): (0.09, 0.80, 0.05, 0.02, 0.04),
    ("Aken", False): (0.07, 0.06, 0.85, 0.01, 0.01),
    ("Lille", False): (0.03, 0.14, 0.02, 0.01, 0.80),
}
"""By home site (or town outside) and whether it is a lorry; in the order of `COUNTRIES`."""

_LOOKS: dict[str, tuple[tuple[str, str, float], ...]] = {
    "car": (
        ("Volkswagen", "Golf", 7),
        ("Volkswagen", "Polo", 5),
        ("Volkswagen", "Tiguan", 3),
        ("BMW", "X1", 4),
        ("BMW", "3", 4),
        ("Audi", "A3", 4),
        ("Audi", "RS6", 0.4),
        ("Mercedes-Benz", "A", 4),
        ("Peugeot", "208", 5),
        ("Renault", "Clio", 5),
        ("Opel", "Corsa", 5),
        ("Ford", "Focus", 5),
        ("Toyota", "Yaris", 5),
        ("Kia", "Picanto", 4),
        ("Volvo", "XC40", 4),
        ("Skoda", "Octavia", 4),
        ("Tesla", "Model Y", 4),
        ("Dacia", "Sandero", 3),
        ("Citroen", "C3", 3),
        ("Hyundai", "Tucson", 3),
    ),
    "van": (
        ("Ford", "Transit", 6),
        ("Volkswagen", "Transporter", 5),
        ("Mercedes-Benz", "Sprinter", 5),
        ("Renault", "Master", 4),
        ("Peugeot", "Expert", 3),
    ),
    "lorry": (
        ("DAF", "XF", 8),
        ("Volvo", "FH", 6),
        ("Scania", "R", 5),
        ("Mercedes-Benz", "Actros", 5),
        ("MAN", "TGX", 4),
    ),
    "bus": (("VDL", "Citea", 5), ("Mercedes-Benz", "Citaro", 4), ("Van Hool", "TX", 3)),
    "motorcycle": (
        ("Harley-Davidson", "Street Glide", 3),
        ("BMW", "R 1250", 4),
        ("Yamaha", "MT-07", 4),
        ("Honda", "CB500", 3),
        ("Kawasaki", "Z900", 2),
    ),
}
COLOURS = ("grey", "black", "white", "blue", "red", "green", "silver", "brown", "yellow")
_COLOUR_SHARES = (0.30, 0.24, 0.20, 0.12, 0.05, 0.02, 0.04, 0.02, 0.01)


class Vehicle(NamedTuple):
    """One vehicle; `printed` is the plate with its separators, `plate` without."""

    plate: str
    printed: str
    country: str
    vehicle_class: str
    make: str
    model: str
    colour: str


@dataclass(frozen=True, slots=True)
class Fleet:
    """All vehicles, ordered by group (trip kind, home town).

    `group_start` is int64 of shape (kinds * towns + 1,): where each group starts.
    """

    vehicles: tuple[Vehicle, ...]
    group_start: npt.NDArray[np.int64]


def _group_sizes(size: int) -> npt.NDArray[np.int64]:
    """Share the fleet out over trip kinds and home towns; every group has a few vehicles."""
    return np.maximum(home_weights(route_table(SITES)) * size, 2).astype(np.int64)


def _draw_columns(
    rng: np.random.Generator, sizes: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Draw class and country of every vehicle, group by group."""
    classes, countries = [], []
    for group, size in enumerate(sizes.tolist()):
        kind, town = TripKind(group // len(TOWNS)), TOWNS[group % len(TOWNS)]
        shares = np.array(CLASS_SHARES[kind])
        classes.append(rng.choice(len(VEHICLE_CLASSES), size=size, p=shares / shares.sum()))
        by_lorry = bool(town.site) and kind in (TripKind.FREIGHT, TripKind.TRANSIT)
        of_country = np.array(_COUNTRY_SHARES[town.site or town.name, by_lorry])
        countries.append(rng.choice(len(COUNTRIES), size=size, p=of_country / of_country.sum()))
    return np.concatenate(classes), np.concatenate(countries)


def draw_looks(
    rng: np.random.Generator, vehicle_class: str, count: int
) -> list[tuple[str, str, str]]:
    """Draw what vehicles of a class look like: (make, model, colour)."""
    looks = _LOOKS[vehicle_class]
    weights = np.array([weight for _, _, weight in looks])
    makes = rng.choice(len(looks), size=count, p=weights / weights.sum()).tolist()
    colours = rng.choice(len(COLOURS), size=count, p=_COLOUR_SHARES).tolist()
    return [
        (*looks[look][:2], COLOURS[colour]) for look, colour in zip(makes, colours, strict=True)
    ]


def _make_vehicles(
    rng: np.random.Generator, vehicle_class: str, country: str, count: int
) -> list[Vehicle]:
    looks = draw_looks(rng, vehicle_class, count)
    plates = draw_plates(rng, country, vehicle_class, count)
    return [
        Vehicle(canonical(printed), printed, country, vehicle_class, *look)
        for printed, look in zip(plates, looks, strict=True)
    ]


def _draw_fresh(rng: np.random.Generator, vehicle: Vehicle, taken: set[tuple[str, str]]) -> Vehicle:
    """Draw other plates for a vehicle until one is issued and free."""
    while (vehicle.plate, vehicle.country) in taken or not is_issued(
        vehicle.plate, vehicle.country
    ):
        printed = draw_plates(rng, vehicle.country, vehicle.vehicle_class, 1)[0]
        vehicle = vehicle._replace(printed=printed, plate=canonical(printed))
    taken.add((vehicle.plate, vehicle.country))
    return vehicle


@lru_cache(maxsize=2)
def make_fleet(seed: int, size: int = FLEET_VEHICLES) -> Fleet:
    """Make the fleet of a seed: about `size` vehicles, no two with one plate and country."""
    rng = np.random.default_rng([seed, _FLEET_STREAM])
    sizes = _group_sizes(size)
    classes, countries = _draw_columns(rng, sizes)
    slots: list[Vehicle | None] = [None] * int(sizes.sum())
    for number, vehicle_class in enumerate(VEHICLE_CLASSES):
        for country_number, country in enumerate(COUNTRIES):
            rows = np.flatnonzero((classes == number) & (countries == country_number)).tolist()
            made = _make_vehicles(rng, vehicle_class, country, len(rows))
            for row, vehicle in zip(rows, made, strict=True):
                slots[row] = vehicle
    taken: set[tuple[str, str]] = set()
    vehicles = tuple(_draw_fresh(rng, slot, taken) for slot in slots if slot is not None)
    return Fleet(vehicles, np.concatenate(([0], np.cumsum(sizes))))
