"""A replay that failed amid its work goes on with what is left, and with nothing else."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from replay_worlds import START, closing, in_small_pieces, make_world, run

from anpr_engine.errors import InputFileError, UsageError
from anpr_engine.replay import replay as replays
from anpr_engine.replay import tally
from anpr_engine.replay.parts import Parts


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with reads and a list."""
    return make_world(tmp_path_factory.mktemp("replay"))


def test_what_is_done_is_kept_and_never_done_again(
    world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a failure amid the work the same command works off the rest, to the same output."""
    in_small_pieces(monkeypatch)
    out = tmp_path / "out.parquet"
    names = ("--watchlist", world / "be.csv", "--reads", world / "reads.jsonl", "--json")
    whole = run(*names, "--out", tmp_path / "whole.parquet")
    called: list[int] = []

    def failing(lines: Sequence[bytes]) -> str:
        called.append(len(lines))
        if len(called) == 5:
            raise InputFileError("The disk is gone.", "Look for it.")
        return tally.digest_of(lines)

    monkeypatch.setattr(replays, "digest_of", failing)
    broken = run(*names, "--out", out, "--workers", "1")
    assert isinstance(broken.exception, InputFileError)
    assert not out.exists()
    assert len(list((tmp_path / "out.parquet.part").glob("*.unit"))) == 4
    rest = run(*names, "--out", out, "--workers", "2")
    assert rest.exit_code == 0, rest.output
    assert "4 of" in rest.stderr
    assert closing(rest)["units_before"] == 4
    assert closing(rest)["digest"] == closing(whole)["digest"]
    assert out.read_bytes() == (tmp_path / "whole.parquet").read_bytes()
    assert not (tmp_path / "out.parquet.part").exists()


def begun(world: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[str | Path]:
    """Begin a replay that fails after some units; give its words, without the list."""
    in_small_pieces(monkeypatch)
    reads, listed = folder / "reads.jsonl", folder / "list.csv"
    reads.write_bytes((world / "reads.jsonl").read_bytes())
    listed.write_bytes((world / "be.csv").read_bytes())
    called: list[int] = []

    def failing(lines: Sequence[bytes]) -> str:
        called.append(len(lines))
        if len(called) == 5:
            raise InputFileError("The disk is gone.")
        return tally.digest_of(lines)

    words: list[str | Path] = [
        "--reads",
        reads,
        "--out",
        folder / "out.jsonl",
        "--watchlist",
        listed,
    ]
    with monkeypatch.context() as broken:
        broken.setattr(replays, "digest_of", failing)
        assert isinstance(run(*words, "--workers", "1").exception, InputFileError)
    return words


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("option", "--min-probability (then 0.0, now 0.5)"),
        ("time", "--from (then not given, now 2026-03-02T07:00:00Z)"),
        ("reads", "reads.jsonl was changed"),
        ("more", "is new among the reads"),
        ("list", "the watchlists (then file "),
    ],
)
def test_another_replay_does_not_go_on_with_it(
    world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str, said: str
) -> None:
    """What differs is named with the way out; --restart begins anew."""
    words = begun(world, tmp_path, monkeypatch)
    if change == "option":
        words += ["--min-probability", "0.5"]
    elif change == "time":
        words += ["--from", START]
    elif change == "reads":
        lines = (tmp_path / "reads.jsonl").read_bytes().splitlines(keepends=True)
        (tmp_path / "reads.jsonl").write_bytes(b"".join(lines[:-1]))
    elif change == "more":
        words += ["--reads", world / "reads.parquet"]
    else:
        lines = (tmp_path / "list.csv").read_bytes().splitlines(keepends=True)
        (tmp_path / "list.csv").write_bytes(b"".join(lines[:-1]))
    refused = run(*words)
    assert isinstance(refused.exception, UsageError)
    assert said in str(refused.exception)
    assert "--restart" in str(refused.exception)
    assert run(*words, "--restart").exit_code == 0
    assert (tmp_path / "out.jsonl").exists()


def test_reads_that_change_meanwhile_give_no_output(
    world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that grew while it was replayed is named, and nothing is written."""
    reads = tmp_path / "reads.jsonl"
    reads.write_bytes((world / "reads.jsonl").read_bytes())

    def growing(lines: Sequence[bytes]) -> str:
        with reads.open("ab") as file:
            file.write(b"\n")
        return tally.digest_of(lines)

    monkeypatch.setattr(replays, "digest_of", growing)
    out = tmp_path / "out.jsonl"
    done = run("--reads", reads, "--watchlist", world / "be.csv", "--out", out)
    assert isinstance(done.exception, InputFileError)
    assert "changed while" in str(done.exception)
    assert not out.exists()


def test_two_replays_do_not_share_an_output(world: Path, tmp_path: Path) -> None:
    """While one works, a second with the same output ends at once, and disturbs nothing."""
    out = tmp_path / "out.jsonl"
    words = ("--reads", world / "reads.jsonl", "--watchlist", world / "be.csv", "--out", out)
    with Parts(tmp_path / "out.jsonl.part") as parts:
        parts.keep(0, tally.Tally(), [])
        second = run(*words, "--restart")
        assert isinstance(second.exception, UsageError)
        assert "Another replay works in" in str(second.exception)
        assert parts.lines(0) == []
    assert run(*words, "--restart").exit_code == 0
