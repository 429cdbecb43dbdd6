"""The curves of the quality benchmark, as a record keeps them and pictures show them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np

from benchmarks.quality_peers import PEERS, RATIO
from benchmarks.quality_scores import FALSE_SHARES, GRID, Judged, reliability
from benchmarks.quality_trial import Hits


@dataclass(frozen=True, slots=True)
class Round:
    """What one round gave: scores, sorted, by step of evidence too, and our hits."""

    ours: Judged
    peers: Mapping[str, Judged]
    steps: Mapping[str, Judged]
    hits: Hits


def curves_of(kept: Sequence[Round]) -> dict[str, Any]:
    """Draw curves together over the rounds: medians, and all hits in one reliability table.

    false: per cent of innocent reads, the grid of `ours` and `ratio`, per cent of misreads found.
    evidence: the same by step, each with all before it.
    points: by peer, its recall and false alerts. thresholds: by operating point.
    reliability, reliability_near: by bin of `BINS`, hits, what was said, what was true.
    """
    hits = Hits.joined([each.hits for each in kept])
    near = hits.chosen(~hits.exact)
    return {
        "false": [_short(100 * float(share)) for share in GRID],
        "ours": middle([each.ours.curve() for each in kept]),
        "ratio": middle([each.peers[RATIO].curve() for each in kept]),
        "evidence": {
            step: middle([each.steps[step].curve() for each in kept]) for step in kept[0].steps
        },
        "points": {name: _point(kept, name) for name in PEERS},
        "thresholds": {
            name: _short(median(each.ours.threshold(share) for each in kept))
            for name, share in FALSE_SHARES.items()
        },
        "reliability": _table(hits),
        "reliability_near": _table(near),
    }


def _short(value: float) -> float:
    return float(f"{value:.4g}")


def middle(rounds: Sequence[Sequence[float]]) -> list[float]:
    """Take the median of curves, point by point."""
    return [_short(value) for value in np.median(np.array(rounds), axis=0).tolist()]


def _point(kept: Sequence[Round], name: str) -> dict[str, float]:
    whose, score = PEERS[name]
    found = [each.peers[whose].at(score) for each in kept]
    recall, false = (_short(median(column)) for column in zip(*found, strict=True))
    return {"recall": recall, "false": false}


def _table(hits: Hits) -> list[dict[str, float]]:
    return [
        {
            "bin": each.place,
            "hits": each.hits,
            "said": _short(each.said),
            "true": _short(each.true),
        }
        for each in reliability(hits.probability, hits.right)
    ]
