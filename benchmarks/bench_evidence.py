"""What each kind of evidence adds: misreads found at how many false alerts, with it and without.

One simulated set, one list, one error model a half; only the evidence differs. Fields are left out
of the reads' JSON, the register is left out of the model, and the later reads of a passage are
left out. The best read of a passage counts, as in `pipeline/passages.py`. Half of the vehicles are
listed, as `bench_quality` tells.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anpr_engine.pipeline.match import MatchRules
from anpr_engine.pipeline.tiers import edits_of
from anpr_engine.plates.issued import IssuedPlates
from benchmarks import quality_data as data
from benchmarks.definitions import Size
from benchmarks.lab import Lab, expect
from benchmarks.measure import Outcome
from benchmarks.quality_curves import middle
from benchmarks.quality_scene import Scene, listed_looks, register, scene
from benchmarks.quality_scores import FALSE_SHARES, GRID, PER_CENT, Judged
from benchmarks.quality_trial import Hits, Trial, judged, scores_of, trial, trial_hits

TRAFFIC_SHARE = 0.5
FLOOR = 0.2
"""Nothing below this is looked for; the thresholds of all points lie above."""
POINTS = ("010", "025", "100")


@dataclass(frozen=True, slots=True)
class Source:
    """One kind of evidence: fields that it adds to the reads, the register, later reads."""

    id: str
    adds: tuple[str, ...] = ()
    issued: bool = False
    later: bool = False


TOLD = ("country", "confidence")
"""What every read tells beside its plate."""
SOURCES = (
    Source("base"),
    Source("characters", ("characters",)),
    Source("candidates", ("candidates",)),
    Source("appearance", ("vehicle",)),
    Source("issued", issued=True),
    Source("passages", later=True),
    Source("all", ("characters", "candidates", "vehicle"), issued=True, later=True),
)


def judge(made: Trial, seen: Scene, issued: IssuedPlates, source: Source) -> Judged:
    """Match a round with one kind of evidence, and sort the scores."""
    models = [replace(model, issued=(issued,)) for model in made.models]
    told = replace(made, models=models) if source.issued else made
    rules = MatchRules(0.0, TRAFFIC_SHARE, FLOOR)
    hits = trial_hits(told, TOLD + source.adds, rules, seen.later if source.later else ())
    edits = _edits(seen)
    _check(made, hits, edits)
    return judged(made, scores_of(made, hits), edits)


def _edits(seen: Scene) -> NDArray[np.int64]:
    pairs = [(data.canonical(each.read), data.canonical(each.truth)) for each in seen.first]
    return np.array([edits_of(read, truth) for read, truth in pairs])


def _check(made: Trial, hits: Hits, edits: NDArray[np.int64]) -> None:
    own = np.flatnonzero(made.listed[: len(made.seen)] & (edits == 0))
    found = hits.row[hits.right]
    expect("exact reads that do not find their entry", len(np.setdiff1d(own, found)), 0)


def figures_of(found: Mapping[str, Judged]) -> dict[str, float]:
    """Give each curve's points, the mean in between, and the reads without error still found."""
    figures = {}
    for name, scores in found.items():
        for point in POINTS:
            figures[f"{name}_{point}"] = scores.recall(FALSE_SHARES[point])
        figures[f"{name}_mean"] = scores.mean_recall(FALSE_SHARES["010"], FALSE_SHARES["100"])
        figures[f"{name}_exact"] = scores.recall_exact(FALSE_SHARES["010"])
    return figures


def curves_of(kept: Sequence[Mapping[str, Judged]]) -> dict[str, Any]:
    """Draw curves together over the rounds: medians, in per cent, at each false share of `GRID`."""
    return {
        "false": middle([(PER_CENT * GRID).tolist()]),
        "recall": {
            source.id: middle([each[source.id].curve() for each in kept]) for source in SOURCES
        },
        "precision": {
            source.id: middle([each[source.id].precision() for each in kept]) for source in SOURCES
        },
    }


def run(_lab: Lab, size: Size, repeats: int) -> Outcome:
    """Measure every kind of evidence in every round."""
    seen = scene(size["reads"])
    filled = data.fill(seen.first, size["entries"] - len(seen.first) // 2)
    plates = [(each.truth, each.country) for each in seen.first] + filled
    issued = register(plates, size["register"])
    looks = listed_looks(seen.vehicles, len(filled))
    later = [read for _, read in seen.later]
    digests = {
        "pairs": data.pairs_digest(seen.first),
        "later": data.pairs_digest(later),
        "list": data.plates_digest(list(zip(plates, looks, strict=True))),
        "register": data.words_digest(issued.words),
    }
    outcome = Outcome(digests=digests)
    kept = []
    for turn in range(repeats):
        made = trial(seen.first, filled, turn, looks)
        found = {source.id: judge(made, seen, issued, source) for source in SOURCES}
        outcome.add(figures_of(found))
        kept.append(found)
    outcome.curves = curves_of(kept)
    return outcome
