"""A block of entries as columns sorted by key, with its filter and table.

About 45 bytes an entry with ids of ten characters: key 8, table 6.4, filter 2, dates 8, profile 4,
country 2, text 12 to 16. Nothing in a block is ever written after it was built, so any number of
threads may search it while the next one is being made.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anpr_engine.kernels.blobs import gather_blobs
from anpr_engine.kernels.bloom import filter_add, filter_words
from anpr_engine.kernels.plate_text import USABLE, plate_keys
from anpr_engine.kernels.table import table_build, table_slots
from anpr_engine.plates.normaliser import normalise
from anpr_engine.records.columns import country_code
from anpr_engine.watchlist.stored import StoredEntry

_SEPARATOR = "\x1f"


@dataclass(frozen=True, slots=True)
class EntryRows:
    """Entries as columns, in any order.

    keys: uint64 (n,); country: uint16 (n,); profile: uint32 (n,), place in the profiles.
    valid_from_s, valid_until_s: uint32 (n,), Unix seconds.
    text: uint8 (bytes,), entry id, plate, case and note of each, one after another.
    bounds: uint32 (n + 1,), where each text begins, and the end of the last.
    """

    keys: NDArray[np.uint64]
    country: NDArray[np.uint16]
    profile: NDArray[np.uint32]
    valid_from_s: NDArray[np.uint32]
    valid_until_s: NDArray[np.uint32]
    text: NDArray[np.uint8]
    bounds: NDArray[np.uint32]

    def __len__(self) -> int:
        """Count the entries."""
        return len(self.keys)

    def texts(self, row: int) -> list[str]:
        """Give an entry's own texts: id, plate, case, note."""
        blob = self.text[int(self.bounds[row]) : int(self.bounds[row + 1])]
        return blob.tobytes().decode().split(_SEPARATOR)

    def stored(self, row: int, profile: str = "") -> StoredEntry:
        """Give an entry in its stored form, without its version."""
        entry_id, plate, case_ref, note = self.texts(row)
        country = int(self.country[row])
        return StoredEntry(
            version=0,
            profile=profile,
            entry_id=entry_id,
            plate=plate,
            country="" if country == 0 else chr(country // 256) + chr(country % 256),
            valid_from_s=int(self.valid_from_s[row]),
            valid_until_s=int(self.valid_until_s[row]),
            case_ref=case_ref,
            note=note,
        )


@dataclass(frozen=True, slots=True)
class EntryBlock:
    """Sorted rows with the filter and table over their keys.

    words: uint32 (blocks, 8), see `kernels.bloom`; slots: uint32 (slots,), see `kernels.table`.
    """

    rows: EntryRows
    words: NDArray[np.uint32]
    slots: NDArray[np.uint32]

    def __len__(self) -> int:
        """Count the entries."""
        return len(self.rows)

    def rows_of(self, key: int) -> range:
        """Give the rows of one key; for editing, not for matching."""
        first = int(np.searchsorted(self.rows.keys, np.uint64(key), side="left"))
        last = int(np.searchsorted(self.rows.keys, np.uint64(key), side="right"))
        return range(first, last)


def listed_keys(plates: Sequence[str]) -> NDArray[np.uint64]:
    """Give the keys of listed plates: uint64 (n,), 0 for texts that can match nothing."""
    raw = [plate.encode() for plate in plates]
    spans = np.zeros((len(raw), 2), dtype=np.int32)
    spans[:, 1] = np.fromiter(map(len, raw), dtype=np.int32, count=len(raw))
    np.cumsum(spans[:-1, 1], out=spans[1:, 0])
    buffer = np.frombuffer(b"".join(raw), dtype=np.uint8)
    keys = np.zeros(len(raw), dtype=np.uint64)
    status = np.zeros(len(raw), dtype=np.uint8)
    plate_keys(buffer, spans, 1, keys, status)
    for row in np.flatnonzero(status != USABLE).tolist():
        keys[row] = normalise(plates[row]).key
    return keys


def _blobs(entries: Sequence[StoredEntry]) -> list[bytes]:
    texts = [
        f"{e.entry_id}{_SEPARATOR}{e.plate}{_SEPARATOR}{e.case_ref}{_SEPARATOR}{e.note}"
        for e in entries
    ]
    if sum(text.count(_SEPARATOR) for text in texts) > 3 * len(texts):
        # Somebody else's store holds the separator inside a text; a space reads the same.
        texts = [
            _SEPARATOR.join(
                part.replace(_SEPARATOR, " ") for part in (e.entry_id, e.plate, e.case_ref, e.note)
            )
            for e in entries
        ]
    return [text.encode() for text in texts]


def rows_from(entries: Sequence[StoredEntry], profiles: Sequence[int]) -> EntryRows:
    """Turn stored entries into columns.

    Args:
        entries: the stored entries.
        profiles: each entry's profile, as its place among the profiles.

    Raises:
        ValueError: a country is no code of two letters.

    """
    blobs = _blobs(entries)
    bounds = np.zeros(len(blobs) + 1, dtype=np.uint32)
    np.cumsum(np.fromiter(map(len, blobs), np.uint32, len(blobs)), out=bounds[1:])
    countries = [e.country for e in entries]
    codes = {country: country_code(country) for country in set(countries)}
    return EntryRows(
        keys=listed_keys([e.plate for e in entries]),
        country=np.fromiter((codes[country] for country in countries), np.uint16, len(entries)),
        profile=np.fromiter(profiles, np.uint32, len(entries)),
        valid_from_s=np.fromiter((e.valid_from_s for e in entries), np.uint32, len(entries)),
        valid_until_s=np.fromiter((e.valid_until_s for e in entries), np.uint32, len(entries)),
        text=np.frombuffer(b"".join(blobs), dtype=np.uint8),
        bounds=bounds,
    )


def joined(parts: Sequence[EntryRows]) -> EntryRows:
    """Put several sets of rows one after another."""
    sizes = np.cumsum([0] + [len(part.text) for part in parts], dtype=np.uint64)
    if int(sizes[-1]) > OPEN_TEXT_BYTES_MAX:
        raise OverflowError("the entries' texts exceed 4 GiB in one block")
    bounds = [
        part.bounds[:-1] + np.uint32(start) for part, start in zip(parts, sizes, strict=False)
    ]
    return EntryRows(
        keys=np.concatenate([part.keys for part in parts]),
        country=np.concatenate([part.country for part in parts]),
        profile=np.concatenate([part.profile for part in parts]),
        valid_from_s=np.concatenate([part.valid_from_s for part in parts]),
        valid_until_s=np.concatenate([part.valid_until_s for part in parts]),
        text=np.concatenate([part.text for part in parts]),
        bounds=np.concatenate([*bounds, np.array([sizes[-1]], dtype=np.uint32)]),
    )


OPEN_TEXT_BYTES_MAX = 2**32 - 1


def chosen(rows: EntryRows, order: NDArray[np.int64]) -> EntryRows:
    """Take rows in an order: int64 (chosen,), row numbers."""
    lengths = np.diff(rows.bounds)[order]
    text = np.zeros(int(lengths.sum(dtype=np.int64)), dtype=np.uint8)
    bounds = np.zeros(len(order) + 1, dtype=np.uint32)
    gather_blobs(rows.text, rows.bounds, order, text, bounds)
    return EntryRows(
        keys=rows.keys[order],
        country=rows.country[order],
        profile=rows.profile[order],
        valid_from_s=rows.valid_from_s[order],
        valid_until_s=rows.valid_until_s[order],
        text=text,
        bounds=bounds,
    )


def build_block(rows: EntryRows) -> EntryBlock:
    """Sort rows by key and build filter and table; rows with key 0 are left out."""
    order = np.argsort(rows.keys, kind="stable").astype(np.int64)
    order = order[rows.keys[order] != 0]
    ordered = chosen(rows, order)
    words = filter_words(len(ordered))
    filter_add(ordered.keys, words)
    slots = table_slots(len(ordered))
    table_build(ordered.keys, slots)
    return EntryBlock(rows=ordered, words=words, slots=slots)


def empty_block() -> EntryBlock:
    """Make a block without entries."""
    return build_block(rows_from([], []))
