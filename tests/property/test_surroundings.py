"""What is within two edits of a listed plate: the filter against sets of texts."""

import numpy as np
import oracle_surroundings
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from anpr_engine.kernels.plate_text import LONG_KEYS_FROM
from anpr_engine.kernels.surroundings import ROOM_WORDS, SHORTENED_MAX, maybe_near
from anpr_engine.pipeline.tiers import edits_of
from anpr_engine.plates.normaliser import plate_key
from anpr_engine.watchlist.surroundings import ENTRIES_MAX, surroundings

plates = st.text(alphabet="01AB8ÖZ", min_size=1, max_size=12)
LONGEST = "ABCDEFGHIJKL"


def keys_of(texts: list[str]) -> NDArray[np.uint64]:
    """Give the keys of texts."""
    return np.array([plate_key(text) for text in texts], dtype=np.uint64)


def answers(reads: NDArray[np.uint64], listed: list[str]) -> list[bool]:
    """Ask the filter over some listed texts."""
    maybe = np.empty(len(reads), dtype=np.uint8)
    words = surroundings(np.sort(keys_of(listed)))
    maybe_near(reads, words, np.empty(ROOM_WORDS, np.uint64), maybe)
    return [bool(found) for found in maybe]


@given(listed=st.lists(plates, min_size=1, max_size=6), reads=st.lists(plates, max_size=6))
@settings(max_examples=60)
def test_a_plate_within_two_edits_is_never_denied(listed: list[str], reads: list[str]) -> None:
    """Who shares a shortened text, and so everyone within two edits, is told `maybe`."""
    held = oracle_surroundings.add_surroundings(listed)
    found = answers(keys_of(reads), listed)
    for read, maybe, expected in zip(
        reads, found, oracle_surroundings.maybe_near(reads, held), strict=True
    ):
        assert maybe or not expected
        assert maybe or all(edits_of(read, text) > 2 for text in listed)


def test_hardly_any_stranger_is_told_maybe() -> None:
    """Of texts that share no shortened one, a few in a hundred pass."""
    draw = np.random.default_rng(3)
    letters = np.array(list("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"))
    texts = ["".join(row) for row in letters[draw.integers(0, 36, (2600, 8))]]
    listed, reads = texts[:600], texts[600:]
    held = oracle_surroundings.add_surroundings(listed)
    strange = [
        read
        for read, near in zip(reads, oracle_surroundings.maybe_near(reads, held), strict=True)
        if not near
    ]
    assert len(strange) > 1900
    assert sum(answers(keys_of(strange), listed)) / len(strange) < 0.05


def test_the_longest_key_becomes_as_many_texts_as_there_is_room_for() -> None:
    """All characters differ: none is a text twice; and each of them is told `maybe`."""
    shortened = sorted(oracle_surroundings.shortened(LONGEST))
    assert len(shortened) == SHORTENED_MAX
    assert all(answers(keys_of(shortened), [LONGEST]))


def test_what_cannot_be_compared_is_not_denied() -> None:
    """Hashes of long texts pass; no text at all does not."""
    reads = np.array([LONG_KEYS_FROM, 2**64 - 1], dtype=np.uint64)
    assert answers(reads, ["1ABC123"]) == [True, True]


def test_long_lists_have_no_filter() -> None:
    """Nor has the empty one; both are shapes without a block."""
    many = np.arange(1, ENTRIES_MAX + 2, dtype=np.uint64)
    assert surroundings(many).shape == (0, 8)
    assert surroundings(many[:0]).shape == (0, 8)
    assert len(surroundings(many[:-1]))
