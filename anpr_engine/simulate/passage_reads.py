"""What a reader makes of one vehicle on its way past a camera site: one read or several.

Why: reads of one passage err together, for they share its dirt, angle and typeface. A plate that
was misread is misread again in seven reads of ten, mostly into the same text; the country that is
claimed and what the vehicle looks like are drawn once for all reads. A reader takes one colour
for another by bad light, and names a make from the shape of the car. All shares are estimates.
"""

from typing import NamedTuple

import numpy as np

from anpr_engine.simulate.camera_noise import (
    DRAWS_PER_MISREAD,
    MISREAD_SHARE,
    confidences,
    misread,
)
from anpr_engine.simulate.reader_doubt import glyphs, other_readings
from anpr_engine.simulate.rendering import DOUBTFUL_BELOW, country_as_read
from anpr_engine.simulate.vehicles import Vehicle, draw_looks

READS_SHARES = (0.30, 0.35, 0.20, 0.15)
"""Passages of one read, of two, and so on."""
AGAIN_SHARE = 0.7
"""Later reads of a misread plate that are misread too."""
SAME_AGAIN_SHARE = 0.7
"""Of these, those into the same text."""
MAKE_TOLD_SHARE, COLOUR_TOLD_SHARE = 0.7, 0.8
WRONG_MAKE_SHARE, WRONG_COLOUR_SHARE = 0.10, 0.14
TAKEN_FOR = {
    "grey": ("silver", "black", "blue"),
    "black": ("grey", "blue", "brown"),
    "white": ("silver", "grey", "yellow"),
    "blue": ("black", "grey"),
    "red": ("brown", "black"),
    "green": ("black", "grey", "blue"),
    "silver": ("grey", "white"),
    "brown": ("black", "red", "grey"),
    "yellow": ("white", "brown"),
}
"""What a colour is taken for, by lamp light or infrared."""


class PassageRead(NamedTuple):
    """One read with all that a reader can tell.

    characters: each with its confidence. candidates: other readings with theirs, the read itself
    first; none where the reader is sure.
    """

    plate: str
    confidence: float
    country: str
    characters: tuple[tuple[str, float], ...]
    candidates: tuple[tuple[str, float], ...]
    make: str
    colour: str


def passage_reads(
    rng: np.random.Generator, vehicle: Vehicle, *, misread_first: bool
) -> list[PassageRead]:
    """Draw the reads of one passage, in order of time.

    Args:
        rng: where chance comes from.
        vehicle: what drives past.
        misread_first: whether the first read is wrong; the later ones follow it.

    """
    country = country_as_read(vehicle.country, rng.random())
    make, colour = look_as_seen(rng, vehicle)
    texts = _texts(rng, vehicle.printed, misread_first=misread_first)
    sure = confidences(rng, np.array([text != vehicle.printed for text in texts]))
    found = []
    for text, confidence in zip(texts, sure.tolist(), strict=True):
        seen = glyphs(rng, text, vehicle.printed, confidence)
        offered = other_readings(text, confidence, seen) if confidence < DOUBTFUL_BELOW else []
        found.append(
            PassageRead(
                text,
                round(confidence, 3),
                country,
                tuple((each.character, round(each.sure, 3)) for each in seen),
                tuple((plate, round(share, 3)) for plate, share in offered),
                make,
                colour,
            )
        )
    return found


def look_as_seen(rng: np.random.Generator, vehicle: Vehicle) -> tuple[str, str]:
    """Draw the make and colour that a reader tells; empty where it tells none."""
    told_make, told_colour, wrong_make, wrong_colour = rng.random(4).tolist()
    make, colour = vehicle.make, vehicle.colour
    if wrong_make < WRONG_MAKE_SHARE:
        make = draw_looks(rng, vehicle.vehicle_class, 1)[0][0]
    if wrong_colour < WRONG_COLOUR_SHARE:
        colour = str(rng.choice(TAKEN_FOR[colour]))
    return (
        make if told_make < MAKE_TOLD_SHARE else "",
        colour if told_colour < COLOUR_TOLD_SHARE else "",
    )


def _texts(rng: np.random.Generator, printed: str, *, misread_first: bool) -> list[str]:
    def wrongly() -> str:
        return misread(printed, rng.random(DRAWS_PER_MISREAD).tolist())

    texts = [wrongly() if misread_first else printed]
    later = int(rng.choice(len(READS_SHARES), p=READS_SHARES))
    again = AGAIN_SHARE if misread_first else MISREAD_SHARE
    for _ in range(later):
        if rng.random() >= again:
            texts.append(printed)
        elif misread_first and rng.random() < SAME_AGAIN_SHARE:
            texts.append(texts[0])
        else:
            texts.append(wrongly())
    return texts
