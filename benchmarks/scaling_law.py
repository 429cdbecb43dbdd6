"""Gunther's universal scalability law, fitted to measured rates.

X(N) = lambda N / (1 + sigma (N - 1) + kappa N (N - 1)): lambda is the rate of one, sigma what the
others wait for (contention), kappa what each must settle with each (coherency). N. J. Gunther,
"Guerrilla Capacity Planning", 2007, chapter 4.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np


@dataclass(frozen=True, slots=True)
class ScalingLaw:
    """A fitted law.

    residual: root of the mean squared error of the rates, each relative to its rate.
    """

    rate_of_one: float
    sigma: float
    kappa: float
    residual: float

    def rate(self, number: float) -> float:
        """Give the rate of a number of processes or partitions."""
        grown = 1 + self.sigma * (number - 1) + self.kappa * number * (number - 1)
        return self.rate_of_one * number / grown

    @property
    def best(self) -> float:
        """Give the number beyond which more make it slower; infinite when none does."""
        if self.kappa <= 0:
            return float("inf")
        return float(np.sqrt(max(0.0, 1 - self.sigma) / self.kappa))


def fitted(rates: Mapping[int, float]) -> ScalingLaw:
    """Fit the law to rates by number, least squares, neither sigma nor kappa below 0.

    N / X is linear in 1 / lambda, sigma / lambda and kappa / lambda; each row is weighted by its
    X / N, so that it is relative errors that are squared. Bounds at 0 are few enough to try all.
    """
    numbers = np.array(sorted(rates), dtype=np.float64)
    measured = np.array([rates[int(number)] for number in numbers])
    rows = np.stack([np.ones_like(numbers), numbers - 1, numbers * (numbers - 1)], axis=1)
    rows *= (measured / numbers)[:, None]
    found: list[ScalingLaw] = []
    for used in product((False, True), repeat=2):
        chosen = np.array([True, *used])
        parts = np.zeros(3)
        parts[chosen] = np.linalg.lstsq(rows[:, chosen], np.ones_like(numbers), rcond=None)[0]
        if parts[0] > 0 and parts.min() >= 0:
            law = ScalingLaw(1 / parts[0], parts[1] / parts[0], parts[2] / parts[0], 0.0)
            errors = np.array([law.rate(number) for number in numbers]) / measured - 1
            residual = float(np.sqrt((errors**2).mean()))
            found.append(ScalingLaw(law.rate_of_one, law.sigma, law.kappa, residual))
    return min(found, key=lambda law: law.residual)


def law_of(rates: Mapping[str, float], kind: str) -> ScalingLaw:
    """Fit the law to the rates of one kind: `partitions` or `processes`."""
    return fitted(
        {
            int(name.rpartition("_")[2]): rate
            for name, rate in rates.items()
            if name.startswith(f"{kind}_") and name.rpartition("_")[2].isdigit()
        }
    )
