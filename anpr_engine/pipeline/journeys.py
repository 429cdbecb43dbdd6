"""What is assumed of journeys: how likely a vehicle is here that was seen there, then.

P(read here, now | last seen there, then) / P(the same | nothing known), taken as

    able(v) (1 + (boost_most - 1) driving(v) exp(-apart / about)), at least `least`

with v the road's length over the time between. able(v) falls to 0 above any speed on roads;
driving(v) does below it: an hour for a mile, and the vehicle has stopped, nobody knows for how
long; the exponential is a trip's end. Far away and long ago gives 1. Where the read tells which way
the vehicle went, it is weighed too: who drives on faces away from where it was seen.
Why bounded: what traffic there is at the hour is not known, so the boost stays at what simulated
trips are worth while they last (10 to 90); plates are copied, so nothing becomes impossible.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

EARTH_RADIUS_KM = 6371.0
SLACK_KM = 1.0
"""How far a camera's position may be off, and a camera site is wide."""
SLACK_S = 60.0
"""How far two cameras' clocks may be apart."""
SPEED_SPREAD_KMH = 10.0
"""How gradually a speed becomes impossible."""
DRIVING_KMH, DRIVING_SPREAD_KMH = 20.0, 4.0
"""Mean speed below which a vehicle has stopped on its way; how gradually."""
EVEN_SHARE = 0.5
"""The share of vehicles that face away from any place that they have nothing to do with."""
TURN_SPREAD = 0.2
"""How gradually going on becomes turning back, in cosines of the angle between."""
HORIZON_TRIPS = 8.0
"""After this many times `about_s` a sighting says nothing any more, and is forgotten."""


@dataclass(frozen=True, slots=True)
class PlaceRules:
    """What a site assumes of journeys.

    boost_most, least: bounds of the ratio. about_s: how long a trip lasts, on average.
    speed_kmh_most: mean speed that hardly anybody exceeds. road_factor: a road's length over the
        great circle's. onward_share: the share of vehicles under way that drive on, not back;
        a half leaves directions out. sure_min: probability from which an exact hit is a sighting.
    vehicles_max: sightings kept; beyond, two vehicles share a seat and the newer has it.
    """

    boost_most: float = 20.0
    least: float = 0.05
    about_s: float = 1800.0
    speed_kmh_most: float = 150.0
    road_factor: float = 1.2
    onward_share: float = 0.85
    sure_min: float = 0.9
    vehicles_max: int = 100_000

    @property
    def horizon_us(self) -> int:
        """Give how long a sighting counts, in microseconds."""
        return round(HORIZON_TRIPS * self.about_s * 1e6)

    def floor_for(self, floor: float) -> float:
        """Give the least probability that the largest boost could still lift to a floor."""
        return floor / (floor + self.boost_most * (1 - floor))


def place_ratios(
    apart_km: NDArray[np.float64],
    apart_s: NDArray[np.float64],
    turn_deg: NDArray[np.float64],
    rules: PlaceRules,
) -> NDArray[np.float64]:
    """Weigh journeys: float64 (n,), NaN where nothing is known, to float64 (n,) ratios.

    Args:
        apart_km: great-circle distance.
        apart_s: time between, before or after.
        turn_deg: between the way it went and the way from the earlier place to the later one;
            NaN where that is not known.
        rules: what is assumed of journeys.

    """
    road_km = apart_km * rules.road_factor
    # In doubt about clocks and positions no speed is impossible, and none too slow.
    least_kmh = np.maximum(road_km - SLACK_KM, 0.0) * 3600 / (apart_s + SLACK_S)
    most_kmh = (road_km + SLACK_KM) * 3600 / np.maximum(apart_s - SLACK_S, 1.0)
    able = _rising((rules.speed_kmh_most - least_kmh) / SPEED_SPREAD_KMH)
    driving = _rising((most_kmh - DRIVING_KMH) / DRIVING_SPREAD_KMH)
    about = np.exp(-apart_s / rules.about_s)
    ratio = able * (1 + (rules.boost_most - 1) * driving * about)
    # So near by, or so long ago, a direction tells nothing.
    onward = _rising(np.cos(np.radians(turn_deg)) / TURN_SPREAD)
    share = onward * rules.onward_share + (1 - onward) * (1 - rules.onward_share)
    told = ~np.isnan(turn_deg) & (road_km > SLACK_KM)
    ratio *= np.where(told, 1 + (share / EVEN_SHARE - 1) * driving * about, 1.0)
    known = apart_s * 1e6 <= rules.horizon_us
    return np.where(known, np.clip(ratio, rules.least, rules.boost_most), 1.0)


def _rising(steps: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(1 / (1 + np.exp(-np.clip(steps, -50.0, 50.0))), np.float64)


def great_circle_km(
    here: tuple[NDArray[np.float64], NDArray[np.float64]],
    there: tuple[NDArray[np.float64], NDArray[np.float64]],
) -> NDArray[np.float64]:
    """Give distances between places, (latitude, longitude) in degrees (haversine): float64 (n,)."""
    lat, lat_there = np.radians(here[0]), np.radians(there[0])
    half_lat, half_lon = (lat_there - lat) / 2, np.radians(there[1] - here[1]) / 2
    chord = np.sin(half_lat) ** 2 + np.cos(lat) * np.cos(lat_there) * np.sin(half_lon) ** 2
    return np.asarray(2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(np.minimum(chord, 1.0))), np.float64)


def bearing_deg(
    here: tuple[NDArray[np.float64], NDArray[np.float64]],
    there: tuple[NDArray[np.float64], NDArray[np.float64]],
) -> NDArray[np.float64]:
    """Give the way from one place to another, clockwise from north in degrees: float64 (n,)."""
    lat, lat_there = np.radians(here[0]), np.radians(there[0])
    lon = np.radians(there[1] - here[1])
    east = np.sin(lon) * np.cos(lat_there)
    north = np.cos(lat) * np.sin(lat_there) - np.sin(lat) * np.cos(lat_there) * np.cos(lon)
    return np.asarray(np.degrees(np.arctan2(east, north)), np.float64)
