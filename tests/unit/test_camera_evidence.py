"""What a camera usually sees as evidence: a hit's probability, and how it is explained."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from camera_worlds import read, two_sites_file

import anpr_engine as anpr
from anpr_engine.plates.camera_mix import FACTOR_RANGE
from anpr_engine.plates.explain import CAMERA, COUNTRY, FURTHER, Explanation

LISTED = [("1-TBD-123", "BE"), ("1-TBD-72", "NL")]
DOUBTFUL: dict[str, Any] = {"plate": "1TBD12", "confidence": 0.4}
"""Either the Belgian plate without its last character, or the Dutch one with a 7 read as a 1."""


@pytest.fixture
def two_sites(tmp_path: Path) -> Path:
    """Give a file of one camera that sees Belgians alone, and one that sees Dutch alone."""
    return two_sites_file(tmp_path)


def hits(said: dict[str, Any], cameras: Path | None, camera: str) -> dict[str, float]:
    """Match one read against both entries: the probability of each country's."""
    rows = [{"plate": plate, "country": country, "entry_id": country} for plate, country in LISTED]
    engine = anpr.Engine(rows, traffic_share=0.2, near_probability_min=1e-9, cameras=cameras)
    return {hit.entry_id: hit.probability for hit in engine.match_values([read(camera, **said)])}


def test_a_misread_goes_to_the_country_that_drives_there(two_sites: Path) -> None:
    """Of two listed plates that may have been misread, the camera's mix decides which is likelier.

    The Dutch camera also makes it likelier that it was an innocent Dutch car, read right.
    """
    plain = hits(DOUBTFUL, None, "be-1")
    belgian, dutch = hits(DOUBTFUL, two_sites, "be-1"), hits(DOUBTFUL, two_sites, "nl-1")
    assert belgian["BE"] > belgian["NL"]
    assert dutch["NL"] > dutch["BE"]
    assert belgian["BE"] > plain["BE"] > dutch["BE"]
    assert belgian["NL"] < plain["NL"]


def test_an_unambiguous_read_stays_what_it_is(two_sites: Path) -> None:
    """A Belgian plate read well at a Dutch camera is as good a hit as anywhere."""
    said = {"plate": "1-TBD-123", "confidence": 0.97, "country": "BE"}
    plain, abroad = hits(said, None, "nl-1")["BE"], hits(said, two_sites, "nl-1")["BE"]
    assert abroad == pytest.approx(plain, rel=0.02)
    assert abroad > 0.9


def test_where_nothing_is_known_nothing_changes(two_sites: Path) -> None:
    """An unknown camera's reads are worth exactly what they are worth without any mix."""
    for said in (DOUBTFUL, {"plate": "1-TBD-123", "country": "NL"}, {"plate": "I-TBD-I23"}):
        assert hits(said, two_sites, "unknown") == hits(said, None, "unknown")


def explained(cameras: Path | None, camera: str, **said: object) -> list[Explanation]:
    """Explain the hits of one read."""
    rows = [{"plate": plate, "country": country} for plate, country in [*LISTED, ("1-ZB?-129", "")]]
    engine = anpr.Engine(rows, traffic_share=0.2, near_probability_min=1e-9, cameras=cameras)
    found = engine.match_values([read(camera, **said)])
    return [engine.explain(hit, found.reads[place]) for place, hit in enumerate(found)]


@pytest.mark.parametrize("camera", ["be-1", "nl-1", "unknown"])
@pytest.mark.parametrize(
    "said", [DOUBTFUL, {**DOUBTFUL, "country": "NL"}, {"plate": "1-ZBX-129", "country": "BE"}]
)
def test_the_factors_still_make_the_probability(
    camera: str, said: dict[str, object], two_sites: Path
) -> None:
    """With the camera's factor among them they multiply to the odds of the very hit."""
    found = explained(two_sites, camera, **said)
    assert found
    for told in found:
        product = float(np.prod([factor.factor for factor in told.factors]))
        assert product / (1 + product) == pytest.approx(told.hit.probability, rel=1e-6)
        factors = {factor.name: factor.factor for factor in told.factors}
        assert factors[FURTHER] == pytest.approx(1.0, rel=1e-4)


def test_the_cameras_part_is_told_apart(two_sites: Path) -> None:
    """It stands beside the claim's, which it leaves alone; in words, and as data."""
    told, plain = (
        next(
            each
            for each in explained(path, "be-1", **{**DOUBTFUL, "country": "NL"})
            if each.hit.country == "BE"
        )
        for path in (two_sites, None)
    )
    factors = {factor.name: factor for factor in told.factors}
    without = {factor.name: factor for factor in plain.factors}
    assert factors[CAMERA].factor > 1.5
    assert factors[COUNTRY].factor == pytest.approx(without[COUNTRY].factor, rel=0.01)
    assert told.terms.camera_listed == pytest.approx((told.terms.camera or {})["BE"])
    assert told.terms.camera_traffic < told.terms.camera_listed
    assert "This camera sees the listed plate's country" in told.words()
    assert json.loads(json.dumps(told.to_dict()))["terms"]["camera"]["NL"] == FACTOR_RANGE[0]
    assert without[CAMERA].factor == pytest.approx(1.0)
    assert plain.terms.camera is None
    assert "camera" not in plain.words()


def test_a_notebook_says_how_often_reads_are_wrong() -> None:
    """The fewer misreads on the road, the less a doubtful read is worth; other words are refused.

    Without it the model is the one that comes with the engine.
    """
    rows = [{"plate": plate, "country": country} for plate, country in LISTED]
    worth = []
    for share in (None, 0.01, 0.4):
        engine = anpr.Engine(
            rows, traffic_share=0.2, near_probability_min=1e-9, misread_share=share
        )
        hits_of_both = engine.match_values([read(**DOUBTFUL)])
        worth.append(sum(hit.probability for hit in hits_of_both))
    assert worth[1] < min(worth[0], worth[2])
    misspelt: dict[str, Any] = {"misreads_share": 0.1}
    with pytest.raises(TypeError, match="misreads_share"):
        anpr.Engine(rows, **misspelt)
