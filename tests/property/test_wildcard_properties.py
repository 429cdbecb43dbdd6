"""Wildcards against regular expressions and brute force: matching, folding, counting."""

import itertools
import re
from collections.abc import Sequence

import numpy as np
import oracle_wildcards
from hypothesis import given
from hypothesis import strategies as st

from anpr_engine.kernels.plate_text import LONG_KEYS_FROM, WILDCARD_KEYS_FROM
from anpr_engine.kernels.wildcards import wildcard_homes
from anpr_engine.plates.formats import (
    CharacterSet,
    CountryPack,
    Layout,
    PlateFormat,
    Separator,
    WordSet,
)
from anpr_engine.plates.normaliser import plate_key
from anpr_engine.plates.wildcard import (
    FIXED_MIN,
    POSITIONS_MAX,
    Wildcard,
    WildcardFault,
    listed_key,
    listed_text,
    parse_wildcard,
)
from anpr_engine.plates.wildcard_share import share_of
from anpr_engine.watchlist.patterns import pattern_index

FEW = "AB1Ü"
ends = st.sampled_from(["", "*"])


@st.composite
def wildcards(draw: st.DrawFn, characters: str = FEW) -> str:
    """Draw a canonical wildcard that may be used."""
    fixed = draw(st.lists(st.sampled_from(characters), min_size=FIXED_MIN, max_size=POSITIONS_MAX))
    spare = POSITIONS_MAX - len(fixed)
    gaps = draw(st.lists(st.integers(0, len(fixed)), max_size=min(4, spare)))
    for gap in sorted(gaps, reverse=True):
        fixed.insert(gap, "?")
    text = f"{draw(ends)}{''.join(fixed)}{draw(ends)}"
    return text if "?" in text or "*" in text else f"{text}*"


@st.composite
def fitting_texts(draw: st.DrawFn, patterns: Sequence[str]) -> str:
    """Draw a text that fits one of some patterns, or nearly."""
    text = draw(st.sampled_from(patterns))
    run = draw(st.text(FEW, max_size=3))
    text = text.replace("*", run)
    filled = "".join(draw(st.sampled_from(FEW)) if each == "?" else each for each in text)
    cut = draw(st.integers(0, 1))
    return filled[cut:]


@given(data=st.data(), patterns=st.lists(wildcards(), min_size=1, max_size=12))
def test_wildcards_match_what_their_regular_expression_matches(
    data: st.DataObject, patterns: list[str]
) -> None:
    """Position by position, for every anchor, with reads of up to sixteen characters."""
    near = fitting_texts(patterns)
    texts = data.draw(st.lists(st.one_of(near, st.text(FEW, max_size=16)), max_size=30))
    texts = [text[:16] for text in texts]
    keys = np.array([plate_key(text) for text in texts], dtype=np.uint64)
    index = pattern_index([Wildcard(pattern) for pattern in patterns], range(len(patterns)))
    read, entry = index.pairs(keys)
    found = list(zip(read.tolist(), entry.tolist(), strict=True))
    assert found == sorted(oracle_wildcards.find_wildcards(texts, patterns))


@given(
    patterns=st.lists(st.tuples(*[st.integers(0, 2**64 - 1)] * 2), max_size=40),
    slots=st.integers(1, 100),
    words=st.integers(1, 50),
)
def test_homes_and_filter_follow_the_arithmetic(
    patterns: list[tuple[int, int]], slots: int, words: int
) -> None:
    """Each pattern has its home inside the table and its two bits in the filter."""
    values = np.array([value for value, _ in patterns], dtype=np.uint64)
    salts = np.array([salt for _, salt in patterns], dtype=np.uint64)
    homes = np.zeros(len(patterns), dtype=np.int64)
    filled = np.zeros(words, dtype=np.uint64)
    wildcard_homes(values, salts, slots, homes, filled)
    expected = oracle_wildcards.wildcard_homes(values.tolist(), salts.tolist(), slots, words)
    assert homes.tolist() == expected[0]
    assert {at: word for at, word in enumerate(filled.tolist()) if word} == expected[1]


@given(st.data(), st.text("A1?*-", max_size=9))
def test_the_canonical_text_means_what_was_listed(data: st.DataObject, raw: str) -> None:
    """`*` outside, once, and no separators: the same plates fit before and after."""
    found = parse_wildcard(raw)
    listed = raw.replace("-", "")
    if found is None:
        assert "?" not in raw
        assert "*" not in raw
    elif isinstance(found, Wildcard):
        assert parse_wildcard(found.text) == found
        text = data.draw(st.text("A1", max_size=10))
        expected = re.fullmatch(listed.replace("?", ".").replace("*", ".*"), text)
        fits = oracle_wildcards.expression_of(found.text).fullmatch(text)
        assert (fits is None) == (expected is None)
    else:
        assert found is WildcardFault.RUN_INSIDE
        assert "*" in listed.strip("?*")


@given(st.text(max_size=30))
def test_any_text_is_a_wildcard_or_has_a_reason_why_not(raw: str) -> None:
    """No text raises; what can be used has a canonical text of the alphabet, and one key."""
    for text in (raw, f"{raw}?", f"*{raw}"):
        found = parse_wildcard(text)
        assert (found is None) == ("?" not in text and "*" not in text)
        assert bool(listed_text(text)) == bool(listed_key(text))
        if isinstance(found, Wildcard) and found.key:
            assert listed_text(found.text) == found.text
            assert listed_key(text) == listed_key(found.text) >= WILDCARD_KEYS_FROM


@given(st.text("0123456789ABCXYZÄÖÜ", min_size=13, max_size=16))
def test_no_read_has_a_key_of_wildcards(text: str) -> None:
    """Keys of long reads stay below those kept for wildcards."""
    assert LONG_KEYS_FROM <= plate_key(text) < WILDCARD_KEYS_FROM


DISTRICT = WordSet(("AB", "AÜ", "BA"))
LETTER = CharacterSet("AB")
DIGIT = CharacterSet("12")
LAYOUTS = (
    Layout((LETTER, LETTER, Separator(), DIGIT, DIGIT), 0.25),
    Layout((DISTRICT, Separator(), LETTER, DIGIT, DIGIT), 0.5),
    Layout((DIGIT, DIGIT, DIGIT), 0.25),
)
FORMAT = PlateFormat("XX-one", "XX", "", LAYOUTS, 0.5)
PACK = CountryPack("XX", "X", "X", "XXX", 0.4, 0.5, (FORMAT,))


def _plates(layout: Layout) -> list[str]:
    parts: list[Sequence[str]] = []
    for part in layout.parts:
        if isinstance(part, CharacterSet):
            parts.append(part.characters)
        elif isinstance(part, WordSet):
            parts.append(part.words)
    return ["".join(plate) for plate in itertools.product(*parts)]


@given(pattern=wildcards("ABÜ12"))
def test_counting_by_product_is_counting_one_by_one(pattern: str) -> None:
    """Plates and share of traffic are exact; with `*` at both ends they are no smaller."""
    plates, share = 0, 0.0
    for layout in LAYOUTS:
        all_plates = _plates(layout)
        matched = len({row for row, _ in oracle_wildcards.find_wildcards(all_plates, [pattern])})
        plates += matched
        share += 0.4 * 0.5 * layout.share * matched / len(all_plates)
    wildcard = Wildcard(pattern)
    found = share_of(wildcard, [PACK])
    if wildcard.open_start and wildcard.open_end:
        assert plates <= found.plates <= sum(layout.size for layout in LAYOUTS)
    else:
        assert found.plates == plates
        assert abs(found.traffic_share - share) < 1e-12
