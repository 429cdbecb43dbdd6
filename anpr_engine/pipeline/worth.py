"""Prior, likelihood and claim put together: the terms that matching and explaining share."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anpr_engine.kernels.tokens import token_keys
from anpr_engine.pipeline.columns import WILDCARD
from anpr_engine.pipeline.find import Pairs
from anpr_engine.pipeline.score import Evidence, ListedPlates, country_factors
from anpr_engine.pipeline.tiers import wildcard_shares
from anpr_engine.plates.reading import ReadingModel
from anpr_engine.watchlist.snapshot import Snapshot

_PRIORS_LEAST = 1e-6
"""A wildcard is taken to fit at least this part of what one listed vehicle is of the traffic."""


@dataclass(frozen=True, slots=True)
class Weights:
    """What is assumed: the share of reads of any listed vehicle, and how many entries there are."""

    traffic_share: float
    entries: int

    @property
    def prior(self) -> float:
        """Give the share of reads of any one listed vehicle."""
        return self.traffic_share / self.entries

    @property
    def elsewhere(self) -> float:
        """Give the share of reads of all other vehicles."""
        return 1 - self.traffic_share


@dataclass(frozen=True, slots=True)
class ListedWorth:
    """What pairs weigh before the traffic is known; float64 (p,) each.

    claim: P(claim of a country | plate). worth: prior times likelihood.
    own: the listed plate's own part of the traffic that misread into it.
    """

    claim: NDArray[np.float64]
    worth: NDArray[np.float64]
    own: NDArray[np.float64]


def listed_worth(
    evidence: Evidence,
    of: tuple[NDArray[np.int64], ListedPlates, NDArray[np.float64]],
    model: ReadingModel,
    weights: Weights,
) -> ListedWorth:
    """Weigh listed plates by prior, likelihood and claim.

    Args:
        evidence: of the reads.
        of: int64 (p,), each pair's read; the plates; float64 (p,), P(read | plate).
        model: the errors and the plates.
        weights: what is assumed of the traffic.

    """
    places, plates, likelihood = of
    shares = _shares_in_sum(evidence, places, plates, model)
    claim, own = country_factors(evidence.claims[places], plates, shares, model)
    return ListedWorth(
        claim=claim,
        worth=weights.prior * likelihood * claim,
        own=weights.elsewhere * likelihood * own,
    )


def _shares_in_sum(
    evidence: Evidence, places: NDArray[np.int64], plates: ListedPlates, model: ReadingModel
) -> NDArray[np.float64]:
    # Each plate's part of the sum over the traffic: the register was asked for the text read alone.
    shares = model.gate.densities(plates.keys)
    if model.issued:
        as_read = plates.keys == token_keys(evidence.bare)[places]
        shares[as_read] = model.plate_shares(plates.keys[as_read])
    return shares


def with_wildcards(
    listed: ListedWorth,
    pairs: Pairs,
    snapshot: Snapshot,
    traffic: NDArray[np.float64],
    prior: float,
) -> ListedWorth:
    """Weigh wildcard entries: any plate that fits may be the listed one.

    The read was then as likely as in traffic, and no plate is taken out of that.

    Args:
        listed: what the pairs weigh otherwise.
        pairs: the pairs.
        snapshot: the watchlists.
        traffic: float64 (p,), (1 - share) P(read | traffic) of each pair's read.
        prior: of each entry.

    """
    wild = np.flatnonzero(pairs.tier == WILDCARD)
    if not len(wild):
        return listed
    worth, own = listed.worth.copy(), listed.own.copy()
    fit = np.maximum(wildcard_shares(pairs.chosen(wild), snapshot), prior * _PRIORS_LEAST)
    worth[wild] = prior * traffic[wild] / fit
    own[wild] = 0.0
    return ListedWorth(listed.claim, worth, own)
