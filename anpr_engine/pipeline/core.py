"""The pure step: record values in, alerts and refusals out; no I/O, clock or chance of its own."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from anpr_engine.pipeline.batches.records_in import reads_in
from anpr_engine.pipeline.batches.rows import plan_rows
from anpr_engine.pipeline.batches.rules import RecordRules
from anpr_engine.pipeline.columns import Circumstances, DecidedAlert, Withheld
from anpr_engine.pipeline.crew import ALONE, Crew, joined_hits, part_of
from anpr_engine.pipeline.decide import all_withheld, decide, within_capacity
from anpr_engine.pipeline.journeys import PlaceRules
from anpr_engine.pipeline.match import MatchRules, match
from anpr_engine.pipeline.normalise import normalise_plates
from anpr_engine.pipeline.passages import (
    SAME_PASSAGE,
    Passage,
    PassageBook,
    PassageRules,
    join_passages,
)
from anpr_engine.pipeline.places import Sighting, SightingBook, kept_hits, weigh_places
from anpr_engine.pipeline.together import together
from anpr_engine.policy.agreed import Agreed, nothing_agreed
from anpr_engine.policy.hit_memory import Memory
from anpr_engine.policy.policy_set import PolicySet, shipped_policies
from anpr_engine.records.columns import HitColumns, PlateColumns, ReadColumns, Reject
from anpr_engine.watchlist.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class StepRules:
    """What a site has set for reading, matching and joining reads to passages.

    characters_min: fewest canonical characters that may match.
    future_us_max: how far ahead of the engine's clock a read may be dated.
    records: what is accepted in one record of many reads.
    places: what is assumed of journeys; None where place is no evidence.
    policies: gives the rules of law in force; asked once a batch.
    agreed: gives what services agreed on; likewise.
    memory: of what the rules of law answered before.
    """

    match: MatchRules = field(default_factory=MatchRules)
    characters_min: int = 4
    future_us_max: int = 300_000_000
    passages: PassageRules = field(default_factory=PassageRules)
    records: RecordRules = field(default_factory=RecordRules)
    places: PlaceRules | None = None
    policies: Callable[[], PolicySet] = shipped_policies
    agreed: Callable[[], Agreed] = nothing_agreed
    memory: Memory = field(default_factory=Memory, compare=False)

    @property
    def searched(self) -> MatchRules:
        """What matching looks for: all that the place might yet lift to the floor."""
        if self.places is None:
            return self.match
        return replace(
            self.match,
            probability_min=self.places.floor_for(self.match.probability_min),
            near_probability_min=self.places.floor_for(self.match.near_probability_min),
        )


@dataclass(frozen=True, slots=True)
class StepResult:
    """What became of a batch; `withheld` counts hits that were dropped on purpose, by reason.

    passages: what is to change in the book of passages once the batch is durable.
    sightings: what the book of sightings is to take over then.
    refused: the same for the record: what policy kept back, and exact hits that matching did, by
        entry and reason; the rest by reason alone.
    """

    reads: ReadColumns
    plates: PlateColumns
    hits: HitColumns
    alerts: Sequence[DecidedAlert]
    rejects: Sequence[Reject]
    withheld: dict[str, int]
    passages: Sequence[Passage] = ()
    sightings: Sequence[Sighting] = ()
    refused: Sequence[Withheld] = ()


@dataclass(frozen=True, slots=True)
class Looked:
    """A batch's reads and hits: all that does not depend on the batches before it.

    Where place counts, hits are not yet weighed by it, and `weigh` has to follow.
    """

    reads: ReadColumns
    plates: PlateColumns
    hits: HitColumns
    sightings: Sequence[Sighting] = ()


Lap = Callable[[str], None]
"""Told the name of each stage when it is done; for measuring."""


def _no_lap(_stage: str) -> None:
    return


def step(
    values: Sequence[bytes],
    snapshot: Snapshot,
    rules: StepRules,
    where: Circumstances,
    book: PassageBook | None = None,
    lap: Lap = _no_lap,
) -> StepResult:
    """Take one batch from record values to alerts.

    Args:
        values: the records' values; `Incoming` where headers may say how to read them.
        snapshot: the watchlists, held by this one reference for the whole batch.
        rules: what the site has set.
        where: site, time and age of the lists.
        book: the passages under way, only looked at; None lets every read stand for itself.
        lap: told of each stage.

    Of places only those of this batch are known.
    """
    looked = look(values, snapshot, rules, where, lap)
    looked = weigh(looked, snapshot, rules, SightingBook(rules.places or PlaceRules()))
    return conclude(looked, snapshot, rules, where, book, lap)


def look(
    values: Sequence[bytes],
    snapshot: Snapshot,
    rules: StepRules,
    where: Circumstances,
    lap: Lap = _no_lap,
    crew: Crew = ALONE,
) -> Looked:
    """Take one batch from record values to hits; parameters as for `step`."""
    reads = reads_in(values, rules.records, where.now_us + rules.future_us_max, crew)
    lap("decode")
    plates = normalise_plates(reads, rules.characters_min, crew)
    lap("normalise")
    searched = rules.searched

    def matched(first: int, end: int) -> tuple[int, HitColumns]:
        some, keys = part_of(reads, first, end), plates.part(first, end)
        return first, match(some, keys, snapshot, searched, where.now_us)

    hits = joined_hits(crew.each(len(reads), matched))
    plan_rows(reads.values, hits.read.tolist())
    lap("match")
    return Looked(reads, plates, hits)


def weigh(looked: Looked, snapshot: Snapshot, rules: StepRules, book: SightingBook) -> Looked:
    """Weigh a batch's hits by place, where that counts; others stay as they are.

    Args:
        looked: from `look`, with the same snapshot and rules.
        snapshot: the watchlists.
        rules: what the site has set.
        book: what earlier batches saw, durable, only looked at.

    """
    if rules.places is None:
        return looked
    least = rules.match.probability_min
    floors = max(rules.match.near_probability_min, least), least
    placed = kept_hits(weigh_places(looked.reads, looked.hits, snapshot, book), floors)
    return replace(looked, hits=placed.hits, sightings=placed.sightings)


def conclude(
    looked: Looked,
    snapshot: Snapshot,
    rules: StepRules,
    where: Circumstances,
    book: PassageBook | None = None,
    lap: Lap = _no_lap,
) -> StepResult:
    """Take one batch from hits to alerts; parameters as for `step`, the same snapshot."""
    reads, plates, hits = looked.reads, looked.plates, looked.hits
    agreed = rules.agreed()
    alerts, refused = decide(reads, hits, snapshot, where, (rules.policies(), agreed, rules.memory))
    withheld = dict(hits.withheld)
    for each in refused:
        withheld[each.rule] = withheld.get(each.rule, 0) + each.hits
    changes: Sequence[Passage] = ()
    if book is not None:
        joined = join_passages(alerts, book, rules.passages)
        alerts, changes = joined.alerts, joined.changes
        if joined.held_back:
            withheld[SAME_PASSAGE] = joined.held_back
    alerts = together(within_capacity(alerts, agreed, where))
    lap("decide")
    if withheld:
        refused = all_withheld(reads, hits, snapshot, refused, withheld)
    rejects, sightings = reads.rejects, looked.sightings
    return StepResult(reads, plates, hits, alerts, rejects, withheld, changes, sightings, refused)
