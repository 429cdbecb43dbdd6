"""What an import asks beside the form of a row: ends, plates in other fields, other forms."""

import io
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO, cast

import pytest

from anpr_engine.errors import InputFileError
from anpr_engine.records.watchlist_entry import WatchlistEntry
from anpr_engine.watchlist.file_checks import FileRules
from anpr_engine.watchlist.file_rows import FileForm, RawRow
from anpr_engine.watchlist.files import WatchlistFile
from anpr_engine.watchlist.import_checks import (
    TEXTS_LOOKED_AT_MAX,
    ExpiryCeilings,
    ImportChecker,
    beginning_of,
    check_beginning,
    is_plate_like,
)
from anpr_engine.watchlist.row_problems import ROW_BYTES_MAX, RowProblem

NOW = datetime(2026, 6, 1, tzinfo=UTC)
CEILINGS = ExpiryCeilings({"missing-person": 10, "patrol": 5, "*": 30})


def checker(ceilings: ExpiryCeilings | None = None) -> ImportChecker:
    """Check rows of list L as an import does at a fixed time."""
    return ImportChecker(FileRules("L", NOW), NOW, ceilings or ExpiryCeilings())


def row(number: int = 1, **cells: str) -> RawRow:
    """Make a row whose plate follows from its number."""
    return RawRow(number, {"plate": f"1TST{number:03d}", **cells})


def until(days: float) -> str:
    """Give a time so many days ahead."""
    return (NOW + timedelta(days=days)).isoformat().replace("+00:00", "Z")


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"valid_until": until(30)}, ""),
        ({"valid_until": until(30.1)}, "expiry-too-far"),
        ({}, "expiry-missing"),
        ({"category": "missing-person", "valid_until": until(10)}, ""),
        ({"category": "missing-person", "valid_until": until(11)}, "expiry-too-far"),
        ({"purpose": "Patrol", "category": "missing-person", "valid_until": until(6)},
         "expiry-too-far"),
    ],
)  # fmt: skip
def test_an_entry_ends_before_its_ceiling(cells: dict[str, str], reason: str) -> None:
    """The purpose's ceiling counts, else the category's, else that of all others."""
    found = checker(CEILINGS).check(row(1, **cells))
    assert (found.reason.value if isinstance(found, RowProblem) else "") == reason


def test_without_a_ceiling_endless_entries_are_counted() -> None:
    """Nothing is refused, and the report says how many entries have no end."""
    plain = checker()
    assert isinstance(plain.check(row(1)), WatchlistEntry)
    assert isinstance(plain.check(row(2, valid_until=until(9_999))), WatchlistEntry)
    assert plain.notes.endless == 1
    assert plain.notes.lines() == ["  1 entries have no end; no ceiling is set for them"]


def test_taking_out_asks_for_no_end() -> None:
    """Whether an entry ends does not matter for removing it."""
    takes_out = ImportChecker(FileRules("L"), None, CEILINGS)
    assert isinstance(takes_out.check(row()), WatchlistEntry)


def test_plates_in_other_fields_are_told() -> None:
    """A note or case that is written like a plate is counted, by field; the row is taken."""
    plain = checker()
    plain.check(row(1, note="1-ABC-123", country="BE"))
    plain.check(row(2, case_ref="1 abc 123", country="BE"))
    plain.check(row(3, note="seen near the bridge", case_ref="2026/12-B", country="BE"))
    assert plain.notes.as_dict()["plate_like"] == {"case_ref": 1, "note": 1}
    assert "case_ref looks like a plate" in plain.notes.lines()[0]


@pytest.mark.parametrize(
    ("text", "country", "like"),
    [
        ("1-ABC-123", "BE", True),
        ("1-abc-123", "be", True),
        ("1-ABC-123", None, True),
        ("GB-123-K", "NL", True),
        ("C-123456", "BE", False),
        ("2026123456", None, False),
        ("bridge", None, False),
        ("1-ABC-123 " * 9, "BE", False),
    ],
)
def test_what_is_written_like_a_plate(text: str, country: str | None, *, like: bool) -> None:
    """Only a whole text, and only of the entry's own country where that is told."""
    assert is_plate_like(text, country) is like


def test_only_the_first_texts_are_looked_at() -> None:
    """Looking for plates costs an import of a million rows next to nothing."""
    plain = checker()
    for number in range(TEXTS_LOOKED_AT_MAX + 10):
        plain.check(RawRow(number, {"plate": f"1T{number:06d}", "note": "1-ABC-123"}))
    assert plain.notes.plate_like["note"] == TEXTS_LOOKED_AT_MAX


@pytest.mark.parametrize(
    ("beginning", "said"),
    [
        (b"PK\x03\x04xl/", "workbook"),
        (b"\x1f\x8b\x08", "gzip"),
        ("plate\n".encode("utf-16"), "UTF-16"),
        (b"plate,note\n1ABC123,\x00\n", "Line 2: the file holds zero bytes"),
        (b"plate\tcountry\n", "parted by a tab"),
        (b"plate|country\n", r"parted by a \|"),
    ],
)
def test_what_no_list_file_is_gets_named(beginning: bytes, said: str) -> None:
    """Another encoding, a workbook, another delimiter: named with the line, and what to do."""
    with pytest.raises(InputFileError, match=said) as caught:
        check_beginning(beginning)
    assert caught.value.remedy


@pytest.mark.parametrize(
    "beginning", [b"plate;country\n", b"plate\n", b'{"plate": "a\\tb"}', b"\xef\xbb\xbfplate,x\n"]
)
def test_our_own_forms_begin_well(beginning: bytes) -> None:
    """Comma, semicolon, one column alone and JSON lines pass."""
    check_beginning(beginning)


def test_looking_at_the_beginning_takes_nothing(tmp_path: Path) -> None:
    """The file is read from its first byte afterwards; what cannot be looked into is left alone."""
    path = tmp_path / "list.csv"
    path.write_bytes(b"plate\n1ABC123\n")
    with path.open("rb") as stream:
        assert beginning_of(stream).startswith(b"plate")
        assert stream.read(5) == b"plate"
    assert beginning_of(io.BytesIO(b"plate")) == b""


class LongLine:
    """A file whose second line is very long, made as it is read; knows the largest piece asked."""

    def __init__(self, size: int) -> None:
        """Have a line of so many bytes between a header and a good row."""
        self._left = size
        self._lines = iter((b"plate,note\n", b"", b"1TST001,good\n"))
        self.most = 0

    def readline(self, limit: int) -> bytes:
        """Give the next line, or as much of the long one as is asked for."""
        if self._left > 0 and self.most:
            count = min(limit, self._left)
            self._left -= count
            return b"x" * (count - 1) + (b"x" if self._left else b"\n")
        self.most = max(self.most, limit)
        line = next(self._lines, b"")
        return line or (self.readline(limit) if self._left else next(self._lines, b""))


def test_a_line_of_a_gigabyte_costs_its_row_alone() -> None:
    """It is read in small pieces and refused; the row behind it is taken."""
    stream = LongLine(1 << 30)
    read = WatchlistFile(cast("BinaryIO", stream), FileForm.CSV, FileRules("L", NOW))
    first, second = read
    assert isinstance(first, RowProblem)
    assert first.reason.value == "row-too-long"
    assert isinstance(second, WatchlistEntry)
    assert stream.most <= ROW_BYTES_MAX + 1
