"""An error model in words and figures, and how well one tells what was seen.

A model is judged on pairs that it was not fitted to: by how likely it holds them, and by whether
reads are wrong as often as it says, in every band of the reader's confidence.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from anpr_engine.kernels.channel import DROPPED_INSIDE, QUALITIES, ROOM_SHAPE, pair_likelihoods
from anpr_engine.kernels.plate_text import ALPHABET
from anpr_engine.kernels.tokens import CHARACTERS, TOKENS, without_separators
from anpr_engine.plates.error_fit import Pairs, fit, log_likelihoods
from anpr_engine.plates.error_model import Channel, ErrorModel, channel_of, shipped_channel
from anpr_engine.plates.error_verdicts import with_verdicts

CONFUSIONS_SHOWN = 30
CHARACTERS_SHOWN = 10
TOKEN_NAMES = (*ALPHABET, "gap", "junk")
STATE_NAMES = (*(f"state {number}" for number in range(1, QUALITIES)), "garbage")
_DIGEST_BYTES = 8


@dataclass(frozen=True, slots=True)
class StateRates:
    """How a reader errs in one state of quality; `share` is how many of all reads are in it."""

    state: str
    share: float
    substituted: float
    lost_inside: float
    lost_at_edge: float
    gap_lost: float
    added_inside: float
    added_at_edge: float


@dataclass(frozen=True, slots=True)
class BandStates:
    """How likely each state is for reads of one band of confidence."""

    band: str
    states: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class TokenRate:
    """How often something happens to a character, over all reads."""

    printed: str
    read: str
    rate: float


@dataclass(frozen=True, slots=True)
class ModelSummary:
    """A model as people and programs read it; rates are of all reads, confidence unknown."""

    name: str
    fitted_on: str
    substituted: float
    lost_inside: float
    lost_at_edge: float
    added_inside: float
    added_at_edge: float
    states: tuple[StateRates, ...]
    bands: tuple[BandStates, ...]
    confusions: tuple[TokenRate, ...]
    most_lost: tuple[TokenRate, ...]


@dataclass(frozen=True, slots=True)
class BandErrors:
    """How many reads of one band the model expects to be wrong, and how many were."""

    band: str
    pairs: int
    expected: float
    expected_shipped: float
    seen: float


@dataclass(frozen=True, slots=True)
class FitReport:
    """What came of fitting a model.

    log_likelihood, log_likelihood_shipped: mean over the pairs held out, None where none were; by
    a model fitted to the others, and by the one that comes with the engine.
    log_likelihood_pairs: by the model before verdicts corrected it; None where there were none.
    right_share: of all pairs, how many were read without any error.
    """

    pairs: int
    left_out: int
    held_out: int
    log_likelihood: float | None
    log_likelihood_shipped: float | None
    log_likelihood_pairs: float | None
    right_share: float
    bands: tuple[BandErrors, ...]
    model: ModelSummary


def band_name(bands: Sequence[float], place: int) -> str:
    """Name a band of confidence; the last place is that of reads without one."""
    if place > len(bands):
        return "none given"
    low = bands[place - 1] if place else 0.0
    high = bands[place] if place < len(bands) else 1.0
    return f"{low:.2f} to {high:.2f}"


def summary_of(model: ErrorModel) -> ModelSummary:
    """Put a model into words and figures."""
    channel = channel_of(model)
    shares = channel.quality[-1]
    columns = (
        model.substituted,
        model.lost_inside,
        model.lost_at_edge,
        model.separator_lost,
        model.added_inside,
        model.added_at_edge,
    )
    rows = zip(STATE_NAMES, shares.tolist(), *columns, strict=True)
    quality = channel.quality.tolist()
    bands = [BandStates(band_name(model.bands, at), tuple(row)) for at, row in enumerate(quality)]
    return ModelSummary(
        name=model.name,
        fitted_on=model.fitted_on,
        substituted=float(shares @ np.array(model.substituted)),
        lost_inside=float(shares @ np.array(model.lost_inside)),
        lost_at_edge=float(shares @ np.array(model.lost_at_edge)),
        added_inside=float(shares @ np.array(model.added_inside)),
        added_at_edge=float(shares @ np.array(model.added_at_edge)),
        states=tuple(StateRates(*row) for row in rows),
        bands=tuple(bands),
        confusions=strongest_confusions(channel, CONFUSIONS_SHOWN),
        most_lost=_most_lost(channel),
    )


def strongest_confusions(channel: Channel, count: int) -> tuple[TokenRate, ...]:
    """Name the characters most often taken for another one, the most frequent first."""
    rates = channel.rates[:CHARACTERS, :TOKENS] @ channel.quality[-1]
    np.fill_diagonal(rates, 0.0)
    order = np.argsort(-rates, axis=None, kind="stable")[:count]
    printed, read = np.unravel_index(order, rates.shape)
    return tuple(
        TokenRate(TOKEN_NAMES[one], TOKEN_NAMES[other], float(rates[one, other]))
        for one, other in zip(printed.tolist(), read.tolist(), strict=True)
    )


def _most_lost(channel: Channel) -> tuple[TokenRate, ...]:
    rates = channel.rates[DROPPED_INSIDE, :CHARACTERS] @ channel.quality[-1]
    order = np.argsort(-rates, kind="stable")[:CHARACTERS_SHOWN].tolist()
    return tuple(TokenRate(TOKEN_NAMES[one], "", float(rates[one])) for one in order)


def is_right(pairs: Pairs) -> NDArray[np.bool_]:
    """Say which pairs were read without any error: bool (n,)."""
    return np.asarray((pairs.tokens[:, 0] == pairs.tokens[:, 1]).all(axis=1), np.bool_)


def right_rates(pairs: Pairs, channel: Channel) -> NDArray[np.float64]:
    """Give P(read without any error | plate, confidence) of pairs: float64 (n,)."""
    plates = np.ascontiguousarray(pairs.tokens[:, 0])
    lengths = np.ascontiguousarray(pairs.lengths[:, [0, 0]])
    found = np.empty((len(pairs), QUALITIES))
    pair_likelihoods(plates, lengths, plates, channel.rates, np.empty(ROOM_SHAPE), found)
    weighted = found * channel.quality[channel.band_of(pairs.confidence)]
    return np.asarray(weighted.sum(axis=1), np.float64)


def held_out_rows(pairs: Pairs, share: float) -> NDArray[np.bool_]:
    """Choose the pairs to test with, bool (n,): by plate, so that no vehicle is on both sides."""
    limit = share * 256**_DIGEST_BYTES
    texts = _bare_texts(pairs)
    digests = (hashlib.blake2b(text, digest_size=_DIGEST_BYTES).digest() for text in texts)
    chosen = [int.from_bytes(digest, "big") < limit for digest in digests]
    return np.array(chosen, dtype=np.bool_)


def fit_and_report(
    pairs: Pairs,
    testing: NDArray[np.bool_],
    name: str,
    fitted_on: str,
    verdicts: Pairs | None = None,
) -> tuple[ErrorModel, FitReport]:
    """Fit a model to all pairs, and judge the fitting by a model that saw only some of them.

    Args:
        pairs: to learn from, at least one.
        testing: bool (n,), the pairs that the judged model is not fitted to.
        name: of the model.
        fitted_on: what the pairs are.
        verdicts: pairs from a control room's verdicts, which correct the model; they are no
            pairs to judge by, for alerts have chosen them.

    """
    model = _corrected(fit(pairs, name, fitted_on), verdicts)
    test = pairs.chosen(testing)
    report = FitReport(
        pairs=len(pairs),
        left_out=pairs.left_out,
        held_out=0,
        log_likelihood=None,
        log_likelihood_shipped=None,
        log_likelihood_pairs=None,
        right_share=float(is_right(pairs).mean()),
        bands=(),
        model=summary_of(model),
    )
    if not 0 < len(test) < len(pairs):
        return model, report
    before = fit(pairs.chosen(~testing), name, fitted_on)
    others = None if verdicts is None else verdicts.chosen(~same_plates(verdicts, test))
    judged = channel_of(_corrected(before, others))
    shipped = shipped_channel()
    by_pairs = None if verdicts is None else log_likelihoods(test, channel_of(before))[0]
    return model, replace(
        report,
        held_out=len(test),
        log_likelihood=log_likelihoods(test, judged)[0],
        log_likelihood_shipped=log_likelihoods(test, shipped)[0],
        log_likelihood_pairs=by_pairs,
        bands=_band_errors(test, judged, shipped),
    )


def _corrected(model: ErrorModel, verdicts: Pairs | None) -> ErrorModel:
    return model if verdicts is None else with_verdicts(model, verdicts)


def same_plates(pairs: Pairs, others: Pairs) -> NDArray[np.bool_]:
    """Say which pairs are of a plate that other pairs are of: bool (n,)."""
    known = set(_bare_texts(others))
    return np.array([text in known for text in _bare_texts(pairs)], dtype=np.bool_)


def _bare_texts(pairs: Pairs) -> list[bytes]:
    bare, _ = without_separators(pairs.tokens[:, 0], pairs.lengths[:, 0])
    return [row.tobytes() for row in bare]


def _band_errors(test: Pairs, judged: Channel, shipped: Channel) -> tuple[BandErrors, ...]:
    bands = judged.band_of(test.confidence)
    expected = 1 - right_rates(test, judged)
    by_shipped = 1 - right_rates(test, shipped)
    seen = ~is_right(test)
    return tuple(
        BandErrors(
            band=band_name(judged.bands.tolist(), band),
            pairs=int(rows.sum()),
            expected=float(expected[rows].mean()),
            expected_shipped=float(by_shipped[rows].mean()),
            seen=float(seen[rows].mean()),
        )
        for band in np.unique(bands).tolist()
        for rows in [bands == band]
    )
