"""The engine for notebooks and scripts: files and tables in, hits out; no broker, no Redis."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Unpack, overload

from anpr_engine.errors import AnprError
from anpr_engine.pipeline.core import StepRules
from anpr_engine.pipeline.decode import decode
from anpr_engine.pipeline.explain import explain
from anpr_engine.pipeline.match import NEAR_MIN, MatchRules
from anpr_engine.plates.explain import Explanation
from anpr_engine.plates.reading import shipped_reading
from anpr_engine.records.columns import ReadColumns, Reject
from anpr_engine.records.hit import Hit
from anpr_engine.records.watchlist_entry import WatchlistEntry
from anpr_engine.replay.entries import entries_from
from anpr_engine.replay.matching import matched, told_hits
from anpr_engine.replay.options import ChosenOptions, EngineOptions
from anpr_engine.replay.sources import arrow_door, read_columns
from anpr_engine.watchlist.row_problems import RowProblem
from anpr_engine.watchlist.snapshot import Snapshot, snapshot_of


class Hits(Sequence[Hit]):
    """Hits in order of reads: a list of rows that any Arrow library takes as a table too."""

    def __init__(
        self,
        rows: Sequence[Hit],
        rejects: Sequence[Reject] = (),
        reads: Sequence[bytes] = (),
    ) -> None:
        """Keep the hits, the reads that were refused, and each hit's own read as JSON."""
        self._rows = rows
        self.rejects = rejects
        self.reads = reads

    @overload
    def __getitem__(self, index: int) -> Hit: ...
    @overload
    def __getitem__(self, index: slice) -> "Hits": ...
    def __getitem__(self, index: int | slice) -> "Hit | Hits":
        """Give one hit, or some."""
        if isinstance(index, slice):
            return Hits(self._rows[index], reads=self.reads[index])
        return self._rows[index]

    def __len__(self) -> int:
        """Count the hits."""
        return len(self._rows)

    def to_arrow(self) -> Any:  # noqa: ANN401 - pyarrow is untyped
        """Give the hits as an Arrow table; needs pyarrow."""
        return arrow_door().hits_table(self._rows)

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Hand the hits to any Arrow library (Arrow PyCapsule interface)."""
        return self.to_arrow().__arrow_c_stream__(requested_schema)


@dataclass(slots=True)
class MatchTotals:
    """What a matching run has done so far."""

    reads: int = 0
    hits: int = 0
    rejected: int = 0
    by_reason: dict[str, int] = field(default_factory=dict)


class Engine:
    """Matches reads against one watchlist, in memory.

    A probability says how likely the vehicle seen is the listed one; `traffic_share` is the share
    of reads assumed to be of any listed vehicle.
    """

    def __init__(
        self,
        watchlist: Any,  # noqa: ANN401 - a path, rows, a frame or a table
        *,
        traffic_share: float = 0.0001,
        probability_min: float = 0.0,
        near_probability_min: float = NEAR_MIN,
        **options: Unpack[EngineOptions],
    ) -> None:
        """Load a watchlist: a CSV or JSONL path, rows, a DataFrame, an Arrow table or entries.

        Rows that cannot be taken are named in `problems`; the rest is used. Further options, such
        as `cameras`, a file made by `anpr cameras fit`: see `replay.options.ChosenOptions`.
        """
        chosen = ChosenOptions(**options)
        found = list(entries_from(watchlist, chosen.characters_min))
        self.problems: list[RowProblem] = [row for row in found if isinstance(row, RowProblem)]
        entries = [row for row in found if isinstance(row, WatchlistEntry)]
        self.snapshot: Snapshot = snapshot_of(entries)
        rules = MatchRules(
            probability_min,
            traffic_share,
            near_probability_min,
            near=chosen.near,
            model=chosen.model(),
        )
        self._rules = StepRules(rules, chosen.characters_min)
        self._now_us = chosen.now_us
        self.totals = MatchTotals()

    def match(self, reads: Any) -> Hits:  # noqa: ANN401 - a path, rows, a frame or a table
        """Match all reads at once: a path or pattern, rows, a DataFrame or an Arrow table."""
        batches = list(self.stream(reads))
        rows = [hit for batch in batches for hit in batch]
        rejects = [reject for batch in batches for reject in batch.rejects]
        return Hits(rows, rejects, [read for batch in batches for read in batch.reads])

    def stream(self, reads: Any) -> Iterator[Hits]:  # noqa: ANN401 - as in match
        """Match reads batch by batch, in bounded memory."""
        for take in read_columns(reads):
            yield self._hits(take(self._latest_us()))

    def match_values(self, values: Sequence[bytes]) -> Hits:
        """Match one batch of JSON reads; refused rows are numbered over the whole run."""
        return self._hits(decode(values, self._latest_us()))

    def _latest_us(self) -> int:
        return self._now_us() + self._rules.future_us_max

    def _hits(self, reads: ReadColumns) -> Hits:
        hits = matched(reads, self.snapshot, self._rules)
        rows, told = told_hits(reads, hits, self.snapshot, range(len(hits)))
        first = self.totals.reads
        rejects = [reject._replace(row=first + reject.row) for reject in reads.rejects]
        self._count(reads, rows)
        return Hits(rows, rejects, told)

    def explain(self, hit: Hit, read: bytes | str) -> Explanation:
        """Explain a hit of this engine: alignment, evidence, what each piece did to the odds.

        Args:
            hit: as `match` gave it.
            read: its read as JSON; of the hit at a place of `hits` it is `hits.reads[place]`.

        """
        values = [read.encode() if isinstance(read, str) else read]
        reads = decode(values, self._latest_us())
        hits = matched(reads, self.snapshot, self._rules)
        rules = self._rules.match
        by = rules.model or shipped_reading(), rules.traffic_share
        for place in range(len(hits)):
            entry = self.snapshot.entry(int(hits.entry[place]), recent=bool(hits.recent[place]))
            if (entry.list_id, entry.entry_id) == (hit.list_id, hit.entry_id):
                return explain(reads, hits, place, self.snapshot, by)
        raise AnprError("This read is no hit of that entry.", "Give the hit's own read.")

    def _count(self, reads: ReadColumns, rows: Sequence[Hit]) -> None:
        self.totals.reads += len(reads)
        self.totals.hits += len(rows)
        self.totals.rejected += len(reads.rejects)
        for reject in reads.rejects:
            reason = reject.reason.value
            self.totals.by_reason[reason] = self.totals.by_reason.get(reason, 0) + 1
