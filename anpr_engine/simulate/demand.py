"""Who wants to go where and when: kinds of trips, their day, and the pull between towns.

Why: a gravity model with four kinds of trips is the least that gives a morning peak, lorries at
night and vehicles of the other country on the motorways; its figures are plausible, not counted.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from anpr_engine.simulate.roads import SITES, TOWNS
from anpr_engine.simulate.routes import RouteTable

HOUR_MS = 3_600_000
LOCAL_TIME_MS = HOUR_MS  # Central European Time; summer time changes nothing that matters here


class TripKind(IntEnum):
    """Why a vehicle is on the road."""

    COMMUTE = 0
    PRIVATE = 1
    FREIGHT = 2
    TRANSIT = 3


_KIND_BY_HOUR: dict[TripKind, tuple[float, ...]] = {
    TripKind.COMMUTE: (
        *(0.1, 0.05, 0.05, 0.1, 0.3, 1.0, 3.0, 5.0, 4.2, 1.8, 1.0, 0.9),
        *(1.0, 1.0, 1.2, 2.2, 4.4, 5.0, 3.0, 1.4, 0.8, 0.6, 0.4, 0.2),
    ),
    TripKind.PRIVATE: (
        *(0.2, 0.1, 0.1, 0.1, 0.1, 0.2, 0.6, 1.0, 1.4, 1.9, 2.3, 2.4),
        *(2.3, 2.4, 2.5, 2.5, 2.4, 2.3, 2.2, 2.0, 1.5, 1.0, 0.7, 0.4),
    ),
    TripKind.FREIGHT: (
        *(0.5, 0.5, 0.6, 0.8, 1.2, 1.7, 1.9, 1.9, 2.0, 2.1, 2.1, 2.0),
        *(1.9, 2.0, 2.0, 1.8, 1.5, 1.2, 1.0, 0.8, 0.7, 0.6, 0.6, 0.5),
    ),
    TripKind.TRANSIT: (
        *(0.4, 0.3, 0.3, 0.4, 0.5, 0.7, 0.9, 1.1, 1.2, 1.3, 1.4, 1.4),
        *(1.4, 1.4, 1.4, 1.4, 1.3, 1.2, 1.1, 1.0, 0.9, 0.7, 0.6, 0.5),
    ),
}
"""Passages by hour of the local day and trip kind, in one arbitrary unit."""

_REACH_KM = {
    TripKind.COMMUTE: 18.0,
    TripKind.PRIVATE: 35.0,
    TripKind.FREIGHT: 110.0,
    TripKind.TRANSIT: 500.0,
}
"""The distance over which the pull between two towns falls to 1/e."""
_TRANSIT_KM_MIN = 80.0
_BORDER_FACTOR = {TripKind.COMMUTE: 0.3, TripKind.PRIVATE: 0.5}
"""How much rarer a trip is when it crosses the border, language and habits being what they are."""

_TRIP_KMH, _REST_HOURS = 70.0, 0.5

Float64s = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Demand:
    """How much traffic: `passages_per_s` holds at `start_ms`; later hours follow the day.

    `sites` are those whose cameras count; `listed_share` of the trips are by listed vehicles.
    """

    start_ms: int
    passages_per_s: float
    sites: Sequence[str] = SITES
    listed_share: float = 0.0

    def level(self, time_ms: int) -> Float64s:
        """Give the passages per second by trip kind at an instant."""
        then, start = _kinds_at(time_ms), _kinds_at(self.start_ms)
        return np.asarray(self.passages_per_s * then / start.sum(), np.float64)


def _kinds_at(time_ms: int) -> Float64s:
    """Give the passages by kind at an instant, between the values at the full hours."""
    hour, into = divmod((time_ms + LOCAL_TIME_MS) % (24 * HOUR_MS), HOUR_MS)
    share = into / HOUR_MS
    kinds = [_KIND_BY_HOUR[kind] for kind in TripKind]
    return np.array([day[hour] * (1 - share) + day[(hour + 1) % 24] * share for day in kinds])


def stop_weights(table: RouteTable) -> Float64s:
    """Weigh each stop of each route by trip kind: shape (kinds, stops), each kind sums to 1."""
    sizes = np.array([(town.people, town.freight, town.gateway) for town in TOWNS])
    sites = np.array([town.site for town in TOWNS])
    crosses = sites[table.origin] != sites[table.destination]
    weights = np.empty((len(TripKind), len(table.camera)))
    for kind, column in zip(TripKind, (0, 0, 1, 2), strict=True):
        pull = sizes[table.origin, column] * sizes[table.destination, column]
        pull = pull * np.exp(-table.km / _REACH_KM[kind])
        pull = pull * np.where(crosses, _BORDER_FACTOR.get(kind, 1.0), 1.0)
        if kind is TripKind.TRANSIT:
            pull = pull * (table.km > _TRANSIT_KM_MIN)
        by_stop = pull[table.route]
        weights[kind] = by_stop / by_stop.sum()
    return weights


def home_weights(table: RouteTable) -> Float64s:
    """Weigh how many vehicles at home in each town are out or resting at a kind's busiest hour.

    Shape (kinds * towns,), sums to 1. A trip's home is one of its two ends.
    """
    hours = table.km / _TRIP_KMH + _REST_HOURS
    weights = stop_weights(table)
    first = np.isinf(table.gap_s)
    by_home = np.zeros((len(TripKind), len(TOWNS)))
    for kind in TripKind:
        trips = weights[kind][first] * max(_KIND_BY_HOUR[kind]) * hours
        by_home[kind] += np.bincount(table.origin, trips, len(TOWNS))
        by_home[kind] += np.bincount(table.destination, trips, len(TOWNS))
    return np.asarray(by_home.ravel() / by_home.sum(), np.float64)
