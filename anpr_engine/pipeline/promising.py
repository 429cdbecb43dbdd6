"""A quick look at near matches, so that few of them need the full account.

The search goes by bounds; a pair's likelihood and the sum over the traffic cost microseconds,
everything else that the matcher asks of a pair many of them.
"""

import numpy as np
from numpy.typing import NDArray

from anpr_engine.kernels.plate_text import LONG_KEYS_FROM
from anpr_engine.kernels.tokens import has_umlaut, tokens_of_keys
from anpr_engine.pipeline.columns import FUZZY
from anpr_engine.pipeline.find import Pairs
from anpr_engine.pipeline.near import NearRules, boosts_of
from anpr_engine.pipeline.score import LUMPINESS, evidence_of, listed_plates
from anpr_engine.pipeline.traffic import traffic_of
from anpr_engine.pipeline.typed import swap_weights
from anpr_engine.plates.reading import ReadingModel, Until
from anpr_engine.records.columns import PlateColumns, ReadColumns
from anpr_engine.watchlist.snapshot import Snapshot

PART_LEFT = 32.0
"""Parts of the traffic are left out that are nothing beside so many times what a pair is worth:
then it may seem too little, and the pair gets the full account."""


def promising(
    seen: tuple[ReadColumns, PlateColumns],
    pairs: Pairs,
    snapshot: Snapshot,
    by: tuple[ReadingModel, NearRules],
    least: NDArray[np.float64],
) -> NDArray[np.bool_]:
    """Say which pairs are worth the full account: bool (p,); in doubt all are.

    A near match's likelihood without separators is the most that it can be with them.

    Args:
        seen: the decoded batch, and its keys.
        pairs: of any tier; only near matches are looked at.
        snapshot: the watchlists.
        by: the errors and the plates, and when a pair is worth a hit.
        least: float64 (reads,), lower bounds of P(read | traffic).

    """
    reads, plates = seen
    model, worth = by
    near = np.flatnonzero(pairs.tier == FUZZY)
    found = np.ones(len(pairs), dtype=np.bool_)
    if not len(near):
        return found
    listed = listed_plates(pairs.chosen(near), snapshot)
    evidence = evidence_of(reads, np.unique(pairs.read[near]), model)
    places = np.searchsorted(evidence.rows, pairs.read[near])
    tokens, lengths = tokens_of_keys(listed.keys)
    sizes = np.column_stack([lengths, evidence.bare_lengths[places]])
    likelihood = model.pairs(tokens, evidence.bare[places], sizes, evidence.bands[places])
    own = likelihood * (model.plate_shares(listed.keys) * evidence.claims[places]).sum(axis=1)
    starts = model.starts(evidence.bare, evidence.bands).sum(axis=1)[places]
    likelihood += starts * swap_weights(plates.keys[pairs.read[near]], listed.keys)
    most = likelihood * worth.boost * boosts_of(reads, pairs.read[near])
    most = most / (worth.odds * LUMPINESS) + own
    spelled = has_umlaut(listed.keys) & ~has_umlaut(plates.keys[pairs.read[near]])
    special = spelled | (listed.keys >= np.uint64(LONG_KEYS_FROM))
    # Most pairs are too little beside what the search knew of the traffic already.
    able = most >= least[pairs.read[near]]
    found[near] = special
    asked = np.flatnonzero(able & ~special)
    chosen, places = np.unique(places[asked], return_inverse=True)
    enough = np.zeros(len(chosen))
    np.maximum.at(enough, places, most[asked])
    evidence = evidence.chosen(chosen)
    traffic = traffic_of(evidence, evidence.gaps, model, Until(enough, known=enough * PART_LEFT))
    found[near[asked]] = most[asked] >= traffic[places]
    return found
