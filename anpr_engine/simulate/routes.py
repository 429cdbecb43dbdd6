"""Shortest-time routes over the road network, as the cameras that a vehicle passes and when.

Why: every route is worked out once, before the first read; a trip is then a slice of flat
columns, which is what lets one core make tens of thousands of reads a second.
"""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from anpr_engine.simulate.roads import CAMERAS, ROAD_POINTS, ROADS, TOWN_INDEX, TOWNS, road_km

SECONDS_PER_HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class Leg:
    """A road driven in one direction: the town it leads to and the cameras on the way.

    `stops` holds (camera index, km from the leg's start) in driving order.
    """

    to: int
    km: float
    free_flow_kmh: float
    stops: tuple[tuple[int, float], ...]

    @property
    def seconds(self) -> float:
        """Give the travel time with nobody else on the road."""
        return self.km / self.free_flow_kmh * SECONDS_PER_HOUR


@dataclass(frozen=True, slots=True)
class RouteTable:
    """All routes that pass a camera of the chosen sites, as columns.

    One row a stop (int64 `camera`, `route`; float64 `gap_s` since the route's stop before, infinite
    at its first; float64 `free_flow_kmh`), routes one after another in driving order; and one row
    a route (int64 `origin`, `destination`; float64 `km`).
    """

    camera: npt.NDArray[np.int64]
    route: npt.NDArray[np.int64]
    gap_s: npt.NDArray[np.float64]
    free_flow_kmh: npt.NDArray[np.float64]
    origin: npt.NDArray[np.int64]
    destination: npt.NDArray[np.int64]
    km: npt.NDArray[np.float64]

    def chain_ends(self, gap_s_max: float) -> npt.NDArray[np.int64]:
        """Give for each stop the row after the last stop reached from it by gaps in bounds."""
        rows = len(self.camera)
        breaks = np.append(self.gap_s > gap_s_max, True)
        following = np.where(breaks, np.arange(rows + 1), rows)
        nearest = np.minimum.accumulate(following[::-1])[::-1]
        return np.asarray(nearest[1:], dtype=np.int64)


def network() -> tuple[tuple[Leg, ...], ...]:
    """Give the legs that leave each town, in the order of `TOWNS`."""
    legs: list[list[Leg]] = [[] for _ in TOWNS]
    for road, points in zip(ROADS, ROAD_POINTS, strict=True):
        start, end, km = TOWN_INDEX[road.start], TOWN_INDEX[road.end], road_km(road)
        forth = tuple((point.camera_forth, point.along * km) for point in points)
        back = tuple((point.camera_back, (1 - point.along) * km) for point in reversed(points))
        legs[start].append(Leg(end, km, road.free_flow_kmh, forth))
        legs[end].append(Leg(start, km, road.free_flow_kmh, back))
    return tuple(tuple(leaving) for leaving in legs)


def shortest_routes(origin: int, legs: Sequence[Sequence[Leg]]) -> dict[int, list[Leg]]:
    """Find the quickest way from one town to every other (Dijkstra).

    Two ways of equal time are told apart by town index, so that the answer is always the same.
    """
    best_s: dict[int, float] = {origin: 0.0}
    ways: dict[int, list[Leg]] = {origin: []}
    done: set[int] = set()
    queue: list[tuple[float, int]] = [(0.0, origin)]
    while queue:
        reached_s, town = heapq.heappop(queue)
        if town in done:
            continue
        done.add(town)
        for leg in legs[town]:
            arrival_s = reached_s + leg.seconds
            if arrival_s < best_s.get(leg.to, float("inf")):
                best_s[leg.to] = arrival_s
                ways[leg.to] = [*ways[town], leg]
                heapq.heappush(queue, (arrival_s, leg.to))
    return ways


def _stops(way: Sequence[Leg], sites: frozenset[str]) -> list[tuple[int, float, float]]:
    """List (camera, seconds from the start, free-flow speed) along a way."""
    stops: list[tuple[int, float, float]] = []
    start_s = 0.0
    for leg in way:
        for camera, km in leg.stops:
            if CAMERAS[camera].site in sites:
                at_s = start_s + km / leg.free_flow_kmh * SECONDS_PER_HOUR
                stops.append((camera, at_s, leg.free_flow_kmh))
        start_s += leg.seconds
    return stops


def route_table(sites: Sequence[str]) -> RouteTable:
    """Work out the routes between all towns, seen by the cameras of some sites."""
    chosen, legs = frozenset(sites), network()
    rows: list[tuple[int, int, float, float]] = []
    routes: list[tuple[int, int, float]] = []
    for origin in range(len(TOWNS)):
        for destination, way in sorted(shortest_routes(origin, legs).items()):
            stops = _stops(way, chosen)
            if not stops:
                continue
            before_s = -np.inf
            for camera, at_s, speed_kmh in stops:
                rows.append((camera, len(routes), at_s - before_s, speed_kmh))
                before_s = at_s
            routes.append((origin, destination, sum(leg.km for leg in way)))
    by_stop, by_route = np.array(rows, np.float64).T, np.array(routes, np.float64).T
    return RouteTable(
        camera=by_stop[0].astype(np.int64),
        route=by_stop[1].astype(np.int64),
        gap_s=by_stop[2],
        free_flow_kmh=by_stop[3],
        origin=by_route[0].astype(np.int64),
        destination=by_route[1].astype(np.int64),
        km=by_route[2],
    )
