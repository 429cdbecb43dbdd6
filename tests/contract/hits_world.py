"""Two sites' desks before one broker: alerts put there as engines put them, commands as typed."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result
from confluent_kafka import Producer

from anpr_engine.cli.hits import command
from anpr_engine.errors import PolicyRefused
from anpr_engine.kafka.audit_log import committed_lines
from anpr_engine.kafka.embedded import EmbeddedKafka
from anpr_engine.kafka.history import HistorySettings
from anpr_engine.kafka.topic_admin import TopicAdmin
from anpr_engine.kafka.topics import TOPICS, plan, wanted_topics
from anpr_engine.pipeline.decide import alert_id
from anpr_engine.pipeline.publish import alert_topic
from anpr_engine.records.alert import Alert
from anpr_engine.wire import SiteTopics, json_bytes

SITES = ("be", "nl")
WHY = ("--purpose", "burglary", "--case", "BE-12", "--by", "officer.7")
ACTS = (*WHY, "--unit", "unit west")
FACTS: Mapping[str, object] = {
    "vehicle_category": "car",
    "make": "example make",
    "place_time": {"place": "E19, kilometre 42"},
    "circumstances": "Stopped at the next service area.",
    "driver": {"name": "Canary Driver"},
    "unit_contact": "unit west, duty desk",
    "result": "Vehicle seized.",
}
NOW = datetime.now(UTC)
WAIT_S = 20.0
JOINT = """
[[action]]
action_id = "check-1"
kind = "joint-check"
article = "20"
from = {start}
until = {end}
lists = ["nl-joint"]
cameras = ["be-1"]
unit = [{{ site = "be", name = "unit west" }}, {{ site = "nl", name = "unit 7" }}]
"""
"""A file of one joint action, to be filled in with its start and end."""


def alert_of(entry_id: str, number: int, **fields: Any) -> Alert:  # noqa: ANN401 - JSON values
    """Make the alert on a Belgian read of a Dutch entry, as the engine writes one."""
    seen = NOW - timedelta(minutes=30) + timedelta(seconds=number)
    entry = {
        "entry_id": entry_id,
        "list_id": "nl-joint",
        "plate": "XX123X",
        "country": "NL",
        "owner": "unit 7",
        "provider": "nl",
        "purpose": "burglary",
        "case_ref": "NL-17",
        "valid_until": (NOW + timedelta(days=9)).isoformat(),
    }
    read = {
        "read_id": f"r-{number}",
        "camera_id": "be-1",
        "captured_at": seen.isoformat(),
        "plate": "XX-123-X",
    }
    told = {
        "alert_id": alert_id("be", f"r-{number}", "nl-joint", entry_id),
        "created_at": (seen + timedelta(seconds=1)).isoformat(),
        "site": "be",
        "recipients": ["be", "nl"],
        "read": read,
        "entry": entry,
        "category": "burglary",
        "priority": 50,
        "action": "seize",
        "probability": 0.99,
        "tier": "exact",
        "edits": 0,
        "reasons": ["sharing.provider", "art13.1-parties"],
        "legal_basis": "",
        "handling_code": "",
        "watchlist_version": 7,
        "watchlist_age_ms": 10,
        "policy_version": "1",
        "lateness_ms": 1000,
    }
    return Alert.model_validate_json(json.dumps(told | fields))


@dataclass(frozen=True, slots=True)
class HitsWorld:
    """A broker with the topics of two sites."""

    bootstrap: str
    folder: Path

    def put(self, *alerts: Alert) -> None:
        """Write alerts where the engine writes them."""
        producer = Producer({"bootstrap.servers": self.bootstrap})
        for alert in alerts:
            key = f"{alert.entry.list_id}/{alert.entry.entry_id}".encode()
            topic = alert_topic(alert, SiteTopics(alert.site))
            producer.produce(topic, json_bytes(alert), key)
        assert producer.flush(WAIT_S) == 0

    def write(self, topic: str, key: bytes, value: bytes) -> None:
        """Write one record past the desk; keys go where the desk's go."""
        settings = {"bootstrap.servers": self.bootstrap, "partitioner": "murmur2_random"}
        producer = Producer(settings)
        producer.produce(topic, value, key)
        assert producer.flush(WAIT_S) == 0

    def run(self, *words: str, site: str = "be") -> Result:
        """Run `anpr hits` at a site; what policy forbids has exit code 4, as from the shell."""
        where = ("--site", site, "--kafka", self.bootstrap)
        done = CliRunner().invoke(command, [*words, *where])
        if isinstance(done.exception, PolicyRefused):
            done.exit_code, done.stderr_bytes = 4, str(done.exception).encode()
        elif done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done

    def act(self, *words: str, site: str = "be") -> dict[str, Any]:
        """Run a command that must succeed; gives what it tells."""
        done = self.run(*words, *ACTS, "--json", site=site)
        assert done.exit_code == 0, done.output
        told: dict[str, Any] = json.loads(done.stdout)
        return told

    def refused(self, *words: str, site: str = "be") -> str:
        """Run a command that policy must forbid; gives the sentence."""
        done = self.run(*words, *ACTS, site=site)
        assert done.exit_code == 4, done.output
        return done.stderr

    def facts(self, facts: Mapping[str, object] = FACTS) -> str:
        """Write an officer's facts; give the file."""
        path = self.folder / "facts.json"
        path.write_text(json.dumps(facts), encoding="utf-8")
        return str(path)

    def records(self, topic: str) -> list[dict[str, Any]]:
        """Give what a topic holds, committed."""
        log = HistorySettings(self.bootstrap, topic)
        return [json.loads(value) for _, _, value in committed_lines(log, lambda: False)]

    def shown(self, alert: Alert) -> dict[str, Any]:
        """Show a hit."""
        done = self.run("show", alert.alert_id, *WHY, "--json")
        assert done.exit_code == 0, done.output
        told: dict[str, Any] = json.loads(done.stdout)
        return told


@contextmanager
def hits_world(folder: Path, sites: Sequence[str] = SITES) -> Iterator[HitsWorld]:
    """Start a broker with the topics of some sites."""
    with EmbeddedKafka() as broker:
        admin = TopicAdmin(broker.bootstrap)
        wanted = wanted_topics(TOPICS, sites, replication=1)
        admin.apply(plan(admin.existing([topic.name for topic in wanted]), wanted))
        yield HitsWorld(broker.bootstrap, folder)
