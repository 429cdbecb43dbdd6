"""The naive twins of the kernels before near matching: every plate, every way to misread it.

A twin has the kernel's name and gives its outputs instead of writing them. Plates are those of
`oracle_reading.traffic_of` as printed, chances those of one state of quality or of several.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import isnan
from typing import Any, TypeAlias

from oracle import ALPHABET, plate_keys
from oracle_reading import SEPARATORS, Rates, Slots, Tokens, bare

from anpr_engine.kernels.channel import DROPPED_AT_EDGE, DROPPED_INSIDE, INSERTED, RATE
from anpr_engine.kernels.tokens import SEPARATOR
from anpr_engine.plates.normaliser import Normalised

Plates: TypeAlias = Sequence[tuple[str, Slots, float]]
"""Country, plate and share of the traffic."""
Way: TypeAlias = tuple[tuple[str, int, int], ...]
"""The edits made: what happened, after how many characters of the plate and of the read."""

GAPS_UNKNOWN = 2**15
GAPS_MAX = 12
"""Separators after this many characters, or more, are not remembered."""


def plate_keys_and_gaps(texts: Sequence[str], characters_min: int) -> list[tuple[Normalised, int]]:
    """Normalise by the complete path, and count the characters before each separator."""
    normalised = plate_keys(texts, characters_min)
    return [(each, _gaps(text)) for each, text in zip(normalised, texts, strict=True)]


def _gaps(text: str) -> int:
    places: set[int] = set()
    count = marks = 0
    for character in text:
        if character.upper() in ALPHABET:
            count += 1
        elif character in SEPARATORS:
            places.add(count)
        elif character >= " ":
            marks += 1
    if count == 0:
        return 0
    inside = sum(1 << place for place in places if 0 < place < min(count, GAPS_MAX))
    return inside + (GAPS_UNKNOWN if marks else 0)


def claimed_shares(plates: Plates, text: Tokens, claims: Mapping[str, float]) -> float:
    """Give the largest share times P(claim | country) of a plate printed so.

    Args:
        plates: of one text each, not of any.
        text: what was read; one without separators may be printed with any.
        claims: P(claim | country).

    """
    same = [
        share * claims[country]
        for country, plate in _spelled(plates)
        for share in [plate[1]]
        if text in (plate[0], bare(plate[0]))
    ]
    return max(same, default=0.0)


def rarer_than(
    shares: Sequence[float],
    known: Sequence[tuple[int, int, bool, float]],
    bands: Sequence[float],
    limits: Sequence[tuple[float, float]],
) -> list[int]:
    """Give the rows of short and usable texts below a limit.

    Args:
        shares: of each read's plate.
        known: each read's key and status, whether it tells doubts of single characters, and its
            confidence.
        bands: where bands of confidence begin but the first.
        limits: by band, the last for reads without confidence: without and with doubts.

    """
    rows = []
    for row, (share, (key, status, doubts, confidence)) in enumerate(
        zip(shares, known, strict=True)
    ):
        band = -1 if isnan(confidence) else sum(confidence >= first for first in bands)
        short = key < len(" " + ALPHABET) ** 12
        if short and status in (0, 2) and share < limits[band][doubts]:
            rows.append(row)
    return rows


def _spelled(plates: Plates) -> Iterator[tuple[str, tuple[Tokens, float]]]:
    # The plates that are one text; those of no format stand for any.
    for country, slots, share in plates:
        if len(slots[0]) == 1:
            yield country, (tuple(slot[0] for slot in slots), share)


def explained_parts(
    plates: Plates, read: Tokens, rates: Rates, edits_max: int
) -> dict[tuple[str, Tokens, int, Way], Any]:
    """Spell out all ways of one edit or more in which plates can be read so: share times P(way).

    By country, plate, its place among all, and way. A read with separators is compared with
    plates as printed, and edits are of characters alone; the chances are those of the characters.
    """
    found: dict[tuple[str, Tokens, int, Way], Any] = {}
    for place, (country, (plate, share)) in enumerate(_spelled(plates)):
        shown = plate if SEPARATOR in read else bare(plate)
        for way, chance in _ways(shown, read, (0, 0), rates, edits_max):
            if way:
                # A character may be added on either side of a separator: that is one way.
                found[country, bare(plate), place, way] = share * chance
    return found


def _ways(
    plate: Tokens, read: Tokens, at: tuple[int, int], rates: Rates, edits: int
) -> Iterator[tuple[Way, Any]]:
    # Each way to read what is left of a plate as what is left of the read, and its chance.
    if edits < 0:
        return
    printed, place = at
    before, length = len(bare(plate[:printed])), len(bare(plate))
    where = (before, len(bare(read[:place])))
    added = rates[DROPPED_AT_EDGE if before in (0, length) else DROPPED_INSIDE, RATE]
    seen = read[place] if place < len(read) else None
    if seen not in (None, SEPARATOR):
        chance = added * rates[INSERTED, seen]
        rest = _ways(plate, read, (printed, place + 1), rates, edits - 1)
        yield from _with(("added", *where), chance, rest)
    if printed == len(plate):
        if seen is None:
            yield (), 1 - added
        return
    token = plate[printed]
    if token == SEPARATOR:
        if seen == SEPARATOR:
            yield from _ways(plate, read, (printed + 1, place + 1), rates, edits)
        return
    lost = rates[DROPPED_AT_EDGE if before in (0, length - 1) else DROPPED_INSIDE, token]
    rest = _ways(plate, read, (printed + 1, place), rates, edits - 1)
    yield from _with(("lost", *where), (1 - added) * lost, rest)
    if seen not in (None, SEPARATOR):
        chance = (1 - added) * (1 - lost) * rates[token, seen]
        rest = _ways(plate, read, (printed + 1, place + 1), rates, edits - (token != seen))
        yield from _with(None if token == seen else ("replaced", *where), chance, rest)


def _with(
    edit: tuple[str, int, int] | None,
    chance: Any,  # noqa: ANN401 - a number, or one a state
    rest: Iterable[tuple[Way, Any]],
) -> Iterator[tuple[Way, Any]]:
    for way, more in rest:
        yield (way if edit is None else (edit, *way)), chance * more
