"""Redis writes its files anew: what it tells on the way there, and what is made of a failure."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

import pytest
from clocks import FixedClock

from anpr_engine.errors import StoreError
from anpr_engine.watchlist.purge import ASK_AGAIN_S, FILES_S_MAX, rewrite_files
from anpr_engine.watchlist.redis_client import RedisSession

STATE: dict[str, int | str] = {
    "aof_enabled": 1,
    "aof_rewrite_in_progress": 0,
    "aof_rewrite_scheduled": 0,
    "aof_rewrites": 4,
    "aof_last_bgrewrite_status": "ok",
    "rdb_saves": 0,
    "rdb_bgsave_in_progress": 0,
    "rdb_last_bgsave_status": "ok",
    "rdb_last_load_keys_loaded": 9,
}


class Told(RedisSession):
    """A session with a Redis whose state a test makes; `then` changes it at each command."""

    def __init__(self, then: Callable[[dict[str, int | str]], object], **state: int | str) -> None:
        """Begin in a state."""
        super().__init__("redis://localhost")
        self.state: dict[str, int | str] = {**STATE, **state}
        self.then, self.commands = then, list[str]()
        self.clock = FixedClock(datetime(2026, 11, 30, tzinfo=UTC))

    def ask(self, *command: bytes | str | int) -> bytes:
        """Answer what a Redis does; time goes by."""
        self.clock.pass_s(FILES_S_MAX / 50)
        name = str(command[0])
        if name == "INFO":
            return "\r\n".join(f"{key}:{value}" for key, value in self.state.items()).encode()
        self.commands.append(name)
        self.then(self.state)
        return b"started"


def unmoved(_: dict[str, int | str]) -> None:
    """Leave the state as it is."""


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("anpr_engine.watchlist.purge.ASK_AGAIN_S", ASK_AGAIN_S / 1e6)


def test_a_rewrite_that_failed_is_told() -> None:
    """The count went up, and the state says that it was no success."""
    failed = Told(lambda state: state.update(aof_rewrites=5, aof_last_bgrewrite_status="err"))
    with pytest.raises(StoreError, match="did not write its append-only file anew"):
        rewrite_files(failed, failed.clock)


def test_a_rewrite_that_never_begins_is_told() -> None:
    """The state says all is well, of the one before."""
    stuck = Told(unmoved)
    with pytest.raises(StoreError, match="append-only file"):
        rewrite_files(stuck, stuck.clock)
    assert stuck.commands == ["BGREWRITEAOF"]


def test_a_rewrite_that_never_ends_is_told() -> None:
    """So is one that waits for a dump that does not end."""
    begun = {"aof_rewrites": 5, "aof_rewrite_in_progress": 1}
    for state in (begun, {"aof_rewrites": 5, "aof_rewrite_scheduled": 1}):
        endless = Told(partial(dict.update, **state))
        with pytest.raises(StoreError, match="append-only file"):
            rewrite_files(endless, endless.clock)
    busy = Told(unmoved, rdb_bgsave_in_progress=1)
    with pytest.raises(StoreError, match="append-only file"):
        rewrite_files(busy, busy.clock)
    assert busy.commands == []


@pytest.mark.parametrize(
    ("state", "commands"),
    [
        ({}, ["BGREWRITEAOF", "BGSAVE"]),
        ({"rdb_last_load_keys_loaded": 0}, ["BGREWRITEAOF"]),
        ({"rdb_saves": 1, "rdb_last_load_keys_loaded": 0}, ["BGREWRITEAOF", "BGSAVE"]),
        ({"aof_enabled": 0}, ["BGSAVE"]),
        ({"aof_enabled": 0, "rdb_saves": 1, "rdb_last_load_keys_loaded": 0}, ["BGSAVE"]),
        ({"aof_enabled": 0, "rdb_last_load_keys_loaded": 0}, []),
    ],
)
def test_each_kind_of_file_that_there_is_is_written(
    state: dict[str, int | str], commands: list[str]
) -> None:
    """A dump where one was made or loaded; none where Redis has no file."""

    def count(told: dict[str, int | str]) -> None:
        for name in ("aof_rewrites", "rdb_saves"):
            told[name] = int(told[name]) + 1

    sound = Told(count, **state)
    assert len(rewrite_files(sound, sound.clock)) == len(commands)
    assert sound.commands == commands
