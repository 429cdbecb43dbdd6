"""Direction as evidence: who is on the way drives on, away from where the vehicle was seen."""

import numpy as np
import pytest

from anpr_engine.pipeline.journeys import PlaceRules, bearing_deg, place_ratios

RULES = PlaceRules()
ANTWERP, MECHELEN, LIEGE = (51.22, 4.40), (51.03, 4.48), (50.63, 5.58)


def ratio(km: float, minutes: float, turn_deg: float = np.nan) -> float:
    """Weigh one journey; without a turn nobody knows which way it went."""
    of = np.array([km]), np.array([minutes * 60.0]), np.array([turn_deg])
    return float(place_ratios(*of, RULES)[0])


def test_directions_count_on_the_way_only() -> None:
    """Driving on is likelier, driving back less so; beside the other camera it tells nothing."""
    assert ratio(60, 40, 0) > ratio(60, 40) > ratio(60, 40, 180)
    assert ratio(60, 40, 0) == pytest.approx(ratio(60, 40, 360))
    assert ratio(0.5, 5, 180) == ratio(0.5, 5)
    assert ratio(5, 300, 180) == pytest.approx(ratio(5, 300), rel=0.01)


def test_ways_are_clockwise_from_north() -> None:
    """Mechelen lies south of Antwerp, Liège south-east."""
    here = np.array([ANTWERP[0]]), np.array([ANTWERP[1]])
    ways = [
        float(bearing_deg(here, (np.array([lat]), np.array([lon])))[0]) % 360
        for lat, lon in (MECHELEN, LIEGE)
    ]
    assert ways == pytest.approx([165, 128], abs=3)
