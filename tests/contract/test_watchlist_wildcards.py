"""Entries with wildcards on their whole way: file, Redis, snapshot, another site, and out again."""

import io
from collections.abc import Iterator

import numpy as np
import pytest
from click.testing import CliRunner, Result
from watchlist_world import World, entry, until

from anpr_engine.cli.watchlist import command
from anpr_engine.clock import SystemClock
from anpr_engine.errors import UsageError
from anpr_engine.plates.normaliser import plate_key
from anpr_engine.watchlist.delivery import Delivery, SiteStore
from anpr_engine.watchlist.embedded import EmbeddedRedis
from anpr_engine.watchlist.file_checks import FileRules
from anpr_engine.watchlist.file_rows import FileForm
from anpr_engine.watchlist.files import WatchlistFile
from anpr_engine.watchlist.importing import Importer, ImportMode
from anpr_engine.watchlist.loading import load
from anpr_engine.watchlist.row_problems import RowProblem
from anpr_engine.watchlist.snapshot import Snapshot

FILE = b"""plate,entry_id,sharing
1-AB?-123,one,nl
1ABC*,two,own
*C-123,three,nl
1ABC123,four,nl
1??????,five,nl
"""
EFFECTIVE_S_MAX = 1.0


@pytest.fixture
def world(redis_url: str) -> Iterator[World]:
    """Give an empty store; once on Redis, once on Valkey."""
    made = World(redis_url)
    yield made
    made.session.close()


def _found(snapshot: Snapshot, plate: str) -> set[str]:
    keys = np.array([plate_key(plate)], dtype=np.uint64)
    return {
        snapshot.entry(row, recent=recent).entry_id
        for recent in (False, True)
        for row in snapshot.wildcard_pairs(keys, recent=recent)[1].tolist()
    }


def _import(world: World, mode: ImportMode) -> list[RowProblem]:
    """Import the file; give the rows that were refused."""
    problems: list[RowProblem] = []
    file = WatchlistFile(io.BytesIO(FILE), FileForm.CSV, FileRules("wanted"))
    importer = Importer(world.reader, world.writer, problems.append)
    report = importer.run(file, "wanted", mode)
    assert report.accepted + len(problems) == FILE.count(b"\n") - 1
    return problems


def test_a_file_of_wildcards_is_imported_matched_and_removed(world: World) -> None:
    """What the file says is in use after a load, and out of use when it is taken out again."""
    problems = _import(world, ImportMode.MERGE)
    assert [(each.row, each.reason.value) for each in problems] == [(6, "wildcard-too-wide")]
    snapshot = load(world.reader).snapshot()
    assert len(snapshot) == 4
    assert _found(snapshot, "1ABC123") == {"one", "two", "three"}
    assert snapshot.entry(len(snapshot.base) - 1, recent=False).plate in FILE.decode()
    _import(world, ImportMode.REMOVE)
    emptied = load(world.reader).snapshot()
    assert (len(emptied), len(emptied.base.patterns)) == (0, 0)


def test_each_change_of_a_wildcard_is_in_use_within_a_second(world: World) -> None:
    """A follower takes over what is added, changed, removed; also when the delta is folded."""
    with world.follower(delta_entries_max=1) as follower:
        world.writer.put([entry(1, plate="1AB?123"), entry(2, plate="1ABC*")])
        until(lambda: _found(follower.current, "1ABC123") == {"e1", "e2"}, EFFECTIVE_S_MAX)
        world.writer.put([entry(1, plate="2AB?123")])
        until(lambda: _found(follower.current, "1ABC123") == {"e2"}, EFFECTIVE_S_MAX)
        until(lambda: len(follower.current.base.patterns) > 0)
        assert _found(follower.current, "2ABX123") == {"e1"}
        world.writer.remove([("wanted", "e1"), ("wanted", "e2")])
        until(lambda: not _found(follower.current, "2ABX123"), EFFECTIVE_S_MAX)
        assert len(follower.current) == 0


def test_shared_wildcards_are_delivered_and_taken_back(world: World) -> None:
    """Another site gets what is shared with it, as listed, and loses what is removed."""
    _import(world, ImportMode.MERGE)
    with EmbeddedRedis() as server:
        there = World(server.url, "nl")
        source, target = SiteStore("be", world.session), SiteStore("nl", there.session)
        delivery = Delivery(source, target, SystemClock())
        assert delivery.step()
        assert _found(load(there.reader).snapshot(), "1ABC123") == {"one", "three"}
        world.writer.remove([("wanted", "one")])
        assert delivery.step()
        assert _found(load(there.reader).snapshot(), "1ABC123") == {"three"}
        there.session.close()


def test_a_wildcard_is_added_by_command_and_exported_as_listed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that is too wide is refused with the number of plates; nothing is added."""
    monkeypatch.setenv("ANPR_REDIS_URL", world.url)
    monkeypatch.setenv("ANPR_SITE", "be")

    def run(*args: str) -> Result:
        return CliRunner().invoke(command, args)

    assert run("add", "--list", "wanted", "--plate", "1-AB?-123", "--entry", "e").exit_code == 0
    refused = run("add", "--list", "wanted", "--plate", "1A?C*")
    assert isinstance(refused.exception, UsageError)
    assert "valid plates" in refused.exception.what
    assert "1-AB?-123" in run("export", "--list", "wanted").stdout
    assert _found(load(world.reader).snapshot(), "1ABX123") == {"e"}
    assert run("remove", "--list", "wanted", "--entry", "e").exit_code == 0
    assert not _found(load(world.reader).snapshot(), "1ABX123")
