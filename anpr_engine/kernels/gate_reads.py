"""The reads at the gate before near matching, see `kernels.gate`: which plates read are rare?"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from anpr_engine.kernels._jit import (
    Word,
    f64,
    given,
    helper,
    i32,
    i64,
    kernel,
    record,
    u8,
    u16,
    u64,
    written,
)
from anpr_engine.kernels.gate import (
    GAP_MASKS,
    GATE,
    GATE_PAIRS,
    KEYS_BELOW,
    PAIR_BASE,
    SET_BITS,
    SET_WORDS,
    SHARE,
    GateTables,
    begins_with_word,
    take_row,
)
from anpr_engine.kernels.json_values import SPAN_CHARACTERS
from anpr_engine.kernels.plate_text import (
    KEY_BASE,
    LONG_KEYS_FROM,
    UNREAD_POSITION,
    USABLE,
    count_characters,
)

_LONG_KEYS = np.uint64(LONG_KEYS_FROM)


class ClaimedShares(NamedTuple):
    """What a read's claim of a country makes of the formats' shares; arrays read-only.

    places: uint8 (65536,), a country code's row in the shares.
    shares: float64 (claims, rows), a single plate's share of the traffic times P(claim | country).
    """

    places: NDArray[np.uint8]
    shares: NDArray[np.float64]


class ClaimedPlates(NamedTuple):
    """Plates read; all arrays read-only.

    keys: uint64 (n,). gaps: uint16 (n,), where separators were read, see `kernels.plate_text`.
    codes: uint16 (n,), of the countries claimed, 0 for none.
    """

    keys: NDArray[np.uint64]
    gaps: NDArray[np.uint16]
    codes: NDArray[np.uint16]


class GateReads(NamedTuple):
    """Reads at the gate; all arrays read-only.

    keys: uint64 (n,). status: uint8 (n,), see `kernels.plate_text`. spans: int32 (n, SPANS, 2), see
    `kernels.json_values`. confidence: float64 (n,), NaN where none is given.
    """

    keys: NDArray[np.uint64]
    status: NDArray[np.uint8]
    spans: NDArray[np.int32]
    confidence: NDArray[np.float64]


_CLAIMED = record(ClaimedShares, given(u8), given(f64, 2))
_PLATES = record(ClaimedPlates, given(u64), given(u16), given(u16))
_READS = record(GateReads, given(u64), given(u8), given(i32, 3), given(f64))


@helper
def _first_word_of(key: Word, count: Word, gap: Word, tables: GateTables) -> Word:
    # The first word, in as many steps for every text: what is not known in advance costs more.
    pairs = tables.pairs[count]
    left = tables.gaps[count, gap, 0]
    for pair in range(GATE_PAIRS):
        left &= pairs[pair, np.int64(key % np.uint64(PAIR_BASE))]
        key = key // np.uint64(PAIR_BASE)
    return left


@helper
def _word_of(key: Word, count: Word, of: Word, tables: GateTables) -> Word:
    # One word of the row set of a text's formats.
    gap, word = of
    sets = tables.sets[count]
    left = tables.gaps[count, gap, word]
    for place in range(count - 1, -1, -1):
        left &= sets[place, np.int64(key % np.uint64(KEY_BASE)), word]
        key = key // np.uint64(KEY_BASE)
    return left


@helper
def _band_of(confidence: Word, bands: NDArray[np.float64], count: Word) -> Word:
    # As `Channel.band_of`: how many bands begin at this confidence or below.
    if np.isnan(confidence):
        return count - 1
    band = 0
    for place in range(bands.shape[0]):
        band += 1 if bands[place] <= confidence else 0
    return band


@helper
def _claimed_share(read: Word, enough: Word, tables: GateTables, claimed: Word) -> Word:
    # The share of one read's plate, see `claimed_shares`.
    key, gap = read
    count = count_characters(key)
    most = 0.0
    for word in range(SET_WORDS):
        # The likeliest formats come first: of most texts the first word says all.
        likeliest = tables.first[count] + word * SET_BITS
        if likeliest >= tables.values.shape[0] or tables.values[likeliest, SHARE] <= most:
            break
        if word == 0:
            left = _first_word_of(key, count, gap, tables)
        else:
            left = _word_of(key, count, (gap, word), tables)
        while left != np.uint64(0):
            row, left = take_row(left, word, count, tables)
            if tables.values[row, SHARE] <= most:
                # The others are rarer still, whatever country is claimed.
                break
            if begins_with_word(key, count, row, tables):
                most = max(most, claimed[row])
                if most >= enough:
                    return most
    return most


@kernel(_PLATES, GATE, _CLAIMED, f64, written(f64))
def claimed_shares(
    plates: ClaimedPlates,
    tables: GateTables,
    claimed: ClaimedShares,
    enough: float,
    shares: NDArray[np.float64],
) -> None:
    """Look up the share of the traffic of exactly this plate and the claimed country.

    Args:
        plates: the texts read.
        tables: the formats.
        claimed: what each format's share is for each claim.
        enough: a share of so much or more need not be the largest.
        shares: float64 (n,), written: of the format that has the most of it; 0 where there is
            none, or where the separators read are not those of such a plate.

    """
    for read in range(shares.shape[0]):
        key, gap = plates.keys[read], np.int64(plates.gaps[read])
        shares[read] = 0.0
        if key == np.uint64(0) or key >= KEYS_BELOW or gap >= GAP_MASKS:
            continue
        by_row = claimed.shares[claimed.places[plates.codes[read]]]
        shares[read] = _claimed_share((key, gap), enough, tables, by_row)


@kernel(given(f64), _READS, given(f64), given(f64, 2), written(i64))
def rarer_than(
    shares: NDArray[np.float64],
    reads: GateReads,
    bands: NDArray[np.float64],
    limits: NDArray[np.float64],
    rows: NDArray[np.int64],
) -> None:
    """Choose the reads whose own plate is rarer than a limit; long and unusable ones never are.

    Args:
        shares: float64 (n,), see `claimed_shares`.
        reads: the reads.
        bands: float64, where bands of confidence begin but the first; reads without a confidence
            are in a band of their own, the last.
        limits: float64 (2, bands), by band for reads without and with doubts of single characters.
        rows: int64 (n + 1,), written: how many there are, and their rows, rising.

    """
    highest = 0.0
    for band in range(limits.shape[1]):
        highest = max(highest, limits[0, band], limits[1, band])
    count = 0
    for row in range(shares.shape[0]):
        # Of most reads one comparison says all.
        if shares[row] >= highest or reads.keys[row] >= _LONG_KEYS:
            continue
        doubts = 1 if reads.spans[row, SPAN_CHARACTERS, 1] > 0 else 0
        band = _band_of(reads.confidence[row], bands, limits.shape[1])
        usable = reads.status[row] in (USABLE, UNREAD_POSITION)
        if usable and shares[row] < limits[doubts, band]:
            count += 1
            rows[count] = row
    rows[0] = count
