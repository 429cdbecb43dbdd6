"""Watchlist files: what goes out comes in unchanged, and the fast way equals the model's."""

import io
import json
from datetime import UTC, datetime
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from anpr_engine.plates.wildcard import listed_text
from anpr_engine.records.fields import Action, Category
from anpr_engine.records.watchlist_entry import SubjectCategory, WatchlistEntry
from anpr_engine.watchlist import file_checks, file_rows
from anpr_engine.watchlist.edits import EditMaker, plan
from anpr_engine.watchlist.file_checks import FileRules, RowChecker, default_entry_id
from anpr_engine.watchlist.file_export import export_entries, file_values
from anpr_engine.watchlist.file_rows import FileForm, RawRow, RowSource
from anpr_engine.watchlist.files import WatchlistFile
from anpr_engine.watchlist.listed_row import ListedRow
from anpr_engine.watchlist.other_fields import other_field
from anpr_engine.watchlist.row_problems import RowProblem, RowReason

LETTERS = "ABCDEFGHJKLMNPRSTUVXYZ0123456789"
NO_CONTROL = st.characters(exclude_categories=("Cs", "Cc"))
LINES = NO_CONTROL | st.sampled_from("\n\r\t")
START = st.sampled_from(["", "=", "+", "-", "@", "'", "''", "'=", ";", ",", '"', " "])
short_texts = st.builds(str.__add__, START, st.text(NO_CONTROL, max_size=14))
long_texts = st.builds(str.__add__, START | st.sampled_from("\t\r\n"), st.text(LINES, max_size=30))
plates = st.text(LETTERS, min_size=5, max_size=10).filter(
    lambda text: len(set(text)) > 1 and not other_field(text, text)
)
times = st.integers(1_800_000_000, 3_800_000_000).map(lambda s: datetime.fromtimestamp(s, UTC))
entries = st.builds(
    WatchlistEntry,
    entry_id=short_texts.filter(bool),
    list_id=st.just("L"),
    plate=plates,
    country=st.none() | st.sampled_from(["BE", "NL", "de"]),
    category=st.sampled_from(Category),
    owner=short_texts,
    purpose=short_texts,
    legal_basis=short_texts,
    case_ref=long_texts,
    action=st.sampled_from(Action),
    priority=st.integers(0, 100),
    valid_from=st.none() | st.just(datetime(2026, 1, 1, 0, 0, 0, 5, tzinfo=UTC)),
    valid_until=st.none() | times,
    sharing=st.sampled_from(["own", "nl", "nl,de"]),
    handling_code=short_texts,
    vehicle_make=short_texts,
    vehicle_model=short_texts,
    vehicle_colour=short_texts,
    note=long_texts,
    list_kind=st.sampled_from([None, "structural", "ad_hoc"]),
    max_actions=st.none() | st.integers(0, 10_000),
    area_cameras=st.lists(st.sampled_from(["be-1", "é", "-x", "=1"]), max_size=3).map(tuple),
    area_polygon=st.sampled_from(["", "51.2,4.4 51.3,4.4 51.3,4.5", "-1,0 2,0 2,-2.5 0,1"]),
    border_area_only=st.booleans(),
    hours_utc=st.sampled_from(["", "22:00-06:00"]),
    direction=short_texts,
    sis_action=st.none() | st.sampled_from(Action),
    sis_derived=st.booleans(),
    danger=short_texts,
    subject_category=st.none() | st.sampled_from(SubjectCategory),
    reliability=st.sampled_from(["", "A1", "X4"]),
)
RULES = FileRules("L", datetime(2026, 11, 22, tzinfo=UTC))
CELLS = st.fixed_dictionaries(
    {"plate": plates},
    optional={
        "entry_id": short_texts.filter(bool),
        "country": st.sampled_from(["BE", "be", "BEL", "B", "1A", "ÄÖ"]),
        "category": st.sampled_from(["burglary", "Burglary", "x"]),
        "priority": st.sampled_from(["0", "50", "101", "-3", "5.0", "x", "1e2"]),
        "action": st.sampled_from(["seize", "observe", "look"]),
        "sharing": st.sampled_from(["own", "nl", "nl,de", "NL", "nl,", "own,nl"]),
        "valid_until": st.sampled_from(
            ["2027-01-01T00:00:00Z", "2027-01-01", "2027-13-01T00:00:00Z"]
        ),
        "valid_from": st.sampled_from(["2026-12-31T23:59:59.5+01:00", "2030-01-01T00:00:00Z"]),
        "owner": st.text(NO_CONTROL, max_size=300),
        "case_ref": st.text(NO_CONTROL, max_size=300),
        "handling_code": st.text(NO_CONTROL, max_size=20),
        "note": st.text(NO_CONTROL, max_size=30),
        "max_actions": st.sampled_from(["0", "7", "-1", "1.5", "x"]),
        "hours_utc": st.sampled_from(["22:00-06:00", "22-06", "24:00-01:00"]),
        "sis_action": st.sampled_from(["arrest", "look"]),
        "subject_category": st.sampled_from(["victim", "driver"]),
        "reliability": st.sampled_from(["A1", "A5", "AA"]),
        "border_area_only": st.sampled_from(["true", "false", "2"]),
        "danger": st.text(NO_CONTROL, max_size=300),
    },
)


@pytest.mark.parametrize("form", [FileForm.CSV, FileForm.JSONL])
@given(listed=st.lists(entries, max_size=5, unique_by=lambda entry: entry.entry_id))
def test_an_export_imports_unchanged(form: FileForm, listed: list[WatchlistEntry]) -> None:
    """Whatever import can have taken goes out and in again without any change."""
    out = io.StringIO(newline="")
    assert export_entries(listed, out, form) == len(listed)
    rules = FileRules("L", RULES.now, escaped=form is FileForm.CSV)
    file = WatchlistFile(io.BytesIO(out.getvalue().encode()), form, rules)
    assert list(file) == listed


@given(listed=st.lists(entries, max_size=5, unique_by=lambda entry: entry.entry_id))
def test_an_unchanged_entry_needs_no_writing(listed: list[WatchlistEntry]) -> None:
    """What was stored and read back is recognised, whatever its texts; anything else is not."""
    maker = EditMaker("be")
    edits = [maker.put(entry) for entry in listed]
    same = plan(edits, [edit.row(12) for edit in edits])
    assert (same.unchanged, len(same.changes)) == (len(listed), 0)
    other = [maker.put(entry.model_copy(update={"plate": "NEW1"})) for entry in listed]
    changed = plan(other, [edit.row(12) for edit in edits])
    assert [was for _, was in changed.changes] == [entry.plate for entry in listed]


@given(cells=CELLS)
def test_the_fast_way_takes_what_the_model_takes(cells: dict[str, str]) -> None:
    """A row is taken exactly when the model takes it, and comes out the same."""
    found = RowChecker(FileRules("L", escaped=False)).check(RawRow(1, cells))
    words = ("sharing", "category", "action", "priority", "country")
    tidied = {k: v.strip() if k in words else v for k, v in cells.items()}
    if "sharing" in tidied:
        tidied["sharing"] = tidied["sharing"].lower()
    try:
        expected = WatchlistEntry.model_validate({"entry_id": "made", "list_id": "L", **tidied})
    except ValidationError:
        assert isinstance(found, RowProblem)
        return
    assert isinstance(found, WatchlistEntry)
    if "entry_id" not in cells:
        expected = expected.model_copy(update={"entry_id": found.entry_id})
    assert found == expected
    assert file_values(found) == file_values(expected)


BEGINNINGS = ["x", "", "-", "=", "@", "'", "'+", "\t", "a\n", "a\x00", "|", "é", " "]
EDGES = st.sampled_from([f"{begin}{more}" for begin in BEGINNINGS for more in ("", "-1", "A1")])
OWN_CELLS = st.fixed_dictionaries(
    {"plate": st.sampled_from(["1-ABC-123", "1-abc-124", "12345", "ABCDEF", "1-A", "-1-A2"])},
    optional={
        "entry_id": EDGES | st.sampled_from(["e1", "x" * 64, "x" * 65]),
        "country": st.sampled_from(["BE", "be", "BEL", "B", "1A", " NL ", "ÄÖ"]),
        "case_ref": EDGES | st.sampled_from(["x" * 256, "x" * 257]),
        "note": EDGES | st.sampled_from(["x" * 1024, "x" * 1025]),
        "owner": EDGES,
        "valid_until": st.sampled_from(["2027-01-01T00:00:00Z", "2020-01-01T00:00:00Z"]),
        "max_actions": st.sampled_from(["1", "2"]),
    },
)


@given(rows=st.lists(OWN_CELLS, max_size=6), escaped=st.booleans(), least=st.integers(1, 6))
def test_plain_rows_are_taken_like_all_others(
    rows: list[dict[str, str]], *, escaped: bool, least: int
) -> None:
    """The look at all texts together says nothing that the look at each does not."""
    rules = FileRules("L", RULES.now, {"owner": "unit"}, characters_min=least, escaped=escaped)
    raw = [RawRow(number, cells) for number, cells in enumerate(rows, 1)]
    short, long = RowChecker(rules), RowChecker(rules)
    found = [short.check(row) for row in raw]
    with patch.object(file_checks, "plain_row", return_value=""):
        assert [long.check(row) for row in raw] == found
    assert (short.ids, short.kept_ids) == (long.ids, long.kept_ids)


@given(rows=st.lists(CELLS, max_size=5))
def test_a_row_is_stored_as_its_entry_is(rows: list[dict[str, str]]) -> None:
    """What is written of a row that shares its values is what is written of the entry alone."""
    checker, maker = RowChecker(FileRules("L", escaped=False)), EditMaker("be")
    checked = [checker.listed(RawRow(number, cells)) for number, cells in enumerate(rows, 1)]
    taken = [row for row in checked if isinstance(row, ListedRow)]
    assert [maker.put(row) for row in taken] == [EditMaker("be").put(row.entry()) for row in taken]


JSON_VALUES = st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(["", "1", "x", "é"])
JSON_NAMES = st.sampled_from(["plate", "note", "priority", "owner", "colour", "Plate"])


@given(row=st.dictionaries(JSON_NAMES, JSON_VALUES | st.lists(st.just("c"), max_size=1)))
def test_objects_of_texts_are_read_like_all_others(row: dict[str, object]) -> None:
    """The short way for objects of our columns and texts gives the same row and names."""
    line = io.BytesIO(json.dumps(row).encode())
    short = RowSource(line, FileForm.JSONL)
    found = list(short)
    long = RowSource(io.BytesIO(line.getvalue()), FileForm.JSONL)
    with patch.object(file_rows, "_plain_object", return_value=None):
        assert list(long) == found
    assert short.unknown_columns == long.unknown_columns


PLATE_LIKE = NO_CONTROL | st.sampled_from("AB12-?* ÄöСО")


@given(raw=st.text(PLATE_LIKE, min_size=1, max_size=20))
def test_plates_are_read_as_the_normaliser_reads_them(raw: str) -> None:
    """The short way for plain texts gives the canonical text, or refuses, like the long one."""
    rules = FileRules("L", characters_min=1, escaped=False)
    found = RowChecker(rules).check(RawRow(1, {"plate": raw}))
    long_way = listed_text(raw.strip())
    if isinstance(found, RowProblem):
        fine = {RowReason.PLATE_JUNK, RowReason.WILDCARD_TOO_WIDE, RowReason.PLATE_OTHER_FIELD}
        assert not long_way or found.reason in fine
    else:
        assert long_way
        assert found.entry_id == default_entry_id("L", long_way, "")
