"""`anpr errors`: learning a model from pairs, the report, and what is said of bad files."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from anpr_engine.cli.errors import command
from anpr_engine.cli.group import main
from anpr_engine.errors import AnprError, InputFileError, UsageError
from anpr_engine.plates.error_fit import pairs_of
from anpr_engine.plates.error_model import ErrorModel, channel_of, load_error_model
from anpr_engine.plates.error_report import (
    TOKEN_NAMES,
    band_name,
    held_out_rows,
    is_right,
    right_rates,
    strongest_confusions,
    summary_of,
)

LETTERS = "ABCDEFGHJKLMNPRSTUVWXYZ"


def pair_rows(count: int, seed: int = 1) -> list[dict[str, Any]]:
    """Make pairs of a reader that takes B for 8, often when it is unsure; else it is right."""
    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(count):
        letters = "".join(rng.choice(list(LETTERS), 2)) + "B"
        truth = f"1-{letters}-{rng.integers(100, 1000)}"
        unsure = bool(rng.random() < 0.5)
        wrong = rng.random() < (0.5 if unsure else 0.02)
        read = truth.replace("B", "8") if wrong else truth
        rows.append({"truth": truth, "read": read, "confidence": 0.75 if unsure else 0.99})
    return rows


def written(folder: Path, rows: Sequence[object]) -> Path:
    """Write rows as JSON lines; a text as it is."""
    path = folder / "pairs.jsonl"
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    path.write_text("\n".join(lines) + "\n")
    return path


def fitted(folder: Path, rows: Sequence[object], *options: str) -> tuple[Result, Path]:
    """Run `errors fit` and give what it said and where the model is."""
    out = folder / "model.json"
    path = written(folder, rows)
    arguments = ["fit", "--pairs", str(path), "--out", str(out), *options]
    return CliRunner().invoke(command, arguments), out


def test_a_model_is_learned_and_judged(tmp_path: Path) -> None:
    """The confusion is found; on pairs held out the model does better than the shipped one."""
    result, out = fitted(tmp_path, pair_rows(600), "--json")
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert report["pairs"] == 600
    assert 60 < report["held_out"] < 180
    assert report["log_likelihood"] > report["log_likelihood_shipped"]
    top = next(each for each in report["model"]["confusions"] if each["printed"] == "B")
    assert top["read"] == "8"
    assert 0.15 < top["rate"] < 0.4
    assert load_error_model(out).name == "pairs"
    assert load_error_model(out).fitted_on == "600 pairs of pairs.jsonl"


def test_the_bands_compare_expected_with_seen(tmp_path: Path) -> None:
    """In each band of confidence the expected share of wrong reads is near the one seen."""
    result, _ = fitted(tmp_path, pair_rows(3000), "--json")
    bands = {band["band"]: band for band in json.loads(result.stdout)["bands"]}
    assert set(bands) == {"0.70 to 0.78", "0.98 to 1.00"}
    for band in bands.values():
        assert band["expected"] == pytest.approx(band["seen"], abs=0.08)
    assert bands["0.70 to 0.78"]["seen"] > 0.3 > bands["0.98 to 1.00"]["seen"]


def test_the_report_in_words(tmp_path: Path) -> None:
    """Pairs, what was left out, likelihoods, bands, rates and confusions are all told."""
    rows = [*pair_rows(200), {"truth": "1-ABC-123", "read": ""}]
    result, _ = fitted(tmp_path, rows)
    assert result.exit_code == 0
    for part in (
        "200 pairs used, 1 left out",
        "read without any error",
        "Mean log likelihood of",
        "0.70 to 0.78",
        "are taken for another one",
        "B as 8",
    ):
        assert part in result.stdout


def test_nothing_held_out_is_said(tmp_path: Path) -> None:
    """With a test share of zero the model is fitted and the report says that none judged it."""
    result, _ = fitted(tmp_path, pair_rows(30), "--test-share", "0")
    assert "not judged" in result.stdout
    values, _ = fitted(tmp_path, pair_rows(30), "--test-share", "0", "--json")
    assert json.loads(values.stdout)["log_likelihood"] is None


def test_readers_are_kept_apart(tmp_path: Path) -> None:
    """Each kind is counted; `--reader` learns from one kind alone and names the model after it."""
    rows = [row | {"reader": "a" if place % 3 else "b"} for place, row in enumerate(pair_rows(90))]
    rows.append(pair_rows(1)[0])
    result, out = fitted(tmp_path, rows, "--reader", "b", "--json")
    report = json.loads(result.stdout)
    assert report["readers"] == {"a": 60, "b": 30, "not named": 1}
    assert report["pairs"] == 30
    assert load_error_model(out).name == "b"


def test_bad_rows_are_named_and_the_rest_is_used(tmp_path: Path) -> None:
    """Rows that cannot be taken are told by number, without their content; exit code 3."""
    bad = ['{"truth":"1SECRET1"', '{"truth":"","read":"X"}', "[]", '{"read":"X"}']
    bad += ['{"truth":"1SECRET1","read":"X","confidence":2}', '{"truth":"1SECRET1","read":7}']
    result, out = fitted(tmp_path, [*bad, "", *pair_rows(20)])
    assert result.exit_code == 3
    for number in range(1, 7):
        assert f"pairs row {number}: " in result.stderr
    assert "pairs row 7" not in result.stderr
    assert "6 rows of the pairs were not used" in result.stderr
    assert "SECRET" not in result.stderr
    assert out.exists()


@pytest.mark.parametrize(
    "rows",
    [[], ["no JSON"], [{"truth": "1-ABC-123", "read": ""}], [{"truth": "--", "read": "AB"}]],
)
def test_nothing_usable_is_one_sentence(tmp_path: Path, rows: Sequence[object]) -> None:
    """Without a usable pair no model is written, and the error says what a pair is."""
    result, out = fitted(tmp_path, rows)
    assert isinstance(result.exception, AnprError)
    assert result.exception.exit_code == 1
    assert "No pair can be used." in str(result.exception)
    assert not out.exists()


def test_files_that_cannot_be_opened(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A missing file of pairs, a folder as output and a wrong model end in one sentence."""
    arguments = ["errors", "fit", "--out", str(tmp_path), "--pairs"]
    with pytest.raises(SystemExit) as stop:
        main([*arguments, str(tmp_path / "nothing.jsonl")])
    assert stop.value.code == 1
    assert "cannot be read" in capsys.readouterr().err
    path = written(tmp_path, pair_rows(5))
    result = CliRunner().invoke(command, [*arguments[1:], str(path)])
    assert isinstance(result.exception, InputFileError)
    shown = CliRunner().invoke(command, ["show", str(path)])
    assert isinstance(shown.exception, UsageError)


def test_pairs_come_from_standard_input(tmp_path: Path) -> None:
    """`-` reads the pairs from standard input."""
    text = "\n".join(json.dumps(row) for row in pair_rows(20))
    out = tmp_path / "m.json"
    arguments = ["fit", "--pairs", "-", "--out", str(out), "--json"]
    result = CliRunner().invoke(command, arguments, input=text)
    assert json.loads(result.stdout)["pairs"] == 20


def test_the_shipped_model_is_shown() -> None:
    """States, bands and the strongest confusions are told in words, and as data."""
    words = CliRunner().invoke(command, ["show"])
    assert words.exit_code == 0
    for part in ("state 1", "garbage", "none given", "Strongest confusions", "Most easily lost"):
        assert part in words.stdout
    summary = json.loads(CliRunner().invoke(command, ["show", "--json"]).stdout)
    assert len(summary["confusions"]) == 30
    assert sum(state["share"] for state in summary["states"]) == pytest.approx(1.0)


def shipped() -> ErrorModel:
    """Give the model that comes with the engine."""
    return load_error_model()


def test_confusions_are_the_channels_rates() -> None:
    """A confusion's rate is the channel's, averaged over the states; the order is falling."""
    channel = channel_of(shipped())
    found = strongest_confusions(channel, 30)
    rates = [each.rate for each in found]
    assert rates == sorted(rates, reverse=True)
    places = TOKEN_NAMES.index(found[0].printed), TOKEN_NAMES.index(found[0].read)
    assert found[0].rate == pytest.approx(float(channel.rates[places] @ channel.quality[-1]))
    assert all(each.printed != each.read for each in found)


def test_right_reads_and_their_rates() -> None:
    """A read is right when nothing differs; surer reads are more often right."""
    pairs = pairs_of(["1-ABC-123"] * 3, ["1ABC123", "1-A8C-123", "1-ABC-123"], [0.5, 0.5, 0.99])
    assert is_right(pairs).tolist() == [True, False, True]
    rates = right_rates(pairs, channel_of(shipped()))
    assert ((rates > 0) & (rates < 1)).all()
    assert rates[2] > rates[1]


def test_pairs_are_held_out_by_plate() -> None:
    """The same plate is on one side only, however it was read; about the share asked for."""
    truths = [f"1-ABC-{number}" for number in range(100, 500)]
    pairs = pairs_of(truths * 2, truths + ["XX"] * 400, [None] * 800)
    chosen = held_out_rows(pairs, 0.25)
    assert (chosen[:400] == chosen[400:]).all()
    assert 0.15 < chosen.mean() < 0.35
    assert not held_out_rows(pairs, 0.0).any()


def test_bands_have_names() -> None:
    """A band is named by its bounds; reads without a confidence have a band of their own."""
    names = [band_name([0.5, 0.9], place) for place in range(4)]
    assert names == ["0.00 to 0.50", "0.50 to 0.90", "0.90 to 1.00", "none given"]
    assert len(summary_of(shipped()).bands) == len(shipped().bands) + 2
