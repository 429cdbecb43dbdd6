"""The watchlists of a replay: a file's, or those that are in Redis now; all, or as of a time.

Why a time before the store's history is refused: of what was removed or altered before that the
store knows nothing, so that lists as of then would lack vehicles without saying so.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from anpr_engine.errors import AnprError, InputFileError, StoreError
from anpr_engine.records.watchlist_entry import WatchlistEntry
from anpr_engine.watchlist.as_of import earlier
from anpr_engine.watchlist.files import read_entries
from anpr_engine.watchlist.loading import load
from anpr_engine.watchlist.manifest import Manifest
from anpr_engine.watchlist.redis_client import RedisSession
from anpr_engine.watchlist.redis_reader import StoreReader
from anpr_engine.watchlist.row_problems import RowProblem
from anpr_engine.watchlist.seals import NOBODY, Trust
from anpr_engine.watchlist.snapshot import Snapshot, snapshot_of


@dataclass(frozen=True, slots=True)
class Lists:
    """Watchlists to match against; `version` names their content; `problems` are a file's rows."""

    snapshot: Snapshot
    version: str
    problems: Sequence[RowProblem] = ()


def lists_of_file(path: str, characters_min: int, as_of_us: int | None) -> Lists:
    """Take the entries of a file; with a time those that were in force then.

    Raises:
        InputFileError: the file cannot be read.
        AnprError: no entry is left.

    """
    try:
        digest = hashlib.blake2b(Path(path).read_bytes(), digest_size=8).hexdigest()
    except OSError as error:
        what = f"The watchlist {path} cannot be read: {error.strerror}."
        raise InputFileError(what, "Give another file with --watchlist.") from None
    found = list(read_entries(Path(path), characters_min))
    problems = [row for row in found if isinstance(row, RowProblem)]
    entries = [row for row in found if isinstance(row, WatchlistEntry)]
    kept = _in_force(entries, as_of_us)
    if not kept:
        raise _nothing_left(f"No entry of {path}", len(entries))
    return Lists(snapshot_of(kept), f"file {digest}", problems)


def lists_of_redis(redis_url: str, as_of_us: int | None, trust: Trust = NOBODY) -> Lists:
    """Take the entries that are in Redis now; with a time those that were in force then.

    Args:
        redis_url: where Redis is.
        as_of_us: the time; None for now.
        trust: whose signatures are asked for; the history is not signed, what it begins from is.

    Raises:
        StoreError: Redis cannot be read, or its history does not reach back to that time.
        AnprError: no entry is left.

    """
    with RedisSession(redis_url, trust=trust) as session:
        if as_of_us is None:
            loaded = load(StoreReader(session))
            lists = Lists(loaded.snapshot(), _version(loaded.manifest))
        else:
            if trust:
                load(StoreReader(session))
            lists = _as_of(session, as_of_us)
    if not len(lists.snapshot):
        raise _nothing_left(f"No entry in Redis at {session.where}", 0)
    return lists


def _as_of(session: RedisSession, as_of_us: int) -> Lists:
    try:
        then = earlier(session, as_of_us)
    except InputFileError as error:
        raise _not_kept(as_of_us, error.remedy) from None
    if not then.version:
        raise _not_kept(as_of_us, "It begins with the first list.")
    entries = sorted(then.entries(), key=lambda entry: (entry.list_id, entry.entry_id))
    version = f"Redis version {then.version} {then.token}"
    return Lists(snapshot_of(_in_force(entries, as_of_us)), version)


def _not_kept(as_of_us: int, since: str) -> StoreError:
    return StoreError(
        f"The history of the watchlists in Redis does not reach back to --as-of {_time(as_of_us)}, "
        f"and what was removed or altered is not kept without it. {since}",
        "Give the lists of that time with --watchlist FILE, or today's without --as-of.",
    )


def _in_force(entries: list[WatchlistEntry], as_of_us: int | None) -> list[WatchlistEntry]:
    if as_of_us is None:
        return entries
    at = datetime.fromtimestamp(as_of_us / 1e6, UTC)
    return [entry for entry in entries if entry.in_force(at)]


def _version(manifest: Manifest) -> str:
    return f"Redis version {manifest.version} {manifest.token}".strip()


def _time(at_us: int) -> str:
    at = datetime.fromtimestamp(at_us // 1_000_000, UTC)
    return at.isoformat().replace("+00:00", "Z")


def _nothing_left(where: str, entries: int) -> AnprError:
    if entries:
        return AnprError(f"{where} was in force at the time of --as-of.", "Give another time.")
    return AnprError(f"{where} can be used.", "Look at the list with `anpr watchlist`.")
