"""`anpr replay` over files: the hits of `anpr match`, whole or not at all, however it is cut."""

import json
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest
from click import Command
from click.testing import CliRunner
from replay_worlds import START, by_id, closing, hits, in_small_pieces, make_world, matched, run

from anpr_engine.cli import match, replay
from anpr_engine.errors import AnprError, InputFileError, UsageError


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with reads and a list."""
    return make_world(tmp_path_factory.mktemp("replay"))


def test_the_hits_are_those_of_match(world: Path, tmp_path: Path) -> None:
    """Files of both kinds give what `anpr match` gives, and nothing is left beside the output."""
    digests = set()
    for kind in ("jsonl", "parquet"):
        for out in (tmp_path / f"{kind}.jsonl", tmp_path / f"{kind}.parquet"):
            names = ("--watchlist", world / "be.csv", "--reads", world / f"reads.{kind}")
            done = run(*names, "--out", out, "--json")
            assert done.exit_code == 0, done.output
            assert by_id(hits(out)) == by_id(matched(world, tmp_path))
            digests.add(closing(done)["digest"])
            assert closing(done)["hits"] == len(hits(out)) > 20
    assert len(digests) == 1
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_workers_units_and_batches_change_nothing(
    world: Path, tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The output is the same to the byte, and so is the digest."""
    names = ("--watchlist", world / "be.csv", "--reads", world / f"reads.{kind}", "--json")
    whole = run(*names, "--out", tmp_path / "0.jsonl")
    in_small_pieces(monkeypatch)
    for workers in ("1", "2", "3"):
        cut = run(*names, "--out", tmp_path / f"{workers}.jsonl", "--workers", workers)
        assert closing(cut)["digest"] == closing(whole)["digest"]
        assert closing(cut)["reads"] == closing(whole)["reads"]
    assert len({path.read_bytes() for path in tmp_path.glob("*.jsonl")}) == 1


def test_the_first_command_may_be_guessed(world: Path, tmp_path: Path) -> None:
    """Files may follow without an option; patterns and folders count each file once."""
    ways: list[list[str | Path]] = [
        [world / "reads.jsonl", world / "reads.jsonl"],
        ["--reads", f"{world}/*.jsonl", "--reads", world / "reads.jsonl"],
        [world / "reads.jsonl", world / "reads.parquet"],
        ["--reads", world],
    ]
    for number, words in enumerate(ways):
        out = tmp_path / f"{number}.jsonl"
        done = run(*words, "--watchlist", world / "be.csv", "--out", out)
        assert done.exit_code == 0, done.output
    one, two, both, folder = (hits(tmp_path / f"{number}.jsonl") for number in range(4))
    assert one == two
    assert len(both) == len(folder) == 2 * len(one)


def test_a_stream_in_and_a_stream_out(world: Path, tmp_path: Path) -> None:
    """Hits alone go to stdout; the closing line then goes to stderr."""
    stdin = (world / "reads.jsonl").read_bytes()
    words = ("--reads", "-", "--watchlist", world / "be.csv", "--out", "-", "--json")
    done = run(*words, stdin=stdin)
    assert done.exit_code == 0, done.output
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert by_id(rows) == by_id(matched(world, tmp_path))
    assert json.loads(done.stderr.splitlines()[-1])["hits"] == len(rows)


def test_times_are_of_the_reads(world: Path, tmp_path: Path) -> None:
    """Reads count from --from on, up to but without --to; parts of a range are its hits."""
    found = []
    bounds = [START, "2026-03-02T08:00:04+01:00", "2026-03-02T07:00:07.5Z", "2026-03-03T00:00:00Z"]
    names = ("--watchlist", world / "be.csv", "--reads", world / "reads.parquet", "--json")
    whole = run(*names, "--out", tmp_path / "whole.jsonl")
    for since, until in pairwise(bounds):
        out = tmp_path / "part.jsonl"
        part = run(*names, "--out", out, "--from", since, "--to", until)
        found += hits(out)
        told = closing(part)
        assert 0 < int(str(told["outside"])) < int(str(told["reads"]))
    assert found == hits(tmp_path / "whole.jsonl")
    assert closing(whole)["outside"] == 0


def test_refused_reads_are_named_by_file_and_row(
    world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bad rows cost exit code 3 and nothing else; where they are does not depend on the cut."""
    in_small_pieces(monkeypatch)
    lines = (world / "reads.jsonl").read_bytes().splitlines()
    lines[700:700] = [b"{", b""]
    lines.insert(2000, b'{"read_id":"x"}')
    bad = tmp_path / "bad.jsonl"
    bad.write_bytes(b"\n".join(lines))
    out = tmp_path / "out.jsonl"
    done = run("--reads", bad, "--watchlist", world / "be.csv", "--out", out, "--json")
    assert done.exit_code == 3
    assert "bad.jsonl read 701: " in done.stderr
    assert "bad.jsonl read 2000: " in done.stderr
    assert closing(done)["rejected"] == 2
    assert closing(done)["reads"] == len(lines) - 1
    assert by_id(hits(out)) == by_id(matched(world, tmp_path))


def test_as_of_takes_the_entries_in_force_then(world: Path, tmp_path: Path) -> None:
    """An entry that had ended, or had not begun, has no hits; without any the list is named."""
    rows = [json.loads(line) for line in (world / "reads.jsonl").read_text().splitlines()[:2]]
    plates = [row["plate"] for row in rows]
    listed = tmp_path / "list.csv"
    listed.write_text(
        "plate,list_id,entry_id,valid_from,valid_until\n"
        f"{plates[0]},l,old,2026-01-01T00:00:00Z,2026-03-03T00:00:00Z\n"
        f"{plates[1]},l,new,2026-03-02T00:00:00Z,\n"
    )
    names = ("--reads", world / "reads.jsonl", "--watchlist", listed, "--out", tmp_path / "h.jsonl")
    for as_of, expected in (
        ("2026-02-01T00:00:00Z", {"old"}),
        ("2026-03-02T12:00:00Z", {"old", "new"}),
        ("2026-04-01T00:00:00Z", {"new"}),
    ):
        assert run(*names, "--as-of", as_of).exit_code == 0
        found = hits(tmp_path / "h.jsonl")
        assert {hit["entry_id"] for hit in found} == expected
    nothing = run(*names, "--as-of", "2025-01-01T00:00:00Z")
    assert isinstance(nothing.exception, AnprError)
    assert "in force" in str(nothing.exception)


@pytest.mark.parametrize(
    ("words", "kind", "said"),
    [
        (["--watchlist", "l.csv"], UsageError, "--reads FILE"),
        (["r.jsonl", "--from-offset", "0:1"], UsageError, "Offsets are of Kafka"),
        (["r.jsonl"], AnprError, "ANPR_SITE"),
        (["--from", "-1d", "--watchlist", "l.csv"], AnprError, "ANPR_KAFKA"),
        (["{reads}", "--from", "-1h", "--to", "-2h", "--watchlist", "{list}"], UsageError, "--to"),
        (["no-*.jsonl", "--watchlist", "{list}"], InputFileError, "no-*.jsonl"),
        (["/no/reads.jsonl", "--watchlist", "{list}"], InputFileError, "/no/reads.jsonl"),
        (["/no/reads.parquet", "--watchlist", "{list}"], InputFileError, "/no/reads.parquet"),
        (["r.jsonl", "--watchlist", "/no/list.csv"], InputFileError, "/no/list.csv"),
    ],
)
def test_what_is_missing_is_named(
    world: Path, tmp_path: Path, words: Sequence[str], kind: type[AnprError], said: str
) -> None:
    """Each error says what was wrong and what to give; nothing is left behind."""
    names = {"list": world / "be.csv", "reads": world / "reads.jsonl"}
    given = [word.format_map(names) for word in words]
    done = run(*given, "--out", tmp_path / "out.jsonl")
    assert isinstance(done.exception, kind)
    assert said in str(done.exception)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["out.jsonl", "out.parquet"])
def test_no_reads_are_an_empty_output(world: Path, tmp_path: Path, name: str) -> None:
    """A file of nothing is done at once, and the output is there and readable."""
    reads, out = tmp_path / "reads.jsonl", tmp_path / name
    reads.write_bytes(b"\n\n")
    done = run("--reads", reads, "--watchlist", world / "be.csv", "--out", out, "--json")
    assert done.exit_code == 0
    assert closing(done)["digest"] == "0" * 32
    assert hits(out) == []


def test_an_output_that_is_no_file_is_refused(world: Path, tmp_path: Path) -> None:
    """A folder or a device is left as it is."""
    words = ("--reads", world / "reads.jsonl", "--watchlist", world / "be.csv")
    for out in (tmp_path, Path("/dev/null")):
        done = run(*words, "--out", out)
        assert isinstance(done.exception, UsageError)
        assert "is no file" in str(done.exception)
    assert Path("/dev/null").is_char_device()


def test_an_output_nowhere_is_named(world: Path) -> None:
    """A folder that does not exist is told before anything is done."""
    words = ("--reads", world / "reads.jsonl", "--watchlist", world / "be.csv")
    done = run(*words, "--out", "/no/out.jsonl")
    assert isinstance(done.exception, InputFileError)
    assert "/no/out.jsonl" in str(done.exception)


@pytest.mark.parametrize("command", [replay.command, match.command])
def test_an_output_of_another_kind_is_refused(
    command: Command, world: Path, tmp_path: Path
) -> None:
    """A .csv that held JSON would mislead whoever opens it."""
    out = tmp_path / "hits.csv"
    words = ["--reads", world / "reads.jsonl", "--watchlist", world / "be.csv", "--out", out]
    with pytest.raises(UsageError, match=r"\.csv; hits are written as \.jsonl or \.parquet"):
        CliRunner().invoke(command, [*map(str, words)], catch_exceptions=False)
    assert not out.exists()
