"""Plate texts to keys: the kernel for plain texts, the Unicode tables for the rest.

The seat of richer normalising: a later stage adds candidate spellings beside the one key.
"""

import numpy as np

from anpr_engine.kernels.json_values import SPAN_PLATE
from anpr_engine.kernels.plate_text import (
    GAPS_UNKNOWN,
    KEY_BASE,
    KEY_CHARACTERS_EXACT,
    TOO_SHORT,
    UNDECIDED,
    USABLE,
    plate_keys_and_gaps,
)
from anpr_engine.pipeline.columns import plate_text
from anpr_engine.pipeline.crew import ALONE, Crew
from anpr_engine.plates.normaliser import normalise
from anpr_engine.records.columns import REFUSED, PlateColumns, ReadColumns


def normalise_plates(reads: ReadColumns, characters_min: int, crew: Crew = ALONE) -> PlateColumns:
    """Normalise a batch's plates.

    Args:
        reads: the decoded batch.
        characters_min: fewest canonical characters that may match.
        crew: who shares the work.

    """
    plates = PlateColumns.of(len(reads))

    def write(first: int, end: int) -> None:
        rows = slice(first, end)
        _write(reads, rows, characters_min, plates.at(rows))

    crew.each(len(reads), write)
    undecided = set(np.flatnonzero(plates.status == UNDECIDED).tolist()) | set(reads.careful)
    for row in undecided:
        text = plate_text(reads, row)
        normalised = normalise(text, characters_min)
        plates.keys[row] = normalised.key
        plates.status[row] = normalised.status
        plates.gaps[row] = _gaps_of(text)
    for reject in reads.rejects:
        plates.keys[reject.row] = 0
        plates.status[reject.row] = REFUSED
    return plates


def _write(reads: ReadColumns, rows: slice, characters_min: int, plates: PlateColumns) -> None:
    found = plates.keys, plates.status, plates.gaps
    if reads.plates is None or characters_min > KEY_CHARACTERS_EXACT:
        spans = np.ascontiguousarray(reads.spans[rows, SPAN_PLATE])
        plate_keys_and_gaps(reads.buffer, spans, characters_min, *found)
        return
    made = reads.plates.at(rows)
    # The largest key of fewer characters is below every key of so many: no digit of one is 0.
    short = (made.status == USABLE) & (made.keys < np.uint64(KEY_BASE ** (characters_min - 1)))
    plates.keys[:] = made.keys
    plates.status[:] = made.status
    plates.gaps[:] = made.gaps
    plates.keys[short] = 0
    plates.status[short] = TOO_SHORT


def _gaps_of(text: str) -> int:
    # Where separators stand in a text that did not come as plain bytes.
    data = text.encode(errors="replace")
    key, status, gaps = np.empty(1, np.uint64), np.empty(1, np.uint8), np.empty(1, np.uint16)
    spans = np.array([[0, len(data)]], dtype=np.int32)
    plate_keys_and_gaps(np.frombuffer(data, np.uint8), spans, 1, key, status, gaps)
    return GAPS_UNKNOWN if status[0] == UNDECIDED else int(gaps[0])
