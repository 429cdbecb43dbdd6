"""Policy files with something wrong: each kind is told with file, line, rule, and the allowed."""

from pathlib import Path

import pytest
from policy_texts import AGREEMENT, GOOD, HEAD, problems_of, rule

from anpr_engine.errors import ConfigError
from anpr_engine.policy.policy_set import load_policies
from anpr_engine.policy.problems import PolicyError

IN_RULES = {
    "unknown key": (["whom = 1", "then.permit_entry = true"], 8, "unknown key `whom`", "id, ref"),
    "no effect": (["when.exchange.is = 'own'"], 5, "no effect", "permit_entry"),
    "unknown effect": (["then.permit_entries = true"], 8, "`permit_entries`", "permit_entry"),
    "mark not true": (["then.permit_entry = false"], 8, "permit_entry = False", "true"),
    "unknown choice": (["then.via = 'pigeon'"], 8, "via = `pigeon`", "national"),
    "unknown field": (["then.mandatory = ['face']"], 8, "mandatory: `face`", "plate"),
    "fields no list": (["then.optional = 7"], 8, "optional = 7", "a list of names"),
    "no period": (["then.keep_hit_days = 0"], 8, "keep_hit_days = 0", "more than 0"),
    "endless period": (["then.keep_log_days = inf"], 8, "keep_log_days = inf", "36600 at most"),
    "period no number": (["then.keep_hit_days = true"], 8, "keep_hit_days = True", "more than 0"),
    "period of nothing": (
        ["then.keep_hit_days.setting = 'limits'"],
        8,
        "setting {'setting': 'limits'}",
        "a setting: limit",
    ),
    "two stages": (
        ["then.permit_entry = true", "then.via = 'direct'"],
        8,
        "effects of the stages entry, message",
        "one stage",
    ),
    "unknown fact": (
        ["when.list.ages.more_than = 1", "then.forbid_use = true"],
        8,
        "unknown fact `list.ages`",
        "list.age_hours",
    ),
    "fact not known yet": (
        ["when.decided.usable.is = true", "then.permit_entry = true"],
        8,
        "decided.usable asked where the stage is entry",
        "answer",
    ),
    "no predicate": (
        ["when.exchange = 'own'", "then.permit_entry = true"],
        8,
        "exchange = `own`",
        "exchange.<is|in|not_in>",
    ),
    "wrong predicate": (
        ["when.exchange.more_than = 1", "then.permit_entry = true"],
        8,
        "exchange.more_than",
        "is|in|not_in",
    ),
    "wrong name": (
        ["when.exchange.is = 'foreign'", "then.permit_entry = true"],
        8,
        "exchange: `foreign`",
        "own, exchanged",
    ),
    "wrong names": (
        ["when.entry.missing.holds = ['face']", "then.refuse_entry = true"],
        8,
        "missing: `face`",
        "plate, country",
    ),
    "text for a flag": (
        ["when.sis.alert.is = 'yes'", "then.permit_use = true"],
        8,
        "sis.alert: `yes`",
        "true or false",
    ),
    "text for a number": (
        ["when.list.age_hours.more_than = '5 d'", "then.forbid_use = true"],
        8,
        "list.age_hours: `5 d`",
        "a number",
    ),
    "no finite number": (
        ["when.list.age_hours.more_than = nan", "then.forbid_use = true"],
        8,
        "list.age_hours: nan",
        "a number",
    ),
    "no such setting": (
        ["when.list.age_hours.more_than.setting = 'age'", "then.forbid_use = true"],
        8,
        "setting {'setting': 'age'}",
        "limit",
    ),
    "over no list": (["over = 7", "then.permit_entry = true"], 8, "over = 7", "a list of names"),
    "when no table": (["when = 7", "then.permit_entry = true"], 8, "when = 7", "a table"),
    "nothing fits": (
        [
            "when.list.kind.in = ['structural', 'ad_hoc']",
            "when.list.kind.is = 'unknown'",
            "then.forbid_use = true",
        ],
        5,
        "can never apply: no value of list.kind",
        "some case",
    ),
    "empty interval": (
        [
            "when.list.age_hours.more_than = 5",
            "when.list.age_hours.at_most = 5",
            "then.forbid_use = true",
        ],
        5,
        "can never apply: no value of list.age_hours",
        "some case",
    ),
    "empty set": (
        [
            "when.entry.missing.holds = 'plate'",
            "when.entry.missing.empty = true",
            "then.refuse_entry = true",
        ],
        5,
        "can never apply: no value of entry.missing",
        "some case",
    ),
    "over nothing": (
        ["then.permit_entry = true", "over = ['bad', 'nobody']"],
        5,
        "over names `nobody`, which is no rule",
        "ids",
    ),
}


@pytest.mark.parametrize("kind", IN_RULES)
def test_a_wrong_rule_is_named_with_its_line(kind: str, tmp_path: Path) -> None:
    """The problem stands at the key it is about, or at the rule's id, and says what is allowed."""
    lines, line, found, allowed = IN_RULES[kind]
    settings = "[settings.limit]\nvalue = 1\nsays = 'a figure'\n"
    problems = problems_of(tmp_path, {"a.toml": HEAD + rule("bad", *lines) + settings})
    about = [one for one in problems if found in one.found]
    assert about, [str(one) for one in problems]
    assert (about[0].file, about[0].line, about[0].rule) == ("a.toml", line, "bad")
    assert allowed in about[0].allowed


IN_FILES = {
    "no TOML": (HEAD + "[[rule]\n", 4, "TOML in UTF-8"),
    "unknown key": (HEAD + "owner = 1\n" + GOOD, 4, "version, kind"),
    "no version": (HEAD[HEAD.index("kind") :] + GOOD, 1, "a text"),
    "version no text": (HEAD.replace('"1"', "1") + GOOD, 1, "a text"),
    "unknown kind": (HEAD.replace("common", "treaty") + GOOD, 2, "common, country"),
    "too many sites": (HEAD + "sites = ['be']\n" + GOOD, 4, "common has none"),
    "no site": (HEAD.replace("common", "country") + "sites = ['BE']\n" + GOOD, 4, "has one"),
    "no day": (AGREEMENT + GOOD, 1, "a day"),
    "day without agreement": (HEAD + "in_force_from = 2025-12-12\n" + GOOD, 4, "of agreements"),
    "day with a time": (AGREEMENT + "in_force_from = 2025-12-12T00:00:00Z\n" + GOOD, 5, "a day"),
    "settings no table": (HEAD + "settings = 1\n" + GOOD, 4, "a table"),
    "setting no table": (HEAD + "settings.a = 1\n" + GOOD, 4, "value, says, doubt"),
    "setting without words": (HEAD + "settings.a.value = 1\n" + GOOD, 4, "texts"),
    "setting without value": (HEAD + "settings.a.says = 'a'\n" + GOOD, 4, "a number"),
    "setting with more": (HEAD + "settings.a.unit = 'h'\n" + GOOD, 4, "value, says, doubt"),
    "rule no table": (HEAD + "rule = 1\n", 4, "[[rule]]"),
    "no rule": (HEAD, 1, "at least one"),
    "no id": (HEAD + GOOD.replace("id =", "name ="), 4, "a text"),
    "odd id": (HEAD + GOOD.replace("good", "Good Rule"), 5, "small letters"),
    "empty sentence": (HEAD + GOOD.replace("A good rule.", " "), 7, "a text"),
}


@pytest.mark.parametrize("kind", IN_FILES)
def test_a_wrong_file_is_named_with_its_line(kind: str, tmp_path: Path) -> None:
    """What is wrong outside the rules, or in what every rule needs, is told with its line."""
    text, line, allowed = IN_FILES[kind]
    problems = problems_of(tmp_path, {"a.toml": text})
    assert [one for one in problems if one.line == line and allowed in one.allowed], problems


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    """A file in another encoding, or far too long, is refused by name."""
    (tmp_path / "a.toml").write_bytes(b"version = '\xff'")
    (tmp_path / "b.toml").write_bytes(b"#" * ((1 << 20) + 1))
    with pytest.raises(PolicyError) as refused:
        load_policies(tmp_path)
    assert [one.file for one in refused.value.problems] == ["a.toml", "b.toml"]
    assert isinstance(refused.value, ConfigError)
    assert refused.value.exit_code == 2
