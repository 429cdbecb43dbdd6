"""Small files to replay, and the commands over them, for the tests of `anpr replay`."""

import json
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from anpr_engine.cli import match, replay, simulate
from anpr_engine.replay import json_lines, units

START = "2026-03-02T07:00:00Z"
SECONDS = 10


def make_world(folder: Path) -> Path:
    """Fill a folder with reads as JSON lines and as Parquet, and a list of some of them."""
    made = CliRunner().invoke(
        simulate.command,
        [
            *("--rate", "400", "--seconds", str(SECONDS), "--seed", "5", "--start", START),
            *("--listed-share", "0.1", "--out", str(folder / "reads.jsonl")),
            *("--lists", str(folder)),
        ],
    )
    assert made.exit_code == 0, made.output
    lines = (folder / "reads.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    names = dict.fromkeys(name for row in rows for name in row)
    table = pa.Table.from_pylist([names | row for row in rows])
    pq.write_table(table, folder / "reads.parquet", row_group_size=500)
    return folder


def run(*words: str | Path, stdin: bytes = b"") -> Result:
    """Call the command, with no site in the variables."""
    nothing = {"ANPR_CONFIG": None, "ANPR_SITE": None, "ANPR_KAFKA": None, "ANPR_REDIS_URL": None}
    return CliRunner(env=nothing).invoke(replay.command, [*map(str, words)], input=stdin)


def closing(result: Result) -> dict[str, object]:
    """Give the closing line."""
    found: dict[str, object] = json.loads(result.stdout.splitlines()[-1])
    return found


def hits(path: Path) -> list[dict[str, object]]:
    """Give the hits of an output in order."""
    if path.suffix == ".parquet":
        rows: list[dict[str, object]] = pq.read_table(path).to_pylist()
        return rows
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def matched(world: Path, folder: Path) -> list[dict[str, object]]:
    """Give the hits of `anpr match`."""
    out = folder / "matched.jsonl"
    names = ("--watchlist", world / "be.csv", "--reads", world / "reads.jsonl", "--out", out)
    assert CliRunner().invoke(match.command, [*map(str, names)]).exit_code == 0
    return hits(out)


def by_id(rows: Sequence[dict[str, object]]) -> list[tuple[str, ...]]:
    """Sort hits, as their order is no part of the answer."""
    return sorted(tuple(str(cell) for cell in row.values()) for row in rows)


def in_small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut the input into many units, and units into many batches."""
    monkeypatch.setattr(units, "UNIT_BYTES", 60_000)
    monkeypatch.setattr(units, "UNIT_READS", 600)
    monkeypatch.setattr(json_lines, "CHUNK_BYTES", 9_000)
