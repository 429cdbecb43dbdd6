"""Leave of a second person: looks and replays that a site lets nobody make alone."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from anpr_engine.cli.replay import command as replay
from anpr_engine.cli.watchlist import command
from anpr_engine.errors import AnprError, InputFileError, PolicyRefused
from anpr_engine.kafka.audit_log import committed_lines
from anpr_engine.kafka.history import HistorySettings
from anpr_engine.wire import SiteTopics

if TYPE_CHECKING:
    from servers import Broker

SITE = "yw"
"""A site that no other test writes the record of."""
WHY = ("--purpose", "burglary", "--case", "B-12")
SHOW = ("show", "--list", "L", "--entry", "a", "--by", "anna")
READ = {
    "read_id": "r1",
    "camera_id": "c",
    "captured_at": "2026-11-22T09:00:00Z",
    "plate": "1-TST-001",
}


@pytest.fixture(autouse=True)
def site(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every command work on a list of one entry, at a site that asks for leave."""
    monkeypatch.setenv("ANPR_REDIS_URL", redis_url)
    monkeypatch.setenv("ANPR_SITE", SITE)
    monkeypatch.setenv("ANPR_AUDIT__LEAVE", "all")
    for name in ("ANPR_USER", "ANPR_ACTOR", "ANPR_KAFKA", "ANPR_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    entry = ("--list", "L", "--plate", "1TST001", "--entry", "a", "--purpose", "burglary")
    run("add", *entry, "--by", "anna")


def run(*words: str, **more: str) -> Result:
    """Call the command; an error of ours is raised."""
    return _raised(CliRunner().invoke(command, list(words), env=more))


def _raised(result: Result) -> Result:
    if isinstance(result.exception, AnprError):
        raise result.exception
    return result


def leave(kind: str = "look-up", by: str = "anna", why: tuple[str, ...] = WHY) -> str:
    """Have somebody ask for leave, and bram give it."""
    made = run("request", kind, "--by", by, *why, "--json")
    proposal: str = json.loads(made.stdout)["proposal_id"]
    run("approve", proposal, "--by", "bram")
    return proposal


@pytest.mark.parametrize(
    "words",
    [
        SHOW,
        ("export", "--list", "L", "--by", "anna"),
        ("history", "--entry", "a", "--by", "anna", "--json"),
    ],
)
def test_a_look_needs_a_leave_which_holds_once(words: tuple[str, ...]) -> None:
    """Without it nothing is shown; with it the look is given, and not a second time."""
    with pytest.raises(PolicyRefused, match="request look-up"):
        run(*words, *WHY)
    given = leave()
    assert run(*words, *WHY, "--leave", given).stdout
    with pytest.raises(PolicyRefused, match="nothing of this kind now"):
        run(*words, *WHY, "--leave", given)


def test_a_leave_holds_for_what_it_was_given_for() -> None:
    """Not for another case, purpose, person or kind of act, nor before it is given."""
    given = leave()
    for why in (("--purpose", "burglary", "--case", "B-13"), ("--case", "B-12"), ()):
        with pytest.raises(PolicyRefused, match="another purpose or case"):
            run(*SHOW, *why, "--leave", given)
    for wrong in (leave(by="carl"), leave("replay")):
        with pytest.raises(PolicyRefused, match="nothing of this kind"):
            run(*SHOW, *WHY, "--leave", wrong)
    asked = json.loads(run("request", "look-up", "--by", "anna", *WHY, "--json").stdout)
    with pytest.raises(PolicyRefused, match="nothing of this kind"):
        run(*SHOW, *WHY, "--leave", asked["proposal_id"])
    with pytest.raises(InputFileError, match="no such proposal"):
        run(*SHOW, *WHY, "--leave", "0123456789ab")
    assert run(*SHOW, "--purpose", "Burglary", "--case", "b-12", "--leave", given).exit_code == 0


def test_what_shows_no_entry_needs_none() -> None:
    """The lists, a list, who changed what, and what waits for approval."""
    for words in (("list",), ("show", "--list", "L"), ("history",), ("proposals",)):
        assert run(*words).exit_code == 0


@pytest.mark.parametrize("rule", ["none", "replay"])
def test_a_site_that_asks_for_none_takes_one_all_the_same(rule: str) -> None:
    """A look goes on without; whoever names a leave names a good one, and uses it up."""
    assert run(*SHOW, ANPR_AUDIT__LEAVE=rule).exit_code == 0
    given = leave()
    assert run(*SHOW, *WHY, "--leave", given, ANPR_AUDIT__LEAVE=rule).exit_code == 0
    with pytest.raises(PolicyRefused, match="nothing of this kind now"):
        run(*SHOW, *WHY, "--leave", given, ANPR_AUDIT__LEAVE=rule)


def test_a_replay_needs_a_leave_and_all_is_recorded(kafka: "Broker", tmp_path: Path) -> None:
    """Without it no read is fetched; asking, giving and using it stand in the record."""
    topics = SiteTopics(SITE)
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap})
    # Another kind of Redis may have had its turn on this broker.
    there = admin.list_topics(timeout=20).topics
    names = [name for name in (topics.audit, topics.reads) if name not in there]
    if names:
        for made in admin.create_topics([NewTopic(name, 1, 1) for name in names]).values():
            made.result()
    producer = Producer({"bootstrap.servers": kafka.bootstrap})
    producer.produce(topics.reads, json.dumps(READ).encode())
    assert producer.flush(20) == 0
    place = {"ANPR_KAFKA": kafka.bootstrap, "ANPR_AUDIT__LEAVE": "replay"}
    out = tmp_path / "hits.jsonl"
    words = ["--from-offset", "0:0", "--out", str(out), "--workers", "1", "--as", "anna", *WHY]

    def replayed(*more: str) -> Result:
        return _raised(CliRunner().invoke(replay, [*words, *more], env=place))

    with pytest.raises(PolicyRefused, match="request replay"):
        replayed()
    asked = run("request", "replay", "--by", "anna", *WHY, "--json", **place)
    given = json.loads(asked.stdout)["proposal_id"]
    with pytest.raises(PolicyRefused, match="nothing of this kind"):
        replayed("--leave", given)
    assert not out.exists()
    run("approve", given, "--by", "bram", **place)
    assert replayed("--leave", given).exit_code == 0
    assert {json.loads(line)["entry_id"] for line in out.read_text().splitlines()} == {"a"}
    with pytest.raises(PolicyRefused, match="nothing of this kind"):
        replayed("--leave", given)
    log = HistorySettings(kafka.bootstrap, topics.audit)
    lines: list[dict[str, Any]] = [
        json.loads(value) for _, _, value in committed_lines(log, lambda: False)
    ]
    told = [(each["action"], each["actor"]) for each in lines if given in each["subject"]]
    assert told == [
        ("leave-asked", "anna"),
        ("change-approved", "bram"),
        ("reads-replayed", "anna"),
    ]
