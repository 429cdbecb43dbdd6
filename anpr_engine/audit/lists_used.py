"""Which version of the lists a site's engines used last, by their own record.

Why: a store can be put back to what it was while no engine looks, signed as it was signed then.
The record lies elsewhere and only grows. It tells no less than the version of the last alert,
refused hit, recall or start; a version that came and went without any of these leaves no mark.
"""

from collections.abc import Iterable
from datetime import datetime

import msgspec

from anpr_engine.errors import StoreRolledBack

ANY = "any"


class _Line(msgspec.Struct):
    occurred_at: datetime
    watchlist_version: int = 0


_LINES = msgspec.json.Decoder(_Line)


def version_used(lines: Iterable[bytes]) -> int:
    """Give the version in the newest of some lines; 0 where none tells one."""
    found = [line for line in map(_line, lines) if line is not None]
    newest = max(found, key=lambda line: line.occurred_at, default=None)
    return 0 if newest is None else newest.watchlist_version


def refuse_older(found: int, used: int, accepted: int | str) -> None:
    """Hold that a store's version is none from before the one used last.

    Args:
        found: in the store; 0 where it holds none.
        used: from `version_used`.
        accepted: an older version that a person lets pass, or `ANY`.

    Raises:
        StoreRolledBack: it is older.

    """
    if found >= used or accepted in (ANY, found):
        return
    what = f"Redis holds the watchlists of version {found}, and by its record this site used {used}"
    raise StoreRolledBack(
        f"{what}: an older copy was put back, or the store was emptied.",
        "Restore the newer lists. If these are right, start the engine once with "
        f"ANPR_WATCHLIST__ACCEPT_OLDER={found}; the record shows that it did.",
    )


def _line(text: bytes) -> _Line | None:
    try:
        return _LINES.decode(text)
    except msgspec.MsgspecError:
        return None
