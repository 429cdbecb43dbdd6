"""Files of other systems: their forms as data, and their rows as ours."""

import io
from pathlib import Path

import pytest

from anpr_engine.errors import InputFileError, UsageError
from anpr_engine.records.watchlist_entry import WatchlistEntry
from anpr_engine.watchlist.file_checks import FileRules, RowChecker
from anpr_engine.watchlist.row_problems import ROW_BYTES_MAX, RowProblem
from anpr_engine.watchlist.template_rows import TemplateFile
from anpr_engine.watchlist.templates import template_names, template_of

NCIC = "V123456789LA057020020190509AB123456  CA2009MC2009YAMACYLMCBLK"
GOOD = 'says = "x"\nsource = "y"\nform = "delimited"\n[[column]]\nname = "P"\nas = ["plate"]\n'


def read(name: str, text: str | bytes) -> list[WatchlistEntry | RowProblem]:
    """Read a file of a form."""
    return list(opened(name, text))


def opened(name: str, text: str | bytes) -> TemplateFile:
    """Open a file of a form, for list L."""
    data = text.encode() if isinstance(text, str) else text
    return TemplateFile(io.BytesIO(data), template_of(name), RowChecker(FileRules("L")))


def told(entry: WatchlistEntry | RowProblem) -> dict[str, object]:
    """Give what an entry says beside its id."""
    assert isinstance(entry, WatchlistEntry)
    return entry.model_dump(mode="json", exclude_defaults=True, exclude={"entry_id", "list_id"})


def reasons(found: list[WatchlistEntry | RowProblem]) -> list[tuple[int, str]]:
    """Give line and reason of the rows refused."""
    return [(each.row, each.reason.value) for each in found if isinstance(each, RowProblem)]


def test_the_forms_that_come_with_the_engine_are_sound() -> None:
    """Each says what it is and where it is described."""
    assert template_names() == ["genetec", "ncic", "ncic-csv"]
    for name in template_names():
        assert template_of(name).says
        assert template_of(name).source


@pytest.mark.parametrize("delimiter", [";", ",", "\t", ":"])
def test_a_genetec_hotlist_is_read_with_and_without_a_header(delimiter: str) -> None:
    """The columns are named by the first line or stand in the usual order; a day ends at night."""
    row = ["Stolen", "Belgium", "1-ABC-123", "2026-01-01", "2099-01-08"]
    header = ["category", "PlateState", "PLATENUMBER", "EffectiveDate", "ExpiryDate"]
    bare = delimiter.join(row) + "\r\n"
    wanted = {
        "plate": "1-ABC-123",
        "country": "BE",
        "category": "stolen-vehicle",
        "purpose": "Stolen",
        "valid_from": "2026-01-01T00:00:00Z",
        "valid_until": "2099-01-09T00:00:00Z",
    }
    for text in (bare, delimiter.join(header) + "\r\n" + bare):
        (entry,) = read("genetec", text)
        assert told(entry) == wanted


def test_other_categories_and_states_are_told_apart() -> None:
    """A category nobody knows is `other` under its own name; a state that is none is refused."""
    found = read("genetec", "Parking;;1ABC123;;\nStolen;Quebec;1ABC124;;\n")
    assert told(found[0]) == {"plate": "1ABC123", "purpose": "Parking"}
    assert reasons(found) == [(2, "bad-country")]


def test_an_ncic_extract_is_read_by_its_columns() -> None:
    """The first line is left out, the list type gives the category, the state its country."""
    entry, problem = read("ncic", f"0000001\n{NCIC}\nshort\n")
    assert told(entry) == {
        "plate": "AB123456",
        "country": "US",
        "category": "stolen-vehicle",
        "purpose": "stolen vehicle",
        "owner": "LA0570200",
        "vehicle_make": "YAMA",
        "vehicle_model": "CYL",
        "vehicle_colour": "BLK",
    }
    assert isinstance(entry, WatchlistEntry)
    assert entry.entry_id == "V123456789"
    assert reasons([problem]) == [(3, "wrong-column-count")]


@pytest.mark.parametrize(
    ("state", "country"), [("OH", "US"), ("0H", "US"), ("ON", "CA"), ("AG", "MX"), ("ZZ", None)]
)
def test_a_state_stands_for_its_country(state: str, country: str | None) -> None:
    """Look-alikes in a state are put right; one that does not exist is refused."""
    (found,) = read("ncic-csv", f"LIC,LIS,MKE\nABC1234,{state},EV\n")
    assert (found.country if isinstance(found, WatchlistEntry) else None) == country


def test_columns_nobody_knows_are_named() -> None:
    """Known ones that are left out on purpose are not."""
    file = opened("ncic-csv", "LIC,VIN,Owner Name\nABC1234,1FT,x\n")
    assert len(list(file)) == 1
    assert file.unknown_columns == ["owner name"]


def test_bad_lines_cost_themselves_alone() -> None:
    """An open quote, a line without end, another encoding, cells too many: the rest is read."""
    text = b"LIC,MKE\nABC1234,EV\n" + b'"AB,EV\n' + b"x" * (ROW_BYTES_MAX * 3) + b"\n"
    text += b"AB\xe91234,EV\nABC1235,EV,1\n\nABC1236,EV\n=ABC1237,EV\n"
    found = read("ncic-csv", text)
    assert sum(isinstance(each, WatchlistEntry) for each in found) == 2
    assert reasons(found) == [
        (3, "malformed-row"),
        (4, "row-too-long"),
        (5, "not-utf8"),
        (6, "wrong-column-count"),
        (9, "formula-cell"),
    ]


def test_a_file_that_names_no_plate_is_refused_whole() -> None:
    """The sentence names the columns that the form knows."""
    for text in ("a,b\n1,2\n", b"\xff\xff\n"):
        with pytest.raises(InputFileError):
            read("ncic-csv", text)


def test_a_form_of_ones_own_is_a_file(tmp_path: Path) -> None:
    """Adding a form is adding a file."""
    path = tmp_path / "own.toml"
    path.write_text(GOOD + '[defaults]\ncategory = "burglary"\n')
    (entry,) = read(str(path), "P\n1ABC123\n")
    assert told(entry) == {"plate": "1ABC123", "category": "burglary"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("says = 1", "wrong"),
        ("[", "wrong"),
        (GOOD + "colour = 1\n", "colour"),
        (GOOD.replace("plate", "plates"), "no column plates"),
        (GOOD.replace('"plate"', ""), "no column fills plate"),
        (GOOD + '[[column]]\nname = "Q"\nas = ["plate"]\n', "two columns"),
        (GOOD + '[defaults]\nplate = "x"\n', "may not fill"),
        (GOOD + '[defaults]\nplates = "x"\n', "knows no column"),
        (GOOD + "[column.values.note]\na = 'b'\n", "values of note"),
        (GOOD.replace("delimited", "fixed"), "no range"),
    ],
)
def test_a_wrong_form_is_refused_by_file_and_key(tmp_path: Path, text: str, said: str) -> None:
    """What is wrong is named, and nothing is imported."""
    path = tmp_path / "own.toml"
    path.write_text(text)
    with pytest.raises(UsageError, match=said) as caught:
        template_of(str(path))
    assert "own.toml" in caught.value.what


def test_unknown_forms_are_told_with_the_known_ones(tmp_path: Path) -> None:
    """A name that is none, and a file that is not there."""
    with pytest.raises(UsageError, match="genetec, ncic"):
        template_of("none")
    with pytest.raises(UsageError, match="cannot be read"):
        template_of(str(tmp_path / "none.toml"))
