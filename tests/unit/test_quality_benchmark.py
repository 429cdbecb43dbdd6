"""The quality benchmark: peers that are right, shares that add up, sets that are read."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anpr_engine.errors import UsageError
from benchmarks import bench_quality, quality_data, quality_pictures, rapidfuzz_door, record
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
    seen = quality_data.simulated(200)
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
