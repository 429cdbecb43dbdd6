"""The pure step: record values in, alerts and refusals out; no I/O, clock or chance of its own."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from anpr_engine.pipeline.columns import Circumstances, DecidedAlert
from anpr_engine.pipeline.decide import decide
from anpr_engine.pipeline.decode import decode
from anpr_engine.pipeline.match import MatchRules, match
from anpr_engine.pipeline.normalise import normalise_plates
from anpr_engine.records.columns import HitColumns, PlateColumns, ReadColumns, Reject
from anpr_engine.watchlist.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class StepRules:
    """What a site has set for reading and matching.

    characters_min: fewest canonical characters that may match.
    future_us_max: how far ahead of the engine's clock a read may be dated.
    """

    match: MatchRules = field(default_factory=MatchRules)
    characters_min: int = 4
    future_us_max: int = 300_000_000


@dataclass(frozen=True, slots=True)
class StepResult:
    """What became of a batch; `withheld` counts hits that were dropped on purpose, by reason."""

    reads: ReadColumns
    plates: PlateColumns
    hits: HitColumns
    alerts: Sequence[DecidedAlert]
    rejects: Sequence[Reject]
    withheld: dict[str, int]


def _no_lap(_stage: str) -> None:
    return


def step(
    values: Sequence[bytes],
    snapshot: Snapshot,
    rules: StepRules,
    where: Circumstances,
    lap: Callable[[str], None] = _no_lap,
) -> StepResult:
    """Take one batch from record values to alerts.

    Args:
        values: the records' values.
        snapshot: the watchlists, held by this one reference for the whole batch.
        rules: what the site has set.
        where: site, time and age of the lists.
        lap: told the name of each stage when it is done; for measuring.

    """
    reads = decode(values, where.now_us + rules.future_us_max)
    lap("decode")
    plates = normalise_plates(reads, rules.characters_min)
    lap("normalise")
    hits = match(reads, plates, snapshot, rules.match, where.now_us)
    lap("match")
    alerts, refused = decide(reads, hits, snapshot, where)
    lap("decide")
    return StepResult(reads, plates, hits, alerts, reads.rejects, {**hits.withheld, **refused})
