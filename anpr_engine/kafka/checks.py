"""What `anpr doctor` asks of the brokers."""

from collections.abc import Iterator, Sequence

from anpr_engine.clock import SystemClock
from anpr_engine.errors import BrokerError
from anpr_engine.kafka.client_settings import Security, StreamSettings
from anpr_engine.kafka.kept import CHECK, kept_findings
from anpr_engine.kafka.oldest import oldest_age_s, oldest_times_us
from anpr_engine.kafka.topic_admin import TopicAdmin
from anpr_engine.kafka.topics import TOPICS, ExistingTopic, plan, wanted_topics
from anpr_engine.policy.policy_set import PolicySet
from anpr_engine.records.finding import Finding
from anpr_engine.wire import SiteTopics

ANSWER_S_MAX = 5.0
SWEEP_S = 600.0
"""Kafka looks for what is to be deleted every five minutes, and deletes a little later."""


def check_broker(
    bootstrap: str, security: Security, site: str, policies: PolicySet
) -> Iterator[Finding]:
    """Check that a broker answers, and that the site's topics are as planned and as rules want."""
    names = [topic.name for topic in wanted_topics(TOPICS, [site], replication=1)]
    try:
        existing = TopicAdmin(bootstrap, security, start_s=ANSWER_S_MAX).existing(names)
    except BrokerError as error:
        yield Finding("kafka", "fail", error.what, error.remedy)
        return
    yield Finding("kafka", "ok", f"a broker answers at {bootstrap}")
    yield from _topics(existing, names, site)
    yield from _kept(existing, site, policies)
    yield from _oldest_read(bootstrap, security, site, existing)


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


def _kept(existing: dict[str, ExistingTopic], site: str, policies: PolicySet) -> Iterator[Finding]:
    """Check that no topic keeps what it holds longer than the rules of law let it."""
    settings = {name: topic.settings for name, topic in existing.items()}
    found = list(kept_findings(settings, policies, site))
    yield from found
    if not found and existing:
        yield Finding(CHECK, "ok", "no topic keeps anything longer than a rule lets it")


def _oldest_read(
    bootstrap: str, security: Security, site: str, existing: dict[str, ExistingTopic]
) -> Iterator[Finding]:
    """Check that no read is kept longer than the topic's own settings say."""
    topic = SiteTopics(site).reads
    if topic not in existing:
        return
    settings, clock = existing[topic].settings, SystemClock()
    group = f"anpr.engine.{site}"
    stream = StreamSettings(bootstrap, topic, group, group, security=security)
    try:
        age_s = oldest_age_s(oldest_times_us(stream, clock), clock.now_us())
    except BrokerError as error:
        yield Finding("retention", "warn", error.what, error.remedy)
        return
    kept_s = (int(settings["retention.ms"]) + int(settings["segment.ms"])) / 1000 + SWEEP_S
    told = f"the oldest read is {age_s / 3600:.1f} h old, of {kept_s / 3600:.1f} h at most"
    if age_s > kept_s:
        yield Finding("retention", "warn", told, "See in the brokers' log why nothing is deleted.")
    else:
        yield Finding("retention", "ok", told)
