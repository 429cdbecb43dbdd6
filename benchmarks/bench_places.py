"""What place adds: misreads on the road found at how many false alerts, without it and with it.

Simulated vehicles drive for hours along roads, so that where and when each is read is a journey.
The same hits are judged as matching gives them, weighed by the last sure sighting, and by the way
that the vehicle went since; the
simulated reads name their camera, and where that stands is added to each. Some of the listed
vehicles drive, most entries never do, as in life.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from anpr_engine.pipeline.columns import Circumstances
from anpr_engine.pipeline.core import StepRules, look
from anpr_engine.pipeline.journeys import PlaceRules
from anpr_engine.pipeline.match import MatchRules
from anpr_engine.pipeline.places import SightingBook, weigh_places
from anpr_engine.pipeline.tiers import edits_of
from anpr_engine.records.columns import HitColumns
from anpr_engine.simulate.rendering import SimulatedRead
from anpr_engine.simulate.roads import CAMERAS
from anpr_engine.simulate.traffic import ListedVehicle, Traffic
from anpr_engine.simulate.vehicles import Vehicle, make_fleet
from anpr_engine.watchlist.snapshot import Snapshot, snapshot_of
from benchmarks import quality_data as data
from benchmarks.definitions import Size
from benchmarks.lab import Lab, expect
from benchmarks.measure import Outcome
from benchmarks.quality_curves import middle
from benchmarks.quality_scores import GRID, PER_CENT, Judged

START = datetime(2026, 11, 2, 7, tzinfo=UTC)
READS_PER_S = 10.0
LISTED_SHARE = 0.2
"""Reads of listed vehicles; far more than on the road, so that recall is worth a figure."""
FLOOR = 0.02
EVEN = 0.5
BATCH = 8192
FALSE_SHARES = {"003": 0.0003, "010": 0.001, "030": 0.003}
"""The operating points: shares of the reads of vehicles that are not listed."""
HERE = Circumstances("be", 1_800_000_000_000_000, 0, watchlist_stale=False)
RULES = StepRules(MatchRules(0.0, LISTED_SHARE, FLOOR), places=PlaceRules())
WEIGHED = {"place": PlaceRules(onward_share=0.5), "with": PlaceRules()}
"""What counts beside the match: place alone, and place with direction."""
_STANDS = {
    camera.camera_id: f',"position":{{"lat":{camera.lat},"lon":{camera.lon}}}}}'.encode()
    for camera in CAMERAS
}


@dataclass(frozen=True, slots=True)
class Road:
    """Some hours on the road: the reads in order, and the lists."""

    reads: list[SimulatedRead]
    snapshot: Snapshot
    plates: list[tuple[str, str]]


def road(seed: int, size: Size) -> Road:
    """Drive, with listed vehicles among the others; entries that nobody drives fill the list."""
    fleet = make_fleet(seed)
    rng = np.random.default_rng([seed, 7])
    chosen = rng.choice(len(fleet.vehicles), size["listed"], replace=False).tolist()
    driving = [fleet.vehicles[row] for row in chosen]
    listed = [ListedVehicle(each, (str(place),)) for place, each in enumerate(driving)]
    traffic = Traffic(seed, START, READS_PER_S, listed=listed, listed_share=LISTED_SHARE)
    reads = list(islice(traffic.reads(size["reads"] / READS_PER_S * 2), size["reads"]))
    plates = [(each.printed, each.country) for each in driving]
    plates += data.fill([_seen(each) for each in fleet.vehicles], size["entries"] - len(driving))
    return Road(reads, snapshot_of(data.entries_of(plates, ())), plates)


def _seen(vehicle: Vehicle) -> data.Seen:
    return data.Seen(vehicle.printed, vehicle.country, vehicle.printed, 1.0, {})


def batches(made: Road) -> Iterator[tuple[int, HitColumns, dict[str, NDArray[np.float64]]]]:
    """Give each batch's first row, its hits as matched, and their probabilities by what counts."""
    books = {name: SightingBook(rules) for name, rules in WEIGHED.items()}
    for first in range(0, len(made.reads), BATCH):
        values = [
            read.json_bytes[:-1] + _STANDS[read.camera_id]
            for read in made.reads[first : first + BATCH]
        ]
        looked = look(values, made.snapshot, RULES, HERE)
        expect("reads that are refused", len(looked.reads.rejects), 0)
        found = {"without": looked.hits.probability}
        for name, book in books.items():
            placed = weigh_places(looked.reads, looked.hits, made.snapshot, book)
            book.apply(placed.sightings)
            found[name] = placed.hits.probability
        yield first, looked.hits, found


def judge(made: Road) -> dict[str, Judged]:
    """Score every read without place, with it, and with direction too."""
    count = len(made.reads)
    scores = {name: np.zeros(count) for name in ("without", *WEIGHED)}
    own = [int(read.entry_ids[0]) if read.entry_ids else -1 for read in made.reads]
    listed = np.array(own) >= 0
    for first, hits, found in batches(made):
        row = hits.read + first
        entry = _entries(hits, made.snapshot)
        counts = ~listed[row] | (entry == np.array(own)[row])
        for name, probability in found.items():
            np.maximum.at(scores[name], row[counts], probability[counts])
    edits = np.array([_edits(read) if read.misread else 0 for read in made.reads])
    exact = listed & (edits == 0)
    misread = listed & (edits >= 1) & (edits <= 2)
    return {
        name: Judged(innocent=score[~listed], misread=score[misread], exact=score[exact])
        for name, score in scores.items()
    }


def _entries(hits: HitColumns, snapshot: Snapshot) -> NDArray[np.int64]:
    return data.places_of(
        [
            snapshot.entry(entry, recent=recent).entry_id
            for entry, recent in zip(hits.entry.tolist(), hits.recent.tolist(), strict=True)
        ]
    )


def _edits(read: SimulatedRead) -> int:
    text = data.canonical(str(json.loads(read.json_bytes)["plate"]))
    return edits_of(text, data.canonical(read.truth_plate))


def figures_of(found: Mapping[str, Judged]) -> dict[str, float]:
    """Give the points of both curves, and what is found and wrongly alerted at even odds."""
    figures = {}
    for name, scores in found.items():
        for point, share in FALSE_SHARES.items():
            figures[f"{name}_{point}"] = scores.recall(share)
        figures[f"{name}_even"], figures[f"{name}_even_false"] = scores.at(EVEN)
    return figures


def run(_lab: Lab, size: Size, repeats: int) -> Outcome:
    """Drive and judge; every round has vehicles, lists and journeys of its own."""
    outcome = Outcome()
    kept = []
    for turn in range(repeats):
        made = road(turn + 1, size)
        if turn == 0:
            outcome.digests = {
                "traffic": data.traffic_digest(made.reads),
                "list": data.plates_digest(made.plates),
            }
        found = judge(made)
        for name in WEIGHED:
            lost = (found[name].exact < EVEN) & (found["without"].exact >= EVEN)
            expect("reads without error that are lost by their place", int(lost.sum()), 0)
        outcome.add(figures_of(found))
        kept.append(found)
    outcome.curves = {
        "false": middle([(PER_CENT * GRID).tolist()]),
        "recall": {name: middle([each[name].curve() for each in kept]) for name in kept[0]},
    }
    return outcome
