"""One row of a table as the JSON of a read; what is not there is left out."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from anpr_engine.ports import RecordValues, Texts

WRITTEN_ROWS = 256
"""Rows written at a time: writing one alone costs as much as thirty together."""

_ENCODER = msgspec.json.Encoder(enc_hook=str)


def row_value(row: Mapping[str, Any]) -> bytes:
    """Write one row as a read's JSON; empty cells are left out, times without zone are UTC."""
    filled = {name: _cell(cell) for name, cell in row.items() if not _is_empty(cell)}
    return _ENCODER.encode(filled)


def _is_empty(cell: object) -> bool:
    # pandas writes a missing number or text as NaN, which is not equal to itself.
    return cell is None or cell != cell  # noqa: PLR0124 - see above


def _cell(cell: Any) -> Any:  # noqa: ANN401 - rows hold what JSON holds
    if isinstance(cell, datetime):
        zoned = cell if cell.tzinfo else cell.replace(tzinfo=UTC)
        return zoned.astimezone(UTC).isoformat().replace("+00:00", "Z")
    item = getattr(cell, "item", None)
    return item() if callable(item) and getattr(cell, "shape", None) == () else cell


class RowTexts(Texts):
    """Rows written as JSON when they are asked for, those that will be wanted many at a time."""

    def __init__(self, rows: int, write: Callable[[list[int]], list[bytes]]) -> None:
        """Keep what writes some rows."""
        self._rows, self._write = rows, write
        self._coming: list[int] = []
        self._at: dict[int, int] = {}
        self._written: dict[int, bytes] = {}

    def plan(self, rows: Iterable[int]) -> None:
        """Hear which rows will be asked for next, in order."""
        self._coming = list(dict.fromkeys(rows))
        self._at = {row: place for place, row in enumerate(self._coming)}

    def __len__(self) -> int:
        """Count the rows."""
        return self._rows

    def texts(self, rows: Sequence[int]) -> list[bytes]:
        """Write some rows."""
        return self._write(list(rows))

    def text(self, row: int) -> bytes:
        """Write a row, and those that will be wanted next."""
        written = self._written
        if row not in written:
            place = self._at.get(row)
            rows = [row] if place is None else self._coming[place : place + WRITTEN_ROWS]
            # Threads that share the rows may each write some; what one has, another cannot take.
            written = self._written = dict(zip(rows, self._write(rows), strict=True))
        return written[row]


class ChosenTexts(Texts):
    """Rows of several sequences as one."""

    def __init__(
        self,
        parts: Sequence[Sequence[bytes]],
        part: NDArray[np.int64],
        row: NDArray[np.int64],
    ) -> None:
        """Keep the parts, and of each row its part and its place there."""
        self._parts, self._part, self._row = parts, part, row

    def __len__(self) -> int:
        """Count the rows."""
        return len(self._row)

    def plan(self, rows: Iterable[int]) -> None:
        """Hear which rows will be asked for next, in order, and tell the parts theirs."""
        chosen = np.fromiter(rows, dtype=np.int64)
        for number, part in enumerate(self._parts):
            plan_rows(part, self._row[chosen[self._part[chosen] == number]].tolist())

    def text(self, row: int) -> bytes:
        """Give a row of the part that has it."""
        return self._parts[int(self._part[row])][int(self._row[row])]


def in_a_row(parts: Sequence[Sequence[bytes]]) -> ChosenTexts:
    """Give the rows of several sequences, one behind another."""
    sizes = [len(part) for part in parts]
    number = np.repeat(np.arange(len(parts)), sizes)
    return ChosenTexts(parts, number, np.concatenate([np.arange(size) for size in sizes]))


class LineTexts(RecordValues):
    """Lines, without the white space that parts them where a record holds several."""

    __slots__ = ("_ends", "_of_lines")

    def __init__(
        self,
        buffer: NDArray[np.uint8],
        bounds: NDArray[np.int64],
        of_lines: NDArray[np.bool_],
        counts: NDArray[np.int64],
    ) -> None:
        """Take lines as they lie.

        Args:
            buffer: uint8 (bytes,).
            bounds: int64 (lines + 1,), where each begins, and the end of the last.
            of_lines: bool (records,), not so for a record that is one text.
            counts: int64 (records,), lines of each.

        """
        super().__init__(buffer, bounds)
        self._of_lines, self._ends = of_lines, np.cumsum(counts)

    def text(self, row: int) -> bytes:
        """Give a line."""
        found = super().text(row)
        record = int(np.searchsorted(self._ends, row, side="right"))
        return found.strip(b" \t\r\n") if self._of_lines[record] else found


def plan_rows(values: Sequence[bytes], rows: Iterable[int]) -> None:
    """Tell values which rows will be asked for next, where it makes a difference to them."""
    if isinstance(values, Texts):
        values.plan(rows)
