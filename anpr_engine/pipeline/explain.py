"""What the matcher knew of one hit, taken apart: the terms of its probability.

Why apart from matching: the hot path keeps nothing but the probability; one read is worked out
again when somebody asks. What it gives is held against the matcher's own figure, and whatever the
terms do not cover is shown as a factor of its own, so that the explanation always adds up.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from anpr_engine.kernels.tokens import tokens_of_keys
from anpr_engine.pipeline.columns import TIERS, WILDCARD, plate_text
from anpr_engine.pipeline.find import Pairs
from anpr_engine.pipeline.near import traffic_of
from anpr_engine.pipeline.score import (
    LEFT_MIN,
    LUMPINESS,
    Evidence,
    ListedPlates,
    evidence_of,
    listed_plates,
    pair_evidence,
    posteriors,
)
from anpr_engine.pipeline.tiers import wildcard_shares
from anpr_engine.pipeline.worth import Weights, listed_worth, with_wildcards
from anpr_engine.plates.error_report import band_name
from anpr_engine.plates.explain import Explanation, HitText, Terms, explain_hit
from anpr_engine.plates.reading import WHOLE, ReadingModel
from anpr_engine.records.columns import HitColumns, ReadColumns, country_text
from anpr_engine.watchlist.snapshot import Snapshot

_LEAST = 1e-12
"""What is left of certainty at least."""


@dataclass(frozen=True, slots=True)
class PairTerms:
    """The terms of pairs of a batch; float64 (p,) each, unless said otherwise.

    prior: one for all. likelihood: P(text | plate), without the reader's claim of a country.
    claim: P(claim | plate). own: the listed plate's own part of `traffic`.
    traffic: (1 - traffic share) P(text, claim | traffic). worth: prior times likelihood.
    probability: of each pair. gaps: bool (p,), compared as printed. places: int64 (p,).
    """

    evidence: Evidence
    plates: ListedPlates
    prior: float
    likelihood: NDArray[np.float64]
    claim: NDArray[np.float64]
    own: NDArray[np.float64]
    traffic: NDArray[np.float64]
    worth: NDArray[np.float64]
    probability: NDArray[np.float64]
    gaps: NDArray[np.bool_]
    places: NDArray[np.int64]


def pair_terms(
    reads: ReadColumns, pairs: Pairs, snapshot: Snapshot, model: ReadingModel, weights: Weights
) -> PairTerms:
    """Work out what pairs of reads and entries are worth, term by term, whether hits or not.

    Args:
        reads: the decoded batch.
        pairs: at least one; of each read all that play a part.
        snapshot: the watchlists.
        model: readers' errors and the countries' plates.
        weights: what is assumed of the traffic.

    """
    plates = listed_plates(pairs, snapshot)
    evidence = evidence_of(reads, np.unique(pairs.read), model)
    places = np.searchsorted(evidence.rows, pairs.read)
    likelihood, gaps = pair_evidence(evidence, places, plates, model)
    traffic = traffic_of(evidence, gaps, model, WHOLE) * weights.elsewhere
    listed = listed_worth(evidence, (places, plates, likelihood), model, weights)
    listed = with_wildcards(listed, pairs, snapshot, traffic[places], weights.prior)
    return PairTerms(
        evidence=evidence,
        plates=plates,
        prior=weights.prior,
        likelihood=likelihood,
        claim=listed.claim,
        own=listed.own,
        traffic=traffic[places],
        worth=listed.worth,
        probability=posteriors(places, plates.identities, listed.worth, listed.own, traffic),
        gaps=gaps[places],
        places=places,
    )


def explain(
    reads: ReadColumns,
    hits: HitColumns,
    place: int,
    snapshot: Snapshot,
    by: tuple[ReadingModel, float],
) -> Explanation:
    """Explain one hit of a batch.

    Args:
        reads: the decoded batch.
        hits: all hits of the batch.
        place: of the hit.
        snapshot: the watchlists that were matched against.
        by: the model and the share of reads of any listed vehicle, as in matching.

    """
    model, traffic_share = by
    row = int(hits.read[place])
    same = np.flatnonzero(hits.read == row)
    pairs = Pairs(hits.read[same], hits.entry[same], hits.recent[same], hits.tier[same])
    weights = Weights(traffic_share, len(snapshot))
    found = pair_terms(reads, pairs, snapshot, model, weights)
    chosen = int(np.flatnonzero(same == place)[0])
    fit = None
    if pairs.tier[chosen] == WILDCARD:
        fit = float(wildcard_shares(pairs.chosen(np.array([chosen])), snapshot)[0])
    terms = _terms(found, chosen, (model, weights), fit)
    actual = float(hits.probability[place])
    terms = replace(terms, further=_ratio(_odds(actual), _odds(float(found.probability[chosen]))))
    confidence = float(reads.confidence[row])
    band = int(found.evidence.bands[0])
    text = HitText(
        read=plate_text(reads, row),
        listed=pairs.listed_plate(chosen, snapshot),
        tier=TIERS[int(hits.tier[place])].value,
        edits=int(hits.edits[place]),
        probability=actual,
        confidence=None if np.isnan(confidence) else confidence,
        band=band_name(model.channel.bands.tolist(), band),
        claimed=country_text(int(reads.country[row])),
        country=country_text(int(found.plates.country[chosen])),
    )
    return explain_hit(text, terms)


def _terms(
    found: PairTerms, pair: int, by: tuple[ReadingModel, Weights], fit: float | None
) -> Terms:
    model, weights = by
    elsewhere = weights.elsewhere
    total, parts = _traffic_parts(found, pair, model)
    claimed = float(found.traffic[pair]) / elsewhere
    own = float(found.own[pair]) / elsewhere
    terms = Terms(
        prior=found.prior,
        elsewhere=elsewhere,
        likelihood=float(found.likelihood[pair]) if fit is None else None,
        traffic_fits=fit,
        read_right=_read_right(found, pair, model),
        traffic=total,
        countries=dict(zip(model.countries, parts, strict=True)),
        claim_listed=float(found.claim[pair]) if fit is None else 1.0,
        claim_traffic=_ratio(claimed, total) if fit is None else 1.0,
        own=_ratio(claimed, max(claimed - own, claimed * LEFT_MIN)),
        density=1 / LUMPINESS,
        rivals=1.0,
        further=1.0,
    )
    alone = float(found.worth[pair])
    alone /= float(found.traffic[pair]) / terms.own * LUMPINESS
    return replace(terms, rivals=_ratio(_odds(float(found.probability[pair])), alone))


def _traffic_parts(found: PairTerms, pair: int, model: ReadingModel) -> tuple[float, list[float]]:
    # Of the text alone, whatever country was claimed: the sum, and each country's part of it.
    place = found.places[pair]
    count = len(model.countries)
    gaps = np.full(count + 1, found.gaps[pair])
    evidence = found.evidence.chosen(np.full(count + 1, place))
    claims = np.vstack([np.ones((1, count)), np.eye(count)])
    sums = traffic_of(replace(evidence, claims=claims), gaps, model, WHOLE)
    return float(sums[0]), sums[1:].tolist()


def _read_right(found: PairTerms, pair: int, model: ReadingModel) -> float:
    tokens, lengths = tokens_of_keys(found.plates.keys[pair : pair + 1])
    bands = found.evidence.bands[found.places[pair]].reshape(1)
    return float(model.pairs(tokens, tokens, np.column_stack([lengths, lengths]), bands)[0])


def _odds(probability: float) -> float:
    return probability / max(1 - probability, _LEAST)


def _ratio(above: float, below: float) -> float:
    return above / below if below > 0 else 1.0
