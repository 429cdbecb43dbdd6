"""Traffic is in order, obeys the schema, repeats itself from its seed, and tells the truth."""

import itertools
import json
import math
from collections import Counter, defaultdict
from datetime import UTC, datetime
from functools import lru_cache

from anpr_engine.records.read import PlateRead
from anpr_engine.simulate.lists import listed_vehicles, sample_entries
from anpr_engine.simulate.number_plates import canonical
from anpr_engine.simulate.rendering import SimulatedRead
from anpr_engine.simulate.roads import CAMERAS, EARTH_RADIUS_KM, Camera
from anpr_engine.simulate.traffic import ListedVehicle, Traffic
from anpr_engine.simulate.vehicles import make_fleet

SEED = 5
START = datetime(2026, 3, 2, 7, 0, tzinfo=UTC)
CAMERA_BY_ID = {camera.camera_id: camera for camera in CAMERAS}


@lru_cache(maxsize=1)
def listed() -> tuple[ListedVehicle, ...]:
    """Give listed vehicles of the seed's fleet."""
    fleet = make_fleet(SEED)
    return tuple(listed_vehicles(sample_entries(SEED, fleet, 40, START), fleet))


@lru_cache(maxsize=1)
def busy_reads() -> tuple[SimulatedRead, ...]:
    """Give ten seconds of dense traffic of both sites with many listed vehicles."""
    traffic = Traffic(SEED, START, 2000, listed=listed(), listed_share=0.02)
    return tuple(traffic.reads(10))


def apart_km(here: Camera, there: Camera) -> float:
    """Measure the great circle between two cameras."""
    lat_a, lat_b = math.radians(here.lat), math.radians(there.lat)
    lon = math.radians(there.lon - here.lon)
    cosine = math.sin(lat_a) * math.sin(lat_b) + math.cos(lat_a) * math.cos(lat_b) * math.cos(lon)
    return EARTH_RADIUS_KM * math.acos(min(1.0, cosine))


def test_reads_obey_version_one_of_the_schema() -> None:
    """Every read is valid, its fields agree with the truth beside it, and it is of common size."""
    for read in busy_reads()[:6000]:
        parsed = PlateRead.model_validate_json(read.json_bytes)
        assert parsed.read_id == read.read_id
        assert parsed.camera_id == read.camera_id
        assert round(parsed.captured_at.timestamp() * 1_000_000) == read.captured_at_us
        assert (canonical(parsed.plate) != read.truth_plate) == read.misread
        assert CAMERA_BY_ID[read.camera_id].site == read.site
    mean = sum(len(read.json_bytes) for read in busy_reads()) / len(busy_reads())
    assert 200 <= mean <= 260


def test_reads_are_in_order_of_event_time_and_unique() -> None:
    """Event time never goes back, ids never repeat, and all lie in the time asked for."""
    times = [read.captured_at_us for read in busy_reads()]
    assert times == sorted(times)
    first = round(START.timestamp() * 1_000_000)
    assert first <= times[0]
    assert times[-1] < first + 10_000_000
    assert len({read.read_id for read in busy_reads()}) == len(times)


def test_the_rate_holds_from_the_first_second() -> None:
    """Traffic needs no warm-up: every second has about the reads asked for."""
    first = round(START.timestamp() * 1_000_000)
    seconds = Counter((read.captured_at_us - first) // 1_000_000 for read in busy_reads())
    assert len(seconds) == 10
    assert all(1800 <= count <= 2200 for count in seconds.values())


def test_one_seed_gives_the_same_bytes() -> None:
    """Two plays agree bit for bit; another seed does not."""
    once = [read.json_bytes for read in Traffic(SEED, START, 200).reads(5)]
    assert once == [read.json_bytes for read in Traffic(SEED, START, 200).reads(5)]
    assert once != [read.json_bytes for read in Traffic(SEED + 1, START, 200).reads(5)]


def test_blocks_cut_the_same_reads() -> None:
    """Blocks of any length hold what `reads` gives, each read in its block."""
    traffic = Traffic(SEED, START, 300)
    whole = list(traffic.reads(6))
    first = round(START.timestamp() * 1_000_000)
    for block_s, count in ((0.1, 60), (1.5, 4)):
        blocks = list(itertools.islice(traffic.blocks(block_s), count))
        assert [read for block in blocks for read in block] == whole
        for number, block in enumerate(blocks):
            for read in block:
                assert int((read.captured_at_us - first) // round(block_s * 1e6)) == number


def test_quiet_traffic_has_empty_blocks() -> None:
    """At a read in ten seconds most blocks are empty and the reads still come."""
    blocks = list(itertools.islice(Traffic(SEED, START, 0.1).blocks(1.0), 300))
    assert any(blocks)
    assert sum(not block for block in blocks) > 200


def test_misreads_are_about_three_in_a_hundred_and_less_sure() -> None:
    """Misreads have the asked share; their confidence is lower on the whole, yet overlaps."""
    sure: dict[bool, list[float]] = {True: [], False: []}
    for read in busy_reads():
        sure[read.misread].append(json.loads(read.json_bytes)["confidence"])
    wrong, right = sure[True], sure[False]
    assert 0.02 < len(wrong) / len(busy_reads()) < 0.045
    assert sum(wrong) / len(wrong) < sum(right) / len(right) - 0.1
    assert max(wrong) > min(right)


def test_optional_fields_come_in_their_shares() -> None:
    """Vehicles in a tenth of the reads, alternatives in a twentieth, country in most."""
    count = len(busy_reads())
    fields = Counter(key for read in busy_reads() for key in json.loads(read.json_bytes))
    assert 0.08 < fields["vehicle"] / count < 0.12
    assert 0.03 < (fields["candidates"] + fields["characters"]) / count < 0.08
    assert 0.92 < fields["country"] / count < 0.96


def test_candidates_often_hold_the_truth() -> None:
    """A misread with candidates offers the true plate in more than half of the cases."""
    offered = [
        read.truth_plate in {canonical(item["plate"]) for item in parsed["candidates"]}
        for read in busy_reads()
        if read.misread and "candidates" in (parsed := json.loads(read.json_bytes))
    ]
    assert offered
    assert 0.5 < sum(offered) / len(offered) < 0.9


def test_some_countries_are_wrong() -> None:
    """About four in a hundred reads name another country than the true one."""
    wrong = sum(
        json.loads(read.json_bytes).get("country", read.truth_country) != read.truth_country
        for read in busy_reads()
    )
    assert 0.025 < wrong / len(busy_reads()) < 0.055


def test_listed_vehicles_have_their_share_and_their_entries() -> None:
    """The asked share of reads is of listed vehicles, and exactly those carry entry ids."""
    entries = {(item.vehicle.plate, item.vehicle.country): item.entry_ids for item in listed()}
    reads = busy_reads()
    for read in reads:
        assert read.entry_ids == entries.get((read.truth_plate, read.truth_country), ())
    assert 0.015 < sum(bool(read.entry_ids) for read in reads) / len(reads) < 0.025


def test_one_site_alone_gets_the_whole_rate() -> None:
    """With one site chosen, all reads are of its cameras."""
    reads = list(Traffic(SEED, START, 500, ("be",)).reads(4))
    assert {read.site for read in reads} == {"be"}
    assert 1700 <= len(reads) <= 2300


def test_vehicles_travel_at_plausible_speeds() -> None:
    """In quiet traffic hardly any vehicle is at two places faster than it could drive."""
    seen: dict[str, list[SimulatedRead]] = defaultdict(list)
    for read in Traffic(SEED, START, 10).reads(3600):
        seen[read.truth_plate].append(read)
    speeds = []
    for reads in seen.values():
        for before, after in itertools.pairwise(reads):
            here, there = CAMERA_BY_ID[before.camera_id], CAMERA_BY_ID[after.camera_id]
            hours = (after.captured_at_us - before.captured_at_us) / 3.6e9
            if here != there:
                speeds.append(apart_km(here, there) / hours)
    assert len(speeds) > 3000
    assert sum(speed > 160 for speed in speeds) / len(speeds) < 0.02
    assert 60 < sorted(speeds)[len(speeds) // 2] < 115


def test_some_passages_are_read_twice() -> None:
    """A camera now and then reports one passage again seconds later, under another id."""
    last: dict[tuple[str, str], int] = {}
    again = 0
    for read in busy_reads():
        key = (read.truth_plate, read.camera_id)
        again += read.captured_at_us - last.get(key, -(10**12)) < 5_000_000
        last[key] = read.captured_at_us
    assert 0.01 < again / len(busy_reads()) < 0.04


def test_rush_hour_is_busier_than_night() -> None:
    """Demand follows the day: with the rate fixed at seven, three at night is far below."""
    night = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
    morning = sum(1 for _ in Traffic(SEED, night, 1).reads(5 * 3600))
    assert morning > 2 * 5 * 3600
