"""Plates typed wrong into a list are found by the right ones."""

import numpy as np
import oracle
from hypothesis import given
from hypothesis import strategies as st

from anpr_engine.kernels.plate_text import ALPHABET
from anpr_engine.pipeline.typed import SWAPPED, swap_weights, swapped_keys

texts = st.text(ALPHABET[:36], min_size=4, max_size=12)


def swaps_of(text: str) -> set[str]:
    """Swap two neighbours in every way that changes a text."""
    places = range(len(text) - 1)
    swapped = {text[:at] + text[at + 1] + text[at] + text[at + 2 :] for at in places}
    return swapped - {text}


@given(st.lists(texts, min_size=1, max_size=5))
def test_every_swap_of_neighbours_is_found_once_a_place(listed: list[str]) -> None:
    """Each text's swaps, and nothing else."""
    keys = np.array([oracle.key_of(text) for text in listed], dtype=np.uint64)
    owners, found = swapped_keys(keys)
    for row, text in enumerate(listed):
        wanted = {oracle.key_of(swapped) for swapped in swaps_of(text)}
        assert set(found[owners == row].tolist()) == wanted


@given(texts, texts)
def test_only_a_swap_of_neighbours_is_taken_for_one(seen: str, other: str) -> None:
    """A swap weighs its share of all places, anything else nothing."""
    listed = [seen, other, *sorted(swaps_of(seen))]
    keys = np.array([oracle.key_of(text) for text in listed], dtype=np.uint64)
    reads = np.full(len(listed), keys[0])
    wanted = [SWAPPED / (len(seen) - 1) * (text in swaps_of(seen)) for text in listed]
    assert swap_weights(reads, keys).tolist() == wanted
