"""The commands as a user calls them: exit codes, one clear sentence, nothing left behind."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import oracle
import pytest
from sites import free_port

from anpr_engine.cli.group import COMMANDS
from anpr_engine.watchlist.embedded import EmbeddedRedis

CLEAN = {name: value for name, value in os.environ.items() if not name.startswith("ANPR_")}
HEAVY = ("numba", "numpy", "redis", "confluent_kafka", "pydantic", "rich")


def anpr(*words: str, stdin: str = "", **env: str) -> subprocess.CompletedProcess[str]:
    """Call a command."""
    return subprocess.run(
        [sys.executable, "-m", "anpr_engine", *words],
        input=stdin,
        env=CLEAN | env,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def test_help_loads_nothing_heavy() -> None:
    """Help and version answer without importing what makes the engine."""
    code = (
        "import sys; from anpr_engine.cli.group import main\n"
        "try: main(['--help'])\n"
        f"finally: print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.rstrip().endswith("[]")


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_has_help_with_an_example(name: str) -> None:
    """Each command explains itself."""
    done = anpr(name, "--help")
    assert done.returncode == 0
    assert "Example:" in done.stdout


def test_the_version_is_printed() -> None:
    """One line, from anywhere."""
    assert anpr("--version").stdout.startswith("anpr ")


@pytest.mark.parametrize(
    ("words", "env", "code", "says"),
    [
        (["run"], {}, 2, "ANPR_SITE"),
        (["run", "--site", "BE"], {"ANPR_KAFKA": "x:1", "ANPR_REDIS_URL": "redis://x"}, 2, "site"),
        (["run", "--config", "/nothing.toml"], {}, 2, "/nothing.toml"),
        (["run", "--nonsense"], {}, 2, "--nonsense"),
        (["nonsense"], {}, 2, "nonsense"),
        (["match", "--watchlist", "/no.csv", "--reads", "-", "--out", "-"], {}, 1, "/no.csv"),
    ],
)
def test_wrong_usage_is_one_clear_sentence(
    words: list[str], env: dict[str, str], code: int, says: str
) -> None:
    """The exit code tells what kind of error it is, the text names the culprit."""
    done = anpr(*words, **env)
    assert done.returncode == code
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_a_wrong_setting_names_file_key_value_and_what_is_allowed(tmp_path: Path) -> None:
    """Bad configuration is exit code 2, and secrets are not repeated."""
    path = tmp_path / "be.toml"
    path.write_text(
        'site = "be"\nkafka = "h:1"\nredis_url = "redis://:hush@h"\n'
        "[batch]\nreads_max = 0\n[rejects]\nshare = 1\n"
    )
    done = anpr("run", "--config", str(path))
    assert done.returncode == 2
    for part in (
        str(path),
        "batch.reads_max",
        "= 0",
        "greater than or equal to 1",
        "rejects.share",
    ):
        assert part in done.stderr
    assert "hush" not in done.stderr


def test_no_redis_and_no_broker_are_one_sentence_each(
    redis_servers: Callable[[str], EmbeddedRedis],
) -> None:
    """What does not answer is named with its address, without a traceback."""
    redis = redis_servers("redis")
    redis.wipe()
    nobody, redis_url = f"127.0.0.1:{free_port()}", redis.url
    place = {"ANPR_SITE": "be", "ANPR_HTTP__PORT": "0"}
    no_redis = anpr("run", ANPR_KAFKA=nobody, ANPR_REDIS_URL=f"redis://:hush@{nobody}", **place)
    no_kafka = anpr("run", ANPR_KAFKA=nobody, ANPR_REDIS_URL=redis_url, **place)
    for done in (no_redis, no_kafka):
        assert done.returncode == 1
        last = done.stderr.splitlines()[-1]
        assert nobody in last
        assert last.startswith("anpr: ")
        assert "Traceback" not in done.stderr
        assert "hush" not in done.stderr


def test_the_doctor_names_what_is_wrong(redis_url: str) -> None:
    """An absent broker is a failure with a remedy; the rest is still checked."""
    nobody = f"127.0.0.1:{free_port()}"
    done = anpr("doctor", "--json", ANPR_SITE="be", ANPR_KAFKA=nobody, ANPR_REDIS_URL=redis_url)
    found = {each["check"]: each for each in map(json.loads, done.stdout.splitlines())}
    assert done.returncode == 1
    assert found["kafka"]["state"] == "fail"
    assert found["kafka"]["remedy"]
    assert found["redis"]["state"] == found["engine"]["state"] == "ok"


def test_normalise_answers_line_by_line() -> None:
    """Raw text and country in, one JSON object a line out, whatever the text."""
    done = anpr("normalise", "--explain", stdin="1-abc-123\tBE\n\nÄ-1 \u202e?\n" + "x" * 10_000)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [answer["plate"] for answer in answers] == ["1ABC123", "", "Ä1", ""]
    assert [answer["valid"] for answer in answers] == [True, False, False, False]
    assert answers[0]["country"] == "BE"
    assert done.returncode == 0


def test_match_agrees_with_the_naive_twin_on_simulated_traffic(tmp_path: Path) -> None:
    """Exact hits of both sites' reads against their lists: those of dictionaries and dates."""
    reads, hits = tmp_path / "reads.jsonl", tmp_path / "hits.jsonl"
    made = anpr(
        *("simulate", "--rate", "4000", "--seconds", "5", "--seed", "3", "--listed-share", "0.05"),
        *("--out", str(reads), "--lists", str(tmp_path)),
    )
    assert made.returncode == 0, made.stderr
    for site in ("be", "nl"):
        done = anpr(
            "match",
            *("--watchlist", str(tmp_path / f"{site}.csv")),
            *("--reads", str(reads), "--out", str(hits)),
        )
        assert done.returncode == 0, done.stderr
        found = {
            (hit["read_id"], hit["list_id"], hit["entry_id"])
            for hit in map(json.loads, hits.read_text().splitlines())
            if hit["tier"] == "exact"
        }
        assert found == oracle.file_matches(reads, tmp_path / f"{site}.csv")
        assert len(found) > 100


def test_refused_reads_are_exit_code_three(tmp_path: Path) -> None:
    """The rest is done, the report says which and why, and no half output appears."""
    watchlist = tmp_path / "w.csv"
    watchlist.write_text("plate\n1-ABC-123\n")
    out = tmp_path / "hits.jsonl"
    good = '{"read_id":"r","camera_id":"c","captured_at":"2026-01-01T00:00:00Z","plate":"1ABC123"}'
    done = anpr(
        *("match", "--watchlist", str(watchlist), "--reads", "-", "--out", str(out)),
        stdin=f"{good}\n{{bad\n",
    )
    assert done.returncode == 3
    assert "read 2: not-json" in done.stderr
    assert len(out.read_text().splitlines()) == 1
    assert not list(tmp_path.glob("*.part"))


def test_the_demo_runs_headless_and_leaves_nothing_behind(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Alerts seen by a committed reader, one closing line, no folder left."""
    # A socket's path must not be long, and `tmp_path` holds the test's name.
    short = tmp_path_factory.mktemp("t")
    marks = {"TMPDIR": str(short)}
    done = anpr("demo", "--seconds", "6", "--headless", "--json", "--rate", "300", **marks)
    assert done.returncode == 0, done.stderr
    closing = json.loads(done.stdout.splitlines()[-1])
    assert closing["reads"] > 1000
    assert closing["alerts"] > 0
    assert closing["repeated"] == 0
    assert closing["exactly_once"] is True
    assert set(closing["alert_latency_ms"]) == {"p50", "p99"}
    assert not list(short.iterdir())
