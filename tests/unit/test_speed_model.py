"""The rest of the speed evidence: fitted laws, the model past one machine, its tables, pictures."""

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import bench_account, curve_pictures, model, model_tables, report
from benchmarks.alerts import Stored
from benchmarks.array_bytes import held_bytes
from benchmarks.bench_curve import COLUMNS, latencies_ms, rates_of
from benchmarks.bench_latency import Arrivals, Schedule
from benchmarks.bench_list_change import batch_gaps_ms, changed_entries
from benchmarks.bench_list_size import listed_reads, sizes_of
from benchmarks.bench_scaling import PARTITIONS, PROCESSES, law_figures, runs_at
from benchmarks.definitions import read_definitions
from benchmarks.engine_page import gained, samples_of
from benchmarks.model_inputs import ASSUMED, LIST_SIZES, Points, line_through
from benchmarks.scaling_law import ScalingLaw, fitted
from benchmarks.stopwatch import Stopwatch
from benchmarks.workloads import ReadPlan, canonical, listed_read_ids, plates, reads

LAW = ScalingLaw(200_000.0, 0.1, 0.02, 0.0)
BARE_MS = 4.0


def _medians() -> dict[str, dict[str, float]]:
    """Give figures of an imagined machine that is just as the model believes."""
    found: dict[str, dict[str, float]] = {
        name: {figure.id: 1.0 for figure in definition.figures}
        for name, definition in read_definitions().items()
    }
    for benchmark in LIST_SIZES:
        for name, entries in sizes_of(read_definitions()[benchmark].full).items():
            found[benchmark] |= {
                f"{name}_entry": 32.0,
                f"{name}_redis": 150.0,
                f"{name}_resident": 200 + 32e-6 * entries,
                f"{name}_load": 0.1 + 3e-6 * entries,
                f"{name}_all": 300 + 100 * float(np.log10(entries)),
            }
    found["scaling"] |= {f"processes_{n}": LAW.rate(n) for n in PROCESSES}
    found["scaling"] |= {f"partitions_{n}": 800_000.0 for n in PARTITIONS}
    found["account"] |= {"wall": 1000.0, "wire_bytes": 50.0}
    found["throughput"] |= {"engine": 1e6}
    for name in rates_of(read_definitions()["latency_curve"].full):
        found["latency_curve"] |= {
            f"{name}_p50": 1.5 * BARE_MS,
            f"{name}_bare50": BARE_MS,
            f"{name}_batches": 1000 / BARE_MS,
        }
    return found


@pytest.fixture(name="imagined")
def imagined_record() -> dict[str, Any]:
    """Make a record of that machine, with the declared sizes."""
    results: dict[str, Any] = {}
    for name, medians in _medians().items():
        figures: dict[str, Any] = {
            figure: {"min": value, "median": value, "max": value, "repeats": 1}
            for figure, value in medians.items()
        }
        for figure in read_definitions()[name].figures:
            if figure.peer_of:
                times = medians[figure.id] / medians[figure.peer_of]
                spread = dict.fromkeys(("min", "median", "max"), times)
                figures[figure.id]["times_ours_better"] = spread
        size = dict(read_definitions()[name].full)
        told = {"load_before": 0.1, "measured_at": "2026-11-22T08:00:00+00:00"}
        results[name] = {"size": size, "figures": figures, **told}
    return {"results": results, "versions": {}, "machine": {}}


def test_law_is_found_again_in_rates_that_follow_it() -> None:
    """Rates made by a law give its three numbers back, and no residual."""
    found = fitted({number: LAW.rate(number) for number in (1, 2, 3, 4, 8)})
    assert found.rate_of_one == pytest.approx(LAW.rate_of_one)
    assert found.sigma == pytest.approx(LAW.sigma)
    assert found.kappa == pytest.approx(LAW.kappa)
    assert found.residual == pytest.approx(0.0, abs=1e-9)
    assert found.best == pytest.approx((0.9 / 0.02) ** 0.5)


@pytest.mark.parametrize("rates", [{1: 1.0, 2: 2.2, 4: 5.0}, {1: 3.0, 2: 2.0, 3: 2.5, 4: 1.0}])
def test_neither_part_of_the_law_is_below_nothing(rates: dict[int, float]) -> None:
    """Rates better than twice as good for two, or that jump, leave sigma and kappa at 0 or more."""
    found = fitted(rates)
    assert found.sigma >= 0
    assert found.kappa >= 0
    assert found.residual > 0


def test_law_figures_are_those_declared() -> None:
    """What is measured and what is fitted are the figures of the definition."""
    definition = read_definitions()["scaling"]
    rates = {name: 1.0 for at in PARTITIONS for name, _ in runs_at(at, definition.full)}
    assert rates.keys() | law_figures(rates).keys() == {each.id for each in definition.figures}


def test_line_keeps_both_its_parts_above_nothing() -> None:
    """A line through points of one gives it back; none falls, and none begins below 0."""
    line = line_through({1.0: 5.0, 2.0: 7.0, 10.0: 23.0})
    assert (line.fixed, line.each) == pytest.approx((3.0, 2.0))
    assert line_through({1.0: 4.0, 2.0: 2.0}).each == 0.0
    assert line_through({1.0: 1.0, 2.0: 9.0}).fixed == 0.0


def test_model_has_no_error_on_a_machine_that_obeys_it(imagined: dict[str, Any]) -> None:
    """Every check's prediction is what was measured, and there are more than three of them."""
    points = Points.of(imagined)
    assert points is not None
    found = list(model.checks(points))
    assert len(found) > 3
    for check in found:
        assert check.error == pytest.approx(0.0, abs=0.001), check.what


def test_check_tells_how_far_off_the_model_is(imagined: dict[str, Any]) -> None:
    """A process that needs twice the memory is told as half of it missing."""
    measured = imagined["results"]["list_size_huge"]["figures"]["list10m_resident"]
    measured["median"] *= 2
    points = Points.of(imagined)
    assert points is not None
    errors = {check.what: check.error for check in model.checks(points)}
    assert errors["memory of the process, 10,000,000 entries"] == pytest.approx(-0.5, abs=0.001)


def test_more_of_anything_never_needs_less(imagined: dict[str, Any]) -> None:
    """From a country to a continent no need shrinks that is not one of a site or a host."""
    points = Points.of(imagined)
    assert points is not None
    country, _, continent, _ = ([*model.needs(points, scale)] for scale in model.SCALES)
    for few, many in zip(country, continent, strict=True):
        assert few.what == many.what
        if not few.what.startswith("network"):
            assert many.value >= few.value, few.what


def test_memory_of_a_continent_follows_from_bytes_an_entry(imagined: dict[str, Any]) -> None:
    """A hundred million entries of 32 bytes are 3.2 GB beside the process without any."""
    points = Points.of(imagined)
    assert points is not None
    found = {need.what: need for need in model.needs(points, model.SCALES[-1])}
    assert found["lists in an engine"].value == pytest.approx(3.2 + 0.2, rel=0.001)
    assert found["lists in a site's Redis"].value == pytest.approx(15.0)
    first = model.breaks_first(points, model.SCALES[-1])[0]
    assert first.what == "loading the lists"
    assert first.used == pytest.approx(300.1 / ASSUMED["start"].value)


def test_record_without_its_points_gives_no_model(imagined: dict[str, Any]) -> None:
    """An older record is shown as before, without tables that it cannot fill."""
    del imagined["results"]["account"]
    assert list(model_tables.model_lines(imagined)) == []


def test_tables_name_every_assumption_and_what_breaks(imagined: dict[str, Any]) -> None:
    """Each assumption has its line with a unit, and the first limit passed is told."""
    text = "\n".join(model_tables.model_lines(imagined))
    for name, assumed in ASSUMED.items():
        assert f"| {name.replace('_', ' ')} |" in text
        assert assumed.unit in text
    assert "What breaks first on the way to a continent in one place: loading the lists" in text
    widths = {line.count("|") for line in text.splitlines() if line.startswith("| a")}
    assert len(widths) <= 3


@pytest.mark.parametrize("name", ["latency_curve", "list_size", "list_size_huge"])
def test_grid_has_a_line_for_each_size(name: str, imagined: dict[str, Any]) -> None:
    """Loads and sizes are lines, figures columns, and each label tells its size."""
    definition, result = read_definitions()[name], imagined["results"][name]
    sizes = rates_of(definition.full) | sizes_of(definition.full)
    lines = [line for line in report.grid(definition, result) if line.startswith("| ")]
    assert len(lines) == 1 + len(sizes)
    for line, size in zip(lines[1:], sizes.values(), strict=True):
        assert line.startswith(f"| {f'{size:,}'.replace(',', ' ')} ")
    assert len({line.count("|") for line in lines}) == 1


def test_grid_tells_ratios_and_what_saturated(imagined: dict[str, Any]) -> None:
    """A peer's cell says how many times as long ours takes; a missing one says why."""
    figures = imagined["results"]["latency_curve"]["figures"]
    for column in COLUMNS:
        figures[f"load6_{column}"] = {"missing": "saturated"}
    definition = read_definitions()["latency_curve"]
    text = "\n".join(report.grid(definition, imagined["results"]["latency_curve"]))
    assert "ours 1.5 times as long (≤ 2 times met)" in text
    assert text.count("saturated") == 1


@pytest.mark.parametrize("name", report.GROWTH)
def test_growth_is_drawn(
    name: str, imagined: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each picture is drawn, the same bytes twice, also where a load saturated."""
    monkeypatch.setattr(curve_pictures, "FOLDER", tmp_path)
    for column in COLUMNS:
        imagined["results"]["latency_curve"]["figures"][f"load6_{column}"] = {"missing": "late"}
    draw = {
        "latency_curve": curve_pictures.draw_latency,
        "list_size": curve_pictures.draw_sizes,
        "scaling": curve_pictures.draw_scaling,
    }[name]
    definition, result = read_definitions()[name], imagined["results"][name]
    first = draw(definition, "a-day", result).read_bytes()
    assert first.startswith(b"<?xml")
    assert draw(definition, "a-day", result).read_bytes() == first


def test_page_of_metrics_is_read() -> None:
    """Samples are told apart by their labels; what was not there before grew from 0."""
    text = '# HELP a b\na_sum{stage="x"} 1.5\na_sum{stage="y"} 2e-3\n'
    page = samples_of(text)
    assert page == {'a_sum{stage="x"}': 1.5, 'a_sum{stage="y"}': 0.002}
    assert gained({}, page, 'a_sum{stage="x"}') == 1.5


def test_gaps_are_between_batches_not_alerts() -> None:
    """Alerts of one batch share its time, in whatever order they come."""
    times = ("10.500000", "10.000000", "10.500000", "10.530000")
    alerts = [json.dumps({"created_at": f"2026-01-01T00:00:{at}Z"}).encode() for at in times]
    assert batch_gaps_ms(alerts) == pytest.approx([500.0, 30.0])


def test_change_keeps_every_plate() -> None:
    """The changed entries are the listed ones, so the answer stays as it was."""
    changed = changed_entries(10, "R1")
    assert [entry.plate for entry in changed] == plates(0, 10)
    assert {entry.case_ref for entry in changed} == {"R1"}


def test_latencies_leave_the_warm_up_out() -> None:
    """Listed reads behind the warm-up count, from the broker's append to when they were seen."""
    plan = ReadPlan(reads=40, entries=10, one_in=10, seed=1000)
    arrivals = Arrivals()
    for read_id in listed_read_ids(plan):
        arrivals.note(json.dumps({"read": {"read_id": read_id}}).encode(), 7_000_000)
    stored = [Stored(0, row, 2, value) for row, value in enumerate(reads(plan))]
    found = latencies_ms(Schedule(plan, 1000, 20), arrivals, stored)
    assert found == [5.0, 5.0]


def test_listed_texts_count_unless_another_country_is_claimed() -> None:
    """A listed text counts with its own country or none, a stranger's never."""
    belgian, dutch = (canonical(plate) for plate in plates(0, 2))
    shown = [(belgian, "BE"), (belgian, ""), (belgian, "NL"), (dutch, "nl"), ("X1", "")]
    assert listed_reads(shown, 2) == 3


@dataclass(frozen=True, slots=True)
class _Holder:
    """Holds arrays, some of them views of one."""

    whole: np.ndarray[Any, Any]
    view: np.ndarray[Any, Any]
    texts: tuple[bytes, ...]


def test_shared_memory_counts_once() -> None:
    """A view adds nothing to what it is a view of."""
    whole = np.zeros(100, dtype=np.uint8)
    assert held_bytes(_Holder(whole, whole[10:], (b"abc", b"de"))) == 105


def test_times_within_are_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is called within another piece of work does not count for that one."""
    ticks = iter([0.0, 1.0, 3.0, 4.0])
    monkeypatch.setattr(time, "thread_time", lambda: next(ticks))
    watch = Stopwatch()
    inner = watch.watched("inner", lambda: None)
    with watch.of("outer"):
        inner()
    assert watch.seconds == {"outer": 2.0, "inner": 2.0}


def test_parts_of_the_account_are_where_it_looks_for_them() -> None:
    """Every function whose time is taken exists, and every part is a figure."""
    figures = {figure.id for figure in read_definitions()["account"].figures}
    for name, owner, attribute in bench_account.PARTS:
        assert callable(getattr(owner, attribute))
        assert name in figures
    assert {f"lap_{stage}" for stage in bench_account.LAPS} < figures
