"""The quality benchmark as a picture: misreads found against false alerts, and reliability."""

from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.definitions import Definition
from benchmarks.pictures import OURS, PEER, SETTINGS, save
from benchmarks.record import FOLDER, Json

NAMES = {"exact": "exact", "fold": "look-alikes folded", "edit1": "1 edit", "edit2": "2 edits"}
RATIO_COLOUR = "#6b7c88"
NEAR = "#c07a2c"
STEPS = {
    "text": "plate alone",
    "country": "+ country",
    "confidence": "+ confidence",
}
EVIDENCE_FALSE_MAX = 3.0
"""Where more evidence matters: above this share of false alerts every curve is at the top."""
HITS_MIN = 20
"""Bins of fewer hits say nothing and are not drawn."""


def draw(definition: Definition, name: str, result: Json) -> Path:
    """Draw one set's curves beside the peers' and its reliability; give the file's path."""
    path = FOLDER / f"{name}-{definition.id}.svg"
    curves: Json = result["curves"]
    with mpl.rc_context(SETTINGS):
        picture = Figure(figsize=(10.4, 3.4), layout="constrained")
        found, more, said = picture.subplots(1, 3, width_ratios=(1.35, 1, 1))
        _draw_recall(found, curves)
        _draw_evidence(more, curves)
        _draw_reliability(said, curves)
        for axes in (found, more, said):
            axes.spines[["top", "right"]].set_visible(False)
            axes.grid(color="#e6eaed", linewidth=0.6)
            axes.set_axisbelow(True)
        save(picture, path)
    return path


def _draw_recall(axes: Axes, curves: Json) -> None:
    least = curves["false"][0]
    axes.plot(curves["false"], curves["ours"], color=OURS, linewidth=2, label="this engine")
    axes.plot(curves["false"], curves["ratio"], color=RATIO_COLOUR, label="rapidfuzz ratio")
    for peer, point in curves["points"].items():
        place = (max(point["false"], least), point["recall"])
        axes.plot(*place, marker="o", color=PEER, markeredgecolor="#444444", linestyle="")
        right = place[0] > 10.0
        axes.annotate(
            NAMES[peer],
            place,
            xytext=(-6 if right else 6, -10 if right else 3),
            textcoords="offset points",
            ha="right" if right else "left",
        )
    axes.set_xscale("log")
    axes.set_xlim(least, 100)
    axes.set_ylim(-2, 102)
    axes.set_xlabel("false alerts, % of reads of vehicles not listed")
    axes.set_ylabel("misreads of listed vehicles found, %")
    axes.legend(loc="lower right", frameon=False)


def _draw_evidence(axes: Axes, curves: Json) -> None:
    shades = mpl.colormaps["viridis_r"]
    steps = curves["evidence"]
    for place, (step, recall) in enumerate(steps.items()):
        shade = shades((place + 1) / len(steps))
        axes.plot(curves["false"], recall, color=shade, label=STEPS.get(step, f"+ {step}"))
    axes.set_xscale("log")
    axes.set_xlim(curves["false"][0], EVIDENCE_FALSE_MAX)
    axes.set_xlabel("false alerts, %")
    axes.set_title("more evidence", fontsize="medium")
    axes.legend(loc="lower right", frameon=False)


def _draw_reliability(axes: Axes, curves: Json) -> None:
    axes.plot((0, 1), (0, 1), color=PEER, linewidth=1, linestyle="--")
    for table, colour, label in (
        ("reliability", OURS, "all hits"),
        ("reliability_near", NEAR, "near hits"),
    ):
        rows = [row for row in curves[table] if row["hits"] >= HITS_MIN]
        said, true = [row["said"] for row in rows], [row["true"] for row in rows]
        axes.plot(said, true, color=colour, marker="o", markersize=4, label=label)
    axes.set_xlabel("probability said")
    axes.set_ylabel("share that was true")
    axes.set_aspect("equal")
    axes.legend(loc="upper left", frameon=False)
