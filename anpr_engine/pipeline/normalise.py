"""Plate texts to keys: the kernel for plain texts, the Unicode tables for the rest.

The seat of richer normalising: a later stage adds candidate spellings beside the one key.
"""

import numpy as np

from anpr_engine.kernels.json_scan import SPAN_PLATE
from anpr_engine.kernels.plate_text import UNDECIDED, plate_keys
from anpr_engine.pipeline.columns import plate_text
from anpr_engine.plates.normaliser import normalise
from anpr_engine.records.columns import REFUSED, PlateColumns, ReadColumns


def normalise_plates(reads: ReadColumns, characters_min: int) -> PlateColumns:
    """Normalise a batch's plates.

    Args:
        reads: the decoded batch.
        characters_min: fewest canonical characters that may match.

    """
    keys = np.empty(len(reads), dtype=np.uint64)
    status = np.empty(len(reads), dtype=np.uint8)
    spans = np.ascontiguousarray(reads.spans[:, SPAN_PLATE])
    plate_keys(reads.buffer, spans, characters_min, keys, status)
    undecided = set(np.flatnonzero(status == UNDECIDED).tolist()) | set(reads.careful)
    for row in undecided:
        normalised = normalise(plate_text(reads, row), characters_min)
        keys[row] = normalised.key
        status[row] = normalised.status
    for reject in reads.rejects:
        keys[reject.row] = 0
        status[reject.row] = REFUSED
    return PlateColumns(keys, status)
