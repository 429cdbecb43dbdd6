"""A block of entries as columns sorted by key, with its filter and table.

Packed, an entry with an id of ten characters and a case reference costs about 32 bytes: key 8,
table 6.4, filter 2, place of its texts 4, texts 7 where ids count up and 15 where they are
random, and one byte each for country, profile, form and two dates; a date costs 4 when over
65,536 are distinct, so the worst of such lists costs 46. Nothing in a block is ever written after
it was built, so any number of threads may search it while the next one is being made.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from anpr_engine.kernels.bloom import filter_add, filter_words
from anpr_engine.kernels.halves import HalfIndex
from anpr_engine.kernels.plate_forms import NO_FORM, plate_forms, written_plate
from anpr_engine.kernels.plate_text import USABLE, WILDCARD_KEYS_FROM, plate_keys
from anpr_engine.kernels.table import table_build, table_slots
from anpr_engine.plates.wildcard import Wildcard, listed_key, parse_wildcard
from anpr_engine.records.columns import country_code
from anpr_engine.watchlist.column import Column, joined_columns
from anpr_engine.watchlist.halves import half_index
from anpr_engine.watchlist.patterns import PatternIndex, pattern_index
from anpr_engine.watchlist.rare import RareHalves, rare_halves
from anpr_engine.watchlist.spelled import spelled_filter
from anpr_engine.watchlist.stored import StoredEntry
from anpr_engine.watchlist.surroundings import surroundings
from anpr_engine.watchlist.texts import EntryTexts, LooseTexts, Texts, joined_texts


@dataclass(frozen=True, slots=True)
class EntryRows:
    """Entries as columns, in any order.

    keys: uint64 (n,). country: as `country_code` gives it. profile: place in the profiles.
    form: how the plate is written, see `kernels.plate_forms`.
    valid_from_s, valid_until_s: Unix seconds.
    own_texts: entry id, plate, case and note of each; ask `texts` for them.
    """

    keys: NDArray[np.uint64]
    country: Column
    profile: Column
    form: Column
    valid_from_s: Column
    valid_until_s: Column
    own_texts: Texts

    def __len__(self) -> int:
        """Count the entries."""
        return len(self.keys)

    def texts(self, row: int) -> EntryTexts:
        """Give an entry's own texts: id, plate, case, note."""
        entry_id, plate, case_ref, note = self.own_texts.of(row)
        return [entry_id, plate or self._plate(row), case_ref, note]

    def entry_ids(self, rows: Sequence[int]) -> list[str]:
        """Give entries' ids alone; their plates take longer to put together."""
        return self.own_texts.ids(rows)

    def _plate(self, row: int) -> str:
        return written_plate(int(self.keys[row]), self.form[row])

    def stored(self, row: int, profile: str = "") -> StoredEntry:
        """Give an entry in its stored form, without its version."""
        entry_id, plate, case_ref, note = self.texts(row)
        country = self.country[row]
        return StoredEntry(
            version=0,
            profile=profile,
            entry_id=entry_id,
            plate=plate,
            country="" if country == 0 else chr(country // 256) + chr(country % 256),
            valid_from_s=self.valid_from_s[row],
            valid_until_s=self.valid_until_s[row],
            case_ref=case_ref,
            note=note,
        )

    def chosen(self, order: NDArray[np.int64]) -> "EntryRows":
        """Take rows in an order: int64 (chosen,), row numbers."""
        return EntryRows(
            keys=self.keys[order],
            country=self.country.chosen(order),
            profile=self.profile.chosen(order),
            form=self.form.chosen(order),
            valid_from_s=self.valid_from_s.chosen(order),
            valid_until_s=self.valid_until_s.chosen(order),
            own_texts=self.own_texts.chosen(order),
        )


@dataclass(frozen=True, slots=True)
class EntryBlock:
    """Sorted rows with the filter and table over their keys.

    words: uint32 (blocks, 8), see `kernels.bloom`; slots: uint32 (slots,), see `kernels.table`.
    patterns: the rows with wildcards, which are the last ones; no read has a key of theirs.
    halves: the keys filed by their halves, for near matches; rare: those of rare plates alone.
    spelled: uint32 (blocks, 8), the filter of the keys that plates with an umlaut are read as
        without it; without a block where no plate has one.
    surroundings: uint32 (blocks, 8), the filter of what is within two edits of a key, see
        `kernels.surroundings`; without a block where the keys are too many.
    """

    rows: EntryRows
    words: NDArray[np.uint32]
    slots: NDArray[np.uint32]
    patterns: PatternIndex
    halves: HalfIndex
    rare: RareHalves
    spelled: NDArray[np.uint32]
    surroundings: NDArray[np.uint32]

    def __len__(self) -> int:
        """Count the entries."""
        return len(self.rows)

    def rows_of(self, keys: NDArray[np.uint64]) -> list[range]:
        """Give the rows of each key, uint64 (n,); for editing, not for matching.

        Why all at once: a search lets other threads have their turn, which may take 5 ms each.
        """
        firsts = np.searchsorted(self.rows.keys, keys, side="left").tolist()
        lasts = np.searchsorted(self.rows.keys, keys, side="right").tolist()
        return [range(*each) for each in zip(firsts, lasts, strict=True)]


def listed_plates(
    plates: Sequence[str],
) -> tuple[NDArray[np.uint64], NDArray[np.uint32]]:
    """Give the keys and forms of listed plates.

    Returns uint64 (n,), 0 for texts that can match nothing, and uint32 (n,).
    """
    raw = [plate.encode() for plate in plates]
    spans = np.zeros((len(raw), 2), dtype=np.int32)
    spans[:, 1] = np.fromiter(map(len, raw), dtype=np.int32, count=len(raw))
    np.cumsum(spans[:-1, 1], out=spans[1:, 0])
    buffer = np.frombuffer(b"".join(raw), dtype=np.uint8)
    keys = np.zeros(len(raw), dtype=np.uint64)
    status = np.zeros(len(raw), dtype=np.uint8)
    plate_keys(buffer, spans, 1, keys, status)
    for row in np.flatnonzero(status != USABLE).tolist():
        keys[row] = listed_key(plates[row])
    forms = np.zeros(len(raw), dtype=np.uint32)
    plate_forms(buffer, spans, keys, forms)
    return keys, forms


def rows_from(entries: Sequence[StoredEntry], profiles: Sequence[int]) -> EntryRows:
    """Turn stored entries into columns.

    Args:
        entries: the stored entries; they are kept until the rows are packed by `joined`.
        profiles: each entry's profile, as its place among the profiles.

    Raises:
        ValueError: a country is no code of two letters.

    """
    keys, forms = listed_plates([e.plate for e in entries])
    countries = [e.country for e in entries]
    codes = {country: country_code(country) for country in set(countries)}
    return EntryRows(
        keys=keys,
        country=_column([codes[country] for country in countries]),
        profile=_column(profiles),
        form=Column(forms),
        valid_from_s=_column([e.valid_from_s for e in entries]),
        valid_until_s=_column([e.valid_until_s for e in entries]),
        own_texts=LooseTexts(entries, forms != NO_FORM),
    )


def _column(numbers: Sequence[int]) -> Column:
    return Column(np.fromiter(numbers, np.uint32, len(numbers)))


def joined(parts: Sequence[EntryRows]) -> EntryRows:
    """Put several sets of rows one after another, packed; also packs a single one."""
    return EntryRows(
        keys=np.concatenate([part.keys for part in parts]),
        country=joined_columns([part.country for part in parts]),
        profile=joined_columns([part.profile for part in parts]),
        form=joined_columns([part.form for part in parts]),
        valid_from_s=joined_columns([part.valid_from_s for part in parts]),
        valid_until_s=joined_columns([part.valid_until_s for part in parts]),
        own_texts=joined_texts([part.own_texts for part in parts]),
    )


def tidied(rows: EntryRows) -> EntryRows:
    """Pack some texts anew where many beside them are no row's any more."""
    return replace(rows, own_texts=rows.own_texts.packed().tidied())


def sorted_rows(rows: EntryRows, left_out: NDArray[np.bool_] | None = None) -> EntryRows:
    """Sort rows by key, without those of key 0 and those that are marked: bool (n,)."""
    order = np.argsort(rows.keys, kind="stable")
    used = rows.keys != 0
    if left_out is not None:
        used &= ~left_out
    return rows.chosen(order[used[order]])


def build_block(rows: EntryRows) -> EntryBlock:
    """Sort rows by key and build filter and table; rows with key 0 are left out."""
    return block_of(sorted_rows(rows))


def block_of(rows: EntryRows) -> EntryBlock:
    """Build filter, table and patterns over rows that are sorted by key."""
    words = filter_words(len(rows))
    filter_add(rows.keys, words)
    slots = table_slots(len(rows))
    table_build(rows.keys, slots)
    return EntryBlock(
        rows=rows,
        words=words,
        slots=slots,
        patterns=_patterns(rows),
        halves=half_index(rows.keys),
        rare=rare_halves(rows.keys, rows.country),
        spelled=spelled_filter(rows.keys),
        surroundings=surroundings(rows.keys),
    )


def _patterns(rows: EntryRows) -> PatternIndex:
    first = int(np.searchsorted(rows.keys, np.uint64(WILDCARD_KEYS_FROM)))
    found = [(parse_wildcard(rows.texts(row)[1]), row) for row in range(first, len(rows))]
    listed = [(wildcard, row) for wildcard, row in found if isinstance(wildcard, Wildcard)]
    return pattern_index([wildcard for wildcard, _ in listed], [row for _, row in listed])


def empty_block() -> EntryBlock:
    """Make a block without entries."""
    return build_block(rows_from([], []))
