"""One step on top of what was read: written if nobody changed that meanwhile, else made anew."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from anpr_engine.errors import StoreConflict
from anpr_engine.watchlist.redis_client import RedisSession
from anpr_engine.watchlist.redis_keys import StoreKey
from anpr_engine.watchlist.redis_wire import Command

Made = TypeVar("Made")


def written_unchanged(
    session: RedisSession,
    key: StoreKey,
    plan: Callable[[], tuple[Sequence[Command], Made]],
    tries: int,
    what: str,
) -> Made:
    """Write what a plan makes of a key's content, in one transaction.

    Args:
        session: the store.
        key: nobody may change it between the plan and the transaction.
        plan: reads, and gives the commands and what they come to; asked anew for each try.
        tries: how often others may be faster.
        what: they changed, for the error.

    Raises:
        StoreConflict: others were faster each time; nothing was written.

    """
    for _ in range(tries):
        session.ask_all([("UNWATCH",), ("WATCH", key.name)])
        commands, made = plan()
        if session.ask_all([("MULTI",), *commands, ("EXEC",)])[-1] is not None:
            return made
    raise StoreConflict(
        f"Others changed {what} first, {tries} times in a row.", "Run the command again."
    )
