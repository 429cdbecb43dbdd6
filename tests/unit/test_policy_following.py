"""A folder of rules that an engine follows while it runs."""

import shutil
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

import pytest
from clocks import FixedClock
from structlog.testing import capture_logs

from anpr_engine.metrics.table import POLICY_REFUSED, Metrics
from anpr_engine.policy.following import CHECK_S, PolicyFolder
from anpr_engine.policy.policy_set import shipped_policies
from anpr_engine.policy.problems import PolicyError

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
FIVE_DAYS, FOUR_DAYS = "value = 120", "value = 96"


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """Copy the rules that come with the engine."""
    for file in (files("anpr_engine.policy") / "rules").iterdir():
        shutil.copy(str(file), tmp_path)
    return tmp_path


def rewrite(folder: Path, before: str, after: str) -> None:
    """Change the agreement's file."""
    file = folder / "be-nl-art13.toml"
    text = file.read_text(encoding="utf-8")
    assert before in text
    file.write_text(text.replace(before, after, 1), encoding="utf-8")


def refused(metrics: Metrics) -> bool:
    """Say whether the metric tells of wrong rules."""
    return f"{POLICY_REFUSED.name} 1.0" in metrics.page().decode()


def test_a_changed_folder_is_taken_over_at_the_next_look(rules: Path) -> None:
    """Not before it, so that no batch waits for the disk more than once in two seconds."""
    clock = FixedClock(NOW)
    policies = PolicyFolder(rules, clock, Metrics())
    assert policies().version == shipped_policies().version
    rewrite(rules, FIVE_DAYS, FOUR_DAYS)
    assert policies().version == shipped_policies().version
    clock.pass_s(CHECK_S)
    changed = policies()
    assert changed.version != shipped_policies().version
    clock.pass_s(CHECK_S)
    assert policies() is changed


def test_wrong_rules_leave_the_old_ones_in_force(rules: Path) -> None:
    """The log names file, line and rule once, the metric stands until they are put right."""
    clock, metrics = FixedClock(NOW), Metrics()
    policies = PolicyFolder(rules, clock, metrics)
    before = policies()
    rewrite(rules, FIVE_DAYS, "value = 'many'")
    clock.pass_s(CHECK_S)
    with capture_logs() as told:
        assert policies() is before
        clock.pass_s(CHECK_S)
        assert policies() is before
    assert [line["event"] for line in told] == ["policy_refused"]
    assert "be-nl-art13.toml:" in told[0]["problems"][0]
    assert " rule art13.14-age:" in told[0]["problems"][0]
    assert refused(metrics)
    rewrite(rules, "value = 'many'", FOUR_DAYS)
    clock.pass_s(CHECK_S)
    with capture_logs() as told:
        assert policies().version != before.version
    assert [line["event"] for line in told] == ["policy_changed"]
    assert not refused(metrics)


def test_a_folder_that_is_gone_is_refused_like_a_wrong_one(rules: Path) -> None:
    """The rules in force stay, whole."""
    clock, metrics = FixedClock(NOW), Metrics()
    policies = PolicyFolder(rules, clock, metrics)
    before = policies()
    shutil.rmtree(rules)
    clock.pass_s(CHECK_S)
    with capture_logs():
        assert policies() is before
    assert refused(metrics)


def test_an_engine_does_not_start_on_wrong_rules(rules: Path) -> None:
    """What is wrong is told as by `anpr policy check`, with the exit code of a bad setting."""
    rewrite(rules, FIVE_DAYS, "value = 'many'")
    with pytest.raises(PolicyError) as problem:
        PolicyFolder(rules, FixedClock(NOW), Metrics())
    assert problem.value.exit_code == 2


def test_a_touched_file_changes_nothing(rules: Path) -> None:
    """What is read again and says the same is no change."""
    clock = FixedClock(NOW)
    policies = PolicyFolder(rules, clock, Metrics())
    before = policies()
    (rules / "be.toml").touch()
    clock.pass_s(CHECK_S)
    with capture_logs() as told:
        assert policies() is before
    assert told == []
