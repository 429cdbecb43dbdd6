"""The table of topics, what is planned from it, and who may use them."""

from pathlib import Path

import pytest

from anpr_engine.errors import ConfigError
from anpr_engine.kafka.access_rules import access_rules
from anpr_engine.kafka.kept import bound_topics
from anpr_engine.kafka.topics import (
    IN_SYNC,
    TOPICS,
    ExistingTopic,
    Topic,
    plan,
    read_topics,
    wanted_topics,
)
from anpr_engine.wire import (
    CROSS_BORDER_RECALLS,
    CROSS_BORDER_TOPIC,
    REPORTS_TOPIC,
    SiteTopics,
)

DEPLOYED = Path(__file__).parents[2] / "deploy" / "topics.toml"


def as_wanted(topic: Topic) -> ExistingTopic:
    """Make what a broker has once a topic is applied."""
    return ExistingTopic(topic.partitions, topic.replication, dict(topic.settings))


def wanted(replication: int = 1) -> dict[str, Topic]:
    """Give the topics of the Belgian site by name."""
    made = wanted_topics(TOPICS, ["be"], replication=replication)
    return {topic.name: topic for topic in made}


def test_the_deployed_file_says_what_is_built_in() -> None:
    """`deploy/topics.toml` and the built-in table are one and the same."""
    assert read_topics(DEPLOYED) == TOPICS


def test_a_site_gets_every_topic_of_the_contract() -> None:
    """Each topic that the engine writes or reads is in the table, and no other."""
    names = SiteTopics("be")
    expected = {names.reads, names.rejected, names.alerts, names.audit, names.feedback}
    told = {names.recalls, CROSS_BORDER_TOPIC, CROSS_BORDER_RECALLS, REPORTS_TOPIC}
    assert wanted().keys() == expected | told


def test_two_sites_share_the_cross_border_topics() -> None:
    """The topics across the border are made once, the others for each site."""
    made = [topic.name for topic in wanted_topics(TOPICS, ["be", "nl"], replication=1)]
    assert len(made) == len(set(made)) == 2 * (len(TOPICS) - 3) + 3


def test_reads_live_by_the_brokers_clock_and_not_long() -> None:
    """A camera's clock does not decide how long a read is kept; segments end within half of it."""
    settings = dict(wanted()["anpr.reads.be"].settings)
    assert settings["message.timestamp.type"] == "LogAppendTime"
    assert int(settings["segment.ms"]) <= int(settings["retention.ms"]) / 2 <= 12 * 3_600_000


def test_a_country_s_law_decides_how_long_its_record_is_kept() -> None:
    """Belgium keeps the record ten years, the Netherlands five; all else is the same for both."""
    year_ms = 366 * 24 * 3_600_000
    made = {
        topic.name: dict(topic.settings)
        for topic in wanted_topics(TOPICS, ["be", "nl"], replication=1)
    }
    kept = {site: int(made[f"anpr.audit.{site}"].pop("retention.ms")) for site in ("be", "nl")}
    assert kept == {"be": 10 * year_ms, "nl": 5 * year_ms}
    for name in ("audit", "reads", "reads.rejected", "alerts", "feedback"):
        assert made[f"anpr.{name}.be"] == made[f"anpr.{name}.nl"]


def test_partitions_can_be_chosen_for_reads_only() -> None:
    """The number given goes to the topics of reads; the chain of audit keeps its one."""
    made = {
        topic.name: topic.partitions
        for topic in wanted_topics(TOPICS, ["be"], replication=1, reads_partitions=48)
    }
    assert (made["anpr.reads.be"], made["anpr.audit.be"]) == (48, 1)


def test_one_copy_may_be_missing() -> None:
    """Writing goes on with all copies but one, and needs one at least."""
    in_sync = {copies: dict(wanted(copies)["anpr.audit.be"].settings)[IN_SYNC] for copies in (1, 3)}
    assert in_sync == {1: "1", 3: "2"}


def test_plans_nothing_where_all_is_as_wanted() -> None:
    """Applying twice does nothing the second time."""
    topics = wanted()
    assert plan({name: as_wanted(topic) for name, topic in topics.items()}, topics.values()) == []


def test_plans_to_create_what_is_missing() -> None:
    """On an empty broker every topic is created with its settings."""
    steps = plan({}, wanted().values())
    assert {step.kind for step in steps} == {"create"}
    assert all(step.settings == step.topic.settings for step in steps)


def test_never_reduces_partitions() -> None:
    """More partitions than planned are told and left; fewer are added to."""
    topic = wanted()["anpr.reads.be"]
    more = ExistingTopic(topic.partitions + 1, 1, dict(topic.settings))
    fewer = ExistingTopic(topic.partitions - 1, 1, dict(topic.settings))
    assert [step.kind for step in plan({topic.name: more}, [topic])] == ["leave"]
    assert [step.kind for step in plan({topic.name: fewer}, [topic])] == ["grow"]


def test_sets_only_what_differs() -> None:
    """A setting that was changed by hand is put back; the others are not touched."""
    topic = wanted()["anpr.alerts.be"]
    changed = ExistingTopic(topic.partitions, 1, {**dict(topic.settings), "retention.ms": "1"})
    (step,) = plan({topic.name: changed}, [topic])
    assert (step.kind, [key for key, _ in step.settings]) == ("set", ["retention.ms"])
    assert "retention.ms: 1 -> " in step.detail


def test_does_not_demand_more_copies_than_there_are() -> None:
    """A topic with one copy stays writable when three are planned."""
    topic = wanted(3)["anpr.audit.be"]
    one_copy = ExistingTopic(topic.partitions, 1, {**dict(topic.settings), IN_SYNC: "1"})
    assert [step.kind for step in plan({topic.name: one_copy}, [topic])] == ["leave"]


def test_only_engines_and_desks_write_alerts_and_recalls() -> None:
    """Control rooms read them, and so do engines, which recall theirs; cameras do neither.

    A desk, where somebody looked at a doubtful hit, sends the alert on; it recalls nothing.
    """
    alerts = {CROSS_BORDER_TOPIC, "anpr.alerts.be", "anpr.alerts.nl"}
    alerts |= {CROSS_BORDER_RECALLS, "anpr.recalls.be", "anpr.recalls.nl"}
    on_alerts = [rule for rule in access_rules(["be", "nl"]) if rule.name in alerts]
    by_operation = {
        operation: {rule.principal for rule in on_alerts if rule.operation == operation}
        for operation in ("READ", "WRITE")
    }
    desks = {"User:desk-be", "User:desk-nl"}
    assert by_operation["WRITE"] == {"User:engine-be", "User:engine-nl"} | desks
    of_desks = {rule.name for rule in on_alerts if rule.principal in desks}
    assert not any("recalls" in name for name in of_desks)
    rooms = {"User:control-room-be", "User:control-room-nl"}
    assert by_operation["READ"] == rooms | by_operation["WRITE"]


def test_a_camera_may_write_its_sites_reads_and_nothing_else() -> None:
    """A stolen camera key opens one topic, for writing."""
    lines = [rule.line() for rule in access_rules(["be"]) if "camera" in rule.principal]
    assert lines == ["User:camera-be WRITE topic anpr.reads.be"]


def test_an_engine_reads_its_own_sites_reads_only() -> None:
    """No engine is let near the other country's cameras."""
    rules = access_rules(["be", "nl"])
    read = {rule.name for rule in rules if rule.principal == "User:engine-be"}
    assert "anpr.reads.be" in read
    assert not any(name.endswith(".nl") for name in read)


def test_an_engine_may_ask_for_the_settings_that_the_law_binds() -> None:
    """Of its own site's topics, and nobody else may."""
    asked = [rule for rule in access_rules(["be", "nl"]) if rule.operation == "DESCRIBE_CONFIGS"]
    for site in ("be", "nl"):
        mine = {rule.name for rule in asked if rule.principal == f"User:engine-{site}"}
        assert mine == bound_topics(site).keys()
    assert {rule.principal for rule in asked} == {"User:engine-be", "User:engine-nl"}


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("x = 1", "only [[topic]]"),
        ("[[topic]]\nname = 'a'\npartitions = 0\n[topic.settings]", "partitions (1 or more)"),
        ("[[topic]]\nname = 'a'\nparts = 3\n[topic.settings]", "parts"),
        ("[[topic", "cannot be read as TOML"),
        (
            "[[topic]]\nname = 'a'\npartitions = 3\n[topic.settings]\n[topic.sites.be]\nx = 1",
            "only where the name holds <site>",
        ),
        ("[[topic]]\nname = '<site>'\npartitions = 3\nsites = {be = 1}\n[topic.settings]", "sites"),
    ],
)
def test_names_what_is_wrong_in_a_file(tmp_path: Path, text: str, named: str) -> None:
    """A wrong table is refused with the file, what was found and what is allowed."""
    file = tmp_path / "topics.toml"
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        read_topics(file)
    assert str(file) in str(caught.value)
    assert named in str(caught.value)
