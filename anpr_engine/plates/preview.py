"""What listing a plate would do, before it is listed: which misreads fire, and on whom.

Of the texts within two edits of the plate the likeliest ones are looked at, some thousands; they
are nearly all that a reader makes of the plate, and how much they are is told.

Why the probability is asked of the caller: there is one way to work it out, the matcher's, and a
second one here would sooner or later promise something else.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anpr_engine.kernels.channel import QUALITIES, ROOM_SHAPE, pair_likelihoods
from anpr_engine.kernels.plate_text import ALPHABET, KEY_CHARACTERS_EXACT
from anpr_engine.plates.error_fit import text_tokens
from anpr_engine.plates.error_model import Channel
from anpr_engine.plates.identify import fits
from anpr_engine.plates.wildcard import ANY_CHARACTER, ANY_RUN, Wildcard
from anpr_engine.plates.wildcard_share import PlateCounter

Worth = Callable[[Sequence[str]], NDArray[np.float64]]
"""Gives the probability of a hit on the plate for canonical texts read: float64 (n,)."""
SHOWN_MAX = 20
TEXTS_MAX = 4_000
"""Texts asked the probability of, unless told otherwise; that takes a second or two."""
CANDIDATES = 10
"""Texts of which the likeliest are taken: all one edit away, and with the neighbours of the
likeliest of them this many times as many as are wanted."""
_MILLION = 1e6


@dataclass(frozen=True, slots=True)
class PreviewRules:
    """What a preview assumes.

    entries: entries listed altogether. traffic_share: share of reads of any listed vehicle.
    probability_min: near matches below it do not fire. confidence: the reader's, None for all.
    characters_min: shorter reads match nothing. texts_max: misreads to look at.
    """

    entries: int
    traffic_share: float
    probability_min: float
    confidence: float | None = None
    characters_min: int = 4
    texts_max: int = TEXTS_MAX


@dataclass(frozen=True, slots=True)
class Misread:
    """A text that a reader may make of the plate.

    likelihood: P(text | plate). probability: of a hit on it. formats: that the text fits itself.
    """

    text: str
    likelihood: float
    probability: float
    fires: bool
    edits: int
    formats: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PlatePreview:
    """What listing a plate would do.

    exact: the plate read without error. misreads: the likeliest others.
    firing, below: how many misreads looked at would fire, and would not.
    firing_valid: how many of those that fire are valid plates themselves.
    valid_near: valid plates within one edit, whether they fire or not.
    found_share: of this vehicle's reads, how many fire; below_share: how many do not;
        what is left of 1 was not looked at.
    false_hits_per_million: hits of other vehicles on this entry, in a million reads.
    """

    plate: str
    formats: tuple[str, ...]
    rules: PreviewRules
    exact: Misread
    misreads: tuple[Misread, ...]
    firing: int
    firing_valid: int
    below: int
    valid_near: int
    found_share: float
    below_share: float
    false_hits_per_million: float


@dataclass(frozen=True, slots=True)
class WildcardPreview:
    """What listing a plate with unknown characters would do.

    plates, traffic_share: valid plates that it describes, and their part of the traffic.
    probability: of a hit on any of them.
    """

    plate: str
    rules: PreviewRules
    plates: int
    traffic_share: float
    probability: float
    hits_per_million: float


def preview_plate(text: str, channel: Channel, worth: Worth, rules: PreviewRules) -> PlatePreview:
    """Say what listing a plate would do.

    Args:
        text: canonical.
        channel: how readers err.
        worth: the matcher's probabilities.
        rules: what is assumed.

    """
    near = _one_edit(text, rules)
    texts, likelihood = _likeliest(text, near, channel, rules)
    probability = worth(texts)
    # Read as listed, it always fires; the floor is for near matches.
    fires = probability >= rules.probability_min
    fires[0] = True
    formats = [_formats(each) for each in texts]
    valid = np.array([bool(found) for found in formats])
    first = min(SHOWN_MAX + 1, len(texts))
    shown = [
        Misread(
            texts[at],
            float(likelihood[at]),
            float(probability[at]),
            bool(fires[at]),
            0 if at == 0 else 1 if texts[at] in near else 2,
            formats[at],
        )
        for at in range(first)
    ]
    return PlatePreview(
        plate=text,
        formats=formats[0],
        rules=rules,
        exact=shown[0],
        misreads=tuple(shown[1:]),
        firing=int(fires[1:].sum()),
        firing_valid=int((fires & valid)[1:].sum()),
        below=int((~fires).sum()),
        valid_near=sum(bool(fits(each)) for each in near),
        found_share=float(likelihood[fires].sum()),
        below_share=float(likelihood[~fires].sum()),
        false_hits_per_million=_false_hits(likelihood[fires], probability[fires], rules),
    )


def preview_wildcard(
    wildcard: Wildcard, country: str, counter: PlateCounter, worth: Worth, rules: PreviewRules
) -> WildcardPreview:
    """Say what listing a plate with unknown characters would do.

    Args:
        wildcard: what is to be listed.
        country: count this country's plates only; empty for all.
        counter: of the valid plates.
        worth: the matcher's probabilities.
        rules: what is assumed.

    """
    share = counter.share(wildcard, country)
    # Whatever stands at the unknown places, the probability is the same.
    example = wildcard.text.replace(ANY_RUN, "").replace(ANY_CHARACTER, "0")
    return WildcardPreview(
        plate=wildcard.text,
        rules=rules,
        plates=share.plates,
        traffic_share=share.traffic_share,
        probability=float(worth([example])[0]),
        hits_per_million=share.traffic_share * _MILLION,
    )


def _formats(text: str) -> tuple[str, ...]:
    return tuple(one.format_id for one in fits(text))


def _edited(text: str) -> Iterator[str]:
    for place in range(len(text) + 1):
        before, after = text[:place], text[place + 1 :]
        for character in ALPHABET:
            yield before + character + text[place:]
            if place < len(text):
                yield before + character + after
        if place < len(text):
            yield before + after


def _one_edit(text: str, rules: PreviewRules) -> frozenset[str]:
    # Longer texts than the keys hold whole are compared as they are, and have no near matches.
    if len(text) > KEY_CHARACTERS_EXACT:
        return frozenset()
    least = max(1, rules.characters_min)
    found = {each for each in _edited(text) if least <= len(each) <= KEY_CHARACTERS_EXACT}
    return frozenset(found - {text})


def _likeliest(
    text: str, near: frozenset[str], channel: Channel, rules: PreviewRules
) -> tuple[list[str], NDArray[np.float64]]:
    """Give the texts to look at, the plate first, then the likeliest; and P(text | plate)."""
    texts = sorted(near)
    likelihood = _likelihoods(text, texts, channel, rules)
    order = np.argsort(-likelihood, kind="stable").tolist()
    seen = {text, *texts}
    for place in order:
        if len(seen) >= CANDIDATES * rules.texts_max:
            break
        more = _one_edit(texts[place], rules) - seen
        seen |= more
        texts += sorted(more)
    likelihood = _likelihoods(text, texts, channel, rules)
    places = np.argsort(-likelihood, kind="stable")[: rules.texts_max].tolist()
    exact = _likelihoods(text, [text], channel, rules)
    return [text, *(texts[at] for at in places)], np.concatenate([exact, likelihood[places]])


def _likelihoods(
    text: str, texts: Sequence[str], channel: Channel, rules: PreviewRules
) -> NDArray[np.float64]:
    if not texts:
        return np.zeros(0)
    reads, read_lengths = text_tokens(texts)
    plate, plate_length = text_tokens([text])
    plates = np.ascontiguousarray(np.repeat(plate, len(texts), axis=0))
    lengths = np.column_stack([np.repeat(plate_length, len(texts)), read_lengths])
    found = np.empty((len(texts), QUALITIES))
    pair_likelihoods(plates, lengths, reads, channel.rates, np.empty(ROOM_SHAPE), found)
    sure = np.array([np.nan if rules.confidence is None else rules.confidence])
    return np.asarray(found @ channel.quality[channel.band_of(sure)[0]], np.float64)


def _false_hits(
    likelihood: NDArray[np.float64], probability: NDArray[np.float64], rules: PreviewRules
) -> float:
    # By Bayes' rule the rest of the probability is other vehicles, prior and likelihood being ours.
    ours = likelihood * rules.traffic_share / rules.entries
    possible = probability > 0
    others = ours[possible] * (1 / probability[possible] - 1)
    return float(others.sum() * _MILLION)
