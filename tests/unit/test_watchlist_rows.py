"""Rows of watchlist files: what is taken, what is refused and why."""

import io
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from anpr_engine.errors import InputFileError, UsageError
from anpr_engine.records.watchlist_entry import WatchlistEntry
from anpr_engine.watchlist.file_checks import FileRules, RowChecker
from anpr_engine.watchlist.file_rows import FileForm, RawRow, RowSource
from anpr_engine.watchlist.files import WatchlistFile, read_entries
from anpr_engine.watchlist.report import ImportReport, ProblemLog
from anpr_engine.watchlist.row_problems import ROW_BYTES_MAX, RowProblem, RowReason

NOW = datetime(2026, 11, 22, tzinfo=UTC)
RULES = FileRules("L", NOW)


def _read(
    text: str | bytes, form: FileForm = FileForm.CSV, rules: FileRules = RULES
) -> list[WatchlistEntry | RowProblem]:
    raw = text.encode() if isinstance(text, str) else text
    return list(WatchlistFile(io.BytesIO(raw), form, rules))


def _problems(found: list[WatchlistEntry | RowProblem]) -> list[tuple[int, str]]:
    return [(each.row, each.reason.value) for each in found if isinstance(each, RowProblem)]


def _check(cells: Mapping[str, str], rules: FileRules = RULES) -> WatchlistEntry | RowProblem:
    return RowChecker(rules).check(RawRow(2, cells))


OF_OTHER_FIELDS = (
    *("2026-01-01", "01-02-2026", "1/2/2026", "31.12.1999", "12/31/2026", "31-12-26", "2026 01 02"),
    *("2026-01-01T10:00:00Z", "2026-01-01 10:00", "23:59", "7:05:30", "10:00:00+01:00"),
    *("0470 12 34 56", "06-12345678", "02/123.45.67", "0032470123456", "(020) 624 11 11"),
    *("WVWZZZ1JZXW000001", "wvw-zzz-1jz-xw0-00001", "BE68 5390 0754 7034", "NL91ABNA0417164300"),
    *("90.02.01-997.04", "123456782", "desk@police.example"),
)
"""Dates, times, telephone numbers, VINs, bank accounts, numbers of persons, addresses."""

PLATES_LIKE_THEM = (
    "1-ABC-123",
    "12-34-AB",
    "1234",
    "12345",
    "B-AB 1234",
    "123-45-678",
    "20-26-01",
    "01-02-26",
)

REFUSED: list[tuple[dict[str, str], str, str]] = [
    ({"plate": ""}, "plate", "plate-missing"),
    ({"plate": " - "}, "plate", "plate-missing"),
    ({"plate": "AB1"}, "plate", "plate-too-short"),
    ({"plate": "1ABC123" * 3}, "plate", "plate-too-long"),
    ({"plate": "1ABC123" * 30}, "plate", "field-too-long"),
    ({"plate": "1ABC№世"}, "plate", "plate-bad-character"),
    ({"plate": "1AB*123"}, "plate", "wildcard-run-inside"),
    ({"plate": "1A???*"}, "plate", "wildcard-too-wide"),
    ({"plate": "00-00"}, "plate", "plate-junk"),
    ({"plate": "AAAAA"}, "plate", "plate-junk"),
    *(({"plate": text}, "plate", "plate-other-field") for text in OF_OTHER_FIELDS),
    ({"country": "BEL"}, "country", "bad-country"),
    ({"country": "B1"}, "country", "bad-country"),
    ({"country": "ÅÄ"}, "country", "bad-country"),
    ({"valid_from": "yesterday"}, "valid_from", "bad-date"),
    ({"valid_until": "2027-01-01"}, "valid_until", "bad-date"),
    ({"valid_from": "2028-01-01T00:00:00Z", "valid_until": "2027-01-01T00:00:00Z"}, "", "bad-date"),
    ({"valid_until": "2026-11-22T00:00:00Z"}, "valid_until", "already-expired"),
    ({"category": "theft"}, "category", "unknown-category"),
    ({"action": "shoot"}, "action", "unknown-action"),
    ({"priority": "101"}, "priority", "bad-priority"),
    ({"priority": "-1"}, "priority", "bad-priority"),
    ({"priority": "high"}, "priority", "bad-priority"),
    ({"sharing": "nl;de"}, "sharing", "bad-sharing"),
    ({"note": "=1+1"}, "note", "formula-cell"),
    ({"owner": "@x"}, "owner", "formula-cell"),
    ({"plate": "-1ABC123"}, "plate", "formula-cell"),
    ({"case_ref": "\tx"}, "case_ref", "formula-cell"),
    ({"entry_id": "a\x1fb"}, "entry_id", "bad-character"),
    ({"owner": "a\nb"}, "owner", "bad-character"),
    ({"note": "a\x00b"}, "note", "bad-character"),
    ({"note": "x" * 1025}, "note", "field-too-long"),
    ({"entry_id": "x" * 65}, "entry_id", "field-too-long"),
    ({"owner": "x" * 257}, "owner", "field-too-long"),
    ({"handling_code": "x" * 17}, "handling_code", "field-too-long"),
    ({"list_id": "M"}, "list_id", "other-list"),
    ({"list_kind": "weekly"}, "list_kind", "bad-value"),
    ({"max_actions": "-1"}, "max_actions", "bad-value"),
    ({"max_actions": "10001"}, "max_actions", "bad-value"),
    ({"area_cameras": "c" * 65}, "area_cameras", "bad-value"),
    ({"area_polygon": "51.2,4.4 51.3,4.4"}, "area_polygon", "bad-value"),
    ({"area_polygon": "51.2,4.4 51.3,4.4 91,4.5"}, "area_polygon", "bad-value"),
    ({"area_polygon": "51.2,4.4 51.3,4.4 51.2,4.4"}, "area_polygon", "bad-value"),
    ({"area_cameras": "a\nb"}, "area_cameras", "bad-character"),
    ({"border_area_only": "perhaps"}, "border_area_only", "bad-value"),
    ({"sis_derived": "2"}, "sis_derived", "bad-value"),
    ({"hours_utc": "22-6"}, "hours_utc", "bad-value"),
    ({"hours_utc": "22:00-24:00"}, "hours_utc", "bad-value"),
    ({"direction": "n" * 65}, "direction", "field-too-long"),
    ({"sis_action": "wave"}, "sis_action", "unknown-action"),
    ({"danger": "=armed"}, "danger", "formula-cell"),
    ({"danger": "x" * 257}, "danger", "field-too-long"),
    ({"subject_category": "driver"}, "subject_category", "bad-value"),
    ({"reliability": "E4"}, "reliability", "bad-value"),
]


@pytest.mark.parametrize("plate", PLATES_LIKE_THEM)
def test_a_plate_that_looks_like_another_field_is_taken(plate: str) -> None:
    """What may be a plate of some country is one."""
    assert not isinstance(_check({"plate": plate}), RowProblem)


@pytest.mark.parametrize(("cells", "field", "reason"), REFUSED)
def test_a_row_is_refused_for_its_reason(cells: dict[str, str], field: str, reason: str) -> None:
    """Each fault has its own code, names its field, and the sentence shows no value."""
    found = _check({"plate": "1ABC123"} | cells)
    assert isinstance(found, RowProblem)
    assert (found.field, found.reason.value) == (field, reason)
    value = cells.get(field) or "\x00"
    assert value not in found.text


def test_every_reason_can_be_met() -> None:
    """No reason is declared that no file leads to."""
    by_checks = {reason for _, _, reason in REFUSED}
    by_reading = {
        "duplicate-entry-id",
        "wrong-type",
        "row-too-long",
        "wrong-column-count",
        "malformed-row",
        "not-utf8",
    }
    by_import = {"expiry-missing", "expiry-too-far"}
    assert by_checks | by_reading | by_import == {reason.value for reason in RowReason}


def test_texts_are_tidied_where_no_meaning_is_lost() -> None:
    """Spaces around words go; ids and free texts stay as they are."""
    found = _check(
        {"plate": " 1-abc-123 ", "sharing": "NL, DE", "priority": " 7 ", "owner": " Unit A "}
    )
    assert isinstance(found, WatchlistEntry)
    assert (found.plate, found.sharing, found.priority) == ("1-abc-123", "nl,de", 7)
    assert found.owner == " Unit A "


def test_an_escaped_formula_is_a_text() -> None:
    """The ' that export writes is taken off again, one at a time."""
    for text, meant in (("'=1", "=1"), ("''@", "'@"), ("'plain", "'plain")):
        found = _check({"plate": "1ABC123", "note": text})
        assert isinstance(found, WatchlistEntry)
        assert found.note == meant


def test_the_made_id_is_the_same_for_the_same_vehicle() -> None:
    """List, canonical plate and country decide; spelling does not."""
    checker = RowChecker(RULES)
    first = checker.check(RawRow(1, {"plate": "1-ABC-123", "country": "BE"}))
    twice = checker.check(RawRow(2, {"plate": "1 abc 123", "country": "be"}))
    other = checker.check(RawRow(3, {"plate": "1ABC123", "country": "NL"}))
    assert isinstance(first, WatchlistEntry)
    assert first.entry_id == "6b421a1f9ddd6f34"
    assert isinstance(twice, RowProblem)
    assert twice.reason is RowReason.DUPLICATE_ENTRY_ID
    assert isinstance(other, WatchlistEntry)


def test_csv_with_a_mark_semicolons_and_windows_line_ends() -> None:
    """A spreadsheet's own CSV is understood; unknown columns are ignored and named once."""
    text = '\ufeffPlate;Note;Colour\r\n1ABC123;a,b;red\r\n\r\n1ABC124;"x\r\ny";blue\r\n'
    file = WatchlistFile(io.BytesIO(text.encode()), FileForm.CSV, RULES)
    found = list(file)
    assert [each.note for each in found if isinstance(each, WatchlistEntry)] == ["a,b", "x\r\ny"]
    assert file.unknown_columns == ["colour"]


def test_a_bad_row_costs_no_other() -> None:
    """Wrong counts, bad bytes, endless rows and an open quote are refused one by one."""
    rows = [
        b"plate,note",
        b"1ABC121,ok",
        b"1ABC122",
        b"1ABC123,\xff",
        b'1ABC124,"never closed',
        b"1ABC125,ok",
        b"1ABC126," + b"x" * ROW_BYTES_MAX,
        b'1ABC127,"a"b',
        b"1ABC128,ok",
    ]
    found = _read(b"\n".join(rows) + b"\n")
    assert _problems(found) == [
        (3, "wrong-column-count"),
        (4, "not-utf8"),
        (5, "malformed-row"),
        (7, "row-too-long"),
        (8, "malformed-row"),
    ]
    taken = [each.plate for each in found if isinstance(each, WatchlistEntry)]
    assert taken == ["1ABC121", "1ABC125", "1ABC128"]


@pytest.mark.parametrize("text", [b"", b"\n", b"a,b\n", b"plate,plate\n", b"\xff\xfep\x00", b'"'])
def test_a_file_without_a_header_is_no_watchlist(text: bytes) -> None:
    """What has no usable header is refused as a whole."""
    with pytest.raises(InputFileError, match=r"header|first line"):
        _read(text)


def test_json_lines_are_rows_of_their_own() -> None:
    """Lines are read alone; what is no object, or holds a list, is refused."""
    rows = ['{"plate": "1ABC121", "priority": 9, "x": 1}', "[1]", '{"plate": ["a"]}', "{", ""]
    rows += ['{"plate": true}', '{"plate": "1ABC122", "note": null}', "[" * 5000]
    found = _read("\n".join(rows), FileForm.JSONL)
    assert _problems(found) == [
        (2, "malformed-row"),
        (3, "wrong-type"),
        (4, "malformed-row"),
        (6, "wrong-type"),
        (8, "malformed-row"),
    ]
    assert len([each for each in found if isinstance(each, WatchlistEntry)]) == 2


def test_a_json_array_is_numbered_from_one() -> None:
    """An array's rows are read like lines; anything else is refused as a whole."""
    rows = [{"plate": "1ABC121"}, {"plate": "1"}, {"plate": "1ABC122", "note": "x" * ROW_BYTES_MAX}]
    found = _read(json.dumps(rows), FileForm.JSON)
    assert _problems(found) == [(2, "plate-too-short"), (3, "row-too-long")]
    with pytest.raises(InputFileError, match="no JSON array"):
        _read('{"plate": "1ABC121"}', FileForm.JSON)


def test_entries_for_matching_need_no_list_and_no_future(tmp_path: Path) -> None:
    """Without a store, rows name their lists, and entries whose time is over are taken too."""
    path = tmp_path / "w.csv"
    path.write_text("plate,list_id,valid_until\n1ABC123,,2020-01-01T00:00:00Z\n1ABC124,M,\n")
    found = [each for each in read_entries(path) if isinstance(each, WatchlistEntry)]
    assert [each.list_id for each in found] == ["watchlist", "M"]
    with pytest.raises(UsageError, match="does not tell"):
        list(read_entries(tmp_path / "w.xls"))
    with pytest.raises(InputFileError, match="cannot be read"):
        list(read_entries(tmp_path / "none.csv"))


def test_rows_of_a_program_are_read_like_a_files() -> None:
    """Times, numbers, None and not-a-number mean what they mean in a table."""
    rows: list[dict[str, object]] = [
        {"plate": "1ABC123", "valid_until": NOW, "priority": 3, "note": float("nan"), "x": []},
        {"plate": 1234567, "country": None},
        {"plate": b"1ABC123"},
    ]
    found = list(read_entries(rows))
    assert isinstance(found[0], WatchlistEntry)
    assert (found[0].valid_until, found[0].note) == (NOW, "")
    assert isinstance(found[1], WatchlistEntry)
    assert _problems(found) == [(3, "wrong-type")]


def test_a_report_sums_up_and_a_log_hides_values() -> None:
    """Sums by reason for a person and for JSON; values only where asked for."""
    report = ImportReport("L", accepted=3)
    report.reasons.update(["plate-junk", "plate-junk", "bad-date"])
    report.unknown_columns.append("colour")
    assert report.refused == 3
    assert report.lines()[1:] == [
        "  refused plate-junk: 2",
        "  refused bad-date: 1",
        "  columns ignored: colour",
    ]
    assert report.as_dict()["refused_by_reason"] == {"bad-date": 1, "plate-junk": 2}
    problem = RowProblem(2, "plate", RowReason.PLATE_JUNK, "Said so.", "0000")
    hidden, shown = io.StringIO(), io.StringIO()
    ProblemLog(hidden).note(problem)
    ProblemLog(shown, show_values=True).note(problem)
    ProblemLog(None).note(problem)
    assert "0000" not in hidden.getvalue()
    assert json.loads(shown.getvalue())["value"] == "0000"


def test_many_unknown_columns_are_named_up_to_a_bound() -> None:
    """A file of strange columns cannot fill the report."""
    header = ",".join(["plate", *(f"c{n}" for n in range(100))])
    source = RowSource(io.BytesIO(header.encode()), FileForm.CSV)
    assert list(source) == []
    assert len(source.unknown_columns) == 20
