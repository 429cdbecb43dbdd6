"""How much a pair is worth: P(the vehicle seen is the listed one | everything the read says).

Bayes' rule over all explanations of one read: each listed plate that may have been misread into
it, and every other vehicle, summed over all plates that the countries' grammars allow. A listed
plate is no other vehicle's: its own part of the traffic is taken out of the sum.

    P(w | r) = prior(w) P(r | w) / (sum over w' of prior(w') P(r | w') + P(r | traffic))

The prior of a listed plate is the share of reads of any listed vehicle, over the entries listed.
The reader's claim of a country, and what its camera usually sees, belong to what was read. A read
that shows separators is compared as printed; separators tell where a character was lost.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anpr_engine.kernels.json_values import SPAN_PLATE
from anpr_engine.kernels.plate_forms import NO_FORM, written_plate
from anpr_engine.kernels.plate_text import LONG_KEYS_FROM, WILDCARD_KEYS_FROM
from anpr_engine.kernels.tokens import (
    PLAIN,
    TOKENS_MAX,
    has_umlaut,
    read_tokens,
    tokens_of_keys,
    without_separators,
)
from anpr_engine.pipeline.columns import plate_text
from anpr_engine.pipeline.doubts import careful_among
from anpr_engine.pipeline.find import Pairs
from anpr_engine.plates.normaliser import normalise
from anpr_engine.plates.printing import printings, tokens_of
from anpr_engine.plates.reading import ReadingModel
from anpr_engine.plates.spellings import spelt_out
from anpr_engine.records.columns import ReadColumns, country_text
from anpr_engine.watchlist.snapshot import Snapshot

SPELLED_OUT = 0.05
"""How often an umlaut is written AE, OE or UE."""
LUMPINESS = 1.7
"""Series in use lie closer together than the packs' even shares say, so a plate has more
neighbours on the road than on average: fitted by the calibration of near matches."""
LEFT_MIN = 1e-4
"""Of P(r | traffic) at least this part is taken to be of other plates than the listed ones."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What some reads of a batch say, as the error model takes it.

    rows: int64 (n,), their rows in the batch, rising.
    printed, printed_lengths: int8 (n, TOKENS_MAX) and int64 (n,), with separators.
    bare, bare_lengths: without.
    bands: int64 (n,). claims: float64 (n, countries), P(claim | country), times what the read's
        camera usually sees of it, see `CameraMixes.of_reads`.
    """

    rows: NDArray[np.int64]
    printed: NDArray[np.int8]
    printed_lengths: NDArray[np.int64]
    bare: NDArray[np.int8]
    bare_lengths: NDArray[np.int64]
    bands: NDArray[np.int64]
    claims: NDArray[np.float64]

    def chosen(self, places: NDArray[np.bool_] | NDArray[np.intp]) -> "Evidence":
        """Take some of the reads."""
        return Evidence(
            self.rows[places],
            self.printed[places],
            self.printed_lengths[places],
            self.bare[places],
            self.bare_lengths[places],
            self.bands[places],
            self.claims[places],
        )

    @property
    def gaps(self) -> NDArray[np.bool_]:
        """Say which reads show separators."""
        return self.printed_lengths > self.bare_lengths


def evidence_of(reads: ReadColumns, rows: NDArray[np.int64], model: ReadingModel) -> Evidence:
    """Look at some reads of a batch; those that the error model cannot take are left out."""
    tokens = np.empty((len(rows), TOKENS_MAX), dtype=np.int8)
    lengths = np.empty(len(rows), dtype=np.int64)
    spans = np.ascontiguousarray(reads.spans[rows, SPAN_PLATE])
    read_tokens(reads.buffer, spans, tokens, lengths)
    for place in np.flatnonzero(lengths < 0).tolist() + _careful_places(reads, rows):
        tokens[place] = tokens_of(normalise(plate_text(reads, int(rows[place]))).text)
        lengths[place] = int((tokens[place] >= 0).sum())
    bare, bare_lengths = without_separators(tokens, lengths)
    found = Evidence(
        rows,
        tokens,
        lengths,
        bare,
        bare_lengths,
        model.channel.band_of(reads.confidence[rows]),
        model.claims_of(reads, rows),
    )
    return found.chosen(bare_lengths > 0)


def _careful_places(reads: ReadColumns, rows: NDArray[np.int64]) -> list[int]:
    if not reads.careful:
        return []
    return np.flatnonzero(careful_among(reads, rows)).tolist()


@dataclass(frozen=True, slots=True)
class ListedPlates:
    """The plates of pairs.

    keys: uint64 (p,). country: uint16 (p,) codes, 0 for none.
    form: uint32 (p,), how they are written, see `kernels.plate_forms`.
    """

    keys: NDArray[np.uint64]
    country: NDArray[np.uint16]
    form: NDArray[np.uint32]

    @property
    def identities(self) -> NDArray[np.uint64]:
        """Give each plate with its country as one number: uint64 (p,)."""
        # Keys use all 64 bits only for hashes of long texts.
        return self.keys * np.uint64(65537) + self.country


def listed_plates(pairs: Pairs, snapshot: Snapshot) -> ListedPlates:
    """Look up the plates of pairs."""
    keys = np.empty(len(pairs), dtype=np.uint64)
    country = np.empty(len(pairs), dtype=np.uint16)
    form = np.empty(len(pairs), dtype=np.uint32)
    for chosen, rows in pairs.by_block(snapshot):
        entry = pairs.entry[chosen]
        keys[chosen] = rows.keys[entry]
        country[chosen] = rows.country[entry]
        form[chosen] = rows.form[entry]
    return ListedPlates(keys, country, form)


def pair_evidence(
    evidence: Evidence,
    places: NDArray[np.int64],
    plates: ListedPlates,
    model: ReadingModel,
    bare_only: NDArray[np.int64] | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Give P(read | plate) of pairs, and which reads were compared as printed.

    Args:
        evidence: of the reads.
        places: int64 (p,), each pair's read, its place in the evidence.
        plates: of the entries.
        model: the errors.
        bare_only: int64, places of reads to compare without separators; none by default.

    Returns float64 (p,) and bool (reads of the evidence,).

    """
    tokens, lengths = tokens_of_keys(plates.keys)
    gaps = evidence.gaps.copy()
    if bare_only is not None:
        gaps[bare_only] = False
    ways = [
        _ways(plates, pair) if gaps[place] else () for pair, place in enumerate(places.tolist())
    ]
    for place, way in zip(places.tolist(), ways, strict=True):
        gaps[place] &= bool(way)
    bare = ~gaps[places]
    found = np.zeros(len(places))
    rows = places[bare]
    found[bare] = model.pairs(
        tokens[bare],
        evidence.bare[rows],
        np.column_stack([lengths[bare], evidence.bare_lengths[rows]]),
        evidence.bands[rows],
    )
    _add_printed(evidence, (places, ways, gaps), found, model)
    _add_spelled(evidence, (places, plates), found, model)
    return found, gaps


def _add_spelled(
    evidence: Evidence,
    of: tuple[NDArray[np.int64], ListedPlates],
    found: NDArray[np.float64],
    model: ReadingModel,
) -> None:
    # Hashed keys are equal texts; an umlaut may have been spelled out, as registers do.
    places, plates = of
    able = has_umlaut(plates.keys) & np.asarray((evidence.bare < PLAIN).all(axis=1))[places]
    able |= plates.keys >= np.uint64(LONG_KEYS_FROM)
    if not able.any():
        return
    starts = model.starts(evidence.bare, evidence.bands).sum(axis=1)
    for pair in np.flatnonzero(able & (found < starts[places] * SPELLED_OUT)).tolist():
        key = int(plates.keys[pair])
        if key >= LONG_KEYS_FROM:
            found[pair] = starts[places[pair]] if key < WILDCARD_KEYS_FROM else 0.0
            continue
        listed = written_plate(key, 0)
        spelled = spelt_out(listed)
        if spelled != listed and (tokens_of(spelled) == evidence.bare[places[pair]]).all():
            found[pair] = starts[places[pair]] * SPELLED_OUT


def _ways(plates: ListedPlates, pair: int) -> tuple[str, ...]:
    key = int(plates.keys[pair])
    if key >= LONG_KEYS_FROM:
        return ()
    ways = printings(written_plate(key, 0), country_text(int(plates.country[pair])))
    form = int(plates.form[pair])
    if not ways and form != NO_FORM and form:
        return (written_plate(key, form),)
    return ways


def _add_printed(
    evidence: Evidence,
    of: tuple[NDArray[np.int64], Sequence[tuple[str, ...]], NDArray[np.bool_]],
    found: NDArray[np.float64],
    model: ReadingModel,
) -> None:
    # A plate that may be printed in two ways is printed in each of them as often as not.
    places, ways, gaps = of
    chosen = [(pair, way) for pair, some in enumerate(ways) if gaps[places[pair]] for way in some]
    if not chosen:
        return
    pair_of = np.array([pair for pair, _ in chosen])
    tokens = np.stack([tokens_of(way) for _, way in chosen])
    rows = places[pair_of]
    lengths = np.column_stack([(tokens >= 0).sum(axis=1), evidence.printed_lengths[rows]])
    each = model.pairs(tokens, evidence.printed[rows], lengths, evidence.bands[rows])
    shares = np.array([1 / len(ways[pair]) for pair, _ in chosen])
    np.add.at(found, pair_of, each * shares)


def country_factors(
    claims: NDArray[np.float64],
    plates: ListedPlates,
    shares: NDArray[np.float64],
    model: ReadingModel,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weigh the reader's claim of a country, and the plate's own part of the traffic.

    Args:
        claims: float64 (p, countries), of each pair's read.
        plates: of the entries.
        shares: float64 (p, countries), each plate's own share of the traffic.
        model: the countries.

    Returns float64 (p,) P(claim | entry), and float64 (p,) the part of P(claim, plate | traffic)
    that is the listed vehicle itself.

    """
    mixes = shares + model.shares * 1e-12
    mixes /= mixes.sum(axis=1, keepdims=True)
    for code in np.unique(plates.country[plates.country != 0]).tolist():
        row = np.zeros(len(model.countries))
        row[model.place_of(code)] = 1.0
        mixes[plates.country == code] = row
    weights = claims * mixes
    return weights.sum(axis=1), (weights * shares).sum(axis=1)


def posteriors(
    places: NDArray[np.int64],
    keys: NDArray[np.uint64],
    worth: NDArray[np.float64],
    own: NDArray[np.float64],
    traffic: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Weigh all explanations of each read against each other: float64 (p,).

    Args:
        places: int64 (p,), each pair's read.
        keys: uint64 (p,), each pair's plate and country as one number.
        worth: float64 (p,), prior times likelihood of each pair.
        own: float64 (p,), the listed plate's own part of `traffic`.
        traffic: float64 (reads,), (1 - share) P(read | traffic).

    """
    listed = np.zeros(len(traffic))
    taken_out = np.zeros(len(traffic))
    # Several entries of one plate are one vehicle: it counts once.
    order = np.lexsort((keys, places))
    again = np.zeros(len(order), dtype=np.bool_)
    again[1:] = (places[order][1:] == places[order][:-1]) & (keys[order][1:] == keys[order][:-1])
    first = order[~again]
    np.add.at(listed, places[first], worth[first])
    np.add.at(taken_out, places[first], own[first])
    others = np.maximum(traffic - taken_out, traffic * LEFT_MIN) * LUMPINESS
    total = listed[places] + others[places]
    return np.divide(worth, total, out=np.zeros_like(worth), where=total > 0)
