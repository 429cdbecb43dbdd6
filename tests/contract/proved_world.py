"""Signed lists, commands that show them, and what somebody without a key does to them in Redis."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from watchlist_world import entry

from anpr_engine.audit.signing import SecretKey, write_pair
from anpr_engine.cli.watchlist import command
from anpr_engine.clock import SystemClock
from anpr_engine.watchlist.redis_client import RedisSession
from anpr_engine.watchlist.redis_keys import (
    bucket_of,
    entries_key,
    entry_field,
)
from anpr_engine.watchlist.redis_writer import StoreWriter
from anpr_engine.watchlist.seals import Sealer, Trust

KEY, OTHER = SecretKey.new(), SecretKey.new()


def signed_session(url: str) -> RedisSession:
    """Open a store whose versions are signed and asked to be."""
    return RedisSession(url, sealer=Sealer(KEY), trust=Trust([KEY.public]))


def signed_site(url: str, folder: Path, patch: pytest.MonkeyPatch) -> Path:
    """Write the settings of a site that asks for signatures."""
    for name in ("ANPR_KAFKA", "ANPR_WATCHLIST_KEY", "ANPR_CONFIG", "ANPR_SITE"):
        patch.delenv(name, raising=False)
    public = write_pair(folder / "lists.key", KEY)
    settings = folder / "be.toml"
    settings.write_text(
        f'site = "be"\nredis_url = "{url}"\n[watchlist]\nmanifest_keys = ["{public}"]\n'
    )
    return settings


def put(session: RedisSession, *numbers: int, **fields: object) -> None:
    """Put entries, each in a version of its own."""
    for number in numbers:
        StoreWriter(session, "be", SystemClock()).put([entry(number, "wanted", **fields)])


def now() -> str:
    """Give the time, as `--as-of` takes it."""
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")


def run(site: Path, *args: str) -> Result:
    """Run a command."""
    return CliRunner().invoke(command, [*args, "--config", str(site)])


def exported(site: Path, *args: str) -> Result:
    """Export the list as lines of JSON."""
    return run(site, "export", "--list", "wanted", "--format", "jsonl", *args)


def ids(result: Result) -> set[str]:
    """Name the entries that were exported."""
    return {json.loads(line)["entry_id"] for line in result.stdout.splitlines()}


def at(number: int) -> tuple[str, bytes]:
    """Say where an entry stands in Redis."""
    name = entry_field("wanted", f"e{number}")
    return entries_key(bucket_of(name)), name


def stored(session: RedisSession, number: int) -> bytes:
    """Give an entry as it stands in Redis."""
    text = session.ask("HGET", *at(number))
    assert isinstance(text, bytes)
    return text


def altered(session: RedisSession) -> None:
    """Give entry 2 the plate of somebody else."""
    text = stored(session, 2)
    session.ask("HSET", *at(2), text.replace(b'"1TST', b'"9TST'))
    assert stored(session, 2) != text


def removed(session: RedisSession) -> None:
    """Let entry 2 disappear."""
    assert session.ask("HDEL", *at(2)) == 1


def added(session: RedisSession) -> None:
    """Put an entry there that no version put."""
    session.ask("HSET", *at(9), stored(session, 2).replace(b'"e2"', b'"e9"'))


def added_of_later(session: RedisSession) -> None:
    """The same, said to be of a version that there is not yet."""
    row = json.loads(stored(session, 2))
    session.ask("HSET", *at(9), json.dumps([99, row[1], "e9", *row[3:]]))


def swapped(session: RedisSession) -> None:
    """Let two entries change places."""
    one, two = stored(session, 2), stored(session, 3)
    session.ask("HSET", *at(2), two)
    session.ask("HSET", *at(3), one)


def exchanged(session: RedisSession) -> None:
    """Let two entries change plates."""
    one, two = json.loads(stored(session, 2)), json.loads(stored(session, 3))
    one[3], two[3] = two[3], one[3]
    session.ask("HSET", *at(2), json.dumps(one, separators=(",", ":")))
    session.ask("HSET", *at(3), json.dumps(two, separators=(",", ":")))


def put_back(session: RedisSession) -> None:
    """Bring entry 4 back, which was removed."""
    session.ask("HSET", *at(4), stored(session, 2).replace(b'"e2"', b'"e4"'))


def garbled(session: RedisSession) -> None:
    """Write over entry 2 what is no entry."""
    session.ask("HSET", *at(2), b"[]")


def doubled(session: RedisSession) -> None:
    """Write over entry 2 what reads like two entries, where many are read together."""
    session.ask("HSET", *at(2), stored(session, 2) + b"," + stored(session, 3))


def world(session: RedisSession) -> str:
    """Make some versions; gives the time between the third and the fourth of them.

    Entries 1 to 4 are put, then entry 3 is changed, entry 4 removed and entry 5 put.
    """
    put(session, 1, 2, 3, 4)
    then = now()
    put(session, 3, note="corrected")
    StoreWriter(session, "be", SystemClock()).remove([("wanted", "e4")])
    put(session, 5)
    return then


def pairs(reply: list[bytes]) -> list[tuple[bytes, bytes]]:
    """Pair fields and values as HGETALL gives them."""
    return list(zip(reply[::2], reply[1::2], strict=True))
