"""A signed history: what was changed, swapped or taken out is named by its version."""

import re
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result
from watchlist_world import entry

from anpr_engine.audit.signing import SecretKey, write_pair
from anpr_engine.cli.watchlist import command
from anpr_engine.clock import SystemClock
from anpr_engine.errors import StoreNotTrusted
from anpr_engine.watchlist.as_of import earlier
from anpr_engine.watchlist.forgetting import forget_history
from anpr_engine.watchlist.history import History
from anpr_engine.watchlist.history_seals import HistoryProof, history_seal
from anpr_engine.watchlist.manifest import HistorySeal
from anpr_engine.watchlist.redis_client import RedisSession
from anpr_engine.watchlist.redis_keys import HISTORY, MANIFEST
from anpr_engine.watchlist.redis_reader import StoreReader
from anpr_engine.watchlist.redis_writer import StoreWriter
from anpr_engine.watchlist.sealing import seal_store
from anpr_engine.watchlist.seals import Sealer, Trust

KEY, OTHER = SecretKey.new(), SecretKey.new()
TRUST = Trust([KEY.public])
Parts = dict[bytes, bytes]


@pytest.fixture
def session(redis_url: str) -> Iterator[RedisSession]:
    """Give an empty store whose versions are signed and asked to be."""
    with RedisSession(redis_url, sealer=Sealer(KEY), trust=TRUST) as opened:
        yield opened


def change(session: RedisSession, first: int, count: int = 5) -> None:
    """Make some versions, each of which adds an entry."""
    for number in range(first, first + count):
        StoreWriter(session, "be", SystemClock()).put([entry(number)])


def flaws(session: RedisSession, days: float = 3650.0) -> list[tuple[int, int, str]]:
    """Check all of the history; gives first and last version and cause, the newest first."""
    manifest = StoreReader(session).manifest()
    assert manifest is not None
    proof = HistoryProof(manifest, TRUST)
    keep_from_us = SystemClock().now_us() - round(days * 86_400_000_000)
    read = list(proof.checked(History(session).newest_first(manifest.version), keep_from_us))
    assert len(read) == session.ask("XLEN", HISTORY.name)
    return [(each.first, each.last, each.cause) for each in proof.found]


def rewritten(session: RedisSession, alter: Callable[[int, Parts], Parts | None]) -> None:
    """Write the history anew, each record altered; None leaves it out."""
    records = session.ask("XRANGE", HISTORY.name, "-", "+")
    session.ask("DEL", HISTORY.name)
    for identity, pairs in records:
        version = int(identity.partition(b"-")[0])
        parts = alter(version, dict(zip(pairs[::2], pairs[1::2], strict=True)))
        if parts is not None:
            flat = [each for pair in parts.items() for each in pair]
            session.ask("XADD", HISTORY.name, identity, *flat)


def other_name(version: int, parts: Parts) -> Parts:
    """Put somebody else's name into version 3."""
    if version == 3:
        parts[b"head"] = parts[b"head"].replace(b'"kind":"', b'"by":"somebody","kind":"')
    return parts


def other_rows(version: int, parts: Parts) -> Parts:
    """Let version 3 have changed what it did not."""
    return parts | {b"rows": ROWS} if version == 3 else parts


def other_lists(version: int, parts: Parts) -> Parts:
    """Hide version 3 from whoever asks for its list."""
    return parts | {b"lists": b'["others"]'} if version == 3 else parts


def no_signature(version: int, parts: Parts) -> Parts:
    """Take the signature off version 3."""
    return {name: each for name, each in parts.items() if version != 3 or name != b"seal"}


def other_key(version: int, parts: Parts) -> Parts:
    """Name another key in version 3."""
    seal = parts[b"seal"].replace(KEY.key_id.encode(), OTHER.key_id.encode())
    return parts | {b"seal": seal} if version == 3 else parts


def later_first(version: int, parts: Parts) -> Parts:
    """Say in version 3 that nothing before 3 was signed."""
    seal = parts[b"seal"].replace(b'"first":1', b'"first":3')
    assert version != 3 or seal != parts[b"seal"]
    return parts | {b"seal": seal} if version == 3 else parts


ROWS = zlib.compress(b"[]")


@pytest.mark.parametrize(
    ("alter", "cause"),
    [
        (other_name, "signature-wrong"),
        (other_rows, "signature-wrong"),
        (other_lists, "signature-wrong"),
        (no_signature, "unsigned"),
        (other_key, "foreign-key"),
        (later_first, "signature-wrong"),
    ],
)
def test_an_altered_record_is_named(
    session: RedisSession, alter: Callable[[int, Parts], Parts], cause: str
) -> None:
    """Whichever part was altered: this version and no other."""
    change(session, 1)
    rewritten(session, lambda _version, parts: parts)
    assert flaws(session) == []
    rewritten(session, alter)
    assert flaws(session) == [(3, 3, cause)]


@pytest.mark.parametrize(
    ("gone", "found"),
    [
        ({3}, [(3, 3, "missing")]),
        ({5}, [(5, 5, "missing")]),
        ({4, 5}, [(4, 5, "missing")]),
        ({1}, [(1, 1, "missing")]),
        ({1, 2, 4}, [(4, 4, "missing"), (1, 2, "missing")]),
        ({1, 2, 3, 4, 5}, [(1, 5, "missing")]),
    ],
)
def test_a_record_taken_out_is_named(
    session: RedisSession, gone: set[int], found: list[tuple[int, int, str]]
) -> None:
    """In the middle, the newest, the oldest, all of them."""
    change(session, 1)
    rewritten(session, lambda version, parts: None if version in gone else parts)
    assert flaws(session) == found


def test_what_is_too_old_to_be_kept_may_be_missing(session: RedisSession) -> None:
    """A purge leaves no flaw; the same records taken out while they should be kept do."""
    change(session, 1)
    assert History(session).purge(SystemClock().now_us() + 86_400_000_000, 0.5) == 5
    assert flaws(session, days=0.0) == []
    assert flaws(session) == [(1, 5, "missing")]


def test_a_record_put_in_another_s_place_is_named(session: RedisSession) -> None:
    """Records are signed for their version, and for the one before."""
    change(session, 1)
    parts = dict[int, Parts]()
    rewritten(session, parts.setdefault)
    rewritten(session, lambda version, _: parts[{2: 4, 4: 2}.get(version, version)])
    assert flaws(session) == [(4, 4, "signature-wrong"), (2, 2, "signature-wrong")]


def test_signing_may_begin_later_and_never_ends_unseen(
    session: RedisSession, redis_url: str
) -> None:
    """What was there before the first seal is not vouched for, and is no flaw."""
    with RedisSession(redis_url) as plain:
        change(plain, 1, 2)
    seal_store(session, Sealer(KEY))
    change(session, 3, 2)
    assert flaws(session) == []
    seal_store(session, Sealer(KEY))
    change(session, 5, 1)
    rewritten(session, no_signature)
    assert flaws(session) == [(3, 3, "unsigned")]
    rewritten(session, lambda version, parts: None if version == 1 else parts)
    assert flaws(session) == [(3, 3, "unsigned")]


def test_an_earlier_state_is_not_made_of_altered_records(session: RedisSession) -> None:
    """`--as-of` names the record; a state that needs none of it is given."""
    change(session, 1, 2)
    then_us = SystemClock().now_us()
    change(session, 3, 2)
    later_us = SystemClock().now_us()
    change(session, 5, 1)
    assert {each.entry_id for each in earlier(session, then_us).entries()} == {"e1", "e2"}
    rewritten(session, other_rows)
    with pytest.raises(StoreNotTrusted, match="version 3"):
        earlier(session, then_us)
    assert len(list(earlier(session, later_us).entries())) == 4


def test_a_refused_list_leaves_a_history_that_is_still_signed(session: RedisSession) -> None:
    """Its rows go, and the records are signed anew; an altered one is not made good so."""
    change(session, 1)
    StoreWriter(session, "be", SystemClock()).put([entry(1, "others")])
    before = History(session).oldest()
    forget_history(session, "wanted")
    after = History(session).oldest()
    assert before is not None
    assert after is not None
    assert (len(before.rows()), len(after.rows())) == (1, 0)
    assert flaws(session) == []
    head = b'{"at_us":1,"token":"","kind":"import"}'
    rewritten(session, lambda v, parts: parts | {b"head": head} if v == 6 else parts)
    with pytest.raises(StoreNotTrusted):
        forget_history(session, "others")


@pytest.fixture
def site(redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the settings of a site that asks for signatures."""
    for name in ("ANPR_KAFKA", "ANPR_WATCHLIST_KEY", "ANPR_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    public = write_pair(tmp_path / "lists.key", KEY)
    settings = tmp_path / "be.toml"
    settings.write_text(
        f'site = "be"\nredis_url = "{redis_url}"\n'
        f'[watchlist]\nmanifest_keys = ["{public}"]\nsigning_key = "{tmp_path / "lists.key"}"\n'
    )
    return settings


def run(site: Path, *args: str) -> Result:
    """Run a command."""
    return CliRunner().invoke(command, [*args, "--config", str(site)])


def test_the_command_names_what_was_altered(site: Path, session: RedisSession) -> None:
    """All that can be read is shown, the flaw is told, and the command fails."""
    change(session, 1)
    assert run(site, "history").exit_code == 0
    rewritten(session, other_name)
    done = run(site, "history")
    assert isinstance(done.exception, StoreNotTrusted)
    assert len(done.stdout.splitlines()) == 5
    assert re.search(r"record of version 3 does not bear out its signature", done.stderr)
    rewritten(session, lambda version, parts: None if version in {2, 3} else parts)
    assert "versions 2 to 3 is missing" in run(site, "history").stderr


def test_a_record_of_another_row_of_versions_is_named(session: RedisSession) -> None:
    """Signed by the right key, for the right version, and not the one that the next followed."""
    change(session, 1)
    manifest = StoreReader(session).manifest()
    assert manifest is not None

    def other_row(version: int, parts: Parts) -> Parts:
        if version != 3:
            return parts
        head = re.sub(rb'"token":"[0-9a-f]+"', b'"token":"0123456789abcdef"', parts[b"head"])
        texts = head, parts[b"lists"], parts[b"rows"]
        chained = msgspec.json.decode(parts[b"seal"], type=HistorySeal)
        seal = history_seal(manifest.epoch, version, texts, chained, Sealer(KEY))
        return parts | {b"head": head, b"seal": msgspec.json.encode(seal)}

    rewritten(session, other_row)
    assert flaws(session) == [(3, 3, "signature-wrong")]


@pytest.mark.parametrize("first", [0, 4])
def test_from_when_on_records_are_signed_is_signed(session: RedisSession, first: int) -> None:
    """Otherwise a later beginning would excuse what is missing."""
    change(session, 1)
    session.ask("HSET", MANIFEST.name, "sealed_history", first)
    manifest = StoreReader(session).manifest()
    assert manifest is not None
    assert TRUST.objection(manifest) == "signature-wrong"
