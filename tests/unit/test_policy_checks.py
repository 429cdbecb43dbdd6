"""Policy files held together: rules at odds, rules that cannot apply, and the set as a whole."""

import shutil
from importlib.resources import files
from pathlib import Path

import pytest
from policy_texts import AGREEMENT, GOOD, HEAD, problems_of, rule, written

from anpr_engine.policy.policy_set import (
    load_policies,
    read_rules,
    reload_policies,
    shipped_policies,
)
from anpr_engine.policy.problems import PolicyError


def test_rules_that_disagree(tmp_path: Path) -> None:
    """Two ways for one report, both possible: refused, until one goes over the other."""
    national = rule("national", "when.decided.report.is = 'A'", "then.via = 'national'")
    direct = ("when.circumstances.urgent.is = true", "then.via = 'direct'")
    (problem,) = problems_of(tmp_path, {"a.toml": HEAD + national + rule("direct", *direct)})
    assert problem.found == "`national` and `direct` differ in via"
    assert (problem.line, problem.rule) == (11, "direct")
    ordered = HEAD + national + rule("direct", *direct, "over = ['national']")
    assert load_policies(written(tmp_path, {"a.toml": ordered})).rules.keys() == {
        "national",
        "direct",
    }


def test_periods_that_disagree(tmp_path: Path) -> None:
    """Two periods for one hit: refused, until one rule goes over the other; alike they may be."""
    long = rule("long", "then.keep_hit_days = 30")
    short = rule("short", "when.sis.alert.is = true", "then.keep_hit_days = 7")
    (problem,) = problems_of(tmp_path, {"a.toml": HEAD + long + short})
    assert problem.found == "`long` and `short` differ in keep_hit_days"
    over = HEAD + long + short + "over = ['long']\n"
    assert len(load_policies(written(tmp_path, {"a.toml": over})).rules) == 2
    alike = HEAD + long + short.replace("7", "30")
    assert len(load_policies(written(tmp_path, {"a.toml": alike})).rules) == 2


def test_rules_apart_do_not_disagree(tmp_path: Path) -> None:
    """Different answers to different cases are fine: other values, or other countries."""
    a = rule("a", "when.state.acted.is = 'yes'", "then.report = 'A'")
    b = rule("b", "when.state.acted.not_in = ['yes']", "then.report = 'B'")
    here = HEAD.replace("common", "country")
    texts = {
        "a.toml": HEAD + a + b,
        "be.toml": here + "sites = ['be']\n" + rule("be", "then.procedure = 'sis'"),
        "nl.toml": here + "sites = ['nl']\n" + rule("nl", "then.procedure = 'art13'"),
    }
    assert len(load_policies(written(tmp_path, texts)).rules) == 4
    texts["nl.toml"] = HEAD + rule("nl", "then.procedure = 'art13'")
    (problem,) = problems_of(tmp_path, texts)
    assert "differ in procedure" in problem.found


def test_a_rule_that_another_always_goes_over(tmp_path: Path) -> None:
    """It could never apply, whether it is gone over directly or by way of a third rule."""
    low = rule("low", "when.sis.alert.is = true", "then.procedure = 'sis'")
    mid = rule("mid", "when.sis.differs.is = true", "then.procedure = 'sis'", "over = ['low']")
    top = rule("top", "then.procedure = 'art13'", "over = ['mid']")
    problems = problems_of(tmp_path, {"a.toml": HEAD + low + mid + top})
    assert [(one.rule, one.line) for one in problems] == [("low", 5), ("mid", 11)]
    assert all("`top` goes over it and always holds" in one.found for one in problems)


def test_overs_across_stages_and_in_a_circle(tmp_path: Path) -> None:
    """A rule goes over rules of its own stage only, and never over itself by a detour."""
    use = rule("use", "then.forbid_use = true", "over = ['entry']")
    entry = rule("entry", "when.sis.alert.is = true", "then.refuse_entry = true")
    (problem,) = problems_of(tmp_path, {"a.toml": HEAD + use + entry})
    assert problem.found == "over names `entry` of the stage entry"
    one = rule("one", "when.sis.alert.is = true", "then.forbid_use = true", "over = ['two']")
    two = rule("two", "when.sis.differs.is = true", "then.forbid_use = true", "over = ['one']")
    problems = problems_of(tmp_path, {"a.toml": HEAD + one + two})
    assert any("over in a circle" in problem.found for problem in problems)


def test_one_id_and_one_country_once(tmp_path: Path) -> None:
    """A second rule of the same id, and a second file for the same sites, are named."""
    problems = problems_of(tmp_path, {"a.toml": HEAD + GOOD, "b.toml": HEAD + GOOD})
    assert [(one.file, one.line) for one in problems] == [("b.toml", 5)]
    assert "a.toml:5" in problems[0].found
    day = "in_force_from = 2025-12-12\n"
    wider = AGREEMENT.replace('"nl"', '"nl", "lu"') + day + GOOD.replace("good", "other")
    problems = problems_of(tmp_path, {"a.toml": AGREEMENT + day + GOOD, "b.toml": wider})
    assert problems[0].found == "agreement of be, nl, as a.toml is"


def test_everything_wrong_is_told_at_once(tmp_path: Path) -> None:
    """Problems of several files and rules come together, in the order of files and lines."""
    bad = rule("bad", "when.moon.is = 'full'", "then.via = 'pigeon'", "then.permit_entry = 1")
    problems = problems_of(tmp_path, {"b.toml": HEAD + bad, "a.toml": "x = 1\n"})
    assert [one.file for one in problems] == sorted(one.file for one in problems)
    assert {one.file for one in problems} == {"a.toml", "b.toml"}
    assert len(problems) >= 6


def test_no_files_and_no_folder(tmp_path: Path) -> None:
    """An empty folder, and none at all, are one problem each."""
    (problem,) = problems_of(tmp_path, {})
    assert problem.found == "no policy file"
    with pytest.raises(PolicyError):
        load_policies(tmp_path / "nowhere")
    with pytest.raises(PolicyError):
        read_rules(tmp_path / "nowhere.toml")


def test_reloading_takes_the_whole_folder_or_nothing(tmp_path: Path) -> None:
    """Unchanged files give the policies in force themselves, bad ones an error, good ones new."""
    for file in (files("anpr_engine.policy") / "rules").iterdir():
        shutil.copy(str(file), tmp_path)
    current = load_policies(tmp_path)
    assert reload_policies(current, tmp_path) is current
    assert current.version == shipped_policies().version
    text = (tmp_path / "be-nl-art13.toml").read_text()
    (tmp_path / "be-nl-art13.toml").write_text(text.replace("value = 120", "value = 'many'"))
    with pytest.raises(PolicyError):
        reload_policies(current, tmp_path)
    (tmp_path / "be-nl-art13.toml").write_text(text.replace("value = 120", "value = 96"))
    changed = reload_policies(current, tmp_path)
    assert changed.version != current.version
