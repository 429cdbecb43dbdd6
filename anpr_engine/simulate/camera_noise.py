"""What a camera makes of a plate: misread characters, doubt, and countries mistaken.

Why: errors follow what readers are known to do. Characters that look alike are taken for each
other, edges are cut off by frames and dirt, screws become a 1 or an I; two characters are never
swapped, for a machine does not type (Oliveira-Neto, Han and Jeong, 2012). The weights are
estimates relative to 0 read as O. Confidences of right and wrong reads overlap, as they do.
"""

from bisect import bisect
from collections.abc import Sequence
from itertools import accumulate

import numpy as np
import numpy.typing as npt

from anpr_engine.simulate.number_plates import canonical
from anpr_engine.simulate.roads import CAMERAS

MISREAD_SHARE = 0.03
"""Mean over all cameras."""
WRONG_COUNTRY_SHARE = 0.04
NO_COUNTRY_SHARE = 0.06
COUNTRY_HARDNESS = {"NL": 1.0, "BE": 1.15, "DE": 0.7, "LU": 1.0, "FR": 1.1}
"""Red characters fade under infrared (BE); a typeface made against forgery is clearer (DE)."""
MISTAKEN_COUNTRY = {
    "NL": ("BE", "DE", "LU", "FR"),
    "BE": ("NL", "FR", "DE", "LU"),
    "DE": ("NL", "BE", "PL", "FR"),
    "LU": ("NL", "BE", "DE", "FR"),
    "FR": ("BE", "IT", "NL", "LU"),
}
DRAWS_PER_MISREAD = 8
"""How many numbers between 0 and 1 `misread` uses."""
DRAWS_PER_DOUBT = 4
"""How many numbers between 0 and 1 `candidates` and `character_confidences` use."""

_BOTH_WAYS = (
    *("0O100", "1I100", "8B95", "2Z85", "5S85", "OD80", "0D75", "OQ75", "6G70", "0Q55", "PR55"),
    *("CG50", "VU50", "1750", "VY50", "3845", "6845", "PF45", "7T45", "IL45", "MN45", "3B45"),
    *("A440", "KX40", "FE40", "1L40", "MW40", "NH40", "XY35", "5335", "5835", "PB30", "VW30"),
    *("0830", "3930", "4930", "6E30", "HK30"),
)
_ONE_WAY = ("ÄA90", "ÖO90", "ÜU90", "AÄ10", "OÖ10", "UÜ10")
_INSERTED_AT_EDGE = "11I"
_INSERTED = "0123456789BDHILT"
_SUBSTITUTION_SHARE, _DELETION_SHARE = 0.74, 0.15  # the rest are insertions
_SECOND_ERROR_SHARE = 0.1
_CAMERA_SEED = 20260101
"""A camera stays as good or bad as it is, whatever the traffic's seed."""


def _weights() -> dict[str, tuple[tuple[str, float], ...]]:
    pairs = [(pair[0], pair[1], int(pair[2:]) / 100) for pair in (*_BOTH_WAYS, *_ONE_WAY)]
    pairs += [(read, true, weight) for true, read, weight in pairs[: len(_BOTH_WAYS)]]
    true_characters = sorted({true for true, _, _ in pairs})
    return {
        character: tuple((read, weight) for true, read, weight in pairs if true == character)
        for character in true_characters
    }


CONFUSIONS: dict[str, tuple[tuple[str, float], ...]] = _weights()
"""True character to (read character, weight) pairs; weights relative to 0 read as O."""
_LIKELINESS = {true: sum(weight for _, weight in reads) for true, reads in CONFUSIONS.items()}


def _pick(weights: Sequence[float], draw: float) -> int:
    """Give an index with a chance in proportion to its weight."""
    totals = list(accumulate(weights))
    return min(bisect(totals, draw * totals[-1]), len(totals) - 1)


def _substitute(text: str, draw: float, draw_read: float) -> str:
    weights = [_LIKELINESS.get(character, 0.02) for character in text]
    weights = [0.0 if character in "- " else w for character, w in zip(text, weights, strict=True)]
    position = _pick(weights, draw)
    reads = CONFUSIONS.get(text[position], (("1", 1.0), ("7", 1.0)))
    read = reads[_pick([weight for _, weight in reads], draw_read)][0]
    return text[:position] + read + text[position + 1 :]


def _delete(text: str, draw: float) -> str:
    last = len(text) - 1
    weights = [0.5 if position in (0, last) else 0.25 for position in range(last + 1)]
    weights = [0.0 if character in "- " else w for character, w in zip(text, weights, strict=True)]
    position = _pick(weights, draw)
    return (text[:position] + text[position + 1 :]).strip("- ")


def _insert(text: str, draw: float, draw_read: float) -> str:
    if draw < 0.8:  # 0.4 at either edge against 0.1 for all other places together
        added = _INSERTED_AT_EDGE[int(draw_read * len(_INSERTED_AT_EDGE))]
        return added + text if draw < 0.4 else text + added
    position = 1 + int((draw - 0.8) / 0.2 * (len(text) - 1))
    return text[:position] + _INSERTED[int(draw_read * len(_INSERTED))] + text[position:]


def _one_error(text: str, draws: Sequence[float]) -> str:
    kind, draw, draw_read = draws[0], draws[1], draws[2]
    if kind < _SUBSTITUTION_SHARE:
        return _substitute(text, draw, draw_read)
    if kind < _SUBSTITUTION_SHARE + _DELETION_SHARE and len(canonical(text)) > 3:
        return _delete(text, draw)
    return _insert(text, draw, draw_read)


def misread(printed: str, draws: Sequence[float]) -> str:
    """Read a plate wrongly: one error, now and then two; never the plate itself.

    Args:
        printed: the plate with its separators, which stay where they are.
        draws: `DRAWS_PER_MISREAD` numbers from 0 (inclusive) to 1 (exclusive).

    """
    once = _one_error(printed, draws[0:3])
    if draws[6] >= _SECOND_ERROR_SHARE:
        return once
    twice = _one_error(once, draws[3:6])
    return once if canonical(twice) == canonical(printed) else twice


def misread_chances() -> npt.NDArray[np.float64]:
    """Give every camera's chance of a misread: float64 in the order of `CAMERAS`."""
    rng = np.random.default_rng(_CAMERA_SEED)
    quality = rng.lognormal(0.0, 0.5, len(CAMERAS))
    return np.asarray(MISREAD_SHARE * quality / quality.mean(), np.float64)


def reader_styles() -> npt.NDArray[np.int64]:
    """Give how every camera's reader writes plates: 0 separators, 1 none, 2 none and lower case."""
    rng = np.random.default_rng(_CAMERA_SEED + 1)
    return np.asarray(rng.choice(3, size=len(CAMERAS), p=(0.55, 0.35, 0.10)), np.int64)


def confidences(
    rng: np.random.Generator, misread_rows: npt.NDArray[np.bool_]
) -> npt.NDArray[np.float64]:
    """Draw the reader's confidence in each plate; wrong ones are lower on the whole."""
    right = 0.5 + 0.5 * rng.beta(7.0, 1.3, len(misread_rows))
    wrong = 0.35 + 0.62 * rng.beta(3.0, 2.0, len(misread_rows))
    return np.where(misread_rows, wrong, right)


def candidates(
    shown: str, truth: str, confidence: float, draws: Sequence[float]
) -> list[tuple[str, float]]:
    """List the readings that a doubtful reader offers, its own first.

    The truth is among them in about two of three misreads; otherwise another misreading stands
    there.
    """
    listed = [(shown, round(confidence, 3))]
    others = [_substitute(shown, draws[1], draws[2])]
    if canonical(shown) != canonical(truth) and draws[0] < 0.67:
        others.insert(0, truth)
    left = confidence
    for other in others:
        left *= 0.55 + 0.4 * draws[3]
        if all(canonical(other) != canonical(plate) for plate, _ in listed):
            listed.append((other, round(left, 3)))
    return listed


def character_confidences(
    shown: str, truth: str, confidence: float, draws: Sequence[float]
) -> list[tuple[str, float]]:
    """Give each character with the reader's confidence; wrong ones are mostly the doubtful ones."""
    same_length = len(shown) == len(truth)
    out: list[tuple[str, float]] = []
    for position, character in enumerate(shown):
        if character in "- ":
            continue
        wrong = same_length and character.upper() != truth[position]
        wobble = draws[position % len(draws)]
        sure = confidence * (0.6 + 0.3 * wobble) if wrong else 1 - (1 - confidence) * wobble
        out.append((character, round(min(max(sure, 0.0), 1.0), 3)))
    return out
