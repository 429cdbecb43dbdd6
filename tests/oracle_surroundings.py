"""Naive twins of the kernels that ask whether any listed plate is near a read."""

from collections.abc import Iterable
from itertools import combinations


def shortened(text: str) -> set[str]:
    """Give a text with none, one and two characters left out."""
    places = range(len(text))
    gone = [(), *combinations(places, 1), *combinations(places, 2)]
    return {"".join(text[place] for place in places if place not in left) for left in gone}


def add_surroundings(texts: Iterable[str]) -> set[str]:
    """Give what the filter over listed texts holds."""
    return {short for text in texts for short in shortened(text)}


def maybe_near(texts: Iterable[str], held: set[str]) -> list[bool]:
    """Say of each text read whether it shares a shortened one with any that is listed."""
    return [bool(shortened(text) & held) for text in texts]
