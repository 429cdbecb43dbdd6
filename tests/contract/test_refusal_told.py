"""`anpr watchlist refuse` on a real broker and Redis: the provider is told, and can check it."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner, Result
from hits_world import WHY, HitsWorld, hits_world
from watchlist_world import World, entry

from anpr_engine.audit.signing import SecretKey, write_pair
from anpr_engine.cli.watchlist import command
from anpr_engine.clock import SystemClock
from anpr_engine.errors import InputFileError, UsageError
from anpr_engine.records.messages import Refusal
from anpr_engine.watchlist.delivery import Delivery, SiteStore
from anpr_engine.watchlist.embedded import EmbeddedRedis
from anpr_engine.watchlist.refusal import digest_of_ids
from anpr_engine.wire import REPORTS_TOPIC, SiteTopics

BE, NL = SecretKey.new(), SecretKey.new()
REFUSE = (
    *("refuse", "--list", "joint", "--ground", "own-law", "--ground", "no-capacity"),
    *("--reason", "no basis here", "--by", "anna", "--unit", "contact point"),
    *("--purpose", "burglary", "--case", "BE-7"),
)
Run = Callable[..., Result]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HitsWorld]:
    """Give a broker with both sites' topics, and their keys."""
    with hits_world(tmp_path_factory.mktemp("t")) as made:
        for site, key in (("be", BE), ("nl", NL)):
            write_pair(made.folder / f"{site}.key", key)
        yield made


@pytest.fixture
def run(
    desk: HitsWorld, redis_servers: Callable[[str], EmbeddedRedis], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Run]:
    """Give a caller of the command at be, which received two entries of a list of nl."""
    servers = [redis_servers("redis"), redis_servers("valkey")]
    for server in servers:
        server.wipe()
    here, there = World(servers[0].url, "nl"), World(servers[1].url, "be")
    with here.session, there.session:
        given = {"list_id": "joint", "sharing": "be"}
        here.writer.put([entry(1, **given), entry(2, **given), entry(3, "own")])
        ends = SiteStore("nl", here.session), SiteStore("be", there.session)
        assert Delivery(*ends, SystemClock()).step()
        monkeypatch.setenv("ANPR_REDIS_URL", there.url)
        monkeypatch.setenv("ANPR_SITE", "be")
        known = [f"{site}={desk.folder / site}.key.pub" for site in ("be", "nl")]
        monkeypatch.setenv("ANPR_FEEDBACK__KEYS", json.dumps(known))
        for name in ("ANPR_KAFKA", "ANPR_WATCHLIST_KEY", "ANPR_CONFIG"):
            monkeypatch.delenv(name, raising=False)

        def call(*words: str) -> Result:
            done = CliRunner().invoke(command, words)
            if done.exception is not None and not isinstance(done.exception, SystemExit):
                raise done.exception
            return done

        deliver = ("--site", "nl", "--redis", here.url, "--to-redis", there.url, "--to-site", "be")
        yield lambda *words: call(words[0], *(deliver if words[0] == "deliver" else words[1:]))


def _reports(desk: HitsWorld, site: str) -> dict[str, str]:
    done = desk.run("reports", *WHY, "--json", site=site)
    assert done.exit_code == 0, done.output
    told = [json.loads(line) for line in done.stdout.splitlines()]
    return {each["message_id"]: each["proof"] for each in told}


def test_the_provider_is_told_and_sees_who_signed(
    desk: HitsWorld, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once, signed, with digest and version; without Kafka first, and told when run again."""
    monkeypatch.setenv("ANPR_ALERTS__SIGNING_KEY", str(desk.folder / "be.key"))
    alone = run(*REFUSE, "--json")
    assert "the provider was not told" in alone.stderr
    message = Refusal.model_validate_json(alone.stdout)
    assert (message.site, message.provider, message.list_id) == ("be", "nl", "joint")
    assert message.reasons == ["own-law", "no-capacity"]
    assert message.destruction.manifest_sha256 == digest_of_ids(["e1", "e2"])
    assert (message.list_version, message.destruction.entries) == (1, 2)
    monkeypatch.setenv("ANPR_KAFKA", desk.bootstrap)
    for _ in range(2):
        told = run(*REFUSE, "--json")
        assert (told.stdout, told.stderr) == (alone.stdout, "")
    assert _reports(desk, "nl") == {message.message_id: "signed"}
    assert _reports(desk, "be") == {}
    table = desk.run("reports", *WHY, site="nl").stdout
    assert "refusal" in table
    assert "joint" in table
    lines = [each for each in desk.records(SiteTopics("be").audit) if each["list_id"] == "joint"]
    assert [each["actor"] for each in lines] == ["anna"] * 2
    assert lines[0]["subject"] == "refuse: 0 removed, destruction proved; reason: no basis here"
    (first, *_) = [each for each in desk.records(REPORTS_TOPIC) if each["list_id"] == "joint"]
    forged = Refusal.model_validate_json(json.dumps(first | {"message_id": "0f" * 16}))
    desk.write(REPORTS_TOPIC, b"joint/", forged.model_dump_json().encode())
    assert _reports(desk, "nl") == {message.message_id: "signed", "0f" * 16: "unsigned"}
    monkeypatch.setenv("ANPR_FEEDBACK__SIGNED_ONLY", "true")
    assert _reports(desk, "nl") == {message.message_id: "signed"}


def test_a_delivery_says_that_the_list_was_refused(run: Run) -> None:
    """And what to do; once it is accepted, it comes again."""
    assert run("refuse", *REFUSE[1:]).stdout == "refused: list joint, 2 entries destroyed\n"
    left_out = run("deliver")
    assert left_out.stdout == "0 added, 0 changed, 0 removed\n"
    assert "the target refused list joint" in left_out.stderr
    assert "anpr watchlist accept" in left_out.stderr
    accepted = run("accept", "--list", "joint", "--by", "anna", "--reason", "agreed")
    assert accepted.stdout == "accepted: list joint may come again\n"
    assert run("deliver").stdout == "2 added, 0 changed, 0 removed\n"


def test_how_it_stood_is_an_error_and_when_it_went_is_not(run: Run) -> None:
    """`--as-of` says that the list was destroyed, `history` who did that, `list` still names it."""
    at = datetime.now(UTC).isoformat()
    run("refuse", *REFUSE[1:])
    with pytest.raises(InputFileError, match="destroyed"):
        run("export", "--list", "joint", "--as-of", at)
    assert "refuse" in run("history", "--list", "joint").stdout
    shown = json.loads(run("list", "--json").stdout.splitlines()[0])
    assert (shown["list_id"], shown["entries"]) == ("joint", 0)
    assert shown["refusal"]["grounds"] == ["own-law", "no-capacity"]


@pytest.mark.parametrize("left_out", ["--reason", "--by", "--purpose", "--case"])
def test_a_refusal_says_who_and_why(run: Run, left_out: str) -> None:
    """Without one of them nothing is done."""
    place = REFUSE.index(left_out)
    with pytest.raises(UsageError, match=left_out):
        run(*REFUSE[:place], *REFUSE[place + 2 :])
    assert run("export", "--list", "joint").stdout.count("\n") == 3
