"""How long a hit is kept: hidden at its own period by commands, its topics held to the rules."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from click.testing import CliRunner
from hits_world import NOW, WHY, HitsWorld, alert_of, hits_world

from anpr_engine.cli.alerts import command as alerts_command
from anpr_engine.errors import UsageError
from anpr_engine.kafka.checks import check_broker
from anpr_engine.kafka.client_settings import NO_SECURITY
from anpr_engine.kafka.topic_admin import TopicAdmin
from anpr_engine.kafka.topics import TOPICS, plan, wanted_topics
from anpr_engine.policy.policy_set import shipped_policies
from anpr_engine.records.finding import Finding


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HitsWorld]:
    """Give one world to the tests of this file; each has an entry of its own."""
    with hits_world(tmp_path_factory.mktemp("kept")) as made:
        yield made


def until(minutes: float) -> str:
    """Give a moment so many minutes from now."""
    return (NOW + timedelta(minutes=minutes)).isoformat()


def test_after_its_period_no_command_shows_a_hit(desk: HitsWorld) -> None:
    """Neither listed, shown, decided on, handed over nor followed; one that may be kept is."""
    # On one entry, so that they come in order.
    past = alert_of("k1", 1, kept_until=until(-1))
    kept = alert_of("k1", 2, kept_until=until(60))
    desk.put(past, kept)
    listed = desk.run("list", *WHY, "--json").stdout
    assert (kept.alert_id in listed, past.alert_id in listed) == (True, False)
    with pytest.raises(UsageError, match="no hit of that id"):
        desk.shown(past)
    for words in (("validate",), ("hand-over", "--use", "evidence", "--to", "a court")):
        with pytest.raises(UsageError, match="is held in the topics"):
            desk.act(words[0], past.alert_id, *words[1:])
    place = ("--site", "nl", "--kafka", desk.bootstrap, "--from-start", "--count", "1", "--json")
    done = CliRunner().invoke(alerts_command, ["tail", *place])
    assert [json.loads(line)["alert_id"] for line in done.stdout.splitlines()] == [kept.alert_id]
    assert "may be kept no longer: not shown" in done.stderr


def findings(desk: HitsWorld) -> list[Finding]:
    """Ask what `anpr doctor` does of the broker, about what is kept."""
    told = check_broker(desk.bootstrap, NO_SECURITY, "be", shipped_policies())
    return [each for each in told if each.check == "kept"]


def test_the_doctor_names_a_topic_that_keeps_longer_than_a_rule(desk: HitsWorld) -> None:
    """By what the broker does, whatever was planned; with the rule, and until it is put right."""
    assert [each.state for each in findings(desk)] == ["ok"]
    admin = TopicAdmin(desk.bootstrap)
    (planned,) = (
        topic
        for topic in wanted_topics(TOPICS, ["be"], replication=1)
        if topic.name == "anpr.alerts.be"
    )
    endless = replace(planned, settings=(*planned.settings[:-2], ("retention.ms", "-1")))
    admin.apply(plan(admin.existing([planned.name]), [endless]))
    (found,) = findings(desk)
    what = "anpr.alerts.be keeps for ever; allowed are 15.49 days, so that no copy outlives 31 days"
    assert (found.state, found.what) == ("fail", f"{what} (treaty.13.3-keep-hits)")
    admin.apply(plan(admin.existing([planned.name]), [planned]))
    assert [each.state for each in findings(desk)] == ["ok"]
