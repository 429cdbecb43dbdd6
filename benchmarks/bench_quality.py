"""How many misreads are found at how many false alerts, beside what other matchers do.

Half of the vehicles are on a list that is filled up with plates like theirs. The error model is
learned on one half of the reads and judged on the other, and the other way round, so no read is
judged by what was learned of it. Each round lists another half.

Why half: misreads of listed vehicles and reads of innocent ones are then both many. The engine is
told so (`TRAFFIC_SHARE`), for a probability is one of the traffic it was made for. What the same
thresholds do on a road, where nearly nobody is listed, is counted on ordinary traffic.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from anpr_engine.errors import UsageError
from anpr_engine.pipeline.match import NEAR_MIN, MatchRules
from anpr_engine.watchlist.snapshot import Snapshot
from benchmarks import quality_data as data
from benchmarks.definitions import Size
from benchmarks.lab import Lab, expect
from benchmarks.measure import Outcome
from benchmarks.quality_curves import Round, curves_of
from benchmarks.quality_peers import (
    EDITS,
    EXACT,
    FOLDED,
    PEERS,
    RATIO,
    Field,
    Plates,
    Scores,
    peer_scores,
)
from benchmarks.quality_scene import scene
from benchmarks.quality_scores import FALSE_SHARES, Judged, calibration_error, reliability
from benchmarks.quality_trial import Hits, Trial, hits_of, judged, scores_of, trial, trial_hits

TRAFFIC_SHARE = 0.5
ROAD_SHARE = 0.0001
EVIDENCE_FLOOR = 0.2
"""What telling more adds is looked at where alerts are: nothing below this is looked for."""
EVIDENCE_POINTS = ("010", "100")
TOLD = ("country", "confidence")
"""What the reads of the main figures tell beside the plate."""
ROAD_FLOORS = {"road_005": 0.05, "road_050": 0.5}
MILLION = 1e6


@dataclass(frozen=True, slots=True)
class Evidence:
    """One step of telling more: the fields of a read that the step adds."""

    id: str
    adds: tuple[str, ...]


EVIDENCE = (
    Evidence("text", ()),
    Evidence("country", ("country",)),
    Evidence("confidence", ("confidence",)),
)
"""Steps in order, each with all that came before; `bench_evidence` tells of other evidence."""


class _Road:
    """Ordinary traffic, none of it of a listed vehicle."""

    def __init__(self, size: Size, field: Field) -> None:
        reads = data.ordinary(size["traffic"])
        self.digest = data.traffic_digest(reads)
        listed = set(field.plates.texts)
        self._values = [read.json_bytes for read in reads if read.truth_plate not in listed]
        some = [json.loads(value)["plate"] for value in self._values[: size["peer_traffic"]]]
        texts = [data.canonical(text) for text in some]
        nobody = np.full(len(texts), -1)
        self._peers, _ = peer_scores(replace(field, reads=texts, own=nobody))

    def alerts(self, snapshot: Snapshot, share: float, at: list[float]) -> list[float]:
        """Count reads in a million that have a hit worth at least each of some thresholds."""
        best = np.zeros(len(self._values))
        hits = hits_of(self._values, snapshot, MatchRules(0.0, share, min(at)))
        np.maximum.at(best, hits.row, hits.probability)
        return [MILLION * float((best >= threshold).mean()) for threshold in at]

    def figures(self, made: Trial, ours: Judged, turn: int) -> dict[str, float]:
        """Count the false alerts of everybody, in a million reads."""
        thresholds = [ours.threshold(share) for share in FALSE_SHARES.values()]
        found = self.alerts(made.snapshot, TRAFFIC_SHARE, thresholds)
        deployed = self.alerts(made.snapshot, ROAD_SHARE, list(ROAD_FLOORS.values()))
        names = (*(f"million_{name}" for name in FALSE_SHARES), *ROAD_FLOORS)
        figures = dict(zip(names, found + deployed, strict=True))
        for name, (whose, score) in PEERS.items():
            share = float((self._peers[whose][turn] >= score).mean())
            figures[f"{name}_million"] = MILLION * share
        return figures


def _own_figures(ours: Judged, hits: Hits) -> dict[str, float]:
    figures = {f"recall_{name}": ours.recall(share) for name, share in FALSE_SHARES.items()}
    for name, share in FALSE_SHARES.items():
        figures[f"exact_{name}"] = ours.recall_exact(share)
    near = hits.chosen(~hits.exact)
    for name, chosen in (("calibration", hits), ("calibration_near", near)):
        figures[name] = calibration_error(reliability(chosen.probability, chosen.right))
    return figures


def _peer_figures(ours: Judged, peers: Mapping[str, Judged]) -> dict[str, float]:
    figures = {}
    for name, (whose, score) in PEERS.items():
        recall, false = peers[whose].at(score)
        figures[f"{name}_recall"], figures[f"{name}_false"] = recall, false
        figures[f"ours_at_{name}"] = ours.recall(false / 100)
    for name, share in FALSE_SHARES.items():
        figures[f"ratio_{name}"] = peers[RATIO].recall(share)
    return figures


def _by_evidence(made: Trial, edits: NDArray[np.int64]) -> dict[str, Judged]:
    found: dict[str, Judged] = {}
    fields: tuple[str, ...] = ()
    rules = MatchRules(0.0, TRAFFIC_SHARE, EVIDENCE_FLOOR)
    for step in EVIDENCE:
        fields += step.adds
        found[step.id] = judged(made, scores_of(made, trial_hits(made, fields, rules)), edits)
    return found


def _evidence_figures(steps: Mapping[str, Judged]) -> dict[str, float]:
    return {
        f"{step}_{name}": told.recall(FALSE_SHARES[name])
        for step, told in steps.items()
        for name in EVIDENCE_POINTS
    }


def _check_peers(made: Trial, scores: Scores, edits: NDArray[np.int64], turn: int) -> None:
    exact = made.listed[: len(made.seen)] & (edits == 0)
    for name, best in ((EXACT, 1.0), (FOLDED, 1.0), (EDITS, 0.0), (RATIO, 100.0)):
        wrong = int((scores[name][turn, exact] != best).sum())
        expect(f"exact reads that {name} does not find", wrong, 0)


def _check_ours(made: Trial, hits: Hits, edits: NDArray[np.int64]) -> None:
    own = np.flatnonzero(made.listed[: len(made.seen)] & (edits == 0))
    found = hits.row[hits.right]
    expect("exact reads that do not find their entry", len(np.setdiff1d(own, found)), 0)


def measure(seen: list[data.Seen], size: Size, repeats: int) -> Outcome:
    """Measure one set of reads; a round each for other halves of its vehicles."""
    filled = data.fill(seen, size["entries"] - len(seen) // 2)
    trials = [trial(seen, filled, turn) for turn in range(repeats)]
    field = Field(
        reads=[data.canonical(each.read) for each in seen],
        plates=Plates.of([plate for plate, _ in trials[0].plates]),
        own=np.arange(len(seen)),
        listed=np.stack([made.listed for made in trials]),
    )
    scores, edits = peer_scores(field)
    road = _Road(size, field)
    digests = {"pairs": data.pairs_digest(seen), "fill": data.plates_digest(filled)}
    outcome = Outcome(digests=digests | {"traffic": road.digest})
    kept = []
    for turn, made in enumerate(trials):
        _check_peers(made, scores, edits, turn)
        hits = trial_hits(made, TOLD, MatchRules(0.0, TRAFFIC_SHARE, NEAR_MIN))
        _check_ours(made, hits, edits)
        ours = judged(made, scores_of(made, hits), edits)
        peers = {name: judged(made, each[turn], edits) for name, each in scores.items()}
        outcome.add(_own_figures(ours, hits) | _peer_figures(ours, peers))
        steps = _by_evidence(made, edits)
        outcome.add(road.figures(made, ours, turn) | _evidence_figures(steps))
        kept.append(Round(ours, peers, steps, hits))
    outcome.curves = curves_of(kept)
    return outcome


def run(_lab: Lab, size: Size, repeats: int) -> Outcome:
    """Measure on simulated reads."""
    return measure(scene(size["reads"]).first, size, repeats)


def run_rendered(_lab: Lab, size: Size, repeats: int) -> Outcome:
    """Measure on the public set that the environment names.

    Raises:
        UsageError: it names none, or no such set.

    """
    path = data.misreads_path()
    if path is None:
        remedy = f"Set {data.VARIABLE} to a file of JSON lines, as benchmarks/README.md tells."
        raise UsageError("There is no public set of misreads to measure on.", remedy)
    return measure(data.rendered(path, size["reads"]), size, repeats)
