"""The gate before near matching loses no hit, and a hit's probability is Bayes' rule."""

import json
from functools import cache
from typing import Any

import numpy as np
import oracle_reading
import pytest
import strategies
from hypothesis import given, settings
from hypothesis import strategies as st

from anpr_engine.kernels.edits import TWO_EDITS
from anpr_engine.kernels.plate_text import UNREAD_POSITION, USABLE
from anpr_engine.pipeline import match as matching
from anpr_engine.pipeline import near, score
from anpr_engine.pipeline.columns import FUZZY, plate_text
from anpr_engine.pipeline.decode import decode
from anpr_engine.pipeline.find import Pairs
from anpr_engine.pipeline.match import MatchRules, match
from anpr_engine.pipeline.near import NearPairs
from anpr_engine.pipeline.normalise import normalise_plates
from anpr_engine.pipeline.tiers import edits_of
from anpr_engine.plates.draw import draw as draw_plate
from anpr_engine.plates.error_model import Channel, shipped_channel
from anpr_engine.plates.formats import CharacterSet, CountryPack, Layout, PlateFormat
from anpr_engine.plates.normaliser import normalise
from anpr_engine.plates.pack_files import country_packs
from anpr_engine.plates.reading import reading_model
from anpr_engine.records.columns import PlateColumns, ReadColumns
from anpr_engine.records.watchlist_entry import WatchlistEntry
from anpr_engine.simulate.camera_noise import DRAWS_PER_MISREAD, misread
from anpr_engine.watchlist import rare
from anpr_engine.watchlist.snapshot import Snapshot, snapshot_of

GATE = "through_gate"
FILTER = "promising"
WITHOUT_UMLAUTS = str.maketrans("ÄÖÜ", "AOU")
NOW_US = int(strategies.NOW.timestamp() * 1e6)


def entry(number: int, plate: str, country: str | None) -> WatchlistEntry:
    """List a plate."""
    return WatchlistEntry(entry_id=f"e{number}", list_id="be-drugs", plate=plate, country=country)


def read_value(plate: str, country: str | None, confidence: float | None) -> bytes:
    """Write a read as a camera sends it."""
    given_too = {"country": country, "confidence": confidence}
    read = {"read_id": "r1", "camera_id": "c1", "captured_at": "2026-11-22T08:59:59Z"}
    known = {name: value for name, value in given_too.items() if value is not None}
    return json.dumps(read | {"plate": plate} | known).encode()


def hits_of(
    values: list[bytes], snapshot: Snapshot, rules: MatchRules
) -> dict[tuple[int, int], float]:
    """Match reads; give the probability of each pair."""
    reads = decode(values, NOW_US)
    hits = match(reads, normalise_plates(reads, 4), snapshot, rules, NOW_US)
    pairs = zip(hits.read.tolist(), hits.entry.tolist(), strict=True)
    return dict(zip(pairs, hits.probability.tolist(), strict=True))


@cache
def formats() -> list[Any]:
    """Give every country's formats that are on the road."""
    return [each for pack in country_packs() for each in pack.formats if each.share > 0]


def traffic(
    draw: np.random.Generator, listed: int, *, plain: bool = False
) -> tuple[list[WatchlistEntry], list[bytes]]:
    """Draw a small watchlist, and reads of it: right, misread, doubtful, of others too.

    Plain ones have no umlauts.
    """
    entries: list[WatchlistEntry] = []
    values: list[bytes] = []
    for number in range(listed):
        chosen = formats()[draw.integers(len(formats()))]
        plate = draw_plate(draw, chosen)
        if plain:
            plate = plate.translate(WITHOUT_UMLAUTS)
        country = chosen.country if draw.random() < 0.7 else None
        entries.append(entry(number, plate, country))
        for _ in range(3):
            seen = misread(plate, draw.random(DRAWS_PER_MISREAD).tolist())
            claimed = chosen.country if draw.random() < 0.5 else None
            claimed = "NL" if draw.random() < 0.1 else claimed
            confidence = round(float(draw.random()), 3) if draw.random() < 0.8 else None
            shown = seen.replace("-", "").replace(" ", "") if draw.random() < 0.5 else seen
            values.append(read_value(shown, claimed, confidence))
        values.append(read_value(plate.replace("-", ""), None, 0.9))
    return entries, values


def open_gate(patch: pytest.MonkeyPatch) -> None:
    """Let every usable read through."""
    real = getattr(near, GATE)
    every = near.NearRules(1e-250)
    patch.setattr(near, GATE, lambda reads, plates, model, _: real(reads, plates, model, every))


@pytest.mark.slow_interpreted
@given(
    seed=st.integers(0, 2**32 - 1),
    floor=st.sampled_from([1e-6, 1e-3, 0.02, 0.1, 0.5, 0.9]),
    share=st.sampled_from([1e-6, 1e-4, 0.01, 0.3]),
)
@settings(max_examples=40)
def test_the_gate_loses_no_hit(seed: int, floor: float, share: float) -> None:
    """Whatever the floor and the share of listed traffic: the hits of an open gate, to the bit."""
    entries, values = traffic(np.random.default_rng(seed), 12)
    snapshot = snapshot_of(entries)
    rules = MatchRules(near_probability_min=floor, traffic_share=share)
    gated = hits_of(values, snapshot, rules)
    with pytest.MonkeyPatch.context() as patch:
        open_gate(patch)
        ungated = hits_of(values, snapshot, rules)
    assert gated == ungated


def everything(patch: pytest.MonkeyPatch) -> None:
    """Compare every read with every entry within two edits of it: no gate, no search.

    Further ones would change what a read is compared by: as printed, if they all can be printed.
    """

    def all_pairs(
        reads: ReadColumns, plates: PlateColumns, snapshot: Snapshot, *_: object
    ) -> NearPairs:
        usable = (plates.status == USABLE) | (plates.status == UNREAD_POSITION)
        seen = [normalise(plate_text(reads, row)).text for row in range(len(reads))]
        texts = [snapshot.base.rows.texts(entry)[1] for entry in range(len(snapshot))]
        listed = [normalise(text).text for text in texts]
        close = [
            (row, entry)
            for row in np.flatnonzero(usable).tolist()
            for entry in range(len(listed))
            if edits_of(seen[row], listed[entry]) <= TWO_EDITS
        ]
        rows, entries = np.array(close, dtype=np.int64).reshape(-1, 2).T
        flags = np.zeros(len(rows), dtype=np.bool_)
        pairs = Pairs(rows, entries, flags, np.full(len(rows), FUZZY, dtype=np.uint8))
        return NearPairs(pairs, np.zeros(len(reads)))

    patch.setattr(matching, "near_matches", all_pairs)
    patch.setattr(matching, FILTER, lambda _, pairs, *__: np.ones(len(pairs), dtype=np.bool_))


@pytest.mark.slow_interpreted
@given(
    seed=st.integers(0, 2**32 - 1),
    floor=st.sampled_from([1e-3, 0.02, 0.1, 0.5, 0.9]),
    share=st.sampled_from([1e-9, 1e-7, 1e-4, 0.01, 0.3]),
    told_apart=st.booleans(),
)
@settings(max_examples=120)
def test_gate_and_search_together_lose_no_hit_within_two_edits(
    seed: int, floor: float, share: float, *, told_apart: bool
) -> None:
    """Against every read compared with every entry, for texts without umlauts.

    A lost umlaut is not searched for. With small shares a listed vehicle is a thousand times rarer
    than any one of the traffic, as with a million entries. Rare plates are told apart as in a
    long list, or not, as in a short one.
    """
    entries, values = traffic(np.random.default_rng(seed), 10, plain=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rare, "KEYS_MIN", 0 if told_apart else 256)
        snapshot = snapshot_of(entries)
    found = hits_of(
        values, snapshot, MatchRules(near_probability_min=floor / 1.01, traffic_share=share)
    )
    with pytest.MonkeyPatch.context() as patch:
        everything(patch)
        compared = hits_of(
            values, snapshot, MatchRules(near_probability_min=floor, traffic_share=share)
        )
    assert compared.keys() <= found.keys()


def tiny_grammar() -> tuple[CountryPack, ...]:
    """Give a country of two formats: 0 or 1, two letters, two digits; three letters, a digit."""
    letters, digits = CharacterSet("BDIO"), CharacterSet("018")
    first = Layout((CharacterSet("01"), letters, letters, digits, digits), 1.0)
    second = Layout((letters, letters, letters, digits), 1.0)
    formats = (
        PlateFormat("AA-1", "AA", "", (first,), 0.7),
        PlateFormat("AA-2", "AA", "", (second,), 0.26),
    )
    return (CountryPack("AA", "AA", "A", "AAA", 0.98, 0.04, formats, ()),)


@pytest.mark.slow_interpreted
@pytest.mark.parametrize("share", [1e-4, 0.01, 0.3])
@pytest.mark.parametrize("confidence", [0.3, 0.6, 0.8, 0.95, 0.99])
def test_a_probability_is_the_brute_force_posterior(share: float, confidence: float) -> None:
    """Within 5 %: the walk over the traffic leaves out what is negligible."""
    packs, channel = tiny_grammar(), without_worst(shipped_channel())
    draw = np.random.default_rng(5)
    listed = ["0BD18", "1OI01", "DIO8", "XX777"]
    snapshot = snapshot_of([entry(number, text, None) for number, text in enumerate(listed)])
    model = reading_model(packs, channel)
    rules = MatchRules(near_probability_min=1e-6, traffic_share=share, model=model)
    for plate in listed * 3:
        seen = misread(plate, draw.random(DRAWS_PER_MISREAD).tolist())
        expected = oracle_reading.posterior(listed, (seen, confidence), packs, channel, share)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(score, "LUMPINESS", 1.0)
            found = hits_of([read_value(seen, None, confidence)], snapshot, rules)
        for (_, row), probability in found.items():
            wanted = expected[snapshot.base.rows.texts(row)[1]]
            assert probability == pytest.approx(wanted, rel=0.05)


def without_worst(channel: Channel) -> Channel:
    """Give a reader that makes no garbage: what it makes of plates is compared with averages."""
    quality = channel.quality.copy()
    quality[:, -1] = 0.0
    return Channel(channel.rates, channel.bands, quality / quality.sum(axis=1, keepdims=True))
