"""Place as evidence: what journeys are worth, what is remembered, and what hits become."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from anpr_engine.pipeline.columns import EXACT, Circumstances
from anpr_engine.pipeline.core import StepRules, conclude, look, step, weigh
from anpr_engine.pipeline.explain import explain
from anpr_engine.pipeline.journeys import (
    PlaceRules,
    bearing_deg,
    great_circle_km,
    place_ratios,
)
from anpr_engine.pipeline.match import MatchRules
from anpr_engine.pipeline.places import (
    BELOW_PROBABILITY,
    Sighting,
    SightingBook,
    kept_hits,
    weigh_places,
)
from anpr_engine.plates.explain import FURTHER, PLACE
from anpr_engine.plates.reading import shipped_reading
from anpr_engine.records.columns import HitColumns
from anpr_engine.records.watchlist_entry import WatchlistEntry
from anpr_engine.simulate.roads import CAMERAS, TOWN_INDEX, TOWNS, distance_km
from anpr_engine.simulate.traffic import Traffic
from anpr_engine.watchlist.snapshot import Snapshot, snapshot_of

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
HERE = Circumstances("be", int(NOW.timestamp() * 1e6), 0, watchlist_stale=False)
RULES = PlaceRules()
STEP = StepRules(places=RULES)
ENTRY = WatchlistEntry(
    entry_id="e1", list_id="l1", plate="1-ABC-123", country="BE", sharing="be,nl"
)
SNAPSHOT = snapshot_of([ENTRY])
ANTWERP, MECHELEN, LIEGE = (51.22, 4.40), (51.03, 4.48), (50.63, 5.58)
MISREAD = "1-ADC-123"
"""A look-alike of the entry that alone is worth about one in five."""
DOUBTFUL = "1-ABC-723"
"""One that alone is just worth an alert."""


def read(
    number: int, plate: str, minutes: float, at: tuple[float, float] | None, **more: object
) -> bytes:
    """Write a read some minutes after eight."""
    when = NOW - timedelta(hours=1) + timedelta(minutes=minutes)
    fields: dict[str, Any] = {
        "read_id": f"r{number}",
        "camera_id": "c",
        "captured_at": when.isoformat(),
        "plate": plate,
        "country": "BE",
        "confidence": 0.9,
    }
    if at is not None:
        fields["position"] = {"lat": at[0], "lon": at[1]}
    return json.dumps(fields | more).encode()


def sure(minutes: float, at: tuple[float, float] | None) -> bytes:
    """Write a read of just the listed plate."""
    return read(0, "1-ABC-123", minutes, at)


def hits_of(batches: Sequence[Sequence[bytes]], rules: StepRules = STEP) -> list[tuple[int, float]]:
    """Take batches one after the other; give each hit's tier and probability."""
    book = SightingBook(rules.places or RULES)
    found = []
    for batch in batches:
        looked = weigh(look(batch, SNAPSHOT, rules, HERE), SNAPSHOT, rules, book)
        book.apply(looked.sightings)
        hits = looked.hits
        found += list(zip(hits.tier.tolist(), hits.probability.tolist(), strict=True))
    return found


def ratio(km: float, minutes: float) -> float:
    """Weigh one journey; nobody knows which way it went."""
    of = np.array([km]), np.array([minutes * 60.0]), np.array([np.nan])
    return float(place_ratios(*of, RULES)[0])


@pytest.mark.parametrize(
    ("km", "minutes", "low", "high"),
    [
        (0.0, 0.0, 19.9, 20.0),
        (0.2, 1.0, 15.0, 20.0),
        (20.0, 15.0, 10.0, 20.0),
        (60.0, 40.0, 4.0, 10.0),
        (200.0, 10.0, 0.05, 0.05),
        (150.0, 60.0, 0.05, 0.5),
        (0.0, 40.0, 1.0, 1.1),
        (5.0, 120.0, 1.0, 1.1),
        (100.0, 200.0, 0.95, 1.1),
        (5000.0, 500.0, 1.0, 1.0),
    ],
)
def test_journeys_are_weighed_as_people_would(
    km: float, minutes: float, low: float, high: float
) -> None:
    """Lately and nearby is likelier, beyond any speed hardly; parked, or long ago, says nothing."""
    assert low <= ratio(km, minutes) <= high


def test_simulated_journeys_are_possible_and_mostly_likelier() -> None:
    """Vehicles that drive from camera to camera are hardly ever held for impossible."""
    stands = {camera.camera_id: (camera.lat, camera.lon) for camera in CAMERAS}
    heads = {camera.camera_id: camera.heading_deg for camera in CAMERAS}
    start = datetime(2026, 11, 2, 7, tzinfo=UTC)
    last: dict[str, tuple[int, tuple[float, float]]] = {}
    journeys = []
    for seen in Traffic(3, start, 10.0).reads(1500):
        here = stands[seen.camera_id]
        if seen.truth_plate in last:
            then_us, there = last[seen.truth_plate]
            apart_s = (seen.captured_at_us - then_us) / 1e6
            journeys.append((*here, *there, apart_s, heads[seen.camera_id]))
        last[seen.truth_plate] = seen.captured_at_us, here
    of = np.array(journeys)
    at, before = (of[:, 0], of[:, 1]), (of[:, 2], of[:, 3])
    km, turn = great_circle_km(at, before), of[:, 5] - bearing_deg(before, at)
    ratios = place_ratios(km, of[:, 4], np.full(len(km), np.nan), RULES)
    assert len(ratios) > 1000
    assert (ratios < 0.7).mean() < 0.01
    assert np.median(ratios) > 5
    told = place_ratios(km, of[:, 4], turn, RULES)
    # Those that were weighed down by their direction turned back on their way.
    assert (told >= ratios).mean() > RULES.onward_share
    assert told.mean() > ratios.mean()


def test_distances_are_great_circles() -> None:
    """The same as between the towns of the simulated roads."""
    first, other = TOWNS[TOWN_INDEX["Antwerpen"]], TOWNS[TOWN_INDEX["Venlo"]]
    here = np.array([first.lat]), np.array([first.lon])
    there = np.array([other.lat]), np.array([other.lon])
    assert great_circle_km(here, there)[0] == pytest.approx(distance_km(first, other), rel=1e-9)
    assert great_circle_km(here, here)[0] == 0


def test_a_vehicle_that_is_about_lifts_a_doubtful_read() -> None:
    """Twenty minutes after a sure sighting near by, a misread is a hit that it is not alone."""
    doubtful = read(1, MISREAD, 35, MECHELEN)
    assert hits_of([[doubtful]]) == []
    found = hits_of([[sure(15, ANTWERP), doubtful]])
    assert found[0][0] == EXACT
    assert len(found) == 2
    assert found[1][1] > 0.5
    assert hits_of([[sure(15, ANTWERP), doubtful]], StepRules())[1:] == []


def test_an_impossible_journey_is_no_alert_but_not_impossible() -> None:
    """Two minutes after a sighting a hundred kilometres away the look-alike is another car."""
    doubtful = read(1, DOUBTFUL, 17, LIEGE, confidence=0.55)
    (alone,) = hits_of([[doubtful]])
    assert alone[1] > 0.5
    assert len(hits_of([[sure(15, ANTWERP), doubtful]])) == 1
    all_shown = StepRules(MatchRules(near_probability_min=0.001), places=RULES)
    found = hits_of([[sure(15, ANTWERP), doubtful]], all_shown)
    odds = alone[1] / (1 - alone[1]) * RULES.least
    assert found[1][1] == pytest.approx(odds / (1 + odds))


def test_a_copied_plate_is_told_whatever_its_journey() -> None:
    """Exact hits keep their probability: two places at once are just what must be known."""
    alone = hits_of([[sure(15, ANTWERP)], [sure(16, LIEGE)]], StepRules())
    assert hits_of([[sure(15, ANTWERP), sure(16, LIEGE)]]) == alone


def test_without_places_nothing_changes() -> None:
    """Reads that do not tell where they are leave every hit as it was."""
    batch = [sure(15, None), read(1, DOUBTFUL, 17, LIEGE, confidence=0.55)]
    assert hits_of([batch]) == hits_of([batch], StepRules())
    batch = [sure(15, ANTWERP), read(1, DOUBTFUL, 17, None, confidence=0.55)]
    assert hits_of([batch]) == hits_of([batch], StepRules())


def test_a_late_read_is_weighed_by_its_own_time() -> None:
    """A read that comes after a later sighting is as likely as if it had come in time."""
    doubtful = read(1, MISREAD, 10, MECHELEN)
    (late,) = [hit for hit in hits_of([[sure(30, ANTWERP)], [doubtful]]) if hit[0] != EXACT]
    assert late[1] > 0.5
    kept = hits_of([[sure(30, ANTWERP)], [sure(2, LIEGE)], [doubtful]])
    assert [hit for hit in kept if hit[0] != EXACT] == [late]


def test_sightings_in_any_order_come_to_the_same_book() -> None:
    """The newest by event time stays, of two plates on one seat too."""
    seen = [Sighting(time, identity, 51.0, 4.0) for time in (5, 9, 7) for identity in (3, 13)]
    seats = []
    for order in (seen, seen[::-1], sorted(seen)):
        book = SightingBook(PlaceRules(vehicles_max=10))
        book.apply(order)
        assert len(book) == 1
        seats.append(book.at(book.seat_of(3)))
    assert seats == [Sighting(9, 13, 51.0, 4.0)] * 3


def test_memory_is_bounded_and_forgets() -> None:
    """There are no more seats than allowed; what says nothing any more is not kept."""
    book = SightingBook(PlaceRules(vehicles_max=50, about_s=60.0))
    book.apply([Sighting(1, identity, 51.0, 4.0) for identity in range(1000)])
    assert len(book) == 50
    book.apply([Sighting(book.rules.horizon_us * 2, 7, 51.0, 4.0)])
    assert len(book) == 1


def test_what_a_rival_gains_the_others_lose() -> None:
    """Of two listed look-alikes the one that is about takes from the other, never the reverse."""
    entries = [
        ENTRY.model_copy(update={"entry_id": f"e{place}", "plate": plate})
        for place, plate in enumerate(("1-ABC-123", "1-ABG-123"))
    ]
    snapshot = snapshot_of(entries)
    rules = StepRules(MatchRules(near_probability_min=0.001), places=RULES)
    doubtful = read(1, "1-ABE-123", 20, MECHELEN)
    before = _by_entry(look([doubtful], snapshot, rules, HERE).hits)
    sighting = read(0, "1-ABG-123", 5, ANTWERP)
    lifted = _of_second(weigh_all([sighting, doubtful], snapshot, rules))
    assert lifted[1] > before[1]
    assert lifted[0] < before[0]
    far = read(0, "1-ABG-123", 18, LIEGE)
    lowered = _of_second(weigh_all([far, doubtful], snapshot, rules))
    assert lowered[1] < before[1]
    assert lowered[0] == pytest.approx(before[0])


def weigh_all(values: Sequence[bytes], snapshot: Snapshot, rules: StepRules) -> HitColumns:
    """Look at a batch and weigh it with an empty book."""
    looked = look(values, snapshot, rules, HERE)
    return weigh_places(looked.reads, looked.hits, snapshot, SightingBook(RULES)).hits


def _by_entry(hits: HitColumns) -> dict[int, float]:
    return dict(zip(hits.entry.tolist(), hits.probability.tolist(), strict=True))


def _of_second(hits: HitColumns) -> dict[int, float]:
    pairs = zip(hits.read.tolist(), hits.entry.tolist(), hits.probability.tolist(), strict=True)
    return {entry: probability for row, entry, probability in pairs if row == 1}


def test_hits_below_the_floors_are_left_out_and_counted_as_in_matching() -> None:
    """Near matches are not counted, others are, beside what matching withheld itself."""
    looked = look([sure(1, ANTWERP)], SNAPSHOT, STEP, HERE)
    placed = weigh_places(looked.reads, looked.hits, SNAPSHOT, SightingBook(RULES))
    kept = kept_hits(placed, (0.5, 1.0))
    assert len(kept.hits) == len(kept.ratio) == 0
    assert kept.hits.withheld == {BELOW_PROBABILITY: 1}
    assert kept_hits(placed, (0.5, 0.5)) is placed


def test_a_step_alone_knows_the_places_of_its_batch() -> None:
    """`step` weighs with what its own reads saw, and hands the sightings on."""
    batch = [sure(15, ANTWERP), read(1, MISREAD, 35, MECHELEN)]
    result = step(batch, SNAPSHOT, STEP, HERE)
    assert len(result.alerts) == 2
    assert [each.lat for each in result.sightings] == [ANTWERP[0]]
    assert len(step(batch, SNAPSHOT, StepRules(), HERE).alerts) == 1
    looked = look(batch, SNAPSHOT, StepRules(), HERE)
    assert conclude(looked, SNAPSHOT, StepRules(), HERE).sightings == ()


def test_place_is_named_in_the_explanation() -> None:
    """By how much it moved the odds, in a sentence of its own; the factors still multiply."""
    batch = [sure(15, ANTWERP), read(1, MISREAD, 35, MECHELEN)]
    looked = look(batch, SNAPSHOT, STEP, HERE)
    placed = weigh_places(looked.reads, looked.hits, SNAPSHOT, SightingBook(RULES))
    by = shipped_reading(), STEP.match.traffic_share
    told = explain(looked.reads, placed.hits, 1, SNAPSHOT, by, float(placed.ratio[1]))
    factors = {factor.name: factor.factor for factor in told.factors}
    assert factors[PLACE] == pytest.approx(placed.ratio[1])
    assert factors[FURTHER] == pytest.approx(1, abs=0.02)
    after = told.factors[-1].odds_after
    assert after / (1 + after) == pytest.approx(placed.hits.probability[1])
    assert "within reach" in told.words()
    far = explain(looked.reads, placed.hits, 1, SNAPSHOT, by, 0.05)
    assert "could hardly be here" in far.words()
