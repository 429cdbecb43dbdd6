"""Pictures of a record as SVG: throughput beside peers, and latency."""

from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.definitions import Definition, FigureDefinition
from benchmarks.record import FOLDER, Json
from benchmarks.report import number

OURS = "#1f5f8b"
PEER = "#b9c4cc"
SETTINGS: dict[Any, Any] = {"svg.hashsalt": "anpr-engine", "svg.fonttype": "none", "font.size": 9}
"""A fixed salt and no date, so that the same record gives the same bytes."""


def draw(definition: Definition, name: str, result: Json) -> Path:
    """Draw one benchmark's figures as bars and give the file's path; whiskers are the spread."""
    path = FOLDER / f"{name}-{definition.id}.svg"
    shown = tuple(f for f in definition.figures if "median" in result["figures"].get(f.id, ()))
    with mpl.rc_context(SETTINGS):
        picture = Figure(figsize=(7.2, 0.7 + 0.42 * len(shown)), layout="constrained")
        axes = picture.add_subplot()
        for place, figure in enumerate(reversed(shown)):
            found = result["figures"][figure.id]
            spread = [[found["median"] - found["min"]], [found["max"] - found["median"]]]
            colour = PEER if figure.peer_of else OURS
            axes.barh(place, found["median"], color=colour, xerr=spread, ecolor="#444444")
            axes.annotate(
                f" {number(found['median'])}",
                (found["max"], place),
                va="center",
                xytext=(3, 0),
                textcoords="offset points",
            )
        axes.set_yticks(range(len(shown)), [figure.label for figure in reversed(shown)])
        axes.set_xlabel(shown[0].unit)
        axes.margins(x=0.12)
        axes.spines[["top", "right"]].set_visible(False)
        _draw_target(axes, shown)
        save(picture, path)
    return path


def finish(axes: Axes, across: str, up: str) -> None:
    """Name the axes, and give them the plain look that all curves have."""
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color="#e6eaed", linewidth=0.6)
    axes.set_axisbelow(True)


def save(picture: Figure, path: Path) -> None:
    """Write a picture without date and trailing blanks, within `SETTINGS`."""
    picture.savefig(path, format="svg", metadata={"Date": None})
    text = path.read_text(encoding="utf-8")
    path.write_text("\n".join(line.rstrip() for line in text.splitlines()) + "\n", encoding="utf-8")


def _draw_target(axes: Axes, shown: tuple[FigureDefinition, ...]) -> None:
    for target in {figure.at_most or figure.at_least for figure in shown}:
        if target is not None:
            axes.axvline(target, color="#a03030", linewidth=1, linestyle="--")
