"""What `anpr doctor` asks of the brokers."""

from collections.abc import Iterator, Sequence

from anpr_engine.errors import BrokerError
from anpr_engine.kafka.client_settings import Security
from anpr_engine.kafka.topic_admin import TopicAdmin
from anpr_engine.kafka.topics import TOPICS, ExistingTopic, plan, wanted_topics
from anpr_engine.records.finding import Finding

ANSWER_S_MAX = 5.0


def check_broker(bootstrap: str, security: Security, site: str) -> Iterator[Finding]:
    """Check that a broker answers and that the site's topics are there as planned."""
    names = [topic.name for topic in wanted_topics(TOPICS, [site], replication=1)]
    try:
        existing = TopicAdmin(bootstrap, security, start_s=ANSWER_S_MAX).existing(names)
    except BrokerError as error:
        yield Finding("kafka", "fail", error.what, error.remedy)
        return
    yield Finding("kafka", "ok", f"a broker answers at {bootstrap}")
    yield from _topics(existing, names, site)


def _topics(
    existing: dict[str, ExistingTopic], names: Sequence[str], site: str
) -> Iterator[Finding]:
    apply = f"Run `anpr topics apply --sites {site}`."
    missing = [name for name in names if name not in existing]
    if missing:
        yield Finding("topics", "fail", f"missing: {', '.join(missing)}", apply)
    copies = max((topic.replication for topic in existing.values()), default=1)
    wanted = [
        topic
        for topic in wanted_topics(TOPICS, [site], replication=copies)
        if topic.name in existing
    ]
    steps = plan(existing, wanted)
    for step in steps:
        remedy = "" if step.kind == "leave" else apply
        yield Finding("topics", "warn", f"{step.topic.name}: {step.detail}", remedy)
    if not missing and not steps:
        yield Finding("topics", "ok", f"all {len(names)} are as planned")
    if copies == 1 and existing:
        what = "every partition has one copy: a lost disk loses reads and alerts"
        yield Finding("copies", "warn", what, "Use three brokers and --replication 3.")
