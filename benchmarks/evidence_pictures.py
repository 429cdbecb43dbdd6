"""What each kind of evidence adds, as a picture: misreads found, and how many alerts are right."""

from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from benchmarks.definitions import Definition
from benchmarks.pictures import OURS, PEER, SETTINGS, finish, save
from benchmarks.record import FOLDER, Json

STYLES = {
    "base": ("plate, country, confidence", PEER),
    "characters": ("+ each character's confidence", "#c07a2c"),
    "candidates": ("+ other readings", "#8a5aa3"),
    "appearance": ("+ make and colour", "#3f8f5f"),
    "issued": ("+ issued plates", "#b04a5a"),
    "passages": ("+ all reads of the passage", "#4a90b8"),
    "all": ("all of these", OURS),
}
FALSE_LEAST, FALSE_MOST = 0.05, 1.1
"""Where evidence matters, in per cent; with fewer false alerts a handful of reads decides."""


def draw(definition: Definition, name: str, result: Json) -> Path:
    """Draw each kind's recall against false alerts, and precision against recall."""
    path = FOLDER / f"{name}-{definition.id}.svg"
    curves: Json = result["curves"]
    shown = [
        place for place, share in enumerate(curves["false"]) if FALSE_LEAST <= share <= FALSE_MOST
    ]
    with mpl.rc_context(SETTINGS):
        picture = Figure(figsize=(9.2, 3.6), layout="constrained")
        found, right = picture.subplots(1, 2)
        for source, (label, colour) in STYLES.items():
            width = 2.2 if source in {"base", "all"} else 1.4
            style = {"color": colour, "label": label, "linewidth": width}
            recall = [curves["recall"][source][place] for place in shown]
            found.plot([curves["false"][place] for place in shown], recall, **style)
            right.plot(recall, [curves["precision"][source][place] for place in shown], **style)
        found.set_xscale("log")
        finish(found, "false alerts, % of vehicles not listed", "misreads found, %")
        finish(right, "misreads found, %", "near alerts that are right, %")
        found.legend(loc="lower right", frameon=False)
        save(picture, path)
    return path
