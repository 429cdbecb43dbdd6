"""Packed texts and coded columns: the same content in less room, also when much was removed."""

import hashlib

import msgspec
import numpy as np
import pytest

from anpr_engine.records.watchlist_entry import WatchlistEntry
from anpr_engine.watchlist.block import EntryRows, block_of, joined, rows_from, sorted_rows, tidied
from anpr_engine.watchlist.column import VALUES_MAX, Column, joined_columns
from anpr_engine.watchlist.snapshot import snapshot_of
from anpr_engine.watchlist.stored import (
    LIMITS,
    OPEN_END_S,
    StoredEntry,
    decode_profile,
    encode_profile,
    profile_digest,
    profile_of,
    restore_entry,
    store_entry,
)
from anpr_engine.watchlist.texts import SEGMENT_TEXTS, SEGMENTS_A_TIME, PackedTexts, joined_texts

STORED = StoredEntry(0, "", "e", "1-ABC-123", "BE", 0, OPEN_END_S, "case", "note")
ENTRIES = 300


def _entries(count: int) -> list[StoredEntry]:
    return [
        msgspec.structs.replace(STORED, entry_id=f"e{(n * 7) % count:06d}", case_ref=f"C/{n}")
        for n in range(count)
    ]


def _packed(rows: EntryRows) -> PackedTexts:
    return rows.own_texts.packed()


def test_packed_rows_give_every_entry_back() -> None:
    """Packing changes no field of any row, whatever its plate, dates and country."""
    plates = ("1-ABC-123", "1ABC123", "ab 12", "AB 12-C", "ÖH-AB 1", "AVERY-LONG-PLATE1", "1?23")
    entries = [
        StoredEntry(0, "", f"é{n}", plates[n % 7], ("", "BE", "NL")[n % 3], n, n * n, f"c{n}", "ü")
        for n in range(ENTRIES)
    ]
    rows = rows_from(entries, [n % 5 for n in range(ENTRIES)])
    packed = joined([rows])
    assert [rows.stored(row) for row in range(ENTRIES)] == entries
    assert [packed.stored(row) for row in range(ENTRIES)] == entries
    assert [packed.profile[row] for row in range(ENTRIES)] == [n % 5 for n in range(ENTRIES)]


def test_packed_rows_are_a_fraction_of_the_loose_text() -> None:
    """Texts of like entries take less than a third of their bytes."""
    entries = _entries(ENTRIES)
    raw = sum(len(e.entry_id + e.plate + e.case_ref + e.note) for e in entries)
    packed = _packed(rows_from(entries, [0] * ENTRIES))
    assert sum(len(segment.blob) for segment in packed.segments) < raw / 3


def test_texts_fill_more_than_one_segment() -> None:
    """The text after the last of a segment stands in the next one."""
    entries = _entries(SEGMENT_TEXTS + 1)
    packed = _packed(rows_from(entries, [0] * len(entries)))
    assert [segment.texts for segment in packed.segments] == [SEGMENT_TEXTS, 1]
    for row in (0, 1, SEGMENT_TEXTS - 1, SEGMENT_TEXTS):
        assert packed.of(row)[0] == entries[row].entry_id


def test_texts_of_old_entries_are_given_up() -> None:
    """Segments whose rows are gone are packed anew, others stay; every row keeps its texts."""
    entries = _entries(100)
    part = _packed(rows_from(entries, [0] * 100))
    large = _packed(rows_from(_entries(SEGMENT_TEXTS // 2), [0] * (SEGMENT_TEXTS // 2)))
    texts = joined_texts([part] * SEGMENTS_A_TIME + [large])
    kept = texts.chosen(np.arange(0, len(texts.places), 10))
    tidy = kept.tidied()
    assert [segment.texts for segment in tidy.segments] == [SEGMENT_TEXTS // 2, 80]
    for row in (*range(100), len(kept.places) - 1):
        assert tidy.of(row) == kept.of(row)


def test_worn_segments_are_packed_anew_a_few_at_a_time() -> None:
    """One fold never packs more than its share, and the folds after it do the rest."""
    part = _packed(rows_from(_entries(3), [0] * 3))
    texts = joined_texts([part] * 20)
    once = texts.tidied()
    twice = once.tidied()
    assert [len(each.segments) for each in (texts, once, twice)] == [20, 13, 6]
    assert twice.tidied() is twice
    assert [twice.of(row) for row in range(60)] == [texts.of(row) for row in range(60)]


def test_few_left_over_texts_stay() -> None:
    """Packing everything anew for a few would cost more than it gives."""
    rows = joined([rows_from(_entries(ENTRIES), [0] * ENTRIES)])
    kept = rows.chosen(np.arange(10))
    assert _packed(tidied(kept)) is _packed(kept)


def test_more_segments_than_can_be_numbered_are_an_error() -> None:
    """Places are 32 bits; a text is never taken for another one in silence."""
    empty = _packed(rows_from([], []))
    many = PackedTexts(_packed(rows_from(_entries(1), [0])).segments * 2**16, empty.places)
    with pytest.raises(OverflowError):
        joined_texts([many, _packed(rows_from(_entries(1), [0]))])


def test_rows_marked_as_superseded_are_left_out() -> None:
    """A block of the other rows is sorted and knows nothing of those left out."""
    rows = joined([rows_from(_entries(10), [0] * 10)])
    block = block_of(sorted_rows(rows, np.arange(10) % 2 == 0))
    assert {block.rows.texts(row)[0] for row in range(len(block))} == {
        rows.texts(row)[0] for row in range(1, 10, 2)
    }


@pytest.mark.parametrize("distinct", [1, 256, 257, VALUES_MAX, VALUES_MAX + 1])
def test_a_column_gives_its_numbers_whatever_its_codes(distinct: int) -> None:
    """One byte, two, or no code at all: the numbers are the same, also after joining."""
    numbers = (np.arange(distinct + 10, dtype=np.uint32) % distinct + 5) * np.uint32(40_000)
    column = Column(numbers).coded()
    width = 1 if distinct <= 256 else 2 if distinct <= VALUES_MAX else 4
    assert column.codes.itemsize == width
    assert np.array_equal(column.numbers(), numbers)
    half = distinct // 2
    both = joined_columns([Column(numbers[:half]), Column(numbers[half:]).coded()])
    assert both.codes.itemsize == width
    assert np.array_equal(both[np.arange(len(numbers))], numbers)
    assert both[distinct - 1] == int(numbers[distinct - 1])
    assert len(both.chosen(np.array([3], dtype=np.int64) % distinct)) == 1


LIMITED = {
    "list_kind": "ad_hoc",
    "max_actions": 0,
    "area_cameras": ("be-1", "be-2"),
    "area_polygon": "51.2,4.4 51.3,4.4 51.3,4.5",
    "border_area_only": True,
    "hours_utc": "22:00-06:00",
    "direction": "north",
    "sis_action": "arrest",
    "sis_derived": True,
    "danger": "Armed.",
    "subject_category": "suspect",
    "reliability": "B2",
}


def _listed(**fields: object) -> WatchlistEntry:
    plain = {"entry_id": "e", "list_id": "l", "plate": "1-ABC-123", "country": "BE"}
    return WatchlistEntry.model_validate(plain | fields)


def test_where_and_when_an_entry_is_used_survives_the_store() -> None:
    """Each such field is kept, alone and with all others, in Redis and in a snapshot."""
    assert set(LIMITED) == set(LIMITS)
    for fields in (LIMITED, *({name: value} for name, value in LIMITED.items())):
        entry = _listed(**fields)
        text = encode_profile(profile_of(entry))
        assert restore_entry(store_entry(entry, 1), decode_profile(text)) == entry
        assert snapshot_of([entry]).entry(0, recent=False) == entry


def test_profiles_of_before_these_fields_are_read_and_named_as_ever() -> None:
    """An entry without them is stored byte for byte as it was, so that no list is written anew."""
    old = (
        b'{"list_id":"l","category":"other","owner":"","provider":"","purpose":"",'
        b'"legal_basis":"","action":"inquiry-check","priority":50,"sharing":"own",'
        b'"handling_code":"","vehicle_make":"","vehicle_model":"","vehicle_colour":""}'
    )
    assert encode_profile(profile_of(_listed())) == old
    assert profile_digest(profile_of(_listed())) == hashlib.blake2b(old, digest_size=8).hexdigest()
    assert restore_entry(store_entry(_listed(), 1), decode_profile(old)) == _listed()
