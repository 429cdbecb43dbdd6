"""What a site may set for odd use: each number and rule; what is wrong is refused."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from audit_worlds import START, event
from click.testing import CliRunner
from test_audit_odd_use import TARGET, look, rules

from anpr_engine.audit.odd_use import OddRule, OddUseLimits
from anpr_engine.cli.audit import command
from anpr_engine.config import load_settings
from anpr_engine.config_odd_use import OddUseSettings
from anpr_engine.errors import ConfigError
from anpr_engine.pipeline.publish import start_record
from anpr_engine.wire import SiteTopics
from anpr_engine.wiring_odd_use import check_odd_use


def given(**values: object) -> OddUseSettings:
    """Load the settings of a site that has set some of them."""
    return load_settings(site="be", kafka="k:1", redis_url="redis://r", odd_use=values).odd_use


def test_without_settings_all_is_as_it_comes() -> None:
    """The settings' own defaults are the rules' own, and nothing is worth a word in the record."""
    assert given().limits == OddUseLimits()
    assert given().changes == ()


@pytest.mark.parametrize("rule", OddRule)
def test_a_rule_that_is_off_is_silent_and_the_others_are_not(rule: OddRule) -> None:
    """Each by itself."""
    night = START - timedelta(hours=6)
    acts = [look(n, target=TARGET, on_duty=True) for n in range(3)]
    acts += [look(4, case_ref=""), look(5, rows=5000), look(6, occurred_at=night)]
    others = {each.value for each in OddRule} - {rule.value}
    assert set(rules(*acts, limits=given(off=[rule]).limits)) == others


def test_each_number_is_heeded() -> None:
    """One below is ordinary, one more is odd."""
    again = [look(n * 1440, target=TARGET) for n in range(3)]
    assert rules(*again, limits=given(same_target_times=4).limits) == []
    assert rules(*again[:2], limits=given(same_target_times=2).limits) == [OddRule.SAME_TARGET]
    assert rules(*again, limits=given(same_target_days=1.5).limits) == []
    fast = [look(n, target=f"{n:032x}") for n in range(12)]
    assert rules(*fast, limits=given(mass_look_ups=11).limits) == [OddRule.MASS]
    assert rules(*fast, limits=given(mass_look_ups=12).limits) == []
    assert rules(*fast, limits=given(mass_look_ups=11, mass_minutes=11).limits) == []
    assert rules(look(0, rows=10), limits=given(rows_at_once=10).limits) == [OddRule.MASS]
    assert rules(look(0, rows=9), limits=given(rows_at_once=10).limits) == []
    words = given(no_case_words=["Diverse "]).limits
    assert rules(look(0, case_ref="diverse"), look(1, case_ref="inv"), limits=words) == [
        OddRule.NO_CASE
    ]


def test_hours_days_and_zone_are_heeded() -> None:
    """Eight in the morning of a Sunday, by UTC."""
    act = look(0)
    assert rules(act, limits=given(hours="09:00-17:00").limits) == []
    assert rules(act, limits=given(hours="09:00-17:00", time_zone="UTC").limits) == [
        OddRule.OFF_DUTY
    ]
    assert rules(act, limits=given(days=["mon", "sat"]).limits) == [OddRule.OFF_DUTY]
    assert rules(look(0, on_duty=True), limits=given(days=["mon"]).limits) == []


@pytest.mark.parametrize(
    ("name", "value", "advice"),
    [
        ("time_zone", "Europe/Brussel", "such as Europe/Brussels"),
        ("hours", "6-22", "HH:MM-HH:MM"),
        ("days", [], "at least 1 item"),
        ("days", ["monday"], "'mon'"),
        ("off", ["nothing"], "same-target-again"),
        ("same_target_times", 1, "greater than or equal to 2"),
        ("same_target_days", 0, "greater than 0"),
        ("mass_look_ups", 0, "greater than or equal to 1"),
        ("mass_minutes", 1441, "less than or equal to 1440"),
        ("rows_at_once", 0, "greater than or equal to 1"),
        ("hour", "06:00-22:00", "not permitted"),
    ],
)
def test_what_is_wrong_is_refused_with_its_name(name: str, value: object, advice: str) -> None:
    """The error names the setting, what was found and what is allowed."""
    with pytest.raises(ConfigError) as found:
        given(**{name: value})
    assert f"odd_use.{name}" in str(found.value)
    assert advice in str(found.value)
    assert "Correct it" in found.value.remedy


def test_what_differs_stands_in_the_line_of_a_start() -> None:
    """Each setting by its name and value; a rule that is off first of all."""
    changes = given(off=["no-case"], rows_at_once=10**6).changes
    line = json.loads(start_record(SiteTopics("be"), START, 7, "p", changes).value)
    assert line["reasons"] == ['odd_use.off=["no-case"]', "odd_use.rows_at_once=1000000"]


def test_doctor_tells_what_is_off() -> None:
    """A rule that is off is a warning; without one the hours are told."""
    sound = check_odd_use(given(days=["sun", "mon"]).limits)
    assert sound.state == "ok"
    assert sound.what == "all 4 rules are on; hours 06:00-22:00 Europe/Brussels, mon sun"
    found = check_odd_use(given(off=["no-case", "mass-look-ups"]).limits)
    assert found.state == "warn"
    assert "off: mass-look-ups, no-case; hours" in found.what
    assert "odd_use.off" in found.remedy


def test_the_command_goes_by_the_settings_that_it_is_given(tmp_path: Path) -> None:
    """What is off is not shown, and that it is off is said; without settings all rules apply."""
    lines = tmp_path / "lines.jsonl"
    lines.write_text(look(0, case_ref="").model_dump_json(exclude_none=True) + "\n")
    config = tmp_path / "be.toml"
    text = 'site = "be"\nkafka = "k:1"\nredis_url = "redis://r"\n[odd_use]\noff = ["no-case"]\n'
    config.write_text(text)
    plain = CliRunner().invoke(command, ["show", str(lines), "--odd"])
    assert "no-case: officer.7" in plain.stdout
    off = CliRunner().invoke(command, ["show", str(lines), "--odd", "--config", str(config)])
    assert off.exit_code == 0
    assert off.stdout == ""
    assert "switched off (odd_use.off): no-case" in off.stderr


def test_a_start_s_settings_are_shown(tmp_path: Path) -> None:
    """Whoever reads the record sees them."""
    start = event(0, action="engine-started", purpose="", case_ref="", reasons=["odd_use.off=[]"])
    lines = tmp_path / "lines.jsonl"
    lines.write_text(start.model_dump_json(exclude_none=True) + "\n")
    shown = CliRunner().invoke(command, ["show", str(lines)])
    assert "odd_use.off=[]" in shown.stdout
