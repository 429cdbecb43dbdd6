"""Evidence beside the plate's text, each piece switched on and off."""

import json
from pathlib import Path

import pytest

from anpr_engine.errors import UsageError
from anpr_engine.pipeline.core import StepRules
from anpr_engine.pipeline.match import MatchRules
from anpr_engine.plates.error_model import shipped_channel
from anpr_engine.plates.issued import read_issued
from anpr_engine.plates.pack_files import country_packs
from anpr_engine.plates.reading import ReadingModel, reading_model
from anpr_engine.replay.engine import Engine

LISTED = {"plate": "GB-01-2K", "country": "NL", "vehicle_make": "BMW", "vehicle_colour": "black"}
SHARE = 1e-6


def probability(
    model: ReadingModel | None = None, *, appearance: bool = True, **said: object
) -> float:
    """Give what a read of one listed plate is worth, 0 without a hit."""
    engine = Engine([{**LISTED, "plate": "GB-012-K"}])
    rules = MatchRules(0.0, SHARE, 1e-9, appearance=appearance, model=model)
    engine._rules = StepRules(rules)  # noqa: SLF001 - the switches are a site's, not a notebook's
    read = {"read_id": "r", "camera_id": "c", "captured_at": "2026-11-22T05:00:00Z"}
    hits = engine.match_values([json.dumps({**read, "country": "NL", **said}).encode()])
    return hits[0].probability if len(hits) else 0.0


def test_another_reading_that_the_reader_offers_counts() -> None:
    """The listed plate among the offers is worth more, offers without it less."""
    plain = probability(plate="GB-0I2-X", confidence=0.8)
    offered = [{"plate": "GB-0I2-X", "confidence": 0.8}, {"plate": "GB-012-K", "confidence": 0.7}]
    other = [{"plate": "GB-0I2-X", "confidence": 0.8}, {"plate": "GB-712-X", "confidence": 0.7}]
    assert probability(plate="GB-0I2-X", confidence=0.8, candidates=offered) > plain
    assert probability(plate="GB-0I2-X", confidence=0.8, candidates=other) < plain


def test_a_doubtful_character_is_likelier_the_wrong_one() -> None:
    """Doubt where the plates differ speaks for the listed one, doubt elsewhere against it."""

    def said(doubted: int) -> list[dict[str, object]]:
        return [
            {"char": character, "confidence": 0.5 if place == doubted else 0.99}
            for place, character in enumerate("GB012X")
        ]

    right = probability(plate="GB-012-X", confidence=0.8, characters=said(5))
    plain = probability(plate="GB-012-X", confidence=0.8)
    wrong = probability(plate="GB-012-X", confidence=0.8, characters=said(0))
    assert wrong < plain < right


def test_another_make_lowers_a_hit_and_the_same_one_raises_it() -> None:
    """As far as both sides tell, and only where it is switched on."""
    plain = probability(plate="GB-012-X", confidence=0.8)
    same = {"make": "bmw ", "colour": "Black"}
    other = {"make": "Oldsmobile", "colour": "red"}
    assert probability(plate="GB-012-X", confidence=0.8, vehicle=other) < plain
    assert probability(plate="GB-012-X", confidence=0.8, vehicle=same) > plain
    assert probability(plate="GB-012-X", confidence=0.8, vehicle={"make": ""}) == plain
    off = probability(plate="GB-012-X", confidence=0.8, vehicle=other, appearance=False)
    assert off == plain


@pytest.fixture
def register(tmp_path: Path) -> Path:
    """Give a register that knows one neighbour of the listed plate."""
    path = tmp_path / "issued.csv"
    path.write_text("kenteken,merk\nGB-012-X,VOLVO\nGB-012-K,BMW\n", encoding="utf-8")
    return path


def test_a_register_of_issued_plates_tells_cars_from_misreads(register: Path) -> None:
    """What is no registered plate is likelier a misread one; a registered one is that car."""
    registers = (read_issued(register, "NL"),)
    assert registers[0].count == 2
    model = reading_model(country_packs(), shipped_channel(), registers)
    for plate, more in (("GB-012-X", False), ("GB-012-H", True)):
        plain = probability(plate=plate, confidence=0.9)
        informed = probability(model, plate=plate, confidence=0.9)
        assert (informed > plain) is more


def test_a_file_without_plates_is_no_register(tmp_path: Path) -> None:
    """One sentence names the file and what it lacks."""
    path = tmp_path / "x.csv"
    path.write_text("merk\nVOLVO\n", encoding="utf-8")
    with pytest.raises(UsageError, match="no column of plates"):
        read_issued(path, "NL")
    with pytest.raises(UsageError, match="cannot be read"):
        read_issued(tmp_path / "none.csv", "NL")


def test_on_an_ordinary_road_doubtful_reads_are_believed_more() -> None:
    """A model fitted on hard reads is weighed for the share of misreads that a road has."""
    fitted = shipped_channel()
    road = fitted.on_the_road(0.03)
    assert (road.quality[:, 0] >= fitted.quality[:, 0]).all()
    assert road.quality.sum(axis=1) == pytest.approx(1.0)
    harder = fitted.on_the_road(0.49)
    assert (harder.quality[:, 0] <= road.quality[:, 0]).all()
