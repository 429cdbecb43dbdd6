"""What else the reader said: other readings, and how sure it was of each character.

Both move the weights of explanations, by how much likelier what was said is if the explanation
is true. A reader that lists other readings lists the truth far more often than any one plate that
happens to look alike; where it lists some and a plate is not among them, that speaks against it.
A character that it was unsure of is likelier the wrong one.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anpr_engine.kernels.tokens import tokens_of_keys
from anpr_engine.pipeline.doubts import characters_of, has_doubts
from anpr_engine.pipeline.score import Evidence, ListedPlates
from anpr_engine.plates.reading import ReadingModel
from anpr_engine.records.columns import CandidateColumns, ReadColumns

OFFERED = 25.0
"""How much likelier a misread plate is offered among the others than a plate like it is."""
NOT_OFFERED = 0.4
"""The share of misread plates that a list of other readings leaves out."""
OFFERED_LIKELIHOOD_MIN = 0.01
"""An offered reading looked like it to the reader, whatever other readers confuse."""
DOUBT_RANGE = (0.1, 10.0)


@dataclass(frozen=True, slots=True)
class Offered:
    """The other readings of reads under evidence.

    place: int64 (c,), the read's place in the evidence, rising. key: uint64 (c,).
    weight: float64 (c,), how much likelier the reader says it is than its being left out.
    """

    place: NDArray[np.int64]
    key: NDArray[np.uint64]
    weight: NDArray[np.float64]


def offered_to(evidence: Evidence, reads: ReadColumns, candidates: CandidateColumns) -> Offered:
    """Choose the other readings of some reads; a reader's own first reading is none."""
    place = np.searchsorted(evidence.rows, candidates.read)
    place = np.minimum(place, len(evidence.rows) - 1)
    mine = evidence.rows[place] == candidates.read
    place, key = place[mine], candidates.key[mine]
    sure = reads.confidence[candidates.read[mine]]
    sure = np.where(np.isnan(sure), 1.0, np.maximum(sure, 0.01))
    other = candidates.confidence[mine]
    other = np.where(np.isnan(other), sure, other)
    return Offered(place, key, OFFERED * np.clip(other / sure, 0.04, 2.0))


def weigh_offered(
    offered: Offered,
    places: NDArray[np.int64],
    plates: ListedPlates,
    read_keys: NDArray[np.uint64],
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Weigh pairs by whether the reader offered the listed plate.

    Returns float64 (p,), 1 where the read offers nothing or was read as listed, and bool (p,),
    whether it was offered.
    """
    # A read's offers stand side by side: each pair looks at the first of its read's, then the next.
    at = np.searchsorted(offered.place, places, side="left")
    end = np.searchsorted(offered.place, places, side="right")
    other = plates.keys != read_keys[places]
    factor = np.where(other & (at < end), NOT_OFFERED, 1.0)
    is_offered = np.zeros(len(places), dtype=np.bool_)
    left = np.flatnonzero(other & (at < end))
    while len(left):
        same = left[offered.key[at[left]] == plates.keys[left]]
        factor[same] = offered.weight[at[same]]
        is_offered[same] = True
        at[left] += 1
        left = left[at[left] < end[left]]
    return factor, is_offered


def traffic_with_offers(
    offered: Offered,
    evidence: Evidence,
    read_keys: NDArray[np.uint64],
    traffic: NDArray[np.float64],
    model: ReadingModel,
) -> NDArray[np.float64]:
    """Weigh the traffic of reads that offer other readings, likewise: float64 (reads,).

    Args:
        offered: the other readings.
        evidence: of the reads.
        read_keys: uint64 (reads,), what was read.
        traffic: float64 (reads,), P(read | traffic).
        model: the errors and the plates.

    """
    if not len(offered.place):
        return traffic
    rows = np.unique(offered.place)
    own = _part_of(read_keys[rows], rows, evidence, model)
    found = traffic.copy()
    found[rows] = own + np.maximum(traffic[rows] - own, 0.0) * NOT_OFFERED
    others = offered.key != read_keys[offered.place]
    parts = _part_of(offered.key[others], offered.place[others], evidence, model)
    np.add.at(found, offered.place[others], parts * (offered.weight[others] - NOT_OFFERED))
    return found


def _part_of(
    keys: NDArray[np.uint64],
    places: NDArray[np.int64],
    evidence: Evidence,
    model: ReadingModel,
) -> NDArray[np.float64]:
    # P(plate, claim, read | traffic) of single plates.
    tokens, lengths = tokens_of_keys(keys)
    sizes = np.column_stack([lengths, evidence.bare_lengths[places]])
    likelihood = model.pairs(tokens, evidence.bare[places], sizes, evidence.bands[places])
    shares = model.plate_shares(keys)
    return np.asarray((shares * evidence.claims[places]).sum(axis=1) * likelihood, np.float64)


def weigh_characters(
    reads: ReadColumns, evidence: Evidence, places: NDArray[np.int64], plates: ListedPlates
) -> NDArray[np.float64]:
    """Weigh pairs by how sure the reader was of the characters that differ: float64 (p,).

    Only plates as long as the read are weighed; for others nobody can say which character it was.
    """
    factor = np.ones(len(places))
    listed, lengths = tokens_of_keys(plates.keys)
    doubts: dict[int, NDArray[np.float64] | None] = {}
    rows = evidence.rows[places]
    told = (listed != evidence.bare[places]).any(axis=1) & has_doubts(reads, rows)
    for pair in np.flatnonzero(told).tolist():
        place = int(places[pair])
        if place not in doubts:
            doubts[place] = _doubts(reads, evidence, place)
        doubt = doubts[place]
        if doubt is not None and lengths[pair] == len(doubt):
            differ = listed[pair, : len(doubt)] != evidence.bare[place, : len(doubt)]
            factor[pair] = float(np.prod(doubt[differ]))
    return factor


def _doubts(reads: ReadColumns, evidence: Evidence, place: int) -> NDArray[np.float64] | None:
    # Each character's doubt over the mean of all, as far as a reader may be believed.
    said = characters_of(reads, int(evidence.rows[place]))
    sure = np.array([confidence for character, confidence in said if character.isalnum()])
    if len(sure) != evidence.bare_lengths[place]:
        return None
    doubt = 1.0 - np.minimum(sure, 0.999)
    return np.asarray(np.clip(doubt / doubt.mean(), *DOUBT_RANGE), np.float64)
