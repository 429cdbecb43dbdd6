"""What an import did: sums for a person, one line a refused row for whoever corrects the file."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, TextIO

import msgspec

from anpr_engine.watchlist.import_checks import ImportNotes
from anpr_engine.watchlist.redis_writer import WriteTally
from anpr_engine.watchlist.row_problems import RowProblem


@dataclass(slots=True)
class ImportReport:
    """Sums over one import; rows refused are counted by reason.

    waiting, proposal: how many changes wait for a second person, and under which id.
    """

    list_id: str
    accepted: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    unknown_columns: list[str] = field(default_factory=list)
    tally: WriteTally = field(default_factory=WriteTally)
    notes: ImportNotes = field(default_factory=ImportNotes)
    waiting: int = 0
    proposal: str = ""

    @property
    def refused(self) -> int:
        """Count the rows refused."""
        return self.reasons.total()

    def as_dict(self) -> dict[str, Any]:
        """Give the report for JSON."""
        return {
            "list_id": self.list_id,
            "accepted": self.accepted,
            "refused": self.refused,
            "added": self.tally.added,
            "changed": self.tally.changed,
            "removed": self.tally.removed,
            "unchanged": self.tally.unchanged,
            "refused_by_reason": dict(sorted(self.reasons.items())),
            "unknown_columns": self.unknown_columns,
            "version": self.tally.version,
            "waiting": self.waiting,
            "proposal": self.proposal,
            **self.notes.as_dict(),
        }

    def lines(self) -> list[str]:
        """Give the report for a person."""
        tally = self.tally
        rows = f"{self.accepted} rows accepted, {self.refused} refused"
        entries = (
            f"{tally.added} entries added, {tally.changed} changed, "
            f"{tally.removed} removed, {tally.unchanged} unchanged"
        )
        lines = [f"List {self.list_id}: {rows}; {entries}."]
        lines.extend(f"  refused {reason}: {n}" for reason, n in self.reasons.most_common())
        if self.unknown_columns:
            lines.append(f"  columns ignored: {', '.join(self.unknown_columns)}")
        if self.proposal:
            lines.append(f"  {self.waiting} changes wait for approval: proposal {self.proposal}")
        return lines + self.notes.lines()


class ProblemLog:
    """Writes one JSON line a refused row; what stood there only where asked for."""

    def __init__(self, out: TextIO | None, *, show_values: bool = False) -> None:
        """Write to a file, or nowhere."""
        self._out = out
        self._show_values = show_values

    def note(self, problem: RowProblem) -> None:
        """Write one row's problem."""
        if self._out is None:
            return
        line: dict[str, str | int] = {
            "row": problem.row,
            "field": problem.field,
            "reason": problem.reason.value,
            "text": problem.text,
        }
        if self._show_values:
            line["value"] = problem.value
        self._out.write(msgspec.json.encode(line).decode() + "\n")
