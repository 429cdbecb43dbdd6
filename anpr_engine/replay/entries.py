"""Watchlist entries for matching without a store: from a file, rows, a frame or a table."""

import io
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from anpr_engine.errors import UsageError
from anpr_engine.records.watchlist_entry import WatchlistEntry
from anpr_engine.replay.sources import BATCH_READS, arrow_door
from anpr_engine.watchlist.file_checks import FileRules, RowChecker
from anpr_engine.watchlist.file_rows import FileForm, RawRow, RowSource
from anpr_engine.watchlist.files import form_of, open_file
from anpr_engine.watchlist.row_problems import RowProblem

UNNAMED_LIST = "file"
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
"""An entry that is over now was in force then: matching compares with when a plate was seen."""

Found = WatchlistEntry | RowProblem
_ENCODER = msgspec.json.Encoder(enc_hook=str)


def entries_from(watchlist: Any, characters_min: int) -> Iterator[Found]:  # noqa: ANN401
    """Give the entries of a watchlist, and the rows that are none.

    Args:
        watchlist: a CSV, JSONL or JSON path, rows, a DataFrame, an Arrow table, or entries.
        characters_min: fewest canonical characters of a plate.

    Raises:
        InputFileError: the file cannot be read.
        UsageError: the object holds no entries.

    """
    if isinstance(watchlist, str | Path):
        path = Path(watchlist)
        with open_file(path) as stream:
            yield from _checked(stream, form_of(path), characters_min)
    elif hasattr(watchlist, "__arrow_c_stream__") or hasattr(watchlist, "__dataframe__"):
        batches = arrow_door().table_rows(watchlist, BATCH_READS)
        yield from _from_rows((row for batch in batches for row in batch), characters_min)
    elif isinstance(watchlist, Iterable) and not isinstance(watchlist, Mapping | bytes):
        yield from _from_rows(watchlist, characters_min)
    else:
        raise UsageError(
            f"A watchlist cannot be taken from a {type(watchlist).__name__}.",
            "Give a path, rows, a DataFrame or an Arrow table.",
        )


def _from_rows(rows: Iterable[Any], characters_min: int) -> Iterator[Found]:
    lines = []
    for row in rows:
        if isinstance(row, WatchlistEntry):
            yield row
        else:
            filled = {name: cell for name, cell in row.items() if cell == cell}  # noqa: PLR0124
            lines.append(_ENCODER.encode(filled))
    yield from _checked(io.BytesIO(b"\n".join(lines)), FileForm.JSONL, characters_min)


def _checked(stream: BinaryIO, form: FileForm, characters_min: int) -> Iterator[Found]:
    # One file may hold several lists; ids need to be unique within each.
    checkers: dict[str, RowChecker] = {}
    for row in RowSource(stream, form):
        if isinstance(row, RowProblem):
            yield row
            continue
        yield _checker(checkers, row, form, characters_min).check(row)


def _checker(
    checkers: dict[str, RowChecker], row: RawRow, form: FileForm, characters_min: int
) -> RowChecker:
    list_id = row.cells.get("list_id") or UNNAMED_LIST
    if list_id not in checkers:
        escaped = form is FileForm.CSV
        rules = FileRules(list_id, LONG_AGO, characters_min=characters_min, escaped=escaped)
        checkers[list_id] = RowChecker(rules)
    return checkers[list_id]
