"""`anpr topics` against a real broker."""

import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from anpr_engine.cli.topics import command
from anpr_engine.errors import BrokerRefused
from anpr_engine.kafka.access_rules import access_rules
from anpr_engine.kafka.topic_admin import TopicAdmin
from anpr_engine.kafka.topics import TOPICS, Topic, plan, wanted_topics

if TYPE_CHECKING:
    from servers import Broker


@pytest.fixture
def bootstrap(request: pytest.FixtureRequest) -> str:
    """Give the real broker's address."""
    broker: Broker = request.getfixturevalue("kafka")
    return broker.bootstrap


def planned(admin: TopicAdmin, topics: list[Topic]) -> list[tuple[str, str]]:
    """Give the kinds of steps and their topics."""
    steps = plan(admin.existing(topic.name for topic in topics), topics)
    return [(step.kind, step.topic.name) for step in steps]


def test_applies_a_plan_once(bootstrap: str, unique_site: str) -> None:
    """After applying there is nothing left to do, and the broker took every setting."""
    admin = TopicAdmin(bootstrap)
    topics = wanted_topics(TOPICS, [unique_site], replication=1)
    admin.apply(plan(admin.existing(topic.name for topic in topics), topics))
    assert planned(admin, topics) == []


def test_adds_partitions_and_puts_settings_back(bootstrap: str, unique_site: str) -> None:
    """A topic made with fewer partitions and another retention becomes as planned."""
    admin = TopicAdmin(bootstrap)
    (small,) = wanted_topics(TOPICS[:1], [unique_site], replication=1, reads_partitions=2)
    settings = tuple({**dict(small.settings), "retention.ms": "60000"}.items())
    other = Topic(small.name, 1, settings)
    admin.apply(plan({}, [other]))
    assert planned(admin, [small]) == [("grow", small.name), ("set", small.name)]
    admin.apply(plan(admin.existing([small.name]), [small]))
    assert planned(admin, [small]) == []


def test_access_rules_need_an_authoriser(bootstrap: str) -> None:
    """On a broker without access rules the error says so, and what to leave out."""
    with pytest.raises(BrokerRefused, match="leave --acls out"):
        TopicAdmin(bootstrap).apply_rules(access_rules(["be"]))


def test_the_command_plans_and_applies(bootstrap: str) -> None:
    """`apply` leaves nothing for `plan`, which prints one JSON object a line."""
    run = CliRunner()
    place = ["--kafka", bootstrap, "--sites", "zz", "--json"]
    applied = run.invoke(command, ["apply", *place], catch_exceptions=False)
    again = run.invoke(command, ["plan", *place], catch_exceptions=False)
    assert (applied.exit_code, again.exit_code) == (0, 0)
    steps = [json.loads(line) for line in again.stdout.splitlines()]
    assert {step["step"] for step in steps} == {"permit"}


def test_the_command_names_a_wrong_site(bootstrap: str) -> None:
    """A site is two letters; anything else is wrong usage."""
    result = CliRunner().invoke(command, ["plan", "--kafka", bootstrap, "--sites", "belgium"])
    assert result.exit_code == 2
    assert "two letters" in result.stderr
