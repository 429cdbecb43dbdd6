"""Forgets what is older than it may be kept, in Redis and in the files that Redis writes.

Why the files: Redis appends each command to a file and forgets nothing there. What was taken out
stands in it, plates in plain text, until the file is written anew from what is held then; Redis
does that by itself only once the file has doubled. So it is told to, and waited for.
"""

import threading
from collections.abc import Mapping
from typing import NamedTuple

from anpr_engine.errors import StoreError
from anpr_engine.ports import Clock
from anpr_engine.watchlist.history import DAY_US, History
from anpr_engine.watchlist.proposals import Proposals
from anpr_engine.watchlist.redis_client import RedisSession
from anpr_engine.watchlist.redis_keys import CHANGES
from anpr_engine.watchlist.redis_reader import StoreReader

FILES_S_MAX = 1800.0
"""Ten million entries take about a minute; a slow disk may take ten times as long."""
ASK_AGAIN_S = 0.1


class Forgotten(NamedTuple):
    """How many versions of the history and of the changes, and how many proposals, went."""

    history: int
    changes: int
    proposals: int


def forget_older(session: RedisSession, clock: Clock, days: float) -> Forgotten:
    """Take out of Redis what was changed so many days ago and is not there any more.

    The stream of changes tells plates too, for as long as few changes come; a follower that was
    away for longer than this loads everything anew.
    """
    history = History(session).purge(clock.now_us(), days)
    changes = _forget_changes(session, clock.now_us() - round(days * DAY_US))
    return Forgotten(history, changes, Proposals(session, clock).purge(days))


def _forget_changes(session: RedisSession, keep_from_us: int) -> int:
    reader, after, keep_from = StoreReader(session), 0, 0
    manifest = reader.manifest()
    until = 0 if manifest is None else manifest.version
    while records := reader.records(after, until):
        for record in records:
            if record.committed_at_us >= keep_from_us:
                until = after
                break
            after, keep_from = record.version, record.version + 1
    return int(session.ask("XTRIM", CHANGES.name, "MINID", f"{keep_from}-0")) if keep_from else 0


class _Kind(NamedTuple):
    """A kind of file: how Redis is told to write it, and what it tells of that."""

    name: str
    command: str
    running: tuple[str, ...]
    counted: str
    status: str


_APPENDED = _Kind(
    "append-only file",
    "BGREWRITEAOF",
    ("aof_rewrite_in_progress", "aof_rewrite_scheduled", "rdb_bgsave_in_progress"),
    "aof_rewrites",
    "aof_last_bgrewrite_status",
)
_DUMPED = _Kind(
    "dump",
    "BGSAVE",
    ("rdb_bgsave_in_progress", "aof_rewrite_in_progress"),
    "rdb_saves",
    "rdb_last_bgsave_status",
)


def rewrite_files(session: RedisSession, clock: Clock) -> list[str]:
    """Have one Redis write its files anew, and wait for it; gives which, none where it has none.

    A dump is written wherever one may stand: where one was made, and where anything was loaded. A
    replica loads a copy from a dump and leaves that on its disk, beside its append-only file.

    Raises:
        StoreRefused: the user may not ask for it.
        StoreError: Redis could not write them, or took too long.

    """
    told = told_of(session, "persistence")
    appends = told.get("aof_enabled") == "1"
    dumped = int(told.get("rdb_saves", 0)) > 0 or int(told.get("rdb_last_load_keys_loaded", 0)) > 0
    kinds = [(_APPENDED, appends), (_DUMPED, dumped)]
    return [_rewritten(session, clock, kind) for kind, there in kinds if there]


def _rewritten(session: RedisSession, clock: Clock, kind: _Kind) -> str:
    pause, deadline_s = threading.Event(), clock.monotonic_s() + FILES_S_MAX
    # One that is under way may have begun before the last change.
    begun = False
    before = 0
    while clock.monotonic_s() < deadline_s:
        told = told_of(session, "persistence")
        count = int(told.get(kind.counted, 0))
        if any(told.get(each, "0") != "0" for each in kind.running):
            pause.wait(ASK_AGAIN_S)
        elif not begun:
            before, begun = count, True
            session.ask(kind.command)
        elif count == before:
            pause.wait(ASK_AGAIN_S)
        elif told.get(kind.status) == "ok":
            return kind.name
        else:
            break
    raise StoreError(
        f"Redis at {session.where} did not write its {kind.name} anew.",
        "Look at its log and its disk; then run `anpr watchlist purge`.",
    )


def told_of(session: RedisSession, section: str) -> Mapping[str, str]:
    """Ask a Redis for a section of what it tells of itself, by name."""
    text = session.ask("INFO", section).decode(errors="replace")
    pairs = (line.partition(":") for line in text.splitlines() if ":" in line)
    return {name: value for name, _, value in pairs}
