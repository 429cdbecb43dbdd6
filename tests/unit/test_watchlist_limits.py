"""Where, when and how often an entry is used, as rows of watchlist files tell it."""

import io
import json

from anpr_engine.records.watchlist_entry import WatchlistEntry
from anpr_engine.watchlist.file_checks import FileRules, RowChecker
from anpr_engine.watchlist.file_export import export_entries
from anpr_engine.watchlist.file_rows import FileForm, RawRow
from anpr_engine.watchlist.files import read_entries
from anpr_engine.watchlist.row_problems import RowProblem


def test_where_and_when_an_entry_is_used_is_read_from_cells() -> None:
    """Cameras are parted by spaces or semicolons, words and flags may be in any case."""
    found = RowChecker(FileRules("L")).check(
        RawRow(
            2,
            {
                "plate": "1ABC123",
                "list_kind": "Ad_Hoc",
                "max_actions": " 2 ",
                "area_cameras": " be-1;be-2  be-3; ",
                "border_area_only": "TRUE",
                "hours_utc": "22:00-06:00 ",
                "sis_derived": "false",
                "subject_category": "Suspect",
                "reliability": "b2",
            },
        )
    )
    assert isinstance(found, WatchlistEntry)
    assert (found.list_kind, found.max_actions, found.hours_utc) == ("ad_hoc", 2, "22:00-06:00")
    assert found.area_cameras == ("be-1", "be-2", "be-3")
    assert (found.border_area_only, found.sis_derived) == (True, False)
    assert (found.subject_category, found.reliability) == ("suspect", "B2")


def test_rows_of_programs_may_hold_flags_and_lists() -> None:
    """A list of cameras and a flag mean what they say; a camera that no cell can hold is named."""
    rows: list[dict[str, object]] = [
        {"plate": "1ABC121", "area_cameras": ["be-1", "be-2"], "sis_derived": True},
        {"plate": "1ABC122", "area_cameras": [], "border_area_only": False},
        {"plate": "1ABC123", "area_cameras": ["be 1"]},
        {"plate": "1ABC124", "area_cameras": [1]},
        {"plate": "1ABC125", "note": True},
    ]
    first, second, *refused = read_entries(rows)
    assert isinstance(first, WatchlistEntry)
    assert (first.area_cameras, first.sis_derived) == (("be-1", "be-2"), True)
    assert isinstance(second, WatchlistEntry)
    assert (second.area_cameras, second.border_area_only) == ((), False)
    told = [(one.row, one.reason) for one in refused if isinstance(one, RowProblem)]
    assert told == [(3, "wrong-type"), (4, "wrong-type"), (5, "wrong-type")]


def test_a_file_says_only_what_an_entry_says() -> None:
    """Cameras are a list in JSON and one cell in CSV; what is absent stays absent."""
    plain = WatchlistEntry(entry_id="e1", list_id="L", plate="1ABC123")
    limited = plain.model_copy(
        update={"area_cameras": ("be-1", "be-2"), "sis_derived": True, "max_actions": 0}
    )
    out = io.StringIO()
    export_entries([plain, limited], out, FileForm.JSONL)
    first, second = map(json.loads, out.getvalue().splitlines())
    assert not {"area_cameras", "sis_derived", "max_actions", "danger"} & first.keys()
    assert second["area_cameras"] == ["be-1", "be-2"]
    assert (second["sis_derived"], second["max_actions"]) == (True, 0)
    out = io.StringIO()
    export_entries([limited], out, FileForm.CSV)
    assert ",0,be-1 be-2,,,,,,true," in out.getvalue()
