"""The grammar in its two ways of writing, ready for the sum over all plates."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anpr_engine.kernels._jit import kept
from anpr_engine.kernels.channel import QUALITIES
from anpr_engine.kernels.traffic import DEAREST_ADDED, DEAREST_LOST, MIXTURE, Grammar
from anpr_engine.plates.error_model import Channel
from anpr_engine.plates.formats import CountryPack
from anpr_engine.plates.traffic import TrafficTree, blurred_tree, traffic_tree

WORST = QUALITIES - 1
"""The state of garbage; what it made of a plate is compared with average plates."""


@dataclass(frozen=True, slots=True)
class Layouts:
    """The grammar in one way of writing: with separators, or the canonical text alone.

    countries: what the country places mean; the last is `ODD`.
    whole: for all states of quality but the worst. blur: for the worst.
    """

    countries: tuple[str, ...]
    whole: Grammar
    blur: Grammar


def _grammar(tree: TrafficTree, channel: Channel, mixtures: NDArray[np.float64]) -> Grammar:
    # Each band with its mixture.
    mixed = np.repeat(channel.class_sums(tree.classes)[None], len(mixtures), axis=0)
    mixed[:, 0, :, MIXTURE] = mixtures[:, None, :]
    # States that play no part must not hold up the search.
    for band, mixture in enumerate(mixtures):
        mixed[band, 0, :, DEAREST_ADDED : DEAREST_LOST + 1, mixture == 0.0] = 0.0
    return Grammar(kept(tree.tree), kept(tree.weights), kept(mixed))


def written_layouts(packs: tuple[CountryPack, ...], channel: Channel, *, printed: bool) -> Layouts:
    """Work out the grammar in one way of writing, for a reader's errors."""
    tree = traffic_tree(packs, printed=printed)
    blur = blurred_tree(packs, printed=printed)
    is_worst = np.arange(QUALITIES) == WORST
    return Layouts(
        countries=tree.countries,
        whole=_grammar(tree, channel, channel.quality * ~is_worst),
        blur=_grammar(blur, channel, channel.quality * is_worst),
    )
