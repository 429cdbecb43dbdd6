"""What the model past one machine starts from: assumptions by name, and points of a record."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from benchmarks.record import Json
from benchmarks.scaling_law import ScalingLaw, law_of

NEEDED = ("throughput", "list_size", "latency_curve", "scaling", "account")
LIST_SIZES = ("list_size", "list_size_huge")


@dataclass(frozen=True, slots=True)
class Assumption:
    """A number that nobody measured here: its unit and what stands behind it."""

    value: float
    unit: str
    why: str


ASSUMED: Mapping[str, Assumption] = {
    "camera_reads": Assumption(
        5_000, "reads a day and camera", "a busy road sees 20 000, a lane of a small one 1 000"
    ),
    "peak": Assumption(3, "times the day's mean", "the busiest hour of a working day"),
    "catch_up": Assumption(
        2, "times the peak", "after an outage the backlog is gone as fast as it came"
    ),
    "planned_share": Assumption(
        0.6, "of what was measured", "the rest is for a host that fails, and for growth"
    ),
    "alert_share": Assumption(
        0.001, "alerts a read", "the share of listed vehicles in `throughput`"
    ),
    "copies": Assumption(3, "copies of each partition", "one may be away and writing goes on"),
    "reads_kept": Assumption(1, "days", "as long as an engine may be away"),
    "broker_written": Assumption(
        100e6, "B/s a broker", "copies included; an ordinary disk, without the cache's help"
    ),
    "link": Assumption(1.25e9, "B/s a host", "10 Gbit/s"),
    "host_memory": Assumption(64e9, "B a host", "a small server; half of it is for one process"),
    "start": Assumption(60, "s", "how long an engine may load its lists when it starts"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """A straight line through measured points."""

    fixed: float
    each: float

    def at(self, number: float) -> float:
        """Give its value."""
        return self.fixed + self.each * number


def line_through(points: Mapping[float, float]) -> Line:
    """Fit a line by least squares, relative to each value; neither part is below 0."""
    across = np.array(list(points), dtype=np.float64)
    up = np.array(list(points.values()), dtype=np.float64)
    rows = np.stack([np.ones_like(across), across], axis=1) / up[:, None]
    fixed, each = np.linalg.lstsq(rows, np.ones_like(up), rcond=None)[0]
    if each < 0:
        return Line(float(up.mean()), 0.0)
    if fixed < 0:
        return Line(0.0, float((up / across).mean()))
    return Line(float(fixed), float(each))


def trend(points: Mapping[float, float]) -> Line:
    """Give the line through the two largest sizes: what short lists hold besides fades there."""
    return line_through(dict(sorted(points.items())[-2:]))


@dataclass(frozen=True, slots=True)
class Points:
    """The figures of a record that the model uses, as medians."""

    results: Json

    @classmethod
    def of(cls, record: Json) -> "Points | None":
        """Take a record; None where it has not everything that is needed."""
        results = record["results"]
        return cls(results) if all(name in results for name in NEEDED) else None

    def median(self, benchmark: str, figure: str) -> float | None:
        """Give a figure; None where it was not measured."""
        found: float | None = self.results[benchmark]["figures"].get(figure, {}).get("median")
        return found

    def have(self, benchmark: str, figure: str) -> float:
        """Give a figure that every full record has."""
        found = self.median(benchmark, figure)
        if found is None:
            raise KeyError(f"{benchmark}.{figure}")
        return found

    def by_entries(self, column: str) -> dict[float, float]:
        """Give one column of the sizes of lists, by entries, smallest first."""
        found: dict[float, float] = {}
        for benchmark in LIST_SIZES:
            for name, entries in self.results.get(benchmark, {"size": {}})["size"].items():
                if name.startswith("list"):
                    found[float(entries)] = self.have(benchmark, f"{name}_{column}")
        return dict(sorted(found.items()))

    def totals(self, column: str) -> dict[float, float]:
        """Give a column that is told an entry, for the whole list."""
        return {entries: entries * each for entries, each in self.by_entries(column).items()}

    def law(self, *, without_last: bool = False) -> ScalingLaw:
        """Give the scalability law of the processes, fitted again."""
        rates = self.process_rates()
        if without_last:
            del rates[max(rates)]
        return law_of({f"processes_{number}": rate for number, rate in rates.items()}, "processes")

    def process_rates(self) -> dict[int, float]:
        """Give the rates by number of processes."""
        names = (
            name for name in self.results["scaling"]["figures"] if name.startswith("processes")
        )
        numbers = (name.rpartition("_")[2] for name in names)
        return {
            int(number): self.have("scaling", f"processes_{number}")
            for number in numbers
            if number.isdigit()
        }
