"""The command `anpr watchlist` against a real Redis and a real Valkey."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from anpr_engine.cli.group import main
from anpr_engine.cli.watchlist import command
from anpr_engine.errors import AnprError, PolicyRefused, UsageError

HEADER = "plate,entry_id,country,category,note\n"
GOOD = "1-TST-001,a,BE,burglary,\n1-TST-002,b,BE,,seen\n"


@pytest.fixture(autouse=True)
def _site(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every command work for site be on an empty store."""
    monkeypatch.setenv("ANPR_REDIS_URL", redis_url)
    monkeypatch.setenv("ANPR_SITE", "be")


def _run(*args: str, stdin: str | None = None) -> Result:
    result = CliRunner().invoke(command, args, input=stdin)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def _file(folder: Path, text: str, name: str = "list.csv") -> str:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return str(path)


def _lists() -> list[dict[str, Any]]:
    return [json.loads(line) for line in _run("list", "--json").stdout.splitlines()]


def test_a_file_is_imported_and_reported(tmp_path: Path) -> None:
    """A clean file ends with 0 and sums; importing it again changes nothing."""
    path = _file(tmp_path, HEADER + GOOD)
    first = _run("import", path, "--list", "L", "--owner", "Unit A", "--json")
    again = _run("import", path, "--list", "L", "--owner", "Unit A", "--json")
    assert (first.exit_code, again.exit_code) == (0, 0)
    assert json.loads(first.stdout)["added"] == 2
    assert json.loads(again.stdout)["unchanged"] == 2
    assert _lists()[0]["owner"] == "Unit A"
    shown = json.loads(_run("show", "--list", "L", "--entry", "b", "--json").stdout)
    assert (shown["note"], shown["owner"], shown["provider"]) == ("seen", "Unit A", "be")


def test_refused_rows_are_named_without_their_plates(tmp_path: Path) -> None:
    """Bad rows end with 3; the report names row, field and reason, values only when asked."""
    path = _file(tmp_path, HEADER + GOOD + "0000,c,BE,,\n1-TST-003,d,XXX,,\n")
    report = tmp_path / "refused.jsonl"
    result = _run("import", path, "--list", "L", "--report", str(report))
    assert result.exit_code == 3
    assert "2 rows accepted, 2 refused" in result.stdout
    lines = [json.loads(line) for line in report.read_text().splitlines()]
    assert [(x["row"], x["field"], x["reason"]) for x in lines] == [
        (4, "plate", "plate-junk"),
        (5, "country", "bad-country"),
    ]
    assert "0000" not in report.read_text()
    assert report.stat().st_mode & 0o077 == 0
    _run("import", path, "--list", "L", "--report", str(report), "--show-values")
    assert "0000" in report.read_text()


def test_replace_removes_what_the_file_has_not(tmp_path: Path) -> None:
    """With --replace only the file's entries stay; one refused by mistake keeps its old state."""
    _run("import", _file(tmp_path, HEADER + GOOD + "1-TST-003,c,BE,,\n"), "--list", "L")
    path = _file(tmp_path, HEADER + "1-TST-009,a,BE,,\n1-TST-003,c,BELGIUM,,\n")
    result = _run("import", path, "--list", "L", "--replace", "--json")
    sums = json.loads(result.stdout)
    assert result.exit_code == 3
    assert (sums["changed"], sums["removed"]) == (1, 1)
    assert _lists()[0]["entries"] == 2


def test_replace_with_nothing_usable_is_refused(tmp_path: Path) -> None:
    """An empty or fully refused file never empties a list."""
    _run("import", _file(tmp_path, HEADER + GOOD), "--list", "L")
    for text in (HEADER, HEADER + "??,a,BE,,\n"):
        with pytest.raises(AnprError, match="was left as it is"):
            _run("import", _file(tmp_path, text), "--list", "L", "--replace")
    assert _lists()[0]["entries"] == 2


def test_remove_takes_the_files_entries_out(tmp_path: Path) -> None:
    """With --remove the entries of the file go, those whose time is over too."""
    _run("import", _file(tmp_path, HEADER + GOOD), "--list", "L")
    old = "plate,entry_id,valid_until\n1-TST-001,a,2020-01-01T00:00:00Z\n"
    result = _run("import", _file(tmp_path, old), "--list", "L", "--remove", "--json")
    assert (result.exit_code, json.loads(result.stdout)["removed"]) == (0, 1)


def test_one_entry_is_added_and_removed() -> None:
    """Add takes the plate from standard input; remove finds it in another spelling."""
    added = _run("add", "--list", "L", "--plate", "-", "--country", "BE", stdin="1-tst-123\n")
    assert added.stdout.startswith("added: entry ")
    again = _run("add", "--list", "L", "--plate", "1TST123", "--country", "BE", "--json")
    assert json.loads(again.stdout)["result"] == "changed"
    removed = _run("remove", "--list", "L", "--plate", "1 TST 123", "--json")
    assert json.loads(removed.stdout) == {"removed": 1}
    with pytest.raises(AnprError, match="no such entry"):
        _run("remove", "--list", "L", "--entry", "x")
    with pytest.raises(UsageError, match="one way"):
        _run("remove", "--list", "L")


def test_a_refused_entry_is_said_in_one_sentence_without_it() -> None:
    """A plate that cannot be listed is refused; the text does not repeat it."""
    with pytest.raises(UsageError, match="over and over") as caught:
        _run("add", "--list", "L", "--plate", "00000")
    assert "00000" not in str(caught.value)


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_an_export_imports_unchanged(tmp_path: Path, form: str) -> None:
    """What goes out comes in again without a change, texts like formulas included."""
    rows = [
        {"plate": "1-TST-001", "note": "=1+1", "owner": "'@x"},
        {"plate": "1-TST-002", "case_ref": "-a\nb", "valid_until": "2099-01-01T00:00:00Z"},
        {"plate": "ÖH-1-TST", "country": "DE", "priority": 7, "sharing": "nl,de"},
    ]
    text = "".join(json.dumps(row) + "\n" for row in rows)
    _run("import", _file(tmp_path, text, "in.jsonl"), "--list", "L")
    out = tmp_path / f"out.{form}"
    _run("export", "--list", "L", "--format", form, "--out", str(out))
    sums = json.loads(_run("import", str(out), "--list", "L", "--replace", "--json").stdout)
    assert (sums["unchanged"], sums["refused"], sums["removed"]) == (3, 0, 0)
    assert (out.stat().st_mode & 0o077) == 0


def test_an_export_for_a_site_holds_what_it_may_have(tmp_path: Path) -> None:
    """With --shared-with only entries shared with that site are written."""
    text = "plate,entry_id,sharing\n1-TST-001,a,nl\n1-TST-002,b,own\n"
    _run("import", _file(tmp_path, text), "--list", "L")
    lines = _run("export", "--list", "L", "--format", "jsonl", "--shared-with", "nl").stdout
    assert [json.loads(line)["entry_id"] for line in lines.splitlines()] == ["a"]


def test_another_sites_list_is_not_permitted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Changing a list that another site provides ends with exit code 4."""
    path = _file(tmp_path, HEADER + GOOD)
    _run("import", path, "--list", "L")
    monkeypatch.setenv("ANPR_SITE", "nl")
    with pytest.raises(PolicyRefused) as caught:
        _run("import", path, "--list", "L")
    assert caught.value.exit_code == 4


def test_an_entry_is_added_and_shown_with_its_limits() -> None:
    """Where, when and how often it is used, danger and source: by option, and shown again."""
    plate = ("add", "--list", "L", "--entry", "x", "--plate", "1-TST-001", "--country", "BE")
    given = {
        "max-actions": "0",
        "area-cameras": "be-1 be-2",
        "sis-action": "arrest",
        "list-kind": "ad_hoc",
        "danger": "armed",
        "hours-utc": "22:00-06:00",
        "direction": "north",
        "subject-category": "suspect",
        "reliability": "B2",
    }
    options = [text for name, value in given.items() for text in (f"--{name}", value)]
    assert _run(*plate, *options, "--border-area-only", "--sis-derived").exit_code == 0
    shown = json.loads(_run("show", "--list", "L", "--entry", "x", "--json").stdout)
    for name, value in given.items():
        found = shown[name.replace("-", "_")]
        assert (" ".join(found) if isinstance(found, list) else str(found)) == value
    assert (shown["border_area_only"], shown["sis_derived"]) == (True, True)
    assert "be-1 be-2" in _run("show", "--list", "L", "--entry", "x").stdout
    with pytest.raises(UsageError):
        _run(*plate, "--reliability", "Z9")


def test_list_and_show_read_well() -> None:
    """Without --json a table and pairs are printed; unknown names are one sentence."""
    _run("add", "--list", "L", "--plate", "1TST001", "--owner", "Unit A")
    assert "L     1        be    other     Unit A" in _run("list").stdout
    assert "owner        Unit A" in _run("show", "--list", "L").stdout
    with pytest.raises(AnprError, match="There is no list M"):
        _run("show", "--list", "M")


def test_deliver_brings_shared_entries(redis_url: str) -> None:
    """Delivering to another site's Redis reports what was done."""
    _run("add", "--list", "L", "--plate", "1TST001", "--sharing", "nl")
    target = redis_url.replace("db=0", "db=1")
    args = ("deliver", "--to-redis", target, "--to-site", "nl")
    assert json.loads(_run(*args, "--json").stdout)["added"] == 1
    assert _run(*args).stdout == "0 added, 0 changed, 0 removed\n"


def test_wrong_use_is_told_with_exit_code_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No address, no such site, a file of no known form: each is a usage error."""
    path = _file(tmp_path, HEADER + GOOD, "list.xls")
    with pytest.raises(UsageError, match="does not tell"):
        _run("import", path, "--list", "L")
    monkeypatch.setenv("ANPR_SITE", "Belgium")
    with pytest.raises(UsageError, match="no site code"):
        _run("import", path, "--list", "L")
    monkeypatch.delenv("ANPR_REDIS_URL")
    with pytest.raises(UsageError, match="--redis"):
        _run("list")


def test_without_redis_one_sentence_and_no_traceback(tmp_path: Path) -> None:
    """The program itself ends with 1 and says what to do when Redis is not there."""
    env = {**os.environ, "ANPR_REDIS_URL": f"unix://u:hush@{tmp_path}/none.sock"}
    program = [sys.executable, "-m", "anpr_engine", "watchlist", "list"]
    done = subprocess.run(program, capture_output=True, text=True, env=env, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("anpr: Redis at ")
    assert "cannot be reached" in done.stderr
    assert "hush" not in done.stderr
    assert "Traceback" not in done.stderr


def test_the_root_knows_the_command() -> None:
    """`anpr watchlist --help` works through the root with exit code 0."""
    assert main(["watchlist", "--help"]) == 0
