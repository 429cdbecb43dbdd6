"""Takes all that a list left behind out of Redis, and looks for what is left.

Why the history is written anew: records of a stream cannot be changed where they stand. It is
copied beside itself, record by record and without the list's rows, and takes the old one's place
in one step, once nobody wrote meanwhile. Until then Redis holds it twice.
"""

import zlib
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from anpr_engine.errors import StoreConflict
from anpr_engine.watchlist.history import HistoryRow, history_fields, read_history
from anpr_engine.watchlist.history_seals import resealed
from anpr_engine.watchlist.manifest import read_record, unreadable
from anpr_engine.watchlist.proposed import unpacked
from anpr_engine.watchlist.redis_client import RedisSession
from anpr_engine.watchlist.redis_keys import (
    CHANGES,
    HISTORY,
    HISTORY_COPY,
    PROFILES,
    PROPOSALS,
    proposed_key,
)
from anpr_engine.watchlist.redis_reader import StoreReader
from anpr_engine.watchlist.redis_wire import Command
from anpr_engine.watchlist.stored import decode_profile
from anpr_engine.watchlist.unchanged import written_unchanged

PAGE = 64
TRIES = 50
_FASTEST = 1
_ENCODER = msgspec.json.Encoder()


def _pages(session: RedisSession, key: str, after: str = "0") -> Iterator[Sequence[Any]]:
    """Give a stream's records as they stand, by pages; an id, then fields and values."""
    while True:
        page = session.ask("XRANGE", key, f"({after}", "+", "COUNT", PAGE)
        if not page:
            return
        yield page
        after = page[-1][0].decode("ascii")


def _without(rows: Sequence[HistoryRow], list_id: str) -> bytes:
    kept = [row for row in rows if row.list_id != list_id]
    return zlib.compress(_ENCODER.encode(kept), _FASTEST)


def _copied(record: Sequence[Any], list_id: str, session: RedisSession) -> Command:
    identity, pairs = record
    found = read_history(record)
    if list_id not in found.lists:
        return ("XADD", HISTORY_COPY.name, identity, *pairs)
    head, lists, _ = found.texts
    rows, seal = _without(found.rows(), list_id), None
    manifest = StoreReader(session).manifest()
    if found.seal is not None and manifest is not None:
        seal = resealed(found, rows, manifest.epoch, session.sealer)
    return ("XADD", HISTORY_COPY.name, identity, *history_fields((head, lists, rows), seal))


def forget_history(session: RedisSession, list_id: str) -> None:
    """Take a list's rows out of the history; who, when, why and how many stay.

    Raises:
        StoreConflict: others wrote every time; the history is as it was.
        StoreNotTrusted: a record of it is not as it was signed.
        StoreError: Redis does not answer or refuses, or a record cannot be read.

    """
    if not any(list_id in _lists_of(page, list_id) for page in _pages(session, HISTORY.name)):
        return
    session.ask("DEL", HISTORY_COPY.name)
    after = "0"

    def plan() -> tuple[list[Command], None]:
        nonlocal after
        for page in _pages(session, HISTORY.name, after):
            session.ask_all([_copied(record, list_id, session) for record in page])
            after = page[-1][0].decode("ascii")
        return [("RENAME", HISTORY_COPY.name, HISTORY.name)], None

    try:
        written_unchanged(session, HISTORY, plan, TRIES, "the watchlists")
    except StoreConflict:
        session.ask("DEL", HISTORY_COPY.name)
        raise


def _lists_of(page: Sequence[Any], list_id: str) -> set[str]:
    found = (read_history(record) for record in page)
    touched = (record for record in found if list_id in record.lists)
    return {row.list_id for record in touched for row in record.rows()}


def forget_changes(session: RedisSession, until: int) -> None:
    """Empty the stream of changes up to a version; who was not that far loads all again."""
    session.ask("XTRIM", CHANGES.name, "MINID", f"{until + 1}-0")


def forget_profiles(session: RedisSession, list_id: str) -> None:
    """Take out what the list's entries had in common."""
    if digests := _profiles_of(session, list_id):
        session.ask("HDEL", PROFILES.name, *digests)


def _profiles_of(session: RedisSession, list_id: str) -> list[bytes]:
    reply = session.ask("HGETALL", PROFILES.name)
    pairs = zip(reply[::2], reply[1::2], strict=True)
    try:
        return [digest for digest, text in pairs if decode_profile(text).list_id == list_id]
    except msgspec.MsgspecError:
        raise unreadable("a profile") from None


def remains(session: RedisSession, list_id: str) -> set[str]:
    """Name the parts of the store in which something of a list's entries stands; empty: nowhere.

    All that can hold an entry is read through: entries, what they share, the history with its
    packed rows, a copy of it that was left, changes, and changes that wait.

    Raises:
        StoreError: something cannot be read, so nothing is known.

    """
    found = {
        "entries": any(True for _ in StoreReader(session).entry_ids(list_id)),
        "profiles": bool(_profiles_of(session, list_id)),
        "changes": any(
            change.list_id == list_id
            for page in _pages(session, CHANGES.name)
            for record in page
            for change in read_record(record).changes
        ),
        "history": any(
            list_id in _lists_of(page, list_id) for page in _pages(session, HISTORY.name)
        ),
        "history-copy": bool(session.ask("EXISTS", HISTORY_COPY.name)),
        "proposed": any(
            edit.list_id == list_id
            for proposal in session.ask("HKEYS", PROPOSALS.name)
            for chunk in session.ask("LRANGE", proposed_key(proposal.decode()), 0, -1)
            for edit in unpacked(chunk)
        ),
    }
    return {name for name, there in found.items() if there}
