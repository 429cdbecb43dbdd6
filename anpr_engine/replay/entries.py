"""Watchlist entries for matching without a store: from a file, rows, a frame or a table."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from anpr_engine.errors import UsageError
from anpr_engine.records.watchlist_entry import WatchlistEntry
from anpr_engine.replay.sources import BATCH_READS, arrow_door
from anpr_engine.watchlist.files import read_entries
from anpr_engine.watchlist.row_problems import RowProblem


def entries_from(
    watchlist: Any,  # noqa: ANN401 - whatever a notebook holds
    characters_min: int,
) -> Iterable[WatchlistEntry | RowProblem]:
    """Give the entries of a watchlist, and the rows that are none.

    Args:
        watchlist: a CSV, JSONL or JSON path, rows, a DataFrame, an Arrow table, or entries.
        characters_min: fewest canonical characters of a plate.

    Raises:
        InputFileError: the file cannot be read.
        UsageError: the object holds no entries.

    """
    if isinstance(watchlist, str | Path):
        return read_entries(Path(watchlist), characters_min)
    if hasattr(watchlist, "__arrow_c_stream__") or hasattr(watchlist, "__dataframe__"):
        batches = arrow_door().table_rows(watchlist, BATCH_READS)
        return read_entries((row for batch in batches for row in batch), characters_min)
    if isinstance(watchlist, Iterable) and not isinstance(watchlist, Mapping | bytes):
        return _mixed(watchlist, characters_min)
    raise UsageError(
        f"A watchlist cannot be taken from a {type(watchlist).__name__}.",
        "Give a path, rows, a DataFrame or an Arrow table.",
    )


def _mixed(rows: Iterable[Any], characters_min: int) -> Iterator[WatchlistEntry | RowProblem]:
    listed = list(rows)
    yield from (row for row in listed if isinstance(row, WatchlistEntry))
    cells = (row for row in listed if not isinstance(row, WatchlistEntry))
    yield from read_entries(cells, characters_min)
