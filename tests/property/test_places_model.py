"""Place against a naive model: any reads, any cuts of batches, any rollbacks; and nothing lost."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from anpr_engine.pipeline.columns import CANDIDATE, EXACT, FUZZY, REPAIRED, Circumstances
from anpr_engine.pipeline.core import StepRules, look, weigh
from anpr_engine.pipeline.journeys import (
    DRIVING_KMH,
    DRIVING_SPREAD_KMH,
    EARTH_RADIUS_KM,
    SLACK_KM,
    SLACK_S,
    SPEED_SPREAD_KMH,
    TURN_SPREAD,
    PlaceRules,
    place_ratios,
)
from anpr_engine.pipeline.match import MatchRules
from anpr_engine.pipeline.places import SightingBook
from anpr_engine.records.columns import HitColumns
from anpr_engine.records.watchlist_entry import WatchlistEntry
from anpr_engine.watchlist.snapshot import snapshot_of

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
HERE = Circumstances("be", int(NOW.timestamp() * 1e6), 0, watchlist_stale=False)
PLACES = PlaceRules(about_s=900.0)
RULES = StepRules(places=PLACES)
BARE = 1e-3
"""Far below every floor: what would be found without a gate."""
SNAPSHOT = snapshot_of(
    [
        WatchlistEntry(entry_id=plate, list_id="l", plate=plate, country="BE", sharing="be")
        for plate in ("1-ABC-123", "1-ABG-123", "1-XYZ-789")
    ]
)
POINTS = ((51.22, 4.40), (51.03, 4.48), (50.63, 5.58), (51.22, 4.41))


@dataclass(frozen=True, slots=True)
class Sight:
    """One read: what, where, how many minutes after seven, and which way, if that is told."""

    plate: str
    point: int | None
    minutes: int
    sure: float
    heading_deg: int | None = None


sights = st.builds(
    Sight,
    plate=st.sampled_from(
        ["1-ABC-123", "1-ABG-123", "1-ADC-123", "1-ABE-123", "1-ABC-723", "1-XYZ-78", "1-XVZ-789"]
    ),
    point=st.sampled_from([0, 1, 2, 3, None]),
    minutes=st.integers(0, 119) | st.integers(30, 45),
    sure=st.sampled_from([0.55, 0.9, 0.97]),
    heading_deg=st.none() | st.integers(0, 360),
)
batches = st.lists(st.tuples(st.lists(sights, max_size=6), st.integers(0, 1)), max_size=5)
"""Batches, each with how often it is rolled back before it is durable."""


def value_of(number: int, sight: Sight) -> bytes:
    """Write a read."""
    when = NOW - timedelta(hours=2) + timedelta(minutes=sight.minutes)
    fields: dict[str, object] = {
        "read_id": f"r{number}",
        "camera_id": "c",
        "captured_at": when.isoformat(),
        "plate": sight.plate,
        "country": "BE",
        "confidence": sight.sure,
    }
    if sight.point is not None:
        fields["position"] = dict(zip(("lat", "lon"), POINTS[sight.point], strict=True))
    if sight.heading_deg is not None:
        fields["heading_deg"] = sight.heading_deg
    return json.dumps(fields).encode()


Found = list[tuple[int, int, float]]
"""Hits of a run: the read's number, its entry, what it is worth."""


def run(given_batches: Sequence[tuple[list[Sight], int]]) -> Found:
    """Take batches as the engine does: a batch that is rolled back leaves nothing behind."""
    book = SightingBook(PLACES)
    found: Found = []
    first = 0
    for sighted, rolled_back in given_batches:
        values = [value_of(first + place, sight) for place, sight in enumerate(sighted)]
        for _ in range(rolled_back):
            weigh(look(values, SNAPSHOT, RULES, HERE), SNAPSHOT, RULES, book)
        looked = weigh(look(values, SNAPSHOT, RULES, HERE), SNAPSHOT, RULES, book)
        book.apply(looked.sightings)
        hits = looked.hits
        found += [
            (first + row, entry, probability)
            for row, entry, probability in zip(
                hits.read.tolist(), hits.entry.tolist(), hits.probability.tolist(), strict=True
            )
        ]
        first += len(sighted)
    return sorted(found)


def _onward(here: tuple[float, float], there: tuple[float, float], heading_deg: float) -> float:
    # The cosine between a heading here and the way here from there: unit vectors on the globe.
    def spot(place: tuple[float, float]) -> NDArray[np.float64]:
        lat, lon = map(math.radians, place)
        flat = math.cos(lat)
        return np.array([flat * math.cos(lon), flat * math.sin(lon), math.sin(lat)])

    start, end = spot(there), spot(here)
    east = np.cross([0.0, 0.0, 1.0], start)
    north = np.cross(start, east)
    way = end - start * float(start @ end)
    way /= np.linalg.norm(way)
    heading = math.radians(heading_deg)
    ahead = north * math.cos(heading) + east * math.sin(heading)
    return float(ahead / np.linalg.norm(ahead) @ way)


def naive_ratio(
    here: tuple[float, float],
    there: tuple[float, float],
    later_s: float,
    heading_deg: float | None = None,
) -> float:
    """Weigh one journey, in plain arithmetic."""
    apart_s = abs(later_s)
    (lat, lon), (lat_there, lon_there) = here, there
    a, b = math.radians(lat), math.radians(lat_there)
    chord = math.sin((b - a) / 2) ** 2
    chord += math.cos(a) * math.cos(b) * math.sin(math.radians(lon_there - lon) / 2) ** 2
    road_km = 2 * EARTH_RADIUS_KM * math.asin(math.sqrt(chord)) * PLACES.road_factor
    least = max(road_km - SLACK_KM, 0) / ((apart_s + SLACK_S) / 3600)
    most = (road_km + SLACK_KM) / (max(apart_s - SLACK_S, 1) / 3600)
    able = 0.5 + 0.5 * math.tanh((PLACES.speed_kmh_most - least) / SPEED_SPREAD_KMH / 2)
    driving = 0.5 + 0.5 * math.tanh((most - DRIVING_KMH) / DRIVING_SPREAD_KMH / 2)
    boost = (PLACES.boost_most - 1) * driving * math.exp(-apart_s / PLACES.about_s)
    if apart_s * 1e6 > PLACES.horizon_us:
        return 1.0
    ratio = able * (1 + boost)
    if heading_deg is not None and road_km > SLACK_KM:
        onward = _onward(here, there, heading_deg) * (1 if later_s >= 0 else -1)
        goes_on = 0.5 + 0.5 * math.tanh(onward / TURN_SPREAD / 2)
        share = goes_on * PLACES.onward_share + (1 - goes_on) * (1 - PLACES.onward_share)
        ratio *= 1 + (2 * share - 1) * driving * math.exp(-apart_s / PLACES.about_s)
    return min(max(ratio, PLACES.least), PLACES.boost_most)


def naive(sighted: Sequence[Sight], matching: MatchRules) -> Found:
    """Weigh read after read in one batch, remembering every sighting there was."""
    values = [value_of(number, sight) for number, sight in enumerate(sighted)]
    looked = look(values, SNAPSHOT, StepRules(matching), HERE)
    known: dict[int, list[tuple[int, tuple[float, float]]]] = {}
    newest, found = 0, []
    for row, sight in enumerate(sighted):
        mine = np.flatnonzero(looked.hits.read == row).tolist()
        point = None if sight.point is None else POINTS[sight.point]
        seen_us = int(looked.reads.captured_at_us[row])
        of = (point, sight.heading_deg)
        ratios = [_ratio_of(looked.hits, hit, known, (newest, seen_us), of) for hit in mine]
        shares = looked.hits.probability[mine].tolist()
        gains = sum(max(each - 1, 0) * share for each, share in zip(ratios, shares, strict=True))
        for hit, ratio, share in zip(mine, ratios, shares, strict=True):
            worth = ratio * share / (1 + gains + min(ratio - 1, 0) * share)
            near = looked.hits.tier[hit] in {FUZZY, REPAIRED}
            if worth >= (RULES.match.near_probability_min if near else 0.0):
                found.append((row, int(looked.hits.entry[hit]), worth))
            if looked.hits.tier[hit] == EXACT and share >= PLACES.sure_min and point:
                known.setdefault(int(looked.hits.entry[hit]), []).append((seen_us, point))
                newest = max(newest, seen_us)
    return sorted(found)


def _ratio_of(
    hits: HitColumns,
    hit: int,
    known: dict[int, list[tuple[int, tuple[float, float]]]],
    when: tuple[int, int],
    of: tuple[tuple[float, float] | None, int | None],
) -> float:
    (point, heading_deg) = of
    newest, seen_us = when
    seen = known.get(int(hits.entry[hit]))
    if point is None or seen is None or hits.tier[hit] not in {FUZZY, REPAIRED, CANDIDATE}:
        return 1.0
    then_us, there = max(seen)
    if then_us < newest - PLACES.horizon_us:
        return 1.0
    return naive_ratio(point, there, (seen_us - then_us) / 1e6, heading_deg)


@pytest.mark.slow_interpreted
@settings(max_examples=25, deadline=None)
@given(given_batches=batches)
def test_any_cut_gives_what_the_naive_model_gives(
    given_batches: list[tuple[list[Sight], int]],
) -> None:
    """Batches and rollbacks play no part: each read is weighed by what came before it."""
    sighted = [sight for some, _ in given_batches for sight in some]
    found, expected = run(given_batches), naive(sighted, RULES.searched)
    assert [each[:2] for each in found] == [each[:2] for each in expected]
    worth = [each[2] for each in expected]
    assert [each[2] for each in found] == pytest.approx(worth, rel=1e-9)


@pytest.mark.slow_interpreted
@settings(max_examples=25, deadline=None)
@given(sighted=st.lists(sights, max_size=6))
def test_the_gate_loses_no_hit(sighted: list[Sight]) -> None:
    """What is worth a hit without a gate is one with it, and worth as much or more.

    More, for a rival that is not looked for takes nothing away.
    """
    found = {each[:2]: each[2] for each in run([(sighted, 0)])}
    for row, entry, worth in naive(sighted, MatchRules(near_probability_min=BARE)):
        if worth > RULES.match.near_probability_min * 1.001:
            assert found[row, entry] > worth * 0.99


@given(
    floor=st.floats(1e-6, 1),
    share=st.floats(0, 1),
    ratio=st.floats(PLACES.least, PLACES.boost_most),
)
def test_no_boost_lifts_what_is_not_looked_for(floor: float, share: float, ratio: float) -> None:
    """Below the floor that is searched with, no ratio brings a hit to the floor asked for."""
    if share < PLACES.floor_for(floor) * (1 - 1e-9):
        assert ratio * share / (1 + (ratio - 1) * share) < floor


@given(km=st.floats(0, 20_000), apart_s=st.floats(0, 1e6), turn_deg=st.floats(-720, 720))
def test_ratios_stay_within_their_bounds(km: float, apart_s: float, turn_deg: float) -> None:
    """Whatever the journey, the ratio is one that the gate has reckoned with."""
    of = np.array([km]), np.array([apart_s]), np.array([turn_deg])
    assert PLACES.least <= float(place_ratios(*of, PLACES)[0]) <= PLACES.boost_most
