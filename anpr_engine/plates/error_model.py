"""How readers misread: learned rates, by confidence, as a channel that the kernels work with.

Reading quality is a hidden state: the same reader reads a clean plate almost without error and a
dirty one with several. Each band of the reader's confidence has its own mixture of the states; a
reader that gives no confidence has the mixture of all.

The rates of a state are few: how often a character is taken for another, lost, or added, inside a
plate and at its edges. Which character is taken for which, and how prone each one is, is shared
by the states, so that a few thousand pairs are enough to learn it.
"""

from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Annotated

import msgspec
import numpy as np
from numpy.typing import NDArray

from anpr_engine.errors import UsageError
from anpr_engine.kernels.channel import (
    CHANNEL_COLUMNS,
    CHANNEL_ROWS,
    DROPPED_AT_EDGE,
    DROPPED_INSIDE,
    INSERTED,
    QUALITIES,
    RATE,
)
from anpr_engine.kernels.tokens import CHARACTERS, JUNK, PLAIN, SEPARATOR, TOKEN_OF, TOKENS
from anpr_engine.kernels.traffic import (
    ADDED,
    CLASS_COLUMNS,
    DEAREST_ADDED,
    DEAREST_LOST,
    LOST,
)

ERROR_MAX = 0.95
"""No character is misread more often than this, however bad the state."""
DROPPED_MAX = 0.9
UMLAUT_LOST = 0.3
"""How often an umlaut is read as the vowel under its dots."""
PLACE = "anpr_engine.plates"
MODEL_FILE = "errors.json"
FORMAT = 1

Row = Annotated[list[float], msgspec.Meta(min_length=TOKENS, max_length=TOKENS)]
States = Annotated[list[float], msgspec.Meta(min_length=QUALITIES, max_length=QUALITIES)]


class ErrorModel(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Learned rates; what a model file holds.

    bands: upper bounds of the confidence bands, rising; the last band is open.
    quality: P(state | band), a row a band, and one more for reads without a confidence.
    substituted, lost_inside, lost_at_edge, separator_lost, added_inside, added_at_edge: per state.
    confused: float (TOKENS, TOKENS), printed by read, relative: times `substituted` it is a rate.
    lost: float (TOKENS,), how prone a character is to be lost, relative.
    added: float (TOKENS,), which token is read where none is printed; sums to 1.
    """

    format: int = FORMAT
    name: str
    fitted_on: str
    bands: list[float]
    quality: list[States]
    substituted: States
    lost_inside: States
    lost_at_edge: States
    separator_lost: States
    added_inside: States
    added_at_edge: States
    confused: Annotated[list[Row], msgspec.Meta(min_length=TOKENS, max_length=TOKENS)]
    lost: Row
    added: Row


@dataclass(frozen=True, slots=True)
class Channel:
    """A model as the kernels take it.

    rates: float64 (CHANNEL_ROWS, CHANNEL_COLUMNS, QUALITIES), see `kernels.channel`.
    bands: float64 (b,). quality: float64 (b + 2, QUALITIES), the last row without confidence.
    """

    rates: NDArray[np.float64]
    bands: NDArray[np.float64]
    quality: NDArray[np.float64]

    def band_of(self, confidence: NDArray[np.float64]) -> NDArray[np.int64]:
        """Give each read's band: float64 (n,), NaN where not given, to int64 (n,)."""
        bands = np.searchsorted(self.bands, confidence, side="right")
        return np.where(np.isnan(confidence), len(self.quality) - 1, bands)

    def on_the_road(self, misread_share: float) -> "Channel":
        """Give the same reader on a road where this share of its reads has an error.

        A model is fitted on reads chosen for their errors; of ordinary reads fewer come from the
        bad states of quality, whatever the confidence says. The states' weights are changed so
        that a plate of seven characters is misread that often; never to more than was fitted.
        """
        right = np.diagonal(self.rates[:PLAIN, :PLAIN]).T.mean(axis=0)
        right = (right * (1 - self.rates[DROPPED_INSIDE, :PLAIN].mean(axis=0))) ** 7
        low, high = 0.0, 1.0
        for _ in range(60):
            weight = (low + high) / 2
            mixture = self.quality[-1] * weight ** np.arange(QUALITIES)
            misread = 1 - (mixture / mixture.sum() * right).sum()
            low, high = (weight, high) if misread < misread_share else (low, weight)
        weighed = self.quality * high ** np.arange(QUALITIES)
        return replace(self, quality=weighed / weighed.sum(axis=1, keepdims=True))

    def class_sums(self, classes: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sum the rates over the characters of classes, as `kernels.traffic` needs them.

        Args:
            classes: float64 (classes, TOKENS), how much of each character; class 0 is empty.

        Returns float64 (classes, 2, CLASS_COLUMNS, QUALITIES), the mixture still 0.

        """
        sums = np.zeros((len(classes), 2, CLASS_COLUMNS, QUALITIES))
        for edge, dropped_row in enumerate((DROPPED_INSIDE, DROPPED_AT_EDGE)):
            lost = self.rates[dropped_row, :TOKENS]
            kept = (1 - lost)[:, None] * self.rates[:TOKENS, :TOKENS]
            sums[:, edge, :TOKENS] = np.einsum("ct,trq->crq", classes, kept)
            sums[:, edge, LOST] = classes @ lost
            sums[0, edge, :TOKENS] = self.rates[INSERTED, :TOKENS]
            sums[:, edge, ADDED] = self.rates[dropped_row, RATE]
        added = sums[0, :, :TOKENS].max(axis=1) * sums[0, :, ADDED]
        sums[0, :, DEAREST_ADDED] = added.max(axis=0)
        sums[0, :, DEAREST_LOST] = sums[1:, :, LOST].max(axis=(0, 1))
        return sums


def channel_of(model: ErrorModel) -> Channel:
    """Turn a model into the arrays that the kernels take."""
    rates = np.zeros((CHANNEL_ROWS, CHANNEL_COLUMNS, QUALITIES))
    relative = np.array(model.confused)
    np.fill_diagonal(relative, 0.0)
    for quality in range(QUALITIES):
        wrong = relative * model.substituted[quality]
        total = wrong.sum(axis=1)
        wrong *= np.minimum(1.0, ERROR_MAX / np.maximum(total, 1e-12))[:, None]
        np.fill_diagonal(wrong, 1.0 - wrong.sum(axis=1))
        rates[:TOKENS, :TOKENS, quality] = wrong
    for umlaut, vowel in zip(_UMLAUTS, _VOWELS, strict=True):
        # Not an error but a reader without umlauts: as likely in the best state as in the worst.
        rates[umlaut, vowel] = np.maximum(rates[umlaut, vowel], UMLAUT_LOST)
        rates[umlaut, umlaut] -= np.maximum(rates[umlaut].sum(axis=0) - 1.0, 0.0)
    rates[INSERTED, :TOKENS] = np.array(model.added)[:, None]
    lost = np.array(model.lost)[:, None]
    for row, lost_rate, added in (
        (DROPPED_INSIDE, model.lost_inside, model.added_inside),
        (DROPPED_AT_EDGE, model.lost_at_edge, model.added_at_edge),
    ):
        rates[row, :TOKENS] = np.minimum(DROPPED_MAX, lost * np.array(lost_rate))
        rates[row, SEPARATOR] = model.separator_lost
        rates[row, JUNK] = lost_rate
        rates[row, RATE] = added
    return Channel(rates, np.array(model.bands), np.array(model.quality))


def load_error_model(path: Path | None = None) -> ErrorModel:
    """Read a model file; the one that comes with the engine when none is named.

    Raises:
        UsageError: the file is no error model.

    """
    source = path or resources.files(PLACE).joinpath(MODEL_FILE)
    try:
        model = msgspec.json.decode(source.read_bytes(), type=ErrorModel)
    except (OSError, msgspec.DecodeError) as error:
        raise UsageError(
            f"{source} is no error model: {error}.", "Make one with `anpr errors fit`."
        ) from None
    if model.format != FORMAT or len(model.quality) != len(model.bands) + 2:
        raise UsageError(
            f"{source} is an error model of another make.", "Fit it again with `anpr errors fit`."
        )
    return model


def save_error_model(model: ErrorModel, path: Path) -> None:
    """Write a model file, readable and the same for the same model."""
    path.write_bytes(msgspec.json.format(msgspec.json.encode(model), indent=0) + b"\n")


@cache
def shipped_channel() -> Channel:
    """Give the channel of the model that comes with the engine."""
    return channel_of(load_error_model())


def prior_confusions() -> NDArray[np.float64]:
    """Give what is believed of confusions before any pair was seen: float64 (TOKENS, TOKENS).

    Characters that are drawn alike, from vendors' and published lists of look-alikes; every other
    confusion is possible but rare. An umlaut is as likely read without its dots as not.
    """
    rates = np.full((TOKENS, TOKENS), 0.3 / TOKENS)
    for pair in LOOK_ALIKES:
        first, second, weight = TOKEN_OF[pair[0]], TOKEN_OF[pair[1]], int(pair[2:]) / 100
        rates[first, second] += weight
        rates[second, first] += weight
    rates[:, JUNK] += 0.1
    rates[SEPARATOR, JUNK] += 0.2
    rates[SEPARATOR, TOKEN_OF["1"]] += 0.1
    rates[:, PLAIN:CHARACTERS] *= 0.1
    np.fill_diagonal(rates, 0.0)
    return np.asarray(rates / rates.sum(axis=1, keepdims=True), np.float64)


_UMLAUTS = tuple(TOKEN_OF[umlaut] for umlaut in "ÄÖÜ")
_VOWELS = tuple(TOKEN_OF[vowel] for vowel in "AOU")
LOOK_ALIKES: tuple[str, ...] = (
    *("0O100", "1I100", "8B95", "2Z85", "5S85", "OD80", "0D75", "OQ75", "6G70", "0Q55", "PR55"),
    *("CG50", "VU50", "1750", "VY50", "3845", "6845", "PF45", "7T45", "IL45", "MN45", "3B45"),
    *("A440", "KX40", "FE40", "1L40", "MW40", "NH40", "XY35", "5335", "5835", "PB30", "VW30"),
    *("0830", "3930", "4930", "6E30", "HK30", "ÄA90", "ÖO90", "ÜU90"),
)
"""Pairs that readers confuse and a weight in hundredths relative to 0 and O, both ways."""
