"""How times are taken: rounds in which every contender has its turn, and the spread kept.

Why rounds: on a shared machine speed drifts by tens of per cent within minutes. Contenders of one
round meet nearly the same machine, so their ratio holds even where the times do not.
"""

import gc
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

Values = Sequence[float]
Timed = Callable[[], float]
"""Does a piece of work and gives the seconds that count."""


@dataclass(slots=True)
class Outcome:
    """What one benchmark gave: each figure's value in each round, and the workload's digests.

    curves: what pictures and tables show that is no figure of one number.
    missing: a figure to what its peer lacks on this machine; it has no values then.
    """

    figures: dict[str, list[float]] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)
    curves: dict[str, Any] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)

    def add(self, values: Mapping[str, float]) -> None:
        """Add the figures of one round."""
        for name, value in values.items():
            self.figures.setdefault(name, []).append(value)


@dataclass(frozen=True, slots=True)
class Spread:
    """Least, median and largest of some values."""

    least: float
    median: float
    largest: float

    @classmethod
    def of(cls, values: Values) -> "Spread":
        """Take the spread of at least one value."""
        return cls(min(values), statistics.median(values), max(values))


@contextmanager
def quiet() -> Iterator[None]:
    """Keep Python's collector out of a block; what lives already is put aside."""
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.unfreeze()


def timed(work: Callable[[], object]) -> Timed:
    """Let all of a piece of work count, in this thread's processor time.

    Other programs' turns on the core do not count, their share of its caches still does.
    """

    def run() -> float:
        started_s = time.thread_time()
        work()
        return time.thread_time() - started_s

    return run


def rounds(contenders: Mapping[str, Timed], repeats: int) -> dict[str, list[float]]:
    """Time each contender in each round, in another order each time, after one unmeasured round.

    Returns seconds by name, in order of rounds.
    """
    names = list(contenders)
    taken: dict[str, list[float]] = {name: [] for name in names}
    with quiet():
        for name in names:
            contenders[name]()
        for turn in range(repeats):
            shift = turn % len(names)
            for name in names[shift:] + names[:shift]:
                taken[name].append(contenders[name]())
                gc.collect()
    return taken


def percentile(values: Values, share: float) -> float:
    """Give the value that a share of the values does not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
