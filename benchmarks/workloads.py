"""Seeded workloads: plates, watchlist entries and reads, the same on every machine for ever.

Plates are numbered: numbers below the size of the watchlist are listed, those above are
strangers, so which reads are hits is known before anything is matched.

Why no library's generator: their streams may change between versions, and then a digest kept in
`definitions.toml` would break for no reason. Chance here is one hash of (seed, stream, row).
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anpr_engine.records.watchlist_entry import WatchlistEntry

LIST_ID = "bench-list"
CHUNK_READS = 65_536
PLATE_BYTES = 9
_FORMAT_PLATES = 26**3 * 1000
COUNTRY_PLATES = 2 * _FORMAT_PLATES
"""Plates in each country's numbering: two formats of three letters and three digits."""
PLATES = 2 * COUNTRY_PLATES
_STRIDE = 7_368_787
"""A prime that does not divide `COUNTRY_PLATES`, so that stepping by it meets every plate once."""

_BE = (
    b'{"read_id":"be-00c0ffee-~~~~~~~~~~~~","camera_id":"BE-E19-0^^-N",'
    b'"captured_at":"2025-06-01T02:15:30.250Z","plate":"!!!!!!!!!","country":"BE",'
    b'"confidence":0.9&&,"lane":2,"direction":"north","heading_deg":12.5,"speed_kmh":1%%.0}'
)
_NL = (
    b'{"read_id":"nl-00c0ffee-~~~~~~~~~~~~","camera_id":"NL-A016-0^^-N",'
    b'"captured_at":"2025-06-01T02:15:30.250Z","plate":"!!!!!!!!","country":"NL",'
    b'"confidence":0.9&&,"lane":2,"direction":"north","heading_deg":12.5,"speed_kmh":1%%.0}'
)
READ_BYTES = len(_BE)

U64 = NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class ReadPlan:
    """Which reads to make: `one_in` of them shows a plate among the first `entries`."""

    reads: int
    entries: int
    one_in: int
    seed: int = 1


@dataclass(frozen=True, slots=True)
class ReadChunk:
    """Some reads in order: values, record keys, and the row of each listed one."""

    first: int
    values: list[bytes]
    keys: list[bytes]
    listed: frozenset[int]


def draw(seed: int, stream: int, rows: U64) -> U64:
    """Draw one number a row: uint64, the finaliser of SplitMix64 (Steele, Lea, Flood 2014)."""
    with np.errstate(over="ignore"):
        mixed = rows * np.uint64(0x9E3779B97F4A7C15) + np.uint64((seed << 32) + (stream << 16) + 1)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


def plate_bytes(numbers: U64) -> NDArray[np.uint8]:
    """Write numbered plates as cameras give them: uint8 (n, 9), 0 behind the shorter Dutch ones.

    Even numbers are Belgian (`1-ABC-123`), odd ones Dutch (`AB-123-C`, `A-123-BC`).
    """
    place = (numbers // np.uint64(2) * np.uint64(_STRIDE)) % np.uint64(COUNTRY_PLATES)
    second = place // np.uint64(_FORMAT_PLATES)
    text = np.zeros((len(numbers), PLATE_BYTES), dtype=np.uint8)
    letters = [65 + place // np.uint64(1000 * 26**power) % np.uint64(26) for power in (2, 1, 0)]
    digits = [48 + place // np.uint64(10**power) % np.uint64(10) for power in (2, 1, 0)]
    dash = np.full(len(numbers), 45, dtype=np.uint64)
    belgian = [49 + second, dash, *letters, dash, *digits]
    dutch = {
        0: [letters[0], letters[1], dash, *digits, dash, letters[2]],
        1: [letters[0], dash, *digits, dash, letters[1], letters[2]],
    }
    odd = numbers % np.uint64(2) == 1
    for columns, rows in (
        (belgian, ~odd),
        (dutch[0], odd & (second == 0)),
        (dutch[1], odd & (second == 1)),
    ):
        for column, codes in enumerate(columns):
            text[rows, column] = codes[rows]
    return text


def plates(first: int, count: int) -> list[str]:
    """Give numbered plates as texts, separators included."""
    text = plate_bytes(np.arange(first, first + count, dtype=np.uint64))
    return [plate.decode() for plate in text.view(f"S{PLATE_BYTES}").ravel().tolist()]


def canonical(plate: str) -> str:
    """Give a plate of these workloads without separators; they are upper case already."""
    return plate.replace("-", "")


def entries(count: int) -> Iterator[WatchlistEntry]:
    """Give the watchlist: the first numbered plates, shared by both sites, without end."""
    for first in range(0, count, CHUNK_READS):
        texts = plates(first, min(CHUNK_READS, count - first))
        for number, plate in enumerate(texts, start=first):
            yield WatchlistEntry.model_construct(
                entry_id=f"e{number:08d}",
                list_id=LIST_ID,
                plate=plate,
                country="NL" if number % 2 else "BE",
                sharing="be,nl",
            )


def entries_digest(count: int) -> str:
    """Name the watchlist of a size by its plates."""
    digest = hashlib.blake2b(digest_size=8)
    for first in range(0, count, CHUNK_READS):
        numbers = np.arange(first, min(first + CHUNK_READS, count), dtype=np.uint64)
        digest.update(plate_bytes(numbers).data)
    return digest.hexdigest()


def listed_rows(plan: ReadPlan, first: int, count: int) -> NDArray[np.bool_]:
    """Say which of some reads show a listed plate: bool (count,); one in each `one_in` rows."""
    rows = np.arange(first, first + count, dtype=np.uint64)
    group = rows // np.uint64(plan.one_in)
    chosen = draw(plan.seed, 1, group) % np.uint64(plan.one_in)
    listed: NDArray[np.bool_] = rows % np.uint64(plan.one_in) == chosen
    return listed


def plate_numbers(plan: ReadPlan, first: int, count: int) -> U64:
    """Give the numbers of the plates that some reads show."""
    rows = np.arange(first, first + count, dtype=np.uint64)
    drawn = draw(plan.seed, 2, rows)
    strangers = np.uint64(plan.entries) + drawn % np.uint64(PLATES - plan.entries)
    return np.where(
        listed_rows(plan, first, count), drawn % np.uint64(max(1, plan.entries)), strangers
    )


def read_chunks(plan: ReadPlan, digest: hashlib.blake2b | None = None) -> Iterator[ReadChunk]:
    """Make the reads a chunk at a time; the digest, if given, takes in their bytes."""
    for first in range(0, plan.reads, CHUNK_READS):
        count = min(CHUNK_READS, plan.reads - first)
        text = _read_bytes(plan, first, count)
        if digest is not None:
            digest.update(text.data)
        values = text.view(f"S{READ_BYTES}").ravel().tolist()
        listed = np.flatnonzero(listed_rows(plan, first, count)) + first
        yield ReadChunk(
            first, values, [_key(value) for value in values], frozenset(listed.tolist())
        )


def reads(plan: ReadPlan) -> list[bytes]:
    """Give all reads at once."""
    return [value for chunk in read_chunks(plan) for value in chunk.values]


def reads_digest(plan: ReadPlan) -> str:
    """Name the reads of a plan by their bytes."""
    digest = hashlib.blake2b(digest_size=8)
    for _ in read_chunks(plan, digest):
        pass
    return digest.hexdigest()


def listed_count(plan: ReadPlan) -> int:
    """Count the reads that show a listed plate."""
    return int(listed_rows(plan, 0, plan.reads).sum())


def listed_read_ids(plan: ReadPlan) -> frozenset[str]:
    """Name the reads that show a listed plate: what must come out as alerts."""
    rows = np.flatnonzero(listed_rows(plan, 0, plan.reads))
    odd = plate_numbers(plan, 0, plan.reads)[rows] % np.uint64(2)
    return frozenset(
        f"{'nl' if dutch else 'be'}-00c0ffee-{row:012d}"
        for row, dutch in zip(rows.tolist(), odd.tolist(), strict=True)
    )


def _read_bytes(plan: ReadPlan, first: int, count: int) -> NDArray[np.uint8]:
    rows = np.arange(first, first + count, dtype=np.uint64)
    numbers = plate_numbers(plan, first, count)
    plate = plate_bytes(numbers)
    chance = draw(plan.seed, 3, rows)
    text = np.empty((count, READ_BYTES), dtype=np.uint8)
    for template, width, parity in ((_BE, PLATE_BYTES, 0), (_NL, PLATE_BYTES - 1, 1)):
        mine = np.flatnonzero(numbers % np.uint64(2) == parity)
        text[mine] = np.frombuffer(template, dtype=np.uint8)
        start = template.index(b"!")
        text[mine, start : start + width] = plate[mine, :width]
        for mark, value in (
            (b"~", rows),
            (b"^", chance % np.uint64(50)),
            (b"&", chance // np.uint64(64) % np.uint64(100)),
            (b"%", chance // np.uint64(8192) % np.uint64(100)),
        ):
            _fill(text, mine, [at for at in range(READ_BYTES) if template[at] == mark[0]], value)
    return text


def _fill(text: NDArray[np.uint8], rows: NDArray[np.intp], columns: list[int], value: U64) -> None:
    rest = value[rows]
    for column in reversed(columns):
        text[rows, column] = 48 + rest % np.uint64(10)
        rest = rest // np.uint64(10)


def _key(value: bytes) -> bytes:
    # The camera id stands at the same place in both templates, and ends with its quote.
    start = _BE.index(b'"camera_id":"') + len(b'"camera_id":"')
    return value[start : value.index(b'"', start)]
