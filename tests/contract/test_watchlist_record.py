"""Every act on the lists is in the site's record, on a real broker and a real Redis."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from oracle_audit import chain_is_sound

from anpr_engine.audit.chain import chain_name
from anpr_engine.cli import desk
from anpr_engine.cli.watchlist import command
from anpr_engine.errors import BrokerUnavailable
from anpr_engine.kafka.audit_log import committed_lines
from anpr_engine.kafka.history import HistorySettings
from anpr_engine.watchlist.embedded import EmbeddedRedis
from anpr_engine.wire import SiteTopics

if TYPE_CHECKING:
    from servers import Broker

SITE = "yx"
"""A site that no other test writes the record of."""
ROWS = "plate,entry_id,purpose,sharing\n1-TST-771,a,burglary,own\n1-TST-772,b,burglary,nl\n"
Run = Callable[..., Result]


@pytest.fixture
def run(redis_servers: Callable[[str], EmbeddedRedis], kafka: "Broker") -> Run:
    """Give a caller of the command for a site whose record is required."""
    server = redis_servers("redis")
    server.wipe()
    env = {
        "ANPR_REDIS_URL": server.url,
        "ANPR_SITE": SITE,
        "ANPR_KAFKA": kafka.bootstrap,
        "ANPR_AUDIT__REQUIRED": "true",
        "ANPR_WATCHLIST__APPROVAL": "abroad",
    }

    def call(*words: str, **more: str) -> Result:
        return CliRunner().invoke(command, list(words), env=env | more)

    return call


def recorded(kafka: "Broker") -> list[dict[str, Any]]:
    """Give the events of the site's record; its chain has to be sound."""
    log = HistorySettings(kafka.bootstrap, SiteTopics(SITE).audit)
    lines = [value for _, _, value in committed_lines(log, lambda: False)]
    assert chain_is_sound(chain_name(SITE, "desk"), lines)
    return [json.loads(line) for line in lines]


def test_each_act_is_in_the_record_and_no_plate(run: Run, kafka: "Broker", tmp_path: Path) -> None:
    """Who, what, why and how many; where the record cannot be written, nothing is done."""
    (tmp_path / "list.csv").write_text(ROWS)
    imported = ("import", f"{tmp_path}/list.csv", "--list", "L", "--by", "anna", "--reason", "new")
    refused = run(*imported)
    assert "topic" in str(refused.exception).lower()
    assert run("list", "--json").stdout == ""
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap})
    for made in admin.create_topics([NewTopic(SiteTopics(SITE).audit, 1, 1)]).values():
        made.result()

    sums = json.loads(run(*imported, "--json").stdout)
    assert (sums["added"], sums["waiting"]) == (1, 1)
    assert run("approve", sums["proposal"], "--by", "bram").exit_code == 0
    why = ("--by", "carl", "--purpose", "burglary", "--case", "B-12")
    assert run("show", "--list", "L", "--entry", "a", *why).exit_code == 0
    assert len(run("export", "--list", "L", *why).stdout.splitlines()) == 3
    gone = run("withdraw", "--list", "L", "--entry", "a", "--reason", "car found", *why)
    assert gone.exit_code == 0
    assert run("history", *why).exit_code == 0

    events = recorded(kafka)
    told = [(each["action"], each["actor"], each["subject"].split(":")[0]) for each in events]
    assert told == [
        ("watchlist-changed", "anna", "import"),
        ("watchlist-changed", "anna", "import"),
        ("change-approved", "bram", "approval begun"),
        ("change-approved", "bram", "approved"),
        ("data-looked-up", "carl", "look at an entry"),
        ("data-exported", "carl", "export"),
        ("watchlist-changed", "carl", "withdraw"),
        ("watchlist-changed", "carl", "withdraw"),
        ("data-looked-up", "carl", "history of the lists"),
    ]
    done, looked, exported, withdrawn = (events[n] for n in (1, 4, 5, 7))
    assert (done["rows"], done["list_id"]) == (1, "L")
    assert (looked["entry_id"], looked["purpose"], looked["case_ref"]) == ("a", "burglary", "B-12")
    assert (exported["rows"], withdrawn["rows"], withdrawn["entry_id"]) == (2, 1, "a")
    assert "reason: car found" in withdrawn["subject"]
    shown = json.dumps(events).upper().replace("-", "")
    assert not any(plate in shown for plate in ("1TST771", "1TST772"))


def test_where_it_is_not_required_an_act_goes_on_and_it_is_told(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the broker gone, the change is made, and a warning says that the record lacks it."""

    def nobody(*_: object) -> None:
        raise BrokerUnavailable("Nobody answers.", "Look.")

    monkeypatch.setattr(desk, "write_acts", nobody)
    add = ("add", "--list", "L", "--plate", "1TST771", "--by", "anna")
    refused = run(*add)
    assert isinstance(refused.exception, BrokerUnavailable)
    assert run("list", "--json").stdout == ""
    result = run(*add, ANPR_AUDIT__REQUIRED="false")
    assert result.exit_code == 0
    assert "not in the record: Nobody answers" in result.stderr
    assert json.loads(run("list", "--json").stdout)["entries"] == 1
