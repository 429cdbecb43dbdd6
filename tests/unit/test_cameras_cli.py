"""`anpr cameras` and `anpr match --cameras`: files in and out, tables, lines, bad input."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from anpr_engine.cli.cameras import command
from anpr_engine.cli.group import main
from anpr_engine.cli.match import command as match_command
from anpr_engine.errors import AnprError, UsageError
from anpr_engine.plates.camera_mix import load_cameras


def read(camera: str, plate: str, **more: object) -> dict[str, Any]:
    """Make a read."""
    when = "2026-11-01T08:00:00Z"
    return {"read_id": "r", "camera_id": camera, "captured_at": when, "plate": plate, **more}


ROWS = [
    *(read("be-1", f"1-ABC-{number}") for number in range(100, 900)),
    *(read("nl-1", f"GB-{number}-B") for number in range(100, 900)),
    read("be-1", "GB-001-B"),
]


def written(folder: Path, rows: Sequence[object]) -> Path:
    """Write rows as JSON lines; a text as it is."""
    path = folder / "reads.jsonl"
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    path.write_text("\n".join(lines) + "\n")
    return path


def fitted(folder: Path, rows: Sequence[object], *options: str) -> tuple[Result, Path]:
    """Run `cameras fit` and give what it said and where the file is."""
    out = folder / "cameras.json"
    arguments = ["fit", str(written(folder, rows)), "--out", str(out), *options]
    return CliRunner().invoke(command, arguments), out


def test_cameras_are_learned_from_a_file(tmp_path: Path) -> None:
    """The file holds the counts; stderr says how many reads, stdout nothing."""
    result, out = fitted(tmp_path, [*ROWS, read("be-1", "1-ABC-123", confidence=0.2)])
    assert result.exit_code == 0, result.output
    counts = load_cameras(out)
    assert counts.cameras == {"be-1": {"BE": 800.0, "NL": 1.0}, "nl-1": {"NL": 800.0}}
    assert f"version {counts.version}: 2 cameras, 1601 reads counted, 1 left out" in result.stderr
    assert not result.stdout


def test_parquet_and_stdin_teach_the_same(tmp_path: Path) -> None:
    """The same reads make the same file, whatever they come in."""
    _, out = fitted(tmp_path, ROWS)
    expected = out.read_bytes()
    parquet = tmp_path / "reads.parquet"
    pq.write_table(pa.Table.from_pylist(ROWS), parquet)
    lines = "\n".join(map(json.dumps, ROWS))
    for reads, given in ((str(parquet), None), ("-", lines)):
        out.unlink()
        result = CliRunner().invoke(command, ["fit", reads, "--out", str(out)], input=given)
        assert result.exit_code == 0, result.output
        assert out.read_bytes() == expected


def test_refused_reads_are_named_and_the_rest_counts(tmp_path: Path) -> None:
    """By number and reason, without their content; exit code 3. `--quiet` says only that."""
    bad = ['{"plate":"1SECRET1"', {**read("c", "1SECRET1"), "captured_at": "yesterday"}]
    for options in ((), ("--quiet",)):
        result, out = fitted(tmp_path, [ROWS[0], *bad, ROWS[1]], *options)
        assert result.exit_code == 3
        assert "read 2: " in result.stderr
        assert "read 3: " in result.stderr
        assert "SECRET" not in result.stderr
        assert ("counted" in result.stderr) is not bool(options)
        assert load_cameras(out).reads == 2


def test_reads_of_the_future_teach_too(tmp_path: Path) -> None:
    """What is learned depends on the reads alone, not on the day."""
    result, out = fitted(tmp_path, [{**ROWS[0], "captured_at": "2099-01-01T00:00:00Z"}])
    assert result.exit_code == 0
    assert load_cameras(out).reads == 1


@pytest.mark.parametrize("rows", [[], [read("c", "??")], [read("c", "1-ABC-123", confidence=0.1)]])
def test_nothing_usable_is_one_sentence(tmp_path: Path, rows: Sequence[object]) -> None:
    """Without a usable read no file is written."""
    result, out = fitted(tmp_path, rows)
    assert isinstance(result.exception, AnprError)
    assert result.exception.exit_code == 1
    assert "No read can be used." in str(result.exception)
    assert not out.exists()


def test_files_that_cannot_be_opened(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Missing reads, a folder as output and a wrong file to show end in one sentence."""
    with pytest.raises(SystemExit) as stop:
        main(["cameras", "fit", str(tmp_path / "none.jsonl"), "--out", str(tmp_path / "c")])
    assert stop.value.code == 1
    assert "cannot be read" in capsys.readouterr().err
    path = written(tmp_path, ROWS)
    with pytest.raises(SystemExit):
        main(["cameras", "fit", str(path), "--out", str(tmp_path), "--quiet"])
    assert "cannot be written" in capsys.readouterr().err
    shown = CliRunner().invoke(command, ["show", str(path)])
    assert isinstance(shown.exception, UsageError)


def test_cameras_are_shown_line_by_line(tmp_path: Path) -> None:
    """Away from a terminal each camera is one JSON object: its mix, and what is made of it."""
    _, out = fitted(tmp_path, ROWS)
    lines = [
        json.loads(line)
        for line in CliRunner().invoke(command, ["show", str(out)]).stdout.splitlines()
    ]
    assert [line["camera_id"] for line in lines] == ["be-1", "nl-1"]
    assert [line["reads"] for line in lines] == [801, 800]
    assert lines[0]["mix"] == pytest.approx({"BE": 800 / 801, "NL": 1 / 801}, abs=1e-6)
    assert lines[0]["factors"]["BE"] > 1 > lines[0]["factors"]["NL"]


def test_cameras_are_shown_as_a_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a terminal there is a row a camera, with shares and factors, and what was counted."""
    _, out = fitted(tmp_path, ROWS)
    monkeypatch.setattr("click.testing._NamedTextIOWrapper.isatty", lambda _: True, raising=False)
    words = CliRunner().invoke(command, ["show", str(out)]).stdout
    row = next(line for line in words.splitlines() if line.startswith("nl-1"))
    assert row.split()[1] == "800"
    assert "100.0% x1.8" in row
    assert "2 cameras, 1601 reads counted" in words


def test_matching_takes_the_file(tmp_path: Path) -> None:
    """A misread is worth more at a camera of that country, less where few reads are wrong."""
    _, out = fitted(tmp_path, ROWS)
    listed = tmp_path / "entries.csv"
    listed.write_text("plate,country\n1-TBD-123,BE\n")
    path = written(tmp_path, [read("be-1", "1TBD12", confidence=0.4)])
    worth = []
    for options in ((), ("--cameras", str(out)), ("--misread-share", "0.01")):
        arguments = ["--watchlist", str(listed), "--reads", str(path), "--out", "-", *options]
        arguments += ["--traffic-share", "0.1", "--min-probability", "0.00001"]
        result = CliRunner().invoke(match_command, arguments)
        worth.append(json.loads(result.stdout)["probability"])
    assert worth[1] > worth[0] > worth[2]


def test_a_share_of_misreads_out_of_bounds_is_wrong_usage() -> None:
    """The share has the bounds of the setting."""
    arguments = ["--watchlist", "w", "--reads", "r", "--out", "-", "--misread-share", "0.5"]
    assert CliRunner().invoke(match_command, arguments).exit_code == 2
