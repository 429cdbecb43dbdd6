"""Signed watchlists: what was not signed by a trusted key is never taken over, and named."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import pytest
from watchlist_world import CHANGES, ENTRIES, MANIFEST, World, entries_in_use, entry, until

from anpr_engine.audit.signing import SecretKey
from anpr_engine.clock import SystemClock
from anpr_engine.errors import PolicyRefused, StoreNotTrusted
from anpr_engine.records.finding import Finding
from anpr_engine.watchlist.checks import check_store
from anpr_engine.watchlist.loading import load
from anpr_engine.watchlist.pace import FollowLimits
from anpr_engine.watchlist.receipts import Cursor
from anpr_engine.watchlist.redis_client import RedisSession
from anpr_engine.watchlist.redis_keys import DELIVERED, bucket_of, entries_key
from anpr_engine.watchlist.redis_reader import StoreReader
from anpr_engine.watchlist.redis_writer import StoreWriter
from anpr_engine.watchlist.refresh import WatchlistFollower
from anpr_engine.watchlist.sealing import seal_store
from anpr_engine.watchlist.seals import Sealer, Trust

KEY = SecretKey.new()
OTHER = SecretKey.new()


class SignedWorld(World):
    """A store whose versions are signed."""

    def __init__(self, url: str) -> None:
        """Open the store of a site with its key."""
        super().__init__(url)
        self.sessions: list[RedisSession] = []
        self.plain = self.writer
        self.writer = self.signed_by(KEY)
        self.reader = StoreReader(self.session, Trust([KEY.public]))

    def signed_by(self, key: SecretKey, *trusted: SecretKey) -> StoreWriter:
        """Make a writer with a key of its own."""
        sealer = Sealer(key, [each.public for each in trusted])
        self.sessions.append(RedisSession(self.url, sealer=sealer))
        return StoreWriter(self.sessions[-1], "be", SystemClock())

    def close(self) -> None:
        """Close every session."""
        for each in (self.session, *self.sessions):
            each.close()

    @contextmanager
    def trusting(self, *keys: SecretKey) -> Iterator[WatchlistFollower]:
        """Follow with some trusted keys."""
        limits = FollowLimits(20, 20_000, tuple(key.public for key in keys or (KEY,)))
        follower = WatchlistFollower(self.url, SystemClock(), self.metrics, limits)
        follower.start()
        try:
            yield follower
        finally:
            follower.stop()

    def refusals(self, cause: str) -> float:
        """Count how often a state was refused for a cause."""
        return self.metrics.value("anpr_watchlist_refused_total", cause=cause)


@pytest.fixture
def world(redis_url: str) -> Iterator[SignedWorld]:
    """Give an empty store; once on Redis, once on Valkey."""
    made = SignedWorld(redis_url)
    yield made
    made.close()


def test_signed_changes_are_followed(world: SignedWorld) -> None:
    """Puts, changes and removals reach a follower that asks for signatures, none is refused."""
    world.writer.put(entry(n) for n in range(20))
    with world.trusting() as follower:
        world.writer.put([entry(1, note="changed"), entry(30)])
        world.writer.remove([("wanted", "e2")])
        until(lambda: follower.current.version == 3 and follower.refused == "")
        assert entries_in_use(follower) == 20
    assert load(world.reader).manifest.version == 3
    assert world.metrics.value("anpr_watchlist_reloads_total", cause="start") == 1


def test_a_load_is_proved_while_others_write(world: SignedWorld) -> None:
    """Entries that are put, changed and removed during a load make no difference to the proof."""
    world.writer.put(entry(n) for n in range(500))
    other, asked = SignedWorld(world.url), 0

    def interfere() -> bool:
        nonlocal asked
        asked += 1
        other.writer.put([entry(asked, plate=f"2NEW{asked:03d}"), entry(1_000 + asked)])
        other.writer.remove([("wanted", f"e{asked + 100}")])
        return False

    loaded = load(world.reader, interfere)
    other.close()
    assert asked > 1
    assert len(loaded.snapshot()) == 500
    assert loaded.manifest.version == 1 + 2 * asked


def _forge_entry(world: SignedWorld) -> None:
    """Change a listed plate where it is stored."""
    key = min(world.session.ask("KEYS", f"{ENTRIES}*"))
    field, row = world.session.ask("HGETALL", key)
    world.session.ask("HSET", key, field, row.replace(b"1TST", b"2TST"))


def _forge_profile(world: SignedWorld) -> None:
    """Change what many entries share."""
    digest, text = world.session.ask("HGETALL", "anpr:{wl}:profiles")
    changed = json.loads(text) | {"sharing": "nl"}
    world.session.ask("HSET", "anpr:{wl}:profiles", digest, json.dumps(changed))


def _swap_entry(world: SignedWorld) -> None:
    """Replace one entry by another; their number stays."""
    key = min(world.session.ask("KEYS", f"{ENTRIES}*"))
    field, row = world.session.ask("HGETALL", key)
    world.session.ask("HDEL", key, field)
    world.session.ask("HSET", key, b"wanted/x", row.replace(b'"e', b'"x'))


@pytest.mark.parametrize("forge", [_forge_entry, _forge_profile, _swap_entry])
def test_content_that_was_not_signed_is_not_loaded(
    world: SignedWorld, forge: Callable[[SignedWorld], None]
) -> None:
    """Whoever writes past the commands is found out by the next load; without keys nobody is."""
    world.writer.put(entry(n) for n in range(20))
    forge(world)
    with pytest.raises(StoreNotTrusted, match="other entries than were signed") as caught:
        load(world.reader)
    assert caught.value.cause == "content-differs"
    assert len(load(StoreReader(world.session)).snapshot()) == 20


def _field(name: str, value: str) -> Callable[[SignedWorld], Any]:
    return lambda world: world.session.ask("HSET", MANIFEST, name, value)


MANIFEST_FORGERIES = {
    "unsigned": lambda world: world.session.ask("HDEL", MANIFEST, "signature"),
    "foreign-key": _field("sealed_by", OTHER.key_id),
    "signature-wrong": _field("signature", "00" * 64),
}


@pytest.mark.parametrize("cause", sorted(MANIFEST_FORGERIES))
def test_a_forged_manifest_is_refused(world: SignedWorld, cause: str) -> None:
    """A missing, foreign or wrong signature: named, counted, the lists stay; mended: taken."""
    world.writer.put([entry(1)])
    good = world.session.ask("HGETALL", MANIFEST)
    with world.trusting() as follower:
        MANIFEST_FORGERIES[cause](world)
        until(lambda: follower.refused == cause)
        assert (entries_in_use(follower), world.refusals(cause)) == (1, 1)
        with pytest.raises(StoreNotTrusted):
            world.writer.put([entry(2)])
        world.session.ask("HSET", MANIFEST, *good)
        until(lambda: follower.refused == "")
    MANIFEST_FORGERIES[cause](world)
    with pytest.raises(StoreNotTrusted), world.trusting():
        pass


@pytest.mark.parametrize("name", ["version", "entries", "changed_at_us", "sealed_total"])
def test_each_number_of_the_manifest_is_signed(world: SignedWorld, name: str) -> None:
    """No field that counts can be changed without the signature failing."""
    world.writer.put([entry(1), entry(2)])
    value = world.session.ask("HGET", MANIFEST, name)
    forged = value[:-1] + (b"7" if value[-1:] != b"7" else b"8")
    world.session.ask("HSET", MANIFEST, name, forged)
    manifest = world.reader.manifest()
    assert manifest is not None
    assert Trust([KEY.public]).objection(manifest) == "signature-wrong"


def test_a_forged_record_is_not_followed(world: SignedWorld) -> None:
    """A change slipped into the stream is refused; what was signed is loaded and proved instead."""
    ask = world.session.ask
    world.writer.put([entry(1)])
    first = ask("HGETALL", MANIFEST)
    world.writer.put([entry(2)])
    second = ask("HGETALL", MANIFEST)
    _, fields = ask("XRANGE", CHANGES, "2-0", "2-0")[0]
    forged = [part.replace(b"1TST002", b"9BAD009") for part in fields]
    name = b"wanted/e2"
    key = entries_key(bucket_of(name))
    row = ask("HGET", key, name)
    # Back to version 1; then version 2 comes again, its record forged.
    ask("DEL", CHANGES)
    ask("HDEL", key, name)
    ask("HSET", MANIFEST, *first)
    with world.trusting() as follower:
        assert follower.current.version == 1
        world.session.ask_all(
            [
                *(("MULTI",), ("HSET", MANIFEST, *second), ("HSET", key, name, row)),
                *(("XADD", CHANGES, "2-0", *forged), ("EXEC",)),
            ]
        )
        until(lambda: follower.current.version == 2 and follower.refused == "")
        assert world.refusals("signature-wrong") == 1
        current = follower.current
        assert {current.listed_plate(n, recent=False) for n in range(2)} == {"1TST001", "1TST002"}
        assert len(current.delta) == 0


def test_a_writer_without_a_key_leaves_signed_lists_alone(world: SignedWorld) -> None:
    """A change that engines would refuse is refused where it is made."""
    world.writer.put([entry(1)])
    with pytest.raises(PolicyRefused, match="signed"):
        world.plain.put([entry(2)])
    assert load(world.reader).manifest.version == 1


def test_editors_may_have_keys_of_their_own(world: SignedWorld) -> None:
    """Two keys take turns where both are trusted; a key that is not, cannot go on."""
    world.writer.put([entry(1)])
    with pytest.raises(StoreNotTrusted, match="not trusted here"):
        world.signed_by(OTHER).put([entry(2)])
    with world.trusting(KEY, OTHER) as follower:
        world.signed_by(OTHER, KEY).put([entry(2)])
        world.signed_by(KEY, OTHER).put([entry(3)])
        until(lambda: entries_in_use(follower) == 3)
    with pytest.raises(StoreNotTrusted), world.trusting(OTHER):
        pass


def test_lists_that_were_never_signed_can_be_sealed(world: SignedWorld) -> None:
    """First refused, then sealed by a person's command, then followed as signed."""
    world.plain.put(entry(n) for n in range(30))
    with pytest.raises(StoreNotTrusted, match="is not signed"):
        world.writer.put([entry(40)])
    with pytest.raises(StoreNotTrusted, match="anpr watchlist seal"):
        load(world.reader)
    sealed = seal_store(world.session, Sealer(KEY))
    assert sealed is not None
    with world.trusting() as follower:
        assert entries_in_use(follower) == 30
        world.writer.put([entry(40)])
        until(lambda: entries_in_use(follower) == 31)
        assert world.refusals("unsigned") == 0


def test_only_signed_receipts_count(world: SignedWorld) -> None:
    """A receipt written by hand, or moved to another site, does not prolong anything."""
    cursor = Cursor("e", 1, "t", 1_000)
    ask, text = world.session.ask, msgspec.json.encode(cursor)
    world.writer.note_delivery("nl", text)
    assert world.reader.receipts() == {"nl": 1_000}
    good = ask("HGET", DELIVERED.name, "nl")
    for provider, forged in (
        ("nl", text),
        ("nl", good.replace(b":1000", b":9000")),
        ("nl", good.replace(b'"signature":"', b'"signature":"zz')),
        ("de", good),
    ):
        ask("HSET", DELIVERED.name, provider, forged)
        assert world.reader.receipts() == {}
    ask("HSET", DELIVERED.name, "nl", good)
    assert world.reader.receipts() == {"nl": 1_000}
    assert StoreReader(world.session).receipts() == {"nl": 1_000, "de": 1_000}


def test_the_doctor_says_who_signed(world: SignedWorld) -> None:
    """The key's name, whether it is trusted, and a failure where it is not."""

    def told(*keys: SecretKey) -> Finding:
        trust = Trust([key.public for key in keys])
        found = check_store(world.url, SystemClock(), trust)
        return next(each for each in found if each.check == "signature")

    world.writer.put([entry(1)])
    assert told().what == f"signed with key {KEY.key_id}, but watchlist.manifest_keys asks for none"
    assert told(KEY).what == f"signed with key {KEY.key_id}, which is trusted here"
    assert (told(OTHER).state, "not trusted here" in told(OTHER).what) == ("fail", True)
    MANIFEST_FORGERIES["unsigned"](world)
    assert told().state == "ok"
    assert (told(KEY).state, "is not signed" in told(KEY).what) == ("fail", True)


def test_without_keys_signed_lists_are_followed_as_ever(world: SignedWorld) -> None:
    """Signing can begin before any engine asks for it."""
    world.writer.put([entry(1)])
    with world.follower() as follower:
        world.writer.put([entry(2)])
        until(lambda: entries_in_use(follower) == 2)
        assert follower.refused == ""
