"""How far each partition is: polled, accepted, saved.

`polled` is the offset of the next read to come. `accepted` is where reading starts again after a
rollback: everything before it is dealt with. `saved` is what the broker has on record; it lags
behind `accepted` while a commit without records is put off.
"""

from collections.abc import Mapping

Offsets = dict[int, int]


class Progress:
    """The three offsets of every partition that is ours."""

    def __init__(self) -> None:
        """Start with no partition."""
        self.polled: Offsets = {}
        self._accepted: Offsets = {}
        self._saved: Offsets = {}

    def knows(self, partition: int) -> bool:
        """Say whether anything of this partition was ever seen."""
        return partition in self._saved

    def next(self, partition: int) -> int | None:
        """Give the offset to read next; None when nothing was ever seen of the partition."""
        return self.polled.get(partition, self._accepted.get(partition))

    def begin(self, partition: int, offset: int) -> None:
        """Note the first offset seen of a partition; later calls change nothing."""
        self._saved.setdefault(partition, offset)
        self._accepted.setdefault(partition, offset)

    def unknown(self, partitions: Mapping[int, int]) -> set[int]:
        """Give those that were not begun."""
        return partitions.keys() - self._saved.keys()

    def unsaved(self) -> Offsets:
        """Give what a commit of everything polled would save."""
        return {p: at for p, at in self.polled.items() if at > self._saved.get(p, at)}

    def put_off(self) -> Offsets:
        """Give what is accepted but not yet on the broker's record."""
        return {p: at for p, at in self._accepted.items() if at > self._saved[p]}

    def accept(self) -> None:
        """Take everything polled as dealt with."""
        self._accepted.update(self.polled)

    def save(self, offsets: Offsets) -> None:
        """Note what the broker has on record."""
        for partition, at in offsets.items():
            if partition in self._saved:
                self._saved[partition] = at
                self._accepted[partition] = max(at, self._accepted[partition])

    def roll_back(self) -> Offsets:
        """Forget what was polled since the last acceptance; give where to read again."""
        again = {p: self._accepted[p] for p, at in self.polled.items() if at > self._accepted[p]}
        for partition in again:
            del self.polled[partition]
        return again

    def forget(self, partition: int) -> None:
        """Drop a partition that is no longer ours."""
        for offsets in (self.polled, self._accepted, self._saved):
            offsets.pop(partition, None)
