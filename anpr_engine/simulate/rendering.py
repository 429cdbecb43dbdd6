"""Passages as the JSON that cameras send (read, version 1), misreads included.

Why: text is put together from ready-made pieces instead of by a JSON library, which keeps a read
at a few microseconds. That is safe because no piece holds a character that JSON escapes.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from anpr_engine.simulate.camera_noise import (
    COUNTRY_HARDNESS,
    DRAWS_PER_DOUBT,
    DRAWS_PER_MISREAD,
    MISTAKEN_COUNTRY,
    NO_COUNTRY_SHARE,
    WRONG_COUNTRY_SHARE,
    candidates,
    character_confidences,
    confidences,
    misread,
    misread_chances,
    reader_styles,
)
from anpr_engine.simulate.roads import CAMERAS
from anpr_engine.simulate.trips import Passages
from anpr_engine.simulate.vehicles import COLOURS, Vehicle

VEHICLE_SHARE = 0.10
"""Share of reads that say what the vehicle looks like."""
DOUBTFUL_BELOW = 0.80
DOUBT_SHARE = 0.75
"""Share of doubtful reads (confidence below `DOUBTFUL_BELOW`) that come with alternatives."""
_WRONG_COLOUR_SHARE = 0.07
_LOWER_CASE = 2


class SimulatedRead(NamedTuple):
    """One read as a camera sends it, and the truth about it.

    `truth_plate` is the plate without separators; `entry_ids` are the entries that list the
    vehicle; `captured_at_us` counts microseconds since 1970 UTC.
    """

    site: str
    camera_id: str
    json_bytes: bytes
    captured_at_us: int
    truth_plate: str
    truth_country: str
    misread: bool
    entry_ids: tuple[str, ...]
    read_id: str


class _Shown(NamedTuple):
    """What stands in one read: plate and country as read, and the pieces for doubtful ones."""

    plate: str
    country: str
    extra: str


_Row = tuple[int, str, int, int, int, int, int, bool, _Shown]
"""Time in microseconds and as text, vehicle, camera, speed, confidence * 1000, lane, misread."""


def _country_piece(code: str) -> str:
    return f',"country":"{code}"' if code else ""


class Renderer:
    """Turns passages into reads; the counter in `read_id` runs on from chunk to chunk."""

    def __init__(
        self,
        rng: np.random.Generator,
        id_stem: str,
        vehicles: Sequence[Vehicle],
        entry_ids: dict[int, tuple[str, ...]],
    ) -> None:
        """Take the vehicles by number and the entries that list some of them."""
        self._rng, self._vehicles, self._entry_ids = rng, vehicles, entry_ids
        self._chances = misread_chances()
        self._styles = reader_styles()
        self._lanes = np.array([camera.lanes for camera in CAMERAS])
        self._hardness = np.array([COUNTRY_HARDNESS[vehicle.country] for vehicle in vehicles])
        self._heads = [f"{camera.site}-{id_stem}-" for camera in CAMERAS]
        self._tails = [
            f'"direction":"{camera.direction}","heading_deg":{camera.heading_deg},"speed_kmh":'
            for camera in CAMERAS
        ]
        self._counter = 0

    def render(self, passages: Passages) -> list[SimulatedRead]:
        """Write each passage as its camera sees it."""
        rng = self._rng
        chances = self._chances[passages.camera] * self._hardness[passages.vehicle]
        wrong = rng.random(len(chances)) < chances
        sure = confidences(rng, wrong)
        shown = self._show(passages, wrong, sure)
        lane_share = rng.random(len(chances)) ** 1.5  # the right-hand lanes carry the most
        columns = zip(
            (passages.time_ms * 1000).tolist(),
            np.datetime_as_string(passages.time_ms.astype("datetime64[ms]")).tolist(),
            passages.vehicle.tolist(),
            passages.camera.tolist(),
            passages.speed_kmh.tolist(),
            np.rint(sure * 1000).astype(np.int64).tolist(),
            (1 + (self._lanes[passages.camera] * lane_share).astype(np.int64)).tolist(),
            wrong.tolist(),
            shown,
            strict=True,
        )
        return [self._read(*row) for row in columns]

    def _read(self, *row: *_Row) -> SimulatedRead:
        """Put one read together."""
        time_us, time, number, place, speed, mille, lane, is_wrong, seen = row
        camera, vehicle = CAMERAS[place], self._vehicles[number]
        self._counter += 1
        read_id = f"{self._heads[place]}{self._counter:08d}"
        text = (
            f'{{"read_id":"{read_id}","camera_id":"{camera.camera_id}",'
            f'"captured_at":"{time}Z","plate":"{seen.plate}"{seen.country},'
            f'"confidence":{mille / 1000},"lane":{lane},{self._tails[place]}{speed}'
            f"{seen.extra}}}"
        )
        return SimulatedRead(
            camera.site,
            camera.camera_id,
            text.encode(),
            time_us,
            vehicle.plate,
            vehicle.country,
            is_wrong,
            self._entry_ids.get(number, ()),
            read_id,
        )

    def _show(
        self, passages: Passages, wrong: npt.NDArray[np.bool_], sure: npt.NDArray[np.float64]
    ) -> list[_Shown]:
        """Decide what each camera makes of each plate, country and vehicle."""
        rng, count = self._rng, len(wrong)
        country = rng.random(count)
        doubtful = (sure < DOUBTFUL_BELOW) & (rng.random(count) < DOUBT_SHARE)
        looks = rng.random(count) < VEHICLE_SHARE
        styles = self._styles[passages.camera]
        special = wrong | doubtful | looks | (country < NO_COUNTRY_SHARE + WRONG_COUNTRY_SHARE)
        draws = rng.random((count, DRAWS_PER_MISREAD + DRAWS_PER_DOUBT))
        vehicles = [self._vehicles[number] for number in passages.vehicle.tolist()]
        shown = [
            _Shown(vehicle.plate if style else vehicle.printed, _country_piece(vehicle.country), "")
            for vehicle, style in zip(vehicles, styles.tolist(), strict=True)
        ]
        for row in np.flatnonzero(special | (styles == _LOWER_CASE)).tolist():
            line = draws[row].tolist()
            truth = shown[row].plate
            plate = misread(truth, line[:DRAWS_PER_MISREAD]) if wrong[row] else truth
            extra = _doubt_piece(plate, truth, float(sure[row]), line) if doubtful[row] else ""
            if styles[row] == _LOWER_CASE:
                plate, extra = plate.lower(), extra.lower()
            if looks[row]:
                extra += _vehicle_piece(vehicles[row], line)
            code = country_as_read(vehicles[row].country, float(country[row]))
            shown[row] = _Shown(plate, _country_piece(code), extra)
        return shown


def country_as_read(true: str, draw: float) -> str:
    """Give the country as read: mostly the true one, now and then none or a neighbour."""
    if draw < NO_COUNTRY_SHARE:
        return ""
    if draw < NO_COUNTRY_SHARE + WRONG_COUNTRY_SHARE:
        others = MISTAKEN_COUNTRY[true]
        share = (draw - NO_COUNTRY_SHARE) / WRONG_COUNTRY_SHARE
        return others[int(share**2 * len(others))]  # the nearest neighbour most often
    return true


def _doubt_piece(plate: str, truth: str, sure: float, draws: Sequence[float]) -> str:
    """Write `candidates` for three doubtful reads of four, `characters` for the fourth."""
    own = draws[DRAWS_PER_MISREAD:]
    if draws[7] < 0.75:
        offered = candidates(plate, truth, sure, own)
        items = ",".join(f'{{"plate":"{text}","confidence":{share}}}' for text, share in offered)
        return f',"candidates":[{items}]'
    marked = character_confidences(plate, truth, sure, own)
    items = ",".join(f'{{"char":"{char}","confidence":{share}}}' for char, share in marked)
    return f',"characters":[{items}]'


def _vehicle_piece(vehicle: Vehicle, draws: Sequence[float]) -> str:
    """Write what the camera makes of the vehicle; colours are mistaken now and then."""
    colour = vehicle.colour
    if draws[-1] < _WRONG_COLOUR_SHARE:
        colour = COLOURS[int(draws[-2] * len(COLOURS))]
    model = f'"model":"{vehicle.model}",' if draws[-3] < 0.3 else ""
    return (
        f',"vehicle":{{"class":"{vehicle.vehicle_class}","make":"{vehicle.make}",'
        f'{model}"colour":"{colour}"}}'
    )
