"""A control room's verdicts taken straight from a site's topic, and the record of that look."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from stream_worlds import WAIT_S

from anpr_engine.cli.errors import command
from anpr_engine.errors import PolicyRefused
from anpr_engine.kafka.audit_log import committed_lines
from anpr_engine.kafka.history import HistorySettings
from anpr_engine.plates.error_model import load_error_model
from anpr_engine.wire import SiteTopics

if TYPE_CHECKING:
    from servers import Broker

SITE = "yv"
"""A site of this test's own."""
REASON = ["--purpose", "error model", "--case", "MODEL-1"]
COUNT = 40


def verdict(number: int) -> bytes:
    """Write a verdict on a B that was taken for an 8."""
    row = {
        "alert_id": f"{number:032x}",
        "read_id": f"r-{number}",
        "decided_at": "2026-11-22T08:00:00Z",
        "verdict": "confirmed",
        "probability": 0.8,
        "plate_read": "1-A8C-123",
        "plate_seen": "1-ABC-123",
        "decided_by": "control-room-west",
    }
    return json.dumps(row).encode()


@pytest.fixture(scope="module")
def where(kafka: "Broker") -> list[str]:
    """Give a site whose topic holds verdicts and one line that is none."""
    topics = SiteTopics(SITE)
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap})
    new = [NewTopic(topics.audit, 1, 1), NewTopic(topics.feedback, 2, 1)]
    for made in admin.create_topics(new).values():
        made.result()
    producer = Producer({"bootstrap.servers": kafka.bootstrap})
    for number in range(COUNT):
        producer.produce(topics.feedback, verdict(number), partition=number % 2)
    producer.produce(topics.feedback, b"no verdict", partition=0)
    assert producer.flush(WAIT_S) == 0
    return ["--site", SITE, "--kafka", kafka.bootstrap]


def run(*words: str) -> Result:
    """Run `anpr errors` as one person."""
    named = {"ANPR_ACTOR": "modeller.1"}
    return CliRunner().invoke(command, list(words), env=named, catch_exceptions=False)


def acts(where: list[str]) -> list[dict[str, object]]:
    """Give the acts in the site's record."""
    log = HistorySettings(where[-1], SiteTopics(SITE).audit)
    return [json.loads(value) for _, _, value in committed_lines(log, lambda: False)]


def test_a_model_learns_from_the_sites_own_verdicts(where: list[str], tmp_path: Path) -> None:
    """All verdicts of the topic count, what is none is named, and the look stands in the record."""
    model = tmp_path / "model.json"
    done = run("fit", "--feedback", *where, *REASON, "--out", str(model), "--json")
    assert done.exit_code == 3
    report = json.loads(done.stdout)
    assert (report["verdict_pairs"], report["rejected"]) == (COUNT, 1)
    assert load_error_model(model).fitted_on.endswith(f"corrected by {COUNT} verdicts")
    last = acts(where)[-1]
    told = [last[name] for name in ("action", "actor", "purpose", "case_ref", "subject")]
    topic = SiteTopics(SITE).feedback
    assert told == ["data-looked-up", "modeller.1", "error model", "MODEL-1", topic]


def test_who_says_not_why_sees_nothing(where: list[str]) -> None:
    """Without purpose and case nothing is read, and nothing recorded."""
    before = len(acts(where))
    with pytest.raises(PolicyRefused, match="--case"):
        run("report", "--feedback", *where, "--purpose", "error model")
    assert len(acts(where)) == before


def test_the_report_asks_the_topic_too(where: list[str]) -> None:
    """What was said and what was confirmed, from a part of the topic in time."""
    told = json.loads(run("report", "--feedback", *where, *REASON, "--json").stdout)
    assert told["rejected"] == 1
    later = run("report", "--feedback", *where, *REASON, "--from", "2099-01-01T00:00:00Z", "--json")
    assert later.exit_code == 0
    assert json.loads(later.stdout)["rejected"] == 0
