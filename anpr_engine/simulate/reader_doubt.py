"""How sure a reader is of each character, and what else it thinks it may have read.

Why: both come from one source, as in a reader. Every character shown has a confidence and one
other character that it may be; other readings are made of the likeliest of these changes. Nothing
here knows what a matcher makes of it. The shares are estimates, and none is kind: of wrong
characters one in four looks clear, right ones are doubted too, the more so the less sure the read;
what the reader thinks of instead is the true character in two of three cases; a character
that was lost leaves its neighbours in doubt, and no other reading has it.
"""

from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

import numpy as np

from anpr_engine.simulate.camera_noise import CONFUSIONS

DOUBTED_WRONG_SHARE = 0.75
"""Wrong characters that the reader doubts."""
DOUBTED_BESIDE_SHARE = 0.3
"""Right characters that it doubts beside one that was lost."""
DOUBTED_RIGHT_SHARE, DOUBTED_RIGHT_SLOPE = 0.02, 0.2
"""Right characters that it doubts: of a sure read, and how many more of one not sure at all."""
OTHER_IS_TRUE_SHARE = 0.65
"""Wrong characters that the reader took the true one for the next likeliest."""
OTHERS_MAX = 3
"""Other readings that a reader offers."""
_CLEAR, _DOUBTED = (18.0, 1.2), (5.0, 3.0)
"""Confidences are beta distributed: 0.94 and 0.63 on the average, and they overlap."""
_OTHER_LEAST, _OTHER_MOST = 0.3, 0.9
"""The part of what is left of a confidence that goes to the next likeliest character."""
_ANY_OTHER = (("1", 1.0), ("7", 1.0))


class Glyph(NamedTuple):
    """One character shown: its place in the text, how sure, and what else it may be.

    An `other` that is empty says that nothing stands there: dirt or a screw.
    """

    place: int
    character: str
    sure: float
    other: str
    other_sure: float


def glyphs(rng: np.random.Generator, shown: str, truth: str, confidence: float) -> list[Glyph]:
    """Draw how sure a reader is of each character of a text, separators left out.

    Args:
        rng: where chance comes from.
        shown: the text as read.
        truth: the plate as printed.
        confidence: of the whole read, from 0 to 1.

    """
    true, beside = _true_characters(shown, truth)
    doubted_right = DOUBTED_RIGHT_SHARE + DOUBTED_RIGHT_SLOPE * (1 - confidence)
    found = []
    for place, character in enumerate(shown):
        if character in "- ":
            continue
        wrong = character != true[place]
        share = DOUBTED_WRONG_SHARE if wrong else doubted_right
        if place in beside:
            share = max(share, DOUBTED_BESIDE_SHARE)
        sure = float(rng.beta(*(_DOUBTED if rng.random() < share else _CLEAR)))
        is_true = wrong and rng.random() < OTHER_IS_TRUE_SHARE
        other = true[place] if is_true else _other(rng, character)
        other_sure = (1 - sure) * float(rng.uniform(_OTHER_LEAST, _OTHER_MOST))
        found.append(Glyph(place, character, sure, other, other_sure))
    return found


def other_readings(shown: str, confidence: float, seen: Sequence[Glyph]) -> list[tuple[str, float]]:
    """List what a reader offers, its own reading first: (plate, confidence), falling.

    Args:
        shown: the text as read.
        confidence: of the whole read.
        seen: its characters, see `glyphs`.

    """
    likeliest = sorted(seen, key=lambda each: each.other_sure / each.sure, reverse=True)[:2]
    changes = [(each,) for each in likeliest] + [tuple(likeliest)] * (len(likeliest) == 2)
    others = []
    for change in changes:
        times = float(np.prod([min(each.other_sure / each.sure, 1.0) for each in change]))
        others.append((_changed(shown, change), confidence * times))
    others.sort(key=lambda each: -each[1])
    return [(shown, confidence), *others[:OTHERS_MAX]]


def _true_characters(shown: str, truth: str) -> tuple[list[str], set[int]]:
    # What each place should have been, empty where nothing should be; places beside lost ones.
    true = [""] * len(shown)
    beside: set[int] = set()
    matcher = SequenceMatcher(None, shown, truth, autojunk=False)
    for _, start, end, true_start, true_end in matcher.get_opcodes():
        for place, character in zip(range(start, end), truth[true_start:true_end], strict=False):
            true[place] = character
        if true_end - true_start > end - start:
            beside |= {end - 1, end}
    return true, beside


def _other(rng: np.random.Generator, character: str) -> str:
    others = CONFUSIONS.get(character, _ANY_OTHER)
    weights = np.array([weight for _, weight in others])
    return others[int(rng.choice(len(others), p=weights / weights.sum()))][0]


def _changed(shown: str, change: Sequence[Glyph]) -> str:
    text = list(shown)
    for each in change:
        text[each.place] = each.other
    return "".join(text).strip("- ")
