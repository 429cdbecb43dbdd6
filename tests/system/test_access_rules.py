"""What an access rule forbids is said in one sentence."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._acl import AclBinding, AclOperation, AclPermissionType
from confluent_kafka.admin._resource import ResourcePatternType, ResourceType

from anpr_engine.kafka.embedded import EmbeddedKafka
from anpr_engine.kafka.topic_admin import TopicAdmin
from anpr_engine.kafka.topics import TOPICS, plan, wanted_topics
from anpr_engine.watchlist.embedded import EmbeddedRedis

AUTHORIZER = {
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "allow.everyone.if.no.acl.found": "true",
}
FORBIDDEN = {
    "reads": (ResourceType.TOPIC, "anpr.reads.be", AclOperation.READ),
    "group": (ResourceType.GROUP, "anpr.engine.be", AclOperation.READ),
    "transactions": (ResourceType.TRANSACTIONAL_ID, "anpr.engine.be.0", AclOperation.WRITE),
    "alerts": (ResourceType.TOPIC, "anpr.audit.be", AclOperation.WRITE),
}


@pytest.fixture
def guarded() -> Iterator[str]:
    """Give a broker with an authorizer and the topics of a site."""
    with EmbeddedKafka(settings=AUTHORIZER) as broker:
        admin = TopicAdmin(broker.bootstrap)
        wanted = wanted_topics(TOPICS, ["be"], replication=1)
        admin.apply(plan(admin.existing([topic.name for topic in wanted]), wanted))
        yield broker.bootstrap


@pytest.mark.parametrize("what", sorted(FORBIDDEN))
def test_a_forbidden_engine_says_so_in_one_sentence(
    guarded: str, redis_servers: Callable[[str], EmbeddedRedis], what: str
) -> None:
    """Whichever rule is missing: exit code 1, the cause, the remedy, and no traceback."""
    kind, name, operation = FORBIDDEN[what]
    rule = AclBinding(
        kind,
        name,
        ResourcePatternType.LITERAL,
        "User:ANONYMOUS",
        "*",
        operation,
        AclPermissionType.DENY,
    )
    admin = AdminClient({"bootstrap.servers": guarded})
    for done in admin.create_acls([rule]).values():
        done.result()
    redis = redis_servers("redis")
    redis.wipe()
    place = {
        "ANPR_SITE": "be",
        "ANPR_KAFKA": guarded,
        "ANPR_REDIS_URL": redis.url,
        "ANPR_HTTP__PORT": "0",
    }
    run = subprocess.run(
        [sys.executable, "-m", "anpr_engine", "run"],
        env=os.environ | place,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 1, run.stderr
    last = run.stderr.splitlines()[-1]
    assert "access rule" in last
    assert "anpr topics plan" in last
    assert "Traceback" not in run.stderr
