"""A round of the quality benchmark: which vehicles are listed, what is learned, what is found."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from anpr_engine.pipeline.columns import EXACT
from anpr_engine.pipeline.decode import decode
from anpr_engine.pipeline.match import MatchRules, match
from anpr_engine.pipeline.normalise import normalise_plates
from anpr_engine.plates.error_fit import fit, pairs_of
from anpr_engine.plates.error_model import channel_of
from anpr_engine.plates.pack_files import country_packs
from anpr_engine.plates.reading import ReadingModel, reading_model
from anpr_engine.watchlist.snapshot import Snapshot, snapshot_of
from benchmarks import quality_data as data
from benchmarks.quality_scores import Judged

LATEST_US = 2**62
CHARACTERS_MIN = 4
PARTS = 2


@dataclass(frozen=True, slots=True)
class Hits:
    """Hits as columns: the read's row, the entry's place, what it is worth, and how it was found.

    row, place: int64 (h,). probability: float64 (h,). exact: bool (h,).
    """

    row: NDArray[np.int64]
    place: NDArray[np.int64]
    probability: NDArray[np.float64]
    exact: NDArray[np.bool_]

    @classmethod
    def joined(cls, parts: Sequence["Hits"]) -> "Hits":
        """Put hits together."""
        return cls(
            np.concatenate([part.row for part in parts]),
            np.concatenate([part.place for part in parts]),
            np.concatenate([part.probability for part in parts]),
            np.concatenate([part.exact for part in parts]),
        )

    @property
    def right(self) -> NDArray[np.bool_]:
        """Say which hits name the vehicle seen, in a round whose entries are named by place."""
        return np.asarray(self.row == self.place, np.bool_)

    def chosen(self, rows: NDArray[np.bool_]) -> "Hits":
        """Take some of the hits."""
        return Hits(self.row[rows], self.place[rows], self.probability[rows], self.exact[rows])


@dataclass(frozen=True, slots=True)
class Trial:
    """What a round is made of; `plates` are those of the reads, then those of the fill.

    listed: bool (plates,). part: int64 (reads,), which part a read is judged in.
    models: by part, learned from the other one.
    """

    seen: list[data.Seen]
    plates: list[tuple[str, str]]
    listed: NDArray[np.bool_]
    part: NDArray[np.int64]
    models: list[ReadingModel]
    snapshot: Snapshot


def trial(
    seen: list[data.Seen],
    filled: list[tuple[str, str]],
    turn: int,
    looks: Sequence[tuple[str, str]] = (),
) -> Trial:
    """Make the round of a number: which half is listed, and what is learned.

    Args:
        seen: a read of each vehicle.
        filled: other plates that are listed.
        turn: the round's number.
        looks: (make, colour) as the list tells them, of the vehicles and the others; may be none.

    """
    rng = np.random.default_rng([turn, 3])
    plates = [(each.truth, each.country) for each in seen] + filled
    listed = np.ones(len(plates), dtype=np.bool_)
    listed[rng.permutation(len(seen))[: len(seen) // 2]] = False
    part = rng.integers(0, PARTS, len(seen))
    entries = data.entries_of(plates, looks)
    return Trial(
        seen=seen,
        plates=plates,
        listed=listed,
        part=part,
        models=[_learned(seen, np.flatnonzero(part != number)) for number in range(PARTS)],
        snapshot=snapshot_of([entries[place] for place in np.flatnonzero(listed).tolist()]),
    )


def _learned(seen: list[data.Seen], rows: NDArray[np.intp]) -> ReadingModel:
    chosen = [seen[row] for row in rows.tolist()]
    pairs = pairs_of(
        [each.truth for each in chosen],
        [each.read for each in chosen],
        [each.confidence for each in chosen],
    )
    return reading_model(country_packs(), channel_of(fit(pairs, "bench", "bench")))


def hits_of(values: Sequence[bytes], snapshot: Snapshot, rules: MatchRules) -> Hits:
    """Match JSON reads, in memory."""
    reads = decode(values, LATEST_US)
    found = match(reads, normalise_plates(reads, CHARACTERS_MIN), snapshot, rules, 0)
    ids = [
        snapshot.entry(entry, recent=recent).entry_id
        for entry, recent in zip(found.entry.tolist(), found.recent.tolist(), strict=True)
    ]
    return Hits(found.read, data.places_of(ids), found.probability, found.tier == EXACT)


def trial_hits(
    made: Trial,
    fields: Sequence[str],
    rules: MatchRules,
    later: Sequence[tuple[int, data.Seen]] = (),
) -> Hits:
    """Match all reads of a round, each by the model that was not learned from its vehicle.

    Args:
        made: the round.
        fields: the optional fields that the reads tell.
        rules: what counts as a hit.
        later: more reads of some vehicles, each with the row of its vehicle.

    """
    seen = [*enumerate(made.seen), *later]
    owner = np.array([row for row, _ in seen])
    parts = []
    for number, model in enumerate(made.models):
        rows = np.flatnonzero(made.part[owner] == number)
        values = [data.value_of(row, seen[row][1], fields) for row in rows.tolist()]
        hits = hits_of(values, made.snapshot, replace(rules, model=model))
        parts.append(replace(hits, row=owner[rows][hits.row]))
    return Hits.joined(parts)


def judged(made: Trial, scores: NDArray[np.float64], edits: NDArray[np.int64]) -> Judged:
    """Sort one matcher's scores; misreads count within two edits and with enough characters."""
    listed = made.listed[: len(made.seen)]
    usable = np.array([len(data.canonical(each.read)) >= CHARACTERS_MIN for each in made.seen])
    return Judged(
        innocent=scores[~listed],
        misread=scores[listed & usable & (edits >= 1) & (edits <= 2)],
        exact=scores[listed & (edits == 0)],
    )


def scores_of(made: Trial, hits: Hits) -> NDArray[np.float64]:
    """Give each read's score: the right entry's if there is one, else the best of any entry."""
    counts = ~made.listed[hits.row] | hits.right
    scores = np.zeros(len(made.seen))
    np.maximum.at(scores, hits.row[counts], hits.probability[counts])
    return scores
