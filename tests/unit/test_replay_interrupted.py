"""A replay that is interrupted or killed, as a process: nothing appears, and nothing is lost."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from anpr_engine.cli import simulate

FILES = 40
CLEAN = {name: value for name, value in os.environ.items() if not name.startswith("ANPR_")}
WAIT_S = 120.0


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give many files of reads, each a unit of its own, and a list."""
    folder = tmp_path_factory.mktemp("interrupted")
    (folder / "reads").mkdir()
    first = folder / "reads" / "0.jsonl"
    words = ["--rate", "4000", "--seconds", "1", "--listed-share", "0.05", "--out", str(first)]
    made = CliRunner().invoke(simulate.command, [*words, "--lists", str(folder)])
    assert made.exit_code == 0, made.output
    for number in range(1, FILES):
        shutil.copy(first, folder / "reads" / f"{number}.jsonl")
    return folder


def words(world: Path, out: Path) -> list[str]:
    """Give the command."""
    return [
        *(sys.executable, "-m", "anpr_engine", "replay", "--reads", str(world / "reads")),
        *("--watchlist", str(world / "be.csv"), "--out", str(out), "--json"),
    ]


def finished(world: Path, out: Path) -> dict[str, object]:
    """Run the command to its end; gives the closing line."""
    done = subprocess.run(
        words(world, out), env=CLEAN, capture_output=True, text=True, timeout=WAIT_S, check=True
    )
    found: dict[str, object] = json.loads(done.stdout)
    return found


def await_units(process: subprocess.Popen[str], part: Path, wanted: int) -> None:
    """Wait until some units are kept."""
    deadline_s = time.monotonic() + WAIT_S
    while len(list(part.glob("*.unit"))) < wanted:
        assert process.poll() is None
        assert time.monotonic() < deadline_s
        time.sleep(0.001)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_the_same_command_goes_on_where_it_was_stopped(
    world: Path, tmp_path: Path, number: signal.Signals
) -> None:
    """Stopped twice, it comes to the same file and digest as one that never was."""
    whole, out = tmp_path / "whole.parquet", tmp_path / "out.parquet"
    part = tmp_path / "out.parquet.part"
    expected = finished(world, whole)
    for wanted in (1, 5):
        with subprocess.Popen(
            words(world, out), env=CLEAN, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            await_units(process, part, wanted)
            process.send_signal(number)
            stdout, stderr = process.communicate(timeout=WAIT_S)
        assert process.returncode == (130 if number == signal.SIGINT else -number)
        assert stdout == ""
        assert "Traceback" not in stderr
        assert not out.exists()
        if number == signal.SIGINT:
            assert "units are kept; the same command goes on from there" in stderr
    kept = len(list(part.glob("*.unit")))
    assert 5 <= kept < FILES
    rest = finished(world, out)
    assert rest["units_before"] == kept
    assert [rest[name] for name in ("reads", "hits", "digest")] == [
        expected[name] for name in ("reads", "hits", "digest")
    ]
    assert out.read_bytes() == whole.read_bytes()
    assert not part.exists()
