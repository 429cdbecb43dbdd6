"""Tiny worlds of plates with one read, for the kernels before near matching."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import oracle
import oracle_near
import oracle_reading
from hypothesis import assume
from hypothesis import strategies as st
from numpy.typing import NDArray
from oracle_reading import Tokens, bare, text_of
from reading_rows import mixture_of
from test_kernels import spans_of

from anpr_engine.kernels.channel import DROPPED_AT_EDGE, DROPPED_INSIDE, RATE
from anpr_engine.kernels.explained_tables import SeenReads
from anpr_engine.kernels.plate_text import plate_keys_and_gaps
from anpr_engine.kernels.tokens import SEPARATOR, tokens_of_keys
from anpr_engine.pipeline.near import unknown_shares
from anpr_engine.plates.error_model import Channel, shipped_channel
from anpr_engine.plates.formats import (
    CharacterSet,
    CountryPack,
    Layout,
    Part,
    PlateFormat,
    Separator,
    WordSet,
)
from anpr_engine.plates.reading import ReadingModel, reading_model
from anpr_engine.records.columns import PlateColumns

CHARACTERS = "0O1I8"
UMLAUT = oracle.ALPHABET.index("Ä")
TOKENS_DRAWN = [oracle.ALPHABET.index(each) for each in (*CHARACTERS, "Z", "Ä")]


@st.composite
def plain_packs(draw: st.DrawFn, *, words: bool) -> tuple[CountryPack, ...]:
    """Draw a tiny country whose plates the bound knows in full: no umlauts, words only first."""
    layouts = []
    for _ in range(3):
        parts: list[Part] = []
        if words and draw(st.booleans()):
            spelt = draw(st.sets(st.text("OIB", min_size=2, max_size=2), min_size=1, max_size=3))
            parts = [WordSet(tuple(sorted(spelt))), *[Separator()] * draw(st.integers(0, 1))]
        for _ in range(draw(st.integers(2, 3))):
            sets = st.sets(st.sampled_from(CHARACTERS), min_size=1, max_size=2)
            parts += [CharacterSet("".join(sorted(draw(sets))))]
            parts += [Separator()] * draw(st.integers(0, 1))
        layouts.append(Layout(tuple(parts[:-1] if parts[-1] == Separator() else parts), 0.3))
    formats = tuple(PlateFormat(f"AA-{n}", "AA", "", (one,), 0.3) for n, one in enumerate(layouts))
    return (CountryPack("AA", "AA", "A", "AAA", 0.9, 0.04, formats, ()),)


@dataclass(frozen=True)
class World:
    """A tiny grammar, its plates as printed, and a read that few edits part from one of them."""

    model: ReadingModel
    plates: Sequence[tuple[str, oracle_reading.Slots, float]]
    read: Tokens
    band: int

    @property
    def mixture(self) -> NDArray[np.float64]:
        """Give the states of the read but the worst, of which nothing is known."""
        return mixture_of(self.band, garbage=False)

    def ways(self, edits_max: int) -> dict[tuple[str, Tokens, int, oracle_near.Way], float]:
        """Give the twin's ways, all states together."""
        rates = self.model.channel.rates
        found = oracle_near.explained_parts(self.plates, self.read, rates, edits_max)
        return {way: float(chance @ self.mixture) for way, chance in found.items()}

    def columns(self) -> tuple[PlateColumns, NDArray[np.uint8]]:
        """Give the read as a batch of one."""
        buffer, spans = spans_of([text_of(self.read)])
        keys, gaps = np.zeros(1, dtype=np.uint64), np.zeros(1, dtype=np.uint16)
        status = np.zeros(1, dtype=np.uint8)
        plate_keys_and_gaps(buffer, spans, 1, keys, status, gaps)
        return PlateColumns(keys, status, gaps), status

    def explained(
        self,
        limits: tuple[float, float],
        *,
        alone: bool,
        country: int = 0,
        beside: float = 0.0,
    ) -> tuple[NDArray[np.float64], set[int]]:
        """Call the kernel: the bounds, and the keys named. Alone: without plates read right."""
        plates, _ = self.columns()
        codes = np.array([country], dtype=np.uint16)
        claims = self.model.claims(codes)
        texts = tokens_of_keys(plates.keys)
        shares = self.model.claimed_shares(plates, codes)
        shares += unknown_shares(texts, plates.gaps, claims, self.model)
        seen = SeenReads(
            plates.keys,
            plates.gaps,
            np.array([self.band]),
            claims,
            shares * (not alone),
            np.array([[*limits, beside]]),
        )
        bounds, _, keys = self.model.explained_parts(seen)
        return bounds[0], set(keys.tolist())

    def truth(
        self, packs: tuple[CountryPack, ...], code: int, *, printed: bool
    ) -> tuple[float, float]:
        """Give how likely its separators are read right at least, and P(read | traffic)."""
        rates = self.model.channel.rates
        right = rates[SEPARATOR, SEPARATOR] * (1 - rates[DROPPED_INSIDE, SEPARATOR])
        right = (right * (1 - rates[DROPPED_INSIDE, RATE]))[:-1].min()
        claims = self.model.claims(np.array([code]))[0].tolist()
        weights = dict(zip(self.model.countries, claims, strict=True))
        plates = oracle_reading.traffic_of(packs, printed=printed)
        read = self.read if printed else bare(self.read)
        parts = oracle_reading.traffic_likelihoods(plates, read, rates, self.mixture)
        total = sum(part * weights[country] for country, part in parts.items())
        return float(right) ** (len(read) - len(bare(read))), total


def world_of(data: st.DataObject, packs: tuple[CountryPack, ...], channel: Channel) -> World:
    """Draw a read of one to nine characters, as printed or without separators."""
    plates = oracle_reading.traffic_of(packs, printed=True)
    spelt = [slots for _, slots, _ in plates if len(slots[0]) == 1]
    read = [slot[0] for slot in data.draw(st.sampled_from(spelt))]
    characters = st.lists(st.sampled_from(TOKENS_DRAWN), max_size=2)
    for _ in range(data.draw(st.integers(0, 2))):
        place = data.draw(st.integers(0, len(read)))
        if place == len(read) or read[place] != SEPARATOR:
            read[place : place + 1] = data.draw(characters)
    if data.draw(st.booleans()):
        read = list(bare(read))
    (seen,) = oracle_reading.read_tokens([text_of(read).lstrip("-")])
    assume(seen is not None and 1 <= len(bare(seen)) <= 9)
    return World(reading_model(packs, channel), plates, seen or (), data.draw(st.integers(0, 11)))


def even_channel() -> Channel:
    """Give a reader whose errors are the same at the edges as elsewhere."""
    shipped = shipped_channel()
    rates = shipped.rates.copy()
    rates[DROPPED_AT_EDGE] = rates[DROPPED_INSIDE]
    return Channel(rates, shipped.bands, shipped.quality)


def pack_of(*layouts: str) -> tuple[CountryPack, ...]:
    """Write a country whose letters stand for themselves, O for 0 or 1, and hyphens for gaps."""
    formats = []
    for number, text in enumerate(layouts):
        sets = [CharacterSet("01" if each == "O" else each) for each in text.replace("-", " ")]
        parts = tuple(Separator() if one.characters == " " else one for one in sets)
        formats.append(PlateFormat(f"AA-{number}", "AA", "", (Layout(parts, 0.3),), 0.3))
    return (CountryPack("AA", "AA", "A", "AAA", 0.9, 0.04, tuple(formats), ()),)
