"""The sum over all plates against reading each of them."""

from collections.abc import Sequence

import numpy as np
import oracle
import oracle_reading
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from oracle_reading import Slots, Tokens
from reading_rows import few_tokens, mixture_of, rows_of

from anpr_engine.kernels._jit import kept
from anpr_engine.kernels.tokens import without_separators
from anpr_engine.kernels.traffic import (
    LEAST,
    MIXTURE,
    NEGLIGIBLE,
    REACH,
    SPAN,
    WALK_SHAPE,
    Grammar,
    traffic_likelihoods,
)
from anpr_engine.plates.draw import draw as draw_plate
from anpr_engine.plates.error_fit import text_tokens
from anpr_engine.plates.error_model import shipped_channel
from anpr_engine.plates.formats import (
    CharacterSet,
    CountryPack,
    Layout,
    Part,
    PlateFormat,
    Separator,
    WordSet,
)
from anpr_engine.plates.gate import gate_tables
from anpr_engine.plates.normaliser import plate_key
from anpr_engine.plates.pack_files import country_packs
from anpr_engine.plates.reading import reading_model, shipped_reading
from anpr_engine.plates.traffic import STRAY, TrafficTree, traffic_tree


@st.composite
def layouts(draw: st.DrawFn, share: float) -> Layout:
    """Draw a layout of up to 48 plates: words first or last, sets, gaps."""
    sets = st.lists(st.sampled_from("0O1IÄ8"), min_size=1, max_size=2, unique=True)
    parts: list[Part] = []
    for _ in range(draw(st.integers(2, 4))):
        parts.append(CharacterSet("".join(sorted(draw(sets)))))
        if draw(st.booleans()):
            parts.append(Separator())
    if isinstance(parts[-1], Separator):
        parts.pop()
    size = draw(st.integers(0, 3))
    if size:
        spelt = st.text("0O1Ä", min_size=size, max_size=size)
        words = tuple(sorted(draw(st.sets(spelt, min_size=1, max_size=3))))
        parts.insert(draw(st.sampled_from([0, len(parts)])), WordSet(words))
    return Layout(tuple(parts), share)


@st.composite
def tiny_packs(draw: st.DrawFn) -> tuple[CountryPack, ...]:
    """Draw the grammars of two tiny countries."""
    return tuple(draw(_pack(country)) for country in ("AA", "BB"))


@st.composite
def _pack(draw: st.DrawFn, country: str) -> CountryPack:
    first = PlateFormat(f"{country}-1", country, "", (draw(layouts(1.0)),), 0.7)
    both = (draw(layouts(0.25)), draw(layouts(0.75)))
    second = PlateFormat(f"{country}-2", country, "", both, 0.2)
    odd = (draw(layouts(0.06)),)
    return CountryPack(country, country, "A", "AAA", 0.49, 0.04, (first, second), odd)


def run_traffic(
    tree: TrafficTree,
    reads: NDArray[np.int8],
    mixture: NDArray[np.float64],
    totals: Sequence[float],
    *,
    whole: bool,
) -> NDArray[np.float64]:
    """Call the kernel on reads of one mixture of states; `whole`: nothing is too little."""
    sums = shipped_reading().channel.class_sums(tree.classes)
    sums[0, :, MIXTURE] = mixture
    weights = tree.weights.copy()
    weights[:, REACH] = np.inf if whole else weights[:, REACH]
    found = np.tile(np.array(totals, dtype=np.float64), (len(reads), 1))
    grammar = Grammar(kept(tree.tree), kept(weights), kept(sums[None]))
    bands = np.zeros(len(reads), np.int64)
    traffic_likelihoods(reads, bands, grammar, np.zeros(WALK_SHAPE), found)
    return found[:, -1]


def read_near(data: st.DataObject, plates: Sequence[Slots]) -> Tokens:
    """Draw a read that up to two edits part from a plate."""
    read = [slot[0] for slot in data.draw(st.sampled_from(plates))]
    for _ in range(data.draw(st.integers(0, 2))):
        place = data.draw(st.integers(0, len(read)))
        read[place : place + 1] = data.draw(st.lists(few_tokens, max_size=2))
    return tuple(read)


@given(
    data=st.data(),
    packs=tiny_packs(),
    printed=st.booleans(),
    band=st.integers(0, 11),
    steps=st.integers(0, 99),
)
@settings(max_examples=40)
def test_traffic_is_the_sum_over_every_plate(
    data: st.DataObject, packs: tuple[CountryPack, ...], band: int, steps: int, *, printed: bool
) -> None:
    """The walk sums each plate of the grammars, odd ones too, whatever country is claimed."""
    plates = oracle_reading.traffic_of(packs, printed=printed)
    read = read_near(data, [slots for _, slots, _ in plates])
    mixture = mixture_of(band, garbage=False)
    rates = shipped_reading().channel.rates
    by_country = oracle_reading.traffic_likelihoods(plates, read, rates, mixture, SPAN, STRAY)
    tree = traffic_tree(packs, printed=printed)
    rows = rows_of([read])
    for claimed in ((1, 1, 1), (0.95, 0.01, 0.01), (0.01, 0.95, 0.01), (0.01, 0.01, 0.95)):
        parts = zip(tree.countries, claimed, strict=True)
        expected = sum(by_country[country] * weight for country, weight in parts)
        (found,) = run_traffic(tree, rows, mixture, (*claimed, 0, np.inf, np.inf, 0), whole=True)
        assert found == pytest.approx(expected + LEAST, rel=1e-9)
        (enough,) = run_traffic(
            tree, rows, mixture, (*claimed, 0, expected / 2, np.inf, 0), whole=True
        )
        assert expected / 2 <= enough <= found
        (short,) = run_traffic(tree, rows, mixture, (*claimed, 0, np.inf, steps, 0), whole=True)
        assert LEAST <= short <= found


@pytest.mark.slow_interpreted
@pytest.mark.parametrize("printed", [True, False])
def test_what_the_walk_leaves_out_is_little(*, printed: bool) -> None:
    """Of reads with up to two errors half are under 1 % too low, and none over 5 %."""
    draw = np.random.default_rng(4)
    formats = [each for pack in country_packs() for each in pack.formats if each.share > 0]
    texts = [draw_plate(draw, formats[draw.integers(len(formats))]) for _ in range(150)]
    reads, lengths = text_tokens(texts)
    for row, errors in enumerate(draw.integers(0, 3, len(texts))):
        for place in draw.integers(0, lengths[row], errors):
            reads[row, place] = draw.integers(36)
    if not printed:
        reads, _ = without_separators(reads, lengths)
    tree = traffic_tree(country_packs(), printed=printed)
    totals = (*[1.0] * len(tree.countries), 0.0, np.inf, np.inf, 0.0)
    for band in (0, 6, 10):
        mixture = mixture_of(band, garbage=False)
        found = run_traffic(tree, reads, mixture, totals, whole=False)
        whole = run_traffic(tree, reads, mixture, totals, whole=True)
        assert (found / whole).min() > 0.95
        assert np.median(found / whole) > 0.99
        assert (found / whole).max() <= 1 + 1e-9


@given(
    data=st.data(),
    packs=tiny_packs(),
    printed=st.booleans(),
    band=st.integers(0, 11),
    known=st.sampled_from([1e-15, 1e-9, 1e-6, 1e-3, 1.0]),
)
@settings(max_examples=40)
def test_what_is_nothing_beside_what_is_known_is_left_out(
    data: st.DataObject, packs: tuple[CountryPack, ...], band: int, known: float, *, printed: bool
) -> None:
    """A branch is left out where its likeliest place adds a thousandth of what is known at most."""
    plates = oracle_reading.traffic_of(packs, printed=printed)
    read = read_near(data, [slots for _, slots, _ in plates])
    mixture, tree = mixture_of(band, garbage=False), traffic_tree(packs, printed=printed)
    rows, claimed = rows_of([read]), [1.0] * len(tree.countries)
    (whole,) = run_traffic(tree, rows, mixture, (*claimed, 0, np.inf, np.inf, 0), whole=True)
    (found,) = run_traffic(tree, rows, mixture, (*claimed, known, np.inf, np.inf, 0), whole=False)
    assert LEAST <= found <= whole * (1 + 1e-9)
    # A read of seven zeros may have lost any of an odd plate's: each of its places adds as much.
    branches = len(tree.tree) * (len(read) + 1)
    assert whole - found <= min(0.5, branches * NEGLIGIBLE) * max(known, whole)


@given(data=st.data(), packs=tiny_packs())
@settings(max_examples=10)
def test_the_brute_force_posterior_weighs_all_that_may_have_passed(
    data: st.DataObject, packs: tuple[CountryPack, ...]
) -> None:
    """Entries and the other traffic share out 1; the entry read right is the likeliest."""
    plates = oracle_reading.plates_of(packs[0].formats[0].layouts[0])
    listed = data.draw(st.sampled_from(plates))
    entries = [oracle_reading.text_of(listed), "XXX-777"]
    channel = shipped_reading().channel
    found = oracle_reading.posterior(entries, (entries[0], 0.99), packs, channel, 0.5)
    assert sum(found.values()) <= 1 + 1e-9
    assert found[entries[0]] > found["XXX-777"]
    none = oracle_reading.posterior(entries, (entries[0], 0.99), packs, channel, 0.0)
    assert set(none.values()) == {0.0}


@given(data=st.data(), packs=tiny_packs())
@settings(max_examples=40)
def test_the_gate_knows_each_plates_share_and_no_more(
    data: st.DataObject, packs: tuple[CountryPack, ...]
) -> None:
    """A plate's share of the traffic, by country; too low only where words end a plate."""
    plates = oracle_reading.traffic_of(packs, printed=False)
    named = [slots for _, slots, _ in plates if len(slots[0]) == 1]
    text = tuple(slot[0] for slot in data.draw(st.sampled_from(named)))
    wanted = oracle_reading.plate_densities(plates, text)
    key = oracle.key_of(oracle_reading.text_of(text))
    (found,) = gate_tables(packs).densities(np.array([key], dtype=np.uint64))
    layouts_of_all = [one for pack in packs for each in pack.formats for one in each.layouts]
    parts = [one.parts for one in (*layouts_of_all, *(odd for pack in packs for odd in pack.odd))]
    left_out = any(isinstance(part, WordSet) for row in parts for part in row[1:])
    for place, pack in enumerate(packs):
        assert found[place] <= wanted[pack.country] * (1 + 1e-9)
        assert left_out or found[place] == pytest.approx(wanted[pack.country], rel=1e-9)


def test_a_letter_outside_its_set_makes_a_plate_rarer_not_impossible() -> None:
    """What a pack says of letters is less sure than what it says of shapes."""
    model = reading_model(country_packs(), shipped_channel())
    keys = np.array([plate_key(text) for text in ("GB012K", "GA012K", "GB0K12")], dtype=np.uint64)
    allowed, loose, misshapen = model.gate.densities(keys)[:, model.countries.index("NL")]
    assert 0 == misshapen < loose < allowed / 10
