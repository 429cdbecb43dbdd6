"""A row of a watchlist file that was checked, on its way into the store.

Why not the entry itself: a million rows of one file share all but five values, and to copy the
others for each, only to compare them when it is written, took a third of an import's time.
"""

import msgspec

from anpr_engine.records.trusted import changed
from anpr_engine.records.watchlist_entry import WatchlistEntry


class ListedRow(msgspec.Struct, frozen=True, gc=False):
    """An entry's own values, and an entry that has the others; of rows alike the very same one."""

    shared: WatchlistEntry
    entry_id: str
    plate: str
    country: str | None
    case_ref: str
    note: str

    def entry(self) -> WatchlistEntry:
        """Give the entry."""
        own = {
            "entry_id": self.entry_id,
            "plate": self.plate,
            "country": self.country,
            "case_ref": self.case_ref,
            "note": self.note,
        }
        return changed(self.shared, own)
