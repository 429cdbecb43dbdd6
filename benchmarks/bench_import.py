"""How long a list of a million rows takes from its file into Redis, with a report on each bad row.

The program is run as a list owner runs it; its start is part of the time.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from anpr_engine.audit.signing import SecretKey, write_pair
from anpr_engine.watchlist.embedded import EmbeddedRedis
from benchmarks import workloads
from benchmarks.definitions import Size
from benchmarks.lab import ROOT, SITE, Lab, WrongAnswer, expect
from benchmarks.measure import Outcome

RUN_S_MAX = 300.0
REFUSED = 3
"""The exit code where some rows were refused and the rest was done."""
BAD = "bad,=1+1,NL,x\n"
"""A row that is refused: its plate is a formula."""


def run(_lab: Lab, size: Size, repeats: int) -> Outcome:
    """Import a file into an empty store in each repeat, without and with signed versions."""
    outcome = Outcome(digests={"entries": workloads.entries_digest(size["entries"])})
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file, key = folder / "list.csv", folder / "be.key"
        write_pair(key, SecretKey.new())
        _write(file, size)
        for _ in range(repeats):
            figures = {"bare_s": _imported(file, size, [])}
            figures["signed_s"] = _imported(file, size, ["--signing-key", str(key)])
            outcome.add(figures)
    return outcome


def _write(file: Path, size: Size) -> None:
    """Write a list; every so often a row is bad."""
    with file.open("w", encoding="utf-8") as out:
        out.write("entry_id,plate,country,case_ref\n")
        for number, entry in enumerate(workloads.entries(size["entries"])):
            if number % size["one_bad_in"] == 0:
                out.write(BAD)
            out.write(f"{entry.entry_id},{entry.plate},{entry.country},EX-{number % 5000}\n")


def _imported(file: Path, size: Size, more: list[str]) -> float:
    """Give the seconds of one import.

    Raises:
        WrongAnswer: it failed, or not every row is told of.

    """
    report = file.with_suffix(".report.jsonl")
    report.unlink(missing_ok=True)
    with EmbeddedRedis() as redis:
        command = [sys.executable, "-m", "anpr_engine", "watchlist", "import", str(file)]
        command += ["--list", "bench", "--owner", "unit", "--site", SITE, "--redis", redis.url]
        command += ["--by", "bench", "--reason", "bench", "--report", str(report), "--json", *more]
        started_s = time.perf_counter()
        done = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, timeout=RUN_S_MAX, check=False
        )
        taken_s = time.perf_counter() - started_s
    if done.returncode != REFUSED:
        raise WrongAnswer(f"import ended with {done.returncode}: {done.stderr[-1000:]}")
    told = json.loads(done.stdout.splitlines()[-1])
    expect("rows taken", told["added"], size["entries"])
    bad = -(-size["entries"] // size["one_bad_in"])
    expect("rows reported", len(report.read_text(encoding="utf-8").splitlines()), bad)
    return taken_s
