"""Verdict files at the command line, and the report on probabilities."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from anpr_engine.cli.errors import command
from anpr_engine.errors import AnprError, UsageError
from anpr_engine.plates.error_calibration import calibration_of, latest_verdicts, wilson_interval
from anpr_engine.plates.error_model import load_error_model
from anpr_engine.records.verdict import Verdict


def verdict_row(number: int, answer: str = "confirmed", **more: object) -> dict[str, Any]:
    """Make a verdict as it stands in a file."""
    return {
        "alert_id": f"{number:032x}",
        "read_id": f"r-{number}",
        "decided_at": "2026-11-22T08:00:00Z",
        "verdict": answer,
        "probability": 0.8,
        "plate_read": "1-A8C-123",
        "decided_by": "control-room-west",
    } | more


def verdicts_of(rows: Sequence[dict[str, Any]]) -> list[Verdict]:
    """Read verdicts as from a file."""
    return [Verdict.model_validate_json(json.dumps(row), strict=True) for row in rows]


def written(path: Path, rows: Sequence[object]) -> Path:
    """Write rows as JSON lines; a text as it is."""
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    path.write_text("\n".join(lines) + "\n")
    return path


def invoke(*arguments: object, given_in: str | None = None) -> Result:
    """Run `anpr errors`."""
    return CliRunner().invoke(command, [str(each) for each in arguments], input=given_in)


@pytest.fixture
def confirmed(tmp_path: Path) -> Path:
    """Write forty verdicts on a B that was taken for an 8."""
    rows = [verdict_row(number, plate_seen="1-ABC-123") for number in range(40)]
    return written(tmp_path / "verdicts.jsonl", rows)


def test_known_intervals() -> None:
    """Nine of ten lie between 0.596 and 0.982 (Wilson 1927, to three digits)."""
    assert wilson_interval(9, 10) == pytest.approx((0.596, 0.982), abs=5e-4)
    assert wilson_interval(0, 0) == (0.0, 1.0)


@given(found=st.integers(0, 500), more=st.integers(0, 500))
def test_intervals_hold_the_share(found: int, more: int) -> None:
    """What was seen lies in the interval, and the interval within 0 and 1."""
    low, high = wilson_interval(found, found + more)
    share = found / (found + more) if found + more else 0.5
    assert 0 <= low <= share + 1e-12
    assert share - 1e-12 <= high <= 1


def test_true_probabilities_are_trusted_and_bold_ones_are_not() -> None:
    """Said 0.8: of a hundred alerts 80 confirmed is as said, 40 is not."""
    for right, trusted in ((80, True), (40, False)):
        rows = [
            verdict_row(number, "confirmed" if number < right else "other-vehicle")
            for number in range(100)
        ]
        found = calibration_of(verdicts_of(rows))
        assert [(band.band, band.alerts, band.confirmed) for band in found.bands] == [
            ("0.75 to 0.90", 100, right)
        ]
        assert found.bands[0].trusted is trusted
        assert found.error == pytest.approx(abs(0.8 - right / 100))


def test_bands_and_tiers_part_the_alerts() -> None:
    """Each judged alert is in one band and one tier; certainty is in the last band."""
    rows = [
        verdict_row(1, probability=1.0, tier="exact"),
        verdict_row(2, "other-vehicle", probability=0.05, tier="fuzzy"),
        verdict_row(3, probability=0.99, tier="exact"),
        verdict_row(4, "other-vehicle", probability=0.5),
    ]
    found = calibration_of(verdicts_of(rows))
    assert [(band.band, band.alerts) for band in found.bands] == [
        ("0.00 to 0.10", 1),
        ("0.50 to 0.75", 1),
        ("0.99 to 1.00", 2),
    ]
    assert [(tier.band, tier.alerts, tier.confirmed) for tier in found.tiers] == [
        ("exact", 2, 2),
        ("fuzzy", 1, 0),
        ("not told", 1, 0),
    ]


def test_the_last_verdict_on_an_alert_counts() -> None:
    """Whatever the order in the file, a mind that was changed is heard."""
    rows = [
        verdict_row(1, "other-vehicle", decided_at="2026-11-22T09:00:00Z"),
        verdict_row(1, decided_at="2026-11-22T08:00:00Z"),
    ]
    for order in (rows, rows[::-1]):
        assert [each.verdict for each in latest_verdicts(verdicts_of(order))] == ["other-vehicle"]
    assert calibration_of(verdicts_of(rows)).repeated == 1


def test_unreadable_pictures_and_right_reads_are_told_apart() -> None:
    """The first judge nothing; the second are no misreads, but another vehicle's own plate."""
    rows = [
        verdict_row(1, "unreadable"),
        verdict_row(2, "other-vehicle", plate_seen="1 a8c 123", country_seen="FR"),
        verdict_row(3, "other-vehicle"),
    ]
    found = calibration_of(verdicts_of(rows))
    assert (found.alerts, found.judged, found.unreadable, found.read_right) == (3, 2, 1, 1)
    assert calibration_of([]).error is None


def test_the_report_in_words_and_as_data(confirmed: Path) -> None:
    """Bands with counts and intervals; 40 of 40 where 0.8 was said is better than said."""
    words = invoke("report", "--verdicts", confirmed)
    assert words.exit_code == 0, words.output
    for part in ("40 judged", "0.75 to 0.90", "not as said", "nineteen times of twenty"):
        assert part in words.stdout
    values = json.loads(invoke("report", "--verdicts", confirmed, "--json").stdout)
    assert values["bands"][0]["confirmed"] == 40
    assert values["bands"][0]["low"] > 0.9


def test_nothing_judged_is_said(tmp_path: Path) -> None:
    """A file of unreadable pictures is no error."""
    path = written(tmp_path / "v.jsonl", [verdict_row(1, "unreadable")])
    assert "nothing is known" in invoke("report", "--verdicts", path).stdout


def test_bad_verdicts_are_named_without_their_content(tmp_path: Path) -> None:
    """Number, field and rule are told, never the plate; the rest is used; exit code 3."""
    bad = ["no JSON SECRET1", '["SECRET1"]', verdict_row(1, "perhaps"), verdict_row(2, tier="x")]
    bad += [verdict_row(3, plate_read=["SECRET1"]), verdict_row(4, decided_at="SECRET1")]
    path = written(tmp_path / "v.jsonl", [*bad, verdict_row(5)])
    result = invoke("report", "--verdicts", path, "--json")
    assert result.exit_code == 3
    assert json.loads(result.stdout)["rejected"] == 6
    assert "verdicts row 3: verdict: " in result.stderr
    assert "6 rows of the verdicts were not used" in result.stderr
    assert "SECRET" not in result.stderr


def test_verdicts_alone_correct_a_model(confirmed: Path, tmp_path: Path) -> None:
    """The shipped model, or the one named, is saved with its rates and other confusions."""
    out = tmp_path / "model.json"
    result = invoke("fit", "--verdicts", confirmed, "--out", out, "--json")
    assert result.exit_code == 0, result.output
    values = json.loads(result.stdout)
    assert values["verdict_pairs"] == 40
    assert values["calibration"]["judged"] == 40
    model, before = load_error_model(out), load_error_model()
    assert model.substituted == before.substituted
    assert model.confused != before.confused
    assert model.fitted_on == before.fitted_on + ", corrected by 40 verdicts"
    again = invoke("fit", "--verdicts", confirmed, "--model", out, "--out", tmp_path / "m2.json")
    assert "40 of those plates were misread" in again.stdout.replace("\n", " ")
    assert "40 verdicts, corrected by 40 verdicts" in again.stdout.replace("\n", " ")


def test_verdicts_correct_a_model_of_pairs(confirmed: Path, tmp_path: Path) -> None:
    """The report judges the corrected model by pairs held out, beside the one before."""
    pairs = [{"truth": f"1-ABC-{number}", "read": f"1-ABC-{number}"} for number in range(100, 180)]
    arguments = ("--pairs", written(tmp_path / "p.jsonl", pairs), "--out", tmp_path / "m.json")
    words = invoke("fit", "--verdicts", confirmed, *arguments)
    assert words.exit_code == 0, words.output
    assert "Without the verdicts it was" in words.stdout
    values = json.loads(invoke("fit", "--verdicts", confirmed, *arguments, "--json").stdout)
    assert values["log_likelihood"] == pytest.approx(values["log_likelihood_pairs"], abs=0.1)
    assert values["model"]["fitted_on"] == "80 pairs of p.jsonl, corrected by 40 verdicts"


def test_verdicts_of_one_kind_of_reader(tmp_path: Path) -> None:
    """`--reader` leaves the others out; without any left nothing is written."""
    rows = [verdict_row(1, plate_seen="1ABC123", reader="a"), verdict_row(2, plate_seen="1ABC123")]
    path, out = written(tmp_path / "v.jsonl", rows), tmp_path / "m.json"
    report = invoke("report", "--verdicts", path, "--reader", "a", "--json")
    assert json.loads(report.stdout)["alerts"] == 1
    result = invoke("fit", "--verdicts", path, "--reader", "c", "--out", out)
    assert isinstance(result.exception, AnprError)
    assert "No verdict can be used." in str(result.exception)
    assert not out.exists()


def test_words_that_do_not_fit(confirmed: Path, tmp_path: Path) -> None:
    """Nothing to learn from, two files on one input, and two models are wrong usage."""
    out = ("--out", tmp_path / "m.json")
    for words in (
        (),
        ("--pairs", "-", "--verdicts", "-"),
        ("--pairs", confirmed, "--model", confirmed),
    ):
        assert isinstance(invoke("fit", *out, *words).exception, UsageError)


def test_verdicts_that_show_no_plate_leave_a_model_of_pairs_alone(tmp_path: Path) -> None:
    """It is said that none of them corrected it."""
    pairs = written(tmp_path / "p.jsonl", [{"truth": "1-ABC-123", "read": "1-ABC-123"}] * 5)
    told = json.dumps(verdict_row(1, "other-vehicle"))
    out = ("--out", tmp_path / "m.json", "--test-share", "0")
    result = invoke("fit", "--pairs", pairs, "--verdicts", "-", *out, given_in=told)
    assert result.exit_code == 0, result.output
    assert "none corrected the model" in result.stdout
