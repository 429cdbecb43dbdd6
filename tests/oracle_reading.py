"""The naive twins of the kernels that weigh how a plate is misread: every way, every plate.

A twin has the kernel's name and gives its outputs instead of writing them. Rates are those of a
channel (see `kernels.channel`): one state of quality, or all of them along the last axis.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import product
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from anpr_engine.kernels.channel import DROPPED_AT_EDGE, DROPPED_INSIDE, INSERTED, RATE
from anpr_engine.kernels.channel_counts import KEPT_AT_EDGE, KEPT_INSIDE
from anpr_engine.kernels.plate_text import ALPHABET
from anpr_engine.kernels.tokens import JUNK, SEPARATOR, TOKENS, TOKENS_MAX
from anpr_engine.plates.error_model import Channel
from anpr_engine.plates.formats import CountryPack, Layout, Separator, WordSet
from anpr_engine.plates.traffic import ODD, ODD_LENGTHS, ODD_SHARE

Tokens: TypeAlias = tuple[int, ...]
Slots: TypeAlias = Sequence[Sequence[int]]
"""A plate by position: the tokens that may stand there, each as likely as the others."""
Rates: TypeAlias = NDArray[np.float64]
Event: TypeAlias = tuple[int, int]
"""A cell of the counts of `kernels.channel_counts`."""

SEPARATORS = "-_ .,:;'\"/|"
ODD_TOKENS: Sequence[int] = range(36)


def read_tokens(texts: Sequence[str]) -> list[Tokens | None]:
    """Give each text's tokens, None where it is too long or no plain text."""
    return [_tokens_of(text) for text in texts]


def _tokens_of(text: str) -> Tokens | None:
    found: list[int] = []
    for character in text:
        upper = character.upper()
        if character < " ":
            continue
        if len(upper) == 1 and upper in ALPHABET:
            found.append(ALPHABET.index(upper))
        elif character in SEPARATORS:
            found += [SEPARATOR] if found and found[-1] != SEPARATOR else []
        elif character < "\x80":
            found.append(JUNK)
        else:
            return None
    if len(found) > TOKENS_MAX:
        return None
    return tuple(found[:-1] if found and found[-1] == SEPARATOR else found)


def key_tokens(keys: Sequence[int]) -> list[Tokens]:
    """Give the tokens that keys of up to twelve characters are made of, none for others."""
    return [_digits(key) if key < 40**12 else () for key in keys]


def _digits(key: int) -> Tokens:
    return (*_digits(key // 40), key % 40 - 1) if key else ()


def bare_tokens(rows: Iterable[Tokens]) -> list[Tokens]:
    """Leave the separators out."""
    return [tuple(each for each in row if each != SEPARATOR) for row in rows]


def text_of(tokens: Iterable[int]) -> str:
    """Write tokens as a text, gaps as hyphens."""
    return "".join((ALPHABET + "-?")[token] for token in tokens)


def bare(tokens: Iterable[int]) -> Tokens:
    """Leave the separators out."""
    return tuple(token for token in tokens if token != SEPARATOR)


def pair_likelihoods(
    plate: Sequence[int], read: Sequence[int], rates: Rates, edits_max: float = math.inf
) -> Any:  # noqa: ANN401 - a number, or one a state
    """Sum over all ways in which a plate can be read so, with some edits at most."""
    return slot_likelihood([(token,) for token in plate], read, rates, edits_max)


def slot_likelihood(
    slots: Slots,
    read: Sequence[int],
    rates: Rates,
    edits_max: float = math.inf,
    stray: float = math.inf,
) -> Any:  # noqa: ANN401 - a number, or one a state
    """Give the mean of P(read | plate) over all plates that fill slots.

    Left out are ways of more edits than `edits_max`, and those in which, once a slot is used, a
    part of the read is further ahead of the plate, or behind it, than the whole of it by `stray`.
    """
    excess = len(read) - len(slots)
    last = len(slots)
    gap_added = [
        rates[DROPPED_AT_EDGE if gap in (0, last) else DROPPED_INSIDE, RATE]
        for gap in range(last + 1)
    ]
    fates = [_fates(slot, place in (0, last - 1), rates) for place, slot in enumerate(slots)]

    @cache
    def rest(printed: int, place: int, edits: float) -> Any:  # noqa: ANN401 - as above
        # What is read from a place on, before the slot `printed` is looked at.
        added = gap_added[printed]
        total = 0.0 * added
        far = not min(0, excess) - stray <= place - printed <= max(0, excess) + stray
        if edits < 0 or (printed > 0 and far):
            return total
        if place < len(read):
            total = added * rates[INSERTED, read[place]] * rest(printed, place + 1, edits - 1)
        if printed == last:
            return total + (1 - added) * (place == len(read))
        lost, seen_as = fates[printed]
        following = lost * rest(printed + 1, place, edits - 1)
        if place < len(read):
            left = edits - (slots[printed] != (read[place],))
            following = following + seen_as[read[place]] * rest(printed + 1, place + 1, left)
        return total + (1 - added) * following

    return rest(0, 0, edits_max)


def _fates(slot: Sequence[int], at_edge: bool, rates: Rates) -> tuple[Rates, Rates]:  # noqa: FBT001
    # P(lost), and P(not lost and read as this token) by token: means over what may stand there.
    tokens = list(slot)
    lost = rates[DROPPED_AT_EDGE if at_edge else DROPPED_INSIDE, tokens]
    kept = (1 - lost)[:, None] * rates[tokens, :TOKENS]
    return lost.mean(axis=0), kept.mean(axis=0)


def channel_counts(plate: Tokens, read: Tokens, weight: float, rates: Rates) -> dict[Event, float]:
    """List every way to line two texts up; add up what happened, each way by its probability."""
    ways = list(_ways(plate, read, 0, rates))
    total = sum(chance for chance, _ in ways)
    counts: dict[Event, float] = defaultdict(float)
    for chance, events in ways:
        for event in events:
            counts[event] += weight * chance / total
    return counts


def _ways(
    plate: Tokens, read: Tokens, printed: int, rates: Rates
) -> Iterator[tuple[float, tuple[Event, ...]]]:
    # Each way to read what is left of a plate as what is left of the read, and its events.
    left = len(plate) - printed
    at_edge = printed == 0 or left == 0
    gap, nothing = (DROPPED_AT_EDGE, KEPT_AT_EDGE) if at_edge else (DROPPED_INSIDE, KEPT_INSIDE)
    added = float(rates[gap, RATE])
    if read:
        chance = added * float(rates[INSERTED, read[0]])
        for more, events in _ways(plate, read[1:], printed, rates):
            yield chance * more, ((gap, RATE), (INSERTED, read[0]), *events)
    if left == 0:
        if not read:
            yield 1 - added, ((nothing, RATE),)
        return
    token = plate[printed]
    at_edge = printed == 0 or left == 1
    row, kept = (DROPPED_AT_EDGE, KEPT_AT_EDGE) if at_edge else (DROPPED_INSIDE, KEPT_INSIDE)
    lost = float(rates[row, token])
    for more, events in _ways(plate, read, printed + 1, rates):
        yield (1 - added) * lost * more, ((nothing, RATE), (row, token), *events)
    if read:
        chance = (1 - added) * (1 - lost) * float(rates[token, read[0]])
        for more, events in _ways(plate, read[1:], printed + 1, rates):
            yield chance * more, ((nothing, RATE), (kept, token), (token, read[0]), *events)


def plates_of(layout: Layout) -> list[Tokens]:
    """List every plate of a layout as printed."""
    choices: list[list[str]] = []
    for part in layout.parts:
        if isinstance(part, Separator):
            choices.append(["-"])
        else:
            choices.append(list(part.words if isinstance(part, WordSet) else part.characters))
    return [
        tuple((ALPHABET + "-").index(each) for each in "".join(row)) for row in product(*choices)
    ]


def traffic_of(packs: Sequence[CountryPack], *, printed: bool) -> list[tuple[str, Slots, float]]:
    """List country, plate and share of the traffic of all plates; the odd ones in slots."""
    found: list[tuple[str, Slots, float]] = []
    for pack in packs:
        shares = [(one, each.share * one.share) for each in pack.formats for one in each.layouts]
        for layout, share in (*shares, *((odd, odd.share) for odd in pack.odd)):
            plates = plates_of(layout)
            for plate in plates:
                slots = [(token,) for token in (plate if printed else bare(plate))]
                found.append((pack.country, slots, pack.traffic_share * share / len(plates)))
        found += _odd(pack.country, pack.traffic_share * pack.free_share, printed=printed)
    found += _odd(ODD, ODD_SHARE, printed=printed)
    total = math.fsum(share for _, _, share in found)
    return [(country, slots, share / total) for country, slots, share in found]


def _odd(country: str, part: float, *, printed: bool) -> Iterator[tuple[str, Slots, float]]:
    # Any letters and digits; half of them with one gap, anywhere.
    for length, share in ODD_LENGTHS.items():
        yield country, [ODD_TOKENS] * length, part * share / 2
        for gap in range(1, length):
            middle = [(SEPARATOR,)] * printed
            slots: Slots = [*[ODD_TOKENS] * gap, *middle, *[ODD_TOKENS] * (length - gap)]
            yield country, slots, part * share / 2 / (length - 1)


def traffic_likelihoods(
    plates: Iterable[tuple[str, Slots, float]],
    read: Tokens,
    rates: Rates,
    mixture: Rates,
    span: float = math.inf,
    stray: float = math.inf,
) -> dict[str, float]:
    """Read every plate of the traffic: P(country of the plate, read).

    Plates longer or shorter than the read by more than `span` are left out.
    """
    found: dict[str, float] = defaultdict(float)
    known: dict[tuple[Sequence[int], ...], float] = {}
    for country, slots, share in plates:
        text = tuple(slots)
        if text not in known:
            likelihood = slot_likelihood(slots, read, rates, stray=stray)
            known[text] = float(likelihood @ mixture) * (abs(len(text) - len(read)) <= span)
        found[country] += share * known[text]
    return found


def plate_densities(plates: Iterable[tuple[str, Slots, float]], text: Tokens) -> dict[str, float]:
    """Add up the shares of the plates with exactly this text, by country."""
    found: dict[str, float] = defaultdict(float)
    for country, slots, share in plates:
        if tuple(slots) == tuple((token,) for token in text):
            found[country] += share
    return found


def near_rows(
    read: Tokens, listed: Sequence[Tokens], need: float, rates: Rates, mixture: Rates
) -> set[int]:
    """Compare a read with every listed text; give the places of those near and likely enough."""
    if not 4 <= len(read) <= 12:
        return set()
    likely = [float(pair_likelihoods(text, read, rates, 2) @ mixture) for text in listed]
    return {place for place, found in enumerate(likely) if 0 < found >= need}


def mark_halves(codes: Iterable[int]) -> set[int]:
    """Give the codes that are some plate's: the kernel may add strangers, never leave one out."""
    return set(codes)


def posterior(
    entries: Sequence[str],
    read: tuple[str, float],
    packs: Sequence[CountryPack],
    channel: Channel,
    share: float,
) -> dict[str, float]:
    """Give P(the vehicle is this entry's | read) by summing over every plate there is.

    Args:
        entries: plates as printed; all together have `share` of the traffic, each the same.
        read: the text read, with or without separators, and its confidence (NaN: not given).
        packs: tiny grammars; the other traffic.
        channel: the reader.
        share: how much of the traffic is listed.

    """
    seen = _tokens_of(read[0]) or ()
    printed = SEPARATOR in seen
    mixture = channel.quality[channel.band_of(np.array([read[1]]))[0]]
    joint: dict[str, float] = {}
    for entry in entries:
        plate = _tokens_of(entry) or ()
        likelihood = pair_likelihoods(plate if printed else bare(plate), seen, channel.rates)
        joint[entry] = share / len(entries) * float(likelihood @ mixture)
    texts = {bare(_tokens_of(entry) or ()) for entry in entries}
    plates = [
        (country, slots, part)
        for country, slots, part in traffic_of(packs, printed=printed)
        # A listed plate is no other vehicle's.
        if bare(slot[0] for slot in slots) not in texts or len(slots[0]) > 1
    ]
    others = sum(traffic_likelihoods(plates, seen, channel.rates, mixture).values())
    total = math.fsum(joint.values()) + (1 - share) * others
    return {entry: part / total for entry, part in joint.items()}
