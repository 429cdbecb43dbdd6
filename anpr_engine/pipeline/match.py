"""Reads to hits: every pair that may belong together, dates, and what each is worth.

A read is looked for as it was read; then, where a misread of a listed plate could be worth a hit
at all, so is everything it may have been. The gate in between costs nanoseconds and keeps out
nothing that could have reached the floor: a read that a country's grammar allows is most likely
that vehicle itself, the more so the surer the reader is.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from anpr_engine.kernels.plate_forms import written_plate
from anpr_engine.kernels.plate_text import LONG_KEYS_FROM, USABLE
from anpr_engine.pipeline.appearance import appearance_most, weigh_appearance
from anpr_engine.pipeline.columns import EXACT, FUZZY, REPAIRED, WILDCARD, plate_text
from anpr_engine.pipeline.doubts import candidates_of
from anpr_engine.pipeline.evidence import (
    OFFERED_LIKELIHOOD_MIN,
    offered_to,
    traffic_with_offers,
    weigh_characters,
    weigh_offered,
)
from anpr_engine.pipeline.find import (
    Pairs,
    joined_pairs,
    listed_pairs,
    offered_pairs,
    spelling_pairs,
    wildcard_pairs,
)
from anpr_engine.pipeline.near import NearRules, near_matches
from anpr_engine.pipeline.promising import promising
from anpr_engine.pipeline.score import (
    Evidence,
    ListedPlates,
    evidence_of,
    listed_plates,
    pair_evidence,
    posteriors,
)
from anpr_engine.pipeline.tiers import edits_of, is_repaired
from anpr_engine.pipeline.traffic import traffic_of
from anpr_engine.pipeline.typed import swap_weights
from anpr_engine.pipeline.worth import Weights, listed_worth, with_wildcards
from anpr_engine.plates.normaliser import normalise
from anpr_engine.plates.reading import ReadingModel, Until, shipped_reading
from anpr_engine.records.columns import (
    CandidateColumns,
    DroppedHit,
    HitColumns,
    PlateColumns,
    ReadColumns,
)
from anpr_engine.watchlist.snapshot import Snapshot

NEAR_MIN = 0.001
"""Near matches below this are not worth a line to an analyst, unless less is asked for."""
NEAR_ALERT_MIN = 0.5
"""A near match that is likelier somebody else's car is not worth an alert."""
FLOOR_MIN = 1e-9
_US = 1_000_000


@dataclass(frozen=True, slots=True)
class MatchRules:
    """What counts as a hit.

    probability_min: hits below are withheld.
    near_probability_min: near matches (repaired, fuzzy, or an exact text under another country)
        below are not even looked for.
    traffic_share: the share of reads that are of any listed vehicle.
    near: whether to look for near matches.
    appearance: whether make and colour count, where read and entry both tell them.
    model: how readers err and which plates there are; the one that comes with the engine if None.
    """

    probability_min: float = 0.0
    traffic_share: float = 0.0001
    near_probability_min: float = NEAR_ALERT_MIN
    near: bool = True
    appearance: bool = True
    model: ReadingModel | None = None


def match(
    reads: ReadColumns, plates: PlateColumns, snapshot: Snapshot, rules: MatchRules, now_us: int
) -> HitColumns:
    """Find the entries that a batch's reads belong to.

    Args:
        reads: the decoded batch.
        plates: its keys.
        snapshot: the watchlists to match against.
        rules: what counts as a hit.
        now_us: microseconds since 1970; an entry must be in force when the plate was seen, and
            not have ended since.

    """
    withheld: dict[str, int] = {}
    dropped: list[DroppedHit] = []
    model = rules.model or shipped_reading()
    exact, tally = listed_pairs(plates.keys, snapshot)
    exact = exact.chosen(_same_long_text(reads, snapshot, exact))
    contradicted = _contradicted(reads, listed_plates(exact, snapshot), exact)
    exact.tier[contradicted] = FUZZY
    if not rules.near:
        _count(withheld, "other-country", contradicted)
        dropped += _dropped("other-country", exact.chosen(contradicted))
        exact = exact.chosen(~contradicted)
    found = [exact, wildcard_pairs(plates.keys, snapshot)]
    others = np.zeros(0)
    candidates = candidates_of(reads)
    worth = near_rules(rules, snapshot) if rules.near and len(snapshot) else None
    if worth is not None:
        found += [offered_pairs(candidates, snapshot), spelling_pairs(plates.keys, snapshot)]
        searched = near_matches(reads, plates, snapshot, worth, model)
        found.append(searched.pairs)
        others = searched.least
    pairs = joined_pairs(found)
    in_force = _in_force(reads, snapshot, pairs, now_us)
    _count(withheld, "not-in-force", ~in_force & (pairs.tier != FUZZY))
    dropped += _dropped("not-in-force", pairs.chosen(~in_force & (pairs.tier == EXACT)))
    pairs = pairs.chosen(in_force)
    if worth is not None:
        by = (model, worth)
        pairs = pairs.chosen(promising((reads, plates), pairs, snapshot, by, others))
    probability = _worth((reads, plates, candidates), pairs, snapshot, (model, rules))
    near = pairs.tier == FUZZY
    enough = probability >= rules.probability_min
    _count(withheld, "below-probability", ~enough & ~near)
    least = max(rules.near_probability_min, rules.probability_min)
    kept = np.where(near, probability >= least, enough)
    kept_pairs = pairs.chosen(kept)
    tier, edits = _tiers(reads, plates, kept_pairs, snapshot)
    return HitColumns(
        read=kept_pairs.read,
        entry=kept_pairs.entry,
        recent=kept_pairs.recent,
        tier=tier,
        edits=edits,
        probability=probability[kept],
        withheld=withheld,
        tally=tally,
        dropped=dropped,
    )


def _count(withheld: dict[str, int], reason: str, mask: NDArray[np.bool_]) -> None:
    number = int(mask.sum())
    if number:
        withheld[reason] = withheld.get(reason, 0) + number


def _dropped(reason: str, pairs: Pairs) -> list[DroppedHit]:
    rows = zip(pairs.read.tolist(), pairs.entry.tolist(), pairs.recent.tolist(), strict=True)
    return [DroppedHit(*row, reason) for row in rows]


def _contradicted(reads: ReadColumns, plates: ListedPlates, pairs: Pairs) -> NDArray[np.bool_]:
    # The country is part of a plate: the same text under another country's claim is no exact hit,
    # and yet the claim may be what was misread.
    claimed = reads.country[pairs.read]
    known = (claimed != 0) & (plates.country != 0)
    return np.asarray(known & (claimed != plates.country), np.bool_)


def _floor(rules: MatchRules) -> float:
    return max(rules.near_probability_min, rules.probability_min, FLOOR_MIN)


def near_rules(rules: MatchRules, snapshot: Snapshot) -> NearRules:
    """Say when a near match is worth a hit against these lists."""
    weights = Weights(rules.traffic_share, len(snapshot))
    floor = _floor(rules)
    odds = floor / (1 - floor) * weights.elsewhere / weights.prior
    return NearRules(odds, appearance_most(snapshot) if rules.appearance else 1.0)


def _in_force(
    reads: ReadColumns, snapshot: Snapshot, pairs: Pairs, now_us: int
) -> NDArray[np.bool_]:
    seen_us = reads.captured_at_us[pairs.read]
    from_us = np.empty(len(pairs), dtype=np.int64)
    until_us = np.empty(len(pairs), dtype=np.int64)
    for chosen, rows in pairs.by_block(snapshot):
        entry = pairs.entry[chosen]
        from_us[chosen] = rows.valid_from_s[entry].astype(np.int64) * _US
        until_us[chosen] = rows.valid_until_s[entry].astype(np.int64) * _US
    return (from_us <= seen_us) & (np.maximum(seen_us, now_us) < until_us)


def _same_long_text(reads: ReadColumns, snapshot: Snapshot, pairs: Pairs) -> NDArray[np.bool_]:
    # Keys of over twelve characters are hashes: only the text itself can say that they are equal.
    same = np.ones(len(pairs), dtype=np.bool_)
    keys = listed_plates(pairs, snapshot).keys
    for place in np.flatnonzero(keys >= np.uint64(LONG_KEYS_FROM)).tolist():
        seen, listed = _texts(reads, pairs, place, snapshot)
        same[place] = seen == listed
    return same


def _texts(reads: ReadColumns, pairs: Pairs, pair: int, snapshot: Snapshot) -> tuple[str, str]:
    # The canonical texts of what was read and what is listed.
    seen = plate_text(reads, int(pairs.read[pair]))
    return normalise(seen).text, normalise(pairs.listed_plate(pair, snapshot)).text


def _worth(
    of: tuple[ReadColumns, PlateColumns, CandidateColumns],
    pairs: Pairs,
    snapshot: Snapshot,
    by: tuple[ReadingModel, MatchRules],
) -> NDArray[np.float64]:
    """Give what each pair is worth: float64 (p,)."""
    reads, read_plates, candidates = of
    model, rules = by
    if not len(pairs):
        return np.zeros(0)
    plates = listed_plates(pairs, snapshot)
    evidence = evidence_of(reads, np.unique(pairs.read), model)
    places = np.searchsorted(evidence.rows, pairs.read)
    offered = offered_to(evidence, reads, candidates)
    likelihood, gaps = pair_evidence(evidence, places, plates, model, offered.place)
    read_keys = read_plates.keys[evidence.rows]
    factor, is_offered = weigh_offered(offered, places, plates, read_keys)
    starts = model.starts(evidence.bare, evidence.bands).sum(axis=1)[places]
    likelihood = np.where(
        is_offered, np.maximum(likelihood, starts * OFFERED_LIKELIHOOD_MIN), likelihood
    )
    likelihood *= factor
    seen = weigh_characters(reads, evidence, places, plates)
    if rules.appearance:
        seen *= weigh_appearance(reads, pairs, snapshot)
    weights = Weights(rules.traffic_share, len(snapshot))
    listed = listed_worth(evidence, (places, plates, likelihood), model, weights)
    # What speaks for a pair alone is not in the sum over the traffic, and not taken out of it.
    typed = swap_weights(read_keys[places], plates.keys) * starts * listed.claim * weights.prior
    listed = replace(listed, worth=(listed.worth + typed) * seen)
    until = Until(_enough(pairs, places, listed.worth + listed.own, rules, evidence))
    traffic = traffic_of(evidence, gaps, model, until)
    traffic = traffic_with_offers(offered, evidence, read_keys, traffic, model) * weights.elsewhere
    listed = with_wildcards(listed, pairs, snapshot, traffic[places], weights.prior)
    return posteriors(places, plates.identities, listed.worth, listed.own, traffic)


def _enough(
    pairs: Pairs,
    places: NDArray[np.int64],
    worth: NDArray[np.float64],
    rules: MatchRules,
    evidence: Evidence,
) -> NDArray[np.float64]:
    # A read that has near matches alone needs no whole sum once none of them can reach the floor.
    listed = np.zeros(len(evidence.rows))
    np.add.at(listed, places, worth)
    # Other readings change the sum afterwards, so that it has to be whole.
    listed[places[pairs.tier != FUZZY]] = np.inf
    return listed * (1 / _floor(rules) + 1)


def _tiers(
    reads: ReadColumns, plates: PlateColumns, pairs: Pairs, snapshot: Snapshot
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    # The tier of each hit, repairs told apart, and how many edits it is away: uint8 (p,) each.
    edits = np.zeros(len(pairs), dtype=np.uint8)
    tier = pairs.tier.copy()
    listed_keys = listed_plates(pairs, snapshot).keys
    short = (plates.status[pairs.read] == USABLE) & (plates.keys[pairs.read] < LONG_KEYS_FROM)
    short &= listed_keys < np.uint64(LONG_KEYS_FROM)
    for place in np.flatnonzero((tier != EXACT) & (tier != WILDCARD)).tolist():
        if short[place]:
            seen = written_plate(int(plates.keys[pairs.read[place]]), 0)
            listed = written_plate(int(listed_keys[place]), 0)
        else:
            seen, listed = _texts(reads, pairs, place, snapshot)
        edits[place] = edits_of(seen, listed)
        if tier[place] == FUZZY and is_repaired(seen, listed):
            tier[place] = REPAIRED
    return tier, edits
