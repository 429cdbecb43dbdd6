"""Traffic: the reads of both sites' cameras in order of event time, with ground truth.

The same arguments give the same bytes, whatever the length of the blocks (with one version of
numpy, whose random streams may change between versions).
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple, Protocol

import numpy as np

from anpr_engine.simulate.demand import Demand
from anpr_engine.simulate.number_plates import VEHICLE_CLASSES
from anpr_engine.simulate.rendering import Renderer, SimulatedRead
from anpr_engine.simulate.roads import SITES
from anpr_engine.simulate.trips import SPEED_FACTORS, Drivers, TripStream
from anpr_engine.simulate.vehicles import Vehicle, make_fleet

_TRIP_STREAM, _CAMERA_STREAM = 2, 3
"""Keep the random streams of trips and cameras apart from each other and from the fleet's."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class ListedVehicle(NamedTuple):
    """A vehicle on one or more watchlists, with the entries that list it."""

    vehicle: Vehicle
    entry_ids: tuple[str, ...]


class ReadWriter(Protocol):
    """Takes reads to where an engine finds them."""

    def write(self, topic: str, key: bytes, value: bytes) -> None:
        """Hand over one record; it may be sent later."""
        ...

    def flush(self) -> None:
        """Wait until everything handed over has arrived.

        Raises:
            BrokerError: when it has not.

        """
        ...


@dataclass(frozen=True, slots=True)
class Traffic:
    """Traffic that can be played, and played again, from its start.

    `rate_per_s` is the mean number of reads of all `sites` together at `start`; later
    hours follow the day. `listed_share` of the reads belong to `listed` vehicles (0 when
    there are none), at whatever site they happen to drive.
    """

    seed: int
    start: datetime
    rate_per_s: float
    sites: Sequence[str] = SITES
    listed: Sequence[ListedVehicle] = ()
    listed_share: float = 0.0

    def blocks(self, block_s: float = 0.1) -> Iterator[list[SimulatedRead]]:
        """Give the reads block by block without end; a block without reads is empty."""
        chunks = self._chunks()
        start_us = self._start_ms() * 1000
        covered_us, number = start_us, 0
        waiting: list[SimulatedRead] = []
        while True:
            number += 1
            end_us = start_us + round(number * block_s * 1_000_000)
            while covered_us < end_us:
                covered_us, more = next(chunks)
                waiting += more
            cut = bisect_left(waiting, end_us, key=_time_of)
            yield waiting[:cut]
            del waiting[:cut]

    def reads(self, seconds: float) -> Iterator[SimulatedRead]:
        """Give the reads of the first `seconds`, one by one."""
        end_us = self._start_ms() * 1000 + round(seconds * 1_000_000)
        for covered_us, chunk in self._chunks():
            cut = bisect_left(chunk, end_us, key=_time_of)
            yield from chunk[:cut]
            if cut < len(chunk) or covered_us >= end_us:
                return

    def _start_ms(self) -> int:
        return round((self.start - _EPOCH).total_seconds() * 1000)

    def _chunks(self) -> Iterator[tuple[int, list[SimulatedRead]]]:
        """Give (end in microseconds, reads before it) chunk by chunk."""
        fleet = make_fleet(self.seed)
        vehicles = [*fleet.vehicles, *(listed.vehicle for listed in self.listed)]
        entry_ids = self._entry_ids(vehicles)
        renderer = Renderer(self._stream(_CAMERA_STREAM), f"{self.seed:x}", vehicles, entry_ids)
        # A listed vehicle of the fleet drives under its number among the listed ones only.
        twins = [number for number in entry_ids if number < len(fleet.vehicles)]
        drivers = Drivers(fleet, len(self.listed), twins)
        factor = dict(zip(VEHICLE_CLASSES, SPEED_FACTORS, strict=True))
        speeds = np.array([factor[vehicle.vehicle_class] for vehicle in vehicles])
        share = self.listed_share if self.listed else 0.0
        demand = Demand(self._start_ms(), self.rate_per_s, self.sites, share)
        trips = TripStream(self._stream(_TRIP_STREAM), demand, drivers, speeds)
        while True:
            end_ms, passages = trips.next_chunk()
            yield end_ms * 1000, renderer.render(passages)

    def _stream(self, number: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, number])

    def _entry_ids(self, vehicles: Sequence[Vehicle]) -> dict[int, tuple[str, ...]]:
        """Give the entries of every vehicle that is listed, by its number."""
        wanted: dict[tuple[str, str], tuple[str, ...]] = {}
        for vehicle, entry_ids in self.listed:
            key = (vehicle.plate, vehicle.country)
            wanted[key] = tuple(dict.fromkeys((*wanted.get(key, ()), *entry_ids)))
        return {
            number: wanted[vehicle.plate, vehicle.country]
            for number, vehicle in enumerate(vehicles)
            if (vehicle.plate, vehicle.country) in wanted
        }


def _time_of(read: SimulatedRead) -> int:
    return read.captured_at_us
