"""P(what was read | everybody else's vehicle), for the reads of a batch.

The sum of `kernels.traffic`, with what registers of issued plates add to it.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from anpr_engine.kernels.tokens import token_keys
from anpr_engine.pipeline.score import LEFT_MIN, Evidence, ListedPlates, pair_evidence
from anpr_engine.plates.reading import ReadingModel, Until
from anpr_engine.records.columns import country_code


def traffic_of(
    evidence: Evidence,
    gaps: NDArray[np.bool_],
    model: ReadingModel,
    until: Until,
) -> NDArray[np.float64]:
    """Give P(read, its claim of a country | traffic): float64 (reads of the evidence,).

    Args:
        evidence: of the reads.
        gaps: bool, which of them are compared as printed.
        model: the errors and the plates.
        until: when a sum need not be finished.

    """
    found = np.zeros(len(evidence.rows))
    register = _issued_part(evidence, gaps, model)
    # What a register takes away must not be missing from a sum that stopped early.
    if until.enough is not None:
        until = replace(until, enough=until.enough - np.minimum(register, 0.0))
    for printed in (True, False):
        rows = np.flatnonzero(gaps == printed)
        if not len(rows):
            continue
        tokens = evidence.printed if printed else evidence.bare
        found[rows] = model.traffic(
            np.ascontiguousarray(tokens[rows]),
            evidence.bands[rows],
            evidence.claims[rows],
            model.printed if printed else model.bare,
            until.chosen(rows),
        )
    return np.maximum(found + register, found * LEFT_MIN)


def _issued_part(
    evidence: Evidence, gaps: NDArray[np.bool_], model: ReadingModel
) -> NDArray[np.float64]:
    # What a register adds to the plate of just this text, or takes away from it, compared as the
    # sum compares it: with separators that such a plate has elsewhere it is hardly in the sum.
    part = np.zeros(len(evidence.rows))
    if not model.issued:
        return part
    keys = token_keys(evidence.bare)
    change = model.plate_shares(keys) - model.gate.densities(keys)
    for register in model.issued:
        place = model.countries.index(register.country)
        rows = np.flatnonzero(change[:, place])
        code = np.full(len(rows), country_code(register.country), dtype=np.uint16)
        plates = ListedPlates(keys[rows], code, np.zeros(len(rows), dtype=np.uint32))
        chosen, bare_only = evidence.chosen(rows), np.flatnonzero(~gaps[rows])
        likelihood, _ = pair_evidence(chosen, np.arange(len(rows)), plates, model, bare_only)
        part[rows] += change[rows, place] * evidence.claims[rows, place] * likelihood
    return part
