"""Files of a simulation: the truth about each read, and the sample watchlists."""

import csv
import json
from collections.abc import Iterable
from pathlib import Path

from anpr_engine.records.watchlist_entry import WatchlistEntry
from anpr_engine.simulate.rendering import SimulatedRead
from anpr_engine.watchlist.file_export import file_cells
from anpr_engine.watchlist.file_rows import COLUMNS


def truth_line(read: SimulatedRead) -> bytes:
    """Write the truth about one read as a line of JSON."""
    truth = {
        "read_id": read.read_id,
        "plate": read.truth_plate,
        "country": read.truth_country,
        "entry_ids": list(read.entry_ids),
        "misread": read.misread,
    }
    return json.dumps(truth, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def write_lists(folder: Path, entries: Iterable[WatchlistEntry]) -> list[Path]:
    """Write one watchlist file a site, `<site>.csv`, and give the paths.

    Raises:
        OSError: when the folder cannot be made or a file cannot be written.

    """
    by_site: dict[str, list[WatchlistEntry]] = {}
    for entry in entries:
        by_site.setdefault(entry.provider or "", []).append(entry)
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for site, listed in sorted(by_site.items()):
        path = folder / f"{site}.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
            writer.writeheader()
            writer.writerows(map(file_cells, listed))
        paths.append(path)
    return paths
