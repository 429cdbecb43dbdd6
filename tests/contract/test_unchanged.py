"""A step is written on what was read and on nothing else, however often others are faster."""

from collections.abc import Iterator

import pytest

from anpr_engine.errors import StoreConflict
from anpr_engine.watchlist.redis_client import RedisSession
from anpr_engine.watchlist.redis_keys import LISTS
from anpr_engine.watchlist.redis_wire import Command
from anpr_engine.watchlist.unchanged import written_unchanged

TRIES = 3


@pytest.fixture
def sessions(redis_url: str) -> Iterator[tuple[RedisSession, RedisSession]]:
    """Give two sessions with one empty store."""
    with RedisSession(redis_url) as ours, RedisSession(redis_url) as theirs:
        yield ours, theirs


@pytest.mark.parametrize("faster", [0, 1, 2, 3])
def test_a_step_is_made_anew_on_what_others_wrote(
    sessions: tuple[RedisSession, RedisSession], faster: int
) -> None:
    """Each adds one to a number; none is lost, and after so many tries nothing is written."""
    ours, theirs = sessions
    ours.ask("HSET", LISTS.name, "number", 0)
    seen = list[int]()

    def plan() -> tuple[list[Command], int]:
        seen.append(int(ours.ask("HGET", LISTS.name, "number")))
        if len(seen) <= faster:
            theirs.ask("HINCRBY", LISTS.name, "number", 1)
        return [("HSET", LISTS.name, "number", seen[-1] + 1)], seen[-1] + 1

    if faster < TRIES:
        assert written_unchanged(ours, LISTS, plan, TRIES, "the lists") == faster + 1
        assert seen == list(range(faster + 1))
        assert int(ours.ask("HGET", LISTS.name, "number")) == faster + 1
        return
    with pytest.raises(StoreConflict, match=f"Others changed the lists first, {TRIES} times"):
        written_unchanged(ours, LISTS, plan, TRIES, "the lists")
    assert int(ours.ask("HGET", LISTS.name, "number")) == TRIES
