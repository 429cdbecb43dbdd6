"""The benchmarks as declared in `definitions.toml`."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PATH = Path(__file__).with_name("definitions.toml")

Size = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class FigureDefinition:
    """One figure; `peer_of` names our figure that it is compared with.

    times_at_least: how many times as good as this peer ours is to be.
    """

    id: str
    label: str
    unit: str
    at_most: float | None = None
    at_least: float | None = None
    peer_of: str = ""
    times_at_least: float | None = None

    @property
    def more_is_better(self) -> bool:
        """Say whether a larger value is the better one."""
        return self.unit == "reads/s"

    @property
    def target(self) -> str:
        """Write the target; empty when there is none."""
        if self.at_most is not None:
            return f"≤ {self.at_most:,g}"
        if self.times_at_least is not None:
            return f"ours ≥ {self.times_at_least:g} times"
        return "" if self.at_least is None else f"≥ {self.at_least:,g}"

    def meets(self, value: float, times: float | None = None) -> bool:
        """Say whether a value, and our ratio to it, meet the target; one without target does."""
        above = self.at_most is not None and value > self.at_most
        below = self.at_least is not None and value < self.at_least
        behind = self.times_at_least is not None and (times or 0) < self.times_at_least
        return not (above or below or behind)


@dataclass(frozen=True, slots=True)
class Definition:
    """One benchmark: what it measures, how its answer is checked, its two sizes, its figures.

    needs: the environment variable without which it is left out; none when empty.
    """

    id: str
    measures: str
    answer: str
    full: Size
    small: Size
    digest: Mapping[str, Mapping[str, str]]
    figures: tuple[FigureDefinition, ...]
    needs: str = ""

    def figure(self, figure_id: str) -> FigureDefinition:
        """Give one figure's definition."""
        return next(figure for figure in self.figures if figure.id == figure_id)


def read_definitions(path: Path = PATH) -> dict[str, Definition]:
    """Read the definitions, by id and in the file's order."""
    tables: list[dict[str, Any]] = tomllib.loads(path.read_text(encoding="utf-8"))["benchmark"]
    made = []
    for table in tables:
        figures = tuple(FigureDefinition(**figure) for figure in table.pop("figure"))
        made.append(Definition(figures=figures, **table))
    return {definition.id: definition for definition in made}
