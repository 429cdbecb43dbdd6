"""Counts of what partners asked, kept beside the lists; no two commands count past a limit."""

from collections.abc import Callable

from anpr_engine.watchlist.redis_client import RedisSession
from anpr_engine.watchlist.redis_keys import ASKED
from anpr_engine.watchlist.redis_wire import Command
from anpr_engine.watchlist.unchanged import written_unchanged

TRIES = 20


def count_asked(session: RedisSession, who: str, counted: Callable[[bytes | None], bytes]) -> None:
    """Count what somebody asks.

    Args:
        session: the store.
        who: partner and kind of question, as one name.
        counted: gives the new count from the old one, or raises what refuses it.

    Raises:
        StoreConflict: others counted first each time; nothing was counted.
        StoreError: the store cannot be reached.

    """

    def plan() -> tuple[list[Command], None]:
        before: bytes | None = session.ask("HGET", ASKED.name, who)
        return [("HSET", ASKED.name, who, counted(before))], None

    written_unchanged(session, ASKED, plan, TRIES, "the count of what was asked")
