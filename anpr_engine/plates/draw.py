"""Draw plates as a format prints them."""

import numpy as np

from anpr_engine.plates.formats import CharacterSet, PlateFormat, Separator

DRAWS_MAX = 1000
"""Most draws for one plate; under two in a hundred fall on a combination never issued."""


def draw(rng: np.random.Generator, plate_format: PlateFormat) -> str:
    """Draw one printed plate: the layout by its share, each part of it evenly."""
    shares = np.array([layout.share for layout in plate_format.layouts])
    for _ in range(DRAWS_MAX):
        layout = plate_format.layouts[rng.choice(len(shares), p=shares / shares.sum())]
        pieces = []
        text = []
        for part in layout.parts:
            if isinstance(part, Separator):
                pieces.append(part.mark)
                continue
            choices = part.characters if isinstance(part, CharacterSet) else part.words
            pieces.append(choices[rng.integers(len(choices))])
            text.append(pieces[-1])
        if plate_format.pattern.fullmatch("".join(text)):
            return "".join(pieces)
    raise ValueError("the format has hardly a plate that is issued")
