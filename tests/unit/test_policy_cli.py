"""`anpr policy`: the rules shown, cases explained and answered, versions compared."""

import json
import shutil
from importlib.resources import files
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from oracle_policy import answers, example

from anpr_engine.cli.group import main
from anpr_engine.cli.policy import command
from anpr_engine.errors import UsageError
from anpr_engine.policy.policy_set import shipped_policies

BAD = [
    '{"case_id": "half"',
    '{"now": "2026-11-22T09:00:00Z"}',
    '{"case_id":"x","plate":"1SECRET1"}',
]


def run(*words: str, given: str | None = None) -> Result:
    """Call the command."""
    return CliRunner().invoke(command, list(words), input=given)


def copied(folder: Path, file: str = "", old: str = "", new: str = "") -> Path:
    """Copy the policies that come with the engine, with a change in one file."""
    folder.mkdir()
    for one in (files("anpr_engine.policy") / "rules").iterdir():
        shutil.copy(str(one), folder)
    if file:
        text = (folder / file).read_text(encoding="utf-8")
        assert old in text
        (folder / file).write_text(text.replace(old, new), encoding="utf-8")
    return folder


def lines_of(*cases: dict[str, object]) -> str:
    """Write cases as JSON lines."""
    return "".join(json.dumps(case) + "\n" for case in cases)


def test_check_shows_every_rule() -> None:
    """Each rule stands there with reference and sentence; settings with their doubts."""
    result = run("check")
    assert result.exit_code == 0
    words = " ".join(result.stdout.split())
    for rule in shipped_policies().rules.values():
        assert rule.id in words
    assert "setting list_age_hours_max = 120" in words
    assert "In doubt: The text says days" in words
    assert f"policy {shipped_policies().version}" in words


def test_check_as_json() -> None:
    """One object with version, rules and settings."""
    shown = json.loads(run("check", "--json").stdout)
    assert shown["version"] == shipped_policies().version
    assert [rule["id"] for rule in shown["rules"]] == list(shipped_policies().rules)
    assert shown["rules"][0]["reference"].startswith("Agreement, article 1")
    assert {one["name"] for one in shown["settings"]} >= {"list_age_hours_max"}


def test_a_bad_folder_is_refused_with_every_problem(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2; file, line, rule, what was found and what is allowed on stderr."""
    folder = copied(tmp_path / "p", "lu.toml", "then.refuse_entry", "then.refuse_entries")
    with pytest.raises(SystemExit) as stop:
        main(["policy", "check", "--folder", str(folder)])
    assert stop.value.code == 2
    said = capsys.readouterr().err
    assert "lu.toml:12: rule lu.closed: found unknown effect `refuse_entries`; allowed:" in said


def test_explain_a_rule() -> None:
    """Its sentence, reference, condition and effect in words; a near name is suggested."""
    words = run("explain", "art13.5-ad-hoc").stdout
    assert (
        "when: the kind of list is ad_hoc; the hours since the list was received is more" in words
    )
    assert "reference: Agreement, article 5" in words
    assert "goes over: art13.19.1-national" in run("explain", "art13.19.3a-urgent").stdout
    wrong = run("explain", "art13.5-adhoc")
    assert isinstance(wrong.exception, UsageError)
    assert "Did you mean art13.5-ad-hoc" in str(wrong.exception)


@pytest.mark.parametrize("words", [[], ["art13.5-ad-hoc", "--case", "-"]])
def test_explain_takes_one_thing(words: list[str]) -> None:
    """A rule or cases, not both and not neither."""
    assert isinstance(run("explain", *words).exception, UsageError)


def test_explain_a_case() -> None:
    """Every answer with the rules behind it, without the plate; bad lines are named."""
    changes: dict[str, object] = {
        "state.acted": False,
        "list.received_at": "2026-11-17T08:59:30Z",
        "further_use": {"use": "evidence"},
    }
    late = example(changes)
    result = run("explain", "--case", "-", given=lines_of(late) + BAD[0])
    assert result.exit_code == 3
    for line in (
        "entry accepted: yes",
        "may be matched now: no\n  art13.14-age: A list received more than five days ago",
        "lawful when the hit was made: yes",
        "report due now: B\n  art13.17.2b-first",
        "by way of: national\n  art13.19.1-national",
        "mandatory but not known: nothing",
        "what is recorded of the hit is kept, days: 31\n  treaty.13.3-keep-hits",
        "its line of the record is kept, days: 3660\n  be.keep-logs",
        "further use permitted: no\n  treaty.9-10-no-consent: Without the other country's consent",
    ):
        assert line in result.stdout
    assert "XX123X" not in result.output
    assert "case line 2: no JSON" in result.stderr


def test_explain_says_when_no_rule_permits() -> None:
    """Deny by default has its own sentence; a closed country says why it is closed."""
    nowhere = example({"site": "xx", "provider": "xx", "hit": None})
    closed = example({"provider": "lu"})
    words = run("explain", "--case", "-", given=lines_of(nowhere, closed)).stdout
    assert "entry accepted: no\n  no rule permits it" in words
    assert "lu.closed: Luxembourg may join" in words


def test_diff_says_what_changed(tmp_path: Path) -> None:
    """Changed, added and removed rules and settings in words, for folders and for files."""
    old = copied(tmp_path / "old")
    new = copied(tmp_path / "new", "be-nl-art13.toml", "value = 48", "value = 24")
    (new / "fr.toml").unlink()
    words = run("diff", str(old), str(new)).stdout
    assert "changed setting ad_hoc_hours_max of file be-nl-art13.toml: value: 48 -> 24" in words
    assert "changed rule art13.5-ad-hoc: when: the kind of list is ad_hoc; the hours" in words
    assert "removed rule fr.closed: No agreement with France" in words
    back = [
        json.loads(line) for line in run("diff", str(new), str(old), "--json").stdout.splitlines()
    ]
    assert {"kind": "added", "what": "file fr.toml"}.items() <= back[-2].items()
    assert back[-1]["what"] == "rule fr.closed"
    same = run("diff", str(old / "lu.toml"), str(new / "lu.toml"))
    assert (same.exit_code, same.stdout) == (0, "")
    renamed = shutil.copy(new / "be-nl-art13.toml", tmp_path / "other.toml")
    words = run("diff", str(old / "be-nl-art13.toml"), str(renamed)).stdout
    assert "removed" not in words
    assert "48 -> 24" in words


def test_decide_answers_each_line(tmp_path: Path) -> None:
    """One verdict a line in the order of the cases, from a file and from a pipe."""
    cases = [
        example({"case_id": str(number), "state.acted": number % 2 == 0}) for number in range(5)
    ]
    path, out = tmp_path / "cases.jsonl", tmp_path / "verdicts.jsonl"
    path.write_text(lines_of(*cases) + "\n")
    result = run("decide", "--cases", str(path), "--out", str(out))
    assert (result.exit_code, result.output) == (0, "")
    found = [json.loads(line) for line in out.read_text().splitlines()]
    assert [{k: v for k, v in one.items() if k != "rules"} for one in found] == [
        answers(case) for case in cases
    ]
    piped = run("decide", "--cases", "-", "--out", "-", given=lines_of(*cases))
    assert piped.stdout == out.read_text()
    assert [file.name for file in tmp_path.iterdir() if file.name.endswith(".part")] == []


def test_decide_names_bad_lines_and_answers_the_rest(tmp_path: Path) -> None:
    """Exit code 3; each bad line by number and reason, without its content."""
    text = lines_of(example({"case_id": "a"})) + "\n".join(BAD) + "\n"
    out = tmp_path / "out"
    result = run("decide", "--cases", "-", "--out", str(out), given=text + lines_of(example({})))
    assert result.exit_code == 3
    assert [json.loads(line)["case_id"] for line in out.read_text().splitlines()] == [
        "a",
        "example",
    ]
    for number in (2, 3, 4):
        assert f"case line {number}: " in result.stderr
    assert "3 lines are no case" in result.stderr
    assert "SECRET" not in result.output


def test_decide_with_another_folder(tmp_path: Path) -> None:
    """The rules come from the folder named."""
    folder = copied(tmp_path / "p", "be-nl-art13.toml", "value = 120", "value = 1")
    given = lines_of(example({}))
    here = run("decide", "--cases", "-", "--out", "-", "--folder", str(folder), given=given)
    assert json.loads(here.stdout)["usable"] is False
    usual = run("decide", "--cases", "-", "--out", "-", given=given)
    assert json.loads(usual.stdout)["usable"] is True


def test_files_that_cannot_be_opened(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Missing cases and a folder as output end in one sentence; no half file is left."""
    path = tmp_path / "cases.jsonl"
    path.write_text(lines_of(example({})))
    (tmp_path / "folder").mkdir()
    for words, says in (
        (["--cases", str(tmp_path / "none"), "--out", "-"], "cannot be read"),
        (["--cases", str(path), "--out", str(tmp_path / "folder")], "cannot be written"),
    ):
        with pytest.raises(SystemExit) as stop:
            main(["policy", "decide", *words])
        assert stop.value.code == 1
        assert says in capsys.readouterr().err
    assert sorted(file.name for file in tmp_path.iterdir()) == ["cases.jsonl", "folder"]


def test_each_subcommand_has_an_example() -> None:
    """Help shows how a command is called."""
    for name in ("check", "explain", "diff", "decide"):
        assert "Example:  anpr policy " in run(name, "--help").stdout
