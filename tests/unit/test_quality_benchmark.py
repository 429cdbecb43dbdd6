"""The quality benchmark: peers that are right, shares that add up, sets that are read."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anpr_engine.errors import UsageError
from benchmarks import (
    bench_evidence,
    bench_quality,
    evidence_pictures,
    quality_data,
    quality_pictures,
    quality_scene,
    rapidfuzz_door,
    record,
    report,
)
from benchmarks.definitions import read_definitions
from benchmarks.lab import Lab
from benchmarks.measure import Outcome
from benchmarks.quality_peers import (
    EDITS,
    EXACT,
    FOLDED,
    Field,
    Plates,
    distances,
    peer_scores,
    plain_ratios,
    ratios,
)
from benchmarks.quality_scores import Judged, calibration_error, reliability

TEXTS = st.text("AB01O", max_size=20)
PLATES = st.lists(TEXTS, min_size=1, max_size=6)


def _edits(first: str, second: str) -> int:
    row = list(range(len(second) + 1))
    for count, one in enumerate(first, start=1):
        above, row = row, [count]
        for place, other in enumerate(second):
            changed = above[place] + (one != other)
            row.append(min(changed, above[place + 1] + 1, row[place] + 1))
    return row[-1]


def _common(first: str, second: str) -> int:
    row = [0] * (len(second) + 1)
    for one in first:
        above, row = row, [0]
        for place, other in enumerate(second):
            same = above[place] + 1 if one == other else 0
            row.append(max(same, above[place + 1], row[place]))
    return row[-1]


@given(TEXTS.filter(bool), PLATES)
def test_distances_are_those_of_the_textbook(read: str, texts: list[str]) -> None:
    """Edits counted for a whole list at once are those counted one by one."""
    found = distances(read, Plates.of(texts)).tolist()
    assert found == [_edits(read, text) for text in texts]


@given(TEXTS, PLATES.map(lambda texts: [f"A{text}" for text in texts]))
def test_ratios_are_those_of_the_definition(read: str, texts: list[str]) -> None:
    """The ratio is 200 times the longest common subsequence over both lengths."""
    expected = [200 * _common(read, text) / (len(read) + len(text)) for text in texts]
    assert np.allclose(plain_ratios(read, Plates.of(texts)), expected)
    assert np.allclose(ratios(read, Plates.of(texts)), expected)


def test_the_door_says_whether_the_library_is_there() -> None:
    """Without the library the door has nothing to call, and nobody calls it."""
    assert (rapidfuzz_door.ratios.__globals__["_FUZZ"] is not None) == rapidfuzz_door.INSTALLED


def test_peers_score_own_entries_and_strangers() -> None:
    """A listed vehicle gets its own entry's score, an innocent one the best of the list."""
    field = Field(
        reads=["8A1", "BA1", "XYZ"],
        plates=Plates.of(["BA1", "BB1"]),
        own=np.array([0, 1, -1]),
        listed=np.array([[True, False]]),
    )
    scores, edits = peer_scores(field)
    assert scores[EXACT].tolist() == [[0.0, 1.0, 0.0]]
    assert scores[FOLDED].tolist() == [[1.0, 1.0, 0.0]]
    assert scores[EDITS].tolist() == [[-1.0, 0.0, -3.0]]
    assert edits.tolist()[:2] == [1, 1]


def test_recall_is_counted_above_the_threshold_of_the_innocent() -> None:
    """At a tenth of false alerts, one innocent read of ten lies above the threshold."""
    innocent = np.arange(10) / 10
    told = Judged(innocent, np.array([0.7, 0.85, 0.95, 0.8]), np.array([1.0]))
    assert told.threshold(0.1) == 0.8
    assert told.recall(0.1) == 50.0
    assert told.recall_exact(0.1) == 100.0
    assert told.at(0.8) == (75.0, 20.0)


def test_precision_and_mean_recall_of_known_scores() -> None:
    """Alerts that are right are counted among near alerts; a flat recall has itself for a mean."""
    told = Judged(np.arange(1000) / 2000, np.ones(50), np.ones(1))
    assert told.mean_recall(0.001, 0.01) == pytest.approx(100.0)
    assert told.precision()[-1] == pytest.approx(100 * 50 / 1050)


def test_calibration_error_of_known_hits() -> None:
    """Hits that are worth a half and are right half of the time are calibrated; others not."""
    half = np.full(4, 0.5)
    right = np.array([True, False, True, False])
    assert calibration_error(reliability(half, right)) == 0.0
    assert calibration_error(reliability(half, ~right | right)) == 0.5
    assert calibration_error([]) == 0.0


def test_public_set_is_read_and_a_broken_one_is_refused(tmp_path: Path) -> None:
    """A file of pairs is read up to a count; one without its fields ends with a remedy."""
    path = tmp_path / "pairs.jsonl"
    row = {"truth": "1-ABC-123", "country": "BE", "read": "1-A8C-123", "confidence": 0.7}
    path.write_text(f"{json.dumps(row)}\n" * 3, encoding="utf-8")
    seen = quality_data.rendered(path, 2)
    assert [each.read for each in seen] == ["1-A8C-123"] * 2
    value = json.loads(quality_data.value_of(7, seen[0], ("confidence",)))
    assert value["read_id"] == "7"
    assert value["confidence"] == 0.7
    assert "country" not in value
    path.write_text('{"truth": "1-ABC-123"}\n', encoding="utf-8")
    with pytest.raises(UsageError, match="cannot be read"):
        quality_data.rendered(path, 2)


def test_public_set_must_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the variable the benchmark that needs the set says which one to set."""
    monkeypatch.delenv(quality_data.VARIABLE, raising=False)
    with pytest.raises(UsageError, match=quality_data.VARIABLE):
        bench_quality.run_rendered(Lab(), {}, 1)


def test_fill_is_like_the_vehicles_and_none_of_them() -> None:
    """The list is filled with distinct plates of the vehicles' shapes."""
    seen = quality_scene.scene(200).first
    filled = quality_data.fill(seen, 1_000)
    texts = {quality_data.canonical(plate) for plate, _ in filled}
    assert len(texts) == 1_000
    assert not texts & {quality_data.canonical(each.truth) for each in seen}
    assert {country for _, country in filled} <= {each.country for each in seen}


def test_picture_and_table_show_a_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A result with curves becomes one picture, the same bytes each time."""
    monkeypatch.setattr(quality_pictures, "FOLDER", tmp_path)
    bins = [{"bin": place, "hits": 50, "said": place / 15, "true": place / 15} for place in (0, 14)]
    curves = {
        "false": [0.1, 1.0, 100.0],
        "ours": [50.0, 80.0, 100.0],
        "ratio": [5.0, 20.0, 100.0],
        "evidence": {"text": [40.0, 70.0, 100.0], "country": [50.0, 80.0, 100.0]},
        "points": {name: {"recall": 20.0, "false": 0.0} for name in quality_pictures.NAMES},
        "thresholds": {"010": 0.9},
        "reliability": bins,
        "reliability_near": bins[:1],
    }
    definition = read_definitions()["quality"]
    figures = {figure.id: [1.0] for figure in definition.figures}
    outcome = Outcome(figures, curves=curves)
    result = record.result_of(definition, outcome, 0.0)
    assert result["curves"] == curves
    path = quality_pictures.draw(definition, "2025-01-01-abcdef", result)
    first = path.read_bytes()
    quality_pictures.draw(definition, "2025-01-01-abcdef", result)
    assert path.read_bytes() == first


def test_scene_tells_what_readers_tell() -> None:
    """Every vehicle has a first read; only doubtful reads offer others; later ones name theirs."""
    made = quality_scene.scene(100)
    assert len(made.first) == len(made.vehicles) == 100
    for seen in made.first:
        assert "characters" in seen.told
        assert ("candidates" in seen.told) == (seen.told["confidence"] < 0.8)
    assert all(made.vehicles[place].printed == seen.truth for place, seen in made.later)


def test_register_holds_nearly_all_plates_of_its_country() -> None:
    """Plates of other countries are left out; of its own a few in a hundred are missing."""
    plates = quality_data.vehicles(2_000)
    issued = quality_scene.register(plates, 1_000)
    dutch = [plate for plate, country in plates if country == "NL"]
    assert 0.95 * len(dutch) < issued.count - 1_000 < len(dutch)


def test_lists_tell_looks_of_some_vehicles() -> None:
    """Most listed looks are the vehicle's own, and some entries tell none."""
    cars = quality_scene.scene(300).vehicles
    looks = quality_scene.listed_looks(cars, 50)
    assert len(looks) == 350
    told = [(car.make, make) for car, (make, _) in zip(cars, looks, strict=False) if make]
    assert 150 < len(told) < 300
    assert sum(own == make for own, make in told) > 0.9 * len(told)


def test_evidence_is_measured_source_by_source() -> None:
    """A small round gives every declared figure, in per cent, and a curve for each kind."""
    definition = read_definitions()["evidence"]
    outcome = bench_evidence.run(Lab(), definition.small, 1)
    assert outcome.figures.keys() == {figure.id for figure in definition.figures}
    assert all(0 <= value <= 100 for values in outcome.figures.values() for value in values)
    assert outcome.curves["recall"].keys() == evidence_pictures.STYLES.keys()
    assert outcome.digests == dict(definition.digest["small"])


def test_evidence_is_shown_as_a_line_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The table has one line for each kind of evidence, the picture is the same each time."""
    monkeypatch.setattr(evidence_pictures, "FOLDER", tmp_path)
    definition = read_definitions()["evidence"]
    curves = {
        "false": [0.1, 1.0],
        "recall": {name: [50.0, 80.0] for name in evidence_pictures.STYLES},
        "precision": {name: [99.0, 90.0] for name in evidence_pictures.STYLES},
    }
    figures = {figure.id: [50.0] for figure in definition.figures}
    result = record.result_of(definition, Outcome(figures, curves=curves), 0.0)
    name = "2025-01-01-abcdef"
    path = evidence_pictures.draw(definition, name, result)
    first = path.read_bytes()
    assert evidence_pictures.draw(definition, name, result).read_bytes() == first
    results = {"evidence": {**result, "machine": "abcdef"}}
    kept = {"machines": {"abcdef": record.machine()}, "versions": {}, "results": results}
    lines = report.block(name, kept).splitlines()
    rows = [line for line in lines if line.startswith("|")][2:]
    assert len(rows) == len(evidence_pictures.STYLES)
    assert all(row.count("|") == 7 for row in rows)
