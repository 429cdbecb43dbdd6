"""A schematic road network around the Belgian-Dutch border, with its cameras, as data.

Why: hand-made and small, because a simulated read must come from a place that a person can find
on a map and from a road that leads there, not from a survey. Coordinates are WGS 84 and good to
about a kilometre; a road's length is the great circle times a detour factor, so a motorway
between two places is one straight line here.
"""

from dataclasses import dataclass
from math import asin, atan2, cos, degrees, radians, sin, sqrt

EARTH_RADIUS_KM = 6371.0
DETOUR = 1.15
"""Road length over great-circle length, for roads drawn as one straight line."""

SITES = ("be", "nl")


@dataclass(frozen=True, slots=True)
class Town:
    """A town or junction; `site` is empty outside both countries.

    `people` is a weight for private traffic, `freight` one for lorries, `gateway` one for traffic
    that goes through (places where it enters and leaves the map).
    """

    name: str
    site: str
    lat: float
    lon: float
    people: float
    freight: float
    gateway: float


TOWNS: tuple[Town, ...] = (
    Town("Antwerpen", "be", 51.2194, 4.4025, 9.0, 10.0, 0.5),
    Town("Mechelen", "be", 51.0259, 4.4776, 3.0, 2.0, 0.0),
    Town("Brussel", "be", 50.8503, 4.3517, 9.0, 4.0, 2.0),
    Town("Leuven", "be", 50.8798, 4.7005, 3.0, 1.0, 0.0),
    Town("Luik", "be", 50.6326, 5.5797, 4.0, 4.0, 3.0),
    Town("Tongeren", "be", 50.7805, 5.4648, 1.0, 0.5, 0.0),
    Town("Hasselt", "be", 50.9307, 5.3325, 3.0, 1.5, 0.0),
    Town("Genk", "be", 50.9661, 5.5021, 2.0, 3.0, 0.0),
    Town("Maaseik", "be", 51.0978, 5.7892, 0.8, 0.3, 0.0),
    Town("Hamont", "be", 51.2514, 5.5476, 0.6, 0.3, 0.0),
    Town("Lommel", "be", 51.2303, 5.3130, 1.0, 1.2, 0.0),
    Town("Mol", "be", 51.1911, 5.1168, 1.0, 0.6, 0.0),
    Town("Geel", "be", 51.1627, 4.9908, 1.2, 2.0, 0.0),
    Town("Herentals", "be", 51.1766, 4.8325, 1.0, 1.0, 0.0),
    Town("Turnhout", "be", 51.3225, 4.9447, 1.8, 1.0, 0.0),
    Town("Meer", "be", 51.4636, 4.7303, 0.4, 1.5, 0.0),
    Town("Essen", "be", 51.4678, 4.4689, 0.6, 0.2, 0.0),
    Town("Sint-Niklaas", "be", 51.1651, 4.1437, 2.0, 1.2, 0.0),
    Town("Gent", "be", 51.0543, 3.7174, 5.0, 5.0, 0.5),
    Town("Zelzate", "be", 51.1972, 3.8131, 0.6, 1.5, 0.0),
    Town("Aalst", "be", 50.9378, 4.0403, 2.0, 0.8, 0.0),
    Town("Brugge", "be", 51.2093, 3.2247, 2.5, 1.5, 2.0),
    Town("Knokke", "be", 51.3456, 3.2870, 1.2, 2.5, 0.0),
    Town("Kortrijk", "be", 50.8280, 3.2649, 2.0, 2.0, 0.5),
    Town("Rotterdam", "nl", 51.9225, 4.4792, 8.0, 10.0, 2.0),
    Town("Den Haag", "nl", 52.0705, 4.3007, 6.0, 2.0, 2.0),
    Town("Utrecht", "nl", 52.0907, 5.1214, 5.0, 3.0, 3.0),
    Town("Gorinchem", "nl", 51.8372, 4.9758, 1.0, 1.0, 0.0),
    Town("Dordrecht", "nl", 51.8133, 4.6901, 2.0, 2.0, 0.0),
    Town("Breda", "nl", 51.5719, 4.7683, 3.0, 2.5, 0.0),
    Town("Hazeldonk", "nl", 51.4935, 4.7375, 0.3, 1.5, 0.0),
    Town("Roosendaal", "nl", 51.5308, 4.4653, 1.3, 1.5, 0.0),
    Town("Bergen op Zoom", "nl", 51.4949, 4.2911, 1.2, 1.5, 0.0),
    Town("Goes", "nl", 51.5040, 3.8883, 1.0, 0.6, 0.0),
    Town("Vlissingen", "nl", 51.4426, 3.5709, 1.0, 2.0, 0.0),
    Town("Terneuzen", "nl", 51.3358, 3.8278, 1.0, 2.0, 0.0),
    Town("Hulst", "nl", 51.2796, 4.0530, 0.6, 0.3, 0.0),
    Town("Sluis", "nl", 51.3083, 3.3861, 0.6, 0.1, 0.0),
    Town("Baarle", "nl", 51.4431, 4.9292, 0.4, 0.2, 0.0),
    Town("Tilburg", "nl", 51.5606, 5.0919, 3.0, 3.5, 0.0),
    Town("'s-Hertogenbosch", "nl", 51.6978, 5.3037, 2.5, 2.0, 1.0),
    Town("Eindhoven", "nl", 51.4416, 5.4697, 4.0, 3.0, 0.0),
    Town("Valkenswaard", "nl", 51.3511, 5.4592, 0.8, 0.3, 0.0),
    Town("Helmond", "nl", 51.4792, 5.6570, 1.5, 1.2, 0.0),
    Town("Venlo", "nl", 51.3704, 6.1724, 1.8, 6.0, 3.0),
    Town("Weert", "nl", 51.2517, 5.7069, 1.0, 0.8, 0.0),
    Town("Roermond", "nl", 51.1942, 5.9870, 1.2, 0.8, 0.0),
    Town("Sittard", "nl", 51.0014, 5.8653, 1.8, 2.5, 0.0),
    Town("Heerlen", "nl", 50.8882, 5.9795, 1.8, 1.0, 0.0),
    Town("Maastricht", "nl", 50.8514, 5.6910, 2.2, 1.2, 0.0),
    Town("Aken", "", 50.7753, 6.0839, 2.0, 2.5, 3.0),
    Town("Lille", "", 50.6292, 3.0573, 3.0, 3.0, 3.0),
)


@dataclass(frozen=True, slots=True)
class Road:
    """A road between two towns; `points` places along it have a camera in each direction."""

    start: str
    end: str
    name: str
    free_flow_kmh: float
    lanes: int
    points: int


ROADS: tuple[Road, ...] = (
    Road("Rotterdam", "Dordrecht", "A16", 100, 4, 1),
    Road("Dordrecht", "Breda", "A16", 110, 3, 1),
    Road("Breda", "Hazeldonk", "A16", 110, 3, 1),
    Road("Hazeldonk", "Meer", "E19", 110, 2, 2),
    Road("Meer", "Antwerpen", "E19", 115, 2, 1),
    Road("Breda", "Roosendaal", "A58", 110, 2, 1),
    Road("Roosendaal", "Bergen op Zoom", "A58", 110, 2, 0),
    Road("Bergen op Zoom", "Antwerpen", "A4-A12", 110, 2, 2),
    Road("Rotterdam", "Bergen op Zoom", "A29-A4", 105, 2, 1),
    Road("Bergen op Zoom", "Goes", "A58", 110, 2, 1),
    Road("Goes", "Vlissingen", "A58", 110, 2, 0),
    Road("Goes", "Terneuzen", "N62", 90, 2, 1),  # the tunnel under the Westerschelde
    Road("Terneuzen", "Zelzate", "N62", 90, 2, 2),
    Road("Zelzate", "Gent", "R4", 85, 2, 1),
    Road("Zelzate", "Antwerpen", "E34", 110, 2, 1),
    Road("Zelzate", "Knokke", "E34-N49", 100, 2, 1),
    Road("Knokke", "Brugge", "A11", 100, 2, 0),
    Road("Sluis", "Brugge", "N376", 65, 1, 1),
    Road("Sluis", "Knokke", "N376", 60, 1, 0),
    Road("Sluis", "Terneuzen", "N61", 75, 1, 0),
    Road("Terneuzen", "Hulst", "N61", 80, 1, 0),
    Road("Hulst", "Sint-Niklaas", "N403", 65, 1, 1),
    Road("Antwerpen", "Sint-Niklaas", "E17", 110, 3, 1),
    Road("Sint-Niklaas", "Gent", "E17", 115, 3, 1),
    Road("Gent", "Brugge", "E40", 115, 3, 1),
    Road("Gent", "Kortrijk", "E17", 115, 2, 1),
    Road("Kortrijk", "Lille", "E17", 105, 2, 0),
    Road("Gent", "Aalst", "E40", 115, 3, 0),
    Road("Aalst", "Brussel", "E40", 110, 3, 0),
    Road("Antwerpen", "Mechelen", "E19", 110, 3, 1),
    Road("Mechelen", "Brussel", "E19", 110, 3, 1),
    Road("Brussel", "Leuven", "E40", 110, 4, 1),
    Road("Leuven", "Luik", "E40", 115, 3, 1),
    Road("Leuven", "Hasselt", "E314", 115, 2, 1),
    Road("Hasselt", "Genk", "E314", 110, 2, 0),
    Road("Genk", "Sittard", "E314-A76", 110, 2, 2),
    Road("Antwerpen", "Herentals", "E313", 110, 3, 1),
    Road("Herentals", "Geel", "E313", 115, 2, 0),
    Road("Geel", "Hasselt", "E313", 115, 2, 1),
    Road("Hasselt", "Tongeren", "E313", 115, 2, 0),
    Road("Tongeren", "Luik", "E313", 115, 2, 1),
    Road("Tongeren", "Maastricht", "N79", 65, 1, 1),
    Road("Luik", "Maastricht", "E25-A2", 105, 2, 2),
    Road("Luik", "Aken", "E40", 110, 3, 1),
    Road("Maastricht", "Sittard", "A2", 105, 2, 1),
    Road("Sittard", "Heerlen", "A76", 105, 2, 0),
    Road("Heerlen", "Aken", "A76", 105, 2, 1),
    Road("Sittard", "Roermond", "A73", 110, 2, 0),
    Road("Roermond", "Venlo", "A73", 110, 2, 0),
    Road("Sittard", "Weert", "A2", 110, 2, 1),
    Road("Weert", "Eindhoven", "A2", 110, 2, 1),
    Road("Weert", "Maaseik", "N78", 65, 1, 1),
    Road("Weert", "Hamont", "N564", 65, 1, 1),
    Road("Hamont", "Lommel", "N71", 70, 1, 0),
    Road("Maaseik", "Sittard", "N296", 60, 1, 1),
    Road("Maaseik", "Genk", "N75", 70, 1, 0),
    Road("Eindhoven", "'s-Hertogenbosch", "A2", 105, 3, 1),
    Road("'s-Hertogenbosch", "Utrecht", "A2", 105, 4, 1),
    Road("'s-Hertogenbosch", "Tilburg", "A65", 85, 2, 0),
    Road("Eindhoven", "Tilburg", "A58", 105, 2, 1),
    Road("Tilburg", "Breda", "A58", 105, 2, 1),
    Road("Eindhoven", "Turnhout", "A67-E34", 110, 2, 2),
    Road("Turnhout", "Antwerpen", "E34", 115, 2, 1),
    Road("Eindhoven", "Helmond", "A270", 80, 2, 0),
    Road("Helmond", "Venlo", "A67", 110, 2, 1),
    Road("Eindhoven", "Valkenswaard", "N69", 65, 1, 0),
    Road("Valkenswaard", "Lommel", "N69-N715", 65, 1, 2),
    Road("Lommel", "Hasselt", "N715", 70, 1, 1),
    Road("Lommel", "Mol", "N71", 70, 1, 0),
    Road("Mol", "Geel", "N71", 70, 1, 0),
    Road("Turnhout", "Baarle", "N119", 65, 1, 1),
    Road("Baarle", "Breda", "N639", 60, 1, 0),
    Road("Baarle", "Tilburg", "N260", 65, 1, 1),
    Road("Roosendaal", "Essen", "N117", 60, 1, 1),
    Road("Essen", "Antwerpen", "N117", 65, 1, 0),
    Road("Utrecht", "Gorinchem", "A27", 105, 2, 0),
    Road("Gorinchem", "Breda", "A27", 110, 2, 1),
    Road("Rotterdam", "Den Haag", "A13", 95, 3, 1),
)

TOWN_INDEX: dict[str, int] = {town.name: index for index, town in enumerate(TOWNS)}


@dataclass(frozen=True, slots=True)
class Camera:
    """One camera over one direction of one road; `direction` names the town ahead."""

    camera_id: str
    site: str
    lat: float
    lon: float
    road: str
    direction: str
    heading_deg: int
    lanes: int


@dataclass(frozen=True, slots=True)
class RoadPoint:
    """A place with cameras: where along the road (0 to 1), and the two cameras' indices."""

    along: float
    camera_forth: int
    camera_back: int


def distance_km(start: Town, end: Town) -> float:
    """Measure the great circle between two towns (haversine)."""
    lat_a, lat_b = radians(start.lat), radians(end.lat)
    half_lat, half_lon = (lat_b - lat_a) / 2, radians(end.lon - start.lon) / 2
    chord = sin(half_lat) ** 2 + cos(lat_a) * cos(lat_b) * sin(half_lon) ** 2
    return 2 * EARTH_RADIUS_KM * asin(sqrt(chord))


def road_km(road: Road) -> float:
    """Give the length of a road."""
    return distance_km(TOWNS[TOWN_INDEX[road.start]], TOWNS[TOWN_INDEX[road.end]]) * DETOUR


def _heading_deg(start: Town, end: Town) -> int:
    lat_a, lat_b, lon = radians(start.lat), radians(end.lat), radians(end.lon - start.lon)
    east = sin(lon) * cos(lat_b)
    north = cos(lat_a) * sin(lat_b) - sin(lat_a) * cos(lat_b) * cos(lon)
    return round(degrees(atan2(east, north))) % 360


def _place(road: Road, along: float, number: int) -> tuple[Camera, Camera]:
    start, end = TOWNS[TOWN_INDEX[road.start]], TOWNS[TOWN_INDEX[road.end]]
    # A border road is taken to cross the border half-way; outside both countries stands nothing.
    site = (start.site or end.site) if along < 0.5 else (end.site or start.site)
    lat = round(start.lat + (end.lat - start.lat) * along, 5)
    lon = round(start.lon + (end.lon - start.lon) * along, 5)
    stem = f"{site}-{road.name.lower()}-{number:03d}"

    def toward(here: Town, ahead: Town, letter: str) -> Camera:
        heading = _heading_deg(here, ahead)
        name = f"{stem}{letter}"
        return Camera(name, site, lat, lon, road.name, ahead.name, heading, road.lanes)

    return toward(start, end, "a"), toward(end, start, "b")


def _place_all() -> tuple[tuple[Camera, ...], tuple[tuple[RoadPoint, ...], ...]]:
    cameras: list[Camera] = []
    points: list[tuple[RoadPoint, ...]] = []
    for road in ROADS:
        here: list[RoadPoint] = []
        for step in range(road.points):
            along = (step + 0.5) / road.points
            here.append(RoadPoint(along, len(cameras), len(cameras) + 1))
            cameras.extend(_place(road, along, len(cameras) // 2 + 1))
        points.append(tuple(here))
    return tuple(cameras), tuple(points)


CAMERAS, ROAD_POINTS = _place_all()
"""All cameras, and the places with cameras on each road in the order of `ROADS`."""
