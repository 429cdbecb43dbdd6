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

from anpr_engine.kernels.gate import rarer_than
from anpr_engine.kernels.json_values import SPAN_CHARACTERS, SPANS
from anpr_engine.kernels.plate_text import UNDECIDED, plate_keys_and_gaps
from anpr_engine.plates.error_model import shipped_channel
from anpr_engine.plates.formats import (
    CountryPack,
    WordSet,
)
from anpr_engine.plates.pack_files import country_packs
from anpr_engine.plates.reading import reading_model
from anpr_engine.records.columns import country_code

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


@given(
    rows=st.lists(
        st.tuples(
            st.sampled_from([0.0, 1e-12, 1e-9]),
            st.sampled_from([0, 1, 40**12 - 1, 40**12, 2**64 - 1]),
            st.integers(0, 4),
            st.booleans(),
        )
    ),
    limits=st.tuples(st.sampled_from([0.0, 1e-12, 1e-10]), st.sampled_from([1e-10, 1.0])),
)
def test_reads_of_rare_plates_alone_are_looked_at(
    rows: list[tuple[float, int, int, bool]], limits: tuple[float, float]
) -> None:
    """Short and usable ones below their limit, in order."""
    shares, keys, status, doubted = zip(*rows, strict=True) if rows else ((), (), (), ())
    spans = np.zeros((len(rows), SPANS, 2), np.int32)
    spans[:, SPAN_CHARACTERS, 1] = np.array(doubted, dtype=np.int32) * 9
    found = np.empty(len(rows) + 1, np.int64)
    rarer_than(
        np.array(shares, np.float64),
        np.array(keys, np.uint64),
        np.array(status, np.uint8),
        spans,
        np.array(limits),
        found,
    )
    known = list(zip(keys, status, strict=True))
    wanted = oracle_near.rarer_than(shares, known, doubted, limits)
    assert found[: found[0] + 1].tolist() == [len(wanted), *wanted]
