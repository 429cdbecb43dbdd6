"""`anpr normalise`: what is answered to good, open, odd and broken lines."""

import subprocess
import sys
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner

from anpr_engine.cli.normalise import command

KEYS = ["raw", "plate", "country", "format", "valid", "alternatives", "also_matches"]
MORE_KEYS = ["rules", "status", "decision", "meaning", "printed"]


def answers(lines: bytes, *options: str) -> list[dict[str, Any]]:
    """Give the answers to raw lines."""
    result = CliRunner().invoke(command, list(options), input=lines)
    assert (result.exit_code, result.stderr) == (0, "")
    return [msgspec.json.decode(line) for line in result.stdout_bytes.splitlines()]


def answer(line: str, *options: str) -> dict[str, Any]:
    """Give the answer to one line."""
    (only,) = answers(line.encode() + b"\n", *options)
    return only


def test_the_fields_and_their_order() -> None:
    """The promised fields stand first; `--explain` adds its own behind them."""
    assert list(answer("1-abc-123\tBE")) == KEYS
    assert list(answer("1-abc-123\tBE", "--explain")) == KEYS + MORE_KEYS


@pytest.mark.parametrize(
    ("line", "plate", "country", "format_id", "also"),
    [
        ("1-abc-123\tBE", "1ABC123", "BE", "BE-2010", []),
        ("abc-123\tB", "ABC123", "BE", "BE-1973", ["DE-standard"]),
        ("abc-123\tdeu", "ABC123", "DE", "DE-standard", ["BE-1973"]),
        ("abc-123", "ABC123", None, "AMBIGUOUS", ["BE-1973", "DE-standard"]),
        ("12-bbd-3\tBE", "12BBD3", "NL", "NL-sidecode-7", []),
        ("12-bbd-3\tXX\r", "12BBD3", "NL", "NL-sidecode-7", []),
        ("wü-ab 12\t", "WÜAB12", "DE", "DE-standard", []),
        ("12\tNL\tmore", "12", "BE", "BE-court", []),
    ],
)
def test_a_plate_is_named(
    line: str, plate: str, country: str | None, format_id: str, also: list[str]
) -> None:
    """Text, country, format and the other countries' formats are given; the raw text stays."""
    found = answer(line)
    assert found["raw"] == line.partition("\t")[0]
    assert (found["plate"], found["country"], found["format"]) == (plate, country, format_id)
    assert (found["valid"], found["also_matches"]) == (True, also)


@pytest.mark.parametrize(
    ("line", "alternatives"),
    [
        ("BAB 123\tD", ["B-AB 123", "BA-B 123"]),
        ("NL 1234\tD", ["N-L 1234", "NL 1234"]),
        ("BB1234", ["B-B 1234", "BB 1234", "BB-12-34"]),
        ("WÜ-AB 12\tD", ["WUAB12", "WUEAB12"]),
        ("WUE-AB 12\tD", ["WÜAB12"]),
        ("12-BB?-3\tNL", ["12BB?3"]),
        ("12-bb*\tNL", ["12BB*"]),
        ("?", ["?"]),
        ("12-BBD-3\tNL", []),
        ("Я12-BBD-3\tNL", []),
        ("", []),
    ],
)
def test_what_else_it_may_stand_for(line: str, alternatives: list[str]) -> None:
    """Splits, readings of other countries, spellings of umlauts, and unread places are given."""
    assert answer(line)["alternatives"] == alternatives


@pytest.mark.parametrize(
    ("line", "plate", "status"),
    [
        (b"", "", "no-character"),
        (b" - . \t", "", "no-character"),
        (b"A", "A", "usable"),
        (b"UNKNOWN", "UNKNOWN", "usable"),
        (b"A1" * 5000, "", "too-long"),
        (b"A1" * 9, "A1" * 9, "too-long"),
        (b"\xff\xfe12-BBD-3", "12BBD3", "bad-character"),
        (b"12-\xed\xa0\x80BBD-3", "12BBD3", "bad-character"),
        ("Ø-AB 12".encode(), "AB12", "bad-character"),
        ("1-ßBC-123".encode(), "1SSBC123", "bad-character"),
        ("\u202e12-QQ\u202c\x00".encode(), "12QQ", "usable"),
        ("\u0301\u0308".encode(), "", "no-character"),
    ],
)
def test_odd_lines_get_a_reason(line: bytes, plate: str, status: str) -> None:
    """A text that is no plate is answered too: not valid, with its status."""
    (found,) = answers(line + b"\n", "--explain")
    assert (found["plate"], found["status"]) == (plate, status)
    assert (found["valid"], found["country"], found["format"]) == (False, None, None)
    assert (found["also_matches"], found["meaning"], found["printed"]) == ([], None, None)


@pytest.mark.parametrize(
    ("line", "decision", "rules"),
    [
        ("wü ab 1\tD", "hinted-country", ["upper-case", "separators-removed", "umlaut-kept"]),
        ("1ABC123", "only-country", []),
        ("1ABC123\tFR", "only-country", []),
        ("ABC123\tFR", "several-countries", []),
        ("QQQQ1", "no-format", []),
        ("12Я", "bad-character", ["bad-character"]),
    ],
)
def test_explain_names_the_rules(line: str, decision: str, rules: list[str]) -> None:
    """What changed the text and what chose the country is said."""
    found = answer(line, "--explain")
    assert (found["decision"], found["rules"]) == (decision, rules)


def test_explain_says_what_the_format_is() -> None:
    """Meaning and printed form of the named format are given."""
    found = answer("kle06417\tD", "--explain")
    assert (found["format"], found["printed"]) == ("DE-red-06", "KLE 06 417")
    assert found["meaning"] == "dealer, red characters"


def test_every_line_has_its_answer() -> None:
    """Answers come in the lines' order, one each, also for empty lines and the last without end."""
    found = answers(b"\n1ABC123\r\n\n12-BBD-3")
    assert [one["plate"] for one in found] == ["", "1ABC123", "", "12BBD3"]


def test_help_does_not_read_the_packs() -> None:
    """The command line's help is shown without loading a country pack."""
    program = (
        "import sys; from click.testing import CliRunner; from anpr_engine.cli import group;"
        "CliRunner().invoke(group.root, ['--help']);"
        "sys.exit('anpr_engine.plates.pack_files' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")
