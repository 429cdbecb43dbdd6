"""What topics keep against what the rules let a site keep, as checks and as commands."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click import Command
from click.testing import CliRunner
from policy_texts import GOOD, HEAD, copied_rules, rule, written

from anpr_engine.cli.policy import command as policy_command
from anpr_engine.cli.topics import command as topics_command
from anpr_engine.errors import ConfigError, PolicyRefused
from anpr_engine.kafka.kept import SWEEP_MS, bound_topics, kept_findings, settings_by_name
from anpr_engine.kafka.topics import DAY_MS, HOUR_MS, TOPICS, wanted_topics
from anpr_engine.policy.case import HitPart
from anpr_engine.policy.hit_memory import Judgement
from anpr_engine.policy.hits import HitJudge
from anpr_engine.policy.periods import countries, periods
from anpr_engine.policy.policy_set import PolicySet, load_policies, shipped_policies
from anpr_engine.policy.rulings import NO_PERIOD
from anpr_engine.records.finding import Finding
from anpr_engine.records.watchlist_entry import WatchlistEntry
from anpr_engine.wire import CROSS_BORDER_TOPIC

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
KINDS = ("burglary", "other")
DUTCH: dict[str, object] = {
    "provider": "nl",
    "country": "BE",
    "owner": "unit 7",
    "sharing": "be,nl",
    "valid_until": NOW + timedelta(days=9),
    "max_actions": 1,
}
ALERTS, READS, AUDIT = "anpr.alerts.be", "anpr.reads.be", "anpr.audit.be"
EVENTS = "anpr.feedback.be"
HALF = "15.49 days, so that no copy outlives 31 days (treaty.13.3-keep-hits)"
DEPLOYED = Path(__file__).parents[2] / "deploy" / "topics.toml"
SHORT = rule("be.short", "when.entry.category.is = 'burglary'", "then.keep_hit_days = 2")
OVER = "over = ['be.keep-hits', 'treaty.13.3-keep-hits']\n"


def found(name: str, kept_ms: int, segment_ms: int | None = None) -> list[Finding]:
    """Look at one topic with a period, and perhaps an age of its segments."""
    given = {"retention.ms": str(kept_ms)}
    if segment_ms is not None:
        given["segment.ms"] = str(segment_ms)
    site = name.rpartition(".")[2]
    return list(kept_findings({name: given}, shipped_policies(), site))


@pytest.mark.parametrize("site", ["be", "nl"])
def test_the_topics_as_planned_keep_what_the_rules_allow(site: str) -> None:
    """Every topic that holds reads, hits or the record is held against a rule, and fits."""
    planned = settings_by_name(wanted_topics(TOPICS, [site], replication=1))
    assert bound_topics(site).keys() <= planned.keys()
    assert planned.keys() - bound_topics(site).keys() == {f"anpr.reads.rejected.{site}"}
    assert list(kept_findings(planned, shipped_policies(), site)) == []
    assert countries(shipped_policies()) == ["be", "nl"]


@pytest.mark.parametrize(
    ("name", "kept", "words"),
    [
        (EVENTS, (365 * DAY_MS, DAY_MS), "366 days; allowed are 365"),
        (EVENTS, (359 * DAY_MS,), "366 days; allowed are 365"),
        (EVENTS, (-1,), "for ever; allowed are 365 days (be.keep-hits)"),
        (ALERTS, (15 * DAY_MS, DAY_MS), f"16 days; allowed are {HALF}"),
        (ALERTS, (9 * DAY_MS,), f"16 days; allowed are {HALF}"),
        (ALERTS, (-1,), f"for ever; allowed are {HALF}"),
        (READS, (30 * DAY_MS, HOUR_MS), "30 days (be.keep-reads)"),
        (AUDIT, (3661 * DAY_MS,), "3661 days; allowed are 3660"),
        (AUDIT, (3659 * DAY_MS,), "3659 days; 3660 days are ordered (be.keep-logs)"),
    ],
)
def test_a_topic_that_breaks_a_period_is_named(
    name: str, kept: tuple[int, ...], words: str
) -> None:
    """Too long, for ever, or of the record too short: with the rule and what to do."""
    (finding,) = found(name, *kept)
    assert (finding.state, words in finding.what) == ("fail", True), finding.what
    assert finding.what.startswith(f"{name} keeps")
    assert "retention.ms to" in finding.remedy


def test_a_topic_at_its_limit_is_allowed() -> None:
    """To the millisecond; and the law of the other site is another."""
    day = HOUR_MS * 24
    assert found(READS, 30 * day - HOUR_MS, HOUR_MS) == []
    (dutch,) = found("anpr.reads.nl", day - HOUR_MS + 1, HOUR_MS)
    assert dutch.state == "fail"
    assert found("anpr.reads.nl", day - HOUR_MS, HOUR_MS) == []


def test_what_tells_of_hits_that_ended_is_named() -> None:
    """A topic of events between the shortest and the longest period is told, not refused."""
    (finding,) = found(EVENTS, 40 * DAY_MS, DAY_MS)
    assert finding.state == "warn"
    assert "hits of treaty.13.3-keep-hits end after 31 days" in finding.what


def test_a_topic_of_alerts_goes_by_the_alert_that_has_to_go_first() -> None:
    """To the millisecond: twice its time, and both times until Kafka has deleted it."""
    most_ms = 31 * DAY_MS // 2 - SWEEP_MS - DAY_MS
    assert found(ALERTS, most_ms, DAY_MS) == []
    (finding,) = found(ALERTS, most_ms + 1, DAY_MS)
    assert f"retention.ms to {most_ms} at most" in finding.remedy
    assert 2 * (most_ms + DAY_MS + SWEEP_MS) <= 31 * DAY_MS
    shared = {CROSS_BORDER_TOPIC: {"retention.ms": str(most_ms + 1), "segment.ms": str(DAY_MS)}}
    assert [each.state for each in kept_findings(shared, shipped_policies(), "nl")] == ["fail"]


def test_what_is_only_compacted_is_kept_for_ever() -> None:
    """Then no period is a period, whatever the topic says."""
    for policy, count in (("compact", 1), ("compact,delete", 0), ("delete", 0)):
        given = {READS: {"cleanup.policy": policy, "retention.ms": "60000", "segment.ms": "60000"}}
        told = [each.what for each in kept_findings(given, shipped_policies(), "be")]
        assert [what.partition(";")[0] for what in told] == [f"{READS} keeps for ever"] * count


def test_a_site_without_a_period_is_named(tmp_path: Path) -> None:
    """One finding for each period that no rule sets; none of a topic."""
    policies = load_policies(written(tmp_path, {"a.toml": HEAD + GOOD}))
    told = list(kept_findings({ALERTS: {"retention.ms": "-1"}}, policies, "be"))
    assert [each.state for each in told] == ["fail"] * 3
    assert periods(policies, "be", "keep_hit_days") == []


def test_the_check_of_the_policy_refuses_a_plan_that_keeps_too_long(tmp_path: Path) -> None:
    """Exit code 2 with topic and rule; a rule shorter than the plan is told and let pass."""
    long = tmp_path / "topics.toml"
    text = DEPLOYED.read_text(encoding="utf-8")
    long.write_text(text.replace("= 604_800_000", "= 99_999_999_999"))
    with pytest.raises(ConfigError, match=r"keeps 1164 days; allowed are 15\.49 days, so that no"):
        run(policy_command, "check", "--topics", str(long))
    folder = copied_rules(tmp_path / "rules", "be.toml", SHORT + OVER)
    with pytest.raises(ConfigError, match=r"no copy outlives 2 days \(be\.short\)"):
        run(policy_command, "check", "--folder", str(folder))
    short = tmp_path / "short.toml"
    lines = text.splitlines(keepends=True)
    alerts = [n for n, line in enumerate(lines) if "anpr.alerts." in line]
    for name in reversed(alerts):
        at = next(n for n in range(name, len(lines)) if "retention.ms" in lines[n])
        lines[at] = '"retention.ms" = 36_000_000\n"segment.ms" = 36_000_000\n'
    short.write_text("".join(lines))
    assert "hits of be.short end after 2 days" in run(
        policy_command, "check", "--folder", str(folder), "--topics", str(short)
    )
    # Nothing listens there: it is refused before a broker is asked.
    nobody = ("--kafka", "127.0.0.1:1", "--sites", "be", "--file", str(long))
    with pytest.raises(PolicyRefused, match=r"treaty\.13\.3-keep-hits"):
        run(topics_command, "apply", *nobody)


def judged(fields: dict[str, object], policies: PolicySet) -> Judgement:
    """Judge a hit of now at a site in Belgium."""
    plain: dict[str, object] = {"entry_id": "e", "list_id": "l", "plate": "1-ABC-123"}
    judge = HitJudge(policies, ("be", NOW), None)
    entry = WatchlistEntry.model_validate(plain | fields)
    return judge.of_hit(judge.of_entry(entry), HitPart(NOW, "be-1", 1.0, "exact"))


def test_a_site_s_own_rule_decides_how_long_a_hit_is_kept(tmp_path: Path) -> None:
    """By what the entry is for; a hit that no rule lets be kept is told to nobody."""
    short = ("when.entry.category.is = 'burglary'", "then.keep_hit_days = 0.5")
    more = rule("be.short", *short, "over = ['be.keep-hits', 'treaty.13.3-keep-hits']")
    policies = load_policies(copied_rules(tmp_path / "a", "be.toml", more))
    kept = {name: judged({"category": name}, policies) for name in KINDS}
    assert [kept[name].kept_days for name in KINDS] == [0.5, 365.0]
    assert "be.short" in kept["burglary"].reasons
    folder = copied_rules(tmp_path / "b", "be.toml", "")
    text = (folder / "be.toml").read_text(encoding="utf-8")
    unkept = text.replace("hit_lawful.is = true\n", 'hit_lawful.is = true\nwhen.site.is = "nl"\n')
    (folder / "be.toml").write_text(unkept, encoding="utf-8")
    silent = load_policies(folder)
    assert judged({}, silent) == Judgement(NO_PERIOD)
    assert judged(DUTCH, silent).kept_days == 31.0


def run(command: Command, *words: str) -> str:
    """Run a command; gives what it says to a person beside its data."""
    done = CliRunner().invoke(command, list(words))
    if done.exception is not None:
        raise done.exception
    return done.stderr
