"""What the readers themselves doubted: other readings they offered, and character by character."""

import json

import numpy as np
from numpy.typing import NDArray

from anpr_engine.kernels.json_candidates import (
    CANDIDATE_PPM,
    CANDIDATES_MAX,
    RANK,
    READ,
    WORDS,
    offering_rows,
    scan_candidates,
)
from anpr_engine.kernels.json_values import SPAN_CANDIDATES, SPAN_CHARACTERS
from anpr_engine.kernels.plate_text import UNDECIDED as UNDECIDED_TEXT
from anpr_engine.kernels.plate_text import plate_keys
from anpr_engine.plates.normaliser import normalise
from anpr_engine.records.columns import CandidateColumns, ReadColumns


def candidates_of(reads: ReadColumns, characters_min: int = 1) -> CandidateColumns:
    """Give the other readings that the readers themselves offered.

    Args:
        reads: the decoded batch.
        characters_min: fewest canonical characters that may match; shorter ones are left out.

    """
    found = np.empty(len(reads) + 1, np.int64)
    offering_rows(reads.spans, found)
    offering = found[1 : found[0] + 1]
    if not len(offering) and not reads.careful:
        return _none_offered()
    if reads.rejects:
        offering = np.setdiff1d(offering, sorted({reject.row for reject in reads.rejects}))
    scanned = _scanned_candidates(reads, offering, characters_min)
    careful = _careful_candidates(reads, characters_min)
    if careful is None:
        return scanned
    order = np.argsort(np.concatenate([scanned.read, careful.read]), kind="stable")
    return CandidateColumns(
        read=np.concatenate([scanned.read, careful.read])[order],
        key=np.concatenate([scanned.key, careful.key])[order],
        confidence=np.concatenate([scanned.confidence, careful.confidence])[order],
        rank=np.concatenate([scanned.rank, careful.rank])[order],
    )


def _none_offered() -> CandidateColumns:
    rows = np.zeros(0, dtype=np.int64)
    return CandidateColumns(rows, rows.astype(np.uint64), np.zeros(0), rows.astype(np.uint8))


def _scanned_candidates(
    reads: ReadColumns, rows: NDArray[np.int64], characters_min: int
) -> CandidateColumns:
    spans = np.ascontiguousarray(reads.spans[rows, SPAN_CANDIDATES])
    texts = np.empty((len(rows) * CANDIDATES_MAX, 2), dtype=np.int32)
    found = np.empty((WORDS, len(texts)), dtype=np.int64)
    count = np.zeros(1, dtype=np.int64)
    scan_candidates(reads.buffer, spans, texts, found, count)
    texts = texts[: count[0]]
    keys = np.empty(len(texts), dtype=np.uint64)
    status = np.empty(len(texts), dtype=np.uint8)
    plate_keys(reads.buffer, texts, characters_min, keys, status)
    for place in np.flatnonzero(status == UNDECIDED_TEXT).tolist():
        start, length = texts[place].tolist()
        text = reads.buffer[start : start + length].tobytes().decode()
        keys[place] = normalise(text, characters_min).key
    able = np.flatnonzero(keys)
    return CandidateColumns(
        read=rows[found[READ, able]].astype(np.int64, copy=False),
        key=keys[able],
        confidence=found[CANDIDATE_PPM, able] / 1e6,
        rank=found[RANK, able].astype(np.uint8),
    )


def _careful_candidates(reads: ReadColumns, characters_min: int) -> CandidateColumns | None:
    offered = [
        (row, normalise(other.plate, characters_min).key, round(other.confidence, 6), rank)
        for row, read in reads.careful.items()
        for rank, other in enumerate((read.candidates or ())[:CANDIDATES_MAX])
    ]
    able = [each for each in offered if each[1] != 0]
    if not able:
        return None
    read, key, confidence, rank = zip(*able, strict=True)
    return CandidateColumns(
        read=np.array(read, dtype=np.int64),
        key=np.array(key, dtype=np.uint64),
        confidence=np.array(confidence, dtype=np.float64),
        rank=np.array(rank, dtype=np.uint8),
    )


def careful_among(reads: ReadColumns, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Say which rows of a batch went the careful path: bool (n,)."""
    return np.isin(rows, np.fromiter(reads.careful, dtype=np.int64))


def has_doubts(reads: ReadColumns, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Say which rows of a batch may tell how sure the reader was of each character: bool (n,)."""
    told = np.asarray(reads.spans[rows, SPAN_CHARACTERS, 1] > 0, np.bool_)
    return told | careful_among(reads, rows) if reads.careful else told


def characters_of(reads: ReadColumns, row: int) -> list[tuple[str, float]]:
    """Give one read's characters, each with the reader's confidence in it; empty when not given."""
    careful = reads.careful.get(row)
    if careful is not None:
        return [(each.char, each.confidence) for each in careful.characters or ()]
    start, length = reads.spans[row, SPAN_CHARACTERS].tolist()
    if length == 0:
        return []
    # What the scanner decoded needs no second look at its types and bounds.
    characters = json.loads(reads.buffer[start : start + length].tobytes())
    return [(each["char"], float(each["confidence"])) for each in characters]
