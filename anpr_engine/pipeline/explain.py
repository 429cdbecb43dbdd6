"""What the matcher knew of one hit, taken apart: the terms of its probability.

Why apart from matching: the hot path keeps nothing but the probability; one read is worked out
again when somebody asks. What it gives is held against the matcher's own figure, and whatever the
terms do not cover is shown as a factor of its own, so that the explanation always adds up.
"""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from anpr_engine.kernels.tokens import tokens_of_keys
from anpr_engine.pipeline.columns import TIERS, WILDCARD, plate_text
from anpr_engine.pipeline.find import Pairs
from anpr_engine.pipeline.score import (
    LEFT_MIN,
    LUMPINESS,
    Evidence,
    ListedPlates,
    country_factors,
    evidence_of,
    listed_plates,
    pair_evidence,
    posteriors,
)
from anpr_engine.pipeline.tiers import wildcard_shares
from anpr_engine.pipeline.traffic import traffic_of
from anpr_engine.pipeline.worth import Weights, listed_worth, with_wildcards
from anpr_engine.plates.camera_mix import cameras_of
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
    claims: (p, countries), P(claim | country). claim: P(claim | plate), what its camera usually
        sees included, as it is in `own`, the listed plate's own part of `traffic`, and in
    traffic: (1 - traffic share) P(text, claim | traffic). worth: prior times likelihood.
    probability: of each pair. gaps: bool (p,), compared as printed. places: int64 (p,).
    """

    evidence: Evidence
    plates: ListedPlates
    prior: float
    likelihood: NDArray[np.float64]
    claims: NDArray[np.float64]
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
        claims=model.claims(reads.country[pairs.read]),
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
    place_ratio: float = 1.0,
) -> Explanation:
    """Explain one hit of a batch.

    Args:
        reads: the decoded batch.
        hits: all hits of the batch.
        place: of the hit.
        snapshot: the watchlists that were matched against.
        by: the model and the share of reads of any listed vehicle, as in matching.
        place_ratio: what the hit was weighed by for its place, see `places.Placed`.

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
    camera = None
    if model.cameras is not None:
        camera = model.cameras.of_camera(cameras_of(reads, np.array([row]))[0])
    terms = _terms(found, chosen, (model, weights), (fit, camera))
    actual = float(hits.probability[place])
    further = _ratio(_odds(actual), _odds(float(found.probability[chosen]))) / place_ratio
    terms = replace(terms, place=place_ratio, further=further)
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
    found: PairTerms,
    pair: int,
    by: tuple[ReadingModel, Weights],
    known: tuple[float | None, dict[str, float] | None],
) -> Terms:
    model, weights = by
    fit, camera = known
    elsewhere = weights.elsewhere
    traffic = _traffic_parts(found, pair, model)
    everything = float(found.traffic[pair]) / elsewhere
    own = float(found.own[pair]) / elsewhere
    claimed = _claim_alone(found, pair, model)
    # The matcher's factors are relative to the camera's largest.
    scale = max(camera.values()) if camera else 1.0
    terms = Terms(
        prior=found.prior,
        elsewhere=elsewhere,
        likelihood=float(found.likelihood[pair]) if fit is None else None,
        traffic_fits=fit,
        read_right=_read_right(found, pair, model),
        traffic=traffic.text,
        countries=dict(zip(model.countries, traffic.countries, strict=True)),
        claim_listed=claimed if fit is None else 1.0,
        claim_traffic=_ratio(traffic.claimed, traffic.text) if fit is None else 1.0,
        own=_ratio(everything, max(everything - own, everything * LEFT_MIN)),
        density=1 / LUMPINESS,
        rivals=1.0,
        further=1.0,
        camera_listed=_ratio(float(found.claim[pair]), claimed) * scale if fit is None else 1.0,
        camera_traffic=_ratio(everything, traffic.claimed) * scale if fit is None else 1.0,
        camera=camera,
    )
    alone = float(found.worth[pair])
    alone /= float(found.traffic[pair]) / terms.own * LUMPINESS
    return replace(terms, rivals=_ratio(_odds(float(found.probability[pair])), alone))


class _TrafficParts(NamedTuple):
    """P(text | traffic), its part by country, and P(text, claim | traffic) on all roads."""

    text: float
    countries: list[float]
    claimed: float


def _traffic_parts(found: PairTerms, pair: int, model: ReadingModel) -> _TrafficParts:
    place = found.places[pair]
    count = len(model.countries)
    gaps = np.full(count + 2, found.gaps[pair])
    evidence = found.evidence.chosen(np.full(count + 2, place))
    claims = np.vstack([np.ones((1, count)), np.eye(count), found.claims[[pair]]])
    sums = traffic_of(replace(evidence, claims=claims), gaps, model, WHOLE)
    return _TrafficParts(float(sums[0]), sums[1:-1].tolist(), float(sums[-1]))


def _claim_alone(found: PairTerms, pair: int, model: ReadingModel) -> float:
    # P(claim | listed plate), whatever the camera.
    one = slice(pair, pair + 1)
    plates = found.plates
    plate = ListedPlates(plates.keys[one], plates.country[one], plates.form[one])
    shares = model.plate_shares(plate.keys)[:, : len(model.countries)]
    return float(country_factors(found.claims[one], plate, shares, model)[0][0])


def _read_right(found: PairTerms, pair: int, model: ReadingModel) -> float:
    tokens, lengths = tokens_of_keys(found.plates.keys[pair : pair + 1])
    bands = found.evidence.bands[found.places[pair]].reshape(1)
    return float(model.pairs(tokens, tokens, np.column_stack([lengths, lengths]), bands)[0])


def _odds(probability: float) -> float:
    return probability / max(1 - probability, _LEAST)


def _ratio(above: float, below: float) -> float:
    return above / below if below > 0 else 1.0
