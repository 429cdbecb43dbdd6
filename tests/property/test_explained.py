"""The bound of what reads may have been, against every plate and every way to misread it."""

from collections import Counter, defaultdict

import numpy as np
import oracle_reading
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from oracle_reading import Tokens, bare, text_of
from read_worlds import UMLAUT, World, even_channel, pack_of, plain_packs, world_of
from reading_rows import mixture_of
from test_traffic_sum import tiny_packs

from anpr_engine.kernels.channel import DROPPED_INSIDE, RATE
from anpr_engine.kernels.explained_tables import (
    BEST,
    BOUND_COLUMNS,
    LIMITS,
    MOST,
    NEED,
    NOTHING,
    SeenReads,
)
from anpr_engine.kernels.plate_text import KEY_BASE
from anpr_engine.kernels.tokens import SEPARATOR
from anpr_engine.plates.error_model import shipped_channel
from anpr_engine.plates.formats import (
    CountryPack,
)
from anpr_engine.plates.normaliser import plate_key
from anpr_engine.plates.reading import reading_model, shipped_reading
from anpr_engine.records.columns import country_code

PART_SEEN = 64
"""Plates that are a smaller part of the sum may be left out of it."""


@pytest.mark.slow_interpreted
@given(data=st.data(), packs=plain_packs(words=True))
@settings(max_examples=40)
def test_the_sum_over_one_edit_has_every_way_that_matters(
    data: st.DataObject, packs: tuple[CountryPack, ...]
) -> None:
    """Not above the sum of all ways, nor below that of ways of 1/64 of it or more.

    To the bit, if errors are as frequent at the edges as elsewhere; the bound takes the rarer.
    """
    world = world_of(data, packs, even_channel())
    assume(UMLAUT not in world.read)
    ways = world.ways(1)
    total = sum(ways.values())
    assume(total > 0)
    bounds, _ = world.explained((1e300, 0.0), alone=True)
    sure = sum(part for part in ways.values() if part * PART_SEEN >= total)
    assert sure * (1 - 1e-9) <= bounds[NEED] <= total * (1 + 1e-9)


@pytest.mark.slow_interpreted
@given(data=st.data(), packs=plain_packs(words=False))
@settings(max_examples=40)
def test_the_sum_over_two_edits_has_every_way_that_matters(
    data: st.DataObject, packs: tuple[CountryPack, ...]
) -> None:
    """As with one edit, but for the gap between two characters that each edit may count."""
    world = world_of(data, packs, even_channel())
    assume(UMLAUT not in world.read)
    ways = world.ways(2)
    total = sum(ways.values())
    bounds, _ = world.explained((0.0, 0.0), alone=True)
    nothing_added = 1 - world.model.channel.rates[DROPPED_INSIDE, RATE, :-1].max()
    sure = sum(part for part in ways.values() if part * PART_SEEN >= total)
    assert sure * nothing_added * (1 - 1e-9) <= bounds[NEED] <= total * (1 + 1e-9)


@pytest.mark.slow_interpreted
@given(data=st.data(), packs=tiny_packs(), claimed=st.sampled_from([None, "AA", "BB", "CC"]))
@settings(max_examples=40)
def test_the_sum_is_never_above_the_truth(
    data: st.DataObject, packs: tuple[CountryPack, ...], claimed: str | None
) -> None:
    """Of whatever grammar and claim: P(read | traffic), without separators and with them.

    With them the characters alone are summed up: the separators must be read right, too.
    """
    world = world_of(data, packs, shipped_channel())
    code = country_code(claimed) if claimed else 0
    bounds, _ = world.explained((0.0, 0.0), alone=False, country=code)
    for printed in (False, True) if SEPARATOR in world.read else (False,):
        part, truth = world.truth(packs, code, printed=printed)
        assert bounds[NEED] * part <= truth * (1 + 1e-9)


@pytest.mark.parametrize(
    ("layouts", "read"),
    [
        (("OOO", "010"), "Z-010"),
        (("OOO", "010"), "010-Z"),
        (("O-OO", "0-10"), "0-Z-10"),
        (("O-OO", "0-10"), "0-10-Z"),
        (("O-O", "00-0"), "0-Z-0"),
    ],
)
def test_who_added_a_character_and_a_separator_made_two_errors(
    layouts: tuple[str, ...], read: str
) -> None:
    """A separator beside an added character belongs to the plate, or was added as well."""
    packs = pack_of(*layouts)
    (seen,) = oracle_reading.read_tokens([read])
    model = reading_model(packs, shipped_channel())
    world = World(model, oracle_reading.traffic_of(packs, printed=True), seen or (), 5)
    bounds, _ = world.explained((0.0, 0.0), alone=False)
    part, truth = world.truth(packs, 0, printed=True)
    assert bounds[NEED] * part <= truth


@pytest.mark.slow_interpreted
@given(data=st.data(), packs=plain_packs(words=True), odds=st.sampled_from([1.0, 1e3, 1e6]))
@settings(max_examples=40)
def test_a_plate_that_is_half_of_the_sum_is_named(
    data: st.DataObject, packs: tuple[CountryPack, ...], odds: float
) -> None:
    """If it stands in two formats at most; or else it is likely enough to be searched for."""
    world = world_of(data, packs, shipped_channel())
    bounds, named = world.explained((odds, world.model.densest), alone=False)
    own: dict[Tokens, float] = defaultdict(float)
    for (_, plate, _, _), part in world.ways(2).items():
        own[plate] += part
    printed = (bare(slot[0] for slot in slots) for _, slots, _ in world.plates)
    formats = Counter(plate for plate in printed)
    for plate, part in own.items():
        if part >= bounds[NEED] / 2 and formats[plate] <= 2 and plate != bare(world.read):
            likelihood = oracle_reading.pair_likelihoods(
                plate, bare(world.read), world.model.channel.rates
            )
            searched = float(likelihood @ world.mixture) >= odds * bounds[NEED]
            assert plate_key(text_of(plate)) in named or searched


@pytest.mark.slow_interpreted
@given(data=st.data(), packs=tiny_packs())
@settings(max_examples=40)
def test_no_plate_within_two_edits_is_likelier_than_the_bound(
    data: st.DataObject, packs: tuple[CountryPack, ...]
) -> None:
    """P(read | plate) of every plate but the one read, garbage included."""
    world = world_of(data, packs, shipped_channel())
    bounds, _ = world.explained((0.0, 0.0), alone=False)
    mixture, read = mixture_of(world.band, garbage=True), bare(world.read)
    plates = {bare(slot[0] for slot in slots) for _, slots, _ in world.plates}
    for plate in plates - {read}:
        likelihood = oracle_reading.pair_likelihoods(plate, read, world.model.channel.rates, 2)
        assert float(likelihood @ mixture) <= bounds[BEST] * (1 + 1e-9)


@pytest.mark.slow_interpreted
@given(data=st.data(), packs=tiny_packs(), odds=st.sampled_from([1e-3, 1.0, 1e2, 1e4, 1e6]))
@settings(max_examples=40)
def test_a_text_that_competes_with_every_other_plate_is_looked_at_no_further(
    data: st.DataObject, packs: tuple[CountryPack, ...], odds: float
) -> None:
    """If, and only if, no other plate is so many times as likely as the plate of just this text."""
    world = world_of(data, packs, shipped_channel())
    whole, named = world.explained((0.0, world.model.densest), alone=False)
    cut, others = world.explained((0.0, world.model.densest), alone=False, beside=odds)
    if cut[BEST] > 0:
        assert np.array_equal(cut, whole)
        assert others == named
    else:
        assert cut[NEED] <= whole[NEED]
        assert cut[NEED] * odds >= whole[BEST]
        assert not others


def test_without_reads_nothing_is_bounded() -> None:
    """An empty batch gives empty arrays."""
    none = SeenReads(
        np.zeros(0, np.uint64),
        np.zeros(0, np.uint16),
        np.zeros(0, np.int64),
        np.zeros((0, len(shipped_reading().countries))),
        np.zeros(0),
        np.zeros((0, LIMITS)),
    )
    bounds, reads, keys = shipped_reading().explained_parts(none)
    assert (bounds.shape, len(reads), len(keys)) == ((0, BOUND_COLUMNS), 0, 0)


def test_no_character_is_likelier_than_the_rest_says() -> None:
    """Where naming stops, no character further down can be worth it, in any state of quality."""
    tables = shipped_reading().explained
    for seen, ranked in enumerate(tables.ranked.tolist()):
        assert sorted(ranked) == list(range(KEY_BASE))
        assert ranked[-1] == NOTHING
        for rank in range(KEY_BASE - 1):
            later = tables.ratios[MOST, seen, ranked[rank : KEY_BASE - 1]]
            assert (tables.rest[seen, rank] >= later).all()
