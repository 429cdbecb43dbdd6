"""The history of the lists and the lists as they once stood, against a real Redis and Valkey."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from watchlist_world import CHANGES, World, entry

from anpr_engine.clock import SystemClock
from anpr_engine.errors import InputFileError, StoreError
from anpr_engine.replay.lists import lists_of_redis
from anpr_engine.watchlist.acts import Act, ActKind
from anpr_engine.watchlist.as_of import earlier
from anpr_engine.watchlist.history import Happened, History
from anpr_engine.watchlist.redis_client import RedisSession
from anpr_engine.watchlist.redis_reader import StoreReader
from anpr_engine.watchlist.redis_writer import StoreWriter

HISTORY = "anpr:{wl}:history"
DAY_US = 86_400_000_000


class Hands:
    """A clock that stands where a test puts it, a second further at each look."""

    def __init__(self) -> None:
        """Stand at a moment of 2026."""
        self.at_us = int(datetime(2026, 6, 1, tzinfo=UTC).timestamp() * 1e6)

    def now_us(self) -> int:
        """Tell the time, and go on by a second."""
        self.at_us += 1_000_000
        return self.at_us

    def monotonic_s(self) -> float:
        """Tell a time for spans."""
        return self.at_us / 1e6


@pytest.fixture
def world(redis_url: str) -> Iterator[World]:
    """Give an empty store; once on Redis, once on Valkey."""
    made = World(redis_url)
    yield made
    made.session.close()


@pytest.fixture
def hands() -> Hands:
    """Give a clock for the test to move."""
    return Hands()


def writer(world: World, hands: Hands, **act: str) -> StoreWriter:
    """Give a writer in somebody's name."""
    made = Act(ActKind.IMPORT, by=act.get("by", "anna"), reason=act.get("reason", ""))
    return StoreWriter(world.session, "be", hands, made)


def plates(world: World, at_us: int) -> dict[str, str]:
    """Give the notes of the entries as they stood, by id."""
    return {each.entry_id: each.note for each in earlier(world.session, at_us).entries("wanted")}


def test_a_change_is_kept_with_who_and_why(world: World, hands: Hands) -> None:
    """Each version has one record that names the act and says what happened to each entry."""
    writer(world, hands, reason="new case").put([entry(1), entry(2)])
    writer(world, hands, by="bram").put([entry(1, note="seen")])
    writer(world, hands, by="bram").remove([("wanted", "e2")])
    records = list(History(world.session).newest_first())
    assert [each.version for each in records] == [3, 2, 1]
    assert [each.head.by for each in records] == ["bram", "bram", "anna"]
    assert records[2].head.reason == "new case"
    assert (records[2].head.added, records[2].lists) == (2, ("wanted",))
    happened = [(row.entry_id, row.what) for each in records for row in each.rows()]
    assert happened[:2] == [("e2", Happened.REMOVED), ("e1", Happened.CHANGED)]
    assert {what for _, what in happened[2:]} == {Happened.ADDED}


def test_what_changes_nothing_leaves_no_record(world: World, hands: Hands) -> None:
    """Importing the same again is no change, so the history does not grow."""
    for _ in range(3):
        writer(world, hands).put([entry(1)])
    assert len(list(History(world.session).newest_first())) == 1


def test_the_lists_stand_as_they_stood(world: World, hands: Hands) -> None:
    """At each moment the entries are those of then: added, changed, removed, put again."""
    states: list[tuple[int, dict[str, str]]] = [(hands.at_us, {})]
    now: dict[str, str] = {}
    for step in range(1, 9):
        number = step % 3
        if step % 4 == 3:
            writer(world, hands).remove([("wanted", f"e{number}")])
            now.pop(f"e{number}", None)
        else:
            writer(world, hands).put([entry(number, note=f"n{step}"), entry(9, "other")])
            now[f"e{number}"] = f"n{step}"
        states.append((hands.at_us, dict(now)))
    for at_us, state in states:
        assert plates(world, at_us) == state
    assert plates(world, hands.at_us + DAY_US) == now


def test_the_history_outlives_the_changes_stream(world: World, hands: Hands) -> None:
    """Followers' records may be cut off altogether; the lists of then can still be had."""
    writer(world, hands).put([entry(1, note="first")])
    then_us = hands.at_us
    writer(world, hands).put([entry(1, note="second")])
    world.session.ask("XTRIM", CHANGES, "MAXLEN", 0)
    assert plates(world, then_us) == {"e1": "first"}


def test_lists_and_single_entries_of_then(world: World, hands: Hands) -> None:
    """Lists are counted as of then, one that came later is not there; an entry is found by id."""
    writer(world, hands).put([entry(1), entry(2)])
    then = earlier(world.session, hands.at_us)
    writer(world, hands).put([entry(3), entry(1, "later")])
    assert [(each.definition.list_id, each.entries) for each in then.lists()] == [("wanted", 2)]
    found = then.entry("wanted", "e2")
    assert found is not None
    assert found.plate == "1TST002"
    assert then.entry("wanted", "e3") is None


def test_before_what_is_kept_is_a_clear_error(world: World, hands: Hands) -> None:
    """Once old records are purged, a time before the oldest that is left is refused."""
    writer(world, hands).put([entry(1)])
    first_us = hands.at_us
    hands.at_us += 40 * DAY_US
    writer(world, hands).put([entry(2)])
    second_us = hands.at_us
    writer(world, hands).put([entry(3)])
    assert History(world.session).purge(hands.at_us, 30) == 1
    assert History(world.session).purge(hands.at_us, 30) == 0
    assert set(plates(world, second_us)) == {"e1", "e2"}
    with pytest.raises(InputFileError, match="does not reach back"):
        plates(world, first_us)


def test_everything_may_be_purged(world: World, hands: Hands) -> None:
    """When all records are too old all go, and only the present is left."""
    writer(world, hands).put([entry(1)])
    writer(world, hands).put([entry(2)])
    assert History(world.session).purge(hands.at_us + 99 * DAY_US, 30) == 2
    with pytest.raises(InputFileError, match="holds no record"):
        plates(world, hands.at_us - DAY_US)


def test_a_hole_in_the_history_is_told(world: World, hands: Hands) -> None:
    """Where a record is missing between then and now, no state is made up."""
    writer(world, hands).put([entry(1)])
    then_us = hands.at_us
    for number in (2, 3, 4):
        writer(world, hands).put([entry(number)])
    world.session.ask("XDEL", HISTORY, "3-0")
    with pytest.raises(StoreError, match="hole"):
        plates(world, then_us)


def test_a_record_that_cannot_be_read_is_told(world: World, hands: Hands) -> None:
    """A record of somebody else's is an error, never an empty one."""
    writer(world, hands).put([entry(1)])
    world.session.ask("XADD", HISTORY, "2-0", "head", "{}", "lists", "[]", "rows", "x")
    with pytest.raises(StoreError, match="history"):
        list(History(world.session).newest_first())


def test_a_state_is_whole_while_others_write(world: World, redis_url: str) -> None:
    """Entries that change while they are read come out once, as they were then."""
    many = [entry(number, note="then") for number in range(400)]
    world.writer.put(many)
    then_us = SystemClock().now_us()
    stop = threading.Event()

    def keep_writing() -> None:
        with RedisSession(redis_url) as session:
            for turn in range(10_000):
                if stop.is_set():
                    return
                hand = StoreWriter(session, "be", SystemClock())
                hand.put(entry((turn * 7 + n) % 400, note=f"now{turn}") for n in range(20))
                hand.remove([("wanted", f"e{turn % 400}")])

    thread = threading.Thread(target=keep_writing)
    thread.start()
    try:
        for _ in range(5):
            with RedisSession(redis_url) as session:
                found = list(earlier(session, then_us).entries("wanted"))
            assert sorted(each.entry_id for each in found) == sorted(e.entry_id for e in many)
            assert {each.note for each in found} == {"then"}
    finally:
        stop.set()
        thread.join()


def test_times_of_records_are_told_in_utc(world: World, hands: Hands) -> None:
    """A record's time is that of its commit."""
    writer(world, hands).put([entry(1)])
    record = next(History(world.session).oldest_first())
    assert abs(record.at - datetime.fromtimestamp(hands.at_us / 1e6, UTC)) < timedelta(seconds=2)


def test_a_state_needs_no_reader_of_the_present(world: World, hands: Hands) -> None:
    """Where every entry is gone today, yesterday's lists are still whole."""
    writer(world, hands).put([entry(1), entry(2)])
    then_us = hands.at_us
    writer(world, hands).remove([("wanted", "e1"), ("wanted", "e2")])
    assert list(StoreReader(world.session).entries()) == []
    assert set(plates(world, then_us)) == {"e1", "e2"}


def test_a_replay_takes_the_lists_of_then(world: World, hands: Hands) -> None:
    """Its lists are those of the time, by version; before the history begins it is refused."""
    writer(world, hands).put([entry(1), entry(2)])
    then_us = hands.at_us
    writer(world, hands).remove([("wanted", "e1")])
    lists = lists_of_redis(world.url, then_us)
    assert (len(lists.snapshot), lists.version.split()[:3]) == (2, ["Redis", "version", "1"])
    assert len(lists_of_redis(world.url, None).snapshot) == 1
    with pytest.raises(StoreError, match="does not reach back"):
        lists_of_redis(world.url, then_us - DAY_US)
