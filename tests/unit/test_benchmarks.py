"""The benchmarks: workloads that never change, answers that are checked, tables that are true."""

import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree as ET

import pytest

from anpr_engine.errors import UsageError
from anpr_engine.kafka.jars import kafka_version
from anpr_engine.plates.normaliser import normalise
from benchmarks import peer_programs, peer_streams, peers, quality_data, record, report, workloads
from benchmarks.alerts import check_alerts
from benchmarks.definitions import FigureDefinition, read_definitions
from benchmarks.lab import WrongAnswer
from benchmarks.measure import Outcome, Spread, percentile, rounds, timed
from benchmarks.peer_answers import Answers
from benchmarks.peer_bytewax import Matcher as BytewaxMatcher
from benchmarks.peer_quix import Matcher as QuixMatcher

ROOT = Path(__file__).resolve().parents[2]
SMALL_S_MAX = 600.0
"""Maven may have to fetch and build first."""


def test_small_run_gives_every_expected_answer() -> None:
    """Each benchmark runs at its small size on real servers and its answers hold."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--small", "--huge"],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name != quality_data.VARIABLE},
        capture_output=True,
        text=True,
        timeout=SMALL_S_MAX,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    figures: dict[str, dict[str, object]] = {}
    for line in done.stdout.splitlines():
        figures |= json.loads(line)
    declared = {name: each for name, each in read_definitions().items() if not each.needs}
    assert set(figures) == set(declared)
    for name, definition in declared.items():
        assert set(figures[name]) == {figure.id for figure in definition.figures}


def test_readme_shows_the_newest_record() -> None:
    """The tables in README.md are what the newest record gives, to the letter."""
    text = report.README.read_text(encoding="utf-8")
    assert report.with_block(text, report.current_block()) == text, (
        "run `python -m benchmarks report`"
    )


def test_pictures_of_the_newest_record_are_there() -> None:
    """Every picture that the tables point to exists."""
    found = record.newest()
    assert found is not None
    name, kept = found
    shown = [picture for picture in report.PICTURES if picture in kept["results"]]
    missing = [p for p in shown if not (record.FOLDER / f"{name}-{p}.svg").is_file()]
    assert not missing


def test_a_new_day_keeps_what_was_measured_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The newest of each benchmark is shown, and on which machine it was measured."""
    days = {"2026-11-21-aaaaaa": {"near": 1, "probe": 1}, "2026-11-22-bbbbbb": {"start": 2}}
    days["2026-11-23-aaaaaa"] = {"near": 3}
    for name, results in days.items():
        measured = {each: {"rounds": rounds} for each, rounds in results.items()}
        here = {"cores": int(name[9])}
        told = {"machine": here, "versions": {"engine": name}, "results": measured}
        (tmp_path / f"{name}.json").write_text(json.dumps(told), encoding="utf-8")
    monkeypatch.setattr(record, "FOLDER", tmp_path)
    found = record.newest()
    assert found is not None
    assert found[0] == "2026-11-23-aaaaaa"
    places = {each: (one["rounds"], one["machine"]) for each, one in found[1]["results"].items()}
    assert places == {"near": (3, "aaaaaa"), "probe": (1, "aaaaaa"), "start": (2, "bbbbbb")}
    assert found[1]["machines"] == {"aaaaaa": {"cores": 3}, "bbbbbb": {"cores": 2}}
    assert found[1]["versions"] == {"engine": "2026-11-23-aaaaaa"}
    assert record.newest_together(["near", "probe"]) == {
        "near": {"rounds": 3},
        "probe": {"rounds": 1},
    }
    assert record.newest_together(["near", "start"]) is None


def test_record_measured_the_declared_workloads() -> None:
    """A record is of the workloads that are declared today, figure by figure."""
    found = record.newest()
    assert found is not None
    for name, result in found[1]["results"].items():
        definition = read_definitions()[name]
        assert result["digests"] == dict(definition.digest["full"])
        assert result["figures"].keys() == {figure.id for figure in definition.figures}


def test_text_without_marks_is_refused_with_a_remedy() -> None:
    """A README without marks is left alone, and the error says what to add."""
    with pytest.raises(UsageError, match="benchmarks:begin"):
        report.with_block("no marks here", "table")


def test_block_is_replaced_between_its_marks() -> None:
    """Only what stands between the marks changes; doing it twice changes nothing."""
    text = f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n"
    once = report.with_block(text, "new\n")
    assert once == f"before\n{report.BEGIN}\nnew\n{report.END}\nafter\n"
    assert report.with_block(once, "new\n") == once


def test_small_workloads_keep_their_digests() -> None:
    """The bytes of plates and reads are the same on every machine, for ever."""
    for definition in read_definitions().values():
        size, expected = definition.small, definition.digest["small"]
        if "entries" in expected:
            assert workloads.entries_digest(size["entries"]) == expected["entries"]
        if "reads" in expected:
            plan = workloads.ReadPlan(size["reads"], size["entries"], size["one_in"])
            assert workloads.reads_digest(plan) == expected["reads"]


def test_listed_reads_are_those_whose_plate_is_listed() -> None:
    """Which reads are hits follows from the plan, and parsing every read says the same."""
    plan = workloads.ReadPlan(reads=5_000, entries=300, one_in=50)
    listed = set(workloads.plates(0, plan.entries))
    reads = [json.loads(value) for value in workloads.reads(plan)]
    found = {read["read_id"] for read in reads if read["plate"] in listed}
    assert found == workloads.listed_read_ids(plan)
    assert len(found) == workloads.listed_count(plan) == plan.reads // plan.one_in
    assert len({read["read_id"] for read in reads}) == plan.reads


def test_reads_have_the_size_that_is_claimed() -> None:
    """A read is about 220 bytes, all of one length, keyed by its camera."""
    plan = workloads.ReadPlan(reads=200, entries=10, one_in=10)
    for chunk in workloads.read_chunks(plan):
        assert {len(value) for value in chunk.values} == {workloads.READ_BYTES}
        cameras = [json.loads(value)["camera_id"].encode() for value in chunk.values]
        assert chunk.keys == cameras
    assert abs(workloads.READ_BYTES - 220) <= 10


def test_numbered_plates_are_distinct_and_usable() -> None:
    """No two numbers share a plate once separators are gone, in either country."""
    texts = [normalise(plate) for plate in workloads.plates(0, 20_000)]
    assert all(text.usable for text in texts)
    assert len({text.key for text in texts}) == len(texts)


def test_entries_belong_to_the_country_of_their_plate() -> None:
    """Belgian and Dutch plates alternate, and entries say so."""
    for entry in workloads.entries(100):
        assert entry.country == ("BE" if entry.plate[0].isdigit() else "NL")


def test_ratio_to_a_peer_is_taken_round_by_round() -> None:
    """A round in which the whole machine was slow does not move the ratio."""
    definition = read_definitions()["pipeline"]
    outcome = Outcome({"step": [100.0, 10.0, 100.0], "orjson_set": [50.0, 5.0, 50.0]})
    ratio = record.result_of(definition, outcome, 0.0)["figures"]["orjson_set"]
    assert ratio["times_ours_better"] == {"min": 2.0, "median": 2.0, "max": 2.0}
    assert ratio["repeats"] == 3


def test_every_contender_has_a_turn_in_every_round() -> None:
    """The order changes from round to round, and the warm-up is not counted."""
    calls: list[str] = []
    work = {name: timed(partial(calls.append, name)) for name in "ab"}
    taken = rounds(work, 2)
    assert "".join(calls) == "ab" + "ab" + "ba"
    assert {name: len(values) for name, values in taken.items()} == {"a": 2, "b": 2}


def test_spread_and_percentile_of_known_values() -> None:
    """Least, median, largest and nearest-rank percentiles of one to a hundred."""
    values = [float(value) for value in range(1, 101)]
    assert Spread.of(values) == Spread(1.0, 50.5, 100.0)
    assert percentile(values, 0.5) == 51.0
    assert percentile(values, 0.99) == 100.0


def test_an_alert_twice_is_a_wrong_answer() -> None:
    """The right reads with one alert repeated do not pass the check."""
    alert = json.dumps({"alert_id": "1", "read": {"read_id": "r1"}}).encode()
    check_alerts([alert], frozenset({"r1"}))
    with pytest.raises(WrongAnswer, match="alerts committed"):
        check_alerts([alert, alert], frozenset({"r1"}))


ANSWERS = Answers({(0, 3): "be-1", (0, 9): "nl-2", (1, 0): "be-3"})


@pytest.mark.parametrize(
    ("ends", "hits"),
    [
        ({0: 10, 1: 2}, ["nl-2", "be-1", "be-3"]),
        ({0: 9, 1: 3}, ["be-1", "be-3"]),
        ({0: 12, 1: 0}, ["be-1", "nl-2"]),
        ({0: 2, 1: 10}, None),
    ],
)
def test_right_answer_depends_on_where_a_peer_stopped(
    ends: dict[int, int], hits: list[str] | None
) -> None:
    """A peer finds the listed reads before its places; one that looks at none need not."""
    ANSWERS.check("peer", peers.Taken(1.0, ends, hits), 12)


@pytest.mark.parametrize(
    ("ends", "hits"),
    [
        ({0: 10, 1: 2}, ["nl-2", "be-1"]),
        ({0: 9, 1: 3}, ["be-1", "be-3", "nl-2"]),
        ({0: 9, 1: 3}, ["be-1", "nl-2"]),
        ({0: 10, 1: 2}, ["nl-2", "be-1", "be-3", "be-3"]),
        ({0: 10, 1: 1}, ["nl-2", "be-1", "be-3"]),
    ],
)
def test_wrong_answer_of_a_peer_ends_the_run(ends: dict[int, int], hits: list[str]) -> None:
    """A hit missed, made up, swapped or told twice, or a read not taken, is no answer."""
    with pytest.raises(WrongAnswer):
        ANSWERS.check("peer", peers.Taken(1.0, ends, hits), 12)


def test_peer_that_is_missing_is_reported_and_no_pass() -> None:
    """Its row says what it lacks, its ratio's target is not met, and the others' rows stand."""
    definition = read_definitions()["throughput"]
    values = {figure.id: [100.0] for figure in definition.figures}
    del values["kafka_streams"]
    outcome = Outcome(values, missing={"kafka_streams": "Maven is not on the path"})
    result = record.result_of(definition, outcome, 0.0)
    table = list(report.table(definition, result))
    (row,) = (line for line in table if "Maven is not on the path" in line)
    assert "not measured" in row
    assert " met" not in row
    assert len([line for line in table if line.startswith("| ")]) == len(definition.figures) + 1


def test_target_for_a_ratio_is_met_by_the_ratio() -> None:
    """`times_at_least` looks at how many times better we are, not at the peer's own speed."""
    figure = FigureDefinition("p", "a peer", "reads/s", peer_of="us", times_at_least=2.5)
    assert figure.meets(1e9, 2.5)
    assert not figure.meets(1e9, 2.4)
    assert not figure.meets(1e9)


def test_kafka_streams_is_of_the_brokers_version() -> None:
    """The peer's Maven project asks for the same Apache Kafka that the broker runs."""
    project = ET.parse(peer_streams.SOURCE / "pom.xml")  # noqa: S314 - our own file
    assert project.findtext("properties/kafka.version") == kafka_version()


def test_without_maven_kafka_streams_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is built or fetched, and the reason is told."""
    monkeypatch.setenv("PATH", "")
    assert "Maven" in str(peer_streams.build_streams.__wrapped__())


def test_without_an_interpreter_the_python_programs_are_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An interpreter without the library is told apart by asking it, and the variable is named."""
    monkeypatch.setenv(peer_programs.PYTHON_VARIABLE, sys.executable)
    reason = peer_programs.not_installed.__wrapped__("no_such_library")
    assert peer_programs.PYTHON_VARIABLE in reason
    assert not peer_programs.not_installed.__wrapped__("json")


def test_bytewax_step_tells_hits_and_places() -> None:
    """Partitions may be mixed in a batch; hits are told by read id."""
    message = partial(SimpleNamespace, partition=0)
    matcher = BytewaxMatcher({"1ABC123"})
    listed, other = b'{"read_id":"r1","plate":"1-abc-123"}', b'{"read_id":"r2","plate":"X"}'
    batch = [
        message(offset=4, value=listed),
        message(partition=1, offset=7, value=other),
        message(offset=5, value=other),
    ]
    assert matcher.take(batch) == ["r1"]
    assert matcher.ends() == {0: 6, 1: 8}


def test_quix_step_stops_behind_its_last_read() -> None:
    """The program is told to end once, when as many reads are taken as were asked for."""
    stops: list[str] = []
    matcher = QuixMatcher({"1ABC123"}, 2, partial(stops.append, "stop"))
    assert matcher.take({"plate": "1-abc-123"})
    assert not stops
    assert not matcher.take({"plate": "X"})
    assert stops == ["stop"]
