"""Areas as polygons: corners in degrees, and which points lie within.

In a watchlist a polygon is a text, `51.2,4.4 51.3,4.4 51.3,4.5`: latitude and longitude of each
corner, corners parted by spaces. The last corner is joined to the first; there are no holes.
"""

import re
from collections.abc import Collection, Sequence

Point = tuple[float, float]
"""Latitude and longitude in degrees, WGS 84."""
Area = tuple[Collection[str], Sequence[Point]]
"""Cameras, and the corners of a polygon."""

CORNERS_MIN = 3
CORNERS_MAX = 64
_DEGREES = r"-?[0-9]{1,3}(\.[0-9]{1,7})?"
_CORNER = rf"{_DEGREES},{_DEGREES}"
POLYGON_PATTERN = rf"^({_CORNER}( {_CORNER}){{{CORNERS_MIN - 1},{CORNERS_MAX - 1}}})?$"
"""Corners as numbers, or nothing; whether they are on the earth is asked by `corners_of`."""
_POLYGON = re.compile(POLYGON_PATTERN)


def corners_of(text: str) -> tuple[Point, ...]:
    """Read a polygon: its corners, none for an empty text.

    Raises:
        ValueError: what is wrong with it, in words.

    """
    if not text:
        return ()
    if not _POLYGON.fullmatch(text):
        message = f"a polygon is {CORNERS_MIN} to {CORNERS_MAX} corners, such as 51.2,4.4"
        raise ValueError(message)
    corners = tuple(_corner(one) for one in text.split())
    if not all(map(on_earth, corners)):
        message = "a corner is a latitude up to 90 and a longitude up to 180 degrees"
        raise ValueError(message)
    if len(set(corners)) < CORNERS_MIN:
        message = f"a polygon has {CORNERS_MIN} different corners or more"
        raise ValueError(message)
    return corners


def _corner(text: str) -> Point:
    lat, _, lon = text.partition(",")
    return float(lat), float(lon)


def on_earth(point: Point) -> bool:
    """Say whether there is such a latitude and longitude."""
    lat, lon = point
    return abs(lat) <= 90 and abs(lon) <= 180


def covers(area: Area, camera_id: str | None, position: Point | None) -> bool:
    """Say whether a place lies in an area: by its camera, or by its position where that is known.

    Args:
        area: cameras, and the corners of a polygon; either may be none.
        camera_id: of the place.
        position: of the place; None where nobody knows it.

    """
    cameras, corners = area
    return camera_id in cameras or (position is not None and inside(position, corners))


def inside(point: Point, corners: Sequence[Point]) -> bool:
    """Say whether a point lies within a polygon (even-odd rule; degrees taken as a plane).

    Areas of some kilometres: the bend of the earth is less than the error of a camera's position.
    """
    lat, lon = point
    within = False
    for (lat_a, lon_a), (lat_b, lon_b) in zip(corners, (*corners[1:], *corners[:1]), strict=True):
        crosses = (lat_a > lat) != (lat_b > lat)
        if crosses and lon < (lon_b - lon_a) * (lat - lat_a) / (lat_b - lat_a) + lon_a:
            within = not within
    return within
