"""Hit: a read that may belong to an entry, with a probability; output of `match` and `replay`."""

import msgspec


class Hit(msgspec.Struct, frozen=True):
    """One read and one entry; `captured_at` as sent, `plate` as read, `watchlist_plate` as listed.

    probability: that the vehicle seen is the listed one; edits: characters that differ.
    """

    read_id: str
    camera_id: str
    captured_at: str
    plate: str
    watchlist_plate: str
    entry_id: str
    list_id: str
    category: str
    probability: float
    tier: str
    edits: int

    def explain(self) -> str:
        """Say in one sentence why this is a hit; `Engine.explain` gives the whole reckoning."""
        differ = "1 edit" if self.edits == 1 else f"{self.edits} edits"
        return (
            f"Read {self.read_id} at {self.camera_id}: {self.plate} was read, "
            f"{self.watchlist_plate} is listed on {self.list_id} ({self.category}); "
            f"{self.tier} match, {differ}, probability {self.probability:.4f}."
        )
