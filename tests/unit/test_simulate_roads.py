"""The road network is sound: places, cameras, routes."""

import math

from anpr_engine.simulate.demand import TripKind, home_weights, stop_weights
from anpr_engine.simulate.roads import CAMERAS, ROADS, SITES, TOWN_INDEX, TOWNS
from anpr_engine.simulate.routes import network, route_table, shortest_routes


def test_every_road_joins_two_known_towns() -> None:
    """A road's ends are towns, and no two roads join the same pair."""
    pairs = {frozenset((road.start, road.end)) for road in ROADS}
    assert len(pairs) == len(ROADS)
    assert all(name in TOWN_INDEX for pair in pairs for name in pair)
    assert all(len(pair) == 2 for pair in pairs)


def test_towns_lie_in_the_region() -> None:
    """Coordinates are WGS 84 degrees around the border, latitude first."""
    assert all(50.5 < town.lat < 52.2 and 2.9 < town.lon < 6.3 for town in TOWNS)


def test_cameras_have_unique_ids_and_stand_in_a_site() -> None:
    """A camera id names its site; both sites have many cameras, 60 to 120 in all."""
    assert len({camera.camera_id for camera in CAMERAS}) == len(CAMERAS)
    assert 60 <= len(CAMERAS) <= 120
    for site in SITES:
        assert sum(camera.site == site for camera in CAMERAS) > 40
    assert all(camera.camera_id.startswith(f"{camera.site}-") for camera in CAMERAS)
    assert all(0 <= camera.heading_deg < 360 for camera in CAMERAS)


def test_the_two_cameras_of_a_place_look_opposite_ways() -> None:
    """Directions of one place are half a turn apart and name the two ends of the road."""
    for forth, back in zip(CAMERAS[::2], CAMERAS[1::2], strict=True):
        assert (forth.lat, forth.lon, forth.road) == (back.lat, back.lon, back.road)
        turn = (forth.heading_deg - back.heading_deg) % 360
        assert 177 <= turn <= 183
        assert forth.direction != back.direction


def test_every_town_reaches_every_other() -> None:
    """The network is connected."""
    legs = network()
    assert all(len(shortest_routes(town, legs)) == len(TOWNS) for town in range(len(TOWNS)))


def test_the_motorway_is_the_quickest_way_over_the_border() -> None:
    """Breda to Antwerpen goes over Hazeldonk and Meer, and the way back is the same."""
    legs = network()
    breda, antwerpen = TOWN_INDEX["Breda"], TOWN_INDEX["Antwerpen"]
    way = [TOWNS[leg.to].name for leg in shortest_routes(breda, legs)[antwerpen]]
    assert way == ["Hazeldonk", "Meer", "Antwerpen"]
    back = [TOWNS[leg.to].name for leg in shortest_routes(antwerpen, legs)[breda]]
    assert back == ["Meer", "Hazeldonk", "Breda"]


def test_routes_of_one_site_pass_its_cameras_only() -> None:
    """A table for one site holds no camera of the other."""
    table = route_table(("nl",))
    assert {CAMERAS[camera].site for camera in table.camera.tolist()} == {"nl"}


def test_a_chain_ends_before_the_first_long_gap() -> None:
    """A chain runs to the end of its route, or to the first gap over the bound."""
    table = route_table(SITES)
    ends = table.chain_ends(900.0)
    for row, end in enumerate(ends.tolist()):
        assert all(gap <= 900.0 for gap in table.gap_s[row + 1 : end].tolist())
        assert end == len(table.gap_s) or table.gap_s[end] > 900.0


def test_weights_are_shares() -> None:
    """Stops of each kind of trip, and homes of the fleet, sum to one."""
    table = route_table(SITES)
    weights = stop_weights(table)
    assert weights.shape == (len(TripKind), len(table.camera))
    assert all(math.isclose(total, 1.0) for total in weights.sum(axis=1).tolist())
    assert math.isclose(float(home_weights(table).sum()), 1.0)
