"""`anpr watchlist` with a key: lists are sealed once, then every change is signed."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from anpr_engine.audit.signing import SecretKey, write_pair
from anpr_engine.cli.watchlist import command
from anpr_engine.errors import PolicyRefused, StoreNotTrusted, UsageError
from anpr_engine.watchlist.loading import load
from anpr_engine.watchlist.redis_client import RedisSession
from anpr_engine.watchlist.redis_reader import StoreReader
from anpr_engine.watchlist.seals import Trust

KEY = SecretKey.new()


@pytest.fixture
def key(redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Give a key's file, for site be on an empty store."""
    monkeypatch.setenv("ANPR_REDIS_URL", redis_url)
    monkeypatch.setenv("ANPR_SITE", "be")
    for name in ("ANPR_KAFKA", "ANPR_WATCHLIST_KEY", "ANPR_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    write_pair(tmp_path / "lists.key", KEY)
    return str(tmp_path / "lists.key")


def _run(*args: str) -> Result:
    result = CliRunner().invoke(command, args)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def _add(name: str, *more: str) -> None:
    plate = f"1-TST-00{name}"
    assert _run("add", "--list", "L", "--plate", plate, "--entry", name, *more).exit_code == 0


def _proved(redis_url: str) -> int:
    """Load with the key's public half, and count the entries."""
    with RedisSession(redis_url, trust=Trust([KEY.public])) as session:
        return len(load(StoreReader(session)).snapshot())


def test_lists_are_sealed_and_then_signed(key: str, redis_url: str) -> None:
    """Unsigned lists are refused under a key until sealed; from then on no key, no change."""
    _add("1")
    with pytest.raises(StoreNotTrusted):
        _add("2", "--signing-key", key)
    assert f"signed with key {KEY.key_id}" in _run("seal", "--signing-key", key).stdout
    assert _proved(redis_url) == 1
    _add("2", "--signing-key", key)
    with pytest.raises(PolicyRefused):
        _add("3")
    removed = _run("remove", "--list", "L", "--entry", "1", "--signing-key", key)
    assert removed.exit_code == 0
    assert _proved(redis_url) == 1


def test_a_key_may_come_from_the_environment(
    key: str, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`ANPR_WATCHLIST_KEY` signs as the option does; a first change needs no seal."""
    monkeypatch.setenv("ANPR_WATCHLIST_KEY", key)
    _add("1")
    assert _proved(redis_url) == 1


@pytest.mark.usefixtures("key")
def test_sealing_needs_a_key_and_says_when_there_is_nothing(tmp_path: Path) -> None:
    """Without a key it is a usage error; an empty store is no error."""
    with pytest.raises(UsageError, match="--signing-key"):
        _run("seal")
    told = _run("seal", "--signing-key", str(tmp_path / "lists.key"))
    assert (told.exit_code, "no lists yet" in told.stdout) == (0, True)
