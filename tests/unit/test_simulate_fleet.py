"""The fleet has plates of the five countries in formats that exist, each once."""

import itertools
import re
from collections import Counter
from datetime import UTC, datetime, timedelta

from anpr_engine.records.fields import Action
from anpr_engine.simulate.lists import (
    DECOY_SHARE,
    LIST_PLANS,
    listed_vehicles,
    sample_entries,
)
from anpr_engine.simulate.number_plates import canonical, is_issued
from anpr_engine.simulate.vehicles import Fleet, make_fleet

SIZE = 8000
NOW = datetime(2026, 3, 2, 7, 0, tzinfo=UTC)
SHAPES = {
    "NL": r"[A-Z]{2}-\d\d-[A-Z]{2}|[A-Z]{2}-[A-Z]{2}-\d\d|\d\d-[A-Z]{2}-[A-Z]{2}|\d\d-[A-Z]{3}-\d|"
    r"\d-[A-Z]{3}-\d\d|[A-Z]{2}-\d{3}-[A-Z]|[A-Z]-\d{3}-[A-Z]{2}|[A-Z]{3}-\d\d-[A-Z]|"
    r"[A-Z]-\d\d-[A-Z]{3}",
    "BE": r"[0-9A-Z]-[A-Z]{3}-\d{3}|[A-Z]{3}-\d{3}|\d{3}-[A-Z]{3}|[A-Z]{4}-\d\d|"
    r"[A-Z]{5}-\d|[A-Z]{6}",
    "DE": r"[A-ZÄÖÜ]{1,3}-[A-Z]{1,2} [1-9]\d{1,3}E?",
    "LU": r"[A-Z]{2} \d{3,4}",
    "FR": r"[A-Z]{2}-\d{3}-[A-Z]{2}|\d{3,4} [A-Z]{2,3} \d\d",
}


def fleet() -> Fleet:
    """Give a small fleet."""
    return make_fleet(11, SIZE)


def test_plates_have_shapes_that_exist() -> None:
    """Every plate fits a format of its country and is a combination that is issued."""
    for vehicle in fleet().vehicles:
        assert re.fullmatch(SHAPES[vehicle.country], vehicle.printed), vehicle.country
        assert is_issued(vehicle.printed, vehicle.country)
        assert vehicle.plate == canonical(vehicle.printed)


def test_no_two_vehicles_share_a_plate_and_country() -> None:
    """A plate and country name one vehicle."""
    vehicles = fleet().vehicles
    assert len({(vehicle.plate, vehicle.country) for vehicle in vehicles}) == len(vehicles)


def test_both_countries_lead_and_others_are_few() -> None:
    """NL and BE make up most of the fleet; DE, LU and FR are there."""
    counts = Counter(vehicle.country for vehicle in fleet().vehicles)
    total = sum(counts.values())
    assert counts["NL"] / total > 0.35
    assert counts["BE"] / total > 0.35
    assert all(0.001 < counts[country] / total < 0.1 for country in ("DE", "LU", "FR"))


def test_a_seed_gives_the_same_fleet() -> None:
    """Two fleets of one seed are equal, those of two seeds are not."""
    again = make_fleet.__wrapped__(11, SIZE)
    assert again.vehicles == fleet().vehicles
    assert make_fleet(12, SIZE).vehicles != fleet().vehicles


def test_groups_cover_the_fleet() -> None:
    """Group bounds grow from nothing to the whole fleet; no group is empty."""
    bounds = fleet().group_start.tolist()
    assert bounds[0] == 0
    assert bounds[-1] == len(fleet().vehicles)
    assert all(start < end for start, end in itertools.pairwise(bounds))


def test_every_list_holds_fleet_vehicles_and_decoys() -> None:
    """Each list has the asked number of vehicles on the road, plus decoys that are not."""
    entries = sample_entries(3, fleet(), 20, NOW)
    on_road = {(vehicle.plate, vehicle.country) for vehicle in fleet().vehicles}
    for plan in LIST_PLANS:
        listed = [entry for entry in entries if entry.list_id == plan.list_id]
        seen = sum((canonical(entry.plate), entry.country) in on_road for entry in listed)
        assert seen == 20
        assert len(listed) == 20 + round(20 * DECOY_SHARE)


def test_entries_are_in_force_for_two_weeks() -> None:
    """An entry holds now and in a fortnight, and ends."""
    for entry in sample_entries(3, fleet(), 20, NOW):
        assert entry.in_force(NOW)
        assert entry.in_force(NOW + timedelta(days=13))
        assert entry.valid_until is not None


def test_entries_come_from_their_site_and_only_watched_ones_stay_there() -> None:
    """Both sites provide lists; who is only watched is not shared with the other site."""
    entries = sample_entries(3, fleet(), 30, NOW)
    assert {entry.provider for entry in entries} == {"be", "nl"}
    assert {entry.sharing for entry in entries} == {"own", "be,nl"}
    watched = [
        entry for entry in entries if entry.action in (Action.OBSERVE, Action.DISCREET_CHECK)
    ]
    assert watched
    assert all(entry.sharing == "own" for entry in watched)
    assert len({entry.entry_id for entry in entries}) == len(entries)
    assert all(entry.legal_basis and entry.owner and entry.purpose for entry in entries)


def test_listed_vehicles_carry_all_their_entries() -> None:
    """Every entry of a fleet vehicle is found again; decoys are nobody's."""
    entries = sample_entries(3, fleet(), 20, NOW)
    listed = listed_vehicles(entries, fleet())
    found = [entry_id for vehicle in listed for entry_id in vehicle.entry_ids]
    assert len(found) == 20 * len(LIST_PLANS)
    assert len(set(found)) == len(found)


def test_a_seed_gives_the_same_entries() -> None:
    """Two runs of one seed and instant agree."""
    assert sample_entries(3, fleet(), 5, NOW) == sample_entries(3, fleet(), 5, NOW)
