"""The texts of entries: id, plate, case and note; packed tight for many, as they came for few.

Packed texts stand in segments, in the order of their ids and not of the rows: ids of one list
begin alike, and a row finds its texts by a number. So a new base takes over the segments of the
old one as they are and adds one for what is new; few are ever packed anew.

Why: texts are the largest part of an entry and are needed for hits and changes only. In groups of
32 they shrink to between a fifth and a third, and one is had again in some 8 microseconds; groups
of 64 would save half a byte an entry and cost half as much time again, for each hit.
"""

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from anpr_engine.watchlist.stored import StoredEntry

SEPARATOR = "\x1f"
FIELDS = 4
GROUP_BITS = 5
GROUP_TEXTS = 1 << GROUP_BITS
SEGMENT_BITS = 16
SEGMENT_TEXTS = 1 << SEGMENT_BITS
SEGMENTS_A_TIME = 8
"""How many segments are packed anew in one go."""
_RAW_DEFLATE = -15
_FASTEST = 1

EntryTexts: TypeAlias = list[str]
"""Entry id, plate, case, note; the plate may be empty where key and form tell it."""


class Texts(Protocol):
    """The texts of some rows; nothing in it is ever changed."""

    def of(self, row: int) -> EntryTexts:
        """Give the texts of one row."""
        ...

    def ids(self, rows: Sequence[int]) -> list[str]:
        """Give the entry ids of some rows."""
        ...

    def chosen(self, order: NDArray[np.int64]) -> "Texts":
        """Take rows in an order: int64 (chosen,), row numbers."""
        ...

    def packed(self) -> "PackedTexts":
        """Give the same texts packed."""
        ...


@dataclass(frozen=True, slots=True)
class Segment:
    """Up to `SEGMENT_TEXTS` texts in compressed groups.

    starts: uint32 (groups + 1,), where each group begins in `blob`, and the end of the last.
    texts: how many there are.
    """

    blob: bytes
    starts: NDArray[np.uint32]
    texts: int

    def group(self, number: int) -> list[str]:
        """Give a group's texts: all ids, then all plates, all cases, all notes."""
        blob = self.blob[int(self.starts[number]) : int(self.starts[number + 1])]
        return zlib.decompress(blob, _RAW_DEFLATE).decode().split(SEPARATOR)


@dataclass(frozen=True, slots=True)
class LooseTexts:
    """The stored entries themselves; for rows that are few or about to be packed.

    told: bool (n,), True where key and form tell the plate.
    """

    entries: Sequence[StoredEntry]
    told: NDArray[np.bool_]

    def of(self, row: int) -> EntryTexts:
        """Give the texts of one row."""
        entry = self.entries[row]
        return [entry.entry_id, entry.plate, entry.case_ref, entry.note]

    def ids(self, rows: Sequence[int]) -> list[str]:
        """Give the entry ids of some rows."""
        return [self.entries[row].entry_id for row in rows]

    def chosen(self, order: NDArray[np.int64]) -> "LooseTexts":
        """Take rows in an order."""
        return LooseTexts([self.entries[row] for row in order.tolist()], self.told[order])

    def packed(self) -> "PackedTexts":
        """Pack the texts in the order of their ids."""
        ids = [entry.entry_id for entry in self.entries]
        order = sorted(range(len(ids)), key=ids.__getitem__)
        entries = [self.entries[row] for row in order]
        told = self.told[order].tolist()
        columns = [
            [entry.entry_id for entry in entries],
            ["" if known else entry.plate for entry, known in zip(entries, told, strict=True)],
            [entry.case_ref for entry in entries],
            [entry.note for entry in entries],
        ]
        places = np.empty(len(order), dtype=np.uint32)
        places[order] = np.arange(len(order), dtype=np.uint32)
        return PackedTexts(tuple(_segments(columns)), places)


@dataclass(frozen=True, slots=True)
class PackedTexts:
    """Packed texts.

    places: uint32 (n,), where each row's texts stand: the segment's number in the upper 16 bits,
        the text's in the lower; texts that no row names are of entries changed or removed.
    """

    segments: tuple[Segment, ...]
    places: NDArray[np.uint32]

    def of(self, row: int) -> EntryTexts:
        """Give the texts of one row; some 8 microseconds."""
        place = int(self.places[row])
        within = place % SEGMENT_TEXTS
        fields = self.segments[place >> SEGMENT_BITS].group(within >> GROUP_BITS)
        return _row(fields, within % GROUP_TEXTS)

    def ids(self, rows: Sequence[int]) -> list[str]:
        """Give the entry ids of some rows, each group unpacked once."""
        groups: dict[int, list[str]] = {}
        found = []
        for place in self.places[list(rows)].tolist():
            group = place >> GROUP_BITS
            fields = groups.get(group)
            if fields is None:
                within = place % SEGMENT_TEXTS
                fields = self.segments[place >> SEGMENT_BITS].group(within >> GROUP_BITS)
                groups[group] = fields
            found.append(fields[place % GROUP_TEXTS])
        return found

    def chosen(self, order: NDArray[np.int64]) -> "PackedTexts":
        """Take rows in an order."""
        return PackedTexts(self.segments, self.places[order])

    def packed(self) -> "PackedTexts":
        """Give these texts themselves."""
        return self

    def tidied(self) -> "PackedTexts":
        """Pack segments anew of which an eighth is of old entries, or which are small.

        Only some at a time, the emptiest ones: eight take about half a second of the thread that
        does it, and what is left over comes next time.
        """
        live = np.bincount(self.places >> SEGMENT_BITS, minlength=len(self.segments))
        texts = np.array([segment.texts for segment in self.segments], dtype=np.int64)
        due = np.flatnonzero((live * 8 < texts * 7) | (texts < SEGMENT_TEXTS // 2))
        if len(due) < SEGMENTS_A_TIME:
            return self
        return self._repacked(due[np.argsort(live[due], kind="stable")][:SEGMENTS_A_TIME])

    def _repacked(self, due: NDArray[np.int64]) -> "PackedTexts":
        kept = np.ones(len(self.segments), dtype=np.bool_)
        kept[due] = False
        numbers = self.places >> SEGMENT_BITS
        rows = np.flatnonzero(~kept[numbers])
        rows = rows[np.argsort(self.places[rows], kind="stable")]
        renumbered = (np.cumsum(kept) - 1).astype(np.uint32) << np.uint32(SEGMENT_BITS)
        places = renumbered[numbers] | (self.places & np.uint32(SEGMENT_TEXTS - 1))
        segments = [self.segments[number] for number in np.flatnonzero(kept).tolist()]
        for first in range(0, len(rows), SEGMENT_TEXTS):
            chunk = rows[first : first + SEGMENT_TEXTS]
            places[chunk] = np.arange(len(chunk)) + (len(segments) << SEGMENT_BITS)
            segments.extend(_segments(self._columns(self.places[chunk])))
        return PackedTexts(tuple(segments), places)

    def _columns(self, places: NDArray[np.uint32]) -> list[list[str]]:
        """Unpack the texts that stand at some rising places."""
        columns: list[list[str]] = [[] for _ in range(FIELDS)]
        groups, firsts = np.unique(places >> GROUP_BITS, return_index=True)
        ends = [*firsts[1:].tolist(), len(places)]
        for group, first, end in zip(groups.tolist(), firsts.tolist(), ends, strict=True):
            segment = self.segments[group >> (SEGMENT_BITS - GROUP_BITS)]
            fields = segment.group(group % (SEGMENT_TEXTS // GROUP_TEXTS))
            for within in (places[first:end] % GROUP_TEXTS).tolist():
                for column, field in zip(columns, _row(fields, within), strict=True):
                    column.append(field)
        return columns


def joined_texts(parts: Sequence[Texts]) -> PackedTexts:
    """Put texts one after another, packed.

    Raises:
        OverflowError: they need more segments than 16 bits can number.

    """
    packed = [part.packed() for part in parts]
    firsts = np.cumsum([0] + [len(part.segments) for part in packed])
    if int(firsts[-1]) > 2 ** (32 - SEGMENT_BITS):
        raise OverflowError("the entries' texts need too many segments")
    places = [
        part.places + np.uint32(first << SEGMENT_BITS)
        for part, first in zip(packed, firsts.tolist(), strict=False)
    ]
    segments = [segment for part in packed for segment in part.segments]
    return PackedTexts(tuple(segments), np.concatenate(places))


def _row(fields: list[str], within: int) -> EntryTexts:
    return fields[within :: len(fields) // FIELDS]


def _segments(columns: Sequence[Sequence[str]]) -> Iterator[Segment]:
    count = len(columns[0])
    for first in range(0, count, SEGMENT_TEXTS):
        end = min(first + SEGMENT_TEXTS, count)
        groups = [
            _group([column[at : min(at + GROUP_TEXTS, end)] for column in columns])
            for at in range(first, end, GROUP_TEXTS)
        ]
        starts = np.zeros(len(groups) + 1, dtype=np.uint32)
        np.cumsum(np.fromiter(map(len, groups), np.uint32, len(groups)), out=starts[1:])
        yield Segment(b"".join(groups), starts, end - first)


def _group(columns: Sequence[Sequence[str]]) -> bytes:
    fields = [field for column in columns for field in column]
    text = SEPARATOR.join(fields)
    if text.count(SEPARATOR) != len(fields) - 1:
        # Somebody else's store holds the separator inside a text; a space reads the same.
        text = SEPARATOR.join(field.replace(SEPARATOR, " ") for field in fields)
    return zlib.compress(text.encode(), _FASTEST, _RAW_DEFLATE)
