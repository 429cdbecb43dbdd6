"""The columns a batch is made of inside the engine: numpy arrays of equal length.

`n` reads, `c` candidates, `h` hits. Nothing here is written after it was made.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from anpr_engine.records.read import PlateRead
from anpr_engine.records.rejected_read import RejectReason


def country_code(country: str | None) -> int:
    """Give an ISO 3166 alpha-2 code as one number, two bytes upper case; 0 for none."""
    if not country:
        return 0
    first, second = country.upper().encode("ascii")
    return first * 256 + second


def country_text(code: int) -> str | None:
    """Give the code back as text; None for 0."""
    return None if code == 0 else f"{chr(code // 256)}{chr(code % 256)}"


class Reject(NamedTuple):
    """A row that is no read, why, and which field or rule failed (never its value)."""

    row: int
    reason: RejectReason
    detail: str


@dataclass(frozen=True, slots=True)
class PlateColumns:
    """Normalised plates of a batch.

    keys: uint64 (n,), 0 where the plate can match nothing.
    status: uint8 (n,), what `kernels.plate_text` calls it; `REFUSED` for rows that are no read.
    gaps: uint16 (n,), where separators were read, see `kernels.plate_text.plate_keys_and_gaps`.
    """

    keys: NDArray[np.uint64]
    status: NDArray[np.uint8]
    gaps: NDArray[np.uint16]

    @classmethod
    def of(cls, rows: int) -> "PlateColumns":
        """Make room for some plates, to be filled."""
        return cls(np.empty(rows, np.uint64), np.empty(rows, np.uint8), np.empty(rows, np.uint16))

    def part(self, first: int, end: int) -> "PlateColumns":
        """Give a stretch of the rows, as views."""
        return self.at(slice(first, end))

    def at(self, rows: slice | NDArray[np.intp]) -> "PlateColumns":
        """Give some of the rows."""
        return PlateColumns(self.keys[rows], self.status[rows], self.gaps[rows])


@dataclass(frozen=True, slots=True)
class ReadColumns:
    """Decoded reads; rows that were refused have no plate and are named in `rejects`.

    buffer: uint8 (bytes,), what spans point into.
    spans: int32 (n, 5, 2), start and length of read_id, camera_id, plate, and of the arrays of
        characters and candidates; 0 where `careful` holds the read or it was refused.
    captured_at_us: int64 (n,), microseconds since 1970 UTC.
    country: uint16 (n,), `country_code`, 0 when not given.
    confidence, country_confidence: float64 (n,), NaN when not given.
    careful, values: reads that went the careful path, by row; each read as JSON text.
    record, place: int64 (n,), the record each read came from and its place in it, -1 where the
        record itself is meant; None where every record is one read.
    plates: the keys of plates of any length; None where they are yet to be made.
    """

    buffer: NDArray[np.uint8]
    spans: NDArray[np.int32]
    captured_at_us: NDArray[np.int64]
    country: NDArray[np.uint16]
    confidence: NDArray[np.float64]
    country_confidence: NDArray[np.float64]
    careful: Mapping[int, PlateRead]
    rejects: Sequence[Reject]
    values: Sequence[bytes]
    record: NDArray[np.int64] | None = None
    place: NDArray[np.int64] | None = None
    plates: PlateColumns | None = None

    def __len__(self) -> int:
        """Count the rows, refused ones included."""
        return len(self.captured_at_us)

    def record_of(self, row: int) -> int:
        """Name the record that a read came from."""
        return row if self.record is None else int(self.record[row])

    def place_of(self, row: int) -> int | None:
        """Give a read's place among those of its record, from 0; None: it is the whole record."""
        place = -1 if self.place is None else int(self.place[row])
        return None if place < 0 else place


@dataclass(frozen=True, slots=True)
class CandidateColumns:
    """Other readings that readers offered and that can match; by read, then by rank.

    read: int64 (c,), row of the read in its batch.
    key: uint64 (c,), never 0; may be the key of the read's own plate.
    confidence: float64 (c,), the reader's own.
    rank: uint8 (c,), place in the reader's order, from 0.
    """

    read: NDArray[np.int64]
    key: NDArray[np.uint64]
    confidence: NDArray[np.float64]
    rank: NDArray[np.uint8]

    def __len__(self) -> int:
        """Count the candidates."""
        return len(self.read)


class DroppedHit(NamedTuple):
    """An exact hit that matching kept back, and why; rows as in `HitColumns`."""

    read: int
    entry: int
    recent: bool
    reason: str


@dataclass(frozen=True, slots=True)
class HitColumns:
    """Reads that belong to entries; a read may stand in several rows.

    read: int64 (h,), row of the read in its batch.
    entry: int64 (h,), row of the entry in its block.
    recent: bool (h,), whether the block is the snapshot's delta.
    tier: uint8 (h,), place in `records.fields.Tier`.
    edits: uint8 (h,).
    probability: float64 (h,), that the vehicle seen is the listed one.
    withheld: hits kept back by reason; dropped on purpose.
    tally: int64 (4,), summed over base and delta, see `kernels.table`.
    dropped: the exact ones among those withheld.
    """

    read: NDArray[np.int64]
    entry: NDArray[np.int64]
    recent: NDArray[np.bool_]
    tier: NDArray[np.uint8]
    edits: NDArray[np.uint8]
    probability: NDArray[np.float64]
    withheld: Mapping[str, int]
    tally: NDArray[np.int64]
    dropped: Sequence[DroppedHit] = ()

    def __len__(self) -> int:
        """Count the hits."""
        return len(self.read)


REFUSED = 255
"""Plate status of a row that is no read."""
