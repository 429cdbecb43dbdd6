"""Growth as pictures: latency against load, cost against the list's size, reads against scale."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.definitions import Definition
from benchmarks.pictures import OURS, PEER, SETTINGS, finish, save
from benchmarks.record import FOLDER, Json
from benchmarks.scaling_law import law_of

WARM = "#c07a2c"
DEEP = "#8a5aa3"
Line = tuple[str, str, str]
"""Which column, its label, its colour."""

LATENCIES: Sequence[Line] = (
    ("p50", "median", OURS),
    ("p99", "99 %", WARM),
    ("p999", "99.9 %", DEEP),
    ("bare50", "bare round trip, median", PEER),
    ("bare99", "bare round trip, 99 %", "#7d8b95"),
)
COSTS: Sequence[Line] = (("exact", "exact only", PEER), ("all", "all tiers", OURS))
MEMORY: Sequence[Line] = (("entry", "engine", OURS), ("redis", "Redis", WARM))


def points_of(result: Json, prefix: str, column: str) -> tuple[list[float], list[float]]:
    """Give a column's sizes and medians, where it was measured."""
    across, up = [], []
    for name, at in result["size"].items():
        found = result["figures"].get(f"{name}_{column}", {})
        if name.startswith(prefix) and "median" in found:
            across.append(float(at))
            up.append(found["median"])
    return across, up


def draw_latency(definition: Definition, name: str, result: Json) -> Path:
    """Draw latency against load and give the file's path."""
    path = FOLDER / f"{name}-{definition.id}.svg"
    with mpl.rc_context(SETTINGS):
        picture = Figure(figsize=(7.2, 3.6), layout="constrained")
        axes = picture.add_subplot()
        _lines(axes, result, "load", LATENCIES)
        axes.set_yscale("log")
        axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
        finish(axes, "reads a second", "ms from append to visible")
        save(picture, path)
    return path


def draw_sizes(definition: Definition, name: str, result: Json) -> Path:
    """Draw cost, memory and loading against the list's size and give the file's path."""
    path = FOLDER / f"{name}-{definition.id}.svg"
    with mpl.rc_context(SETTINGS):
        picture = Figure(figsize=(9.6, 3.2), layout="constrained")
        cost, memory, load = picture.subplots(1, 3)
        _lines(cost, result, "list", COSTS)
        _lines(memory, result, "list", MEMORY)
        _lines(load, result, "list", (("load", "loading", OURS),))
        memory.set_yscale("log")
        load.set_yscale("log")
        for axes, up in ((cost, "ns a read"), (memory, "bytes an entry"), (load, "s to load")):
            finish(axes, "entries", up)
        cost.set_ylim(bottom=0)
        save(picture, path)
    return path


def draw_scaling(definition: Definition, name: str, result: Json) -> Path:
    """Draw reads a second over partitions and processes, each with its fitted law."""
    path = FOLDER / f"{name}-{definition.id}.svg"
    with mpl.rc_context(SETTINGS):
        picture = Figure(figsize=(7.2, 3.4), layout="constrained")
        both = picture.subplots(1, 2, sharey=True)
        for axes, kind in zip(both, RATES, strict=True):
            rates = rates_of(result, kind)
            law = law_of(rates, kind)
            numbers = [int(figure.rpartition("_")[2]) for figure in rates]
            smooth = np.linspace(1, max(numbers), 50)
            axes.plot(smooth, [law.rate(number) / 1e6 for number in smooth], color=PEER)
            axes.plot(numbers, [rate / 1e6 for rate in rates.values()], "o", color=OURS)
            finish(axes, RATES[kind], "million reads a second" if kind == "partitions" else "")
            axes.set_xticks(numbers)
            told = f"sigma {law.sigma:.2g}, kappa {law.kappa:.2g}, off by {law.residual:.1%}"
            axes.set_title(told, fontsize=9)
        both[0].set_ylim(bottom=0)
        save(picture, path)
    return path


RATES = {
    "partitions": "partitions, one process with two workers",
    "processes": "processes with one worker each, 4 partitions",
}


def rates_of(result: Json, kind: str) -> dict[str, float]:
    """Give the measured rates of one kind, by figure."""
    found = ((f"{kind}_{number}", number) for number in range(1, 9))
    figures = result["figures"]
    return {name: figures[name]["median"] for name, _ in found if "median" in figures.get(name, ())}


def _lines(axes: Axes, result: Json, prefix: str, lines: Sequence[Line]) -> None:
    for column, label, colour in lines:
        across, up = points_of(result, prefix, column)
        axes.plot(across, up, "o-", color=colour, label=label, markersize=3.5)
    axes.set_xscale("log")
    if len(lines) > 1:
        axes.legend(frameon=False)
