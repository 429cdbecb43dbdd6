"""`list` and `show` of a list are proved: its entries, what it is said to be, since when."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from proved_world import (
    KEY,
    added,
    altered,
    now,
    put,
    removed,
    run,
    signed_session,
    signed_site,
    world,
)
from watchlist_world import entry

from anpr_engine.clock import SystemClock
from anpr_engine.errors import StoreNotTrusted
from anpr_engine.watchlist.acts import Act, ActKind
from anpr_engine.watchlist.redis_client import RedisSession
from anpr_engine.watchlist.redis_keys import COUNTS, LISTS
from anpr_engine.watchlist.redis_writer import StoreWriter
from anpr_engine.watchlist.refusal import Grounds, Refuser
from anpr_engine.watchlist.sealing import seal_store
from anpr_engine.watchlist.seals import Sealer

LIST = ("list", "--json")
SHOW = ("show", "--list", "wanted", "--json")


@pytest.fixture
def session(redis_url: str) -> Iterator[RedisSession]:
    """Give a store whose versions are signed; somebody may also reach it past the commands."""
    with signed_session(redis_url) as opened:
        yield opened


@pytest.fixture
def site(redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the settings of a site that asks for signatures."""
    return signed_site(redis_url, tmp_path, monkeypatch)


def writer(session: RedisSession, site: str = "be") -> StoreWriter:
    """Give a writer of signed versions."""
    return StoreWriter(session, site, SystemClock())


def counts(text: str) -> dict[str, int]:
    """Give the lists that were shown, with their entries."""
    rows = map(json.loads, text.splitlines())
    return {row["list_id"]: row["entries"] for row in rows}


def test_lists_as_they_were_signed_are_said_to_be(site: Path, session: RedisSession) -> None:
    """All of them and one, now and as of earlier; an empty one by what its entries said."""
    then = world(session)
    writer(session).put([entry(1, "gone"), entry(1, "others")])
    writer(session).remove([("gone", "e1")])
    for words, expected in (
        (LIST, {"wanted": 4, "gone": 0, "others": 1}),
        (SHOW, {"wanted": 4}),
        ((*SHOW, "--as-of", then), {"wanted": 4}),
        ((*LIST, "--as-of", then), {"wanted": 4}),
        ((*LIST, "--as-of", now()), {"wanted": 4, "gone": 0, "others": 1}),
    ):
        done = run(site, *words)
        assert (done.exit_code, counts(done.stdout)) == (0, expected), done.stderr
        assert f"signed with key {KEY.key_id}" in done.stderr
        assert "not checked" not in done.stderr


def said(session: RedisSession, **fields: object) -> None:
    """Say something else of the list."""
    text = session.ask("HGET", LISTS.name, "wanted")
    session.ask("HSET", LISTS.name, "wanted", json.dumps(json.loads(text) | fields))


def owned(session: RedisSession) -> None:
    """Give the list to somebody else."""
    said(session, owner="somebody else", category="other-than-it-was")


def made_earlier(session: RedisSession) -> None:
    """Say that the list is older than it is."""
    said(session, created_at="2020-01-01T00:00:00+00:00")


def hidden(session: RedisSession) -> None:
    """Take out what says what the list is."""
    session.ask("HDEL", LISTS.name, "wanted")


def counted(session: RedisSession) -> None:
    """Say that the list has more entries."""
    session.ask("HINCRBY", COUNTS.name, "wanted", 3)


def invented(session: RedisSession) -> None:
    """Put a list there that no version put."""
    text = json.loads(session.ask("HGET", LISTS.name, "wanted"))
    session.ask("HSET", LISTS.name, "ours", json.dumps(text | {"list_id": "ours"}))


OF_LIST: list[tuple[Callable[[RedisSession], None], str]] = [
    (owned, "List wanted is said to be what no entry said: category, owner."),
    (made_earlier, "List wanted was made at "),
    (hidden, "List wanted has 4 entries, and nothing says what it is."),
    (counted, "List wanted has 4 entries, and Redis says 7."),
    (altered, "Entry wanted/e2 was altered since version 2 put it there."),
    (removed, "Entry wanted/e2 is missing: version 2 put it there."),
    (added, "Entry wanted/e9 is in Redis, and no version put it there."),
]


@pytest.mark.parametrize(("tamper", "named"), OF_LIST)
def test_a_list_that_was_tampered_with_is_named(
    site: Path, session: RedisSession, tamper: Callable[[RedisSession], None], named: str
) -> None:
    """By `list` and by `show`, with exit code 1; at once and unproved it is shown as it stands."""
    world(session)
    tamper(session)
    for words in (LIST, SHOW):
        done = run(site, *words)
        assert isinstance(done.exception, StoreNotTrusted)
        assert named in done.stderr
        assert "checked against" not in done.stderr
        at_once = run(site, *words, "--unproved")
        assert "not checked: asked for with --unproved" in at_once.stderr
        assert named not in at_once.stderr


def test_a_list_that_no_version_made_is_named(site: Path, session: RedisSession) -> None:
    """It concerns whoever asks for all lists or for it, and nobody else."""
    world(session)
    invented(session)
    done = run(site, *LIST)
    assert isinstance(done.exception, StoreNotTrusted)
    assert "List ours is in Redis, and no version put it there." in done.stderr
    assert run(site, *SHOW).exit_code == 0
    assert isinstance(run(site, "show", "--list", "ours").exception, StoreNotTrusted)


def test_what_the_first_entry_said_may_have_been_changed_since(
    site: Path, session: RedisSession
) -> None:
    """The signed history still has it; without that nobody can tell, which is said."""
    for wanted, others in (("unit 7", "unit 9"), ("unit 8", "unit 8")):
        both = [entry(1, "wanted", owner=wanted), entry(1, "others", owner=others)]
        writer(session).put(both)
    done = run(site, *SHOW)
    assert (done.exit_code, json.loads(done.stdout)["owner"]) == (0, "unit 7")
    said(session, owner="unit 8")
    assert run(site, *SHOW).exit_code == 0
    said(session, owner="unit 9")
    assert "what no entry said: owner" in run(site, *SHOW).stderr


def test_what_came_before_signing_cannot_be_checked(
    site: Path, session: RedisSession, redis_url: str
) -> None:
    """Entries are counted all the same; what the list is, an entry of today may bear out."""
    with RedisSession(redis_url) as plain:
        put(plain, 1, owner="unit 7")
        put(plain, 1, owner="unit 8")
    seal_store(session, Sealer(KEY))
    done = run(site, *SHOW)
    assert (done.exit_code, counts(done.stdout)) == (0, {"wanted": 1})
    assert "not checked: what it is of list wanted" in done.stderr
    said(session, owner="unit 8")
    assert "not checked" not in run(site, *SHOW).stderr


def test_a_refusal_is_signed_by_no_version(site: Path, session: RedisSession) -> None:
    """It is shown, and said to be unchecked; the others are proved."""
    world(session)
    StoreWriter(session, "nl", SystemClock()).put([entry(1, "joint")])
    act = Act(ActKind.REFUSE, by="anna")
    Refuser(session, "be", SystemClock(), act).refuse("joint", Grounds(("own-law",), "no", "x"))
    done = run(site, *LIST)
    assert (done.exit_code, counts(done.stdout)) == (0, {"wanted": 4, "joint": 0}), done.stderr
    assert "not checked: that it was refused, and what it is of list joint" in done.stderr


def test_lists_that_nobody_sealed_yet_are_named(
    site: Path, session: RedisSession, redis_url: str
) -> None:
    """A version without a signature on top of signed ones: counted, and not vouched for."""
    world(session)
    fields = session.ask("HGETALL", "anpr:{wl}:manifest")[::2]
    seal = [name for name in fields if name.startswith(b"seal") or name == b"signature"]
    session.ask("HDEL", "anpr:{wl}:manifest", *seal)
    with RedisSession(redis_url) as plain:
        put(plain, 6)
    for words in (LIST, SHOW):
        done = run(site, *words)
        assert isinstance(done.exception, StoreNotTrusted)
        assert counts(done.stdout) == {"wanted": 5}
        assert "Not yet sealed: entry wanted/e6, version 8." in done.stderr


def test_others_may_change_lists_meanwhile(
    site: Path, session: RedisSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is counted is of one version, whatever is written while it is read."""
    world(session)
    ask_all, calls = RedisSession.ask_all, [0]

    def busy(self: RedisSession, commands: list[tuple[str, ...]]) -> list[object]:
        replies = ask_all(self, commands)
        if self is not session and commands[0][0] == "HGETALL" and "entries" in str(commands[0]):
            calls[0] += 1
            if calls[0] % 8 == 1:
                put(session, 10 + calls[0])
                writer(session).put([entry(1, f"new{calls[0]}")])
                writer(session).remove([("wanted", "e2")])
                put(session, 2)
        return replies

    monkeypatch.setattr(RedisSession, "ask_all", busy)
    done = run(site, *LIST)
    assert (done.exit_code, counts(done.stdout)) == (0, {"wanted": 4}), done.stderr
    assert calls[0] > 8
    assert run(site, *SHOW).exit_code == 0
