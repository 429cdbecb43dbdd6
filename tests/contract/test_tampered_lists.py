"""What was done to lists past the commands, without a key, is named by `show` and `export`."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from proved_world import (
    added,
    added_of_later,
    altered,
    doubled,
    exchanged,
    exported,
    garbled,
    pairs,
    put_back,
    removed,
    run,
    signed_session,
    signed_site,
    swapped,
    world,
)
from watchlist_world import entry

from anpr_engine.clock import SystemClock
from anpr_engine.errors import StoreError, StoreNotTrusted
from anpr_engine.records.watchlist_entry import WatchlistEntry
from anpr_engine.watchlist.redis_client import RedisSession
from anpr_engine.watchlist.redis_keys import (
    CHANGES,
    HISTORY,
    PROFILES,
    bucket_of,
    entries_key,
    entry_field,
)
from anpr_engine.watchlist.redis_writer import StoreWriter

WRONG = "The lists are not as they were signed."


@pytest.fixture
def session(redis_url: str) -> Iterator[RedisSession]:
    """Give a store whose versions are signed; somebody may also reach it past the commands."""
    with signed_session(redis_url) as opened:
        yield opened


@pytest.fixture
def site(redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the settings of a site that asks for signatures."""
    return signed_site(redis_url, tmp_path, monkeypatch)


TAMPERINGS: list[tuple[Callable[[RedisSession], None], list[str]]] = [
    (altered, ["Entry wanted/e2 was altered since version 2 put it there."]),
    (removed, ["Entry wanted/e2 is missing: version 2 put it there."]),
    (added, ["Entry wanted/e9 is in Redis, and no version put it there."]),
    (added_of_later, ["Entry wanted/e9 is in Redis, and no version put it there."]),
    (
        swapped,
        [
            "Entry wanted/e2 stands in Redis with what belongs to wanted/e3.",
            "Entry wanted/e3 stands in Redis with what belongs to wanted/e2.",
        ],
    ),
    (
        exchanged,
        [
            "Entry wanted/e2 was altered since version 2 put it there.",
            "Entry wanted/e3 was altered since version 5 put it there.",
        ],
    ),
    (put_back, ["Entry wanted/e4 is in Redis, and version 6 removed it."]),
    (garbled, ["Entry wanted/e2 cannot be read."]),
    (doubled, ["Entry wanted/e2 cannot be read."]),
]


@pytest.mark.parametrize(("tamper", "named"), TAMPERINGS)
def test_an_entry_that_was_tampered_with_is_named(
    site: Path, session: RedisSession, tamper: Callable[[RedisSession], None], named: list[str]
) -> None:
    """By `export` and by `show`, now and as of earlier; with exit code 1, and no file is left."""
    then, out = world(session), site.parent / "out.jsonl"
    tamper(session)
    entry_of = ("show", "--list", "wanted", "--entry", "e2")
    for done in (
        exported(site),
        exported(site, "--as-of", then),
        exported(site, "--out", str(out)),
        run(site, *entry_of),
        run(site, *entry_of, "--as-of", then),
    ):
        assert isinstance(done.exception, StoreNotTrusted)
        assert done.exception.what == WRONG
        assert sorted(line for line in done.stderr.splitlines() if "Entry" in line) == named
        assert "checked against" not in done.stderr
    assert not out.exists()


def test_a_change_too_old_to_be_held_is_found_and_not_named(
    site: Path, session: RedisSession
) -> None:
    """The sum tells that one was altered; the changes that told what it was are trimmed."""
    world(session)
    session.ask("XTRIM", CHANGES.name, "MAXLEN", 0)
    altered(session)
    done = exported(site)
    assert isinstance(done.exception, StoreNotTrusted)
    assert "which one differs cannot be told" in done.stderr


def test_what_entries_share_is_proved_too(site: Path, session: RedisSession) -> None:
    """A profile is named by its content."""
    world(session)
    (digest, text), *_ = pairs(session.ask("HGETALL", PROFILES.name))
    session.ask("HSET", PROFILES.name, digest, text.replace(b'"wanted"', b'"others"'))
    assert isinstance(exported(site).exception, StoreNotTrusted)


@pytest.mark.parametrize(("first", "last"), [(6, 6), (1, 3), (5, 7), (1, 7)])
def test_a_history_that_was_cut_is_named(
    site: Path, session: RedisSession, first: int, last: int
) -> None:
    """In its middle, at its beginning, at its end, all of it."""
    then = world(session)
    session.ask("XDEL", HISTORY.name, *(f"{each}-0" for each in range(first, last + 1)))
    versions = f"versions {first} to {last}" if first < last else f"version {first}"
    done = exported(site)
    assert isinstance(done.exception, StoreNotTrusted)
    assert done.exception.what == "The history of the lists is not as it was written."
    assert f"the record of {versions} is missing" in done.stderr
    # The entries of today need none of it.
    assert "checked against version 7" in done.stderr
    exported(site, "--out", str(site.parent / "out.jsonl"))
    assert (site.parent / "out.jsonl").read_text() == done.stdout
    earlier = exported(site, "--as-of", then)
    assert isinstance(earlier.exception, StoreError)
    assert f"{versions} is missing" in earlier.stderr + str(earlier.exception)


def test_an_entry_that_is_not_there_is_proved_not_to_be(site: Path, session: RedisSession) -> None:
    """That the list has none is checked as well; one taken out is told of instead."""
    world(session)
    asked = ("show", "--list", "wanted", "--entry")
    assert "has no such entry" in str(run(site, *asked, "e4").exception)
    assert "checked against version 7" in run(site, *asked, "e4").stderr
    removed(session)
    done = run(site, *asked, "e2")
    assert isinstance(done.exception, StoreNotTrusted)
    assert "Entry wanted/e2 is missing: version 2 put it there." in done.stderr


def made(**fields: object) -> WatchlistEntry:
    """Make an entry of another list."""
    return entry(1, "others", **fields)


def test_another_list_that_was_tampered_with_is_named_too(
    site: Path, session: RedisSession
) -> None:
    """The seal is of all lists together: whichever differs, this one is not vouched for."""
    world(session)
    StoreWriter(session, "be", SystemClock()).put([made()])
    name = entry_field("others", "e1")
    session.ask("HDEL", entries_key(bucket_of(name)), name)
    done = exported(site)
    assert isinstance(done.exception, StoreNotTrusted)
    assert "Entry others/e1 is missing: version 8 put it there." in done.stderr
