"""Trips as a stream of passages: which vehicle passes which camera, when and how fast.

Why: traffic must be in full flow from the first second, without an hour of warm-up. A vehicle
already under way at the start is drawn when it first comes into view: at a stop whose way from
the stop before is longer than the time elapsed. That gives the steady state exactly, and keeps
in memory only vehicles that have been seen.

Above about fifty reads a second more vehicles would be under way than the fleet has. A trip is
then cut where two cameras lie further apart than `LINKED_PASSAGES_MAX` passages last, and another
vehicle drives on; memory stays bounded and the rate holds, but a plate may come back elsewhere
sooner than a vehicle could be there.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from anpr_engine.simulate.demand import HOUR_MS, LOCAL_TIME_MS, Demand, TripKind, stop_weights
from anpr_engine.simulate.roads import TOWNS
from anpr_engine.simulate.routes import route_table
from anpr_engine.simulate.vehicles import CLASS_SHARES, Fleet

REST_MS = 1_800_000
"""How long a vehicle stays off the road between two trips."""
LINKED_PASSAGES_MAX = 75_000
CHUNK_PASSAGES = 2048
CHUNK_MS_MAX = 60_000
REGULARS_SHARE, REGULARS_TRIPS_SHARE = 0.1, 0.2
"""The share of a group that drives most, and the share of trips offered to them first."""
SECOND_READ_SHARE = 0.02
"""Share of passages that a camera reports twice."""

SPEED_FACTORS = (0.97, 0.93, 0.74, 0.80, 1.0)
"""Mean share of the free-flow speed driven, in the order of `VEHICLE_CLASSES`."""
_SPEED_SPREAD = 0.06

Int64s = npt.NDArray[np.int64]
Float64s = npt.NDArray[np.float64]


class Passages(NamedTuple):
    """Passages as columns, all int64.

    `time_ms` counts from 1970 UTC; `vehicle` is a row of the fleet, or lies above it for a listed
    vehicle.
    """

    time_ms: Int64s
    vehicle: Int64s
    camera: Int64s
    speed_kmh: Int64s

    def take(self, rows: Int64s | npt.NDArray[np.bool_]) -> "Passages":
        """Give some of the rows."""
        return Passages(
            self.time_ms[rows], self.vehicle[rows], self.camera[rows], self.speed_kmh[rows]
        )

    def join(self, other: "Passages") -> "Passages":
        """Put two sets of passages one after the other."""
        return Passages(
            np.concatenate((self.time_ms, other.time_ms)),
            np.concatenate((self.vehicle, other.vehicle)),
            np.concatenate((self.camera, other.camera)),
            np.concatenate((self.speed_kmh, other.speed_kmh)),
        )


class Drivers:
    """Chooses who makes a trip: someone at home at one of its ends and not on the road.

    The vehicles of a group take turns, so that each comes back as late as the rate allows; the
    first tenth are regulars, who now and then jump the queue.
    """

    def __init__(self, fleet: Fleet, listed_count: int, barred: Sequence[int]) -> None:
        """Take the fleet; `barred` rows are listed and drive under their other number."""
        fleet_count = len(fleet.vehicles)
        self._start = np.append(fleet.group_start[:-1], fleet_count)
        self._size = np.append(np.diff(fleet.group_start), listed_count)
        self._listed_group = len(self._start) - 1
        self._turn = np.zeros(len(self._start), np.int64)
        self._free_ms = np.zeros(fleet_count + listed_count, np.int64)
        self._free_ms[list(barred)] = np.iinfo(np.int64).max

    def _next_in_turn(self, group: Int64s) -> Int64s:
        """Give the next vehicles of each group."""
        order = np.argsort(group, kind="stable")
        counts = np.bincount(group, minlength=len(self._turn))
        place = np.empty(len(group), np.int64)
        place[order] = np.arange(len(group)) - np.repeat(np.cumsum(counts) - counts, counts)
        chosen = self._start[group] + (self._turn[group] + place) % self._size[group]
        self._turn += counts
        return np.asarray(chosen, np.int64)

    def choose(
        self, rng: np.random.Generator, group: Int64s, listed_share: float, time_ms: Int64s
    ) -> Int64s:
        """Choose a vehicle for each trip; after three tries a busy one has to do."""
        listed = rng.random(len(group)) < listed_share
        group = np.where(listed, self._listed_group, group)
        regular = (rng.random(len(group)) < REGULARS_TRIPS_SHARE) & ~listed
        draw = self._size[group] * rng.random(len(group)) * REGULARS_SHARE
        chosen = np.where(regular, self._start[group] + draw.astype(np.int64), -1)
        for _ in range(3):
            first = np.zeros(len(chosen), np.bool_)
            first[np.unique(chosen, return_index=True)[1]] = True
            busy = np.flatnonzero((chosen < 0) | ~first | (self._free_ms[chosen] > time_ms))
            if not len(busy):
                break
            chosen[busy] = self._next_in_turn(group[busy])
        return chosen

    def keep_busy(self, vehicle: Int64s, until_ms: Int64s) -> None:
        """Take vehicles off the market until they have arrived and rested."""
        later = np.maximum(self._free_ms[vehicle], until_ms + REST_MS)
        self._free_ms[vehicle] = later


class TripStream:
    """The passages of all trips in order of time, chunk by chunk, without end."""

    def __init__(
        self, rng: np.random.Generator, demand: Demand, drivers: Drivers, speeds: Float64s
    ) -> None:
        """Take the demand, the drivers and the speed factor of every vehicle."""
        self._rng, self._demand, self._drivers, self._speeds = rng, demand, drivers, speeds
        self._table = route_table(demand.sites)
        self._weights = stop_weights(self._table)
        shares = np.array([CLASS_SHARES[kind] for kind in TripKind])
        factors = shares @ np.array(SPEED_FACTORS) / shares.sum(axis=1)
        self._gap_ms = self._table.gap_s[None, :] * 1000 / factors[:, None]
        linked_s = LINKED_PASSAGES_MAX / demand.passages_per_s
        self._linked_ms = linked_s * 1000
        self._chain_end = self._table.chain_ends(linked_s)
        self._chunk_ms = int(
            min(max(CHUNK_PASSAGES / demand.passages_per_s * 1000, 1), CHUNK_MS_MAX)
        )
        self._now_ms = demand.start_ms
        none = np.zeros(0, np.int64)
        self._pending = Passages(none, none, none, none)

    def next_chunk(self) -> tuple[int, Passages]:
        """Give the passages up to the chunk's end, and that end in milliseconds since 1970."""
        end_ms = self._now_ms + self._chunk_ms
        known = self._pending.join(self._new_passages())
        due = known.time_ms < end_ms
        self._pending = known.take(~due)
        self._now_ms = end_ms
        chunk = known.take(due)
        return end_ms, chunk.take(np.argsort(chunk.time_ms, kind="stable"))

    def _entries(self) -> tuple[Int64s, Int64s]:
        """Draw the vehicles that come into view in this chunk: trip kind and stop of each."""
        unseen_ms = min(self._now_ms - self._demand.start_ms, self._linked_ms)
        level = self._demand.level(self._now_ms) / (1 + SECOND_READ_SHARE)
        weights = np.where(self._gap_ms > unseen_ms, self._weights * level[:, None], 0.0).ravel()
        total = np.cumsum(weights)
        count = int(self._rng.poisson(total[-1] * self._chunk_ms / 1000))
        found = np.searchsorted(total, self._rng.random(count) * total[-1], side="right")
        kind, stop = np.divmod(found, len(self._table.camera))
        return kind, stop

    def _groups(self, kind: Int64s, stop: Int64s) -> Int64s:
        """Give the fleet's group of each trip: commuters leave home in the morning."""
        route = self._table.route[stop]
        outward = self._rng.random(len(stop)) < 0.5
        morning = (self._now_ms + LOCAL_TIME_MS) % (24 * HOUR_MS) < 12 * HOUR_MS
        outward = np.where(kind == TripKind.COMMUTE, morning, outward)
        home = np.where(outward, self._table.origin[route], self._table.destination[route])
        return np.asarray(kind * len(TOWNS) + home, np.int64)

    def _new_passages(self) -> Passages:
        """Draw new trips and follow each along its route as far as it is linked."""
        kind, stop = self._entries()
        start_ms = self._now_ms + self._rng.integers(0, self._chunk_ms, len(stop))
        group = self._groups(kind, stop)
        vehicle = self._drivers.choose(self._rng, group, self._demand.listed_share, start_ms)
        factor = self._speeds[vehicle] * self._rng.normal(1.0, _SPEED_SPREAD / 2, len(stop))
        counts = self._chain_end[stop] - stop
        first = np.cumsum(counts) - counts
        trip = np.repeat(np.arange(len(stop)), counts)
        row = stop[trip] + np.arange(len(trip)) - first[trip]
        way_ms = self._table.gap_s[row] * 1000 / factor[trip]
        way_ms *= np.exp(self._rng.normal(0.0, 0.05, len(row)))  # roadworks, a stop, luck
        way_ms[first] = 0.0
        travelled = np.cumsum(way_ms)
        time_ms = start_ms[trip] + (travelled - travelled[first][trip]).astype(np.int64)
        if len(stop):
            self._drivers.keep_busy(vehicle, time_ms[first + counts - 1])
        speed = self._table.free_flow_kmh[row] * factor[trip]
        speed *= self._rng.normal(1.0, 0.03, len(row))
        made = Passages(
            time_ms,
            vehicle[trip],
            self._table.camera[row],
            np.clip(np.rint(speed), 15, 220).astype(np.int64),
        )
        again = made.take(self._rng.random(len(row)) < SECOND_READ_SHARE)
        late_ms = self._rng.integers(300, 4000, len(again.time_ms))
        return made.join(again._replace(time_ms=again.time_ms + late_ms))
