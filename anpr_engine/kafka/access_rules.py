"""Who may do what on the broker: the access rules of a site's principals.

Why: nobody but engines writes alerts, and engines cannot read them back; a stolen camera key
writes reads and nothing else. Describing a topic comes with reading or writing it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from anpr_engine.wire import CROSS_BORDER_TOPIC, SiteTopics

Resource = Literal["topic", "group", "transactional-id"]


@dataclass(frozen=True, slots=True)
class AccessRule:
    """One permission; `prefixed` covers every name that starts so."""

    principal: str
    operation: Literal["READ", "WRITE"]
    resource: Resource
    name: str
    prefixed: bool = False

    def line(self) -> str:
        """Write the rule as one line for a person."""
        covers = "prefixed " if self.prefixed else ""
        return f"{self.principal} {self.operation} {self.resource} {covers}{self.name}"


def access_rules(sites: Sequence[str]) -> list[AccessRule]:
    """Give the rules that cameras, engines and control rooms of some sites need."""
    return [rule for site in sites for rule in _of_site(site)]


def _of_site(site: str) -> Iterable[AccessRule]:
    topics = SiteTopics(site)
    camera, engine, room = (f"User:{who}-{site}" for who in ("camera", "engine", "control-room"))
    yield AccessRule(camera, "WRITE", "topic", topics.reads)
    yield AccessRule(engine, "READ", "topic", topics.reads)
    for name in (topics.alerts, CROSS_BORDER_TOPIC, topics.rejected, topics.audit):
        yield AccessRule(engine, "WRITE", "topic", name)
    # The head of the audit chain is read back at the start.
    yield AccessRule(engine, "READ", "topic", topics.audit)
    yield AccessRule(engine, "READ", "group", f"anpr.engine.{site}")
    yield AccessRule(engine, "READ", "group", f"anpr.engine.{site}.", prefixed=True)
    yield AccessRule(engine, "WRITE", "transactional-id", f"anpr.engine.{site}.", prefixed=True)
    for name in (topics.alerts, CROSS_BORDER_TOPIC, topics.feedback):
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
