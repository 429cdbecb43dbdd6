"""What is known of a read's text before near matching: its key, its gaps, its share."""

from collections.abc import Sequence

import numpy as np
import oracle_near
import oracle_reading
import pytest
import strategies
from hypothesis import given, settings
from hypothesis import strategies as st
from read_worlds import World, world_of
from test_kernels import spans_of
from test_traffic_sum import tiny_packs

from anpr_engine.kernels._jit import kept
from anpr_engine.kernels.gate_reads import GateReads, rarer_than
from anpr_engine.kernels.json_values import SPAN_CHARACTERS, SPANS
from anpr_engine.kernels.plate_text import UNDECIDED, USABLE, plate_keys_and_gaps
from anpr_engine.plates.error_model import shipped_channel
from anpr_engine.plates.formats import (
    CountryPack,
    WordSet,
)
from anpr_engine.plates.pack_files import country_packs
from anpr_engine.plates.reading import reading_model, shipped_reading
from anpr_engine.plates.traffic import ODD_CHARACTERS, ODD_LENGTHS
from anpr_engine.records.columns import PlateColumns, country_code

NO_CLAIM = np.zeros(1, dtype=np.uint16)


@given(data=st.data(), packs=tiny_packs(), claimed=st.sampled_from([None, "AA", "BB", "CC"]))
@settings(max_examples=40)
def test_a_claimed_share_is_of_the_likeliest_format_printed_so(
    data: st.DataObject, packs: tuple[CountryPack, ...], claimed: str | None
) -> None:
    """As the twin finds it, 0 where separators fit no format; too low only for words further on."""
    world = world_of(data, packs, shipped_channel())
    codes = np.array([country_code(claimed) if claimed else 0], dtype=np.uint16)
    claims = dict(zip(world.model.countries, world.model.claims(codes)[0], strict=True))
    wanted = oracle_near.claimed_shares(world.plates, world.read, claims)
    plates, _ = world.columns()
    (found,) = world.model.claimed_shares(plates, codes)
    layouts = [one for pack in packs for each in pack.formats for one in each.layouts]
    parts = [one.parts for one in (*layouts, *(odd for pack in packs for odd in pack.odd))]
    left_out = any(isinstance(part, WordSet) for row in parts for part in row[1:])
    assert found <= wanted * (1 + 1e-9)
    assert left_out or found == pytest.approx(wanted, rel=1e-9)


@pytest.mark.parametrize(
    ("text", "known"),
    [("GB-012-K", True), ("GB012K", True), ("GB-012K", False), ("GB0-12K", False)],
)
def test_separators_that_no_country_prints_leave_no_share(text: str, *, known: bool) -> None:
    """The plate of a text is known with its own separators, or with none."""
    model = reading_model(country_packs(), shipped_channel())
    world = World(model, (), oracle_reading.read_tokens([text])[0] or (), 0)
    (share,) = model.claimed_shares(world.columns()[0], NO_CLAIM)
    assert (share > 0) == known


marked = st.text("-_ .,:;'\"/|?*\0\t\x1f\x7f!#=AbZ019äÖü" + "ß", max_size=24)


@given(st.lists(st.one_of(strategies.plates, marked), max_size=20), st.integers(1, 6))
def test_keys_and_gaps_are_those_of_the_complete_path(
    texts: list[str], characters_min: int
) -> None:
    """Key and status as the normaliser says, and a bit for separators after k characters."""
    check_keys_and_gaps(texts, characters_min)


def test_keys_and_gaps_of_strange_texts() -> None:
    """Nothing, separators alone, at the ends, twice, marks, and texts too long for a plate."""
    texts = ["", " ", "-", "--AB-12--", "A- -B12", "?", "AB*12", "AB\x0012", "A\tB-12", "Ä-Ö 12"]
    check_keys_and_gaps([*texts, "AB(12)", "1-ABC-123" * 3, "A-" * 5000, "AB" * 8 + "-1"], 4)


def check_keys_and_gaps(texts: Sequence[str], characters_min: int) -> None:
    """Compare the kernel with its twin; what it leaves undecided needs more than ASCII."""
    buffer, spans = spans_of(texts)
    keys, gaps = np.zeros(len(texts), dtype=np.uint64), np.zeros(len(texts), dtype=np.uint16)
    status = np.zeros(len(texts), dtype=np.uint8)
    plate_keys_and_gaps(buffer, spans, characters_min, keys, status, gaps)
    for row, (expected, places) in enumerate(
        oracle_near.plate_keys_and_gaps(texts, characters_min)
    ):
        if status[row] == UNDECIDED:
            assert keys[row] == 0
            assert len(texts[row]) > 1000 or not texts[row].isascii()
        else:
            found = (int(keys[row]), int(status[row]), int(gaps[row]))
            assert found == (expected.key, expected.status, places)


BANDS = (0.25, 0.5)


@given(
    rows=st.lists(
        st.tuples(
            st.sampled_from([0.0, 1e-12, 1e-9]),
            st.sampled_from([0, 1, 40**12 - 1, 40**12, 2**64 - 1]),
            st.integers(0, 4),
            st.booleans(),
            st.sampled_from([0.0, 0.25, 0.3, 0.5, 1.0, np.nan]),
        )
    ),
    limits=st.lists(
        st.tuples(st.sampled_from([0.0, 1e-12, 1e-10]), st.sampled_from([0.0, 1e-10, 1.0])),
        min_size=len(BANDS) + 2,
        max_size=len(BANDS) + 2,
    ),
)
def test_reads_of_rare_plates_alone_are_looked_at(
    rows: list[tuple[float, int, int, bool, float]], limits: list[tuple[float, float]]
) -> None:
    """Short and usable ones below their limit, in order."""
    shares, keys, status, doubted, confidence = zip(*rows, strict=True) if rows else ((),) * 5
    spans = np.zeros((len(rows), SPANS, 2), np.int32)
    spans[:, SPAN_CHARACTERS, 1] = np.array(doubted, dtype=np.int32) * 9
    found = np.empty(len(rows) + 1, np.int64)
    reads = GateReads(
        kept(np.array(keys, np.uint64)),
        kept(np.array(status, np.uint8)),
        kept(spans),
        kept(np.array(confidence, np.float64)),
    )
    by_doubts = np.ascontiguousarray(np.array(limits).T)
    rarer_than(np.array(shares, np.float64), reads, np.array(BANDS), by_doubts, found)
    known = list(zip(keys, status, doubted, confidence, strict=True))
    wanted = oracle_near.rarer_than(shares, known, BANDS, limits)
    assert found[: found[0] + 1].tolist() == [len(wanted), *wanted]


@pytest.mark.parametrize("country", [None, "BE", "DE", "FR", "LU", "NL"])
def test_shares_of_enough_need_not_be_the_largest(country: str | None) -> None:
    """A smaller one is exact, and a larger one at least enough, and never too large."""
    model = shipped_reading()
    texts = ["GB012K", "AB123C", "12AB34", "AB1234", "1ABC234", "ABC123", "A1234", "123456"]
    claims = np.full(len(texts), country_code(country) if country else 0, dtype=np.uint16)
    columns = PlateColumns.of(len(texts))
    plate_keys_and_gaps(*spans_of(texts), 4, columns.keys, columns.status, columns.gaps)
    whole = model.claimed_shares(columns, claims)
    assert whole.max() > 0
    for enough in sorted({*whole.tolist(), 1e-12, 1.0}):
        found = model.claimed_shares(columns, claims, enough)
        small = whole < enough
        assert (found[small] == whole[small]).all()
        assert (found[~small] >= enough).all()
        assert (found <= whole).all()


def test_no_confidence_is_a_band_of_its_own() -> None:
    """The last one, whose limit alone counts there."""
    reads = GateReads(
        kept(np.array([1, 1], np.uint64)),
        kept(np.array([USABLE, USABLE], np.uint8)),
        kept(np.zeros((2, SPANS, 2), np.int32)),
        kept(np.array([np.nan, 0.1])),
    )
    for limits, row in (((0.0, 0.0, 0.0, 1.0), 0), ((1.0, 0.0, 0.0, 0.0), 1)):
        found = np.empty(3, np.int64)
        rarer_than(np.full(2, 0.5), reads, np.array(BANDS), np.array([limits, limits]), found)
        assert found[:2].tolist() == [1, row]


@pytest.mark.parametrize(("gaps", "part"), [(0, 1.0), (0b100, 0.5 / 6), (0b1100, 0.0)])
def test_plates_of_no_format_have_one_gap_or_none(gaps: int, part: float) -> None:
    """Half of them one, anywhere; the claim counts as of each country."""
    model = shipped_reading()
    claims = model.claims(np.array([country_code("NL")], np.uint16))
    found = model.free_shares(np.array([7]), np.array([gaps], np.uint16), claims)
    any_text = ODD_LENGTHS[7] / ODD_CHARACTERS**7
    wanted = any_text * part * float((model.free * claims[0]).sum())
    assert found.tolist() == [pytest.approx(wanted, rel=1e-12, abs=0.0)]
