"""Signs what a store holds now: for a store that was never signed, or was checked by a person."""

from collections.abc import Iterator
from dataclasses import replace

from anpr_engine.errors import StoreConflict, StoreError
from anpr_engine.watchlist.manifest import Manifest, read_manifest
from anpr_engine.watchlist.redis_client import RedisSession
from anpr_engine.watchlist.redis_keys import BUCKETS, MANIFEST, entries_key
from anpr_engine.watchlist.row_sum import RowSum
from anpr_engine.watchlist.seals import Sealer

BUCKETS_A_TRIP = 32


def seal_store(session: RedisSession, sealer: Sealer) -> Manifest | None:
    """Sign the present version, whatever it holds; None where there are no watchlists yet.

    Raises:
        StoreConflict: it was changed meanwhile; nothing was signed.
        StoreError: Redis cannot be read, or lost entries.

    """
    _, reply = session.ask_all([("WATCH", MANIFEST.name), ("HGETALL", MANIFEST.name)])
    manifest = read_manifest(reply)
    if manifest is None:
        session.ask("UNWATCH")
        return None
    total, count = RowSum(), 0
    for rows in _rows(session):
        total.add(rows)
        count += len(rows)
    if count != manifest.entries:
        session.ask("UNWATCH")
        what = f"Redis at {session.where} should hold {manifest.entries} entries, holds {count}."
        raise StoreError(what, "Restore a copy or import the lists again; nothing was signed.")
    # Nothing is said of the version before: this signature begins a row, and ends none. A history
    # that was signed stays so; what was not is begun with the next version.
    kept = manifest if not sealer.trust.objection(manifest) else replace(manifest, seal=None)
    sealed = sealer.sign(kept, "", "", total)
    commands = [("MULTI",), ("HSET", MANIFEST.name, *sealed.fields()), ("EXEC",)]
    if session.ask_all(commands)[-1] is None:
        what = "The watchlists were changed while they were summed up; nothing was signed."
        raise StoreConflict(what, "Run the command again.")
    return sealed


def _rows(session: RedisSession) -> Iterator[list[bytes]]:
    for first in range(0, BUCKETS, BUCKETS_A_TRIP):
        chunk = range(first, min(first + BUCKETS_A_TRIP, BUCKETS))
        yield from session.ask_all([("HVALS", entries_key(bucket)) for bucket in chunk])
