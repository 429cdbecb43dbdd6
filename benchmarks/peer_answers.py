"""What peers must answer: exactly the listed reads among those that they took.

Why places: a peer that takes a part of the topic gets partitions interleaved as the broker gives
them, so which reads it meets differs from run to run. Where it stopped in each partition says
which they were.
"""

from collections.abc import Iterable

from benchmarks.lab import expect
from benchmarks.peers import Ends, Reading, Taken

_ID = slice(len(b'{"read_id":"'), len(b'{"read_id":"be-00c0ffee-000000000000'))
"""Where the read id stands in each read of `workloads`."""

Place = tuple[int, int]
"""Partition and offset."""


class Answers:
    """Where each listed read stands in the topic."""

    def __init__(self, places: dict[Place, str]) -> None:
        """Take the places of all listed reads."""
        self._places = places

    def among(self, ends: Ends) -> frozenset[str]:
        """Name the listed reads before some offsets."""
        return frozenset(
            read_id
            for (partition, offset), read_id in self._places.items()
            if offset < ends.get(partition, 0)
        )

    def check(self, name: str, taken: Taken, reads: int) -> None:
        """Check what a peer did.

        Raises:
            WrongAnswer: it took more or fewer reads than asked, told a hit twice, missed one or
                told one that is none.

        """
        expect(f"reads of {name}", sum(taken.ends.values()), reads)
        if taken.hits is not None:
            found, expected = frozenset(taken.hits), self.among(taken.ends)
            expect(f"hits of {name}", len(taken.hits), len(expected))
            expect(f"reads that {name} finds too many or too few", len(found ^ expected), 0)


def look_for(kafka: str, reads: int, listed: frozenset[str]) -> Answers:
    """Go through the topic once and keep where the listed reads stand."""
    reading = Reading(kafka)
    try:
        places = dict(_listed(reading, reads, listed))
    finally:
        reading.close()
    expect("listed reads on the topic", len(places), len(listed))
    return Answers(places)


def _listed(reading: Reading, reads: int, listed: frozenset[str]) -> Iterable[tuple[Place, str]]:
    for part in reading.parts(reads):
        for message in part:
            read_id = (message.value() or b"")[_ID].decode()
            if read_id in listed:
                yield (message.partition() or 0, message.offset() or 0), read_id
