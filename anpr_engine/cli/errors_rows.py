"""Files of pairs and of verdicts, row by row; rows that cannot be taken are kept by number."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated

import msgspec
from pydantic import ValidationError

from anpr_engine.cli.inputs import opened
from anpr_engine.plates.error_calibration import latest_verdicts
from anpr_engine.plates.error_fit import Pairs, pairs_of
from anpr_engine.plates.error_verdicts import verdict_pairs
from anpr_engine.records.handling_event import is_handling_event
from anpr_engine.records.messages import receipt_id
from anpr_engine.records.verdict import UNREADABLE, Verdict

NO_READER = "not named"


class PairRow(msgspec.Struct):
    """A plate, what was read of it, how sure the reader was, and what kind of reader it is."""

    truth: Annotated[str, msgspec.Meta(min_length=1)]
    read: str
    confidence: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    reader: str | None = None


_ROWS = msgspec.json.Decoder(PairRow)


@dataclass(slots=True)
class PairRows:
    """What a file of pairs holds: the rows, how many each kind of reader has, and bad rows."""

    rows: list[PairRow] = field(default_factory=list)
    readers: Counter[str] = field(default_factory=Counter)
    bad: list[tuple[int, str]] = field(default_factory=list)

    def take(self, number: int, line: bytes, reader: str | None) -> None:
        """Add a line, unless it is of another kind of reader."""
        try:
            row = _ROWS.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            self.bad.append((number, str(error)))
            return
        self.readers[row.reader or NO_READER] += 1
        if reader is None or row.reader == reader:
            self.rows.append(row)

    def pairs(self) -> Pairs | None:
        """Put the rows into columns; None where nothing was read in any."""
        reads = [row.read for row in self.rows]
        if not any(reads):
            return None
        truths = [row.truth for row in self.rows]
        found = pairs_of(truths, reads, [row.confidence for row in self.rows])
        return found if len(found) else None


@dataclass(slots=True)
class VerdictRows:
    """What a file of verdicts holds: the verdicts, and bad rows."""

    verdicts: list[Verdict] = field(default_factory=list)
    bad: list[tuple[int, str]] = field(default_factory=list)

    def take(self, number: int, line: bytes, reader: str | None) -> None:
        """Add a line, unless it is of another kind of reader, or tells what became of a hit."""
        if is_handling_event(line) or receipt_id(line) is not None:
            return
        try:
            verdict = Verdict.model_validate_json(line, strict=True)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False, include_context=False)[0]
            place = ".".join(str(step) for step in first["loc"])
            # What is no JSON is told without the parser's words, which may quote it.
            self.bad.append((number, f"{place}: {first['msg']}" if place else "no JSON object"))
            return
        if reader is None or verdict.reader == reader:
            self.verdicts.append(verdict)

    def pairs(self) -> Pairs | None:
        """Put what was read and what was seen into columns; None where nobody could see any."""
        rows = [
            (verdict.plate_seen, verdict.plate_read, verdict.confidence)
            for verdict in latest_verdicts(self.verdicts)
            if verdict.plate_seen is not None and verdict.verdict != UNREADABLE
        ]
        if not rows:
            return None
        seen, reads, confidence = zip(*rows, strict=True)
        found = verdict_pairs(seen, reads, confidence)
        return found if len(found) else None


def read_rows(path: str, option: str, take: Callable[[int, bytes], None]) -> None:
    """Hand over the lines of a file with their numbers, the first being 1; empty ones are none.

    Raises:
        InputFileError: the file cannot be read.

    """
    with opened(path, option, f"--{option}") as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                take(number, line)


def read_pairs(path: str, reader: str | None) -> PairRows:
    """Read a file of pairs."""
    found = PairRows()
    read_rows(path, "pairs", lambda number, line: found.take(number, line, reader))
    return found


def read_verdicts(path: str, reader: str | None) -> VerdictRows:
    """Read a file of verdicts."""
    found = VerdictRows()
    read_rows(path, "verdicts", lambda number, line: found.take(number, line, reader))
    return found
