"""What other matchers do with misreads: exact only, look-alikes folded, edits allowed, a ratio.

Each gives a score to a read and a plate; a hit is a score at or above a threshold. Distances are
to every plate of the list, without any index: slow, and right by construction.

Source: bit-parallel edit distance of Myers (1999) as restated by Hyyro (2003), and longest common
subsequence of Hyyro (2004), here with one read as the pattern and all plates as columns.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks import rapidfuzz_door
from benchmarks.quality_data import canonical

EXACT, FOLDED, EDITS, RATIO = "exact", "fold", "edit", "ratio"
PEERS: Mapping[str, tuple[str, float]] = {
    "exact": (EXACT, 1.0),
    "fold": (FOLDED, 1.0),
    "edit1": (EDITS, -1.0),
    "edit2": (EDITS, -2.0),
}
"""Peers with one operating point: whose score, and from where on it is a hit."""
FAR = 99
"""The distance given where there is nothing to compare."""
_FOLDS = str.maketrans("ODQIZSBG", "00012586")
_WORD_BITS = 16
_UNLISTED = 10_000
_CODES = 128

Words = NDArray[np.uint64] | NDArray[np.uint16]
Scores = dict[str, NDArray[np.float64]]


def folded(text: str) -> str:
    """Give a canonical text with one character for each group of look-alikes."""
    return text.translate(_FOLDS)


@dataclass(frozen=True, slots=True)
class Plates:
    """Canonical plates as columns.

    codes: int64 (width, n), 0 behind the end; umlauts and the like are the code 127.
    """

    texts: list[str]
    codes: NDArray[np.int64]
    lengths: NDArray[np.int64]

    @classmethod
    def of(cls, texts: Sequence[str]) -> "Plates":
        """Lay out plates given with or without separators."""
        plain = [canonical(text) for text in texts]
        width = max(map(len, plain), default=1)
        codes = np.zeros((width, len(plain)), dtype=np.int64)
        for place, text in enumerate(plain):
            codes[: len(text), place] = [min(ord(character), _CODES - 1) for character in text]
        return cls(plain, codes, np.array([len(text) for text in plain], dtype=np.int64))


def _masks(read: str) -> Words:
    """Say where in the read each character stands, one bit a position: (128,)."""
    masks = np.zeros(_CODES, dtype=np.uint64)
    for place, character in enumerate(read):
        masks[min(ord(character), _CODES - 1)] |= np.uint64(1 << place)
    return masks if len(read) > _WORD_BITS else masks.astype(np.uint16)


def _bit(words: Words, place: int) -> NDArray[np.bool_]:
    return np.asarray((words >> place) & 1, np.bool_)


def distances(read: str, plates: Plates) -> NDArray[np.int64]:
    """Count the edits between one read (canonical, up to 63 characters) and each plate: (n,)."""
    if not read:
        return np.full(len(plates.texts), FAR)
    masks = _masks(read)
    one = masks.dtype.type(1)
    last = len(read) - 1
    plus = np.full(len(plates.texts), masks.dtype.type((1 << len(read)) - 1))
    minus = np.zeros_like(plus)
    count = np.full(len(plates.texts), len(read), dtype=np.int64)
    for column, codes in enumerate(plates.codes):
        equal = masks.take(codes, mode="clip")
        vertical = equal | minus
        with np.errstate(over="ignore"):
            diagonal = (((equal & plus) + plus) ^ plus) | equal
        up = minus | ~(diagonal | plus)
        down = plus & diagonal
        inside = column < plates.lengths
        count += inside & _bit(up, last)
        count -= inside & _bit(down, last)
        up = (up << one) | one
        plus = (down << one) | ~(vertical | up)
        minus = up & vertical
    return count


def ratios(read: str, plates: Plates) -> NDArray[np.float64]:
    """Give rapidfuzz's ratio of one read (canonical) and each plate: float64 (n,), 0 to 100."""
    if rapidfuzz_door.INSTALLED:
        return rapidfuzz_door.ratios(read, plates.texts)
    return plain_ratios(read, plates)


def plain_ratios(read: str, plates: Plates) -> NDArray[np.float64]:
    """Give the same by its definition: 200 times the longest common subsequence over both lengths.

    Columns behind a plate's end have no bit in common and change nothing.
    """
    if not read:
        return np.zeros(len(plates.texts))
    masks = _masks(read)
    free = np.full(len(plates.texts), ~masks.dtype.type(0))
    for codes in plates.codes:
        common = free & masks.take(codes, mode="clip")
        with np.errstate(over="ignore"):
            free = (free + common) | (free & ~common)
    longest = np.bitwise_count(~free & masks.dtype.type((1 << len(read)) - 1))
    return np.asarray(200.0 * longest / (len(read) + plates.lengths), np.float64)


@dataclass(frozen=True, slots=True)
class Field:
    """Reads to score against a list that is another one in each round.

    own: each read's own vehicle, its place among the plates; -1 where it is none of them.
    listed: bool (rounds, plates), which plates are on the list.
    """

    reads: list[str]
    plates: Plates
    own: NDArray[np.int64]
    listed: NDArray[np.bool_]


def peer_scores(field: Field) -> tuple[Scores, NDArray[np.int64]]:
    """Score all reads in all rounds; higher is more alike.

    Returns float64 (rounds, reads) by peer: the own entry's score where the vehicle is listed,
    the best of any entry where it is not; and int64 (reads,), the edits from the own plate.
    """
    shape = (len(field.listed), len(field.reads))
    scores = {name: np.zeros(shape) for name in (EXACT, FOLDED, EDITS, RATIO)}
    edits = np.full(len(field.reads), FAR)
    penalty = np.where(field.listed, 0, -_UNLISTED).astype(np.float32)
    alike = _by_fold(field.plates)
    for row, text in enumerate(field.reads):
        own = int(field.own[row])
        by_score = {
            EDITS: -distances(text, field.plates).astype(np.float32),
            RATIO: ratios(text, field.plates).astype(np.float32),
        }
        edits[row] = -by_score[EDITS][own] if own >= 0 else FAR
        same = alike.get(folded(text), [])
        for turn, listed in enumerate(field.listed):
            mine = own >= 0 and listed[own]
            for name, found in by_score.items():
                scores[name][turn, row] = found[own] if mine else (found + penalty[turn]).max()
            scores[FOLDED][turn, row] = own in same if mine else listed[same].any()
    scores[EXACT] = (scores[EDITS] == 0.0).astype(np.float64)
    return scores, edits


def _by_fold(plates: Plates) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for place, text in enumerate(plates.texts):
        found.setdefault(folded(text), []).append(place)
    return found
