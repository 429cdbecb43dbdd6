"""What `show` and `export` give is proved, now and as of earlier; what nobody signed is named."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from proved_world import (
    KEY,
    OTHER,
    altered,
    exported,
    ids,
    now,
    pairs,
    put,
    run,
    signed_session,
    signed_site,
    world,
)
from watchlist_world import entry

from anpr_engine.clock import SystemClock
from anpr_engine.errors import StoreNotTrusted
from anpr_engine.watchlist.history_seals import history_seal
from anpr_engine.watchlist.manifest import HistorySeal
from anpr_engine.watchlist.redis_client import RedisSession
from anpr_engine.watchlist.redis_keys import CHANGES, HISTORY, MANIFEST
from anpr_engine.watchlist.redis_reader import StoreReader
from anpr_engine.watchlist.redis_writer import StoreWriter
from anpr_engine.watchlist.sealing import seal_store
from anpr_engine.watchlist.seals import Sealer


@pytest.fixture
def session(redis_url: str) -> Iterator[RedisSession]:
    """Give a store whose versions are signed; somebody may also reach it past the commands."""
    with signed_session(redis_url) as opened:
        yield opened


@pytest.fixture
def site(redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the settings of a site that asks for signatures."""
    return signed_site(redis_url, tmp_path, monkeypatch)


def test_what_is_as_it_was_signed_is_said_to_be(site: Path, session: RedisSession) -> None:
    """Now and as of earlier; by version and key, and how far it was gone back."""
    then = world(session)
    found = exported(site)
    assert (found.exit_code, ids(found)) == (0, {"e1", "e2", "e3", "e5"})
    assert "checked against version 7 of " in found.stderr
    assert f"signed with key {KEY.key_id}" in found.stderr
    earlier = exported(site, "--as-of", then)
    assert (earlier.exit_code, ids(earlier)) == (0, {"e1", "e2", "e3", "e4"})
    assert "gone back to version 4 by 3 records" in earlier.stderr
    shown = run(site, "show", "--list", "wanted", "--entry", "e3")
    assert shown.exit_code == 0
    assert "corrected" in shown.stdout
    assert "checked against version 7" in shown.stderr
    before = run(site, "show", "--list", "wanted", "--entry", "e3", "--as-of", then)
    assert "corrected" not in before.stdout
    assert "checked against version 7" in before.stderr


def test_an_entry_is_shown_at_once_without_proof_if_asked(
    site: Path, session: RedisSession
) -> None:
    """What is altered is not noticed then, and it is said that nothing was checked."""
    world(session)
    altered(session)
    asked = ("show", "--list", "wanted", "--entry", "e3")
    assert run(site, *asked).exit_code == 1
    shown = run(site, *asked, "--unproved")
    assert shown.exit_code == 0
    assert shown.stderr.count("not checked: asked for with --unproved") == 1


def test_without_keys_it_is_said_that_nothing_was_checked(
    site: Path, session: RedisSession
) -> None:
    """The lists are shown as before."""
    world(session)
    site.write_text(site.read_text().partition("[watchlist]")[0])
    found = exported(site)
    assert (found.exit_code, len(ids(found))) == (0, 4)
    assert "not checked: watchlist.manifest_keys names no key" in found.stderr


@pytest.mark.parametrize("place", ["manifest", "history"])
def test_a_seal_by_another_key_is_named(
    site: Path, session: RedisSession, redis_url: str, place: str
) -> None:
    """Whoever signs with a key of his own vouches for nothing."""
    then = world(session)
    if place == "manifest":
        altered(session)
        with RedisSession(redis_url) as plain:
            seal_store(plain, Sealer(OTHER))
    else:
        records = session.ask("XRANGE", HISTORY.name, "-", "+")
        session.ask("DEL", HISTORY.name)
        for version, pairs in records:
            key = OTHER if version == b"7-0" else KEY
            parts = [each.replace(KEY.key_id.encode(), key.key_id.encode()) for each in pairs]
            session.ask("XADD", HISTORY.name, version, *parts)
    for words in ((), ("--as-of", then)):
        done = exported(site, *words)
        assert isinstance(done.exception, StoreNotTrusted)
        assert "a key that is not trusted here" in done.stderr + str(done.exception)


def unsealed(session: RedisSession, url: str, number: int, **fields: object) -> None:
    """Make a version as an engine of before signing does: it knows nothing of seals."""
    manifest = StoreReader(session).manifest()
    assert manifest is not None
    fields_of_seal = [name for name, _ in pairs(session.ask("HGETALL", MANIFEST.name))]
    names = [name for name in fields_of_seal if name.startswith(b"seal") or name == b"signature"]
    if names:
        session.ask("HDEL", MANIFEST.name, *names)
    with RedisSession(url) as plain:
        StoreWriter(plain, "be", SystemClock()).put([entry(number, "wanted", **fields)])


def test_what_lies_after_the_last_seal_is_said_to_be_not_yet_sealed(
    site: Path, session: RedisSession, redis_url: str
) -> None:
    """What is shown of it fails, by name; what was there before is proved all the same."""
    then = world(session)
    unsealed(session, redis_url, 6)
    unsealed(session, redis_url, 1, note="by nobody")
    done = exported(site)
    assert isinstance(done.exception, StoreNotTrusted)
    assert ids(done) == {"e1", "e2", "e3", "e5", "e6"}
    assert "not yet sealed: versions 8 to 9" in done.stderr
    assert "Not yet sealed: entry wanted/e6, version 8." in done.stderr
    assert "Not yet sealed: entry wanted/e1, version 9." in done.stderr
    shown = run(site, "show", "--list", "wanted", "--entry", "e2")
    assert shown.exit_code == 0
    assert "not yet sealed: versions 8 to 9" in shown.stderr
    assert isinstance(
        run(site, "show", "--list", "wanted", "--entry", "e1").exception, StoreNotTrusted
    )
    earlier = exported(site, "--as-of", then)
    assert (earlier.exit_code, ids(earlier)) == (0, {"e1", "e2", "e3", "e4"})
    with RedisSession(redis_url) as plain:
        StoreWriter(plain, "be", SystemClock()).remove([("wanted", "e5")])
    altered(session)
    done = exported(site, "--as-of", then)
    named = [line for line in done.stderr.splitlines() if line.startswith("Entry")]
    assert named == ["Entry wanted/e2 was altered since version 2 put it there."]


def test_a_version_that_only_the_manifest_tells_is_no_version(
    site: Path, session: RedisSession
) -> None:
    """Without a record of its own nothing says what it changed."""
    world(session)
    session.ask("HSET", MANIFEST.name, "version", 8)
    assert isinstance(exported(site).exception, StoreNotTrusted)


@pytest.mark.parametrize(("field", "value"), [("entries", 99), ("token", "0" * 16)])
def test_a_manifest_that_was_altered_is_named(
    site: Path, session: RedisSession, field: str, value: object
) -> None:
    """Its own record is signed, so it is no version that nobody signed yet."""
    world(session)
    session.ask("HSET", MANIFEST.name, field, str(value))
    done = exported(site)
    assert isinstance(done.exception, StoreNotTrusted)
    assert "does not bear out its signature" in str(done.exception)


def test_below_what_nobody_signed_lies_a_version_that_holds(
    site: Path, session: RedisSession, redis_url: str
) -> None:
    """Where the newest one that says so was altered, nothing is proved by it."""
    world(session)
    records = session.ask("XRANGE", CHANGES.name, "-", "+")
    unsealed(session, redis_url, 6)
    (newest,) = session.ask("XREVRANGE", CHANGES.name, "+", "-", "COUNT", 1)
    assert "checked against version 7" in exported(site).stderr
    session.ask("DEL", CHANGES.name)
    for version, parts in [*records, newest]:
        altered_parts = [b"0" * 16 if each == parts[3] else each for each in parts]
        session.ask("XADD", CHANGES.name, version, *(altered_parts if version == b"7-0" else parts))
    done = exported(site)
    assert isinstance(done.exception, StoreNotTrusted)
    assert "newest version is not signed" in str(done.exception)


def test_an_empty_store_is_not_said_to_be_checked(site: Path, session: RedisSession) -> None:
    """Nothing was signed, so nothing is proved; what stands there all the same is named."""
    done = exported(site)
    assert (done.exit_code, done.stdout) == (0, "")
    assert "not checked: Redis holds no version of the lists" in done.stderr
    world(session)
    session.ask("DEL", MANIFEST.name, HISTORY.name)
    done = exported(site)
    assert isinstance(done.exception, StoreNotTrusted)
    assert "Entry wanted/e5 is in Redis, and no version put it there." in done.stderr


def test_a_record_of_another_row_of_versions_fails_what_needs_it(
    site: Path, session: RedisSession
) -> None:
    """Signed by the right key for the right version, and not what the next one followed."""
    then = world(session)
    manifest = StoreReader(session).manifest()
    assert manifest is not None
    records = session.ask("XRANGE", HISTORY.name, "-", "+")
    session.ask("DEL", HISTORY.name)
    for version, parts in records:
        given = dict(pairs(parts))
        if version == b"5-0":
            head = given[b"head"].replace(b'"token":"', b'"token":"0')
            texts = head, given[b"lists"], given[b"rows"]
            chained = msgspec.json.decode(given[b"seal"], type=HistorySeal)
            seal = history_seal(manifest.epoch, 5, texts, chained, Sealer(KEY))
            given |= {b"head": head, b"seal": msgspec.json.encode(seal)}
        session.ask("XADD", HISTORY.name, version, *(x for pair in given.items() for x in pair))
    earlier = exported(site, "--as-of", then)
    assert isinstance(earlier.exception, StoreNotTrusted)
    assert earlier.exception.what == "The lists are not as they were signed."
    assert "the record of version 5 does not bear out its signature" in earlier.stderr


def test_what_came_before_signing_is_not_vouched_for(
    site: Path, session: RedisSession, redis_url: str
) -> None:
    """The entries are, since they were sealed; what earlier versions changed is not."""
    with RedisSession(redis_url) as plain:
        put(plain, 1, 2)
        then = now()
        put(plain, 2, note="later")
    seal_store(session, Sealer(KEY))
    assert exported(site).exit_code == 0
    put(session, 3)
    found = exported(site, "--as-of", then)
    assert (found.exit_code, ids(found)) == (0, {"e1", "e2"})
    assert "not checked: what versions up to 3 changed, for they were not signed" in found.stderr


def test_changes_meanwhile_do_not_disturb_the_proof(
    site: Path, session: RedisSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others go on putting, changing and removing while the list is read."""
    world(session)
    ask_all, calls = RedisSession.ask_all, [0]

    def busy(self: RedisSession, commands: Sequence[Sequence[bytes | str | int]]) -> list[Any]:
        replies = ask_all(self, commands)
        if self is not session and commands[0][0] == "HGETALL" and "entries" in str(commands[0]):
            calls[0] += 1
            if calls[0] % 8 == 1:
                put(session, 1, 10 + calls[0], note=f"{calls[0]}")
                StoreWriter(session, "be", SystemClock()).remove([("wanted", "e2")])
                put(session, 2)
        return replies

    monkeypatch.setattr(RedisSession, "ask_all", busy)
    done = exported(site)
    assert calls[0] > 8
    assert (done.exit_code, ids(done)) == (0, {"e1", "e2", "e3", "e5"})
    assert "checked against version 7" in done.stderr
