"""Redis as `deploy/redis` sets it up: TLS with client certificates, and users by role."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from certificates import Authority
from redis_machines import Machine
from redis_sites import Site
from watchlist_world import CHANGES, ENTRIES, MANIFEST, World, entries_in_use, entry, until

from anpr_engine.clock import SystemClock
from anpr_engine.errors import StoreError, StoreRefused, StoreUnavailable
from anpr_engine.watchlist.acts import Act, ActKind
from anpr_engine.watchlist.approval import Approval, GuardedWriter, Guards
from anpr_engine.watchlist.checks import check_store
from anpr_engine.watchlist.history import History
from anpr_engine.watchlist.proposals import Decision, Proposals
from anpr_engine.watchlist.purge import Forgotten, forget_older
from anpr_engine.watchlist.redis_client import RedisSession
from anpr_engine.watchlist.redis_copies import rewrite_everywhere
from anpr_engine.watchlist.redis_wire import Command
from anpr_engine.watchlist.refusal import Grounds, Refuser


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Give one Redis for all tests of this file."""
    with ExitStack() as stack:
        yield Site(tmp_path_factory.mktemp("tls"), stack)


@pytest.fixture
def editor(site: Site) -> Iterator[World]:
    """Give the empty store as whoever keeps the lists sees it."""
    world = World(site.url("anpr-editor"))
    names = ("manifest", "lists", "counts", "profiles", "changes", "delivered", "history")
    world.session.ask_all([("DEL", f"anpr:{{wl}}:{name}") for name in names])
    world.session.ask_all([("DEL", f"{ENTRIES}:{bucket}") for bucket in range(1024)])
    yield world
    world.session.close()


def test_lists_are_kept_and_followed_over_tls(site: Site, editor: World) -> None:
    """The whole way with client certificates and separate users."""
    editor.writer.put([entry(1), entry(2)])
    editor.writer.remove([("wanted", "e1")])
    editor.writer.note_delivery("nl", b"{}")
    engine = World(site.url("anpr-engine"))
    with engine.follower() as follower:
        assert entries_in_use(follower) == 1
        editor.writer.put([entry(3)])
        until(lambda: entries_in_use(follower) == 2)
    engine.session.close()


def test_an_editor_may_do_all_that_commands_do(editor: World) -> None:
    """Proposals, guards, history, its purge, receipts and entries are in an editor's reach."""
    clock, act = SystemClock(), Act(ActKind.OTHER, by="a person")
    Guards(editor.session, clock).put("wanted", "a person")
    writer = GuardedWriter(editor.session, "be", clock, act, rule=Approval.ALL)
    writer.put([entry(1)])
    proposal = writer.submit("wanted", 1.0)
    assert proposal is not None
    Guards(editor.session, clock).remove("wanted")
    editor.writer.put([entry(2)])
    History(editor.session).purge(clock.now_us(), 1.0)
    assert [each.entry_id for each in editor.reader.entries()] == ["e2"]
    assert list(editor.reader.entry_ids("wanted")) == ["e2"]
    assert editor.reader.entry("wanted", "e2") is not None
    Proposals(editor.session, clock).reject(proposal.proposal_id, Decision("another"))
    Refuser(editor.session, "nl", clock, act).refuse("wanted", Grounds(("own-law",), "no", "x"))
    assert list(editor.reader.entry_ids("wanted")) == []
    assert forget_older(editor.session, clock, 1.0) == Forgotten(0, 0, 0)
    (written,) = rewrite_everywhere(editor.session, clock)
    assert written.files == ["append-only file"]


def test_a_watcher_can_do_what_the_doctor_does(site: Site, editor: World) -> None:
    """State, version, clock and sums; no finding fails, and no entry is in reach."""
    editor.writer.put([entry(1)])
    findings = list(check_store(site.url("anpr-watch"), SystemClock()))
    assert {each.state for each in findings} == {"ok"}
    told = {each.check: each.what for each in findings}
    assert told["tls"] == "on, with a certificate of this client"
    assert told["role"] == "the primary (standalone); user anpr-watch"
    assert told["signature"] == "versions are not signed, and need not be"
    assert told.keys() >= {"redis", "clock", "lists"}


FORBIDDEN: dict[str, list[Command]] = {
    "anpr-engine": [
        *(("HSET", MANIFEST, "version", 9), ("DEL", MANIFEST), ("XADD", CHANGES, "*", "a", "b")),
        *(("HGETALL", "anpr:{wl}:proposals"), ("XRANGE", "anpr:{wl}:history", "-", "+")),
        *(("INFO",), ("WATCH", MANIFEST), ("HSCAN", f"{ENTRIES}:1", 0)),
    ],
    "anpr-editor": [("HSET", "other", "a", "b"), ("INFO",), ("RENAME", MANIFEST, MANIFEST)],
    "anpr-watch": [
        *(("HVALS", f"{ENTRIES}:1"), ("HGETALL", "anpr:{wl}:profiles"), ("XRANGE", CHANGES, 0, 1)),
        *(("HSET", MANIFEST, "version", 9), ("HGETALL", "anpr:{wl}:delivered")),
    ],
    "anpr-replica": [("HGETALL", MANIFEST), ("INFO",)],
    "anpr-sentinel": [("HGETALL", MANIFEST), ("CONFIG", "GET", "*")],
}
FORBIDDEN_TO_ALL: list[Command] = [
    *(("FLUSHALL",), ("FLUSHDB",), ("KEYS", "*"), ("SCAN", 0), ("CONFIG", "SET", "save", "")),
    *(("EVAL", "return 1", 0), ("FUNCTION", "LIST"), ("RESTORE", "a", 0, "b"), ("DUMP", MANIFEST)),
    *(("ACL", "LIST"), ("SHUTDOWN",), ("MONITOR",), ("SAVE",), ("SORT", "a")),
    *(("CLIENT", "LIST"), ("SWAPDB", 0, 1), ("MIGRATE", "h", 1, "k", 0, 1), ("GET", "a")),
]


@pytest.mark.parametrize("role", sorted(FORBIDDEN))
def test_a_role_can_do_nothing_else(site: Site, role: str) -> None:
    """Every other command, and every command on other keys, is refused."""
    with RedisSession(site.url(role)) as session:
        for command in [*FORBIDDEN[role], *FORBIDDEN_TO_ALL]:
            with pytest.raises(StoreRefused):
                session.ask_all([command])
        for command in (("DEBUG", "SLEEP", 0), ("MODULE", "LIST")):
            with pytest.raises(StoreError):
                session.ask_all([command])


def test_nobody_comes_in_without_a_name(site: Site) -> None:
    """The default user is off, and a wrong password gets nowhere."""
    place = f"rediss://127.0.0.1:{site.machine.port}/0?{site.url('x').partition('?')[2]}"
    for url in (place, site.url("anpr-engine").replace(":anpr-engine@", ":wrong@")):
        with RedisSession(url) as session, pytest.raises(StoreRefused):
            session.ask("HGETALL", MANIFEST)


def test_what_tls_finds_wrong_is_said(site: Site, tmp_path: Path) -> None:
    """Each cause has a sentence of its own that ends with what to do."""
    stranger = Authority(tmp_path, "stranger")
    own, late = stranger.sign("other"), site.authority.sign("late", days=-1)
    for given in (own, late):
        # Which of two sentences, depends on whether our first words or its refusal are faster.
        text = site.refusal("anpr-engine", ssl_certfile=given[0], ssl_keyfile=given[1])
        assert "?ssl_certfile" in text
    told = {
        "demands a certificate": site.refusal("anpr-engine", ssl_certfile=None, ssl_keyfile=None),
        "is not trusted here": site.refusal("anpr-engine", ssl_ca_certs=stranger.ca),
        "does not fit its certificate": site.refusal("anpr-engine", ssl_keyfile=own[1]),
        "holds no certificate or key": site.refusal("anpr-engine", ssl_certfile=own[1]),
    }
    for sentence, text in told.items():
        assert sentence in text
        assert "?ssl_" in text or "ssl_keyfile" in text
        assert "anpr-engine" not in text


def test_a_certificate_for_another_host_is_refused(tmp_path: Path) -> None:
    """The name in the certificate counts, and that it has not expired."""
    authority = Authority(tmp_path, "site")
    for name, host, days, sentence in (
        ("named", "redis.example", 1, "for another host"),
        ("expired", "127.0.0.1", -1, "has expired"),
    ):
        server = authority.sign(name, host, days)
        options = ["--port", "0", "--tls-port", "PORT", "--tls-auth-clients", "no"]
        options += ["--tls-cert-file", str(server[0]), "--tls-key-file", str(server[1])]
        options += ["--tls-ca-cert-file", str(authority.ca)]
        with Machine(tmp_path / name, options) as machine:
            url = f"rediss://127.0.0.1:{machine.port}?ssl_ca_certs={authority.ca}"
            with RedisSession(url) as session, pytest.raises(StoreRefused, match=sentence):
                session.ask("PING")


def test_plain_and_encrypted_are_told_apart(site: Site, tmp_path: Path) -> None:
    """Neither TLS on a plain port nor plain words on a TLS port get an answer."""
    with Machine(tmp_path / "plain") as machine:
        url = f"rediss://127.0.0.1:{machine.port}?ssl_ca_certs={site.authority.ca}"
        with RedisSession(url) as session, pytest.raises(StoreUnavailable, match="in time"):
            session.ask("PING")
    with (
        RedisSession(f"redis://127.0.0.1:{site.machine.port}") as session,
        pytest.raises(StoreUnavailable),
    ):
        session.ask("PING")
