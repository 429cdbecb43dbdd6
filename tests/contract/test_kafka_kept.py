"""An engine holds its topics against the rules of law: settings changed on a real broker."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._acl import AclBinding, AclOperation, AclPermissionType
from confluent_kafka.admin._resource import ResourcePatternType, ResourceType
from fakes.memory_stream import MemoryBroker, MemoryReadStream
from structlog.testing import capture_logs
from watchlist_world import until

from anpr_engine.audit.odd_use import OddUseLimits
from anpr_engine.clock import SystemClock
from anpr_engine.errors import BrokerRefused
from anpr_engine.kafka.client_settings import StreamSettings
from anpr_engine.kafka.embedded import EmbeddedKafka
from anpr_engine.kafka.kept import bound_topics
from anpr_engine.kafka.kept_watch import KeptWatch, kept_watched
from anpr_engine.kafka.topic_admin import TopicAdmin
from anpr_engine.kafka.topics import DAY_MS, TOPICS, Step, Topic, plan, wanted_topics
from anpr_engine.metrics.table import TOPICS_KEPT_WRONG, TOPICS_LOOKED_AT, Metrics
from anpr_engine.pipeline.run import EnginePorts
from anpr_engine.policy.policy_set import PolicySet, shipped_policies
from anpr_engine.watchlist.snapshot import snapshot_of
from anpr_engine.wire import SiteTopics
from anpr_engine.wiring import Overrides, settings_of
from anpr_engine.wiring_hits import Beside, ports_watched

if TYPE_CHECKING:
    from servers import Broker

SITE = "xk"
"""A site that no other test makes topics of; it has Belgium's law."""
ALERTS, AUDIT = SiteTopics(SITE).alerts, SiteTopics(SITE).audit
WAIT_S = 30.0
AUTHORIZER = {
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "allow.everyone.if.no.acl.found": "true",
}


def law() -> PolicySet:
    """Give the shipped rules, with the site where Belgium stands."""
    shipped = shipped_policies()
    files = [
        replace(file, sites=file.sites | {SITE}) if "be" in file.sites else file
        for file in shipped.files
    ]
    return replace(shipped, files=tuple(files))


def stream(bootstrap: str, site: str = SITE) -> StreamSettings:
    """Say where the site's engine finds its broker."""
    return StreamSettings(bootstrap, SiteTopics(site).reads, f"anpr.engine.{site}", "x")


def make_topics(bootstrap: str, site: str = SITE) -> None:
    """Make the site's topics as they are planned for Belgium."""
    admin = TopicAdmin(bootstrap)
    table = [replace(t, by_site=tuple((site, of) for _, of in t.by_site)) for t in TOPICS]
    wanted = wanted_topics(table, [site], replication=1, reads_partitions=1)
    admin.apply(plan(admin.existing([topic.name for topic in wanted]), wanted))


def keep(bootstrap: str, name: str, retention_ms: int) -> None:
    """Change a topic's period by hand."""
    settings = (("retention.ms", str(retention_ms)),)
    TopicAdmin(bootstrap).apply([Step("set", Topic(name, 1, settings), "by hand", settings)])


class Watched:
    """A watch over the topics of a broker, and what it told."""

    def __init__(self, bootstrap: str, site: str = SITE) -> None:
        """Prepare a watch."""
        self.metrics = Metrics()
        by = self.metrics, SystemClock()
        self.watch = KeptWatch(site, stream(bootstrap, site), law, by)
        self.site = site

    def wrong(self) -> set[str]:
        """Name the topics that the metric calls wrong."""
        names = bound_topics(self.site)
        return {name for name in names if self.metrics.value(TOPICS_KEPT_WRONG.name, topic=name)}

    def look(self) -> list[dict[str, object]]:
        """Look once; gives the lines of the log."""
        with capture_logs() as logs:
            self.watch.look()
        return [dict(line) for line in logs]


@pytest.fixture
def bootstrap(kafka: "Broker") -> Iterator[str]:
    """Give a broker with the site's topics as planned."""
    make_topics(kafka.bootstrap)
    yield kafka.bootstrap
    make_topics(kafka.bootstrap)


def test_a_topic_that_was_let_keep_more_is_named(bootstrap: str) -> None:
    """Once in the log with what was found and what is allowed; until it is right in the metric."""
    site = Watched(bootstrap)
    assert (site.look(), site.wrong()) == ([], set())
    keep(bootstrap, ALERTS, 400 * DAY_MS)
    (line,) = site.look()
    assert line == {
        "event": "topic_kept_wrong",
        "log_level": "error",
        "topic": ALERTS,
        "how": "too-long",
        "found": "407 days",
        "allowed": "15.49 days",
        "rule": "treaty.13.3-keep-hits",
    }
    assert (site.look(), site.wrong()) == ([], {ALERTS})
    keep(bootstrap, ALERTS, -1)
    (line,) = site.look()
    assert (line["found"], site.wrong()) == ("for ever", {ALERTS})
    make_topics(bootstrap)
    (line,) = site.look()
    assert (line["event"], line["topic"], site.wrong()) == ("topic_kept_right", ALERTS, set())


def test_a_record_that_is_cut_short_is_named_too(bootstrap: str) -> None:
    """What was done has to be told for as long as the law orders it."""
    site = Watched(bootstrap)
    keep(bootstrap, AUDIT, 30 * DAY_MS)
    (line,) = site.look()
    assert (line["topic"], line["how"], line["found"]) == (AUDIT, "too-short", "30 days")
    assert site.wrong() == {AUDIT}


@contextmanager
def guarded() -> Iterator[str]:
    """Give a broker with an authorizer that lets nobody ask for the settings of one topic."""
    with EmbeddedKafka(settings=AUTHORIZER) as broker:
        make_topics(broker.bootstrap)
        of = ResourceType.TOPIC, AUDIT, ResourcePatternType.LITERAL
        for permission, operation in (
            (AclPermissionType.ALLOW, AclOperation.READ),
            (AclPermissionType.ALLOW, AclOperation.WRITE),
            (AclPermissionType.DENY, AclOperation.DESCRIBE_CONFIGS),
        ):
            rule = AclBinding(*of, "User:ANONYMOUS", "*", operation, permission)
            client = AdminClient({"bootstrap.servers": broker.bootstrap})
            for done in client.create_acls([rule]).values():
                done.result()
        yield broker.bootstrap


def test_an_engine_that_may_not_ask_says_so_and_goes_on() -> None:
    """The time of the last look stays at none, by which an alarm knows; nothing else happens."""
    with guarded() as bootstrap:
        site = Watched(bootstrap)
        with pytest.raises(BrokerRefused, match="access rule"):
            site.watch.look()
        with capture_logs() as logs:
            by = site.metrics, SystemClock()
            with kept_watched(SITE, stream(bootstrap), law, by, every_s=0.01):
                until(lambda: logs, WAIT_S)
        told = logs[0]["event"], logs[0]["cause"]
        assert told == ("topics_kept_unknown", "BrokerRefused")
        assert site.metrics.value(TOPICS_LOOKED_AT.name) == 0


def test_a_topic_that_is_not_there_is_not_looked_at(kafka: "Broker", unique_site: str) -> None:
    """`anpr doctor` tells that; here nothing is wrong with it, and the others are looked at."""
    site = Watched(kafka.bootstrap, unique_site)
    assert site.look() == []
    assert site.metrics.value(TOPICS_LOOKED_AT.name) > 0


class NoLists:
    """Nothing is listed."""

    current, verified_at_us, received_at_us = snapshot_of([]), 0, None


def test_an_engine_looks_at_its_start(bootstrap: str) -> None:
    """Without a pause before it; beside everything else that watches over an engine."""
    keep(bootstrap, ALERTS, -1)
    clock, broker, metrics = SystemClock(), MemoryBroker(), Metrics()
    broker.add_topic("reads", 1)
    given = EnginePorts(MemoryReadStream(broker, "reads", "g", clock), NoLists(), clock)
    heeds = settings_of(None, Overrides("be", bootstrap, "redis://unused")).feedback
    about = Beside("", heeds, OddUseLimits(), law)
    with ports_watched(SITE, stream(bootstrap), metrics, given, about):
        until(lambda: metrics.value(TOPICS_KEPT_WRONG.name, topic=ALERTS), WAIT_S)
    assert metrics.value(TOPICS_KEPT_WRONG.name, topic=AUDIT) == 0
