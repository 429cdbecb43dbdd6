"""What scores are worth: recall at a share of false alerts, and whether probabilities are true."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BINS = 15
FALSE_SHARES = {"010": 0.001, "025": 0.0025, "050": 0.005, "100": 0.01}
"""The operating points, by what figures are called after them: hundredths of a per cent."""
GRID = np.round(np.logspace(-3.5, 0, 36), 6)
"""The shares of false alerts that curves are drawn at; a set has a few thousand innocent reads."""
PER_CENT = 100.0
MEAN_STEPS = 21

Column = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Judged:
    """One matcher's scores of one round, sorted by who the reads are of.

    innocent: reads of vehicles that are not listed, the best score of any entry.
    misread: misreads of listed vehicles, the score of the right entry. exact: the same of reads
    without error.
    """

    innocent: Column
    misread: Column
    exact: Column

    def threshold(self, share: float) -> float:
        """Give the score that at most this share of the innocent reads lies above."""
        ordered = np.sort(self.innocent)[::-1]
        return float(ordered[min(int(share * len(ordered)), len(ordered) - 1)])

    def recall(self, share: float) -> float:
        """Give the per cent of misreads above the threshold of a share of false alerts."""
        return _per_cent(self.misread > self.threshold(share))

    def recall_exact(self, share: float) -> float:
        """Give the per cent of reads without error above that threshold."""
        return _per_cent(self.exact > self.threshold(share))

    def at(self, score: float) -> tuple[float, float]:
        """Give recall and false alerts, in per cent, where hits score at least this."""
        return _per_cent(self.misread >= score), _per_cent(self.innocent >= score)

    def curve(self) -> list[float]:
        """Give the recall in per cent at each share of `GRID`."""
        return [self.recall(float(share)) for share in GRID]

    def mean_recall(self, least: float, most: float) -> float:
        """Give the mean of the recall between two shares of false alerts, by their logarithm."""
        shares = np.geomspace(least, most, MEAN_STEPS)
        return float(np.mean([self.recall(float(share)) for share in shares]))

    def precision(self) -> list[float]:
        """Give, at each share of `GRID`, the per cent of alerts that are right.

        Of all alerts but those of reads without error, which every matcher has.
        """
        found = [len(self.misread) * recall / PER_CENT for recall in self.curve()]
        false = [len(self.innocent) * float(share) for share in GRID]
        return [PER_CENT * f / max(f + n, 1.0) for f, n in zip(found, false, strict=True)]


def _per_cent(some: NDArray[np.bool_]) -> float:
    return PER_CENT * float(some.mean())


@dataclass(frozen=True, slots=True)
class Bin:
    """Hits of about one probability: which bin, how many, what was said, and what was true."""

    place: int
    hits: int
    said: float
    true: float


def reliability(probability: Column, right: NDArray[np.bool_]) -> list[Bin]:
    """Sort hits into `BINS` bins of equal width; empty ones are left out."""
    place = np.minimum((probability * BINS).astype(np.int64), BINS - 1)
    found = []
    for number in np.unique(place).tolist():
        chosen = place == number
        said, true = float(probability[chosen].mean()), float(right[chosen].mean())
        found.append(Bin(number, int(chosen.sum()), said, true))
    return found


def calibration_error(bins: Sequence[Bin]) -> float:
    """Give the expected calibration error: mean |said - true|, each hit counting the same."""
    hits = sum(each.hits for each in bins)
    return sum(each.hits * abs(each.said - each.true) for each in bins) / max(hits, 1)
