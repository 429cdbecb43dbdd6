"""The grammar in its two ways of writing, ready for the sum over all plates."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anpr_engine.kernels.channel import QUALITIES
from anpr_engine.kernels.traffic import DEAREST_ADDED, DEAREST_LOST, MIXTURE
from anpr_engine.plates.error_model import Channel
from anpr_engine.plates.formats import CountryPack
from anpr_engine.plates.traffic import TrafficTree, blurred_tree, traffic_tree

WORST = QUALITIES - 1
"""The state of garbage; what it made of a plate is compared with average plates."""


@dataclass(frozen=True, slots=True)
class Layouts:
    """The grammar in one way of writing: with separators, or the canonical text alone.

    tree, sums: for all states of quality but the worst. blur, blur_sums: for the worst.
    sums: float64 (bands, classes, 2, CLASS_COLUMNS, QUALITIES), each band with its mixture.
    """

    tree: TrafficTree
    sums: NDArray[np.float64]
    blur: TrafficTree
    blur_sums: NDArray[np.float64]


def _by_band(sums: NDArray[np.float64], mixtures: NDArray[np.float64]) -> NDArray[np.float64]:
    mixed = np.repeat(sums[None], len(mixtures), axis=0)
    mixed[:, 0, :, MIXTURE] = mixtures[:, None, :]
    # States that play no part must not hold up the search.
    for band, mixture in enumerate(mixtures):
        mixed[band, 0, :, DEAREST_ADDED : DEAREST_LOST + 1, mixture == 0.0] = 0.0
    return mixed


def written_layouts(packs: tuple[CountryPack, ...], channel: Channel, *, printed: bool) -> Layouts:
    """Work out the grammar in one way of writing, for a reader's errors."""
    tree = traffic_tree(packs, printed=printed)
    blur = blurred_tree(packs, printed=printed)
    is_worst = np.arange(QUALITIES) == WORST
    return Layouts(
        tree=tree,
        sums=_by_band(channel.class_sums(tree.classes), channel.quality * ~is_worst),
        blur=blur,
        blur_sums=_by_band(channel.class_sums(blur.classes), channel.quality * is_worst),
    )
