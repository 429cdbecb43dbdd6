"""Past one machine: what cameras, entries and sites come to, from what was measured on one.

Every site reads its own cameras' topics and holds the whole list, the worst case; nothing is
shared between hosts but brokers and Redis, so engines on other hosts add up, while engines on
one host follow the scalability law that was fitted. The measured rate is of two cores that the
broker shares: a host here is no larger. See `model_inputs` for what is assumed.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.model_inputs import ASSUMED, Line, Points, line_through, trend

NS = 1e9
DAY_S = 86_400
HOST_WORKERS = 2
SHARED_PARTITIONS = "partitions_4"
BROKERS_LEAST = 3


@dataclass(frozen=True, slots=True)
class Scale:
    """How much there is: cameras in all, entries on every site's list, sites."""

    name: str
    cameras: int
    entries: int
    sites: int


SCALES = (
    Scale("a country", 20_000, 1_000_000, 1),
    Scale("some countries", 200_000, 10_000_000, 10),
    Scale("a continent", 2_000_000, 100_000_000, 30),
    Scale("a continent in one place", 2_000_000, 100_000_000, 1),
)


@dataclass(frozen=True, slots=True)
class Need:
    """One line of what a scale needs, and the limit that it is held against, if any."""

    what: str
    value: float
    unit: str
    limit: float | None = None

    @property
    def used(self) -> float:
        """Give the share of the limit, 0 where there is none."""
        return self.value / self.limit if self.limit else 0.0


@dataclass(frozen=True, slots=True)
class Check:
    """A measured point that was kept from the model, and what the model says of it."""

    what: str
    predicted: float
    measured: float
    unit: str

    @property
    def error(self) -> float:
        """Give how far the prediction is off, relative to what was measured."""
        return self.predicted / self.measured - 1


def _assumed(name: str) -> float:
    return ASSUMED[name].value


def host_rate(points: Points, entries: int) -> float:
    """Give the reads a second of one host whose lists are so long.

    Near matching costs more on a longer list: about as much more with each ten times as many.
    """
    measured = points.by_entries("all")
    growth = line_through({math.log10(count): ns for count, ns in measured.items()})
    known = points.results["scaling"]["size"]["entries"]
    more_ns = growth.each * (math.log10(entries) - math.log10(known)) / HOST_WORKERS
    return NS / (NS / points.have("scaling", SHARED_PARTITIONS) + more_ns)


def needs(points: Points, scale: Scale) -> Iterator[Need]:
    """Say what a scale needs, a line at a time; limits are of one host."""
    mean = scale.cameras * _assumed("camera_reads") / DAY_S
    site_peak = mean * _assumed("peak") / scale.sites
    work = site_peak * _assumed("catch_up")
    rate = host_rate(points, scale.entries) * _assumed("planned_share")
    hosts = math.ceil(work / rate) + 1
    partition = points.have("scaling", "partitions_1") * _assumed("planned_share")
    wire = points.have("account", "wire_bytes")
    alert = points.have("account", "alert_bytes") + points.have("account", "audit_bytes")
    alert *= _assumed("alert_share")
    written = site_peak * (wire + alert) * _assumed("copies")
    brokers = max(BROKERS_LEAST, math.ceil(written / _assumed("broker_written")))
    memory, half = _assumed("host_memory"), _assumed("host_memory") / 2
    link = _assumed("link") / 1e6
    yield Need("reads, busiest hour", mean * _assumed("peak"), "reads/s")
    yield Need("reads a site has to be able to work off", work, "reads/s")
    yield Need("engine hosts, one a site in reserve", hosts * scale.sites, "")
    yield Need("partitions of a site's reads", max(hosts, math.ceil(work / partition)), "")
    yield Need("brokers", brokers * scale.sites, "")
    kept = mean * wire * _assumed("copies") * _assumed("reads_kept") * DAY_S
    yield Need("reads kept", kept / 1e12, "TB")
    yield Need("alerts, busiest hour", mean * _assumed("peak") * _assumed("alert_share"), "/s")
    lists = trend(points.totals("entry")).at(scale.entries)
    yield Need("lists in an engine", (_fixed(points) + lists) / 1e9, "GB", half / 1e9)
    redis = trend(points.totals("redis")).at(scale.entries)
    yield Need("lists in a site's Redis", redis / 1e9, "GB", memory / 1e9)
    # At most what Redis holds goes over the wire, and all engines may start in the same minute.
    out = redis * hosts / _assumed("start") / 1e6
    yield Need("network out of Redis while all engines of a site load", out, "MB/s", link)
    load = trend(points.by_entries("load")).at(scale.entries)
    yield Need("loading the lists", load, "s", _assumed("start"))
    into = work * wire / hosts / 1e6
    yield Need("network into an engine host", into, "MB/s", link)
    yield Need("network into a broker", written / brokers / 1e6, "MB/s", link)


def _fixed(points: Points) -> float:
    """Give the bytes of an engine's process without lists: that with the shortest."""
    resident = points.by_entries("resident")
    return resident[min(resident)] * 1e6


def breaks_first(points: Points, scale: Scale) -> list[Need]:
    """Give what has a limit, the one nearest to it, or furthest beyond it, first."""
    return sorted((n for n in needs(points, scale) if n.limit), key=lambda n: -n.used)


def checks(points: Points) -> Iterator[Check]:
    """Predict measured points from others: sizes from smaller ones, four processes from three."""
    for column, what, unit in (
        ("entry", "lists in memory", "MB"),
        ("redis", "lists in Redis", "MB"),
    ):
        predicted, measured, entries = _largest(points.totals(column))
        yield Check(f"{what}, {entries:,.0f} entries", predicted / 1e6, measured / 1e6, unit)
    resident = points.by_entries("resident")
    entries = max(resident)
    lists = _without_largest(points.totals("entry")).at(entries)
    said = (_fixed(points) + lists) / 1e6
    yield Check(f"memory of the process, {entries:,.0f} entries", said, resident[entries], "MB")
    predicted, measured, entries = _largest(points.by_entries("load"))
    yield Check(f"loading {entries:,.0f} entries", predicted, measured, "s")
    rates = points.process_rates()
    most = max(rates)
    law = points.law(without_last=True)
    yield Check(f"{most} processes on one host", law.rate(most), rates[most], "reads/s")
    wall = NS / points.have("account", "wall")
    yield Check(
        "`throughput`, from `account`", wall, points.have("throughput", "engine"), "reads/s"
    )
    for name, rate in points.results["latency_curve"]["size"].items():
        p50 = points.median("latency_curve", f"{name}_p50")
        batches = points.median("latency_curve", f"{name}_batches")
        if name.startswith("load") and p50 is not None and batches is not None:
            # On average half a batch is waited for, then one's own takes its time.
            yield Check(f"median latency at {rate:,} reads/s", 1500 / batches, p50, "ms")


def _without_largest(points: dict[float, float]) -> Line:
    return trend({at: value for at, value in points.items() if at < max(points)})


def _largest(points: dict[float, float]) -> tuple[float, float, float]:
    largest = max(points)
    return _without_largest(points).at(largest), points[largest], largest
