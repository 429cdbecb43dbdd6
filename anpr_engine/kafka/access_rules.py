"""Who may do what on the broker: the access rules of a site's principals.

Why: nobody but engines writes alerts and recalls. An engine reads those back at its start, to know
which of its alerts to recall when a list changes; it may write them, so that a stolen key of its
gains little by that. A stolen camera key writes reads and nothing else. Describing a topic comes
with reading or writing it. Beside engines only the desk, where officers say what became of hits,
writes alerts: a doubtful one goes on once somebody looked.
Why an engine may ask for the settings of its topics: it holds them against the rules of law.
Why a desk writes the feedback of every site: a provider answers there whether it wants later
hits. It cannot read it, and an answer that does not fit is void for whoever reads it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from anpr_engine.kafka.kept import bound_topics
from anpr_engine.wire import CROSS_BORDER_RECALLS, CROSS_BORDER_TOPIC, REPORTS_TOPIC, SiteTopics

Resource = Literal["topic", "group", "transactional-id"]


@dataclass(frozen=True, slots=True)
class AccessRule:
    """One permission; `prefixed` covers every name that starts so."""

    principal: str
    operation: Literal["READ", "WRITE", "DESCRIBE_CONFIGS"]
    resource: Resource
    name: str
    prefixed: bool = False

    def line(self) -> str:
        """Write the rule as one line for a person."""
        covers = "prefixed " if self.prefixed else ""
        return f"{self.principal} {self.operation} {self.resource} {covers}{self.name}"


def access_rules(sites: Sequence[str]) -> list[AccessRule]:
    """Give the rules that cameras, engines and control rooms of some sites need."""
    rules = [rule for site in sites for rule in (*_of_site(site), *_of_desk(site))]
    answers = (
        AccessRule(f"User:desk-{site}", "WRITE", "topic", SiteTopics(other).feedback)
        for site in sites
        for other in sites
    )
    return [*rules, *answers]


def _of_site(site: str) -> Iterable[AccessRule]:
    topics = SiteTopics(site)
    camera, engine, room = (f"User:{who}-{site}" for who in ("camera", "engine", "control-room"))
    yield AccessRule(camera, "WRITE", "topic", topics.reads)
    yield AccessRule(engine, "READ", "topic", topics.reads)
    told = (topics.alerts, CROSS_BORDER_TOPIC, topics.recalls, CROSS_BORDER_RECALLS)
    for name in (*told, topics.rejected, topics.audit):
        yield AccessRule(engine, "WRITE", "topic", name)
    for name in told:
        yield AccessRule(engine, "READ", "topic", name)
    # The head of the audit chain is read back at the start.
    yield AccessRule(engine, "READ", "topic", topics.audit)
    # What was done about hits: after so many actions an entry gives no more alerts.
    yield AccessRule(engine, "READ", "topic", topics.feedback)
    for name in bound_topics(site):
        yield AccessRule(engine, "DESCRIBE_CONFIGS", "topic", name)
    yield AccessRule(engine, "READ", "group", "anpr.tail.", prefixed=True)
    yield AccessRule(engine, "READ", "group", f"anpr.engine.{site}")
    yield AccessRule(engine, "READ", "group", f"anpr.engine.{site}.", prefixed=True)
    yield AccessRule(engine, "WRITE", "transactional-id", f"anpr.engine.{site}.", prefixed=True)
    for name in (*told, topics.feedback):
        yield AccessRule(room, "READ", "topic", name)
    yield AccessRule(room, "WRITE", "topic", topics.feedback)
    yield AccessRule(room, "READ", "group", f"anpr.control-room.{site}", prefixed=True)
    yield AccessRule(room, "READ", "group", "anpr.tail.", prefixed=True)
    # Who replays what was read is written into the record too.
    analyst = f"User:analyst-{site}"
    yield AccessRule(analyst, "READ", "topic", topics.reads)
    yield AccessRule(analyst, "READ", "topic", topics.audit)
    yield AccessRule(analyst, "WRITE", "topic", topics.audit)
    yield AccessRule(analyst, "READ", "group", "anpr.replay.", prefixed=True)
    yield AccessRule(analyst, "READ", "group", "anpr.tail.", prefixed=True)
    yield AccessRule(analyst, "WRITE", "transactional-id", f"anpr.audit.{site}.", prefixed=True)
    # Who reads the record is written into it.
    auditor = f"User:auditor-{site}"
    yield AccessRule(auditor, "READ", "topic", topics.audit)
    yield AccessRule(auditor, "WRITE", "topic", topics.audit)
    yield AccessRule(auditor, "READ", "group", "anpr.tail.", prefixed=True)
    yield AccessRule(auditor, "WRITE", "transactional-id", f"anpr.audit.{site}.", prefixed=True)


def _of_desk(site: str) -> Iterable[AccessRule]:
    topics, desk = SiteTopics(site), f"User:desk-{site}"
    for name in (topics.alerts, CROSS_BORDER_TOPIC, REPORTS_TOPIC, topics.audit):
        yield AccessRule(desk, "READ", "topic", name)
        yield AccessRule(desk, "WRITE", "topic", name)
    yield AccessRule(desk, "READ", "topic", topics.feedback)
    yield AccessRule(desk, "READ", "group", "anpr.tail.", prefixed=True)
    yield AccessRule(desk, "WRITE", "transactional-id", f"anpr.audit.{site}.", prefixed=True)
