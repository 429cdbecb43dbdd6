"""Blocks, stored entries and the manifest: bounds, and content somebody else wrote."""

import dataclasses

import msgspec
import pytest

from anpr_engine.errors import StoreError
from anpr_engine.records.watchlist_entry import WatchlistEntry
from anpr_engine.watchlist.block import build_block, joined, rows_from
from anpr_engine.watchlist.manifest import (
    ChangeRecord,
    Manifest,
    read_definition,
    read_manifest,
    read_record,
)
from anpr_engine.watchlist.memory import release_freed_memory
from anpr_engine.watchlist.stored import OPEN_END_S, StoredEntry, decode_entry, store_entry

STORED = StoredEntry(1, "p", "e", "1ABC123", "BE", 0, OPEN_END_S, "c", "n")
MANIFEST = Manifest("ab", 7, 100, "t", 5, 0, 0, 0)


def _entry(**values: str) -> WatchlistEntry:
    given = {"entry_id": "e", "list_id": "L", "plate": "1ABC123"} | values
    return WatchlistEntry.model_validate(given)


def test_times_outside_32_bits_become_the_nearest() -> None:
    """Before 1970 is always begun, after 2106 never ends; neither overflows."""
    early = store_entry(_entry(valid_from="1960-01-01T00:00:00Z"), 1)
    late = store_entry(_entry(valid_until="2200-01-01T00:00:00Z"), 1)
    over = store_entry(_entry(valid_until="1960-01-01T00:00:00Z"), 1)
    assert early.valid_from_s == 0
    assert late.valid_until_s == OPEN_END_S
    assert over.valid_until_s == 0


def test_a_separator_inside_a_text_cannot_shift_texts() -> None:
    """An entry somebody else wrote with a control character keeps four texts."""
    strange = msgspec.structs.replace(STORED, case_ref="a\x1fb", note="x\x1f\x1f")
    rows = joined([rows_from([STORED, strange], [0, 0])])
    assert rows.texts(0) == ["e", "1ABC123", "c", "n"]
    assert rows.texts(1) == ["e", "1ABC123", "a b", "x  "]


def test_a_country_that_is_none_is_an_error() -> None:
    """Rows with a country of one letter, or of other letters, are not made."""
    for country in ("B", "ÄÖ"):
        with pytest.raises(ValueError, match=r".+"):
            rows_from([msgspec.structs.replace(STORED, country=country)], [0])


@pytest.mark.parametrize(
    "text", [b"[1]", b'[1,"p","e","P","BEL",0,0,"",""]', b'[1,"p","e","P","BE",-1,0,"",""]']
)
def test_a_stored_entry_outside_its_bounds_is_an_error(text: bytes) -> None:
    """Numbers that would wrap around in a column are refused when read."""
    with pytest.raises(msgspec.ValidationError):
        decode_entry(text)


def test_rows_put_together_keep_their_texts() -> None:
    """Joining parts moves no text to another row; an empty part is none."""
    parts = [rows_from([msgspec.structs.replace(STORED, entry_id=f"e{n}")], [n]) for n in range(3)]
    rows = joined([rows_from([], []), *parts])
    assert [rows.texts(n)[0] for n in range(3)] == ["e0", "e1", "e2"]
    assert rows.profile.numbers().tolist() == [0, 1, 2]


def test_a_plate_that_can_match_nothing_is_left_out_of_a_block() -> None:
    """Rows without a key are not searched; the others are sorted."""
    plates = ("9ZZZ999", "??", "1AAA111")
    entries = [msgspec.structs.replace(STORED, plate=plate) for plate in plates]
    block = build_block(rows_from(entries, [0, 0, 0]))
    assert [block.rows.texts(row)[1] for row in range(len(block))] == ["1AAA111", "9ZZZ999"]


def test_freed_memory_is_given_back_where_that_is_possible() -> None:
    """Asking twice does no harm; what it gives back is the system's business."""
    release_freed_memory()
    assert release_freed_memory() in (True, False)


def test_a_manifest_is_read_as_it_was_written() -> None:
    """Fields and values give the same manifest; a part that is missing is an error."""
    pairs = [str(value).encode() for value in ["epoch", "ab", *MANIFEST.fields()]]
    assert read_manifest(pairs) == MANIFEST
    assert read_manifest([]) is None
    with pytest.raises(StoreError, match="manifest"):
        read_manifest(pairs[:-2])


def test_marks_move_when_enough_was_changed() -> None:
    """The stream is kept from the mark before last; large lists keep more."""
    small = dataclasses.replace(MANIFEST, changes_since_mark=99_999)
    assert small.next("u", 100, 1, 0).previous_mark == 0
    moved = dataclasses.replace(small, mark=3).next("u", 100, 2, 0)
    assert (moved.mark, moved.previous_mark, moved.changes_since_mark) == (8, 3, 0)
    assert small.next("u", 10_000_000, 2, 0).mark == 0


def test_a_record_is_read_or_refused() -> None:
    """A record of ours gives its changes; anything else is an error without its content."""
    pairs = [b"token", b"t", b"previous", b"s", b"committed_at_us", b"5", b"changes"]
    removal = b'[["L","e","1ABC123",null]]'
    assert read_record((b"7-0", [*pairs, removal])).changes[0].stored is None
    assert isinstance(read_record((b"7-0", [*pairs, b"[]"])), ChangeRecord)
    for reply in ((b"7-0", [*pairs, b'{"hush":1}']), (b"7-0", []), (b"x", [*pairs, b"[]"])):
        with pytest.raises(StoreError, match="cannot be read") as caught:
            read_record(reply)
        assert "hush" not in str(caught.value)
    with pytest.raises(StoreError, match="definition"):
        read_definition(b"[]")
