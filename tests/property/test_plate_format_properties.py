"""Every format of every country pack: what is drawn is recognised, layouts and pattern agree."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anpr_engine.kernels.plate_text import ALPHABET
from anpr_engine.plates.draw import draw
from anpr_engine.plates.formats import CharacterSet, Layout, PlateFormat, Separator
from anpr_engine.plates.identify import fits, fits_in, identify
from anpr_engine.plates.normaliser import normalise
from anpr_engine.plates.pack_files import country_packs
from anpr_engine.plates.spellings import printed, spellings, splits

FORMATS = {one.format_id: one for pack in country_packs() for one in pack.formats}
HOLDING_BACK = {"LU-current", "FR-SIV"}
"""Formats whose patterns leave out combinations that are never issued."""

each_format = pytest.mark.parametrize("format_id", sorted(FORMATS))
seeds = st.integers(0, 2**32 - 1)
few = settings(max_examples=25)


def drawn(format_id: str, seed: int) -> tuple[PlateFormat, str, str]:
    """Give a format, a printed plate of it, and its canonical text."""
    plate_format = FORMATS[format_id]
    plate = draw(np.random.default_rng(seed), plate_format)
    return plate_format, plate, normalise(plate).text


def in_layout(text: str, layout: Layout) -> bool:
    """Say whether a text fits a layout, trying the parts one after the other."""
    for part in layout.parts:
        if isinstance(part, Separator):
            continue
        choices = part.characters if isinstance(part, CharacterSet) else part.words
        found = next((choice for choice in choices if text.startswith(choice)), None)
        if found is None:
            return False
        text = text[len(found) :]
    return not text


@each_format
@few
@given(seeds)
def test_a_drawn_plate_is_recognised(format_id: str, seed: int) -> None:
    """A plate of a format, hinted, is named by it or by an earlier format that fits too."""
    plate_format, _, text = drawn(format_id, seed)
    identity = identify(text, plate_format.country)
    every = [one.format_id for one in fits_in(text, plate_format.country)]
    order = [one for one in FORMATS if FORMATS[one].country == plate_format.country]
    assert format_id in every
    assert (identity.country, identity.format_id) == (plate_format.country, every[0])
    assert order.index(every[0]) <= order.index(format_id)


@each_format
@few
@given(seeds)
def test_printing_is_the_inverse_of_normalising(format_id: str, seed: int) -> None:
    """The printed plate is among the readings of its canonical text."""
    plate_format, plate, text = drawn(format_id, seed)
    assert plate in splits(text, plate_format.country)
    assert normalise(printed(text, plate_format) or "").text == text


@each_format
@few
@given(seeds, st.integers(0, 8), st.sampled_from(ALPHABET), st.sampled_from(["put", "add", "cut"]))
def test_pattern_and_layouts_agree(
    format_id: str, seed: int, place: int, character: str, edit: str
) -> None:
    """A plate or a near miss fits the pattern exactly when it fits a layout and is issued."""
    plate_format, _, plate = drawn(format_id, seed)
    place %= len(plate)
    rest = plate[place + (edit != "add") :]
    text = plate[:place] + ("" if edit == "cut" else character) + rest
    by_pattern = plate_format.pattern.fullmatch(text) is not None
    by_layout = any(in_layout(text, layout) for layout in plate_format.layouts)
    assert by_layout == (printed(text, plate_format) is not None)
    assert by_layout or not by_pattern
    assert by_pattern == by_layout or format_id in HOLDING_BACK


@given(st.text(st.characters(), max_size=40), st.text(st.characters(), max_size=4))
def test_no_text_is_too_odd(raw: str, hint: str) -> None:
    """Any text, surrogates included, gets an answer that is consistent in itself."""
    text = normalise(raw).text
    identity = identify(text, hint)
    assert identity.valid == bool(fits(text)) == (identity.format_id is not None)
    assert identity.valid or identity.also == ()
    spellings(text)


@given(st.text(ALPHABET, max_size=9))
def test_spellings_are_other_texts(text: str) -> None:
    """A spelling differs from the text, and one with an umlaut is a plate."""
    for other in spellings(text):
        assert other != text
        assert len(other) > len(text) or not set("ÄÖÜ") & set(other) or fits(other)
